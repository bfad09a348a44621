"""Records as JSON lines, with errors that name file and line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from data.errors import InputError
from data.schema import Record

_R = TypeVar("_R", bound=Record)

_AGAIN = "Run `careline learn` again."


def write_rows(path: Path, rows: Iterable[Record]) -> None:
    """Writes records as JSON lines."""
    with path.open("w", encoding="utf-8") as stream:
        for row in rows:
            stream.write(json.dumps(row.to_json(), ensure_ascii=False) + "\n")


def read_rows(path: Path, kind: type[_R]) -> Iterator[_R]:
    """Yields what ``write_rows`` wrote.

    Args:
        path: A file of JSON lines.
        kind: The class of its records.

    Raises:
        InputError: The file is missing, or a line is no such record.
    """
    try:
        with path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
                yield _record(line, kind, f"{path}:{number}")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), got=str(error), expected=f"{kind.__name__} rows", next_step=_AGAIN) from error


def _record(line: str, kind: type[_R], place: str) -> _R:
    try:
        return kind.from_json(json.loads(line))
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(place, got=str(error), expected=f"a row of {kind.__name__}", next_step=_AGAIN) from error
