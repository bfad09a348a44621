"""Who may hear of an order. Slots and entities say what a customer typed; they prove nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from rasa_sdk import Tracker

from actions.services.orders import Order, belongs_to, normalise_number
from actions.shop import the_shop
from data.identity import CUSTOMER, Customer, verified


class Verdict(Enum):
    """What became of details that were given."""

    OWN = "own"
    """It is this customer's order."""

    OPEN = "open"
    """There is such an order; whose it is was not shown yet."""

    FOREIGN = "foreign"
    """It is not this customer's, or the address does not fit."""

    UNKNOWN = "unknown"
    """There is no such order."""

    BLOCKED = "blocked"
    """Too many wrong details; nothing was looked up."""


@dataclass(frozen=True)
class Checked:
    """A verdict with its order.

    Attributes:
        verdict: See there.
        order: None where it is unknown or blocked. Only an ``OWN`` one may be told about.
    """

    verdict: Verdict
    order: Order | None = None


def customer_of(tracker: Tracker) -> Customer | None:
    """The signed-in customer who sent the latest message, if the gateway vouches for one; never from slots."""
    metadata = (tracker.latest_message or {}).get("metadata") or {}
    return verified(metadata.get(CUSTOMER), conversation=tracker.sender_id, secret=the_shop().secret())


async def check(tracker: Tracker, number: str, address: str | None) -> Checked:
    """Looks an order up for a customer.

    A signed-in customer sees the orders of the account and no others, whatever was typed. Without that, the number and
    the address of the order must be known. Wrong details are counted for the conversation, the order and the address.

    Args:
        tracker: The conversation.
        number: As it was typed.
        address: As it was typed, or None if it was not yet.

    Raises:
        ServiceError: The order service failed; see ``actions.door.checked``.
    """
    service, guesses = the_shop().orders(), the_shop().guesses()
    if service is None:
        return Checked(Verdict.UNKNOWN)
    customer = customer_of(tracker)
    address = customer.email or customer.id if customer else address
    asker = _names(tracker, address=address)
    names = _names(tracker, number=number, address=address)
    if await guesses.blocked(names):
        return Checked(Verdict.BLOCKED)
    order = await service.find(number)
    if order is None:
        await guesses.count(asker, normalise_number(number))
        return Checked(Verdict.UNKNOWN)
    if address is None:
        return Checked(Verdict.OPEN, order)
    if _owns(customer, order) if customer else belongs_to(order, address):
        return Checked(Verdict.OWN, order)
    await guesses.count(names, f"{normalise_number(number)} {address.strip().casefold()}")
    return Checked(Verdict.FOREIGN, order)


async def own_order(tracker: Tracker) -> Order | None:
    """The order that the slots name, if it is this customer's. Asked again at each use: slots may come from anywhere.

    Raises:
        ServiceError: See ``check``.
    """
    number, address = tracker.slots.get("order_number"), tracker.slots.get("email")
    if not number or not (address or customer_of(tracker)):
        return None
    found = await check(tracker, str(number), str(address) if address else None)
    return found.order if found.verdict is Verdict.OWN else None


async def is_blocked(tracker: Tracker) -> bool:
    """Whether too many wrong details were tried: in this conversation, or of the order or address in its slots.

    Raises:
        ServiceDown: It cannot be told.
    """
    names = _names(tracker, number=tracker.slots.get("order_number"), address=tracker.slots.get("email"))
    return await the_shop().guesses().blocked(names)


def _names(tracker: Tracker, *, number: str | None = None, address: str | None = None) -> list[str]:
    """By what wrong details are counted."""
    names = [f"conversation:{tracker.sender_id}"]
    names += [f"order:{normalise_number(number)}"] if number else []
    return names + ([f"address:{address.strip().casefold()}"] if address else [])


def _owns(customer: Customer, order: Order) -> bool:
    if order.customer is not None:
        return order.customer == customer.id
    return bool(customer.email) and belongs_to(order, customer.email)
