"""A bounded window of a conversation that predicts what the whole conversation would (design, section 3).

The state at the window's start as synthetic events, then all events of at least the last six turns, cut at a turn's
boundary. Imports no Rasa: events are the dicts that Rasa writes and reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.state.entry import Entry
from bot.state.log import ConversationLog

WINDOW_TURNS = 6
"""Whole turns that a window has at least; longer than the longest rule or story."""

_BATCH = 64
"""Entries a read; a window of six turns has about thirty."""

Event = dict[str, Any]
LISTEN: Event = {"event": "action", "name": "action_listen"}


@dataclass(frozen=True)
class Window:
    """The end of a conversation.

    Attributes:
        entries: Oldest first: whole turns and what was said around them.
        state: What ``snapshot`` wrote at the window's start, or None: the window is the whole conversation.
        start: Unix seconds of the window's start.
    """

    entries: tuple[Entry, ...] = ()
    state: Mapping[str, Any] | None = None
    start: float = 0.0
    events: tuple[Event, ...] = field(init=False)

    def __post_init__(self) -> None:
        opening = () if self.state is None else opening_events(self.state, time=self.start)
        object.__setattr__(self, "events", (*opening, *applied_events(self.entries, state=self.state)))

    @property
    def loop(self) -> str | None:
        """Name of the form that is open at its end; None where a person has dealt with it since."""
        state: Mapping[str, Any] = self.state or {}
        for entry in self.entries:
            if entry.kind == "turn":
                state = entry.data["state"]
            elif entry.kind == "state" and entry.data["to"] == "bot":
                state = {}
        loop = state.get("loop")
        return str(loop["name"]) if loop else None


async def read_window(log: ConversationLog, conversation: str, *, turns: int = WINDOW_TURNS) -> Window:
    """Reads back from the log's end until ``turns`` whole turns are there."""
    entries: list[Entry] = []
    while True:
        batch = await log.read_back(conversation, before=entries[0].seq if entries else None, limit=_BATCH)
        entries = batch + entries
        ends = [place for place, entry in enumerate(entries) if entry.kind == "turn"]
        if len(ends) > turns:
            boundary = entries[ends[-turns - 1]]
            return Window(tuple(entries[ends[-turns - 1] + 1 :]), boundary.data["state"], boundary.time)
        if len(batch) < _BATCH:
            return Window(tuple(entries))


def applied_events(entries: Sequence[Entry], *, state: Mapping[str, Any] | None) -> Iterator[Event]:
    """Rasa's events of the turns, and what a move back to the bot means to Rasa.

    Args:
        entries: Oldest first.
        state: The dialogue's state before them, or None for the beginning.
    """
    for entry in entries:
        if entry.kind == "turn":
            yield from entry.data["events"]
            state = entry.data["state"]
        elif entry.kind == "state" and entry.data["to"] == "bot":
            yield from _resume(state or {}, entry)


def _resume(state: Mapping[str, Any], entry: Entry) -> Iterator[Event]:
    """The bot goes on: what a person has dealt with since is not asked again."""
    if state.get("paused"):
        yield {"event": "resume", "timestamp": entry.time}
    slots = dict(entry.data.get("slots") or {})
    if state.get("loop"):
        yield {"event": "active_loop", "name": None, "timestamp": entry.time}
        slots = {"requested_slot": None, **slots}
    for name, value in slots.items():
        yield {"event": "slot", "name": name, "value": value, "timestamp": entry.time}
    if state.get("paused") or slots:
        yield LISTEN | {"timestamp": entry.time}


def snapshot(tracker: Any) -> dict[str, Any]:
    """The state of a Rasa tracker at the end of a turn, as JSON.

    Args:
        tracker: A ``DialogueStateTracker``.

    Returns:
        ``slots`` (those that were ever set), ``loop``, ``action`` (latest), ``followup``, ``paused``.
    """
    loop = tracker.active_loop
    return {
        "slots": {
            name: without_context(slot.value) if name == "session_started_metadata" else slot.value
            for name, slot in tracker.slots.items()
            if slot.has_been_set
        },
        "loop": loop
        and {
            "name": loop.name,
            "is_interrupted": loop.is_interrupted,
            "rejected": loop.rejected,
            "trigger_message": loop.trigger_message,
        },
        "action": tracker.latest_action_name,
        "followup": tracker.followup_action,
        "paused": tracker.is_paused(),
    }


def without_context(metadata: Any) -> Any:
    """A message's metadata without what the worker put there for this one turn."""
    if not isinstance(metadata, Mapping):
        return metadata
    return {name: value for name, value in metadata.items() if name not in ("turns", "given", "late", "customer")}


def opening_events(state: Mapping[str, Any], *, time: float) -> Iterator[Event]:
    """Events that bring a new tracker into a state that ``snapshot`` wrote.

    The order matters: an executed action clears a loop's interruption and rejection and a follow-up action, and a loop
    keeps the latest message as what triggered it.
    """
    loop = state.get("loop")
    events: list[Event] = [{"event": "slot", "name": n, "value": v} for n, v in state["slots"].items()]
    trigger = loop and loop.get("trigger_message")
    if trigger:
        events.append({"event": "user", "text": trigger.get("text"), "parse_data": trigger})
    if state.get("action"):
        events.append({"event": "action", "name": state["action"]})
    if loop:
        events.append({"event": "active_loop", "name": loop["name"]})
        if loop["is_interrupted"]:
            events.append({"event": "loop_interrupted", "is_interrupted": True})
        if loop["rejected"]:
            events.append({"event": "action_execution_rejected", "name": loop["name"]})
    if state.get("followup"):
        events.append({"event": "followup", "name": state["followup"]})
    if state.get("paused"):
        events.append({"event": "pause"})
    return (event | {"timestamp": time} for event in events)
