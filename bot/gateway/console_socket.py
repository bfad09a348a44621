"""`/ws/console`: pushes changed rows to a signed-in agent, and the entries of the conversation on screen."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.gateway.auth import same_site
from bot.gateway.desk import PRESENT_SECONDS
from bot.gateway.door import Door
from bot.gateway.feed import Watcher
from bot.gateway.line import TRY_LATER, UNAVAILABLE, Line, until_one_ends
from bot.gateway.widget_socket import BATCH
from bot.gateway.wording import wire_entry, wire_row
from bot.protocol import (
    AgentTyping,
    CustomerTyping,
    Refusal,
    Watch,
    Watched,
    WireError,
    parse_console,
)
from bot.state.entry import StateError

_LOG = logging.getLogger(__name__)

SIGNED_OUT = 4401
"""Close code: the session is over; signing in again helps, coming back does not."""

LOOK_SECONDS = 30.0
"""How often a quiet socket's session is looked at again."""


@dataclass
class ConsoleSocket:
    """One agent's connection.

    Attributes:
        door: The gateway's parts.
        socket: Not yet accepted.
        signed_in: Whether the session still holds.
        name: Of the agent.
    """

    door: Door
    socket: WebSocket
    signed_in: Callable[[], bool]
    name: str = ""
    watched: str | None = None
    last_seq: int = 0
    _delivering: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.line = Line(self.socket)

    async def run(self) -> None:
        """Serves the connection until either side ends it or the session is over."""
        headers = self.socket.headers
        if not same_site(headers.get("origin"), headers.get("host")):
            await self.socket.close()
            return
        await self.socket.accept()
        if not self.signed_in():
            await self.line.end(SIGNED_OUT)
            return
        try:
            await self._serve()
        except WebSocketDisconnect:
            pass  # the agent left
        except StateError:
            _LOG.warning("the log is away; a console was asked to come back", exc_info=True)
            await self.line.end(TRY_LATER, UNAVAILABLE)

    async def _serve(self) -> None:
        with self.door.feed.watch(None, typing=self._customer_types) as watcher:
            watcher.wake(None)
            await until_one_ends(self._push(watcher), self._listen(), self._be_present())

    async def _be_present(self) -> None:
        """An open console means that somebody is there; a closed one, that this agent is not."""
        mark = f"{self.name} {id(self)} {os.getpid()}"
        try:
            while True:
                await self.door.desk.present(mark)
                await asyncio.sleep(PRESENT_SECONDS / 4)
        finally:
            with suppress(StateError):
                await self.door.desk.gone(mark)

    async def _push(self, watcher: Watcher) -> None:
        """Sends rows as they change; all of them first and after a gap."""
        while True:
            everything, conversations = await watcher.next(seconds=LOOK_SECONDS)
            if not self.signed_in():
                await self.line.end(SIGNED_OUT)
                return
            if everything:
                for info in await self.door.log.conversations(limit=200):
                    await self.line.say(wire_row(info))
            else:
                for conversation in conversations:
                    changed = await self.door.log.info(conversation)
                    if changed is not None:
                        await self.line.say(wire_row(changed))
            if everything or self.watched in conversations:
                await self._deliver()

    async def _deliver(self) -> None:
        """Sends the watched conversation's entries beyond the last one sent, each once."""
        async with self._delivering:
            while self.watched is not None:
                entries = await self.door.log.read(self.watched, after=self.last_seq, limit=BATCH)
                for entry in entries:
                    shown = wire_entry(entry, reader="agent")
                    if shown is not None:
                        await self.line.say(Watched(conversation=self.watched, entry=shown))
                    self.last_seq = entry.seq
                if len(entries) < BATCH:
                    return

    async def _listen(self) -> None:
        while True:
            frame = await self.line.receive()
            try:
                request = parse_console(frame)
            except WireError as error:
                await self.line.say(Refusal(code=error.code, message=error.message))
                continue
            if isinstance(request, Watch):
                async with self._delivering:
                    self.watched, self.last_seq = request.conversation or None, request.last_seq
                await self._deliver()
            elif isinstance(request, AgentTyping) and self.watched is not None and self.signed_in():
                await self.door.log.typing(self.watched, "agent")

    def _customer_types(self, conversation: str, who: str) -> None:
        if who == "customer":
            self.line.notice(CustomerTyping(conversation=conversation))
