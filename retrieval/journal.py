"""What people changed about the answers: one line a change, in order, acknowledged when it is on disk.

A line is ``{"crc":"…","number":…,…}``: CRC-32 of all that follows its comma, then a number that counts from 1 without a
gap. So a reader can tell a line that a crash tore (it has no end) from one that was damaged later (its checksum is
wrong). The first was never acknowledged: readers pass it over and the next writer cuts it off. The second is refused.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from data.artifacts import Manifest, sync_folder
from data.errors import InputError
from data.schema import Answer

Kind = Literal["add", "change", "remove", "restore"]

KINDS: tuple[Kind, ...] = ("add", "change", "remove", "restore")

Stamp = tuple[int, int, int]
"""Inode, size and time of change of the file."""

_HEAD = re.compile(rb'\{"crc":"([0-9a-f]{8})",("number":(\d+),.*\})', re.DOTALL)


class Rewound(Exception):
    """The journal is not the one that was read: a line that was there is gone or another. Begin again."""


@dataclass(frozen=True)
class Mark:
    """A place in the journal: behind this record.

    Attributes:
        number: Of the record; 0 for the beginning.
        crc: Its checksum, so that another journal with as many records is not taken for this one.
    """

    number: int = 0
    crc: str = ""


@dataclass(frozen=True)
class Change:
    """A line: the whole state of one answer after the change, and before it.

    Attributes:
        kind: What was done.
        by: Who did it.
        answer: As it is from now on. A withdrawn one is not ``reusable``.
        questions: All questions that people gave to this answer, this change included.
        before: The answer as it was; None where it was not there.
        asked_before: The questions that people had given to it.
        undoes: Number of the change that this one takes back, or None.
        number: Counts from 1; 0 before it is written.
        time: Unix seconds; 0 before it is written.
    """

    kind: Kind
    by: str
    answer: Answer
    questions: tuple[str, ...] = ()
    before: Answer | None = None
    asked_before: tuple[str, ...] = ()
    undoes: int | None = None
    number: int = 0
    time: float = 0.0

    @property
    def added(self) -> tuple[str, ...]:
        """Questions that this change brought."""
        return tuple(question for question in self.questions if question not in self.asked_before)

    @property
    def dropped(self) -> tuple[str, ...]:
        """Questions that this change took away."""
        return tuple(question for question in self.asked_before if question not in self.questions)

    def to_json(self) -> dict[str, Any]:
        """The line's object, without its checksum; the number comes first."""
        row: dict[str, Any] = {"number": self.number, "time": self.time, "by": self.by, "kind": self.kind}
        row |= {"answer": self.answer.to_json(), "questions": list(self.questions)}
        if self.before is not None:
            row |= {"before": self.before.to_json(), "asked_before": list(self.asked_before)}
        return row if self.undoes is None else row | {"undoes": self.undoes}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Change:
        """Reads what ``to_json`` wrote.

        Raises:
            TypeError: A field is unknown or missing.
            ValueError: The kind is none of ``KINDS``.
        """
        if row["kind"] not in KINDS:
            raise ValueError(f"kind {row['kind']!r}")
        before = row.pop("before", None)
        made = {"answer": Answer.from_json(row.pop("answer")), "before": before and Answer.from_json(before)}
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in row.items()} | made)


class Follower:
    """Reads a journal on from where it was; knows by one ``stat`` that there is nothing new.

    Args:
        path: The journal; it need not be there yet.
        mark: Where to begin.
    """

    def __init__(self, path: Path, mark: Mark | None = None) -> None:
        self.path, self._begin = path, mark or Mark()
        self.mark, self.end = Mark(), 0
        self._last = b""
        self._stamp: Stamp | None = None

    def again(self) -> Follower:
        """A reader that begins where this one began, for a journal that was replaced."""
        return Follower(self.path, self._begin)

    def new(self, *, parsed: bool = True) -> list[Change]:
        """The changes since the last call, oldest first; at the first call, those behind ``mark``.

        Args:
            parsed: Without, lines are checked only and nothing comes back: enough to know where the journal ends.

        Raises:
            InputError: A damaged line, or a journal that does not reach ``mark``. Nothing is passed over: the next call
                meets it again.
            Rewound: The file was cut or replaced.
        """
        if (stamp := stamp_of(self.path)) is None:
            if self._last or self._begin.number:
                self._short()
            return []
        if stamp == self._stamp:
            return []
        found, mark, last, end = [], self.mark, self._last, self.end
        for line in self._lines():
            mark, last, end = Mark(mark.number + 1, self._checked(line, mark.number + 1)), line, end + len(line) + 1
            if parsed and mark.number > self._begin.number:
                found.append(self._parsed(line, mark.number))
            elif mark.number == self._begin.number and self._begin.crc not in ("", mark.crc):
                self._short()
        if mark.number < self._begin.number:
            self._short()
        self.mark, self._last, self.end, self._stamp = mark, last, end, stamp
        return found

    def _lines(self) -> list[bytes]:
        """Whole lines behind ``end``; what has no end yet is torn, or is being written."""
        with self.path.open("rb") as stream:
            stream.seek(max(0, self.end - len(self._last) - 1))
            data = stream.read()
        if self._last:
            if not data.startswith(self._last + b"\n"):
                raise Rewound(str(self.path))
            data = data[len(self._last) + 1 :]
        return data.split(b"\n")[:-1]

    def _checked(self, line: bytes, number: int) -> str:
        match = _HEAD.fullmatch(line)
        crc = f"{zlib.crc32(match[2]):08x}" if match else ""
        if match is None or match[1].decode() != crc or int(match[3]) != number:
            raise self._damaged(number, "a damaged line" if match is None or match[1].decode() != crc else "a gap")
        return crc

    def _parsed(self, line: bytes, number: int) -> Change:
        try:
            row = json.loads(line)
            del row["crc"]
            return Change.from_json(row)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._damaged(number, f"no change that this version knows ({error})") from error

    def _damaged(self, number: int, got: str) -> InputError:
        return InputError(
            f"{self.path} line {number}", got=got, expected="a change with its checksum",
            next_step="Take the file from a backup; what is written after a lost change may not fit.",
        )  # fmt: skip

    def _short(self) -> None:
        if self._last:
            raise Rewound(str(self.path))
        raise InputError(
            str(self.path), got=f"a journal without change {self._begin.number} that the index holds",
            expected="the one that the index was built with",
            next_step="Take it from a backup, or run `careline index build`.",
        )  # fmt: skip


