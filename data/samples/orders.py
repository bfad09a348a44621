"""The demo shop's orders: what the sample order service answers with."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from data.samples.people import CARRIERS, Item, draw_customer, draw_tracking

RETURN_DAYS = 60
STATUSES = ("shipped", "processing", "delivered", "delivered", "cancelled", "returned", "shipped")
PINNED = {
    "NT-104021": ("shipped", "samir.clarke@example.com"),
    "NT-104028": ("processing", "yilmaz.hannah@example.com"),
    "NT-104035": ("delivered", "tmoretti83@example.com"),
    "NT-104042": ("delivered", "olga.clarke@example.com"),
    "NT-104199": ("delivered", "quist.ulrich@example.com"),
    "NT-104233": ("shipped", "quist.emma@example.com"),
    "NT-104250": ("processing", "jansen.carla@example.net"),
}
"""Orders that the shop page, the tutorial and tests ask about: their state and address never change."""

AGE_DAYS = {"processing": (0, 0), "shipped": (1, 2), "delivered": (5, 50), "cancelled": (2, 50), "returned": (20, 70)}
"""How long ago an order of a status was placed, in days before ``today``."""


def make_orders(seed: int, items: Sequence[Item], *, today: date, count: int = 37) -> list[dict[str, Any]]:
    """Invents ``count`` orders beside the pinned ones, sorted by number. Each depends on its own number only.

    Args:
        seed: Of the sample.
        items: What can be bought.
        today: The day the orders are looked at; a working day.
        count: How many, not counting pinned ones whose number lies between.
    """
    numbers = sorted({*PINNED, *(f"NT-{104021 + 7 * index}" for index in range(count))})
    return [_order(seed, items, number, STATUSES[int(number[-6:]) // 7 % len(STATUSES)], today) for number in numbers]


def _order(seed: int, items: Sequence[Item], number: str, status: str, today: date) -> dict[str, Any]:
    rng = random.Random(f"{seed}-{number}")
    email = draw_customer(rng, "en").email
    status, email = PINNED.get(number, (status, email))
    ordered = _working_day(today - timedelta(days=rng.randint(*AGE_DAYS[status])))
    expected = _working_day(ordered + timedelta(days=rng.randint(3, 4)))
    carrier = rng.choice(CARRIERS["en"]) if status in ("shipped", "delivered", "returned") else None
    return {
        "number": number,
        "email": email,
        "status": status,
        "carrier": carrier,
        "tracking": draw_tracking(rng, carrier) if carrier else None,
        "ordered": ordered.isoformat(),
        "expected": expected.isoformat() if status != "cancelled" else None,
        "items": [
            {"name": item.name, "name_zh": item.name_zh, "quantity": rng.choice((1, 1, 1, 2)), "price": item.price}
            for item in rng.sample(list(items), rng.choice((1, 1, 2, 3)))
        ],
        "returnable_until": (expected + timedelta(days=RETURN_DAYS)).isoformat() if status == "delivered" else None,
    }


def _working_day(day: date) -> date:
    return day + timedelta(days=7 - day.weekday()) if day.weekday() > 4 else day
