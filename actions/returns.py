"""Returns: why something goes back, the yes before it is registered, and what is said when it may not."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from rasa_sdk import Action, FormValidationAction, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.access import own_order
from actions.answer import intent_of, language_of
from actions.door import checked
from actions.forms import Slots, asked_for, correction, is_beginning, own_words, text_of, without_blanks
from actions.handoff import Events, offer_person
from actions.keys import key_of
from actions.orders import OrderDetails, not_found, spoken_of
from actions.refusals import OwnOrderFirst, Refusal
from actions.services.orders import Order
from actions.shop import the_shop
from actions.wording import join_items, say_date

_BECAUSE = re.compile(
    r"\b(?:because|since|as it is|as they are)\s+(?P<en>.{4,})$|(?:因为|由于)(?P<zh>.{2,})$", re.IGNORECASE
)
_REASON_IS = re.compile(
    r"(?:(?:the|my) reason is (?:that )?|reason:? |(?:it'?s )?because |原因是|理由是|是因为|因为)(?P<reason>.{2,})$",
    re.IGNORECASE,
)
_OTHER_WORDS = re.compile(
    r"(?:it|it'?s|the|they|they'?re|too|wrong|broken|damaged|faulty|defective)\b.{3,}$|是.{2,}$", re.IGNORECASE
)


def refuse_return(order: Order, language: str) -> Refusal | None:
    """Why an order cannot go back through the bot; None where it can."""
    if order.status in ("cancelled", "returned"):
        return Refusal.of("utter_return_impossible", number=order.number)
    if order.returnable_until is not None and date.today() > order.returnable_until:
        until = say_date(order.returnable_until, language)
        return Refusal.of("utter_return_late", number=order.number, until=until, offers_person=True)
    if order.status != "delivered":
        return Refusal.of("utter_return_not_yet", number=order.number, offers_person=True)
    return None


class ValidateReturnForm(OwnOrderFirst, OrderDetails, FormValidationAction):
    """Details of an order that goes back."""

    begins_with = "return_item"
    refuse = staticmethod(refuse_return)

    def name(self) -> str:
        """See parent."""
        return "validate_return_form"

    def extract_return_reason(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        """Takes any words that were asked for, and corrections of them; a reason from an earlier return is forgotten.

        A question is answered, then the reason is asked for again.
        """
        if is_beginning(tracker):
            match = _BECAUSE.search(own_words(tracker))
            reason = match and (match["en"] or match["zh"])
            return {"return_reason": reason} if reason or tracker.slots.get("return_reason") else {}
        if asked_for(tracker, "return_reason"):
            return {"return_reason": words} if (words := own_words(tracker)) else {}
        if asked_for(tracker, "confirmed") and (reason := corrected_reason(tracker)):
            return {"return_reason": reason}
        return {}

    def validate_return_reason(
        self, value: str | None, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        """Accepts what ``extract_return_reason`` took."""
        return {"return_reason": value}


def corrected_reason(tracker: Tracker) -> str | None:
    """Another reason, as ``no, it is broken`` or ``the reason is that it is too small`` gives it."""
    if intent_of(tracker) in ("affirm", "cancel", "ask_person"):
        return None
    corrected = correction(tracker)
    if match := _REASON_IS.match(corrected or without_blanks(text_of(tracker))):
        return match["reason"]
    return corrected if corrected and _OTHER_WORDS.match(corrected) else None


class ActionAskReturnConfirmed(Action):
    """Shows what would be registered, and asks for a yes."""

    def name(self) -> str:
        """See parent."""
        return "action_ask_return_form_confirmed"

    @checked
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """See parent."""
        order = await own_order(tracker)
        if order is not None:
            dispatcher.utter_message(
                response="utter_confirm_return",
                number=order.number,
                items=join_items(order.items, language_of(tracker)),
                reason=tracker.slots.get("return_reason"),
            )
            return []
        return [SlotSet("requested_slot", None)]  # ends the form; what follows it says why


class ActionReturn(Action):
    """Registers a return that was confirmed."""

    def name(self) -> str:
        """See parent."""
        return "action_return"

    @checked
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """See parent."""
        order, service = await own_order(tracker), the_shop().orders()
        forget = [SlotSet("return_reason", None), SlotSet("confirmed", None)]
        if order is None or service is None:
            return [*await not_found(dispatcher, tracker), *(forget if service else ())]
        if (refusal := refuse_return(order, language_of(tracker))) is not None:
            return [*spoken_of(order), *forget, *refusal.say(dispatcher)]
        reason = tracker.slots.get("return_reason")
        if reason is None or tracker.slots.get("confirmed") != "yes":  # ended early: nothing may be registered
            dispatcher.utter_message(response="utter_too_many_tries")
            return [*spoken_of(order), *forget, *offer_person(dispatcher)]
        key = key_of(tracker, self.name(), order.number, reason)
        reference = await service.register_return(order, reason, key=key)
        dispatcher.utter_message(response="utter_return_done", number=order.number, reference=reference)
        return [*spoken_of(order), *forget]
