"""The queue for the bot: who waits longer than it usually takes is told how many are before them."""

from __future__ import annotations

import asyncio
import logging
import time

from bot.gateway.feed import Feed
from bot.state.entry import StateError
from bot.state.log import ConversationLog

_LOG = logging.getLogger(__name__)

LOOK_SECONDS = 2.0

PATIENCE_SECONDS = 4.0
"""Whoever waits less is soon answered, and needs no number."""

MOST = 5000
"""So many are counted; who comes after them is told this number."""


class Backlog:
    """Places of those who wait for the bot. Any number of gateways may have one: it only reads.

    Args:
        log: All conversations.
        feed: Wakes the customer's socket when their place has changed.
    """

    def __init__(self, log: ConversationLog, feed: Feed) -> None:
        self.log, self.feed = log, feed
        self.places: dict[str, int] = {}

    async def run(self) -> None:
        """Looks every two seconds, for ever."""
        while True:
            try:
                await self.look()
            except StateError:
                _LOG.warning("those who wait for the bot could not be counted", exc_info=True)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self, *, now: float | None = None) -> None:
        """Brings places up to date.

        Args:
            now: Unix seconds instead of the clock, for tests.
        """
        now = time.time() if now is None else now
        waiting = await self.log.waiting(limit=MOST)
        places = {
            conversation: place
            for place, (since, conversation) in enumerate(waiting, 1)
            if place > 1 and now - since >= PATIENCE_SECONDS
        }
        changed = {c for c in {*places, *self.places} if places.get(c) != self.places.get(c)}
        self.places = places
        for conversation in changed:
            self.feed.wake(conversation)
