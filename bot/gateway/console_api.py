"""`/api/console/*`: agents sign in, list and read conversations, take, reply, hand back, close, note."""

from __future__ import annotations

import functools
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.gateway.auth import COOKIE, SESSION_SECONDS, LoginGate, same_site
from bot.gateway.control_api import ControlApi
from bot.gateway.door import Door
from bot.gateway.http import ApiError, address_of, answered, read_json
from bot.gateway.summary import COLLECTED, summary_of
from bot.gateway.wording import wire_entry, wire_row
from bot.handoff import Move, State
from bot.protocol import MAX_ID, MAX_TEXT, Transcript
from bot.state.control import ControlBook
from bot.state.entry import ConversationInfo
from bot.users import User, UserBook
from bot.wire import broken

HEADER = "x-careline"
"""Required on every POST: a form or image of another site cannot set it, and a script there fails preflight."""

_MOVES = {"requeue": Move.REQUEUE, "handback": Move.HAND_BACK, "close": Move.CLOSE}


class ConsoleApi:
    """The console's HTTP side.

    Args:
        door: The gateway's parts.
        users: Who may sign in.
    """

    def __init__(self, door: Door, users: UserBook) -> None:
        self.door, self.users = door, users
        self._gate = LoginGate()
        self._control = ControlApi(ControlBook(door.log.store))

    def routes(self) -> list[Route]:
        """Everything below ``/api/console``."""
        one = "/conversations/{conversation}"
        return [
            Route("/login", self._guard(self.login, signed_in=False), methods=["POST"]),
            Route("/logout", self._guard(self.logout, signed_in=False), methods=["POST"]),
            Route("/me", self._guard(self.me)),
            Route("/control", self._guard(self._control.status)),
            Route("/control", self._guard(self._control.turn), methods=["POST"]),
            Route("/conversations", self._guard(self.conversations)),
            Route(one, self._guard(self.transcript)),
            Route(f"{one}/take", self._guard(self.take), methods=["POST"]),
            Route(f"{one}/reply", self._guard(self.reply), methods=["POST"]),
            Route(f"{one}/note", self._guard(self.note), methods=["POST"]),
            Route(one + "/{move:str}", self._guard(self.move), methods=["POST"]),
        ]

    def signed_in(self, request: Request) -> User | None:
        """The agent whose session the request carries, or None."""
        cookie = request.cookies.get(COOKIE)
        return self.door.signer.open(cookie, self.users, now=time.time()) if cookie else None

    def _guard(
        self, handler: Callable[[Request], Awaitable[Response]], *, signed_in: bool = True
    ) -> Callable[[Request], Awaitable[Response]]:
        """Checks origin, header and session first; turns what goes wrong into one shape of answer."""

        @answered
        @functools.wraps(handler)
        async def guarded(request: Request) -> Response:
            if request.method == "POST":
                _refuse_foreign(request)
            if signed_in:
                request.state.user = self.signed_in(request)
                if request.state.user is None:
                    raise ApiError(401, "signed_out", "Sign in first.")
            return await handler(request)

        return guarded

    async def login(self, request: Request) -> Response:
        """Starts a session: {name, password} → {name, role} and the cookie."""
        body = await _body(request, ("name", "password"))
        if not self._gate.admits(address_of(request), body["name"]):
            raise ApiError(429, "too_fast", "Too many tries. Wait ten seconds.")
        user = await run_in_threadpool(self.users.verify, body["name"], body["password"])
        if user is None:
            raise ApiError(401, "wrong", "Name or password is wrong.")
        response = JSONResponse({"name": user.name, "role": user.role})
        response.set_cookie(
            COOKIE,
            self.door.signer.seal(user, now=time.time()),
            max_age=SESSION_SECONDS,
            path="/",
            secure=request.headers.get("x-forwarded-proto", request.url.scheme) == "https",
            httponly=True,
            samesite="strict",
        )
        return response

    async def logout(self, _request: Request) -> Response:
        """Ends the browser's session."""
        response = JSONResponse({})
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return response

    async def me(self, request: Request) -> Response:
        """Who is signed in: {name, role}."""
        return JSONResponse({"name": request.state.user.name, "role": request.state.user.role})

    async def conversations(self, request: Request) -> Response:
        """{rows}: newest activity first; ``?state=bot|queued|agent|closed`` narrows it."""
        wanted = request.query_params.get("state")
        if wanted is not None and wanted not in {state.value for state in State}:
            raise ApiError(422, "bad_message", f"state: got {wanted[:20]!r}; expected bot, queued, agent or closed.")
        infos = await self.door.log.conversations(state=State(wanted) if wanted else None, limit=200)
        return JSONResponse({"rows": [asdict(wire_row(info)) for info in infos]})

    async def transcript(self, request: Request) -> Response:
        """A ``Transcript``: the newest 500 entries, notes and suppressed replies with them."""
        info = await self._known(request)
        rows = await self.door.log.read_back(info.id, limit=500)
        entries = [wire_entry(row, reader="agent") for row in rows]
        shown = tuple(entry for entry in entries if entry is not None)
        return JSONResponse(asdict(Transcript(row=wire_row(info), entries=shown, summary=summary_of(rows))))

    async def take(self, request: Request) -> Response:
        """Takes the conversation, from the queue, from the bot, or from a colleague."""
        info, name = await self._known(request), request.state.user.name
        if not (info.state is State.AGENT and info.agent == name):
            if info.state is State.AGENT:
                await self.door.log.move(info.id, Move.REQUEUE, actor=name, data={"reason": "taken over"})
            if info.state is State.CLOSED:
                await self.door.log.move(info.id, Move.REOPEN, actor=name)
            await self.door.log.move(info.id, Move.TAKE, actor=name)
            await self.door.desk.taken(info)
        return await self._row(info.id)

    async def reply(self, request: Request) -> Response:
        """{client_id, text} → {seq, duplicate}; only for the agent who has the conversation."""
        info = await self._mine(request)
        body = await _body(request, ("client_id", "text"))
        accepted = await self.door.log.agent_reply(info.id, agent=request.state.user.name, **body)
        return JSONResponse({"seq": accepted.seq, "duplicate": accepted.duplicate})

    async def note(self, request: Request) -> Response:
        """{client_id, text} → {seq, duplicate}; customers never see it."""
        info = await self._known(request)
        body = await _body(request, ("client_id", "text"))
        accepted = await self.door.log.note(info.id, agent=request.state.user.name, **body)
        return JSONResponse({"seq": accepted.seq, "duplicate": accepted.duplicate})

    async def move(self, request: Request) -> Response:
        """``requeue``, ``handback`` or ``close``: the row after it. ``handback`` takes {slots}: what was agreed."""
        move = _MOVES.get(request.path_params["move"])
        if move is None:
            raise ApiError(404, "unknown", f"expected one of take, reply, note, {', '.join(_MOVES)}.")
        info = await (self._mine(request) if move is not Move.CLOSE else self._known(request))
        with_body = "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"
        told = move is Move.HAND_BACK and with_body
        slots = _slots(await read_json(request)) if told else {}
        data = {"slots": slots} if slots else None
        await self.door.log.move(info.id, move, actor=request.state.user.name, data=data)
        return await self._row(info.id)

    async def _known(self, request: Request) -> ConversationInfo:
        conversation = request.path_params["conversation"]
        info = await self.door.log.info(conversation) if len(conversation) <= 200 else None
        if info is None:
            raise ApiError(404, "unknown", "There is no such conversation.")
        return info

    async def _mine(self, request: Request) -> ConversationInfo:
        info = await self._known(request)
        if info.state is State.AGENT and info.agent != request.state.user.name:
            raise ApiError(409, "conflict", f"{info.agent} has this conversation. Take it over first.")
        return info

    async def _row(self, conversation: str) -> Response:
        info = await self.door.log.info(conversation)
        assert info is not None
        return JSONResponse(asdict(wire_row(info)))


