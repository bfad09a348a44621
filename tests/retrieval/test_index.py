"""An index that changes in memory equals one that was built from what it came to."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.artifacts import IndexLayout
from data.errors import InputError
from data.schema import Answer, Example
from retrieval.columns import Labels
from retrieval.grown import Grown
from retrieval.index import NO_ROW, Index, Logged
from retrieval.match import Match, Matcher, Query
from retrieval.search import Searcher
from retrieval.shelf import Ids, Shelf
from retrieval.testing import HashEncoder

ENCODER = HashEncoder(dim=32)
TEXTS = ["Delivery takes three days.", "Return it within 30 days.", "Wash at 30 degrees.", "We are open on Sunday."]
ANSWERS = [Answer(f"a{i}", text, "en", support=i + 1, topics=("t",) * (i % 2)) for i, text in enumerate(TEXTS)]
EXAMPLES = [Example(f"c{i}", 1, f"question {i} {text}", f"a{i}", "train", "en") for i, text in enumerate(TEXTS)]
NEW = Answer("new", "Tents dry in the shade.", "en", source="curated", site="uk", tags=("care",))
ASKED = Logged("how do I dry my tent", "new")
NONE = np.zeros((0, 32), dtype=np.float32)


def vectors(*texts: str) -> Any:
    return ENCODER.encode(list(texts))


@pytest.fixture
def index() -> Index:
    return Index.from_parts(ANSWERS, EXAMPLES, ENCODER)


@pytest.fixture(params=["memory", "disk"])
def kept(request: pytest.FixtureRequest, index: Index, tmp_path: Path) -> Index:
    """The same index, as it was built and as it is opened."""
    if request.param == "memory":
        return index
    layout = IndexLayout(tmp_path)
    index.save(layout)
    return Index.load(layout)


def ids(index: Index, text: str) -> list[str]:
    return [hit.id for hit in Searcher(Matcher(index, ENCODER)).search(text, language="en").hits]


def add(index: Index) -> int:
    (row,) = index.append([NEW], [ASKED], vectors(NEW.text), vectors(ASKED.text)).tolist()
    return int(row)


def test_what_is_appended_is_found_at_once_and_what_is_retired_no_more(kept: Index) -> None:
    assert "new" not in ids(kept, ASKED.text)
    row = add(kept)
    assert (row, kept.answers[row], kept.row_of["new"], len(kept)) == (4, NEW, 4, 5)
    assert ids(kept, ASKED.text)[0] == "new"
    kept.retire(row)
    assert "new" not in ids(kept, ASKED.text)
    assert "new" not in kept.row_of
    assert kept.answers[row] == NEW
    assert add(kept) == 5
    assert ids(kept, ASKED.text)[0] == "new"


def test_a_replaced_answer_keeps_its_questions_unless_told_otherwise(kept: Index) -> None:
    changed = replace(ANSWERS[1], text="You have 60 days.")
    row = kept.replace(changed, [], vectors(changed.text)[0], NONE)
    (match,) = Matcher(kept, ENCODER).match([Query.of(EXAMPLES[1].context, language="en")])
    assert 1 not in match.rows
    assert match.asked[match.rows.tolist().index(row)] == 1
    assert kept.logged_rows.tolist() == [0, row, 2, 3]
    again = kept.replace(replace(changed, text="You have 90 days."), [], vectors("You have 90 days."), NONE)
    assert kept.logged_rows.tolist() == [0, again, 2, 3]
    last = kept.replace(ANSWERS[1], [], vectors(TEXTS[1]), NONE, keep_questions=False)
    (match,) = Matcher(kept, ENCODER).match([Query.of(EXAMPLES[1].context, language="en")])
    assert match.asked[match.rows.tolist().index(last)] != 1
    assert [kept.row_of[f"a{i}"] for i in range(4)] == [0, last, 2, 3]


def test_a_retired_question_has_no_say(kept: Index) -> None:
    add(kept)
    before = next(iter(Matcher(kept, ENCODER).match([Query.of(ASKED.text, language="en")])))
    kept.retire_questions([4])
    after = next(iter(Matcher(kept, ENCODER).match([Query.of(ASKED.text, language="en")])))
    assert 4 in before.asked
    assert 4 not in after.asked
    assert after.similarity < before.similarity


def test_a_changed_index_is_written_as_if_it_had_been_built(kept: Index, tmp_path: Path) -> None:
    add(kept)
    kept.retire(kept.row_of["a0"])
    changed = replace(ANSWERS[2], text="Wash by hand.")
    kept.replace(changed, [], vectors(changed.text), NONE)
    layout = IndexLayout(tmp_path / "again")
    layout.folder.mkdir()
    kept.save(layout)
    loaded = Index.load(layout)
    built = Index.of(
        [ANSWERS[1], ANSWERS[3], NEW, changed],
        [*(Logged(e.context, e.answer) for e in EXAMPLES[1:]), ASKED],
        vectors(TEXTS[1], TEXTS[3], NEW.text, changed.text),
        vectors(*(e.context for e in EXAMPLES[1:]), ASKED.text),
    )
    assert list(loaded.answers) == list(built.answers)
    assert [row.text for row in loaded.logged] == [row.text for row in built.logged]
    for text in (ASKED.text, "wash", "sunday delivery"):
        ours, theirs = (next(iter(Matcher(i, ENCODER).match([Query.of(text, language="en")]))) for i in (loaded, built))
        assert_same(ours, theirs)


def assert_same(ours: Match, theirs: Match) -> None:
    np.testing.assert_array_equal(ours.rows, theirs.rows)
    np.testing.assert_allclose(ours.features, theirs.features, atol=1e-5)
    np.testing.assert_array_equal(ours.asked, theirs.asked)


def test_a_change_that_does_not_fit_changes_nothing(kept: Index) -> None:
    with pytest.raises(ValueError, match="already"):
        kept.append([ANSWERS[0]], [], vectors("x"), NONE)
    with pytest.raises(ValueError, match="shape"):
        kept.append([NEW], [ASKED], vectors(NEW.text), NONE)
    with pytest.raises(ValueError, match="shape"):
        kept.append([NEW], [], vectors(NEW.text)[:, :5], NONE)
    with pytest.raises(KeyError):
        kept.replace(NEW, [], vectors(NEW.text), NONE)
    assert (kept.version, len(kept), len(kept.dense), kept.lexical.size) == (0, 4, 4, 4)


def test_the_files_do_not_follow_changes_in_memory(index: Index, tmp_path: Path) -> None:
    layout = IndexLayout(tmp_path)
    index.save(layout)
    opened = Index.load(layout)
    opened.retire(0)
    assert "a0" in ids(Index.load(layout), TEXTS[0])
    assert "a0" not in ids(opened, TEXTS[0])


def test_damaged_columns_are_refused_in_one_line(index: Index, tmp_path: Path) -> None:
    layout = IndexLayout(tmp_path)
    index.save(layout)
    np.save(layout.columns / "support.npy", np.zeros(2, dtype=np.float32))
    with pytest.raises(InputError, match="different lengths") as refusal:
        Index.load(layout)
    assert "\n" not in str(refusal.value)
    (layout.columns / "facts.json").write_text("{}")
    with pytest.raises(InputError, match="careline index build"):
        Index.load(layout)


def test_rows_that_grow_keep_their_numbers() -> None:
    grown = Grown(np.arange(3))
    expected = list(range(3))
    for start in range(3, 200, 7):
        grown.append(np.arange(start, start + 7))
        expected += range(start, start + 7)
        rows = np.array([0, -1, start, 2])
        np.testing.assert_array_equal(grown.at(rows), np.array(expected)[rows])
    grown.put(1, 50)
    grown.put(len(grown) - 1, 60)
    np.testing.assert_array_equal(grown.all()[[1, -1]], [50, 60])
    assert len(grown) == len(grown.all()) == len(expected)


def test_a_shelf_reads_any_row_in_any_order(tmp_path: Path) -> None:
    answers = [Answer(f"a{i}", f"第{i} answer\u2028 ends", "zh") for i in range(50)]
    Shelf(answers).save(tmp_path / "answers.jsonl")
    shelf = Shelf.load(tmp_path / "answers.jsonl", Answer)
    shelf.append(NEW)
    assert [shelf[row] for row in (49, 0, 50, -1, -51, 17)] == [
        answers[49],
        answers[0],
        NEW,
        NEW,
        answers[0],
        answers[17],
    ]
    assert list(shelf) == [*answers, NEW]
    assert list(shelf[48:]) == [*answers[48:], NEW]
    with pytest.raises(IndexError):
        shelf[51]


def test_two_ids_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.shelf.hash_of", lambda word: len(word))
    shelf = Shelf([Answer(name, "x", "en") for name in ("aa", "bb", "ccc")])
    found = Ids.of(shelf)
    assert found.rows_of(["aa", "bb", "ccc", "dd", "eee"]).tolist() == [0, 1, 2, NO_ROW, NO_ROW]
    found.put("bb", NO_ROW)
    assert "bb" not in found
    assert set(found) == {"aa", "ccc"}
    with pytest.raises(InputError, match="answer aa: got two answers"):
        Ids.of(Shelf([Answer(name, "x", "en") for name in ("aa", "bb", "ccc", "aa")]))


def test_an_index_of_two_answers_with_one_id_is_refused() -> None:
    """The first would be found and said, and nobody could withdraw it."""
    with pytest.raises(InputError, match="answer a0: got two answers"):
        Index.from_parts([*ANSWERS, replace(ANSWERS[0], text="Another.")], [], ENCODER)


def test_columns_of_questions_that_do_not_fit_are_refused(index: Index, tmp_path: Path) -> None:
    layout = IndexLayout(tmp_path)
    index.save(layout)
    np.save(layout.columns / "asked.answer.npy", np.zeros(1, dtype=np.int64))
    with pytest.raises(InputError, match="different lengths"):
        Index.load(layout)


def test_many_replacements_are_followed_to_the_last(index: Index) -> None:
    for step in range(3):
        for answer in (ANSWERS[2], ANSWERS[0]):
            text = f"{answer.text} {step}"
            index.replace(replace(answer, text=text), [], vectors(text), NONE)
    assert index.logged_rows.tolist() == [index.row_of["a0"], 1, index.row_of["a2"], 3]


def test_labels_of_rows() -> None:
    labels = Labels.of([("a", "b"), (), ("b", "b")])
    labels.append(("c", "b"))
    labels.append(())
    assert labels.rows_with("b").tolist() == [0, 2, 3]
    assert labels.rows_with("unheard").tolist() == []
    assert labels.rows_with_any().tolist() == [0, 2, 3]
    assert [[labels.names[code] for code in labels.of_row(row)] for row in (0, 2, 3, 4)] == [
        ["a", "b"],
        ["b"],
        ["c", "b"],
        [],
    ]


def test_searches_run_while_the_index_changes(kept: Index) -> None:
    from concurrent.futures import ThreadPoolExecutor
    from threading import Event

    done, gone, vector = Event(), set[str](), vectors(NEW.text)

    def search() -> int:
        searcher, count = Searcher(Matcher(kept, ENCODER)), 0
        while not done.is_set() or not count:
            before = set(gone)
            hits = searcher.search(f"tents dry in the shade {count}").hits
            assert before.isdisjoint({found for hit in hits for found in (hit.id, *hit.variants)})
            count += 1
        return count

    with ThreadPoolExecutor(3) as pool:
        searches = [pool.submit(search) for _ in range(2)]
        for i in range(60):
            answer = replace(NEW, id=f"n{i}")
            (row,) = kept.append([answer], [Logged(f"question {i}", answer.id)], vector, vector).tolist()
            if i % 3 == 0:
                kept.retire(int(row))
                gone.add(answer.id)
        done.set()
        assert all(each.result() >= 1 for each in searches)
    assert set(kept.row_of) == {a.id for a in ANSWERS} | {f"n{i}" for i in range(60) if i % 3}
