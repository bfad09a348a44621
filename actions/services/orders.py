"""The service that knows orders and registers returns: what actions ask of it, and one that reads a file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal, Protocol

from data.artifacts import hash_json
from data.errors import InputError

SAMPLE_ORDERS = Path(__file__).with_name("sample_orders.jsonl")

Status = Literal["processing", "shipped", "delivered", "cancelled", "returned"]
STATUSES: tuple[Status, ...] = ("processing", "shipped", "delivered", "cancelled", "returned")
EXAMPLE = "10000"
"""Shown where nobody knows what the shop's numbers look like."""

_DATES = ("ordered", "expected", "returnable_until")


@dataclass(frozen=True)
class Item:
    """A line of an order."""

    name: str
    name_zh: str | None = None
    quantity: int = 1


@dataclass(frozen=True)
class Order:
    """An order as customers may hear of it.

    Attributes:
        number: As printed in the confirmation.
        email: Whose it is; told to nobody, only compared.
        status: Where it stands.
        items: What was bought.
        carrier: Who brings it, or None.
        tracking: The carrier's number, or None.
        ordered: Day it was placed, or None.
        expected: Day of arrival, planned or real, or None.
        returnable_until: Last day a return can be registered; None when the shop sets no limit.
        customer: The shop's id of who placed it, or None: then the address tells.
    """

    number: str
    email: str
    status: Status
    items: tuple[Item, ...] = ()
    carrier: str | None = None
    tracking: str | None = None
    ordered: date | None = None
    expected: date | None = None
    returnable_until: date | None = None
    customer: str | None = None


class OrderService(Protocol):
    """What actions need of a shop's order system.

    Every method may raise ``ServiceDown`` (nobody knows whether it was done) or ``ServiceRefused`` (it was not done,
    and will not be): ``actions.door.checked`` tells the customer and fetches a person.
    """

    async def find(self, number: str) -> Order | None:
        """The order with this number, however it is written (blanks, case, ``#``)."""

    async def register_return(self, order: Order, reason: str, *, key: str) -> str:
        """Registers a return and gives its reference.

        Args:
            order: From ``find``, of a customer who was checked.
            reason: In the customer's words.
            key: Idempotency key, see ``actions.keys.key_of``: the same key gets the same reference, once.
        """

    async def change_address(self, order: Order, address: str, *, key: str) -> str:
        """Has an order delivered elsewhere and gives the change's reference.

        Args:
            order: From ``find``, of a customer who was checked.
            address: In the customer's words.
            key: See ``register_return``.
        """

    async def example(self) -> str:
        """A number that looks like the shop's own, to show what is asked for."""

    async def close(self) -> None:
        """Closes connections and files; the next call opens them again."""


def normalise_number(number: str) -> str:
    """Letters and digits in capitals: ``# ts-1042`` and ``TS 1042`` are one order."""
    return "".join(character for character in number.upper() if character.isalnum())


def belongs_to(order: Order, email: str) -> bool:
    """Whether the order was placed with this address. Case does not matter."""
    return order.email.strip().casefold() == email.strip().casefold()


