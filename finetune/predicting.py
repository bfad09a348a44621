"""Texts for `careline model predict`: from the command line, a table, or a file with one a line."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from data.errors import InputError

_COLUMN = "text"
_LONGEST_FIELD = 10_000_000


def read_texts(texts: Sequence[str], file: Path | None) -> list[str]:
    """The texts given, then those of the file; empty ones keep their place.

    Args:
        texts: From the command line.
        file: ``.csv`` with a header that names a column ``text`` (or with a single column), or plain lines.

    Raises:
        InputError: Nothing given, or a file that cannot be read.
    """
    if file is None:
        if not texts:
            raise InputError("careline model predict", got="no text", expected='texts, or --file',
                             next_step='For example: careline model predict "where is my parcel?"')  # fmt: skip
        return list(texts)
    try:
        with file.open(encoding="utf-8-sig", newline="" if file.suffix.lower() == ".csv" else None) as lines:
            found = _column(file, lines) if file.suffix.lower() == ".csv" else [line.rstrip("\n") for line in lines]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(str(file), got=str(error), expected="a table or lines in UTF-8",
                         next_step="Name another file, or save it as UTF-8.") from error  # fmt: skip
    return [*texts, *found]


def _column(file: Path, lines: Iterable[str]) -> list[str]:
    csv.field_size_limit(_LONGEST_FIELD)
    rows = csv.reader(lines)
    header = next(rows, [])
    names = [name.strip().lower() for name in header]
    if _COLUMN not in names and len(names) != 1:
        raise InputError(str(file), got=f"columns {', '.join(header) or 'none'}", expected=f"a column `{_COLUMN}`",
                         next_step="Name the column of the messages `text`.")  # fmt: skip
    place = names.index(_COLUMN) if _COLUMN in names else 0
    first = [] if _COLUMN in names else [header[0]]
    return first + [row[place] if place < len(row) else "" for row in rows]
