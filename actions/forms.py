"""What all forms share: questions beside a request, words in a slot, help, and stopping."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rasa_sdk import Action, FormValidationAction, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection

from actions.answer import intent_of, language_of, say, where_of
from actions.door import checked
from actions.handoff import Events
from actions.known import known_values
from actions.replies import asked_of, why
from actions.shop import the_shop
from retrieval.compose import Reply, compose
from retrieval.requests import asks, pieces_of

Slots = dict[str, Any]

FLOWS = ("order_status", "return_item", "change_address")
"""Intents that begin a form about an order."""

SOMETHING_ELSE = ("ask_person", "bot_challenge", "cancel", "deny", "goodbye")
"""Intents that mean something else, whatever words were asked for."""

LONGEST_WORDS = 500
"""Characters of a customer's words that a slot keeps."""

HELPED = ("order_number", "email", "return_reason", "new_address", "confirmed", "complaint_text")
"""Slots with a help text of their own, ``utter_help_SLOT``."""

SAMPLE_NUMBER = "10000"
"""What an order number looks like where no order service can tell."""

_CORRECTS = re.compile(
    r"\s*(?:no|nope|nah|wait|sorry|actually|wrong)\b[\s,.!:;-]*(?:sorry|wait|actually)?[\s,.!:;-]*"
    r"|\s*(?:不对|不是|不|错了|等等|说错了|等一下)[\s，。,.！!:：]*",
    re.IGNORECASE,
)

_BUT = re.compile(r"\b(?:but|except|instead)\b|但|不过|只是", re.IGNORECASE)
"""A yes with one of these is none."""


