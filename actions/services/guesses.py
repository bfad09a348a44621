"""How often wrong details were tried: kept outside of the conversation, since whoever guesses begins new ones."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Sequence

from actions.services.database import Database

MOST = 5
"""So many different wrong details in ``SECONDS``; a customer who mistypes needs two or three."""

SECONDS = 3600.0


class Guesses:
    """Counts wrong details by who tried them and by what they were tried on.

    Args:
        database: Where they are kept, as hashes.
        clock: Unix seconds.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    async def blocked(self, names: Sequence[str]) -> bool:
        """Whether one of these may not be tried now.

        Args:
            names: For instance ``conversation:ID`` and ``order:NUMBER``.

        Raises:
            ServiceDown: It cannot be told; then nothing may be looked up.
        """
        marks = [_mark(name) for name in names]

        def work(connection: sqlite3.Connection) -> bool:
            query = "SELECT COUNT(*) FROM tries WHERE who = ? AND at > ?"
            since = self._clock() - SECONDS
            return any(connection.execute(query, (mark, since)).fetchone()[0] >= MOST for mark in marks)

        return await self._database.run(work)

    async def count(self, names: Sequence[str], what: str) -> None:
        """Counts one wrong try for each name. The same details again are no new try: they tell nothing new.

        Args:
            names: See ``blocked``.
            what: The details.

        Raises:
            ServiceDown: It cannot be kept.
        """
        now = self._clock()
        rows = [(_mark(name), _mark(what), now) for name in names]

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM tries WHERE at <= ?", (now - SECONDS,))
            connection.executemany("INSERT OR IGNORE INTO tries VALUES (?, ?, ?)", rows)

        await self._database.run(work)


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
