"""`POST /api/line`: the widget's frames over plain HTTP, for networks that block WebSockets.

A request carries a ``hello`` and any frames of ``ClientMessage``; the answer carries what a socket would have said:
a ``welcome``, acknowledgements and refusals, then the entries after ``hello.last_seq``, waited for where there is
nothing to say. Nothing is kept between two requests.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.gateway.auth import may_connect
from bot.gateway.desk import queue_frame
from bot.gateway.door import Admitted, Door, admit, is_open, welcome
from bot.gateway.http import ApiError, Limits, address_of, answered, read_json
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
    Send,
    SomeoneTypes,
    Typing,
    WireError,
    parse_client,
)

LONGEST_WAIT = 25.0
"""Seconds: proxies cut what is silent for thirty."""

BATCH = 200
MOST_FRAMES = 20
"""Frames in one request."""

LONGEST_BODY = 128 * 1024


class PollLine:
    """The HTTP side of the widget.

    Args:
        door: The gateway's parts.
    """

    def __init__(self, door: Door) -> None:
        self.door = door
        rate = door.workspace.settings.web.requests
        self._asks = Limits(rate, 6 * rate)
        self._messages = Limits(2, 30)

    def route(self) -> Route:
        """Where it is."""
        return Route("/api/line", answered(self.exchange), methods=["POST"])

    async def exchange(self, request: Request) -> Response:
        """``{hello, frames, wait}`` → ``{frames}``."""
        headers = request.headers
        if not may_connect(headers.get("origin"), headers.get("host"), self.door.workspace.settings.web.origins):
            raise ApiError(403, "foreign", "This site may not use the chat; see web.origins.")
        if not self._asks.take(address_of(request)):
            raise ApiError(429, "too_fast", "Too many requests at once. Wait a moment.")
        hello, frames, wait = _parts(await read_json(request, longest=LONGEST_BODY))
        language = shop_language(self.door.workspace.settings.shop, hello.language)
        found = await admit(self.door, hello)
        out: list[object] = [found.refusal] if found.refusal is not None else []
        out.append(await welcome(self.door, found.conversation, language))
        for frame in frames:
            out += await self._take(found, language, frame)
        position = self.door.backlog.places.get(found.conversation)
        out += [Busy(position=position)] if position is not None else []
        out += await self._news(found, wait)
        return JSONResponse({"frames": [asdict(frame) for frame in out]})  # type: ignore[call-overload]

    async def _take(self, found: Admitted, language: str, frame: str) -> list[object]:
        """What a socket answers to a frame."""
        conversation = found.conversation
        try:
            message = parse_client(frame)
            if isinstance(message, Typing):
                await self.door.log.typing(conversation, "customer")
            if not isinstance(message, Send | Press | Person | Back | Rate):
                return []
            if not self._messages.take(conversation):
                raise WireError("too_fast", "Too many messages at once. Wait a moment.", client_id=message.client_id)
            info = await self.door.log.info(conversation)
            mailbox = Mailbox(
                self.door.log, conversation, language, "widget", info is not None, found.identity,
                desk=self.door.desk, known=found.known,
            )  # fmt: skip
            return [Ack(client_id=message.client_id, seq=await mailbox.store(message))]
        except WireError as error:
            return [Refusal(code=error.code, message=error.message, client_id=error.client_id)]

    async def _news(self, found: Admitted, wait: float) -> list[object]:
        """The place in the queue, and entries that the client has not seen, or who types, or another place.

        When the time is over, the place alone.
        """
        conversation, after, desk = found.conversation, found.last_seq, self.door.desk
        until, first = time.monotonic() + wait, desk.places.get(conversation)
        typing: list[object] = []

        def someone(_conversation: str, who: str) -> None:
            if who in ("bot", "agent"):
                typing[:] = [SomeoneTypes(who="bot" if who == "bot" else "agent")]
                watcher.changed.set()

        with self.door.feed.watch(conversation, typing=someone) as watcher:
            while True:
                rows = await self.door.log.read(conversation, after=after, limit=BATCH)
                if rows and not await is_open(self.door.log, conversation, known=found.known):
                    return []  # it is a known customer's now: the next hello says so
                shown = [entry for row in rows if (entry := wire_entry(row, reader="customer")) is not None]
                left, place = until - time.monotonic(), desk.places.get(conversation)
                after = rows[-1].seq if rows else after
                if not shown and len(rows) == BATCH:
                    continue  # none of so many was for customers
                if shown or typing or left <= 0 or (place is not None and place != first):
                    return [*([queue_frame(place)] if place is not None else []), *typing, *shown]
                await watcher.next(seconds=left)


def _parts(body: Mapping[str, Any]) -> tuple[Hello, list[str], float]:
    """(hello, frames as text, seconds to wait) of a request.

    Raises:
        ApiError: It has another shape.
    """
    if set(body) - {"hello", "frames", "wait"} or "hello" not in body:
        raise ApiError(422, "bad_message", "Expected an object with hello, frames and wait.")
    hello = parse_client(json.dumps(body["hello"]))
    frames, wait = body.get("frames", []), body.get("wait", 0)
    if not isinstance(hello, Hello) or not isinstance(frames, list) or len(frames) > MOST_FRAMES:
        raise ApiError(422, "bad_message", f"Expected a hello and at most {MOST_FRAMES} frames.")
    if isinstance(wait, bool) or not isinstance(wait, int | float) or not 0 <= wait <= LONGEST_WAIT:
        raise ApiError(422, "bad_message", f"wait: expected 0 to {LONGEST_WAIT:.0f} seconds.")
    return hello, [json.dumps(frame) for frame in frames], float(wait)