class Journal:
    """``var/answers/changes.jsonl``: appended to by several processes, one at a time.

    Args:
        path: The file; it is made with the first change.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tail = Follower(path)

    def read(self, mark: Mark | None = None) -> list[Change]:
        """All changes behind a place, oldest first.

        Raises:
            InputError: See ``Follower.new``.
        """
        return Follower(self.path, mark).new()

    def append(self, *changes: Change) -> list[Change]:
        """Appends changes as one write; when it returns they are on disk.

        Returns:
            The changes with their numbers and the time.

        Raises:
            InputError: They could not be written (then none is), or the journal is damaged.
        """
        with self.writing() as writer:
            return writer.append(*changes)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Holds the journal: nobody else appends until the block ends, so what was read before is still so."""
        with ExitStack() as stack:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                lock = stack.enter_context(self.path.with_suffix(".lock").open("a"))
                fcntl.flock(lock, fcntl.LOCK_EX)
                fresh = not self.path.exists()
                descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
                stack.callback(os.close, descriptor)
                writer = Writer(descriptor, self._caught_up(), fresh=fresh)
            except OSError as error:
                raise _refused(self.path, error) from error
            yield writer

    def _caught_up(self) -> Follower:
        try:
            self._tail.new(parsed=False)
        except Rewound:
            self._tail = Follower(self.path)
            self._tail.new(parsed=False)
        return self._tail


class Writer:
    """The journal in the hands of one process; from ``Journal.writing``.

    Args:
        descriptor: Of the file, opened to append.
        tail: Knows the last record; has read all.
        fresh: Whether the file was made just now.
    """

    def __init__(self, descriptor: int, tail: Follower, *, fresh: bool) -> None:
        self._descriptor, self._tail, self._fresh = descriptor, tail, fresh
        if os.fstat(descriptor).st_size > tail.end:
            os.ftruncate(descriptor, tail.end)  # what a crash tore was never acknowledged

    def append(self, *changes: Change) -> list[Change]:
        """See ``Journal.append``."""
        first, now = self._tail.mark.number + 1, round(time.time(), 3)
        made = [replace(c, number=n, time=c.time or now) for n, c in enumerate(changes, start=first)]
        data = b"".join(line_of(change) for change in made)
        end = self._tail.end
        try:
            written = os.write(self._descriptor, data)
            if written < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._descriptor)
            if self._fresh:
                sync_folder(self._tail.path.parent)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._descriptor, end)
            raise _refused(self._tail.path, error) from error
        self._fresh = False
        self._tail.new(parsed=False)
        return made


def line_of(change: Change) -> bytes:
    """The line of a change that has its number.

    Raises:
        InputError: Its text is no text (half a character).
    """
    try:
        rest = json.dumps(change.to_json(), ensure_ascii=False, separators=(",", ":")).encode()[1:]
    except UnicodeEncodeError as error:
        raise InputError(
            "the change", got=str(error), expected="whole characters", next_step="Type the text anew."
        ) from error
    return b'{"crc":"%08x",' % zlib.crc32(rest) + rest + b"\n"


def mark_of(manifest: Manifest) -> Mark:
    """Up to where an index holds the journal, as its manifest says."""
    return Mark(int(manifest.recipe.get("journal", 0)), str(manifest.recipe.get("journal_crc", "")))


def stamp_of(path: Path) -> Stamp | None:
    """What changes with every append; None where there is no file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def standing(changes: Sequence[Change]) -> list[Change]:
    """The changes that were not taken back, without those that took others back; pure.

    Args:
        changes: The whole journal, in order. Who takes back what took back, has the first again.
    """
    stands: dict[int, Change] = {}
    known = {change.number: change for change in changes}
    for change in changes:
        first, stays = change, True
        while first.undoes is not None and first.undoes in known and first.undoes < first.number:
            first, stays = known[first.undoes], not stays
        if stays:
            stands[first.number] = first
        else:
            stands.pop(first.number, None)
    return [stands[number] for number in sorted(stands)]


def _refused(path: Path, error: OSError) -> InputError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return InputError(
        str(path), got="a full disk" if full else error.strerror or str(error), expected="a file that can be written",
        next_step=f"Nothing was changed. {'Free some space' if full else 'Mend that'} and do it again.",
    )  # fmt: skip
