"""A detail found in a customer's message."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mention:
    """A detail found in a text.

    Attributes:
        kind: ``order_number``, ``email``, ``language``, ``date``, ``amount`` or ``product``.
        value: Normalised: numbers without ``#`` and blanks in capitals, addresses in lower case, a date as an ISO day
            or as ``first/last`` of a span, an amount as ``49.90 EUR`` (``49.90`` where no currency was said), a
            product as the shop writes it.
        start: First character.
        end: One past the last.
    """

    kind: str
    value: str
    start: int
    end: int
