"""A shop's orders in a SQLite file: imported from tables, found by number, and taken back import by import."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from actions.services.database import Database
from actions.services.orders import EXAMPLE, Order, bare_number, normalise_number, order_from, row_of, shape_of
from actions.services.requests import LocalRequests

KEPT = 20
"""So many imports can be undone; of older ones only what still holds is kept."""


@dataclass(frozen=True)
class Import:
    """What one import changed.

    Attributes:
        id: Counts up.
        file: Name of the file.
        at: Unix seconds.
        new: Orders that were not there.
        changed: Orders that were there and differ now.
        same: Orders that were there as they are.
    """

    id: int
    file: str
    at: float
    new: int
    changed: int
    same: int


class SqliteOrders:
    """The ``OrderService`` on a file of ours. Methods without ``async`` block: they are for the command line.

    Args:
        database: Of orders and of what was registered for them.
        clock: Unix seconds.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self.requests = LocalRequests(database, clock=clock)
        self._database, self._clock = database, clock

    async def find(self, number: str) -> Order | None:
        """See ``OrderService``. A number without its letters is enough when only one order has it."""
        return await self._database.run(lambda connection: _find(connection, number))

    async def register_return(self, order: Order, reason: str, *, key: str) -> str:
        """See ``OrderService``."""
        return await self.requests.register("return", reason, number=order.number, key=key)

    async def change_address(self, order: Order, address: str, *, key: str) -> str:
        """See ``OrderService``."""
        return await self.requests.register("address", address, number=order.number, key=key)

    async def example(self) -> str:
        """See ``OrderService``."""
        query = "SELECT number FROM orders LIMIT 1"
        row = await self._database.run(lambda connection: connection.execute(query).fetchone())
        return shape_of(row[0]) if row else EXAMPLE

    async def close(self) -> None:
        """See ``OrderService``."""
        self._database.close()

    def look_up(self, number: str) -> Order | None:
        """Like ``find``, for the command line."""
        return self._database.do(lambda connection: _find(connection, number))

    def newest(self, limit: int, *, status: str | None = None) -> list[Order]:
        """Orders by number, the highest first."""
        query = "SELECT body FROM latest WHERE ? IS NULL OR status = ? ORDER BY key DESC LIMIT ?"
        return self._database.do(lambda c: [_order(row[0]) for row in c.execute(query, (status, status, limit))])

    def count(self) -> int:
        """How many orders there are."""
        return int(self._database.do(lambda c: c.execute("SELECT COUNT(*) FROM latest").fetchone()[0]))

    def add(self, orders: Sequence[Order], *, file: str) -> Import:
        """Adds orders, and takes the place of those with the same number; the others stay. All or none.

        Args:
            orders: Of one file; of two with the same number, the later one holds.
            file: Its name.
        """
        at = self._clock()

        def work(connection: sqlite3.Connection) -> Import:
            known = dict(connection.execute("SELECT key, body FROM latest").fetchall())
            bodies = {normalise_number(order.number): (order, _body(order)) for order in orders}
            new = sum(key not in known for key in bodies)
            same = sum(known.get(key) == body for key, (_, body) in bodies.items())
            counts = (new, len(bodies) - new - same, same)
            place = connection.execute(
                "INSERT INTO imports VALUES (NULL, ?, ?, ?, ?, ?)", (file, at, *counts)
            ).lastrowid
            rows = [
                (key, place, bare_number(key), order.number, order.status, body)
                for key, (order, body) in bodies.items()
                if known.get(key) != body
            ]
            connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", rows)
            _thin(connection)
            return Import(int(place or 0), file, at, *counts)

        return self._database.do(work)

    def undo(self) -> Import | None:
        """Takes the newest import back: its orders are as they were before it. None where there is none to undo."""

        def work(connection: sqlite3.Connection) -> Import | None:
            row = connection.execute("SELECT * FROM imports ORDER BY id DESC LIMIT 1").fetchone()
            if row is None or row[1] == _OLD:
                return None
            connection.execute("DELETE FROM imports WHERE id = ?", (row[0],))
            return Import(*row)

        return self._database.do(work)


_OLD = ""
"""File of the import that stands for all that cannot be undone any more."""


def _thin(connection: sqlite3.Connection) -> None:
    """Joins the oldest imports into one; what a later one of them replaced is dropped."""
    ids = [row[0] for row in connection.execute("SELECT id FROM imports ORDER BY id DESC")]
    if len(ids) <= KEPT + 1:
        return
    into, old = ids[KEPT], ids[KEPT:]
    marks = ",".join("?" * len(old))
    connection.execute(
        f"DELETE FROM orders WHERE import IN ({marks}) AND import < "
        f"(SELECT MAX(import) FROM orders AS p WHERE p.key = orders.key AND p.import IN ({marks}))",
        [*old, *old],
    )
    connection.execute(f"UPDATE orders SET import = ? WHERE import IN ({marks})", [into, *old])
    connection.execute(f"DELETE FROM imports WHERE id IN ({marks}) AND id <> ?", [*old, into])
    connection.execute("UPDATE imports SET file = ? WHERE id = ?", (_OLD, into))


def _find(connection: sqlite3.Connection, number: str) -> Order | None:
    wanted = normalise_number(number)
    row = connection.execute("SELECT body FROM latest WHERE key = ?", (wanted,)).fetchone()
    if row is not None:
        return _order(row[0])
    alike = connection.execute("SELECT body FROM latest WHERE bare = ? LIMIT 2", (wanted,)).fetchall()
    return _order(alike[0][0]) if len(alike) == 1 else None


def _body(order: Order) -> str:
    return json.dumps(row_of(order), ensure_ascii=False, sort_keys=True)


def _order(body: str) -> Order:
    return order_from(json.loads(body))
