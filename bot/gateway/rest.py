"""`/api/v1/*`: a plain REST API, so that a shop can put the same conversations behind its app, e-mail or WhatsApp.

A conversation begins with a POST and is then known by its id and token (``Authorization: Bearer TOKEN``). Nothing is
acknowledged before it is stored, a resend under the same ``client_id`` changes nothing, and entries are read in order
after the last one seen, with ``wait`` as long as the caller likes to wait for a new one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.gateway.auth import may_connect
from bot.gateway.door import Door
from bot.gateway.http import ApiError, Handler, Limits, address_of, answered, read_json
from bot.gateway.mailbox import Mailbox
from bot.gateway.wording import shop_info, shop_language, wire_entry
from bot.openapi import document
from bot.protocol import Person, Press, Rate, Send
from bot.rest_protocol import CHANNEL, AskPerson, Begin, Begun, Choose, Feedback, Page, Say, Stored
from bot.state.entry import ConversationInfo
from bot.wire import MAX_ID, read

LONGEST_WAIT = 25.0
"""Seconds: proxies cut what is silent for thirty."""

BATCH = 200
"""Entries in one answer."""

_T = TypeVar("_T")


class RestApi:
    """The API for programs.

    Args:
        door: The gateway's parts.
    """

    def __init__(self, door: Door) -> None:
        self.door = door
        rate = door.workspace.settings.web.requests
        self._begins = Limits(rate / 20, 1.5 * rate)
        self._asks = Limits(rate, 6 * rate)
        self._messages = Limits(2, 30)

    def routes(self) -> list[Route]:
        """Everything below ``/api/v1``."""
        one = "/conversations/{conversation}"
        return [
            Route("/conversations", self._open(self.begin), methods=["POST"]),
            Route(f"{one}/messages", self._open(self._storing(Say, _send)), methods=["POST"]),
            Route(f"{one}/choices", self._open(self._storing(Choose, _press)), methods=["POST"]),
            Route(f"{one}/person", self._open(self._storing(AskPerson, _person)), methods=["POST"]),
            Route(f"{one}/feedback", self._open(self._storing(Feedback, _rate)), methods=["POST"]),
            Route(f"{one}/entries", self._open(self.entries), methods=["GET"]),
            Route("/openapi.json", _described, methods=["GET"]),
        ]

    def _open(self, handler: Handler) -> Handler:
        @answered
        async def guarded(request: Request) -> Response:
            headers = request.headers
            if not may_connect(headers.get("origin"), headers.get("host"), self.door.workspace.settings.web.origins):
                raise ApiError(403, "foreign", "This site may not use the API; see web.origins.")
            if not self._asks.take(address_of(request)):
                raise ApiError(429, "too_fast", "Too many requests at once. Wait a moment.")
            return await handler(request)

        return guarded

    async def begin(self, request: Request) -> Response:
        """``Begin`` → 201 ``Begun``."""
        wish = read(Begin, await read_json(request))
        if not re.fullmatch(CHANNEL, wish.channel, re.ASCII):
            raise ApiError(422, "bad_message", "channel: expected one word of at most 32 small letters.")
        if not self._begins.take(address_of(request)):
            raise ApiError(429, "too_fast", "Too many conversations at once. Wait a moment.")
        settings = self.door.workspace.settings
        language = shop_language(settings.shop, wish.language)
        conversation, token = self.door.signer.new_conversation()
        await self.door.log.start(conversation, language=language, channel=wish.channel)
        begun = Begun(conversation=conversation, token=token, shop=shop_info(settings, language))
        return JSONResponse(asdict(begun), 201)

    def _storing(self, kind: type[_T], as_message: Callable[[_T], Send | Press | Person | Rate]) -> Handler:
        async def store(request: Request) -> Response:
            info = await self._own(request)
            message = as_message(read(kind, await read_json(request)))
            if not self._messages.take(info.id):
                raise ApiError(429, "too_fast", "Too many messages at once. Wait a moment.")
            seq = await Mailbox(
                self.door.log, info.id, info.language, info.channel, begun=True, desk=self.door.desk
            ).store(message)
            return JSONResponse(asdict(Stored(client_id=message.client_id, seq=seq)), 202)

        return store

    async def entries(self, request: Request) -> Response:
        """``Page`` of what came after ``?after``; ``?wait`` seconds for the first if there is none yet."""
        conversation = (await self._own(request)).id
        for name in request.query_params.keys() - {"after", "wait"}:
            raise ApiError(422, "bad_message", f"Unknown parameter {name[:MAX_ID]!r}; expected after and wait.")
        after = int(_number(request, "after", most=2**53 - 1))
        until = time.monotonic() + _number(request, "wait", most=LONGEST_WAIT)
        with self.door.feed.watch(conversation) as watcher:
            while True:
                page = await self._page(conversation, after)
                left = until - time.monotonic()
                if page.entries or left <= 0:
                    return JSONResponse(asdict(page))
                after = page.next
                await watcher.next(seconds=left)

    async def _page(self, conversation: str, after: int) -> Page:
        rows = await self.door.log.read(conversation, after=after, limit=BATCH)
        info = _open(await self.door.log.info(conversation))  # after the rows: it may have become a customer's
        shown = (wire_entry(row, reader="customer") for row in rows)
        return Page(
            entries=tuple(entry for entry in shown if entry is not None),
            next=rows[-1].seq if rows else after,
            state=info.state.value,
        )

    async def _own(self, request: Request) -> ConversationInfo:
        """The conversation that the request names and proves to own.

        Raises:
            ApiError: No token, not its own, one of the widget's, or one of a customer who signed in, which no token
                alone opens: nothing is said of whether there is such a conversation.
        """
        conversation = str(request.path_params["conversation"])
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise ApiError(401, "signed_out", "Expected the header Authorization: Bearer TOKEN.")
        info = await self.door.log.info(conversation) if self.door.signer.owns(conversation, token) else None
        return _open(info)


def _open(info: ConversationInfo | None) -> ConversationInfo:
    if info is None or info.channel == "widget" or info.identity is not None:
        raise ApiError(401, "foreign", "That conversation is not available here.")
    return info


async def _described(_request: Request) -> Response:
    return JSONResponse(document())


def _send(body: Say) -> Send:
    return Send(client_id=body.client_id, text=body.text)


def _press(body: Choose) -> Press:
    return Press(client_id=body.client_id, button=body.button)


def _person(body: AskPerson) -> Person:
    return Person(client_id=body.client_id)


def _rate(body: Feedback) -> Rate:
    return Rate(client_id=body.client_id, seq=body.seq, rating=body.rating, reason=body.reason)


def _number(request: Request, name: str, *, most: float) -> float:
    text = request.query_params.get(name, "0")
    try:
        value = float(text) if name == "wait" else int(text)
    except ValueError:
        value = -1
    if not 0 <= value <= most:
        raise ApiError(422, "bad_message", f"{name}: expected a number from 0 to {most:.0f}.")
    return value
