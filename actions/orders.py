"""Order details, which three forms check, and what is said of an order."""

from __future__ import annotations

import re
from typing import Any

from rasa_sdk import Action, FormValidationAction, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.access import Verdict, check, customer_of, is_blocked, own_order
from actions.answer import language_of
from actions.door import checked
from actions.forms import FormParts, Slots, is_beginning, names, text_of
from actions.handoff import Events, hand_over, offer_person
from actions.services.orders import Order
from actions.shop import the_shop
from actions.wording import describe, join_items

TRIES = 3
"""After so many numbers or addresses that fit no order, a person is offered instead of asking again."""

_CHECKED_BY_SERVICE = ("email", "confirmed")
"""Slots that are of no use where no order service can check or register anything."""

_ANOTHER = re.compile(
    r"\b(?:another|other|different|second)\s+(?:one|order|parcel|package)\b|另一|另外的?订单|(?:别的|其[他它]的?)订单|第二个",
    re.IGNORECASE,
)
"""The order that was spoken of is not the one that is meant."""


class OrderDetails(FormParts):
    """Checks order number and e-mail address together. Nothing about an order is told before both fit.

    Not an action itself: rasa_sdk registers every subclass of its own and asks each for a name.
    """

    async def required_slots(
        self, domain_slots: list[str], dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[str]:
        """Which slots to ask for.

        Where no order service can check them, only what a person needs to begin. A signed-in customer is not asked for
        an address.
        """
        if the_shop().orders() is None:
            return [name for name in domain_slots if name not in _CHECKED_BY_SERVICE]
        return [name for name in domain_slots if name != "email"] if customer_of(tracker) else domain_slots

    def extract_order_number(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Slots:
        """Begins with the order that was spoken of before, unless the message names one or means another."""
        before = tracker.slots.get("order_before")
        if not is_beginning(tracker) or tracker.slots.get("order_number") or not before:
            return {}
        return {} if _ANOTHER.search(text_of(tracker)) else {"order_number": before}

    async def validate_order_number(
        self, value: str, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        """Accepts the number of an existing order, in its own spelling; any, where nobody can look it up."""
        if the_shop().orders() is None:
            return {"order_number": value}
        found = await check(tracker, value, tracker.slots.get("email"))
        if found.verdict is Verdict.BLOCKED:
            return {"order_number": value, "requested_slot": None}  # what follows the form says why
        if found.order is None:
            dispatcher.utter_message(response="utter_order_unknown", number=value)
            return {"order_number": None} | _another_try(tracker)
        if found.verdict is Verdict.FOREIGN:
            return {"order_number": found.order.number} | _mismatch(dispatcher, tracker, found.order)
        return {"order_number": found.order.number}

    async def validate_email(
        self, value: str, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        """Accepts the address that the order was placed with."""
        if tracker.slots.get("email") != value:  # the number was checked with it just now, and did not fit
            return {"email": tracker.slots.get("email")}
        number = tracker.slots.get("order_number")
        if not number or customer_of(tracker) or the_shop().orders() is None:
            return {"email": value}
        found = await check(tracker, number, value)
        if found.verdict is Verdict.BLOCKED:
            return {"email": value, "requested_slot": None}
        if found.verdict is Verdict.FOREIGN and found.order is not None:
            return _mismatch(dispatcher, tracker, found.order)
        return {"email": value}


class ValidateOrderForm(OrderDetails, FormValidationAction):
    """Details of an order that is looked up."""

    begins_with = "order_status"

    def name(self) -> str:
        """See parent."""
        return "validate_order_form"


def _another_try(tracker: Tracker) -> Slots:
    tries = int(tracker.slots.get("tries") or 0) + 1
    return {"tries": tries} | ({"requested_slot": None} if tries >= TRIES else {})


def _mismatch(dispatcher: CollectingDispatcher, tracker: Tracker, order: Order) -> Slots:
    if customer_of(tracker):
        dispatcher.utter_message(response="utter_order_foreign", number=order.number)
        return {"order_number": None} | _another_try(tracker)
    if is_beginning(tracker) and not names(tracker, "email"):
        return {"email": None}  # one from an earlier request: this order may have another
    dispatcher.utter_message(response="utter_order_mismatch", number=order.number)
    return {"email": None} | _another_try(tracker)


async def not_found(dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
    """No order to speak of. Where the shop connected no order service, a person goes on with what was collected."""
    if the_shop().orders() is None:
        dispatcher.utter_message(response="utter_no_orders")
        return hand_over(dispatcher, tracker, reason="rule")
    blocked = await is_blocked(tracker)
    dispatcher.utter_message(response="utter_too_many_guesses" if blocked else "utter_too_many_tries")
    forget = [SlotSet(name, None) for name in ("order_number", "email", "confirmed")]
    return [*forget, *RESET, *offer_person(dispatcher)]


RESET: Events = [SlotSet("tries", 0), SlotSet("lost", 0)]
"""A form that ended well begins the counting anew."""


def spoken_of(order: Order) -> Events:
    """The number is free for the next request, and known should that be about the same order."""
    return [SlotSet("order_number", None), SlotSet("order_before", order.number), *RESET]


class ActionOrderStatus(Action):
    """Tells where an order stands."""

    def name(self) -> str:
        """See parent."""
        return "action_order_status"

    @checked
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """See parent. The number is put aside, so that the next question may be about another order."""
        order = await own_order(tracker)
        if order is None:
            return await not_found(dispatcher, tracker)
        language = language_of(tracker)
        dispatcher.utter_message(
            response=f"utter_order_{order.status}",
            number=order.number,
            items=join_items(order.items, language),
            details=describe(order, language),
        )
        return spoken_of(order)
