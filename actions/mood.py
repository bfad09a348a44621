"""How a customer feels, and what it changes: one sentence of regret, the offer of a person, an earlier hand-over."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.handoff import Events, offer_person

CALMER = {"upset": "calming", "calming": "calm"}
"""Values of the slot ``mood`` after a message that is not upset: two of them, and the next outburst is heard anew."""


def tone(tracker: Tracker) -> dict[str, bool]:
    """How the latest message sounds: ``upset``, ``very``, ``urgent`` (``bot.tone``)."""
    return (tracker.latest_message.get("careline") or {}).get("tone") or {}


def presses(tracker: Tracker) -> bool:
    """Whether a customer is not to be asked again: very upset, upset for the second time, or in a hurry."""
    said = tone(tracker)
    again = bool(said.get("upset")) and (tracker.slots.get("mood") or "calm") != "calm"
    return bool(said.get("very") or said.get("urgent") or again)


def attended(dispatcher: CollectingDispatcher, tracker: Tracker, events: Events, *, action: str) -> Events:
    """Adds regret and the offer of a person to what an action says to an upset customer, once until the mood changes.

    Args:
        dispatcher: Has what the action says.
        tracker: The conversation.
        events: Of the action.
        action: Its name. A form's validation that filled no slot may not set one: Rasa would take the message for an
            answer.

    Returns:
        The events with the mood's own.
    """
    mood, asked = tracker.slots.get("mood") or "calm", tracker.slots.get("requested_slot")
    validates = action.startswith("validate_")
    if validates and asked and not any(_sets_slot(event) for event in events):
        return events
    if action == "action_session_start":
        return events  # the latest message is of the session before
    if not tone(tracker).get("upset"):
        return events if validates or mood not in CALMER else [*events, SlotSet("mood", CALMER[mood])]
    events = [*events, SlotSet("mood", "upset")]
    intent = (tracker.latest_message.get("intent") or {}).get("name")
    if mood != "calm" or action == "action_complaint" or intent in ("complaint", "ask_person"):
        return events  # complaints are met with regret, and whoever asks for a person gets one
    put_first(dispatcher, "utter_upset")
    if any(event["event"] == "pause" for event in events) or _offers_person(dispatcher):
        return events
    if tracker.active_loop_name:
        put_first(dispatcher, "utter_person_any_time", after=1)
        return events
    return [*events, *offer_person(dispatcher)]


def _sets_slot(event: dict[str, Any]) -> bool:
    return event.get("event") == "slot" and event.get("name") != "requested_slot"


def put_first(dispatcher: CollectingDispatcher, response: str, *, after: int = 0) -> None:
    """Says a response before what was said so far, behind the first ``after`` messages."""
    said = list(dispatcher.messages)
    dispatcher.messages.clear()
    dispatcher.utter_message(response=response)
    dispatcher.messages[:] = [*said[:after], *dispatcher.messages, *said[after:]]


def _offers_person(dispatcher: CollectingDispatcher) -> bool:
    messages: list[dict[str, Any]] = dispatcher.messages
    buttons = (button for message in messages for button in message.get("buttons") or ())
    return any(message.get("response") == "utter_offer_person" for message in messages) or any(
        button.get("payload") == "/ask_person" for button in buttons
    )
