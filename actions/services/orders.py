"""The service that knows orders and registers returns: what actions ask of it, and one that reads a file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, Protocol

from data.artifacts import hash_json
from data.errors import InputError

SAMPLE_ORDERS = Path(__file__).with_name("sample_orders.jsonl")

Status = Literal["processing", "shipped", "delivered", "cancelled", "returned"]
STATUSES: tuple[Status, ...] = ("processing", "shipped", "delivered", "cancelled", "returned")


@dataclass(frozen=True)
class Order:
    """An order as customers may hear of it.

    Attributes:
        number: As printed in the confirmation.
        email: Whose it is; told to nobody, only compared.
        status: Where it stands.
        items: Names of what was bought.
        carrier: Who brings it, or None.
        tracking: The carrier's number, or None.
        expected: Day of arrival, ISO 8601, or None.
        delivered: Day it arrived, ISO 8601, or None.
    """

    number: str
    email: str
    status: Status
    items: tuple[str, ...] = ()
    carrier: str | None = None
    tracking: str | None = None
    expected: str | None = None
    delivered: str | None = None


class OrderService(Protocol):
    """What actions need of a shop's order system."""

    def find(self, number: str) -> Order | None:
        """The order with this number, however it is written (blanks, case, ``#``)."""

    def register_return(self, order: Order, reason: str) -> str:
        """Registers a return and gives its reference; the same order and reason get the same one, once."""

    def example(self) -> str:
        """A number that looks like the shop's own, to show what is asked for."""


def normalise_number(number: str) -> str:
    """Letters and digits in capitals: ``# ts-1042`` and ``TS 1042`` are one order."""
    return "".join(character for character in number.upper() if character.isalnum())


def belongs_to(order: Order, email: str) -> bool:
    """Whether the order was placed with this address. Case does not matter."""
    return order.email.strip().casefold() == email.strip().casefold()


class LocalOrders:
    """Orders from a JSONL file; returns are appended to another.

    Args:
        orders: Rows of ``Order``; keys that it does not have are left aside.
        returns: Where registered returns go, one JSON object a line.
    """

    def __init__(self, orders: Iterable[Order], *, returns: Path) -> None:
        self._orders = {normalise_number(order.number): order for order in orders}
        self._returns = returns

    @classmethod
    def open(cls, path: Path, *, returns: Path) -> LocalOrders:
        """Reads the orders.

        Raises:
            InputError: The file is missing or a line is not an order.
        """
        return cls(read_orders(path), returns=returns)

    def find(self, number: str) -> Order | None:
        """See ``OrderService``. A number written without its prefix is found when only one order ends in it."""
        wanted = normalise_number(number)
        if wanted in self._orders:
            return self._orders[wanted]
        bare = [order for key, order in self._orders.items() if wanted.isdigit() and key.lstrip(_LETTERS) == wanted]
        return bare[0] if len(bare) == 1 else None

    def register_return(self, order: Order, reason: str) -> str:
        """See ``OrderService``."""
        reference = "R-" + hash_json([order.number, " ".join(reason.casefold().split())])[:8].upper()
        if reference not in self._registered():
            row = {"reference": reference, "order": order.number, "reason": reason}
            self._returns.parent.mkdir(parents=True, exist_ok=True)
            with self._returns.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
        return reference

    def example(self) -> str:
        """See ``OrderService``: the shape of the first number, with digits that no order has."""
        number = next(iter(self._orders.values())).number if self._orders else "10000"
        return "".join("0" if character.isdigit() else character for character in number)

    def _registered(self) -> set[str]:
        if not self._returns.exists():
            return set()
        lines = self._returns.read_text(encoding="utf-8").splitlines()
        return {json.loads(line)["reference"] for line in lines if line.strip()}


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def read_orders(path: Path) -> list[Order]:
    """Reads a JSONL file of orders.

    Raises:
        InputError: The file is missing or a line is not an order.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            str(path), got=str(error), expected="a JSONL file of orders", next_step="Restore the file."
        ) from error
    return [_order(path, place, line) for place, line in enumerate(lines, 1) if line.strip()]


def _order(path: Path, place: int, line: str) -> Order:
    known = {f.name for f in fields(Order)}
    try:
        row: dict[str, Any] = {key: value for key, value in json.loads(line).items() if key in known}
        row["items"] = tuple(row.get("items", ()))
        if row["status"] not in STATUSES:
            raise ValueError(f"status {row['status']!r}")
        return Order(**row)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}, line {place}",
            got=str(error),
            expected=f"an order with number, email and status ({', '.join(STATUSES)})",
            next_step="Mend the line.",
        ) from error
