"""A dataset is the same wherever it was built, costs its growth only, and goes on after a kill."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import data.answering
import data.blocks
import data.earlier
from data.artifacts import DatasetLayout, load_manifest
from data.build import build_dataset
from data.earlier import key_of, shard_folders
from data.engine import FEW, Dask, Processes, Serial, choose_engine
from data.errors import InputError
from data.pairs import answers_of
from data.people import KEY_BYTES, KEY_FILE
from data.records import read_rows, write_rows
from data.report import read_report
from data.schema import Answer, Conversation, Example, Message, Topic
from data.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
FACTS = [
    f"Our {thing} is {what}." for thing in ("oak table", "red lamp", "wool rug") for what in ("big", "new", "heavy")
]

SMALL_BLOCKS = """
import sys, data.blocks
data.blocks.BLOCK_BYTES = 20_000
from pathlib import Path
from data.build import build_dataset
from data.workspace import Workspace
build_dataset([Path(sys.argv[1])], Workspace(Path(sys.argv[2])), engine="1")
"""


def talks(count: int, *, first: int = 0, seed: int = 0) -> list[Conversation]:
    draw = random.Random(seed + first)
    log = []
    for i in range(first, first + count):
        when, about = 1_700_000_000.0 + 60 * i, draw.choice(FACTS)
        name = draw.choice(("Anna", "Boris", "Clara"))
        messages = (
            Message("customer", f"hello, my name is {name}. how about the {about.split()[2]}, number {i}?", time=when),
            Message("agent", f"Hi {name}! {about}", time=when + 5, author="Dora Quist"),
            Message("customer", f"thanks Dora, write to c{i}@mail.example", time=when + 9),
        )
        log.append(Conversation(f"c{i}", messages))
    return log


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data.blocks, "BLOCK_BYTES", 20_000)


def workspace(path: Path) -> Workspace:
    """A workspace whose key is always the same, so that datasets can be compared."""
    (path / "var").mkdir(parents=True, exist_ok=True)
    (path / "var" / KEY_FILE).write_bytes(bytes(KEY_BYTES))
    return Workspace(path)


def files_of(layout: DatasetLayout) -> Mapping[str, str]:
    return load_manifest(layout.folder, kind="dataset").files


def shards_of(layout: DatasetLayout) -> dict[str, int]:
    """Name of each shard to its inode: a linked one keeps it."""
    return {key_of(p): p.stat().st_ino for folder in shard_folders(layout) for p in folder.iterdir()}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed", reason="needs careline[cluster]")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as made:
        yield made


@pytest.mark.slow
@pytest.mark.usefixtures("small_blocks")
@pytest.mark.enable_socket
def test_one_process_two_and_a_cluster_write_the_same(tmp_path: Path, cluster: Any) -> None:
    write_rows(tmp_path / "log.jsonl", talks(600))
    written = {
        engine: files_of(build_dataset([tmp_path / "log.jsonl"], workspace(tmp_path / name), engine=engine))
        for name, engine in (("one", "1"), ("two", "2"), ("dask", cluster.scheduler_address))
    }
    one, two, dask = written.values()
    assert one == two == dask
    assert sum(name.startswith("conversations/") for name in one) > FEW


@pytest.mark.usefixtures("small_blocks")
def test_growth_costs_its_growth_only(tmp_path: Path) -> None:
    log, place = tmp_path / "log.jsonl", workspace(tmp_path)
    write_rows(log, talks(400))
    first = build_dataset([log], place, engine="1")
    with log.open("a", encoding="utf-8") as stream:
        write_rows(tmp_path / "more.jsonl", talks(4, first=400))
        stream.write((tmp_path / "more.jsonl").read_text(encoding="utf-8"))
    grown = build_dataset([log], place, engine="1")
    old, new = shards_of(first), shards_of(grown)
    linked = [key for key in new if old.get(key) == new[key]]
    assert len(linked) >= len(new) - 9, "only the last block, and the shards where splits end, are made again"
    rows = list(read_rows(grown.conversations, Conversation))
    assert [c.id for c in rows] == [f"c{i}" for i in range(404)]
    fresh = build_dataset([log], workspace(tmp_path / "other"), engine="1")
    for part in ("conversations", "examples"):
        cls: Any = Conversation if part == "conversations" else Example
        assert list(read_rows(getattr(grown, part), cls)) == list(read_rows(getattr(fresh, part), cls))
    assert {**read_report(grown), "topic_counts": 0} == {**read_report(fresh), "topic_counts": 0}
    text = "".join(p.read_text("utf-8", "replace") for p in grown.folder.rglob("*") if p.is_file())
    assert "Dora" not in text
    assert "@mail.example" not in text


@pytest.mark.usefixtures("small_blocks")
def test_answers_are_made_again_only_where_something_of_them_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def counted(*given: Any, **named: Any) -> Iterator[Answer]:
        for answer in answers_of(*given, **named):
            made.append(answer.id)
            yield answer

    monkeypatch.setattr(data.answering, "answers_of", counted)
    log, place = tmp_path / "log.jsonl", workspace(tmp_path)
    draw = random.Random(4)
    said = [f"The wood of {''.join(draw.choices('abcdefghiklmnoprstuw', k=9))} is made of oak." for _ in range(800)]
    rows = [
        Conversation(
            f"a{i}", (Message("customer", f"what of {i} is it?", time=9.0 + i), Message("agent", text)), topic="x"
        )
        for i, text in enumerate(said)
    ]
    write_rows(log, rows)
    first = build_dataset([log], place, engine="1")
    assert len(made) == len(said)
    made.clear()
    again = Conversation("b", (Message("customer", "and this?", time=3.0), Message("agent", said[7])), topic="x")
    write_rows(log, [*rows, again])
    grown = build_dataset([log], place, engine="1")
    assert 1 <= len(made) <= 9, "the one that was said again, and those whose topic or split moved"
    old, new = ({a.id: a for a in read_rows(layout.answers, Answer)} for layout in (first, grown))
    assert {name for name in new if new[name] != old[name]} == set(made)
    fresh = build_dataset([log], workspace(tmp_path / "other"), engine="1")
    assert fresh.answers.read_bytes() == grown.answers.read_bytes()


def regulars(first: int, count: int) -> list[Conversation]:
    """Conversations of customers who all come back, about two things in many words."""
    draw = random.Random(first)
    rows = []
    for i in range(first, first + count):
        thing = ("parcel", "refund")[i % 2]
        asked = f"the {thing} of my {draw.choice(('red', 'blue', 'green'))} {draw.choice(('coat', 'boot', 'hat'))}?"
        ask = Message("customer", f"{asked} mail me at c{i % 40}@mail.example", time=1e9 + 60 * i)
        rows.append(Conversation(f"r{i}", (ask, Message("agent", f"Every {thing} is on our page.")), topic=thing))
    return rows


@pytest.mark.usefixtures("small_blocks")
def test_a_large_log_keeps_its_groups_and_topics_while_it_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data.earlier, "LARGE", 300)
    log, place = tmp_path / "log.jsonl", workspace(tmp_path)
    write_rows(log, regulars(0, 400))
    first = build_dataset([log], place, engine="1")
    write_rows(log, [*regulars(0, 400), *(replace(c, topic=None) for c in regulars(400, 8))])
    grown = build_dataset([log], place, engine="1")
    assert read_report(first)["split"]["by"] == read_report(grown)["split"]["by"] == "group"
    old, new = shards_of(first), shards_of(grown)
    remade = [key for key in new if old.get(key) != new[key]]
    assert len(remade) <= 5, "one of each kind: only the last block changed"
    splits = [{e.conversation: e.split for e in read_rows(layout.examples, Example)} for layout in (first, grown)]
    assert splits[0].items() <= splits[1].items()
    topics = [{t.id: t.size for t in read_rows(layout.topics, Topic)} for layout in (first, grown)]
    assert topics[0].keys() == topics[1].keys()
    assert 406 <= sum(topics[1].values()) <= 408
    twin = workspace(tmp_path / "twin")
    write_rows(tmp_path / "twin.jsonl", regulars(0, 400))
    build_dataset([tmp_path / "twin.jsonl"], twin, engine="1")
    shutil.copy(log, tmp_path / "twin.jsonl")
    assert files_of(build_dataset([tmp_path / "twin.jsonl"], twin, engine="2")) == files_of(grown)


@pytest.mark.usefixtures("small_blocks")
def test_another_log_learns_nothing_from_an_earlier_one(tmp_path: Path) -> None:
    place = workspace(tmp_path)
    write_rows(tmp_path / "log.jsonl", talks(200))
    build_dataset([tmp_path / "log.jsonl"], place, engine="1")
    write_rows(tmp_path / "other.jsonl", [*talks(60), *talks(300, first=1000, seed=3)])
    other = build_dataset([tmp_path / "other.jsonl"], place, engine="1")
    assert files_of(other) == files_of(build_dataset([tmp_path / "other.jsonl"], place, engine="1", fresh=True))


@pytest.mark.usefixtures("small_blocks")
def test_after_a_kill_a_build_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    write_rows(log, talks(1500))
    place = workspace(tmp_path / "killed")
    process = subprocess.Popen([sys.executable, "-c", SMALL_BLOCKS, str(log), str(place.root)], cwd=ROOT)
    limit = time.monotonic() + 120
    while not (made := list(place.var.glob("datasets/.*/conversations/*.jsonl"))):
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    inodes = {p.stat().st_ino for p in made}
    assert not [p for p in place.folder("dataset").iterdir() if not p.name.startswith(".")]
    layout = build_dataset([log], place, engine="1")
    assert inodes <= {p.stat().st_ino for p in layout.conversations.iterdir()}
    assert not list(place.folder("dataset").glob(".*"))
    assert files_of(layout) == files_of(build_dataset([log], workspace(tmp_path / "whole"), engine="1"))


def test_a_worker_that_is_killed_is_one_clear_line() -> None:
    with pytest.raises(InputError, match="a worker process"), Processes(1) as engine:
        list(engine.map(_kill_itself, range(FEW + 1)))


def _kill_itself(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_few_items_start_no_worker() -> None:
    with Processes(2) as engine:
        assert set(engine.map(_process, range(FEW))) == {os.getpid()}
        assert os.getpid() not in set(engine.map(_process, iter(range(FEW + 1))))
        assert os.getpid() not in set(engine.map(_process, [1])), "they have been started"
        engine.rest()
        assert list(engine.map(_process, [1])) == [os.getpid()]


def _process(_: int) -> int:
    return os.getpid()


def test_engines_are_chosen_by_size_and_by_name() -> None:
    assert isinstance(choose_engine(None, small=True), Serial)
    assert isinstance(choose_engine("1", small=False), Serial)
    with choose_engine("2", small=True) as engine:
        assert list(engine.map(abs, iter([-1, -2, -3, -4, -5]))) == [1, 2, 3, 4, 5]
    with pytest.raises(InputError, match="a number of processes"):
        choose_engine("many", small=True)
    with pytest.raises(InputError, match="no Dask scheduler"):
        Dask("tcp://127.0.0.1:9")


@pytest.mark.usefixtures("small_blocks")
def test_a_log_that_is_written_to_is_read_as_it_was(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    write_rows(log, talks(200))
    opened = data.blocks.LogBlocks(log)
    before = [block.key for block in opened.blocks()]
    with log.open("a", encoding="utf-8") as stream:
        stream.write('{"id": "half')
    assert [block.key for block in opened.blocks()] == before
    assert len(before) > 2
    assert b"".join(b.data for b in opened.blocks()) == log.read_bytes()[: -len('{"id": "half')]


@pytest.mark.usefixtures("small_blocks")
def test_a_line_longer_than_a_block_is_one_broken_line(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    write_rows(log, talks(60))
    with log.open("a", encoding="utf-8") as stream:
        stream.write('{"id": "' + "x" * 9_000_000 + "\n")
    write_rows(tmp_path / "more.jsonl", talks(60, first=60))
    with log.open("a", encoding="utf-8") as stream:
        stream.write((tmp_path / "more.jsonl").read_text(encoding="utf-8"))
    report = read_report(build_dataset([log], workspace(tmp_path), engine="1"))
    assert (report["conversations"], report["duplicates"]) == (120, 0)
    assert 1 <= report["refused_lines"] <= 3
