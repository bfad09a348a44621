"""The service that takes what people must look at: complaints, and messages left while nobody was there."""

from __future__ import annotations

from typing import Literal, Protocol

TicketKind = Literal["complaint", "message"]


class TicketService(Protocol):
    """What actions need of a shop's ticket system. It raises what ``OrderService`` raises."""

    async def open(self, kind: TicketKind, text: str, contact: str, *, key: str) -> str:
        """Opens a ticket and gives its reference.

        Args:
            kind: ``complaint``, or a ``message`` that was left.
            text: In the customer's words.
            contact: E-mail address or telephone number, as the customer gave it; empty if none was given.
            key: Idempotency key, see ``actions.keys.key_of``: the same key gets the same reference, once.
        """
