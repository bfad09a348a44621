"""`careline index evaluate`: files of questions, figures against hand-made ones, times, the worst."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError
from data.schema import Answer, Example
from retrieval.index import Index
from retrieval.match import Matcher
from retrieval.metrics import average_precision, ndcg, ndcg_of
from retrieval.reasons import reasons_of, source_in_words
from retrieval.search import Searcher
from retrieval.testing import HashEncoder
from retrieval.trial import Asked, Outcome, Trial, attempt, read_asked

ANSWERS = [
    Answer("r", "A refund takes five days.", "en", support=3, conversations=("c1",)),
    Answer("s", "We ship on weekdays, in a box.", "en"),
    Answer("t", "The tent is sold out.", "en", source="article", title="Tents", url="https://shop.example/tents"),
]
EXAMPLES = [
    Example("c1", 1, "how long does a refund take", "r", "train", "en"),
    Example("c2", 1, "when do you ship my order", "s", "train", "en"),
    Example("c3", 1, "do you have the tent", "t", "train", "en"),
]


@pytest.fixture
def searcher() -> Searcher:
    encoder = HashEncoder()
    return Searcher(Matcher(Index.from_parts(ANSWERS, EXAMPLES, encoder), encoder))


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_files_are_read(written: Callable[[str, str], Path]) -> None:
    table = 'Question,Answer,Language\n"Where, exactly?",r,en\nhow long,"A refund\ntakes",\n"Where, exactly?",s,en\n'
    assert read_asked(written("q.csv", "\ufeff" + table)) == [
        Asked("Where, exactly?", ("r", "s"), language="en", line=2),
        Asked("how long", ("A refund\ntakes",), line=4),
    ]
    row = {
        "question": "and in a box? 你好",
        "answers": ["s", "t"],
        "turns": [["customer", "do you ship"]],
        "language": "en",
    }
    lines = "\n" + json.dumps(row) + "\n" + '{"question": "a", "answer": "r"}\n'
    assert read_asked(written("u.csv", "question,answer\nwhere\u2028now,r\n")) == [
        Asked("where\u2028now", ("r",), line=2)
    ]
    first, second = read_asked(written("q.jsonl", lines))
    assert first == Asked("and in a box? 你好", ("s", "t"), (("customer", "do you ship"),), "en", 2)
    assert second.right == ("r",)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("q.csv", "", "columns none"),
        ("q.csv", "a,b\n1,2\n", "columns a, b"),
        ("q.csv", "question,answer\n", "no question"),
        ("q.csv", "question,answer\nwhere,\n", "line 2"),
        ("q.jsonl", "", "no question"),
        ("q.jsonl", "{}", "line 1"),
        ("q.jsonl", "[1]", "line 1"),
        ("q.jsonl", "\n{", "line 2"),
        ("q.jsonl", '{"question": "a", "answers": []}', "line 1"),
        ("q.jsonl", '{"question": " ", "answer": "r"}', "line 1"),
        ("q.jsonl", '{"question": "a", "answer": 7}', "line 1"),
        ("q.jsonl", '{"question": "a", "answers": "rs"}', "no list"),
        ("q.csv", 'question,"ans"wer\n', "line 1"),
        ("q.jsonl", '{"question": "a", "answer": "r", "turns": [["boss", "b"]]}', "boss|speaker"),
    ],
)
def test_bad_files_are_refused_with_the_line(
    written: Callable[[str, str], Path], name: str, text: str, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        read_asked(written(name, text))


def test_missing_and_binary_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_asked(tmp_path / "none.csv")
    (tmp_path / "q.csv").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputError, match="decode"):
        read_asked(tmp_path / "q.csv")


def test_answers_are_named_by_id_or_text(searcher: Searcher) -> None:
    rows = [
        Asked("how long does a refund take", ("r",)),
        Asked("how long does a refund take", ("a REFUND  takes five days.",)),
        Asked("how long does a refund take", ("Nobody ever said that.",)),
    ]
    trial = attempt(searcher, rows)
    assert [outcome.rank for outcome in trial.outcomes] == [1, 1, 0]
    assert [outcome.count for outcome in trial.outcomes] == [1, 1, 0]
    figures = trial.figures()
    assert figures["r1"] == round(2 / 3, 4)
    assert figures["not_in_index"] == 1
    assert trial.worst(5) == [trial.outcomes[2]]


def test_right_answers_that_say_the_same_are_found_at_once() -> None:
    encoder = HashEncoder()
    answers = [*ANSWERS, Answer("r2", "A refund takes five days!", "en")]
    searcher = Searcher(Matcher(Index.from_parts(answers, EXAMPLES, encoder), encoder))
    trial = attempt(searcher, [Asked("how long does a refund take", ("r", "r2"))])
    assert (trial.outcomes[0].ranks, trial.outcomes[0].count) == ((1,), 1)
    assert trial.figures()["map"] == trial.figures()["ndcg10"] == 1.0


def test_each_step_is_timed_and_left_as_it_was(searcher: Searcher) -> None:
    before = [searcher.search("when do you ship").to_json(explained=5)]
    trial = attempt(searcher, [Asked("when do you ship", ("s",))] * 3)
    assert {len(row) for row in trial.times.values()} == {3}
    for whole, *steps in zip(trial.times["whole"], *(trial.times[n] for n in trial.times if n != "whole"), strict=True):
        assert whole >= sum(steps) > 0
        assert all(spent > 0 for spent in steps)
    for thing in (searcher.encoder, searcher.index.dense, searcher.index.lexical, searcher.ranker, searcher.alike):
        assert not {"encode", "search", "best", "scores", "probabilities", "choices"} & set(vars(thing))
    assert [searcher.search("when do you ship").to_json(explained=5)] == before


def outcome(ranks: tuple[int, ...], count: int, said: str = "sure", probability: float = 0.5) -> Outcome:
    return Outcome(Asked("q", ("r",)), ranks[0] if ranks else 0, ranks, count, said, "", probability)


def test_figures_equal_those_made_by_hand() -> None:
    trial = Trial((outcome((1,), 1), outcome((2, 4), 2, "unsure"), outcome((), 1, "lost"), outcome((6,), 3)))
    figures = trial.figures()
    assert (figures["r1"], figures["r5"], figures["r10"]) == (0.25, 0.5, 0.75)
    assert figures["mrr"] == round((1 + 1 / 2 + 0 + 1 / 6) / 4, 4)
    assert figures["map"] == round((1 + (1 / 2 + 2 / 4) / 2 + 0 + (1 / 6) / 3) / 4, 4)
    assert figures["outcomes"] == {
        "sure": {"right": 1, "wrong": 1},
        "unsure": {"right": 0, "wrong": 1},
        "lost": {"right": 0, "wrong": 1},
    }
    low, high = figures["intervals"]["r1"]
    assert low <= 0.25 <= high


def test_gain_and_precision_of_several_right_answers() -> None:
    """Against scikit-learn."""
    from sklearn.metrics import average_precision_score, ndcg_score

    draw = np.random.default_rng(0)
    for _ in range(50):
        right = draw.random(20) < 0.3
        scores = np.arange(20, 0, -1.0)
        ranks = (np.flatnonzero(right) + 1).tolist()
        if ranks:
            assert average_precision(ranks, len(ranks)) == pytest.approx(average_precision_score(right, scores))
            oracle = ndcg_score(right[None, :].astype(float), scores[None, :], k=10)
            assert ndcg_of(ranks, len(ranks)) == pytest.approx(oracle)
    assert average_precision((), 0) == ndcg_of((), 0) == 0.0
    assert ndcg_of((3,), 1) == pytest.approx(ndcg([3]))


def test_the_worst_come_first() -> None:
    rows = (
        outcome((1,), 1, "lost"),
        outcome((2,), 1, "unsure"),
        outcome((9,), 1, "sure"),
        outcome((), 1, "lost"),
        outcome((), 1, "sure"),
    )
    assert [(o.said, o.rank) for o in Trial(rows).worst(3)] == [("sure", 0), ("sure", 9), ("unsure", 2)]


def test_a_picture_is_drawn(searcher: Searcher, tmp_path: Path) -> None:
    from retrieval.trial_plot import draw

    trial = attempt(searcher, [Asked("when do you ship", ("s",)), Asked("tent?", ("r",))])
    draw(trial, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="another place"):
        draw(trial, tmp_path / "none" / "plot.png")


def test_reasons_add_up_to_the_score(searcher: Searcher) -> None:
    result = searcher.search("how long does the refund take", explained=5)
    rows = reasons_of(result, searcher)
    assert [row.id for row in rows] == [hit.id for hit in result.hits]
    assert rows[0].questions[0][0] == "how long does a refund take"
    assert "refund" in rows[0].words
    (match,) = searcher.matcher.match([searcher_query("how long does the refund take")])
    scores = dict(zip(match.rows.tolist(), searcher.ranker.scores(match.features).tolist(), strict=True))
    for row in rows:
        total = sum(adds for *_, adds in row.evidence) + searcher.ranker.bias
        assert total == pytest.approx(scores[searcher.index.row_of[row.id]], abs=0.01)


def test_a_question_that_was_taken_out_is_no_reason(searcher: Searcher) -> None:
    searcher.index.retire_questions([0])
    result = searcher.search("how long does the refund take", explained=5)
    shown = {question for row in reasons_of(result, searcher) for question, _ in row.questions}
    assert "how long does a refund take" not in shown
    assert "when do you ship my order" in shown


def searcher_query(text: str):  # type: ignore[no-untyped-def]
    from retrieval.match import Query

    return Query.of(text)


def test_sources_in_words() -> None:
    assert source_in_words(ANSWERS[0]) == "log, given 3 x, in c1"
    assert source_in_words(ANSWERS[2]) == 'article, "Tents", https://shop.example/tents'
