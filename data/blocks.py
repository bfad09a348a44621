"""A log in pieces of a few megabytes, each of which any process can read by itself.

Formats with one conversation a line are cut at line ends. Every other format is read once and written as our own
format into a temporary file without a name, which the system takes back whenever the process ends; so nothing that is
not redacted outlives a build. Where a log is cut depends on its content only: a log that has grown has the same pieces
as before and some more.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, cast

from data.readers import careline, open_log, recognise, star, tweetsumm
from data.readers.source import Problem, Problems, Source, inspect
from data.schema import Conversation

BLOCK_BYTES = 4 << 20
"""About 10,000 messages: a second of work, so that two processes end together and little is done again after a kill."""

LINE_READERS: dict[str, Callable[[Any, Problems], Iterator[Conversation]]] = {
    "careline": careline.read,
    "star": star.read,
    "tweetsumm": tweetsumm.read,
}
"""Formats in which one line is one conversation."""

_UNDECODED = re.compile("[\udc80-\udcff]")
_CUTTABLE = frozenset(("utf-8", "utf-8-sig", "ascii", "gb18030", "cp1252"))
"""Encodings in which a line feed is never part of another character."""


@dataclass(frozen=True)
class Block:
    """Some lines of a log.

    Attributes:
        number: Position among all blocks of a build, from 0.
        path: The log, for messages.
        format: Of ``LINE_READERS``.
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
        """Reads the conversations; broken lines are reported."""
        return LINE_READERS[self.format](self, problems)

    def lines(self, problems: Problems, *, newline: str = "\n") -> Iterator[tuple[int, str]]:
        """What `data.readers.source.Source.lines` yields, of this piece only."""
        text = io.TextIOWrapper(
            io.BytesIO(self.data), encoding=self.encoding, errors="surrogateescape", newline=newline
        )
        for number, line in enumerate(text, start=self.first):
            if line.isascii() or not _UNDECODED.search(line):
                yield number, line
            else:
                problems.report(number, f"bytes that are not {self.encoding}", f"text in {self.encoding}")


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
        self.path, self._source = path, inspect(path)
        self._spool: IO[bytes] | None = None
        self.format = format or recognise(path)
        if mapping or self.format not in LINE_READERS or self._source.encoding not in _CUTTABLE:
            log = open_log(
                path, format=format, mapping=mapping, strict=strict, on_problem=on_problem, on_mapping=on_mapping
            )
            self._spool = _spooled(log)

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
        with _opened(self._source) as stream:
            yield from _cut(stream, self.path, self.format, self._source.encoding, start)


def _opened(source: Source) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(source.path, "rb") if source.packed else source.path.open("rb"))


def _spooled(conversations: Iterable[Conversation]) -> IO[bytes]:
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the log is read
    for conversation in conversations:
        spool.write(json.dumps(conversation.to_json(), ensure_ascii=False).encode("utf-8", "replace") + b"\n")
    return spool


def _cut(stream: IO[bytes], path: Path, format: str, encoding: str, start: int) -> Iterator[Block]:
    number, first = start, 1
    while piece := stream.read(BLOCK_BYTES):
        piece += stream.readline() if not piece.endswith(b"\n") else b""
        yield Block(number, path, format, encoding if first == 1 else encoding.removesuffix("-sig"), first, piece)
        number, first = number + 1, first + piece.count(b"\n")
