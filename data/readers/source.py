"""The bytes of a log: is it a file, packed, text, and in which encoding; lines with their numbers.

Everything that can be wrong with a file as a whole is found here, before a reader looks at its content.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from data.errors import InputError
from data.readers.encoding import detect_encoding, error_handler, undecoded
from data.readers.packed import Place, find_places

SAMPLE_BYTES = 1 << 18
"""How much is read to recognise encoding and format."""

TOLERATED = 0.05
"""Share of broken lines above which the log is taken for something else than it was read as."""

LONGEST_LINE = 8_000_000
"""Characters. A longer line is a broken one: a conversation has a few thousand, and memory must not follow a line."""

_CONVERT = "Export it as CSV, XLSX or JSON lines."
_BINARY: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls)", "Save it as .xlsx or CSV."),
    (b"%PDF", "a PDF file", _CONVERT),
    (b"BZh", "a bzip2 file", "Unpack it first: bunzip2 FILE."),
    (b"\xfd7zXZ", "an xz file", "Unpack it first: unxz FILE."),
    (b"\x1f\x8b", "a packed file in a packed file", "Unpack it first."),
    (b"\x28\xb5\x2f\xfd", "a packed file in a packed file", "Unpack it first."),
)
_KINDS = ((b"PK\x03\x04", "xlsx"), (b"PAR1", "parquet"), (b"SQLite format 3\x00", "sqlite"))


@dataclass(frozen=True)
class Problem:
    """A line that could not be read.

    Attributes:
        path: The log.
        line: From 1; in a spreadsheet the row.
        got: What is there; never a text of the log.
        expected: What would have been right.
    """

    path: Path
    line: int
    got: str
    expected: str

    def error(self, next_step: str) -> InputError:
        """The problem as what ends the command."""
        return InputError(f"{self.path} line {self.line}", got=self.got, expected=self.expected, next_step=next_step)


@dataclass
class Problems:
    """Collects the broken lines of one log, or raises at the first one.

    Attributes:
        path: The log.
        strict: Whether the first broken line is fatal.
        on_problem: Called with each.
        good: Rows that were read, counted by readers of which a conversation takes several.
    """

    path: Path
    strict: bool = False
    on_problem: Callable[[Problem], None] | None = None
    first: Problem | None = field(default=None, init=False)
    count: int = field(default=0, init=False)
    good: int = field(default=0, init=False)

    def report(self, line: int, got: str, expected: str) -> None:
        """Counts a broken line.

        Raises:
            InputError: When strict.
        """
        problem = Problem(self.path, line, got, expected)
        if self.strict:
            raise problem.error("Mend the line, or leave out --strict to skip it.")
        self.first = self.first or problem
        self.count += 1
        if self.on_problem:
            self.on_problem(problem)

    def judge(self, read: int) -> None:
        """Refuses the log when nothing, or too little of it, was readable.

        Args:
            read: How many conversations were read.
        """
        read = max(read, self.good) if read else 0
        if self.first is None:
            return
        if not read:
            raise self.first.error("Mend the file, or name its format with --format.")
        if self.count > TOLERATED * (read + self.count):
            raise self.first.error(
                f"{self.count} of {read + self.count} lines are broken, too many to skip: mend the file."
            )


@dataclass(frozen=True)
class Source:
    """A log that can be opened: what its first bytes told.

    Attributes:
        path: For messages: the file, ``ARCHIVE/MEMBER`` inside a zip, or the address of a database without password.
        kind: ``text``, ``xlsx``, ``parquet``, ``sqlite`` or ``url``.
        encoding: Of the text.
        place: Where the bytes are.
        head: The first characters, for recognising the format; empty for what is no text.
        url: Address of a database, or None; holds the password and must not be shown.
    """

    path: Path
    kind: str
    encoding: str
    place: Place
    head: str = ""
    url: str | None = field(default=None, repr=False)

    @property
    def packed(self) -> bool:
        """Whether it is unpacked while it is read."""
        return bool(self.place.packing)

    def lines(self, problems: Problems, *, newline: str = "\n") -> Iterator[tuple[int, str]]:
        """Streams (number, line); a line that is too long or no text in the encoding is reported and left out.

        NUL characters, which no text format allows, are taken out.

        Args:
            problems: Where broken lines go.
            newline: A line feed for JSON lines; empty for CSV, whose fields may hold line ends.

        Raises:
            InputError: A damaged packed file, or one that unpacks without measure.
        """
        wrong = undecoded(self.encoding)
        with self.text(newline=newline) as stream:
            for number, line in enumerate(_bounded(stream), start=1):
                if line is None:
                    problems.report(number, f"a line of more than {LONGEST_LINE:,} characters", "a conversation a line")
                elif line.isascii() or not wrong.search(line):
                    yield number, line.replace("\x00", "") if "\x00" in line else line
                else:
                    problems.report(number, f"bytes that are not {self.encoding}", f"text in {self.encoding}")

    @contextmanager
    def text(self, *, newline: str = "\n") -> Iterator[IO[str]]:
        """Opens it as text; bytes that are none are marked, see `data.readers.encoding.undecoded`."""
        with self.place.open() as stream:
            text = io.TextIOWrapper(
                stream, encoding=self.encoding, errors=error_handler(self.encoding), newline=newline
            )
            yield text


def _bounded(stream: IO[str]) -> Iterator[str | None]:
    """Lines; None for one that is longer than ``LONGEST_LINE``, of which no more than that is ever held."""
    read = partial(stream.readline, LONGEST_LINE)
    for line in iter(read, ""):
        if len(line) < LONGEST_LINE or line.endswith("\n"):
            yield line
            continue
        while (rest := read()) and not rest.endswith("\n"):
            pass
        yield None


def inspect(path: Path) -> Source:
    """Looks at the first bytes of a log; of the first one inside a zip.

    Raises:
        InputError: Missing, a directory, empty, binary, or in an encoding that cannot be told.
    """
    return inspect_all(path)[0]


def inspect_all(path: Path) -> list[Source]:
    """Looks at the first bytes of every log in a file: one, or those inside a zip. See ``inspect``."""
    _check_place(path)
    try:
        places = find_places(path)
    except PermissionError as error:
        raise _refuse(path, "no permission to read it", "a readable file", f"Run: chmod u+r {path}") from error
    if len(places) == 1:
        return [_inspect(places[0])]
    sources = [
        source for place in places if (source := _inspect(place, may_be_empty=True)).head or source.kind != "text"
    ]
    if not sources:
        raise _refuse(path, "a zip of empty files", "a log with conversations", "Check the export.")
    return sources


def _inspect(place: Place, *, may_be_empty: bool = False) -> Source:
    with place.open() as stream:
        sample = stream.read(SAMPLE_BYTES)
    if not sample.strip():
        if may_be_empty:
            return Source(place.path, "text", "utf-8", place)
        raise _refuse(place.path, "an empty file", "a log with conversations", "Check the export.")
    for magic, kind in _KINDS:
        if sample.startswith(magic):
            return Source(place.path, kind, "utf-8", place)
    for magic, name, next_step in _BINARY:
        if sample.startswith(magic):
            raise _refuse(place.path, name, "JSON lines, CSV, TSV, XLSX or another export of a help desk", next_step)
    encoding = detect_encoding(place.path, sample, whole=len(sample) < SAMPLE_BYTES)
    head = sample.decode(encoding, errors="ignore").replace("\x00", "")
    if not head.strip("\ufeff \t\r\n"):
        raise _refuse(place.path, "an empty file", "a log with conversations", "Check the export.")
    return Source(place.path, "text", encoding, place, head)


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise _refuse(path, "a directory", "a file", f"Name the log files in it, such as {path}/*.csv.")
    if not path.exists():
        raise _refuse(path, "no such file", "a log", "Check the path.")
    if not path.is_file():
        raise _refuse(path, "something that is not a regular file", "a log file", "Copy it to a file first.")


def _refuse(path: Path, got: str, expected: str, next_step: str) -> InputError:
    return InputError(str(path), got=got, expected=expected, next_step=next_step)
