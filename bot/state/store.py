"""The one connection to Redis or Valkey: time-outs, retries with back-off, and scripts as calls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError, ConnectionError, ReadOnlyError, RedisError, TimeoutError

from bot.state import scripts
from bot.state.entry import StateError, StateUnavailable
from bot.state.keys import Keys

_T = TypeVar("_T")

SOCKET_SECONDS = 10.0
"""Longer than any blocking read (``claim`` blocks for two seconds at most)."""

PATIENCE_SECONDS = 8.0
"""How long a call is tried again; an embedded server that was killed is back in one or two seconds."""

_PASSING = (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError)


class Store:
    """Runs commands and scripts; all are safe to repeat after a lost answer.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        patience: Seconds for which a call is tried again before ``StateUnavailable``.
    """

    def __init__(self, url: str, *, patience: float | None = None) -> None:
        self.url, self.patience = url, PATIENCE_SECONDS if patience is None else patience
        self.redis: Any = Redis.from_url(
            url, decode_responses=True, socket_timeout=SOCKET_SECONDS, socket_connect_timeout=SOCKET_SECONDS / 2
        )
        self._scripts: dict[str, Any] = {}

    async def close(self) -> None:
        """Ends all connections."""
        await self.redis.close(close_connection_pool=True)

    async def retry(self, call: Callable[[], Awaitable[_T]], *, patience: float | None = None) -> _T:
        """Makes a call, and again with back-off while the server is away.

        Raises:
            StateUnavailable: It stayed away for ``patience`` seconds.
            StateError: The server refused the command.
        """
        until = time.monotonic() + (self.patience if patience is None else patience)
        pause = 0.05
        while True:
            try:
                return await call()
            except _PASSING as error:
                if time.monotonic() + pause > until:
                    raise StateUnavailable(f"Redis: got no answer ({error}); expected a running server.") from error
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)
            except RedisError as error:
                raise StateError(f"Redis refused a command: {error}") from error

    async def script(self, body: str, conversation: str, *arguments: str | int) -> Any:
        """Runs one of ``scripts`` on the keys of a conversation."""
        return await self.raw_script(scripts.PRELUDE + body, Keys(conversation).all(), [conversation, *arguments])

    async def raw_script(self, text: str, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        """Runs a whole script text; it is sent once and named by its hash afterwards."""
        script = self._scripts.get(text)
        if script is None:
            script = self._scripts[text] = self.redis.register_script(text)
        return await self.retry(lambda: script(keys=list(keys), args=list(arguments)))


def pairs(flat: Sequence[str]) -> dict[str, str]:
    """A hash as a script returns it: names and values in turn."""
    return dict(zip(flat[::2], flat[1::2], strict=True))