def _slots(body: dict[str, Any]) -> dict[str, str | None]:
    """What an agent agreed with the customer, for the bot: null forgets a value.

    Raises:
        ApiError: Not a value that agents may set.
    """
    slots = body.get("slots", {})
    if set(body) - {"slots"} or not isinstance(slots, dict):
        raise ApiError(422, "bad_message", "Expected an object with slots.")
    for name, value in slots.items():
        good = value is None or (isinstance(value, str) and 0 < len(value) <= 500 and not broken(value))
        if name not in COLLECTED or not good:
            raise ApiError(422, "bad_message", f"slots: expected texts or null for {', '.join(COLLECTED)}.")
    return slots


def _refuse_foreign(request: Request) -> None:
    origin = request.headers.get("origin")
    if HEADER not in request.headers or (origin and not same_site(origin, request.headers.get("host"))):
        raise ApiError(403, "foreign", "This request does not come from the agent page.")


async def _body(request: Request, names: tuple[str, ...]) -> dict[str, str]:
    """The JSON object of a POST: exactly these fields, as non-empty texts within their limits."""
    body = await read_json(request)
    if set(body) != set(names):
        raise ApiError(422, "bad_message", f"Expected an object with {', '.join(names)}.")
    for name, value in body.items():
        limit = MAX_TEXT if name in ("text", "password") else MAX_ID
        if not isinstance(value, str) or not value.strip() or len(value) > limit:
            raise ApiError(422, "bad_message", f"{name}: expected 1 to {limit} characters.")
        if broken(value):
            raise ApiError(422, "bad_message", f"{name}: not valid Unicode.")
    return body
