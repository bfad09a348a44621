"""Orders and returns: what the two forms check, and what is said when they are filled."""

from __future__ import annotations

from datetime import date
from typing import Any

from rasa_sdk import Action, FormValidationAction, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.access import Verdict, check, customer_of, is_blocked, own_order
from actions.answer import ActionAnswer, intent_of, language_of
from actions.door import checked
from actions.handoff import Events, offer_person
from actions.keys import key_of
from actions.services.orders import Order
from actions.shop import the_shop
from actions.wording import describe, join_items, say_date
from retrieval.requests import asks

TRIES = 3
"""After so many numbers or addresses that fit no order, a person is offered instead of asking again."""

_NO_REASON = ("ask_person", "bot_challenge", "cancel", "deny", "goodbye")
"""Intents that mean something else, whatever was asked for."""

Slots = dict[str, Any]


class OrderDetails:
    """Checks order number and e-mail address together. Nothing about an order is told before both fit.

    Not an action itself: rasa_sdk registers every subclass of its own and asks each for a name.
    """

    async def required_slots(
        self, domain_slots: list[str], dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[str]:
        """Which slots to ask for.

        A shop without an order service is asked for nothing: the form ends at once. A signed-in customer is not asked
        for an address.
        """
        if the_shop().orders() is None:
            return []
        return [name for name in domain_slots if name != "email"] if customer_of(tracker) else domain_slots

    async def validate_order_number(
        self, value: str, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        """Accepts the number of an existing order, in its own spelling."""
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
        number = tracker.slots.get("order_number")
        if not number or customer_of(tracker):
            return {"email": value}
        found = await check(tracker, number, value)
        if found.verdict is Verdict.BLOCKED:
            return {"email": value, "requested_slot": None}
        if found.verdict is Verdict.FOREIGN and found.order is not None:
            return _mismatch(dispatcher, tracker, found.order)
        return {"email": value}


class ValidateOrderForm(OrderDetails, FormValidationAction):
    """Details of an order that is looked up."""

    run = checked(FormValidationAction.run)

    def name(self) -> str:
        """See parent."""
        return "validate_order_form"


class ValidateReturnForm(OrderDetails, FormValidationAction):
    """Details of an order that goes back."""

    run = checked(FormValidationAction.run)

    def name(self) -> str:
        """See parent."""
        return "validate_return_form"

    def extract_return_reason(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        """Takes any words that were asked for. A question is answered, then the reason is asked for again."""
        text = " ".join(str(tracker.latest_message.get("text") or "").split())
        asked = tracker.slots.get("requested_slot") == "return_reason"
        if not asked or text.startswith("/") or asks(text) or intent_of(tracker) in _NO_REASON:
            return {}
        return {"return_reason": text[:500]}


def _another_try(tracker: Tracker) -> Slots:
    tries = int(tracker.slots.get("tries") or 0) + 1
    return {"tries": tries} | ({"requested_slot": None} if tries >= TRIES else {})


def _mismatch(dispatcher: CollectingDispatcher, tracker: Tracker, order: Order) -> Slots:
    if customer_of(tracker):
        dispatcher.utter_message(response="utter_order_foreign", number=order.number)
        return {"order_number": None} | _another_try(tracker)
    dispatcher.utter_message(response="utter_order_mismatch", number=order.number)
    return {"email": None} | _another_try(tracker)


async def _not_found(dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
    """No order to speak of. A shop that connected no order service says what its agents said to such questions."""
    forget = [SlotSet("order_number", None), SlotSet("email", None), SlotSet("tries", 0)]
    if the_shop().orders() is not None:
        blocked = await is_blocked(tracker)
        dispatcher.utter_message(response="utter_too_many_guesses" if blocked else "utter_too_many_tries")
    elif (tracker.latest_message.get("careline") or {}).get("outcome") == "sure":
        return [*forget, *await ActionAnswer().run(dispatcher, tracker, {})]
    else:
        dispatcher.utter_message(response="utter_no_orders")
    return [*forget, SlotSet("lost", 0), *offer_person(dispatcher)]


_RESET: Events = [SlotSet("tries", 0), SlotSet("lost", 0)]


class ActionOrderStatus(Action):
    """Tells where an order stands."""

    def name(self) -> str:
        """See parent."""
        return "action_order_status"

    @checked
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """See parent. The number is forgotten afterwards, so that the next question may be about another order."""
        order = await own_order(tracker)
        if order is None:
            return await _not_found(dispatcher, tracker)
        language = language_of(tracker)
        dispatcher.utter_message(
            response=f"utter_order_{order.status}",
            number=order.number,
            items=join_items(order.items, language),
            details=describe(order, language),
        )
        return [SlotSet("order_number", None), *_RESET]


class ActionReturn(Action):
    """Registers a return."""

    def name(self) -> str:
        """See parent."""
        return "action_return"

    @checked
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """See parent."""
        order, service = await own_order(tracker), the_shop().orders()
        reason = tracker.slots.get("return_reason")
        if order is None or service is None or reason is None:
            return [*await _not_found(dispatcher, tracker), SlotSet("return_reason", None)]
        events = [SlotSet("order_number", None), SlotSet("return_reason", None), *_RESET]
        if order.status in ("cancelled", "returned"):
            dispatcher.utter_message(response="utter_return_impossible", number=order.number)
            return events
        if order.returnable_until is not None and date.today() > order.returnable_until:
            until = say_date(order.returnable_until, language_of(tracker))
            dispatcher.utter_message(response="utter_return_late", number=order.number, until=until)
            return [*events, *offer_person(dispatcher)]
        if order.status != "delivered":
            dispatcher.utter_message(response="utter_return_not_yet", number=order.number)
            return [*events, *offer_person(dispatcher)]
        key = key_of(tracker, self.name(), order.number, reason)
        reference = await service.register_return(order, reason, key=key)
        dispatcher.utter_message(response="utter_return_done", number=order.number, reference=reference)
        return events


class ActionFormHelp(Action):
    """Says what the slot that was asked for looks like; the form asks again by itself."""

    def name(self) -> str:
        """See parent."""
        return "action_form_help"

    @checked
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """See parent."""
        asked = tracker.slots.get("requested_slot")
        service = the_shop().orders()
        if asked in ("order_number", "email", "return_reason") and service is not None:
            dispatcher.utter_message(response=f"utter_help_{asked}", example=await service.example())
        return []
