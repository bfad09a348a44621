"""Handing a conversation to a person, and offering to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ConversationPaused, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.door import checked
from actions.shop import ActionShop, the_shop
from data.hours import hours_in_words, people_there

Events = list[dict[str, Any]]

DANGERS = ("self_harm", "injury")
"""Sensitive topics in which somebody may be in danger."""

TERMINALS = ("cmdline",)
"""Channels that show text only: there the source of an answer is a line of the reply."""


def hand_over(
    dispatcher: CollectingDispatcher,
    tracker: Tracker,
    *,
    reason: str,
    shop: ActionShop | None = None,
    now: datetime | None = None,
) -> Events:
    """Says that a person takes over, and pauses the bot.

    Args:
        dispatcher: Takes the reply; its ``custom`` data has ``handoff`` with the reason, and whether people are there.
        tracker: The conversation.
        reason: One of ``bot.handoff.Reason``: what the agent reads.
        shop: Instead of the process's own, for tests.
        now: Instead of the clock, for tests.

    Returns:
        Events for Rasa. The conversation's owner changes when they are committed.
    """
    settings = (shop or the_shop()).workspace.settings.shop
    available = people_there(settings, now)
    language = str(tracker.slots.get("language") or "en")
    custom = {"handoff": {"reason": reason, "open": available, "email": settings.handoff_email or None}}
    dispatcher.utter_message(
        response="utter_handoff_closed" if available is False else "utter_handoff",
        json_message={} if shows_text_only(tracker) else custom,
        shop_hours=hours_in_words(settings.hours, language),
    )
    if settings.handoff_email and available is False:
        dispatcher.utter_message(response="utter_handoff_email", address=settings.handoff_email)
    return [SlotSet("lost", 0), SlotSet("tries", 0), SlotSet("offer", "none"), ConversationPaused()]


def shows_text_only(tracker: Tracker) -> bool:
    """Whether the customer sits at a terminal (``rasa shell``), which prints structured data as it stands."""
    return tracker.get_latest_input_channel() in TERMINALS


def offer_person(dispatcher: CollectingDispatcher) -> Events:
    """Asks whether a person shall take over; a yes to it is one (see ``data/rasa/rules.yml``)."""
    dispatcher.utter_message(response="utter_offer_person")
    return [SlotSet("offer", "person")]


class ActionHandoff(Action):
    """The customer asked for a person, accepted one, or speaks of what is a person's matter (``bot.sensitive``)."""

    def name(self) -> str:
        """See parent."""
        return "action_handoff"

    @checked
    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """See parent."""
        topic = (tracker.latest_message.get("careline") or {}).get("sensitive")
        if topic is not None:
            danger = topic in DANGERS
            dispatcher.utter_message(response="utter_sensitive_danger" if danger else "utter_sensitive")
            return hand_over(dispatcher, tracker, reason="sensitive")
        return hand_over(dispatcher, tracker, reason="asked")


class ActionOfferPerson(Action):
    """Offers a person."""

    def name(self) -> str:
        """See parent."""
        return "action_offer_person"

    @checked
    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """See parent."""
        return offer_person(dispatcher)
