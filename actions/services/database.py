"""One SQLite file of a shop: orders, what the bot registered, and who guesses; the event loop never waits for it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from actions.services.errors import ServiceDown
from data.errors import InputError

APPLICATION = 0x6361_7265
"""``PRAGMA application_id``: by it our files are known from other people's."""

BUSY_SECONDS = 5.0
"""So long a writer waits for another one: an import is one transaction."""

_SCHEMA = (
    # 1
    """
    CREATE TABLE imports (
        id INTEGER PRIMARY KEY AUTOINCREMENT, file TEXT NOT NULL, at REAL NOT NULL,
        new INTEGER NOT NULL, changed INTEGER NOT NULL, same INTEGER NOT NULL
    );
    CREATE TABLE orders (
        key TEXT NOT NULL, import INTEGER NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
        bare TEXT NOT NULL, number TEXT NOT NULL, status TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (key, import)
    ) WITHOUT ROWID;
    CREATE INDEX orders_bare ON orders (bare);
    CREATE INDEX orders_import ON orders (import);
    CREATE VIEW latest AS
        SELECT * FROM orders AS o WHERE import = (SELECT MAX(import) FROM orders AS p WHERE p.key = o.key);
    CREATE TABLE requests (
        reference TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, number TEXT NOT NULL,
        text TEXT NOT NULL, folded TEXT NOT NULL, contact TEXT NOT NULL, at REAL NOT NULL
    );
    CREATE INDEX requests_number ON requests (number, kind);
    CREATE TABLE tries (who TEXT NOT NULL, what TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (who, what)) WITHOUT ROWID;
    CREATE INDEX tries_at ON tries (at);
    """,
)
"""One script for each version; a file of an older version goes through those that it has not seen."""

_T = TypeVar("_T")


class Database:
    """A SQLite file in WAL mode, opened at first use.

    Args:
        path: The file; its folder is made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    async def run(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Does one transaction in a thread.

        Raises:
            ServiceDown: The file cannot be read or written now.
        """
        try:
            return await asyncio.to_thread(self.do, work)
        except (sqlite3.Error, OSError, InputError) as error:
            raise ServiceDown(f"{self.path}: {error}") from error

    def do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Does one transaction in this thread: all of it is kept, or nothing.

        Raises:
            InputError: The file is another program's, or of a newer version.
            sqlite3.Error: It cannot be read or written.
        """
        with self._lock:
            connection = self._connection = self._connection or self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
            return result

    def close(self) -> None:
        """Closes the file; the next call opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")  # a reference that was told must outlive a power cut
            connection.execute("PRAGMA foreign_keys = ON")
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = self._version(connection)
            for number, script in enumerate(_SCHEMA[version:], version + 1):
                for statement in script.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _version(self, connection: sqlite3.Connection) -> int:
        ours: int = connection.execute("PRAGMA application_id").fetchone()[0]
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        tables: int = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
        if ours != APPLICATION and (tables or ours):
            raise self._wrong("a database of another program", "one made by Careline", "Name another file.")
        if version > len(_SCHEMA):
            raise self._wrong(f"version {version}", f"at most {len(_SCHEMA)}", "Update Careline.")
        return version

    def _wrong(self, got: str, expected: str, next_step: str) -> InputError:
        return InputError(str(self.path), got=got, expected=expected, next_step=next_step)
