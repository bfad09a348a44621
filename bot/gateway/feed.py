"""Wakes sockets when their conversation changed: one subscription to the log for the whole gateway."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from bot.state.entry import StateError
from bot.state.log import ConversationLog

_LOG = logging.getLogger(__name__)

TypingHandler = Callable[[str, str], None]
"""(conversation, who): someone types."""


class Watcher:
    """What one socket watches: set ``changed`` means "read again from where you are"."""

    def __init__(self, typing: TypingHandler | None = None) -> None:
        self.changed = asyncio.Event()
        self.conversations: set[str] = set()
        self.everything = False
        self.typing = typing

    def wake(self, conversation: str | None) -> None:
        """Marks a conversation, or with None everything, as changed."""
        if conversation is None:
            self.everything = True
        else:
            self.conversations.add(conversation)
        self.changed.set()

    async def next(self, *, seconds: float | None = None) -> tuple[bool, set[str]]:
        """Waits for changes and takes them: (whether all may have changed, which did).

        Args:
            seconds: Return with nothing after so long; None waits for ever.
        """
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.changed.wait(), seconds)
        self.changed.clear()
        taken = self.everything, self.conversations
        self.everything, self.conversations = False, set()
        return taken


class Feed:
    """Fans out the log's changes to watchers of one conversation, or of all.

    A watcher is woken, not told: it reads the log from its own last sequence number, so nothing is lost or doubled
    when notices are. After a gap in the subscription every watcher is woken.

    Args:
        log: Where changes come from.
    """

    def __init__(self, log: ConversationLog) -> None:
        self._log = log
        self._of: dict[str, set[Watcher]] = defaultdict(set)
        self._all: set[Watcher] = set()

    @contextmanager
    def watch(self, conversation: str | None, *, typing: TypingHandler | None = None) -> Iterator[Watcher]:
        """Watches one conversation, or all with None, for the length of the block."""
        watcher = Watcher(typing)
        group = self._all if conversation is None else self._of[conversation]
        group.add(watcher)
        try:
            yield watcher
        finally:
            group.discard(watcher)
            if conversation is not None and not group:
                self._of.pop(conversation, None)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listens for the length of the block."""
        tasks = [asyncio.create_task(self._changes()), asyncio.create_task(self._typing())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _changes(self) -> None:
        while True:
            try:
                async for conversation in self._log.subscribe():
                    self._wake(conversation)
            except StateError:
                _LOG.exception("the subscription to changes broke; listening again")
                await asyncio.sleep(1)

    async def _typing(self) -> None:
        while True:
            try:
                async for who, conversation in self._log.subscribe_typing():
                    for watcher in [*self._watchers(conversation)]:
                        if watcher.typing is not None:
                            watcher.typing(conversation, who)
            except StateError:
                _LOG.exception("the subscription to typing broke; listening again")
                await asyncio.sleep(1)

    def wake(self, conversation: str) -> None:
        """Wakes whoever watches a conversation, for what is not in the log."""
        self._wake(conversation)

    def _wake(self, conversation: str | None) -> None:
        groups = [*self._of.values(), self._all] if conversation is None else [self._watchers(conversation)]
        for watcher in [w for group in groups for w in group]:
            watcher.wake(conversation)

    def _watchers(self, conversation: str) -> set[Watcher]:
        return self._of.get(conversation, set()) | self._all
