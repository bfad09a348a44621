"""What is known of a conversation for the blanks of a template: its slots, and what services say."""

from __future__ import annotations

from rasa_sdk import Tracker

from actions.services.orders import Order, belongs_to
from actions.shop import the_shop
from actions.wording import join_items, say_date

SLOTS = ("order_number", "shop_name", "shop_hours", "product", "site")
"""Slots whose values may be said to the customer as they are."""


async def known_values(tracker: Tracker) -> dict[str, str]:
    """Values by the names that templates use; what is not known is not there.

    The order's facts (``order_items``, ``order_carrier``, ``order_tracking``, ``order_expected``,
    ``order_returnable_until``) are there only when the customer has named the order and the address it belongs to.
    """
    values = {name: str(tracker.slots[name]) for name in SLOTS if tracker.slots.get(name)}
    settings = the_shop().workspace.settings.shop
    values = {"shop_name": settings.name, "shop_hours": settings.hours, "shop_email": settings.handoff_email} | values
    number, address = tracker.slots.get("order_number"), tracker.slots.get("email")
    service = the_shop().orders() if number and address else None
    order = await service.find(str(number)) if service is not None else None
    if order is not None and belongs_to(order, str(address)):
        values |= _of_order(order, tracker.slots.get("language") or "en")
    return {name: value for name, value in values.items() if value}


def _of_order(order: Order, language: str) -> dict[str, str]:
    days = {"order_expected": order.expected, "order_returnable_until": order.returnable_until}
    return {
        "order_number": order.number,
        "order_items": join_items(order.items, language),
        "order_carrier": order.carrier or "",
        "order_tracking": order.tracking or "",
    } | {name: say_date(day, language) for name, day in days.items() if day is not None}
