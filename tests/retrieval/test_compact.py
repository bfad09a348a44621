"""Compaction: a new snapshot of an index and the journal after it, whatever else happens meanwhile."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from data.errors import InputError
from data.workspace import PROJECT, Live, Workspace
from retrieval.build import build_index
from retrieval.cli import app
from retrieval.compact import compact, prune_indexes
from retrieval.curate import Curator
from retrieval.index import Index
from tests.contracts.model_fixture import DIM
from tests.retrieval.conftest import ANSWERS, Picky, found, make_dataset, opened


def test_compaction_encodes_nothing_that_a_server_read(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    living, curator = opened(place), Curator.open(place)
    curator.add("where is the tent ?", "In the order.")
    living.refresh()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("encoded")

    monkeypatch.setattr("retrieval.encoder.OnnxEncoder.load", refuse)
    assert compact(place) is not None
    assert compact(place) is None, "nothing is left to do"


def test_compaction_does_not_drop_what_cannot_be_applied(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    Curator.open(place).add("question", "poison")
    before = place.live()
    monkeypatch.setattr("retrieval.compact._LateEncoder", lambda model: Picky(DIM))
    with pytest.raises(InputError, match="1 changes that cannot be applied, the first 1"):
        compact(place)
    assert place.live() == before


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
