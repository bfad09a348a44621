"""What the components need to know of the conversation before the message, read from Rasa's tracker."""

from __future__ import annotations

from typing import Any

from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from data.context import LAST_TURNS
from data.schema import Role


def slot(tracker: DialogueStateTracker | None, name: str) -> Any:
    """A slot's value; None without a tracker or such a slot."""
    return tracker.get_slot(name) if tracker is not None and name in tracker.slots else None


def turns_before(tracker: DialogueStateTracker | None) -> list[tuple[Role, str]]:
    """The latest things said before this message, oldest first, as ``data.context.render_context`` takes them.

    Buttons arrive as ``/intent{...}``, which nobody said: they are left out.
    """
    turns: list[tuple[Role, str]] = []
    for event in tracker.events if tracker is not None else ():
        if isinstance(event, UserUttered) and event.text and not event.text.startswith("/"):
            turns.append(("customer", event.text))
        elif isinstance(event, BotUttered) and event.text:
            turns.append(("agent", event.text))
    return turns[-LAST_TURNS:]
