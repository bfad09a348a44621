"""Files of what people decided: JSON lines that are only ever appended, by several processes, through crashes."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from data.artifacts import sync_folder
from data.schema import Record

TORN: Final = object()
"""Stands for a line that a crash tore."""


def append_row(path: Path, row: Record) -> None:
    """Appends one line and returns when it is on disk; safe with several processes and after a torn write.

    Args:
        path: Made when missing.
        row: The record.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = not path.exists()
    line = json.dumps(row.to_json(), ensure_ascii=False, separators=(",", ":")) + "\n"
    with locked(path) as stream:
        end = stream.seek(0, os.SEEK_END)
        torn = end > 0 and os.pread(stream.fileno(), 1, end - 1) != b"\n"
        stream.write((("\n" if torn else "") + line).encode())  # what was torn stays a line of its own
        stream.flush()
        os.fsync(stream.fileno())
    if fresh:
        sync_folder(path.parent)


def lines_in(content: bytes) -> Iterator[tuple[int, object]]:
    """(number from 1, what the line says or ``TORN``) of each line that is not empty."""
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            yield number, _said(line)


def _said(line: bytes) -> object:
    try:
        found: object = json.loads(line)
    except ValueError:  # UnicodeDecodeError is one too
        return TORN
    return found


@contextmanager
def locked(path: Path) -> Iterator[BinaryIO]:
    """The file, held by this process alone, and still the one of that name: who forgets something replaces files."""
    while True:
        with path.open("ab+") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            if path.exists() and os.path.samestat(os.fstat(stream.fileno()), path.stat()):
                yield stream
                return
