"""Rasa's tracker as a projection of the log: inside a turn it is hydrated and staged, outside it is read only."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bot.handoff import State
from bot.state.connection import LogConnection
from bot.state.entry import ConversationInfo, StateError
from bot.state.hydrate import Window, read_window, snapshot
from bot.state.turn import Turn, current_turn


class LogTrackerStore(TrackerStore):
    """A tracker store that writes nothing by itself: the lock commits what is staged here.

    Args:
        domain: See parent.
        host: ``url`` of ``endpoints.yml``: a Redis other than the workspace's.
        event_broker: See parent; not served, since it would hear of turns before they are committed.
        kwargs: See parent.
    """

    def __init__(
        self,
        domain: Domain | None = None,
        host: str | None = None,
        event_broker: EventBroker | None = None,
        **kwargs: Any,
    ) -> None:
        self.connection = LogConnection(host)
        super().__init__(domain, event_broker, **kwargs)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """See parent. Inside of a turn: its window and what is staged. Outside: the window, or None if it is empty."""
        turn = _turn_of(sender_id)
        if turn is not None:
            return self._hydrate(turn)
        log = await self.connection.log()
        info, window = await log.info(sender_id), await read_window(log, sender_id)
        return self._tracker(info, window.events) if info and window.events else None

    async def retrieve_full_tracker(self, conversation_id: str) -> DialogueStateTracker | None:
        """See parent: the whole log, however long."""
        if _turn_of(conversation_id) is not None:
            return await self.retrieve(conversation_id)
        log = await self.connection.log()
        info = await log.info(conversation_id)
        window = Window(tuple(await log.read_all(conversation_id)))
        return self._tracker(info, window.events) if info and window.events else None

    async def save(self, tracker: DialogueStateTracker) -> None:
        """See parent. Stages Rasa's new events and the state after them.

        Raises:
            StateError: Outside of a turn, where only an empty tracker may be saved (Rasa does, on looking one up).
        """
        turn = _turn_of(tracker.sender_id)
        if turn is None:
            if tracker.events:
                raise StateError(f"tracker {tracker.sender_id}: got a save outside of a turn; expected the lock.")
            return
        events = list(tracker.events)[turn.hydrated :]
        turn.events = [event.as_dict() for event in events]
        turn.state = snapshot(tracker)

    async def keys(self) -> Iterable[str]:
        """See parent. At most 100,000, newest first."""
        log = await self.connection.log()
        return [info.id for info in await log.conversations(limit=100_000)]

    def _hydrate(self, turn: Turn) -> DialogueStateTracker:
        """Builds the turn's tracker; an error is kept on the turn, because Rasa swallows it here."""
        try:
            tracker = self._tracker(turn.lease.info, turn.window.events)
            turn.hydrated = len(tracker.events)
            for event in _events(turn.events):
                tracker.update(event, self.domain)
        except Exception as error:
            turn.failures.append(f"hydration: {error}")
            raise
        return tracker

    def _tracker(self, info: ConversationInfo, events: Sequence[Mapping[str, Any]]) -> DialogueStateTracker:
        tracker = self.init_tracker(info.id)
        for event in _events(events):
            if isinstance(event, SlotSet) and event.key not in tracker.slots:
                continue  # of an older model's domain
            tracker.update(event, self.domain)
        _hold_session(tracker, info)
        return tracker


def _turn_of(conversation: str) -> Turn | None:
    turn = current_turn.get()
    return turn if turn is not None and turn.conversation == conversation else None


def _events(rows: Iterable[Mapping[str, Any]]) -> list[Event]:
    built = (Event.from_parameters(dict(row)) for row in rows)
    return [event for event in built if event is not None]


def _hold_session(tracker: DialogueStateTracker, info: ConversationInfo) -> None:
    """A session does not expire while a person has the conversation: Rasa counts from the last user event's time."""
    last = tracker.get_last_event_for(UserUttered)
    if last is None:
        return
    if info.state is not State.BOT:
        last.timestamp = time.time()
    elif info.returned is not None:
        last.timestamp = max(last.timestamp, info.returned)
