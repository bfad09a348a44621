"""An index that lives: what one process changes, another one finds with its next search; snapshots are compacted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import retrieval.living as living_module
from data.artifacts import DatasetLayout, Manifest, ModelLayout, create, load_manifest
from data.errors import InputError
from data.records import write_rows
from data.schema import Answer, Example, IntentExample
from data.workspace import PROJECT, Live, Workspace
from retrieval.build import build_index
from retrieval.cli import app
from retrieval.compact import build_for, compact, prune_indexes
from retrieval.curate import Curator
from retrieval.index import Index
from retrieval.journal import Journal
from retrieval.living import LivingIndex
from retrieval.testing import HashEncoder
from retrieval.vectors import VectorCache, encoder_key
from tests.contracts.model_fixture import DIM, write_model

ANSWERS = [
    Answer("d", "The order is on its way in three days.", "en", support=4, conversations=("c1", "c2")),
    Answer("t", "Send the tent back within 30 days.", "en", support=2, conversations=("c3",)),
    Answer("p", "Your order 17 is in Leeds.", "en", support=9, reusable=False),
]
EXAMPLES = [
    Example("c1", 1, "where is my order ?", "d", "train", "en", time=1.0),
    Example("c3", 1, "my tent is torn", "t", "train", "en", time=2.0),
]
INTENTS = [IntentExample("hello", "greet", "static", "train", "en")]


def make_dataset(place: Workspace, key: str, answers: list[Answer]) -> DatasetLayout:
    with create(place.folder("dataset"), Manifest("dataset", key)) as draft:
        layout = DatasetLayout(draft.folder)
        write_rows(layout.answers, answers)
        write_rows(layout.examples, EXAMPLES)
        write_rows(layout.intents, INTENTS)
    return DatasetLayout(place.folder("dataset") / key)


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path)
    dataset = make_dataset(workspace, "d" * 12, ANSWERS)
    with create(workspace.folder("model"), Manifest("model", "e" * 12)) as draft:
        write_model(draft.folder)
    model = ModelLayout(workspace.folder("model") / ("e" * 12))
    index = build_for(workspace, dataset, model)
    workspace.go_live(Live("d" * 12, "e" * 12, index.folder.name, "none"))
    return workspace


def opened(place: Workspace) -> LivingIndex:
    return LivingIndex.open(place.live_index(), place.live_model(), journal=place.changes, vectors=place.vectors)


def found(living: LivingIndex, question: str) -> list[str]:
    living.refresh()
    return [hit.answer.text for hit in living.searcher.search(question).hits]


def test_a_change_is_found_by_the_next_search_of_every_process(place: Workspace) -> None:
    serving, curator = [opened(place), opened(place)], Curator.open(place)
    added = curator.add("the tent is my order ?", "Yes, the tent is.").answer
    for living in serving:
        hit = living.searcher.search("the tent is my order ?").hits
        assert added.id not in {h.id for h in hit}
        assert living.refresh() == 1
        assert living.refresh() == 0
        best = living.searcher.search("the tent is my order ?").hits[0]
        assert (best.id, best.answer, best.question) == (added.id, added, "the tent is my order ?")
    curator.change(added.id, text="No, the tent is torn.")
    assert all(found(living, "the tent is my order ?")[0] == "No, the tent is torn." for living in serving)
    curator.remove(added.id)
    assert all("No, the tent is torn." not in found(living, "the tent is my order ?") for living in serving)
    curator.restore(added.id)
    assert all(found(living, "the tent is my order ?")[0] == "No, the tent is torn." for living in serving)
    curator.undo()
    curator.undo()
    curator.undo()
    assert all(found(living, "the tent is my order ?")[0] == "Yes, the tent is." for living in serving)
    curator.remove("d")
    assert all(ANSWERS[0].text not in found(living, "where is my order ?") for living in serving)


def test_an_undone_question_no_longer_speaks_for_its_answer(place: Workspace) -> None:
    living, curator = opened(place), Curator.open(place)
    before = living.searcher.search("hello my tent").to_json()
    curator.change("t", questions=["hello my tent"])
    living.refresh()
    assert living.searcher.search("hello my tent").hits[0].question == "hello my tent"
    curator.undo()
    living.refresh()
    after = living.searcher.search("hello my tent")
    assert all(hit.question != "hello my tent" for hit in after.hits)
    assert [hit.id for hit in after.hits] == [row["id"] for row in before["hits"]]


def test_opening_late_equals_following_equals_compacting_equals_building_again(place: Workspace) -> None:
    following, curator = opened(place), Curator.open(place)
    first = curator.add("where is the tent ?", "In the order.").answer
    curator.add("is it torn ?", "It is not torn.")
    curator.change("d", text="The order is on its way in two days.", questions=["is my order back ?"])
    curator.remove("t")
    curator.change(first.id, text="The tent is in the order.")
    following.refresh()
    late = opened(place)
    old = place.live_index()
    assert compact(place) is not None
    compacted = opened(place)
    assert place.live_index() != old
    assert compacted.late == 0
    assert load_manifest(place.live_index().folder, kind="index").recipe["journal"] == 5
    shutil.rmtree(old.folder)
    shutil.rmtree(place.live_index().folder)
    rebuilt_layout = build_for(place, place.live_dataset(), place.live_model())
    rebuilt = LivingIndex.open(rebuilt_layout, place.live_model(), journal=place.changes)
    for question in ("where is the tent ?", "is my order back ?", "is it torn ?", "where is my order ?"):
        results = [living.searcher.search(question) for living in (following, late, compacted, rebuilt)]
        texts = [{hit.id: hit.answer.text for hit in result.hits} for result in results]
        assert texts[0] == texts[1] == texts[2] == texts[3], question
        first_hits = {result.hits[0].id for result in results}
        assert len(first_hits) == 1, "weights of words differ in so small an index, but not who wins"


def test_compaction_encodes_nothing_that_a_server_read(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    living, curator = opened(place), Curator.open(place)
    curator.add("where is the tent ?", "In the order.")
    living.refresh()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("encoded")

    monkeypatch.setattr("retrieval.encoder.OnnxEncoder.load", refuse)
    assert compact(place) is not None
    assert compact(place) is None, "nothing is left to do"


def test_learning_again_keeps_the_changes_and_encodes_what_is_new(place: Workspace) -> None:
    curator = Curator.open(place)
    added = curator.add("where is the tent ?", "In the order.").answer
    curator.remove("d")
    encoder = encoder_key(place.live_model())
    known = len(VectorCache(place.vectors, encoder, DIM))
    more = [*ANSWERS, Answer("n", "A new answer.", "en")]
    index = build_for(place, make_dataset(place, "f" * 12, more), place.live_model())
    place.go_live(Live("f" * 12, "e" * 12, index.folder.name, "none"))
    living = opened(place)
    assert living.late == 0
    assert found(living, "where is the tent ?")[0] == added.text
    assert ANSWERS[0].text not in found(living, "where is my order ?")
    assert len(VectorCache(place.vectors, encoder, DIM)) == known + 3, "a text from the log, one by hand, its question"


def test_an_index_is_reused_when_only_the_journal_grew(place: Workspace) -> None:
    Curator.open(place).remove("d")
    assert build_for(place, place.live_dataset(), place.live_model()) == place.live_index()
    old = place.live_index()
    compact(place)
    assert build_for(place, place.live_dataset(), place.live_model()) == place.live_index()
    assert build_index(place.live_dataset(), place.live_model(), place.folder("index")) == old, "without a journal"


def test_an_index_of_another_encoder_or_journal_is_refused(place: Workspace) -> None:
    model = place.live_model()
    with (model.folder / "encoder.json").open("a") as stream:
        stream.write(" ")
    manifest = json.loads((model.folder / "manifest.json").read_text())
    manifest["files"]["encoder.json"] = "0" * 64
    (model.folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError):
        opened(place)


def test_a_lost_journal_is_refused_and_a_built_index_gets_over_it(place: Workspace) -> None:
    curator = Curator.open(place)
    curator.remove("d")
    compact(place)
    place.changes.unlink()
    with pytest.raises(InputError, match="a journal without change 1"):
        opened(place)
    index = build_for(place, place.live_dataset(), place.live_model())
    place.go_live(Live("d" * 12, "e" * 12, index.folder.name, "none"))
    assert ANSWERS[0].text in found(opened(place), "where is my order ?")


def test_a_record_that_cannot_be_applied_is_reported_once(
    place: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    living, curator = opened(place), Curator.open(place)
    real = living_module._apply

    def fail(index: Index, change: object, *rest: object) -> None:
        if change.number == 1:  # type: ignore[attr-defined]
            raise ValueError("a vector of another length")
        real(index, change, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(living_module, "_apply", fail)
    curator.remove("t")
    added = curator.add("where is the tent ?", "In the order.").answer
    assert found(living, "where is the tent ?")[0] == added.text
    living.refresh()
    assert [record.getMessage() for record in caplog.records] == [
        "Change 1 of answer t was not applied: a vector of another length"
    ]


class _Picky(HashEncoder):
    """Fails as ONNX Runtime does, with an exception that is nothing but one."""

    def encode(self, texts: Sequence[str], *, batch_size: int = 64) -> np.ndarray:
        if any("poison" in text for text in texts):
            raise Exception("out of memory")
        return super().encode(texts, batch_size=batch_size)


def test_a_text_that_cannot_be_encoded_costs_its_record_only(place: Workspace) -> None:
    curator = Curator.open(place)
    for number in range(12):
        curator.add(f"question {number}", "poison" if number == 5 else f"Answer {number}.")
    index = opened(place).searcher.index
    fresh = Index.load(place.live_index())
    failed = living_module.apply_changes(fresh, curator.history(), _Picky(DIM))
    assert [change.number for change in failed] == [6]
    assert len(fresh.row_of) == len(index.row_of) - 1


def test_compaction_does_not_drop_what_cannot_be_applied(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    Curator.open(place).add("question", "poison")
    before = place.live()
    monkeypatch.setattr("retrieval.compact._LateEncoder", lambda model: _Picky(DIM))
    with pytest.raises(InputError, match="1 changes that cannot be applied, the first 1"):
        compact(place)
    assert place.live() == before


def test_a_damaged_journal_leaves_what_serves(place: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    living, curator = opened(place), Curator.open(place)
    curator.remove("d")
    living.refresh()
    with place.changes.open("ab") as stream:
        stream.write(b"{}\n")
    assert ANSWERS[0].text not in found(living, "where is my order ?")
    found(living, "where is my order ?")
    assert len(caplog.records) == 1
    assert "line 2" in caplog.text
    with pytest.raises(InputError, match="line 2"):
        opened(place)


def test_a_journal_that_was_put_back_makes_the_index_stale(place: Workspace) -> None:
    living, curator = opened(place), Curator.open(place)
    curator.remove("d")
    kept = place.changes.read_bytes()
    curator.add("where is the tent ?", "In the order.")
    living.refresh()
    place.changes.write_bytes(kept)
    living.refresh()
    assert living.stale


def test_old_snapshots_go_but_for_three_and_what_serves(place: Workspace) -> None:
    curator, first = Curator.open(place), place.live_index().folder.name
    other = build_index(make_dataset(place, "f" * 12, ANSWERS), place.live_model(), place.folder("index"))
    made = [first]
    for number in range(5):
        curator.add(f"question {number}", "Yes.")
        layout = compact(place)
        assert layout is not None
        made.append(layout.folder.name)
    left = {path.name for path in place.folder("index").iterdir()}
    assert left == {*made[-3:], other.folder.name}
    live = place.live()
    place.go_live(Live(live.dataset, live.model, made[-3], live.rasa))
    curator.add("one more", "Yes.")
    compact(place)
    assert prune_indexes(place, place.live_index()) == []


def test_compaction_does_not_overrule_a_promotion_made_meanwhile(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    Curator.open(place).remove("d")
    live = place.live()
    promoted = Live(live.dataset, live.model, live.index, "another")
    real = Index.save

    def save(index: Index, layout: object) -> None:
        real(index, layout)  # type: ignore[arg-type]
        place.go_live(promoted)

    monkeypatch.setattr(Index, "save", save)
    assert compact(place) is None
    assert place.live() == promoted


def test_one_compaction_at_a_time(place: Workspace) -> None:
    import fcntl

    Curator.open(place).remove("d")
    with (place.changes.parent / "compact.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another compaction"):
            compact(place)
        quiet = CliRunner().invoke(app, ["compact", "--gently", "--workspace", str(place.root)])
        assert (quiet.exit_code, quiet.stdout) == (0, "")


_KILLED = """
import os, signal, sys
from pathlib import Path
from data.workspace import Workspace
from retrieval.compact import compact
from retrieval.index import Index
real = Index.save
def save(index, layout):
    real(index, layout)
    os.kill(os.getpid(), signal.SIGKILL)
