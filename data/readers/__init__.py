"""Readers: one file a log format, each a stream of conversations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import InputError
from data.readers.source import Problem, Problems, Source, inspect

if TYPE_CHECKING:
    from data.schema import Conversation

FORMATS = ("careline", "star", "tweetsumm", "table")
"""Names that ``--format`` takes."""

__all__ = ["FORMATS", "Problem", "open_log", "recognise"]


def recognise(path: Path) -> str:
    """Tells the format of a log by its content; the name of the file does not matter.

    Returns:
        One of ``FORMATS``.

    Raises:
        InputError: Not a readable file, or JSON of a shape that no reader knows.
    """
    return _recognise(inspect(path))


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
        path: JSON lines, CSV, TSV or XLSX, or gzip of a text format.
        format: One of ``FORMATS``; None recognises it.
        mapping: ``field=column`` pairs for a table, comma-separated; what is not named is guessed.
        strict: Whether the first broken line is fatal.
        on_problem: Called with each broken line otherwise.
        on_mapping: Called with a line that says how a table's columns are read.

    Returns:
        A stream of conversations, in the order in which each began in the file. At its end it raises when nothing
        was readable, or when more lines were broken than ``source.TOLERATED``.
    """
    if format is not None and format not in FORMATS:
        raise InputError("--format", got=format, expected=f"one of {', '.join(FORMATS)}", next_step="Name one.")
    source = inspect(path)
    problems = Problems(path, strict=strict, on_problem=on_problem)
    chosen = format or _recognise(source)
    return _judged(_reader(chosen, source, problems, mapping, on_mapping), problems)


def _reader(
    name: str, source: Source, problems: Problems, mapping: str | None, on_mapping: Callable[[str], None] | None
) -> Iterator[Conversation]:
    if name == "table":
        from data.readers import table

        return table.read(source, problems, mapping=mapping, on_mapping=on_mapping)
    if mapping:
        raise InputError("--map", got=f"a log of format {name}", expected="a table", next_step="Leave out --map.")
    if source.kind != "text":
        raise InputError(str(source.path), got="a spreadsheet", expected=name, next_step="Leave out --format.")
    if name == "star":
        from data.readers import star

        return star.read(source, problems)
    if name == "tweetsumm":
        from data.readers import tweetsumm

        return tweetsumm.read(source, problems)
    from data.readers import careline

    return careline.read(source, problems)


def _judged(conversations: Iterator[Conversation], problems: Problems) -> Iterator[Conversation]:
    read = 0
    for conversation in conversations:
        read += 1
        yield conversation
    problems.judge(read)
    if not read:
        raise InputError(
            str(problems.path),
            got="no conversation",
            expected="conversations between customers and agents",
            next_step="Check the export.",
        )


def _recognise(source: Source) -> str:
    if source.kind == "xlsx" or source.head.lstrip()[:1] not in ("{", "["):
        return "table"
    keys = _first_keys(source)
    if "messages" in keys:
        return "careline"
    if "turns" in keys:
        return "star" if {"tasks", "completion"} & keys else "tweetsumm"
    return "table"


def _first_keys(source: Source) -> set[str]:
    """Keys of the first whole JSON object among the first lines."""
    lines = [line for line in source.head.split("\n")[:50] if line.strip()]
    for line in lines if lines[0].lstrip()[0] == "{" else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            return set(row)
    got = "JSON over several lines" if lines[0].lstrip()[0] == "[" or lines[0].strip() == "{" else "broken JSON"
    raise InputError(
        f"{source.path} line 1",
        got=got,
        expected="one JSON object a line",
        next_step="Mend the file, or write one conversation a line, such as `jq -c '.[]' FILE`.",
    )
