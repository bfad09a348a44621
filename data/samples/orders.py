"""The demo shop's orders: what the sample order service answers with."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from data.samples.people import CARRIERS, Item, draw_customer, draw_tracking

RETURN_DAYS = 60
STATUSES = ("shipped", "processing", "delivered", "delivered", "cancelled", "returned", "shipped")
FIXED = {"NT-104233": "shipped", "NT-104250": "processing", "NT-104199": "delivered"}
"""Numbers that the demo, its tests and the tutorial ask about; nothing about them changes."""

AGE_DAYS = {"processing": (0, 1), "shipped": (1, 4), "delivered": (5, 50), "cancelled": (2, 50), "returned": (20, 70)}
"""How long ago an order of a status was placed, in days before ``today``."""


def make_orders(rng: random.Random, items: Sequence[Item], *, today: date, count: int = 40) -> list[dict[str, Any]]:
    """Invents ``count`` orders, sorted by number; higher numbers were ordered later."""
    statuses = list(FIXED.values()) + [STATUSES[i % len(STATUSES)] for i in range(count - len(FIXED))]
    drafts = []
    for index, status in enumerate(statuses):
        number = list(FIXED)[index] if index < len(FIXED) else f"NT-{104000 + index * 7}"
        drafts.append(_order(rng, items, number, status, today))
    return sorted(drafts, key=lambda order: str(order["number"]))


def _order(rng: random.Random, items: Sequence[Item], number: str, status: str, today: date) -> dict[str, Any]:
    ordered = _working_day(today - timedelta(days=rng.randint(*AGE_DAYS[status])))
    expected = _working_day(ordered + timedelta(days=3))
    shipped = status in ("shipped", "delivered", "returned")
    carrier = rng.choice(CARRIERS["en"]) if shipped else None
    chosen = rng.sample(list(items), rng.choice((1, 1, 2, 3)))
    return {
        "number": number,
        "email": draw_customer(rng, "en").email,
        "status": status,
        "carrier": carrier,
        "tracking": draw_tracking(rng, carrier) if carrier else None,
        "ordered": ordered.isoformat(),
        "expected": expected.isoformat() if status != "cancelled" else None,
        "items": [
            {"name": i.name, "name_zh": i.name_zh, "quantity": rng.choice((1, 1, 1, 2)), "price": i.price}
            for i in chosen
        ],
        "returnable_until": (expected + timedelta(days=RETURN_DAYS)).isoformat() if status == "delivered" else None,
    }


def _working_day(day: date) -> date:
    return day + timedelta(days=max(0, 7 - day.weekday())) if day.weekday() > 4 else day
