"""The journal under cuts at every byte, damage, a full disk and several writers."""

from __future__ import annotations

import json
import multiprocessing
import resource
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import InputError
from data.schema import Answer
from retrieval.journal import Change, Follower, Journal, Mark, Rewound, line_of, standing


def change(name: str, text: str = "We ship to Norway. 我们发货到挪威。", *, kind: str = "add") -> Change:
    return Change(kind, "anna", Answer(name, text, "en", source="curated"), ("where to?",))  # type: ignore[arg-type]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "answers" / "changes.jsonl")


def ids(changes: list[Change]) -> list[str]:
    return [c.answer.id for c in changes]


def test_what_is_written_comes_back_and_is_plain_json_with_a_checksum(journal: Journal) -> None:
    before = Answer("a", "Old.", "en", support=3, conversations=("c1",))
    undo = Change("change", "bo", Answer("a", "New\nline", "zh"), ("q", "r"), before, ("q", "s"), undoes=1)
    made = journal.append(change("a"), undo)
    assert journal.read() == made
    assert [c.number for c in made] == [1, 2]
    assert (made[1].added, made[1].dropped) == (("r",), ("s",))
    for line in journal.path.read_bytes().splitlines():
        row = json.loads(line)
        rest = line[line.index(b",") + 1 :]
        assert row["crc"] == f"{zlib.crc32(rest):08x}"
        assert Change.from_json({name: value for name, value in row.items() if name != "crc"}) in made


def test_a_follower_reads_on_from_where_it_was(journal: Journal) -> None:
    follower = Follower(journal.path)
    assert follower.new() == []
    journal.append(change("a"))
    assert ids(follower.new()) == ["a"]
    assert follower.new() == []
    journal.append(change("b"), change("c"))
    late = Follower(journal.path, Mark(2))
    assert (ids(follower.new()), ids(late.new())) == (["b", "c"], ["c"])
    assert follower.mark == late.mark == Mark(3, json.loads(journal.path.read_bytes().splitlines()[2])["crc"])
    assert ids(journal.read(Mark(1))) == ["b", "c"]


def test_another_journal_than_the_index_was_built_with_is_refused(journal: Journal) -> None:
    with pytest.raises(InputError, match="without change 1"):
        journal.read(Mark(1, "00000000"))
    journal.append(change("a"))
    for mark in (Mark(2, "00000000"), Mark(1, "00000000")):
        with pytest.raises(InputError, match="without change"):
            journal.read(mark)


def test_a_cut_at_every_byte_loses_the_torn_line_only(journal: Journal, tmp_path: Path) -> None:
    journal.append(change("a"), change("b"), change("c", "x"))
    whole = journal.path.read_bytes()
    for cut in range(len(whole) + 1):
        path = tmp_path / "cut.jsonl"
        path.write_bytes(whole[:cut])
        kept = whole[:cut].count(b"\n")
        assert ids(Journal(path).read()) == ["a", "b", "c"][:kept], cut
        (added,) = Journal(path).append(change("d"))
        assert (added.number, ids(Journal(path).read())) == (kept + 1, [*"abc"[:kept], "d"]), cut


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_in_a_whole_line_is_refused_with_its_number(data: st.DataObject, tmp_path: Path) -> None:
    lines = [line_of(Change("add", "anna", Answer(f"a{n}", "Yes.", "en"), number=n)) for n in (1, 2, 3)]
    number = data.draw(st.integers(1, 3))
    place = data.draw(st.integers(0, len(lines[number - 1]) - 2))
    bit = data.draw(st.integers(0, 7))
    harmed = bytearray(lines[number - 1])
    harmed[place] ^= 1 << bit
    path = tmp_path / "changes.jsonl"
    path.write_bytes(b"".join([*lines[: number - 1], bytes(harmed), *lines[number:]]))
    with pytest.raises(InputError, match=rf"line {number}\b"):
        Journal(path).read()
    with pytest.raises(InputError, match=rf"line {number}\b"):
        Journal(path).append(change("d"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=6),
    cuts=st.lists(st.integers(0, 400)),
)
def test_any_text_survives_any_order_of_appends_and_crashes(texts: list[str], cuts: list[int], tmp_path: Path) -> None:
    path = tmp_path / "changes.jsonl"
    path.unlink(missing_ok=True)
    follower, seen = Follower(path), []
    for place, text in enumerate(texts):
        seen += Journal(path).append(Change("add", text, Answer(text, text, "en"), (text,)))
        if place < len(cuts):  # a writer that dies in the middle of its line
            torn = line_of(Change("add", "x", Answer("torn", "y" * 300, "en"), number=len(seen) + 1))
            with path.open("ab") as stream:
                stream.write(torn[: min(cuts[place], len(torn) - 1)])
    assert follower.new() == seen == Journal(path).read()


