"""What the bot registered for customers in a SQLite file: returns, new addresses, complaints, left messages."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from actions.services.database import Database
from actions.services.tickets import TicketKind

Kind = Literal["return", "address", "complaint", "message"]
LETTERS: dict[Kind, str] = {"return": "R", "address": "A", "complaint": "C", "message": "M"}
"""First letter of a reference."""

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Read aloud and copied by hand: no 0 and O, no 1, I and L."""


@dataclass(frozen=True)
class Request:
    """Something registered.

    Attributes:
        reference: As the customer was told.
        kind: What it is.
        number: The order's, or empty.
        text: Reason, address or message, in the customer's words.
        contact: As the customer gave it, or empty.
        at: Unix seconds.
    """

    reference: str
    kind: Kind
    number: str
    text: str
    contact: str
    at: float


class LocalRequests:
    """Registers requests, each once; also the ``TicketService`` of a shop that has none.

    Args:
        database: Where they are kept.
        clock: Unix seconds.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    async def open(self, kind: TicketKind, text: str, contact: str, *, key: str) -> str:
        """See ``TicketService``."""
        return await self.register(kind, text, contact=contact, key=key)

    async def register(self, kind: Kind, text: str, *, number: str = "", contact: str = "", key: str) -> str:
        """Registers a request and gives its reference.

        The same key is the same request. So is the same thing said again about the same order, by another message;
        of addresses only the latest counts, for an order may go elsewhere and then back to where it went first.

        Raises:
            ServiceDown: It could not be stored.
        """

        def work(connection: sqlite3.Connection) -> str:
            folded = " ".join(text.casefold().split())
            known = connection.execute(
                "SELECT reference FROM requests"
                " WHERE key = ? OR (number <> '' AND number = ? AND kind = ? AND folded = ? AND (kind <> 'address'"
                " OR rowid = (SELECT MAX(rowid) FROM requests WHERE number = ? AND kind = ?)))",
                (key, number, kind, folded, number, kind),
            ).fetchone()
            if known is not None:
                return str(known[0])
            reference = f"{LETTERS[kind]}-" + "".join(secrets.choice(_ALPHABET) for _ in range(8))
            row = (reference, key, kind, number, text, folded, contact, self._clock())
            connection.execute("INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            return reference

        return await self._database.run(work)

    def newest(self, limit: int) -> list[Request]:
        """The newest requests, newest first. Blocks: for the command line."""
        query = "SELECT reference, kind, number, text, contact, at FROM requests ORDER BY at DESC, rowid DESC LIMIT ?"
        return self._database.do(lambda c: [Request(*row) for row in c.execute(query, (limit,))])
