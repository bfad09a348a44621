"""`/api/console/control`: how the switches of the bot stand, and turning them (leads and admins)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.control import Control, Mode
from bot.control_cli import change_json, control_json
from bot.gateway.http import ApiError, read_json
from bot.state.control import ControlBook
from bot.users import User

MAY_SWITCH = ("lead", "admin")


class ControlApi:
    """The switches over HTTP; who asks was checked before.

    Args:
        book: The switches.
    """

    def __init__(self, book: ControlBook) -> None:
        self.book = book

    async def status(self, request: Request) -> Response:
        """{mode, topics, version, history, may}: ``may`` says whether the agent may turn a switch."""
        return await self._answer(request, await self.book.read())

    async def turn(self, request: Request) -> Response:
        """{mode, topic} or {undo: true} → as ``status``. A topic's mode null lets it follow the base again."""
        user: User = request.state.user
        if user.role not in MAY_SWITCH:
            raise ApiError(403, "refused", "Only a lead or an admin may switch the bot.")
        body = await read_json(request)
        if body == {"undo": True}:
            return await self._answer(request, await self.book.undo(actor=user.name))
        mode, topic = _wish(body)
        try:
            control = await self.book.turn(mode, actor=user.name, topic=topic)
        except ValueError as error:
            raise ApiError(422, "bad_message", str(error)) from error
        return await self._answer(request, control)

    async def _answer(self, request: Request, control: Control) -> Response:
        history = [change_json(change) for change in await self.book.history(limit=10)]
        may = request.state.user.role in MAY_SWITCH
        return JSONResponse({**control_json(control), "history": history, "may": may})


def _wish(body: dict[str, Any]) -> tuple[Mode | None, str | None]:
    mode, topic = body.get("mode"), body.get("topic")
    if set(body) - {"mode", "topic"} or not (topic is None or isinstance(topic, str)):
        raise ApiError(422, "bad_message", "Expected an object with mode and topic, or undo.")
    if mode is not None and (not isinstance(mode, str) or mode not in {known.value for known in Mode}):
        raise ApiError(422, "bad_message", "mode: expected off, suggest, answer or null.")
    return (Mode(mode) if mode is not None else None), topic
