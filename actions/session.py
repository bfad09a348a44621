"""The beginning of a session: what the shop is called, and what is kept from the session before."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActionExecuted, SessionStarted, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.door import checked
from actions.handoff import Events
from actions.shop import the_shop

KEPT = ("language", "given")
"""Slots that outlive a session. Order numbers and addresses do not: another person may sit there the next day."""


class ActionSessionStart(Action):
    """Begins a session."""

    def name(self) -> str:
        """See parent."""
        return "action_session_start"

    @checked
    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """See parent."""
        shop = the_shop().workspace.settings.shop
        values = {name: tracker.slots.get(name) for name in KEPT} | {"shop_name": shop.name, "shop_hours": shop.hours}
        metadata = tracker.slots.get("session_started_metadata") or {}
        wished = str(metadata.get("language") or "")[:2]
        if wished in ("en", "zh") and not _has_spoken(tracker):
            values["language"] = wished
        slots = [SlotSet(name, value) for name, value in values.items() if value is not None]
        return [SessionStarted(), *slots, ActionExecuted("action_listen")]


def _has_spoken(tracker: Tracker) -> bool:
    return any(event.get("event") == "user" for event in tracker.events)