class LocalOrders:
    """Orders from a JSONL file; returns and changes of address are appended to another.

    Args:
        orders: All orders.
        returns: Where they go, one JSON object a line.
    """

    def __init__(self, orders: Iterable[Order], *, returns: Path) -> None:
        self._orders = {normalise_number(order.number): order for order in orders}
        self._bare: dict[str, list[Order]] = {}
        for key, order in self._orders.items():
            self._bare.setdefault(bare_number(key), []).append(order)
        self._returns = returns

    @classmethod
    def open(cls, path: Path, *, returns: Path, today: date | None = None) -> LocalOrders:
        """Reads the orders.

        Args:
            path: JSONL, a row an order; keys that ``Order`` does not have are left aside.
            returns: See the class.
            today: Moves all dates so that the newest order was placed on this day: a sample never grows old.

        Raises:
            InputError: The file is missing or a line is not an order.
        """
        orders = read_orders(path)
        return cls(move_dates(orders, today=today) if today else orders, returns=returns)

    async def find(self, number: str) -> Order | None:
        """See ``OrderService``. A number without its letters is enough when only one order has it."""
        wanted = normalise_number(number)
        alike = self._bare.get(wanted, [])
        return self._orders.get(wanted) or (alike[0] if len(alike) == 1 else None)

    async def register_return(self, order: Order, reason: str, *, key: str) -> str:
        """See ``OrderService``. The same order and reason are one return, whatever the key."""
        return self._write("R-", order, {"reason": reason})

    async def change_address(self, order: Order, address: str, *, key: str) -> str:
        """See ``OrderService``. An order's latest address again is no new change, whatever the key."""
        return self._write("A-", order, {"address": address})

    def _write(self, letter: str, order: Order, what: dict[str, str]) -> str:
        words = [" ".join(value.casefold().split()) for value in what.values()]
        reference = letter + hash_json([order.number, *words])[:8].upper()
        rows = [row for row in self._registered() if row["order"] == order.number and row.keys() >= what.keys()]
        if reference not in [row["reference"] for row in (rows[-1:] if "address" in what else rows)]:
            row = {"reference": reference, "order": order.number} | what
            self._returns.parent.mkdir(parents=True, exist_ok=True)
            with self._returns.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
        return reference

    async def example(self) -> str:
        """See ``OrderService``: the shape of the first number, with digits that no order has."""
        return shape_of(next(iter(self._orders.values())).number if self._orders else EXAMPLE)

    async def close(self) -> None:
        """See ``OrderService``."""

    def _registered(self) -> list[dict[str, Any]]:
        if not self._returns.exists():
            return []
        lines = self._returns.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.strip()]


def move_dates(orders: list[Order], *, today: date) -> list[Order]:
    """Moves all dates by the same number of days, so that the newest order was placed today."""
    newest = max((order.ordered for order in orders if order.ordered), default=today)
    return [_moved(order, today - newest) for order in orders]


def _moved(order: Order, by: timedelta) -> Order:
    dates: dict[str, Any] = {name: day + by for name in _DATES if (day := getattr(order, name)) is not None}
    return replace(order, **dates)


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
    try:
        return order_from(json.loads(line))
    except ValueError as error:
        raise InputError(
            f"{path}, line {place}",
            got=str(error),
            expected=f"an order with number, email and status ({', '.join(STATUSES)})",
            next_step="Mend the line.",
        ) from error


def order_from(row: Any) -> Order:
    """An order from JSON, as ``docs/reference/orders-service.openapi.yaml`` describes it; other keys are left aside.

    Raises:
        ValueError: It is none; the message says nothing of the customer.
    """
    if not isinstance(row, dict):
        raise ValueError("no JSON object")
    values = _known(Order, row)
    for name in ("number", "email", "status"):
        if not isinstance(values.get(name), str):
            raise ValueError(f"{name} is missing or no text")
    if values["status"] not in STATUSES:
        raise ValueError(f"status {values['status']!r}")
    for name in ("carrier", "tracking", "customer"):
        if not isinstance(values.get(name), str | None):
            raise ValueError(f"{name} is no text")
    return Order(**values | {name: _day(name, values.get(name)) for name in _DATES} | {"items": _items(values)})


def row_of(order: Order) -> dict[str, Any]:
    """An order as JSON; ``order_from`` reads it."""
    row = _said(asdict(order)) | {"items": [_said(asdict(item)) for item in order.items]}
    return row | {name: row[name].isoformat() for name in _DATES if name in row}


def _said(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def shape_of(number: str) -> str:
    """What a number looks like, with digits that no order has."""
    return "".join("0" if character.isdigit() else character for character in number)


def bare_number(key: str) -> str:
    """A normalised number without the letters that it begins with."""
    return key.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def _day(name: str, value: object) -> date | None:
    if value is None or value == "":
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError(f"{name} is no day like 2026-11-30") from error


def _items(row: Mapping[str, Any]) -> tuple[Item, ...]:
    items, rows = [], row.get("items") or []
    if not isinstance(rows, list):
        raise ValueError("items is no list")
    for given in rows:
        if not isinstance(given, dict):
            raise ValueError("an item is no JSON object")
        item = Item(**{"name": ""} | _known(Item, given))
        if not isinstance(item.name, str) or not item.name or not isinstance(item.name_zh, str | None):
            raise ValueError("an item without a name")
        if type(item.quantity) is not int or item.quantity < 1:
            raise ValueError("an item's quantity is no number from 1")
        items.append(item)
    return tuple(items)


def _known(kind: type[Order] | type[Item], row: dict[str, Any]) -> dict[str, Any]:
    names = {f.name for f in fields(kind)}
    return {key: value for key, value in row.items() if key in names}