Index.save = save
compact(Workspace(Path(sys.argv[1])))
"""


def test_a_compaction_that_is_killed_leaves_no_harm(place: Workspace) -> None:
    curator, before = Curator.open(place), place.live()
    added = curator.add("where is the tent ?", "In the order.").answer
    done = subprocess.run([sys.executable, "-c", _KILLED, str(place.root)], cwd=PROJECT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert place.live() == before
    assert found(opened(place), "where is the tent ?")[0] == added.text
    assert list(place.folder("index").glob(".*.tmp"))
    assert compact(place) is not None
    assert not list(place.folder("index").glob(".*.tmp"))
    assert found(opened(place), "where is the tent ?")[0] == added.text


def test_a_workspace_of_the_old_way_is_taken_along_once(place: Workspace) -> None:
    """Version 4 kept added answers in the index and listed them in its manifest."""
    added = Answer("c1", "In the order.", "en", support=4, source="curated", questions=("where is the tent ?",))
    withdrawn = [ANSWERS[0], Answer("t", ANSWERS[1].text, "en", support=2, reusable=False), added]
    changes = [{"added": "c1", "question": "where is the tent ?"}, {"removed": "t"}]
    old = Manifest("index", "old", parents={"model": "e" * 12}, recipe={"code": 4, "changes": changes})
    with create(place.folder("index"), old) as draft:
        write_rows(draft.folder / "answers.jsonl", withdrawn)
    place.go_live(Live("d" * 12, "e" * 12, "old", "none"))
    with pytest.raises(InputError, match="an older version"):
        opened(place)
    for _ in range(2):
        index = build_for(place, place.live_dataset(), place.live_model())
        place.go_live(Live("d" * 12, "e" * 12, index.folder.name, "none"))
        living = opened(place)
        assert found(living, "where is the tent ?")[0] == added.text
        assert ANSWERS[1].text not in found(living, "send the tent back")
        assert [c.kind for c in Journal(place.changes).read()] == ["add", "remove"]


@pytest.fixture
def run(place: Workspace) -> Callable[..., str]:
    """Runs `careline index …` in the workspace and returns its stdout."""

    def call(*words: str) -> str:
        result = CliRunner().invoke(app, [*words, "--workspace", str(place.root)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    return call


def test_the_commands(place: Workspace, run: Callable[..., str]) -> None:
    before = place.live()
    added = json.loads(run("add", "where is the tent", "In the [big] order.", "--by", "anna", "--tag", "x", "--json"))
    assert added["change"] == 1
    name = added["answer"]
    assert "[big]" in run("search", "where is the tent")
    assert "change" in run("change", name, "--text", "In the [small] order.", "--question", "tent ?", "--by", "bo")
    assert "[small]" in run("search", "where is the tent")
    run("remove", name)
    assert "[small]" not in run("search", "where is the tent")
    assert json.loads(run("undo", "--json"))["undoes"] == 3
    assert "[small]" in run("search", "where is the tent")
    run("remove", name)
    run("restore", name)
    lines = run("history").splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4", "5", "6"]
    assert "anna: add" in lines[0]
    history = json.loads(run("history", name, "--json", "-n", "2"))["changes"]
    assert [row["kind"] for row in history] == ["remove", "restore"]
    assert place.live() == before, "nothing was built"
    assert json.loads(run("compact", "--json"))["index"] == place.live().index != before.index
    assert "nothing to do" in run("compact")
    assert "[small]" in run("search", "where is the tent")
    with pytest.raises(InputError, match="--until"):
        run("add", "q", "Yes.", "--until", "tomorrow")
    until = json.loads(run("add", "q", "Yes.", "--from", "2026-12-01", "--until", "2026-12-02T00:00+01:00", "--json"))
    made = Journal(place.changes).read()[-1]
    assert (made.answer.id, made.answer.valid_from, made.answer.valid_until) == (
        until["answer"],
        1796083200.0,
        1796166000.0,
    )


def test_history_of_nothing(run: Callable[..., str]) -> None:
    assert run("history") == "Nobody changed anything.\n"


_WRITER = """
import sys
from pathlib import Path
from data.workspace import Workspace
from retrieval.curate import Curator
curator = Curator.open(Workspace(Path(sys.argv[1])))
number = int(sys.argv[2])
while True:
    made = curator.add(f"question {number}", f"Answer {number} of the tent.")
    print(made.answer.id, flush=True)
    number += 1
"""


def test_a_writer_that_is_killed_loses_no_acknowledged_answer(place: Workspace) -> None:
    """kill -9 at random moments, twenty times; a reader follows all the while."""
    random = np.random.default_rng(5)
    reader, acknowledged = opened(place), []
    for start in range(0, 20_000, 1_000):
        command = [sys.executable, "-c", _WRITER, str(place.root), str(start)]
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(int(random.integers(1, 13))):
                acknowledged.append(writer.stdout.readline().strip())
                reader.refresh()
            os.kill(writer.pid, signal.SIGKILL)
            acknowledged += writer.stdout.read().split("\n")[:-1]
        reader.refresh()
        assert not reader.stale
    late = opened(place)
    reader.refresh()
    for living in (reader, late):
        rows = living.searcher.index.row_of
        assert all(name in rows for name in acknowledged)
    assert late.late == reader.late >= len(acknowledged) >= 20
    assert [c.number for c in Journal(place.changes).read()] == list(range(1, late.late + 1))
