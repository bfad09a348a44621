"""Filters hold in the search, whatever else is going on: compared with a rule for one answer, written out."""

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.schema import Answer
from retrieval.filters import Where
from retrieval.index import Index, Logged
from retrieval.match import Matcher
from retrieval.search import Searcher
from retrieval.testing import HashEncoder

ENCODER = HashEncoder(dim=16)
NOW = 1_700_000_000.0
_WORDS = ("delivery", "tent", "return", "wash", "jacket")


def may_see(answer: Answer, where: Where, at: float) -> bool:
    """Whether one answer passes a filter, apart from its language."""
    audiences = ["public", "signed_in", "agents"]
    return (
        answer.reusable
        and audiences.index(answer.audience) <= audiences.index(where.audience)
        and answer.site in ("", where.site or answer.site)
        and (not where.products or not answer.products or bool(set(answer.products) & set(where.products)))
        and set(where.tags) <= set(answer.tags)
        and (answer.valid_from is None or answer.valid_from <= at)
        and (answer.valid_until is None or at < answer.valid_until)
    )


class _AddsMeanwhile(HashEncoder):
    """While it reads a message, somebody adds an answer."""

    index: Index

    def encode(self, texts: Any, *, batch_size: int = 64) -> Any:
        vectors = super().encode(texts)
        secret = Answer(f"s{len(self.index)}", "Delivery codes of the tent.", "en", audience="agents")
        asked = Logged("delivery of the tent", secret.id)
        self.index.append([secret], [asked], ENCODER.encode([secret.text]), ENCODER.encode([asked.text]))
        return vectors


def test_what_is_added_for_agents_reaches_no_search_that_runs_meanwhile() -> None:
    encoder = _AddsMeanwhile(dim=16)
    encoder.index = index = Index.from_parts([Answer("p", "Delivery takes three days.", "en")], [], ENCODER)
    searcher = Searcher(Matcher(index, encoder))
    for _ in range(3):
        assert [hit.id for hit in searcher.search("delivery of the tent").hits] == ["p"]


def test_an_answer_that_is_half_added_disturbs_no_filter() -> None:
    index = Index.from_parts([Answer("p", "Delivery.", "en", tags=("a",), products=("a",))], [], ENCODER)
    for labels in (index.columns.tags, index.columns.products):
        labels.append(("a",))
    found = index.filters.allowed(Where(language="en", tags=("a",), products=("a",)))
    assert found.answers is None or found.answers.tolist() == [True]


_few = st.lists(st.sampled_from(["a", "b"]), max_size=2, unique=True).map(tuple)
_time = st.sampled_from([None, NOW - 600, NOW + 600])
_answer: Any = st.builds(
    dict,
    text=st.lists(st.sampled_from(_WORDS), min_size=1, max_size=4).map(" ".join),
    language=st.sampled_from(["en", "zh"]),
    reusable=st.booleans(),
    audience=st.sampled_from(["public", "signed_in", "agents"]),
    site=st.sampled_from(["", "uk", "de"]),
    products=_few,
    tags=_few,
    valid_from=_time,
    valid_until=_time,
)
_where = st.builds(
    Where,
    audience=st.sampled_from(["public", "signed_in", "agents"]),
    site=st.sampled_from(["", "uk", "fr"]),
    products=_few,
    tags=_few,
    at=st.sampled_from([NOW, NOW + 1200]),
)


def _vectors(texts: list[str]) -> Any:
    return ENCODER.encode(texts) if texts else np.zeros((0, 16), dtype=np.float32)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(_answer, min_size=1, max_size=12), where=_where, late=st.integers(0, 6), data=st.data())
def test_no_hit_ever_violates_its_filter(rows: list[Any], where: Where, late: int, data: st.DataObject) -> None:
    answers = [Answer(f"a{i}", **row) for i, row in enumerate(rows)]
    logged = [Logged(f"how about {a.text}", a.id, language=a.language) for a in answers]
    first, later = answers[late:], answers[:late]
    index = Index.of(first, logged[late:], _vectors([a.text for a in first]), _vectors([q.text for q in logged[late:]]))
    index.append(later, logged[:late], _vectors([a.text for a in later]), _vectors([q.text for q in logged[:late]]))
    retired = data.draw(st.sets(st.sampled_from([a.id for a in answers]), max_size=2))
    for answer_id in retired:
        index.retire(index.row_of[answer_id])
    (match,) = Matcher(index, ENCODER).match([_query()], where=where)
    allowed = {a.id for a in answers if may_see(a, where, where.at or 0) and a.id not in retired}
    english = {a.id for a in answers if a.id in allowed and a.language == "en"}
    found = {index.answers[row].id for row in match.rows.tolist()}
    assert found == (english or allowed)
    asked = {index.logged[place].answer for place in match.asked.tolist() if place >= 0}
    assert asked <= allowed
    assert {a.id for a in answers if a.reusable and where.admits(a)} - retired == allowed, "one by one as by masks"


def _query() -> Any:
    from retrieval.match import Query

    return Query.of(f"how about {' '.join(_WORDS)}", language="en")


def _searcher(*answers: Answer) -> Searcher:
    index = Index.from_parts(list(answers), [], ENCODER)
    return Searcher(Matcher(index, ENCODER))


def test_an_answer_for_agents_reaches_no_customer_and_its_questions_are_not_shown() -> None:
    secret = Answer(
        "s", "Refund up to 50 pounds.", "en", audience="agents", source="curated", questions=("the refund limit",)
    )
    searcher = _searcher(secret, Answer("p", "Ask us about a refund.", "en"))
    assert [hit.id for hit in searcher.search("the refund limit").hits] == ["p"]
    found = searcher.search("the refund limit", where=Where(audience="agents")).hits
    assert [hit.id for hit in found] == ["s", "p"]
    assert (
        searcher.search("the refund limit").known
        < searcher.search("the refund limit", where=Where(audience="agents")).known
    )


def test_validity_is_looked_at_when_the_question_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    searcher = _searcher(Answer("sale", "The sale ends today.", "en", valid_until=NOW), Answer("b", "No sale.", "en"))
    seen = []
    for moment in (NOW - 120, NOW + 60):
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        seen.append({hit.id for hit in searcher.search("sale").hits})
    assert seen == [{"sale", "b"}, {"b"}]


def test_masks_are_made_once_for_a_filter_and_again_after_a_change() -> None:
    index = _searcher(*(Answer(f"a{i}", f"text {i}", "en") for i in range(3))).index
    where = Where(language="en", site="uk")
    first = index.filters.allowed(where)
    assert index.filters.allowed(replace(where)) is first
    index.retire(1)
    after = index.filters.allowed(where)
    assert after.answers is not None
    assert after.answers.tolist() == [True, False, True]


def test_a_filter_of_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="audience 'everyone'"):
        Where(audience="everyone")  # type: ignore[arg-type]
    assert Where(tags=["a"]).tags == ("a",)  # type: ignore[arg-type]


def test_a_written_answer_with_blanks_to_fill_is_found_and_a_logged_one_is_not() -> None:
    text = "Order {order} is on its way."
    searcher = _searcher(Answer("written", text, "en", source="curated"), Answer("logged", text, "en"))
    assert [hit.id for hit in searcher.search("order").hits] == ["written"]
