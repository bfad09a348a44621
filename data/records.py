"""Rows of an artefact as lines of JSON: one record a line, in one file or in a folder of shards."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from data.errors import InputError
from data.schema import Record

RecordT = TypeVar("RecordT", bound=Record)

_AGAIN = "Run `careline learn` again."


def read_rows(path: Path, cls: type[RecordT]) -> Iterator[RecordT]:
    """Streams the records that ``write_rows`` wrote.

    Args:
        path: A file of JSON lines, or a folder of such files, which are read in the order of their names.
        cls: What every line holds.

    Raises:
        InputError: No such file, or a line that is not such a record.
    """
    if path.is_dir():
        for part in sorted(path.glob("*.jsonl")):
            yield from read_rows(part, cls)
        return
    try:
        with path.open(encoding="utf-8", newline="\n") as stream:
            for number, line in enumerate(stream, start=1):
                yield _record(line, cls, f"{path} line {number}")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), got=str(error), expected=f"{cls.__name__} rows", next_step=_AGAIN) from error


def _record(line: str, cls: type[RecordT], place: str) -> RecordT:
    try:
        return cls.from_json(json.loads(line))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(place, got=str(error), expected=f"a {cls.__name__} as JSON", next_step=_AGAIN) from error


def write_rows(path: Path, rows: Iterable[Record]) -> int:
    """Writes records as lines of JSON and returns how many; a row is never held longer than it takes to write it."""
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for count, row in enumerate(rows, start=1):  # noqa: B007 - the last number is the count
            stream.write(json.dumps(row.to_json(), ensure_ascii=False, separators=(",", ":")) + "\n")
    return count
