"""Readers: one file a log format, each a stream of conversations."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import InputError
from data.readers.database import database_source
from data.readers.jsonstream import is_lines
from data.readers.lines import LINE_PARSERS, parse_lines
from data.readers.recognise import recognise_source
from data.readers.source import Problem, Problems, Source, inspect_all

if TYPE_CHECKING:
    from data.schema import Conversation

FORMATS = (
    "careline",
    "table",
    "zendesk",
    "intercom",
    "chatwoot",
    "rasa",
    "twitter",
    "nlu",
    "whatsapp",
    "mbox",
    "star",
    "tweetsumm",
)
"""Names that ``--format`` takes."""

TAKES_MAPPING = ("table", "whatsapp", "mbox")
"""Formats for which ``--map`` says what is what: columns, or who is an agent."""

__all__ = [
    "FORMATS",
    "LINE_PARSERS",
    "Problem",
    "inspect_all",
    "is_lines",
    "open_log",
    "parse_lines",
    "recognise",
    "sources_of",
]


@dataclass(frozen=True)
class Options:
    """How a log is to be read.

    Attributes:
        mapping: What ``--map`` says, or None.
        on_mapping: Called with lines that say how something that is not written in the log was settled.
    """

    mapping: str | None = None
    on_mapping: Callable[[str], None] | None = None

    def say(self, line: str) -> None:
        """Tells the person who imports."""
        if self.on_mapping:
            self.on_mapping(line)


def recognise(path: Path) -> str:
    """Tells the format of a log (of the first one inside a zip) by its content.

    Returns:
        One of ``FORMATS``.

    Raises:
        InputError: Not a readable file, or JSON of a shape that no reader knows.
    """
    return recognise_source(sources_of(path)[0])


def open_log(
    path: Path,
    *,
    format: str | None = None,
    mapping: str | None = None,
    strict: bool = False,
    on_problem: Callable[[Problem], None] | None = None,
    on_mapping: Callable[[str], None] | None = None,
) -> Iterator[Conversation]:
    """Opens a log; what is wrong with the file as a whole is raised here, before the first conversation.

    Args:
        path: A log in one of ``FORMATS``; gzip, zstd or a zip of several logs; or the address of a database.
        format: One of ``FORMATS``; None recognises it.
        mapping: For a table ``field=column`` pairs, comma-separated; what is not named is guessed. For WhatsApp and
            mbox ``agent=NAME``, or several names with ``|`` between them.
        strict: Whether the first broken line is fatal.
        on_problem: Called with each broken line otherwise.
        on_mapping: Called with lines that say how a table's columns are read, or who was taken for the agent.

    Returns:
        A stream of conversations, in the order in which each began in the file where the format has one. At its end
        it raises when nothing was readable, or when more lines were broken than ``source.TOLERATED``.
    """
    if format is not None and format not in FORMATS:
        raise InputError("--format", got="another name", expected=f"one of {', '.join(FORMATS)}", next_step="Name one.")
    options = Options(mapping, on_mapping)
    opened = []
    for source in sources_of(path):
        problems = Problems(source.path, strict=strict, on_problem=on_problem)
        opened.append((_reader(format or recognise_source(source), source, problems, options), problems))
    return _judged(path, opened)


def sources_of(path: Path) -> list[Source]:
    """What there is to read: a file, the files inside a zip, or a database; see `data.readers.source.inspect_all`."""
    address = database_source(path)
    return [address] if address else inspect_all(path)


def _reader(name: str, source: Source, problems: Problems, options: Options) -> Iterator[Conversation]:
    if options.mapping and name not in TAKES_MAPPING:
        expected = f"a log of format {', '.join(TAKES_MAPPING)}"
        raise InputError("--map", got=f"a log of format {name}", expected=expected, next_step="Leave out --map.")
    wanted = {"table": ("text", "xlsx", "parquet"), "rasa": ("text", "sqlite", "url")}.get(name, ("text",))
    if source.kind not in wanted:
        got = {"xlsx": "a spreadsheet", "parquet": "a Parquet file"}.get(source.kind, "a database")
        raise InputError(str(source.path), got=got, expected=f"format {name}", next_step="Leave out --format.")
    read = importlib.import_module(f"data.readers.{name}").read
    stream: Iterator[Conversation] = (
        read(source, problems, options) if name in TAKES_MAPPING else read(source, problems)
    )
    return stream


def _judged(path: Path, opened: list[tuple[Iterator[Conversation], Problems]]) -> Iterator[Conversation]:
    total = 0
    for conversations, problems in opened:
        read = 0
        for conversation in conversations:
            read += 1
            yield conversation
        problems.judge(read)
        total += read
    if not total:
        raise InputError(
            str(opened[0][1].path if len(opened) == 1 else path),
            got="no conversation",
            expected="conversations between customers and agents",
            next_step="Check the export.",
        )
