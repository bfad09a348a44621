"""`/ws/widget`: one customer's socket. It accepts, acknowledges what is stored, and delivers from the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.gateway.auth import Bucket, may_connect
from bot.gateway.desk import Place, queue_frame
from bot.gateway.door import Door, admit, is_open, welcome
from bot.gateway.line import TRY_LATER, UNAVAILABLE, Line, until_one_ends
from bot.gateway.mailbox import Mailbox
from bot.gateway.wording import shop_language, wire_entry
from bot.protocol import (
    Ack,
    Back,
    Busy,
    Hello,
    Person,
    Press,
    Rate,
    Refusal,
    Seen,
    Send,
    SomeoneTypes,
    Typing,
    WireError,
    parse_client,
)
from bot.state.entry import StateError

_LOG = logging.getLogger(__name__)

HELLO_SECONDS = 10.0
"""A socket that has not said hello by then is closed."""

BATCH = 200
"""Entries read at once when a client resumes."""


@dataclass
class WidgetSocket:
    """One connection, from ``hello`` to its end.

    Attributes:
        door: The gateway's parts.
        socket: Not yet accepted.
    """

    door: Door
    socket: WebSocket
    conversation: str = ""
    language: str = "en"
    last_seq: int = 0
    _frames: Bucket = field(default_factory=lambda: Bucket(20, 60))
    _place: Place | None = None
    _position: int = 0
    _known: bool = False
    _messages: Bucket = field(default_factory=lambda: Bucket(2, 30))

    def __post_init__(self) -> None:
        self.line = Line(self.socket)
        self.mailbox: Mailbox

    async def run(self) -> None:
        """Serves the connection until either side ends it."""
        headers = self.socket.headers
        origins = self.door.workspace.settings.web.origins
        if not may_connect(headers.get("origin"), headers.get("host"), origins):
            await self.socket.close()  # before accept: the handshake is answered with 403
            return
        await self.socket.accept()
        try:
            hello = await self._hello()
            if hello is not None:
                await self._serve(hello)
        except WebSocketDisconnect:
            pass  # the customer left; everything is in the log
        except StateError:
            _LOG.warning("the log is away; a widget was asked to come back", exc_info=True)
            await self.line.end(TRY_LATER, UNAVAILABLE)

    async def _hello(self) -> Hello | None:
        try:
            message = parse_client(await asyncio.wait_for(self.line.receive(), HELLO_SECONDS))
        except asyncio.TimeoutError:
            await self.line.end(1008, Refusal(code="bad_message", message="No hello came."))
            return None
        except WireError as error:
            await self.line.end(1008, Refusal(code=error.code, message=error.message))
            return None
        if not isinstance(message, Hello):
            await self.line.end(1008, Refusal(code="bad_message", message="Expected hello first."))
            return None
        return message

    async def _serve(self, hello: Hello) -> None:
        """Welcomes, then delivers and receives side by side until one of them ends."""
        self.language = shop_language(self.door.workspace.settings.shop, hello.language)
        found = await admit(self.door, hello)
        self.conversation, self.last_seq, self._known = found.conversation, found.last_seq, found.known
        self.mailbox = Mailbox(
            self.door.log, found.conversation, self.language, "widget", found.begun, found.identity,
            desk=self.door.desk, known=found.known,
        )  # fmt: skip
        if found.refusal is not None:
            await self.line.say(found.refusal)
        with self.door.feed.watch(self.conversation, typing=self._someone_types) as watcher:
            await self.line.say(await welcome(self.door, self.conversation, self.language))
            await until_one_ends(self._deliver(watcher.next), self._listen())

    async def _deliver(self, changed: Callable[[], Awaitable[object]]) -> None:
        """Sends what the log has beyond the last entry sent, for ever: in order, without gap, each once."""
        while True:
            entries = await self.door.log.read(self.conversation, after=self.last_seq, limit=BATCH)
            if entries and not await is_open(self.door.log, self.conversation, known=self._known):
                await self.line.end(TRY_LATER)  # it is a known customer's now: the next hello says so
                return
            for entry in entries:
                shown = wire_entry(entry, reader="customer")
                if shown is not None:
                    await self.line.say(shown)
                self.last_seq = entry.seq
            if len(entries) < BATCH:
                await self._say_place()
                await changed()

    async def _say_place(self) -> None:
        """Tells somebody who waits for a person, or long for the bot, where they stand, if that has changed."""
        place = self.door.desk.places.get(self.conversation)
        if place is not None and place != self._place:
            await self.line.say(queue_frame(place))
        self._place = place
        position = self.door.backlog.places.get(self.conversation, 0)
        if position != self._position:
            await self.line.say(Busy(position=position))
        self._position = position

    async def _listen(self) -> None:
        while True:
            frame = await self.line.receive()
            try:
                message = parse_client(frame)
                if not self._frames.take():
                    raise WireError(
                        "too_fast", "Too many messages at once.", client_id=getattr(message, "client_id", None)
                    )
                await self._handle(message)
            except WireError as error:
                await self.line.say(Refusal(code=error.code, message=error.message, client_id=error.client_id))

    async def _handle(self, message: object) -> None:
        if isinstance(message, Send | Press | Person | Back | Rate):
            await self._store(message)
        elif isinstance(message, Typing):
            if self.mailbox.begun:
                await self.door.log.typing(self.conversation, "customer")
        elif not isinstance(message, Seen):
            raise WireError("bad_message", "Hello was said already.")

    async def _store(self, message: Send | Press | Person | Back | Rate) -> None:
        """Stores and only then acknowledges."""
        if message.client_id and not self._messages.take():
            raise WireError("too_fast", "Too many messages at once. Wait a moment.", client_id=message.client_id)
        seq = await self.mailbox.store(message)
        await self.line.say(Ack(client_id=message.client_id, seq=seq))

    def _someone_types(self, _conversation: str, who: str) -> None:
        if who in ("bot", "agent"):
            self.line.notice(SomeoneTypes(who="bot" if who == "bot" else "agent"))
