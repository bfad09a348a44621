"""Rows of an artefact as lines of JSON: one record a line, plain or gzip."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TypeVar, cast

from data.errors import InputError
from data.schema import Record

RecordT = TypeVar("RecordT", bound=Record)


def read_rows(path: Path, cls: type[RecordT]) -> Iterator[RecordT]:
    """Streams the records of a file that ``write_rows`` wrote.

    Args:
        path: JSON lines; gzip when the name ends in ``.gz``.
        cls: What every line holds.

    Raises:
        InputError: No such file, or a line that is not such a record.
    """
    again = "Run `careline learn` again."
    try:
        stream = _open(path)
    except FileNotFoundError as error:
        raise InputError(str(path), got="no such file", expected=f"{cls.__name__} rows", next_step=again) from error
    with stream:
        for number, line in enumerate(stream, start=1):
            try:
                yield cls.from_json(json.loads(line))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise InputError(
                    f"{path} line {number}", got=str(error), expected=f"a {cls.__name__} as JSON", next_step=again
                ) from error


def write_rows(path: Path, rows: Iterable[Record]) -> int:
    """Writes records as lines of JSON and returns how many; a row is never held longer than it takes to write it."""
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for count, row in enumerate(rows, start=1):  # noqa: B007 - the last number is the count
            stream.write(json.dumps(row.to_json(), ensure_ascii=False, separators=(",", ":")) + "\n")
    return count


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return cast("IO[str]", gzip.open(path, "rt", encoding="utf-8"))
    return path.open(encoding="utf-8", newline="\n")
