"""How Rasa's stores, which Rasa makes by itself from ``endpoints.yml``, come to the log of their workspace."""

from __future__ import annotations

import asyncio

from bot.embedded import redis_address
from bot.settings import read_settings
from bot.state.log import ConversationLog


class LogConnection:
    """Opens the log when it is first needed, and again where Rasa changed the event loop.

    Args:
        url: Address of Redis, or None: that of the workspace of this process (``bot.settings``).
    """

    def __init__(self, url: str | None = None) -> None:
        self._url = url
        self._log: ConversationLog | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def log(self) -> ConversationLog:
        """The log.

        Raises:
            StateUnavailable: Redis does not answer.
            InputError: There is no such workspace.
        """
        loop = asyncio.get_running_loop()
        if self._log is None or self._loop is not loop:
            self._log, self._loop = await ConversationLog.open(self._address()), loop
        return self._log

    def _address(self) -> str:
        if self._url is None:
            settings = read_settings()
            self._url = redis_address(settings.find_workspace(), settings.redis_url)
        return self._url

    async def close(self) -> None:
        """Ends the connection; the next use opens it again."""
        log, self._log = self._log, None
        if log is not None:
            await log.close()
