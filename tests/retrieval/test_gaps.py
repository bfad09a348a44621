"""`careline index gaps`: what got no good answer, grouped, counted, redacted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError
from data.schema import Answer, Example
from retrieval.encoder import unit
from retrieval.gaps import Question, content_gaps, day_of, groups, read_questions
from retrieval.index import Index
from retrieval.match import Matcher
from retrieval.search import Searcher
from retrieval.testing import HashEncoder


@pytest.fixture
def searcher() -> Searcher:
    encoder = HashEncoder(dim=256)
    answers = [Answer("r", "A refund takes five days.", "en")]
    examples = [Example("c1", 1, "how long does a refund take", "r", "train", "en")]
    return Searcher(Matcher(Index.from_parts(answers, examples, encoder), encoder))


def asked(text: str, *, outcome: str = "lost", did: str = "asked to rephrase", language: str = "en") -> Question:
    return Question(text, language, 1.7e9, outcome, 0.4, did)


def test_like_questions_are_one_gap_and_good_answers_none(searcher: Searcher) -> None:
    rows = [
        asked("do you repair broken tents"),
        asked("do you repair a broken tent?", did="handed over"),
        asked("do you repair broken tents"),
        asked("gift cards by mail"),
        asked("how long does a refund take", outcome="sure", did="answered"),
        asked("what colours are there", outcome="unsure", did="offered"),
        asked("能修帐篷吗", language="zh"),
    ]
    found = content_gaps(rows, searcher)
    assert [(gap.count, gap.language) for gap in found] == [(3, "en"), (1, "en"), (1, "zh")]
    assert "repair" in found[0].question
    assert found[0].did == {"asked to rephrase": 2, "handed over": 1}
    assert len(found[0].examples) == 1
    assert found[0].nearest == "A refund takes five days."
    assert sum(gap.count for gap in found) == sum(row.unanswered for row in rows)


def test_what_is_answered_by_now_is_no_gap(searcher: Searcher) -> None:
    rows = [asked("how long does a refund take"), asked("xylophone zebra")]
    sure = searcher.search("how long does a refund take").outcome
    assert sure == "sure"
    assert [gap.question for gap in content_gaps(rows, searcher)] == ["xylophone zebra"]


def test_nothing_personal_is_shown(searcher: Searcher) -> None:
    rows = [asked("my mail is mia.wong@example.org, call +49 151 23456789"), asked("card 4111 1111 1111 1111 declined")]
    told = json.dumps([gap.to_json() for gap in content_gaps(rows, searcher)])
    for secret in ("mia.wong", "23456789", "4111"):
        assert secret not in told


def test_no_rows_no_gaps(searcher: Searcher) -> None:
    assert content_gaps([], searcher) == []
    assert content_gaps([asked(""), asked("!?")], searcher)[0].count == 2


def test_groups_hold_every_row_once() -> None:
    draw = np.random.default_rng(0)
    centres = unit(draw.standard_normal((6, 32)))
    which = draw.integers(0, 6, 200)
    vectors = unit(centres[which] + 0.05 * draw.standard_normal((200, 32)).astype(np.float32))
    found = groups(vectors)
    assert sorted(np.concatenate(found).tolist()) == list(range(200))
    assert {frozenset(which[rows].tolist()) for rows in found} == {frozenset({i}) for i in range(6)}
    assert groups(np.zeros((0, 4), dtype=np.float32)) == []


def test_files_are_read_by_day_and_language(tmp_path: Path) -> None:
    file = tmp_path / "asked.jsonl"
    rows = [
        {"text": text, "language": language, "time": time, "outcome": "lost", "known": 0.5, "did": "nothing"}
        for text, language, time in (("old", "en", 1.0), ("new", "en", 2e9), ("新", "zh", 2e9))
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert [row.text for row in read_questions(file)] == ["old", "new", "新"]
    assert [row.text for row in read_questions(file, since=day_of("2026-11-01"), language="en")] == ["new"]


@pytest.mark.parametrize("line", ["{", "[]", "7", '{"text": "a"}', '{"text": 1}'])
def test_bad_lines_are_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "asked.jsonl").write_text("\n" + line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 2"):
        read_questions(tmp_path / "asked.jsonl")
    with pytest.raises(InputError, match="No such file"):
        read_questions(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="2026-11-01"):
        day_of("yesterday")
