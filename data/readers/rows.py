"""Rows of a table as texts, whatever it is kept in: CSV and TSV, XLSX, Parquet, JSON objects."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from data.errors import InputError
from data.readers.checks import writable
from data.readers.columns import known_names
from data.readers.jsonstream import rows as json_objects
from data.readers.packed import MOST_RATIO, too_large, unpacks_without_measure
from data.readers.source import Problems, Source

LONGEST_FIELD = 1 << 20
"""Characters of a field of CSV: a quote that is never closed must not gather the rest of the file."""

_BATCH = 1000
_LATEST_HEADER = 20
"""Rows among which the names of the columns are looked for."""

_SEPARATOR = re.compile(r"\ufeff?sep=(?P<mark>[,;|\t])\r?\n", re.IGNORECASE)
"""A first line with which Excel is told what separates the columns."""

Row = tuple[int, list[str]]
"""Line number and the values of a row."""


def read_rows(source: Source, problems: Problems) -> tuple[list[str], Iterator[Row]]:
    """The names of the columns and the rows.

    Raises:
        InputError: A damaged file, or none with names of columns.
    """
    if source.kind == "xlsx":
        return _with_header(source, _sheet(source))
    if source.kind == "parquet":
        return _with_header(source, _parquet(source))
    if source.head.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        return _json_rows(source, problems)
    return _with_header(source, _csv_rows(source, problems))


def _with_header(source: Source, rows: Iterator[Row]) -> tuple[list[str], Iterator[Row]]:
    """The first row that is not empty, and the rest; a title above the names of the columns is stepped over."""
    first = [(number, [value.strip() for value in values]) for number, values in islice(rows, _LATEST_HEADER)]
    filled = [at for at, (_, values) in enumerate(first) if any(values)]
    if filled:
        at = filled[0]
        if sum(bool(value) for value in first[at][1]) == 1:
            at = next((later for later in filled if known_names(first[later][1]) > 1), at)
        return first[at][1], chain(first[at + 1 :], rows)
    raise InputError(
        str(source.path),
        got="no row with names of columns",
        expected="a header such as conversation,role,text,time",
        next_step="Put the names of the columns into the first row.",
    )


def _csv_rows(source: Source, problems: Problems) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_FIELD)
    lines = (line for _, line in source.lines(problems, newline=""))
    if told := _SEPARATOR.match(source.head):
        next(lines, None)
    reader = csv.reader(lines, delimiter=told["mark"] if told else _delimiter(source.head), strict=False)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems.report(reader.line_num, str(error), "a row of CSV")
            continue
        yield reader.line_num, row


def _delimiter(head: str) -> str:
    """What separates the names in the header: the candidate that occurs most often in the first line."""
    first = next((line for line in head.splitlines() if line.strip()), "")
    return max(",\t;|", key=lambda mark: (first.count(mark), mark == ","))


def _sheet(source: Source) -> Iterator[Row]:
    """Rows of the first sheet that has any, as texts; of a formula the value that was last computed."""
    from openpyxl import load_workbook

    with source.place.local() as file:
        _check_sizes(source.path, file)
        try:
            with file.open("rb") as raw, closing(load_workbook(raw, read_only=True, data_only=True)) as book:
                for sheet in book.worksheets:
                    empty = True
                    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
                        empty = empty and all(value is None for value in row)
                        yield number, [_cell(value) for value in row]
                    if not empty:
                        return
        except GeneratorExit:
            raise
        except Exception as error:  # a damaged sheet raises anything from SyntaxError to KeyError in the library
            raise _damaged(source.path, "XLSX", error) from error


def _check_sizes(path: Path, file: Path) -> None:
    """Refuses a spreadsheet that unpacks without measure: its shared texts are held in memory."""
    try:
        with zipfile.ZipFile(file) as archive:
            huge = unpacks_without_measure(archive, file)
    except zipfile.BadZipFile as error:
        raise _damaged(path, "XLSX", error) from error
    if huge:
        raise too_large(path, f"a spreadsheet that unpacks to more than {MOST_RATIO} times its size")


def _parquet(source: Source) -> Iterator[Row]:
    """The columns' names, then the rows, in batches."""
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    with source.place.local() as file:
        try:
            with ParquetFile(file) as table:
                yield 1, [str(name) for name in table.schema_arrow.names]
                number = 1
                for batch in table.iter_batches(batch_size=_BATCH):
                    columns = [column.to_pylist() for column in batch.columns]
                    for values in zip(*columns, strict=True):
                        number += 1
                        yield number, [_cell(value) for value in values]
        except (ArrowException, OSError, ValueError, OverflowError) as error:
            raise _damaged(source.path, "Parquet", error) from error


def _damaged(path: Path, kind: str, error: Exception) -> InputError:
    return InputError(
        str(path),
        got=f"a damaged {kind} file ({type(error).__name__})",
        expected="a whole one",
        next_step="Save it again.",
    )


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value if value.isascii() and "\x00" not in value else writable(value.replace("\x00", ""))
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, (list, dict)):
        return writable(json.dumps(value, ensure_ascii=False, default=str))
    return str(value)


def _json_rows(source: Source, problems: Problems) -> tuple[list[str], Iterator[Row]]:
    objects: Iterator[tuple[int, dict[str, Any]]] = iter(json_objects(source, problems))
    first = list(islice(objects, 100))
    header = list(dict.fromkeys(key for _, row in first for key in row))
    return header, ((n, [_cell(row.get(key)) for key in header]) for n, row in chain(first, objects))
