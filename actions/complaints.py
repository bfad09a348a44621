"""Complaints: what happened, in the customer's words, as a ticket with a reference."""

from __future__ import annotations

import re
from typing import Any

from rasa_sdk import Action, FormValidationAction, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.answer import intent_of
from actions.door import checked
from actions.forms import FormParts, Slots, asked_for, is_beginning, own_words, text_of
from actions.handoff import Events, offer_person
from actions.keys import key_of
from actions.shop import the_shop

_STORY_WORDS = 12
"""A first message of so many words (twice as many Chinese characters) tells what happened: it is not asked again."""

_TELLS = 6
"""Words that a message must have inside the form where it sounds like another "I want to complain"."""

_NOT_THE_STORY = ("greeting", "thanks", "affirm", "ask_person", "bot_challenge", "cancel", "deny", "goodbye")
"""Short messages with these intents tell nothing of what happened."""

_HAN = re.compile(r"[\u3400-\u9fff]")


def tells_a_story(text: str, *, words: int = _STORY_WORDS) -> bool:
    """Whether a message says what happened, not only that somebody is cross."""
    return len(text.split()) >= words or len(_HAN.findall(text)) >= 2 * words


class ValidateComplaintForm(FormParts, FormValidationAction):
    """What a complaint is about."""

    def name(self) -> str:
        """See parent."""
        return "validate_complaint_form"

    def extract_complaint_text(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        """Takes any words: who complains asks questions, too. One that an answer is known for is answered instead."""
        text, intent = text_of(tracker), intent_of(tracker)
        if is_beginning(tracker):
            told = text if tells_a_story(text) else None
            return {"complaint_text": told} if told or tracker.slots.get("complaint_text") else {}
        if not asked_for(tracker, "complaint_text") or (intent in _NOT_THE_STORY and not tells_a_story(text)):
            return {}
        careline = tracker.latest_message.get("careline") or {}
        if careline.get("sensitive"):  # a person's matter, however long it is told: the rules fetch one
            return {}
        if intent == "complaint" and not tells_a_story(text, words=_TELLS):
            return {}
        is_question = text.endswith(("?", "？")) and careline.get("outcome") == "sure" and not tells_a_story(text)
        if is_question:
            return {}
        return {"complaint_text": " ".join(text.split())} if re.search(r"\w", text) else {}

    def validate_complaint_text(
        self, value: str | None, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        """Accepts what ``extract_complaint_text`` took."""
        return {"complaint_text": value}


class ActionComplaint(Action):
    """Opens a ticket, gives its reference, and offers a person."""

    def name(self) -> str:
        """See parent."""
        return "action_complaint"

    @checked
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """See parent."""
        text = str(tracker.slots.get("complaint_text") or own_words(tracker))
        number = tracker.slots.get("order_number") or tracker.slots.get("order_before")
        if number and str(number) not in text:
            text = f"{text}\n({number})"
        contact = str(tracker.slots.get("email") or "")
        key = key_of(tracker, self.name(), text)
        reference = await the_shop().tickets().open("complaint", text, contact, key=key)
        dispatcher.utter_message(response="utter_complaint_done", reference=reference)
        return [SlotSet("complaint_text", None), SlotSet("lost", 0), *offer_person(dispatcher)]