def test_a_line_that_is_missing_or_doubled_is_a_gap(journal: Journal) -> None:
    journal.append(change("a"), change("b"), change("c"))
    a, b, c = journal.path.read_bytes().splitlines(keepends=True)
    for spoilt in (a + c, a + b + b):
        journal.path.write_bytes(spoilt)
        with pytest.raises(InputError, match=r"line \d: got a gap"):
            Journal(journal.path).read()


def test_what_another_version_wrote_is_refused_and_not_passed_over(journal: Journal) -> None:
    journal.append(change("a"))
    rest = line_of(change("b"))[18:].replace(b'"number":0', b'"number":2').replace(b'"add"', b'"new"').rstrip()
    with journal.path.open("ab") as stream:
        stream.write(b'{"crc":"%08x",' % zlib.crc32(rest) + rest + b"\n")
    with pytest.raises(InputError, match="line 2: got no change that this version knows"):
        journal.read()


def test_a_journal_that_was_cut_or_replaced_is_noticed(journal: Journal) -> None:
    journal.append(change("a"), change("b"))
    follower = Follower(journal.path)
    follower.new()
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[: whole.index(b"\n") + 1])
    with pytest.raises(Rewound):
        follower.new()
    journal.append(change("another", "with a longer text than the one that was there before it was cut off"))
    with pytest.raises(Rewound):
        follower.new()
    journal.path.unlink()
    with pytest.raises(Rewound):
        follower.new()


def test_what_was_taken_back_does_not_stand_until_that_is_taken_back_too() -> None:
    def numbers(*undoes: int | None) -> list[int]:
        changes = [
            Change("add", "anna", Answer("a", "x", "en"), number=n, undoes=u) for n, u in enumerate(undoes, start=1)
        ]
        return [c.number for c in standing(changes)]

    assert numbers(None, None, None) == [1, 2, 3]
    assert numbers(None, None, 2) == [1]
    assert numbers(None, None, 2, 3) == [1, 2]
    assert numbers(None, None, 2, 3, 4) == [1]
    assert numbers(None, None, 2, 3, 4, 1) == []
    assert numbers(None, 1, None) == [3]


def test_who_holds_the_journal_sees_a_last_state_that_stays(journal: Journal) -> None:
    with journal.writing() as writer:
        assert writer.append(change("a"))[0].number == 1
        assert writer.append(change("b"))[0].number == 2
    assert ids(Journal(journal.path).read()) == ["a", "b"]


def test_half_a_character_is_refused_before_anything_is_written(journal: Journal) -> None:
    with pytest.raises(InputError, match="whole characters"):
        journal.append(change("a", "\ud800"))
    assert journal.read() == []


_FULL = """
import resource, sys
from pathlib import Path
from tests.retrieval.test_journal import change
from retrieval.journal import Journal
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
Journal(Path(sys.argv[1])).append(change("late"))
"""


def test_a_full_disk_cuts_the_file_back_and_says_so(journal: Journal) -> None:
    """The limit of the file's size stands for the disk: the kernel really writes a part of the line and no more."""
    journal.append(change("a"))
    before = journal.path.read_bytes()
    root = Path(__file__).resolve().parents[2]
    for room in (0, 1, 60):
        command = [sys.executable, "-c", _FULL, str(journal.path), str(len(before) + room)]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        assert "got a full disk; expected a file that can be written. Nothing was changed." in done.stderr
        assert journal.path.read_bytes() == before
    journal.append(change("b"))
    assert ids(journal.read()) == ["a", "b"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def _write(path: Path, name: str, count: int) -> None:
    journal = Journal(path)
    for n in range(count):
        journal.append(change(f"{name}{n}"))


def test_several_processes_write_at_once(journal: Journal) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(journal.path, name, 25)) for name in "wxyz"]
    for writer in writers:
        writer.start()
    follower, seen = Follower(journal.path), []
    while any(writer.is_alive() for writer in writers):
        seen += follower.new()
    seen += follower.new()
    assert [writer.exitcode for writer in writers] == [0] * 4
    assert [c.number for c in seen] == list(range(1, 101))
    for name in "wxyz":
        assert [i for i in ids(seen) if i[0] == name] == [f"{name}{n}" for n in range(25)]
