"""A log in pieces of a few megabytes, each of which any process can read by itself.

Formats with one conversation a line are cut at line ends. Every other format is read once and written as our own
format into a temporary file without a name, which the system takes back whenever the process ends; so nothing that is
not redacted outlives a build. Where a log is cut depends on its content only: a log that has grown has the same pieces
as before and some more.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

from data.readers import LINE_PARSERS, is_lines, open_log, parse_lines, sources_of
from data.readers.recognise import recognise_source
from data.readers.source import LONGEST_LINE, Problem, Problems, Source
from data.schema import Conversation

BLOCK_BYTES = 1 << 20
"""About 8,000 messages: a second of work, so that two processes end together and little is done again after a kill. The
last block is seldom full, so it is made again when the log grows: half of this on average."""

_CUTTABLE = frozenset(("utf-8", "utf-8-sig", "ascii", "gb18030", "cp1252"))
"""Encodings in which a line feed is never part of another character."""


@dataclass(frozen=True)
class Block:
    """Some lines of a log.

    Attributes:
        number: Position among all blocks of a build, from 0.
        path: The log, for messages.
        format: Of ``LINE_PARSERS``.
        encoding: Of the lines.
        first: Number of the first line, from 1.
        data: The lines.
    """

    number: int
    path: Path
    format: str
    encoding: str
    first: int
    data: bytes

    @cached_property
    def key(self) -> str:
        """Hash of the content, 16 hex digits: equal blocks of two builds give equal results."""
        digest = hashlib.blake2b(f"{self.format}\0{self.encoding}\0".encode(), digest_size=8)
        digest.update(self.data)
        return digest.hexdigest()

    def conversations(self, problems: Problems) -> Iterator[Conversation]:
        """Reads the conversations; broken lines are reported with their numbers in the log."""
        source = Source(self.path, "text", self.encoding, _Lines(self.data))  # type: ignore[arg-type]
        shift = self.first - 1
        lines = ((number + shift, line) for number, line in source.lines(_Shifted(problems, shift)))
        found, broken = parse_lines(self.format, lines)
        for trouble in broken:
            problems.report(*trouble)
        return iter(found)


@dataclass(frozen=True)
class _Lines:
    """Bytes in memory in the place of a file."""

    data: bytes
    packing: str = ""

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        yield io.BytesIO(self.data)


class _Shifted(Problems):
    """Problems of a piece, numbered as in the whole."""

    def __init__(self, problems: Problems, shift: int) -> None:
        super().__init__(problems.path, strict=problems.strict)
        self._problems, self._shift = problems, shift

    def report(self, line: int, got: str, expected: str) -> None:
        """See parent."""
        self._problems.report(line + self._shift, got, expected)


class LogBlocks:
    """The blocks of one log; may be iterated again and again.

    Args:
        path: The log.
        format: Of `data.readers.FORMATS`; None recognises it.
        mapping: Columns of a table.
        on_problem: Called with each broken line of a format that is read at once.
        on_mapping: Called with the line that says how a table is read.
        strict: Whether the first broken line is fatal.

    Raises:
        InputError: The log cannot be read at all.
    """

    def __init__(
        self,
        path: Path,
        *,
        format: str | None = None,
        mapping: str | None = None,
        strict: bool = False,
        on_problem: Callable[[Problem], None] | None = None,
        on_mapping: Callable[[str], None] | None = None,
    ) -> None:
        self.path = path
        sources = sources_of(path)
        self._source = sources[0]
        self._spool: IO[bytes] | None = None
        self._size = path.stat().st_size if path.is_file() and not self._source.packed else None
        self.format = format or recognise_source(self._source)
        if mapping or len(sources) > 1 or not self._is_cuttable():
            log = open_log(
                path, format=format, mapping=mapping, strict=strict, on_problem=on_problem, on_mapping=on_mapping
            )
            self._spool = _spooled(log)

    def _is_cuttable(self) -> bool:
        source = self._source
        return (
            self.format in LINE_PARSERS and source.kind == "text" and source.encoding in _CUTTABLE and is_lines(source)
        )

    @property
    def shown(self) -> str:
        """For people: the file's path, or a database's address without its password."""
        return str(self.path if self.path.is_file() else self._source.path)

    @property
    def at_once(self) -> bool:
        """Whether the log had to be read as a whole already, so that its broken lines are known."""
        return self._spool is not None

    def blocks(self, *, start: int = 0) -> Iterator[Block]:
        """Yields the blocks, numbered from ``start``."""
        if self._spool is not None:
            self._spool.seek(0)
            yield from _cut(self._spool, self.path, "careline", "utf-8", start)
            return
        with self._source.place.open() as stream:
            log = _Until(stream, self._size) if self._size is not None else stream
            yield from _cut(log, self.path, self.format, self._source.encoding, start)


def _spooled(conversations: Iterable[Conversation]) -> IO[bytes]:
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the log is read
    for conversation in conversations:
        spool.write(json.dumps(conversation.to_json(), ensure_ascii=False).encode("utf-8", "replace") + b"\n")
    return spool


class _Until:
    """A stream as it was when it was opened: a log that is written to meanwhile is the same at each reading.

    Args:
        stream: At its start.
        size: Bytes that are read.
    """

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream, self._left = stream, size

    def read(self, size: int) -> bytes:
        """Up to so many bytes."""
        return self._counted(self._stream.read(min(size, self._left)))

    def readline(self, size: int) -> bytes:
        """The rest of a line, up to so many bytes."""
        return self._counted(self._stream.readline(min(size, self._left)))

    def _counted(self, data: bytes) -> bytes:
        self._left -= len(data)
        return data


def _cut(stream: IO[bytes] | _Until, path: Path, format: str, encoding: str, start: int) -> Iterator[Block]:
    number, first = start, 1
    while piece := stream.read(BLOCK_BYTES):
        if not piece.endswith(b"\n"):
            piece += stream.readline(LONGEST_LINE)  # of a longer line the rest is a broken line of the next piece
        yield Block(number, path, format, encoding if first == 1 else encoding.removesuffix("-sig"), first, piece)
        number, first = number + 1, first + piece.count(b"\n")
