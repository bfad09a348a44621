"""What the components need to know of the conversation before the message, read from Rasa's tracker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bot.state.turn import current_turn, recent_turns
from data.context import LAST_TURNS
from data.schema import Role

if TYPE_CHECKING:
    from retrieval.filters import Where


def slot(tracker: DialogueStateTracker | None, name: str) -> Any:
    """A slot's value; None without a tracker or such a slot."""
    return tracker.get_slot(name) if tracker is not None and name in tracker.slots else None


def turns_before(tracker: DialogueStateTracker | None) -> list[tuple[Role, str]]:
    """The latest things said before this message, oldest first, as ``data.context.render_context`` takes them.

    They come from the conversation's log where a turn runs on it: it has what agents said, too. Elsewhere (``rasa
    test``, a store in memory) they come from the tracker, where buttons are ``/intent{...}``, which nobody said.
    """
    if current_turn.get() is not None:
        return recent_turns(limit=LAST_TURNS)
    turns: list[tuple[Role, str]] = []
    for event in tracker.events if tracker is not None else ():
        if isinstance(event, UserUttered) and event.text and not event.text.startswith("/"):
            turns.append(("customer", event.text))
        elif isinstance(event, BotUttered) and event.text:
            turns.append(("agent", event.text))
    return turns[-LAST_TURNS:]


def where_of(tracker: DialogueStateTracker | None) -> Where:
    """What an answer must be for: see ``Where.of_slots``."""
    from retrieval.filters import Where

    return Where.of_slots({} if tracker is None else {name: held.value for name, held in tracker.slots.items()})


def mood_before(tracker: DialogueStateTracker | None) -> Mapping[str, Any] | None:
    """The model's ``mood`` of the customer's message before this one; None where there is none."""
    latest = tracker.latest_message if tracker is not None else None
    parsed: Mapping[str, Any] = (latest.parse_data if latest is not None else None) or {}
    careline: Mapping[str, Any] = parsed.get("careline") or {}
    return careline.get("mood")
