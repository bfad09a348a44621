"""What people change: the records, and what they come to when an index is built again. No FAISS, no encoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.artifacts import IndexLayout, Manifest, create
from data.errors import InputError
from data.records import write_rows
from data.schema import Answer
from retrieval.answers import AnswerBook
from retrieval.curate import Curator, Details
from retrieval.journal import Change, Follower, Journal, standing
from retrieval.relearn import WITHDRAWN, take_over_changes, with_changes

ANSWERS = [
    Answer("d", "The order is on its way in three days.", "en", support=4, conversations=("c1", "c2"), topics=("t",)),
    Answer("t", "Send the tent back within 30 days.", "en", support=2, questions=("may I return it?",)),
    Answer("p", "Your order 17 is in Leeds.", "en", support=9, reusable=False, held_back="personal"),
]


@pytest.fixture
def curator(tmp_path: Path) -> Curator:
    return Curator(AnswerBook(ANSWERS), Journal(tmp_path / "changes.jsonl"))


def book(curator: Curator) -> AnswerBook:
    """The same answers, followed by another process."""
    made = AnswerBook(ANSWERS, Follower(curator.journal.path))
    made.refresh()
    return made


def test_an_added_answer_is_said_and_its_id_follows_its_text(curator: Curator) -> None:
    made = curator.add("Do you ship to Norway?", "  Yes, within five days. ", by="anna")
    (answer,) = [a for a in book(curator) if a.source == "curated"]
    assert answer == made.answer
    assert (made.kind, made.by, made.before, made.questions) == ("add", "anna", None, ("Do you ship to Norway?",))
    assert (answer.text, answer.language, answer.support) == ("Yes, within five days.", "en", 0)
    again = curator.add("and to Sweden?", "yes, within FIVE days.", by="bo")
    assert again.answer.id == answer.id
    assert again.before == answer
    assert again.added == ("and to Sweden?",)
    assert curator.questions(answer.id) == ("Do you ship to Norway?", "and to Sweden?")
    assert len(book(curator)) == len(ANSWERS) + 1


def test_details_say_for_whom_where_and_when(curator: Curator) -> None:
    details = Details(
        site="uk", tags=("a", "b"), products=("tent",), valid_from=1.0, valid_until=2.0, audience="agents"
    )
    made = curator.add("q", "Only we know.", details=details).answer
    assert (made.site, made.tags, made.products, made.audience) == ("uk", ("a", "b"), ("tent",), "agents")
    changed = curator.change(made.id, details=Details(audience="public")).answer
    assert changed == replace(made, audience="public")
    with pytest.raises(InputError, match="an end that is not after"):
        curator.change(made.id, details=Details(valid_until=0.5))
    with pytest.raises(InputError, match="got no change"):
        curator.change(made.id, details=Details(audience="public"))


def test_an_answer_for_agents_stays_theirs_when_a_question_is_added_to_it(curator: Curator) -> None:
    made = curator.add("q", "Only we know.", details=Details(audience="agents", site="uk", language="fr")).answer
    again = curator.add("q2", "only we KNOW.").answer
    assert (again.id, again.text) == (made.id, "only we KNOW.")
    assert (again.audience, again.site, again.language) == ("agents", "uk", "fr")
    curator.remove(made.id)
    back = curator.add("q3", "Only we know.", details=Details(site="")).answer
    assert (back.reusable, back.held_back, back.audience, back.site) == (True, None, "agents", "")


def test_a_book_whose_journal_was_replaced_forgets_what_the_old_one_said(
    curator: Curator, caplog: pytest.LogCaptureFixture
) -> None:
    curator.remove("t")
    kept = curator.journal.path.read_bytes()
    following = book(curator)
    curator.remove("d")
    following.refresh()
    assert following.sayable("d") is None
    curator.journal.path.write_bytes(kept)
    following.refresh()
    assert (following.sayable("d"), following.sayable("t")) == (ANSWERS[0], None)
    curator.journal.path.write_bytes(b"{}\n" + kept)
    for _ in range(2):
        following.refresh()
    assert following.sayable("t") is None
    assert len(caplog.records) == 1


def test_a_reworded_answer_keeps_its_id_and_its_provenance(curator: Curator) -> None:
    made = curator.change("d", text="In two days.", questions=["when?"]).answer
    assert (made.id, made.text, made.source, made.support, made.conversations) == (
        "d",
        "In two days.",
        "curated",
        4,
        ("c1", "c2"),
    )
    assert book(curator).sayable("d") == made


def test_removing_restoring_and_taking_back(curator: Curator) -> None:
    curator.remove("d", by="anna")
    assert book(curator).sayable("d") is None
    assert book(curator).get("d") == replace(ANSWERS[0], reusable=False, held_back=WITHDRAWN)
    with pytest.raises(InputError, match="withdrawn already"):
        curator.remove("d")
    assert curator.restore("d").kind == "restore"
    assert book(curator).sayable("d") == ANSWERS[0]
    with pytest.raises(InputError, match="not withdrawn"):
        curator.restore("d")
    assert book(curator).sayable("p") is None
    curator.restore("p")
    assert book(curator).sayable("p") is not None, "a person decides over what learning held back"
    undone = curator.undo()
    assert (undone.kind, undone.undoes) == ("remove", 3)
    assert book(curator).get("p") == ANSWERS[2]
    assert [c.number for c in curator.history("d")] == [1, 2]


def test_undo_goes_back_step_by_step_and_can_be_undone(curator: Curator) -> None:
    added = curator.add("q1", "Yes.").answer
    curator.add("q2", "Yes.")
    curator.change(added.id, text="No.")
    with pytest.raises(InputError, match="a later change of the same answer, 3"):
        curator.undo(1)
    assert curator.undo().undoes == 3
    assert book(curator).sayable(added.id).text == "Yes."  # type: ignore[union-attr]
    assert curator.undo().undoes == 2
    assert curator.questions(added.id) == ("q1",)
    assert curator.undo().kind == "remove"
    assert book(curator).sayable(added.id) is None
    with pytest.raises(InputError, match="no change that stands"):
        curator.undo()
    with pytest.raises(InputError, match="no change that stands"):
        curator.undo(3)
    redone = curator.undo(6)
    assert (redone.kind, redone.undoes) == ("restore", 6)
    assert book(curator).sayable(added.id) == added
    assert curator.undo(1).undoes == 1
    assert book(curator).sayable(added.id) is None


@pytest.mark.parametrize(
    ("question", "text", "got"),
    [
        ("q", "Dear <NAME>", "the answer"),
        ("q", " ", "the answer"),
        ("  ", "Yes.", "the question"),
        ("q", "y" * 20_001, "20,001 characters"),
        ("q" * 2_001, "Yes.", "2,001 characters"),
        ("q", "half \ud800", "whole characters"),
    ],
)
def test_what_cannot_be_said_cannot_be_added(curator: Curator, question: str, text: str, got: str) -> None:
    with pytest.raises(InputError, match=got):
        curator.add(question, text)
    assert curator.history() == []


def test_an_unknown_answer_is_one_clear_line(curator: Curator) -> None:
    calls: list[Callable[[str], Change]] = [curator.remove, curator.restore, lambda i: curator.change(i, text="x")]
    for call in calls:
        with pytest.raises(InputError, match="no such id"):
            call("none")


def test_two_curators_see_each_other(curator: Curator, tmp_path: Path) -> None:
    other = Curator(AnswerBook(ANSWERS), Journal(tmp_path / "changes.jsonl"))
    curator.remove("d")
    with pytest.raises(InputError, match="withdrawn already"):
        other.remove("d")
    assert other.restore("d").number == 2
    assert curator.remove("d").number == 3


def test_an_index_that_is_built_again_holds_what_people_want(curator: Curator) -> None:
    added = curator.add("q1", "Yes.").answer
    for number in range(2, 9):
        curator.add(f"q{number}", "Yes.")
    curator.remove("t")
    curator.change("d", text="In two days.", questions=["when?"])
    answers, asked = with_changes(ANSWERS, curator.history())
    assert {a.id: a for a in answers} == {a.id: a for a in book(curator)}
    assert [(e.context, e.answer) for e in asked] == [(f"q{n}", added.id) for n in range(1, 4)], "its own are indexed"
    assert with_changes([], curator.history())[0] == [book(curator).get(added.id), book(curator).get("d")]


def test_what_was_withdrawn_or_reworded_stays_away_under_another_id(curator: Curator) -> None:
    curator.remove("t")
    curator.change("d", text="In two days.")
    again = [replace(ANSWERS[0], id="d2"), replace(ANSWERS[1], id="t2", text="send the tent back within 30 days")]
    other = Answer("o", "Send the tent back within 60 days.", "en")
    answers, _ = with_changes([*again, other], curator.history())
    made = {a.id: a for a in answers}
    assert (made["d2"].reusable, made["t2"].held_back, made["o"]) == (False, WITHDRAWN, other)
    assert made["d"].text == "In two days."
    curator.undo()
    curator.undo()
    assert with_changes([*again, other], curator.history())[0] == [*again, other]


def test_what_the_log_knows_better_is_kept(curator: Curator) -> None:
    """What learning found out since about an answer counts, but for what the person changed."""
    curator.change("d", questions=["when?"])
    curator.remove("t")
    curator.restore("t")
    held = [replace(a, support=50, reusable=False, held_back="contradicts a newer one") for a in ANSWERS[:1]]
    answers, asked = with_changes([*held, ANSWERS[1]], curator.history())
    assert answers[0] == replace(held[0], questions=("when?",))
    assert [e.context for e in asked] == ["when?"]
    assert answers[1] == ANSWERS[1]


STEP = st.tuples(st.sampled_from(["add", "change", "remove", "restore", "undo"]), st.sampled_from("dtp12"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=12))
def test_following_equals_building_again_equals_undoing(steps: list[tuple[str, str]], tmp_path: Path) -> None:
    (tmp_path / "changes.jsonl").unlink(missing_ok=True)
    curator = Curator(AnswerBook(ANSWERS), Journal(tmp_path / "changes.jsonl"))
    follower = AnswerBook(ANSWERS, Follower(curator.journal.path))
    for number, (kind, name) in enumerate(steps):
        known = name if name in "dtp" else next((a.id for a in follower if a.text == f"Answer {name}."), name)
        try:
            if kind == "add":
                curator.add(f"question {number % 3}", f"Answer {name}.")
            elif kind == "undo":
                curator.undo()
            elif kind == "change":
                curator.change(known, text=f"Text {number}.", questions=[f"question {number % 3}"])
            else:
                getattr(curator, kind)(known)
        except InputError:
            continue
        follower.refresh()
    built, _ = with_changes(ANSWERS, curator.history())
    said = {a.id: a.text for a in follower if follower.sayable(a.id)}
    assert said == {a.id: a.text for a in built if AnswerBook([a]).sayable(a.id)}
    while standing(curator.history()):
        curator.undo()
    follower.refresh()
    assert {a.id: a.text for a in follower if follower.sayable(a.id)} == {a.id: a.text for a in ANSWERS[:2]}


def old_index(folder: Path, changes: list[dict[str, str]], answers: list[Answer]) -> IndexLayout:
    with create(folder, Manifest("index", "old", recipe={"code": 4, "changes": changes})) as draft:
        write_rows(IndexLayout(draft.folder).answers, answers)
    return IndexLayout(folder / "old")


def test_changes_of_the_old_way_become_records_once(tmp_path: Path) -> None:
    added = Answer("c1", "Yes.", "en", support=9, source="curated", questions=("q1",), reusable=False)
    changes = [
        {"added": "c1", "question": "q1"},
        {"added": "c1", "question": "q2"},
        {"removed": "d"},
        {"removed": "c1"},
    ]
    index = old_index(tmp_path / "indexes", changes, [*ANSWERS, added])
    journal = Journal(tmp_path / "answers" / "changes.jsonl")
    assert take_over_changes(journal, index) == 4
    assert take_over_changes(journal, index) == 0
    made = journal.read()
    assert [(c.kind, c.answer.id, c.questions) for c in made] == [
        ("add", "c1", ("q1",)),
        ("add", "c1", ("q1", "q2")),
        ("remove", "d", ()),
        ("remove", "c1", ("q1", "q2")),
    ]
    answers, _ = with_changes(ANSWERS, made[:3])
    assert [(a.id, a.reusable) for a in answers] == [("d", False), ("t", True), ("p", False), ("c1", True)]
    assert take_over_changes(journal, IndexLayout(tmp_path / "absent")) == 0


def test_a_book_reports_a_damaged_journal_once_and_stays(curator: Curator, caplog: pytest.LogCaptureFixture) -> None:
    curator.remove("d")
    followed = book(curator)
    with curator.journal.path.open("ab") as stream:
        stream.write(b"not a change\n")
    followed.refresh()
    followed.refresh()
    assert len(caplog.records) == 1
    assert "line 2: got a damaged line" in caplog.text
    assert followed.sayable("d") is None
