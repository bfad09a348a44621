"""The bytes of a log: is it a file, packed, text, and in which encoding; lines with their numbers.

Everything that can be wrong with a file as a whole is found here, before a reader looks at its content.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from data.errors import InputError

SAMPLE_BYTES = 1 << 18
"""How much is read to recognise encoding and format."""

TOLERATED = 0.05
"""Share of broken lines above which the log is taken for something else than it was read as."""

WESTERN_CHAOS = 0.05
"""Accents alone do not tell French from Baltic code pages; where Western European reads about as well, it is that."""

_CONVERT = "Export it as CSV, XLSX or JSON lines."
_BINARY: tuple[tuple[bytes, str, str], ...] = (
    (b"PAR1", "a Parquet file", _CONVERT),
    (b"SQLite format 3", "an SQLite database", _CONVERT),
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls)", "Save it as .xlsx or CSV."),
    (b"%PDF", "a PDF file", _CONVERT),
    (b"BZh", "a bzip2 file", "Unpack it first: bunzip2 FILE."),
    (b"\xfd7zXZ", "an xz file", "Unpack it first: unxz FILE."),
    (b"\x28\xb5\x2f\xfd", "a zstd file", "Unpack it first: unzstd FILE."),
)
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_UNDECODED = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class Problem:
    """A line that could not be read.

    Attributes:
        path: The log.
        line: From 1; in a spreadsheet the row.
        got: What is there.
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
    """

    path: Path
    strict: bool = False
    on_problem: Callable[[Problem], None] | None = None
    first: Problem | None = field(default=None, init=False)
    count: int = field(default=0, init=False)

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
            read: How many rows or conversations were read.
        """
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
        path: Where it is.
        kind: ``text`` or ``xlsx``.
        encoding: Of the text.
        packed: Whether it is gzip.
        head: The first characters, for recognising the format; empty for a spreadsheet.
    """

    path: Path
    kind: str
    encoding: str
    packed: bool
    head: str

    def lines(self, problems: Problems, *, newline: str = "\n") -> Iterator[tuple[int, str]]:
        """Streams (number, line); a line that is not text in the encoding is reported and left out.

        Args:
            problems: Where broken lines go.
            newline: A line feed for JSON lines; empty for CSV, whose fields may hold line ends.

        Raises:
            InputError: A damaged gzip file.
        """
        try:
            with self._open(newline) as stream:
                for number, line in enumerate(stream, start=1):
                    if line.isascii() or not _UNDECODED.search(line):
                        yield number, line
                    else:
                        problems.report(number, f"bytes that are not {self.encoding}", f"text in {self.encoding}")
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(
                str(self.path),
                got=f"a damaged gzip file ({error})",
                expected="a whole one",
                next_step="Export or copy the log again.",
            ) from error

    def _open(self, newline: str) -> IO[str]:
        stream = gzip.open(self.path, "rb") if self.packed else self.path.open("rb")  # noqa: SIM115 - closed with the text
        return io.TextIOWrapper(
            cast("IO[bytes]", stream), encoding=self.encoding, errors="surrogateescape", newline=newline
        )


def inspect(path: Path) -> Source:
    """Looks at the first bytes of a log.

    Raises:
        InputError: Missing, a directory, empty, binary, or in an encoding that cannot be told.
    """
    _check_place(path)
    packed, sample = _read_sample(path)
    if not sample.strip():
        raise _refuse(path, "an empty file", "a log with conversations", "Check the export.")
    if sample.startswith(b"PK\x03\x04"):
        return _inspect_zip(path)
    for magic, name, next_step in _BINARY:
        if sample.startswith(magic):
            raise _refuse(path, name, "JSON lines, CSV, TSV or XLSX (or gzip of these)", next_step)
    encoding = _detect_encoding(path, sample)
    head = sample.decode(encoding, errors="ignore")
    return Source(path, "text", encoding, packed, head)


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise _refuse(path, "a directory", "a file", f"Name the log files in it, such as {path}/*.csv.")
    if not path.exists():
        raise _refuse(path, "no such file", "a log", "Check the path.")
    if not path.is_file():
        raise _refuse(path, "something that is not a regular file", "a log file", "Copy it to a file first.")


def _read_sample(path: Path) -> tuple[bool, bytes]:
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        if not packed:
            with path.open("rb") as raw:
                return False, raw.read(SAMPLE_BYTES)
        with gzip.open(path, "rb") as unpacked:
            return True, unpacked.read(SAMPLE_BYTES)
    except PermissionError as error:
        raise _refuse(path, "no permission to read it", "a readable file", f"Run: chmod u+r {path}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _refuse(path, f"a damaged gzip file ({error})", "a whole one", "Export or copy the log again.") from error


def _inspect_zip(path: Path) -> Source:
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        raise _refuse(path, f"a damaged zip or XLSX file ({error})", "a whole one", "Export it again.") from error
    if "xl/workbook.xml" not in names:
        raise _refuse(path, "a zip archive", "a log file", "Unpack it and name the files in it.")
    return Source(path, "xlsx", "utf-8", False, "")


def _detect_encoding(path: Path, sample: bytes) -> str:
    for bom, name in _BOMS:
        if sample.startswith(bom):
            return name
    if b"\x00" in sample:
        raise _refuse(path, "a binary file", "text (JSON lines, CSV, TSV) or XLSX", _CONVERT)
    if _decodes(sample, "utf-8"):
        return "utf-8"
    if _looks_chinese(sample):
        return "gb18030"
    return _guess(path, sample)


def _decodes(sample: bytes, encoding: str) -> bool:
    """True when no more than one byte in 2,000 is wrong; a single broken line is a broken line, not an encoding."""
    wrong = len(_UNDECODED.findall(sample.decode(encoding, errors="surrogateescape")))
    return wrong * 2000 <= len(sample) or (wrong <= 4 and len(sample) > SAMPLE_BYTES // 8)


def _looks_chinese(sample: bytes) -> bool:
    """True when the sample is whole in GB 18030 and most of what is not ASCII is common Chinese."""
    text = sample.decode("gb18030", errors="surrogateescape")
    foreign = [c for c in text if c > "\x7f"]
    if not foreign or any("\udc80" <= c <= "\udcff" for c in foreign[:-3]):
        return False
    common = sum("\u4e00" <= c <= "\u9fa5" or c in "，。？！：；、“”‘’（）《》…—" for c in foreign)
    return common >= 0.9 * len(foreign)


def _guess(path: Path, sample: bytes) -> str:
    from charset_normalizer import from_bytes

    matches = from_bytes(sample[: 1 << 16])
    best = matches.best()
    if best is None:
        raise _refuse(path, "an unknown encoding", "UTF-8 text", "Save it as UTF-8.")
    western = (m for m in matches if "cp1252" in m.could_be_from_charset and m.chaos <= best.chaos + WESTERN_CHAOS)
    return "cp1252" if next(western, None) else str(best.encoding)


def _refuse(path: Path, got: str, expected: str, next_step: str) -> InputError:
    return InputError(str(path), got=got, expected=expected, next_step=next_step)
