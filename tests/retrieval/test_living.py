"""An index that lives: what one process changes, another one finds with its next search."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

import retrieval.living as living_module
from data.artifacts import Manifest, create, load_manifest
from data.errors import InputError
from data.records import write_rows
from data.schema import Answer
from data.workspace import PROJECT, Live, Workspace
from retrieval.build import build_index
from retrieval.compact import build_for, compact
from retrieval.curate import Curator
from retrieval.index import Index
from retrieval.journal import Journal
from retrieval.living import LivingIndex
from retrieval.vectors import VectorCache, encoder_key
from tests.contracts.model_fixture import DIM
from tests.retrieval.conftest import ANSWERS, Picky, found, make_dataset, opened


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


def test_a_text_that_cannot_be_encoded_costs_its_record_only(place: Workspace) -> None:
    curator = Curator.open(place)
    for number in range(12):
        curator.add(f"question {number}", "poison" if number == 5 else f"Answer {number}.")
    index = opened(place).searcher.index
    fresh = Index.load(place.live_index())
    failed = living_module.apply_changes(fresh, curator.history(), Picky(DIM))
    assert [change.number for change in failed] == [6]
    assert len(fresh.row_of) == len(index.row_of) - 1


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
