"""What is known of a conversation for the blanks of a template: its slots, and what services say."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from rasa_sdk import Tracker

from actions.access import own_order
from actions.services.errors import ServiceError
from actions.services.orders import Order
from actions.shop import the_shop
from actions.wording import join_items, say_date
from retrieval.compose import Asked

logger = logging.getLogger(__name__)

SLOTS = ("order_number", "shop_name", "shop_hours", "product", "site")
"""Slots whose values may be said to the customer as they are."""

_ORDER = "{order_"
"""Beginning of a blank that only an order fills."""


async def known_values(tracker: Tracker, asked: Sequence[Asked]) -> dict[str, str]:
    """Values by the names that templates use; what is not known is not there.

    The order is looked up only where an answer speaks of it: a question about postage needs no order service, and a
    service that is down is no reason not to answer it.

    The order's facts (``order_items``, ``order_carrier``, ``order_tracking``, ``order_expected``,
    ``order_returnable_until``) are there only when the order is this customer's (``actions.access``).
    """
    values = {name: str(tracker.slots[name]) for name in SLOTS if tracker.slots.get(name)}
    settings = the_shop().workspace.settings.shop
    values = {"shop_name": settings.name, "shop_hours": settings.hours, "shop_email": settings.handoff_email} | values
    order = await _order(tracker) if any(_ORDER in found.answer.text for row in asked for found in row.found) else None
    if order is not None:
        values |= _of_order(order, tracker.slots.get("language") or "en")
    return {name: value for name, value in values.items() if value}


async def _order(tracker: Tracker) -> Order | None:
    try:
        return await own_order(tracker)
    except ServiceError as error:
        logger.error("an answer goes without the order's facts: %s", error)
        return None


def _of_order(order: Order, language: str) -> dict[str, str]:
    days = {"order_expected": order.expected, "order_returnable_until": order.returnable_until}
    return {
        "order_number": order.number,
        "order_items": join_items(order.items, language),
        "order_carrier": order.carrier or "",
        "order_tracking": order.tracking or "",
    } | {name: say_date(day, language) for name, day in days.items() if day is not None}