class FormParts:
    """What the validation of every form does beside its slots.

    Not an action itself: rasa_sdk registers every subclass of its own and asks each for a name.
    """

    begins_with: str = ""
    """The intent that begins the form."""

    @checked
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """Validates, then answers what the message asks beside its details, before the form asks on.

        Raises:
            ActionExecutionRejection: The message begins another request, and names an order for that one.
        """
        if self._is_left(tracker):
            raise ActionExecutionRejection(self.name(), "The customer asks for something else.")
        events: Events = await FormValidationAction.run(self, dispatcher, tracker, domain)
        return [*events, *await say_aside(dispatcher, tracker)]

    def name(self) -> str:
        """See the action."""
        raise NotImplementedError

    def _is_left(self, tracker: Tracker) -> bool:
        intent = intent_of(tracker)
        if is_beginning(tracker) or intent not in FLOWS or intent == self.begins_with:
            return False
        return tracker.slots.get("requested_slot") in ("order_number", "email", "confirmed")

    async def next_requested_slot(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Any:
        """See parent, which would ask on after a check that ended the form."""
        if ended(tracker):
            return None
        return await FormValidationAction.next_requested_slot(self, dispatcher, tracker, domain)

    def extract_confirmed(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Slots:
        """Takes a yes to what was just shown; one from an earlier turn is forgotten, and so is one with other details.

        A message that says yes and corrects something confirms nothing: the form shows the new details and asks again.
        Nor does one that was written before they were shown (``bot.state.turn.is_late``).
        """
        late = (tracker.latest_message.get("metadata") or {}).get("late")
        if (
            asked_for(tracker, "confirmed")
            and intent_of(tracker) == "affirm"
            and not late
            and not self.corrects(tracker)
        ):
            return {"confirmed": "yes"}
        return {"confirmed": None} if tracker.slots.get("confirmed") else {}

    def corrects(self, tracker: Tracker) -> bool:
        """Whether the message, beside its yes, names what may be other than what was shown."""
        return names(tracker, "order_number", "email") or _BUT.search(text_of(tracker)) is not None

    def validate_confirmed(
        self, value: str, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        """Accepts what ``extract_confirmed`` took."""
        return {"confirmed": value}


def asked_for(tracker: Tracker, slot: str) -> bool:
    """Whether the form asked for this slot last."""
    return bool(tracker.slots.get("requested_slot") == slot)


def is_beginning(tracker: Tracker) -> bool:
    """Whether the form has asked for nothing yet: what it finds in its slots is from before."""
    return not tracker.slots.get("requested_slot")


def ended(tracker: Tracker) -> bool:
    """Whether a check of this turn ended the form."""
    for event in reversed(tracker.events):
        if event.get("event") == "action":
            return False
        if event.get("event") == "slot" and event.get("name") == "requested_slot":
            return event.get("value") is None
    return False


def text_of(tracker: Tracker) -> str:
    """The latest message on one line; empty for a button."""
    text = " ".join(str(tracker.latest_message.get("text") or "").split())
    return "" if text.startswith("/") else text


def asides_of(tracker: Tracker) -> list[dict[str, Any]]:
    """Questions that the message asks beside its request, with their hits (``bot/components/several.py``)."""
    return list((tracker.latest_message.get("careline") or {}).get("aside") or ())


def own_words(tracker: Tracker) -> str:
    """What the message says beside the questions in it, as a slot keeps it; empty where it says nothing else."""
    text = text_of(tracker)
    asides = [str(row["text"]) for row in asides_of(tracker)]
    for piece in [*asides, *(piece for piece in pieces_of(text) if asides and asks(piece))]:
        text = text.replace(piece, " ")
    if intent_of(tracker) in SOMETHING_ELSE or (not asides and asks(text)):
        return ""
    kept = without_blanks(text)
    return kept if re.search(r"\w", kept) else ""


def without_blanks(text: str) -> str:
    """A customer's words as a slot keeps them: short, and without what a template would take for a blank."""
    kept = re.sub(r"[{}<>\[\]]|__+|\$(?=[A-Za-z_])|%\(", " ", text)
    return " ".join(kept.split()).strip(" ,;.，；、。")[:LONGEST_WORDS]


def correction(tracker: Tracker) -> str | None:
    """What follows the no in ``no, it is broken``; None where the message corrects nothing by words."""
    text = own_words(tracker) if intent_of(tracker) != "deny" else text_of(tracker)
    match = _CORRECTS.match(text)
    rest = text[match.end() :].strip(" ,.，。") if match else ""
    return without_blanks(rest) or None


def names(tracker: Tracker, *kinds: str) -> bool:
    """Whether the latest message names something of one of these kinds."""
    return any(entity.get("entity") in kinds for entity in tracker.latest_message.get("entities") or ())


async def say_aside(dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
    """Answers the questions that the message asks beside its request; nothing is said where it asks none."""
    rows = asides_of(tracker)
    if not rows:
        return []
    careline: Mapping[str, Any] = tracker.latest_message["careline"]
    book = the_shop().answers(careline.get("index"))
    found = asked_of({"requests": rows}, book, text="", language=language_of(tracker), where=where_of(tracker))
    reply: Reply | None = compose(found, await known_values(tracker, found), least=float(careline.get("least") or 0.0))
    if reply is None:
        return []
    reason = why({**careline, "requests": rows}, book, outcome="sure", said=reply)
    return say(dispatcher, tracker, reply, reason=reason)


class ActionFormHelp(Action):
    """Says what the slot that was asked for looks like; the form asks again by itself."""

    def name(self) -> str:
        """See parent."""
        return "action_form_help"

    @checked
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """See parent."""
        asked = tracker.slots.get("requested_slot")
        if asked in HELPED:
            service = the_shop().orders()
            example = await service.example() if service is not None and asked == "order_number" else SAMPLE_NUMBER
            dispatcher.utter_message(response=f"utter_help_{asked}", example=example)
        return []


class ActionStopForm(Action):
    """Says that a form was stopped, and what that means; the rules end it."""

    def name(self) -> str:
        """See parent."""
        return "action_stop_form"

    @checked
    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """See parent. Before a yes nothing was registered, and the customer is told so."""
        undone = asked_for(tracker, "confirmed")
        dispatcher.utter_message(response="utter_not_registered" if undone else "utter_cancelled")
        names = ("order_number", "return_reason", "new_address", "complaint_text", "confirmed")
        forgotten: Events = [SlotSet(name, None) for name in names if tracker.slots.get(name) is not None]
        number = tracker.slots.get("order_number")  # the next form may begin with it, unless it is about another
        return [*forgotten, SlotSet("order_before", number)] if number else forgotten
