"""Brings together what belongs to one conversation and stands apart in the log.

Kept in a temporary SQLite database, which spills to disk, so that memory does not grow with the log.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

_FULL = "database or disk is full"
BATCH = 500
"""Rows written at once."""


@contextmanager
def temporary_store() -> Iterator[sqlite3.Connection]:
    """A temporary database that spills to disk and is gone at the end.

    Raises:
        OSError: The disk of the temporary files is full.
    """
    with closing(sqlite3.connect("")) as store:
        try:
            yield store
        except sqlite3.OperationalError as error:
            if _FULL not in str(error):
                raise
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), tempfile.gettempdir()) from error


class Gathering:
    """Parts by conversation; a context manager.

    ``add`` all, then ``conversations`` gives each conversation's parts together, in the order in which the
    conversations began in the log.
    """

    def __init__(self) -> None:
        self._open = temporary_store()
        self._waiting: list[tuple[str, str | None, float | None, str]] = []

    def __enter__(self) -> Gathering:
        self._store = self._open.__enter__()
        self._store.execute(
            "CREATE TABLE part (number INTEGER PRIMARY KEY, conversation TEXT, id TEXT, time REAL, body TEXT)"
        )
        self._store.execute("CREATE TABLE person (id TEXT PRIMARY KEY, role TEXT) WITHOUT ROWID")
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.__exit__(*error)

    def add(self, conversation: str, body: dict[str, Any], *, id: str | None = None, time: float | None = None) -> None:
        """Adds a part.

        Args:
            conversation: What it belongs to.
            body: What JSON can hold.
            id: Its own id; of several parts of one id in a conversation, the last one counts.
            time: Unix seconds.
        """
        self._waiting.append((conversation, id, time, json.dumps(body)))
        if len(self._waiting) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        insert = "INSERT INTO part (conversation, id, time, body) VALUES (?, ?, ?, ?)"
        self._store.executemany(insert, self._waiting)
        self._waiting.clear()

    def know(self, person: str, role: str) -> None:
        """Remembers what a person is in the help desk."""
        self._store.execute("INSERT OR REPLACE INTO person VALUES (?, ?)", (person, role))

    def role_of(self, person: str) -> str | None:
        """What the person is, where it was told."""
        row = self._store.execute("SELECT role FROM person WHERE id = ?", (person,)).fetchone()
        return str(row[0]) if row else None

    def conversations(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """(conversation, parts): by time where every part has one, else in the order of the log."""
        self._flush()
        self._store.execute("CREATE INDEX by_conversation ON part (conversation, number)")
        order = "SELECT conversation, MIN(number) AS first FROM part GROUP BY conversation ORDER BY first"
        wanted = "SELECT id, time, body, number FROM part WHERE conversation = ? ORDER BY number"
        for name, _ in self._store.execute(order):
            rows = self._store.execute(wanted, (name,)).fetchall()
            last = {row[0]: row for row in rows if row[0] is not None}
            rows = [row for row in rows if row[0] is None or last[row[0]] is row]
            if all(row[1] is not None for row in rows):
                rows.sort(key=lambda row: row[1])  # stable: parts of one second keep their order
            yield name, [json.loads(row[2]) for row in rows]
