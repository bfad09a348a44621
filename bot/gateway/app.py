"""The gateway as one Starlette application."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from bot.gateway.auth import COOKIE, Signer, load_secret
from bot.gateway.backlog import Backlog
from bot.gateway.console_api import ConsoleApi
from bot.gateway.console_socket import ConsoleSocket
from bot.gateway.courier import Courier
from bot.gateway.desk import Desk
from bot.gateway.door import Door
from bot.gateway.feed import Feed
from bot.gateway.http import no_such_way
from bot.gateway.identity import IdentityCheck
from bot.gateway.pages import DIST, PageHeaders, page_routes
from bot.gateway.poll import PollLine
from bot.gateway.rest import RestApi
from bot.gateway.widget_socket import WidgetSocket
from bot.settings import BotSettings, read_secret
from bot.state.entry import StateError
from bot.state.log import ConversationLog
from bot.state.outbox import Outbox
from bot.users import UserBook
from data.workspace import Workspace

HEALTH_SECONDS = 2.0
"""A log that does not answer by then is away."""


@asynccontextmanager
async def running(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Does endless work for the length of the block."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        left = set(tasks)
        while left:
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=0.2)  # a call to Redis may swallow a cancellation


def create_app(settings: BotSettings, workspace: Workspace, log: ConversationLog, *, dist: Path = DIST) -> Starlette:
    """Builds the gateway; nothing is opened before its lifespan begins.

    Args:
        settings: Of this process.
        workspace: The shop.
        log: All conversations; closed by whoever opened it.
        dist: The built web code.
    """
    feed = Feed(log)
    users = UserBook(workspace)
    identities = IdentityCheck(read_secret(workspace.settings.web.identity_key_env))
    courier = Courier(workspace, Outbox(log.store))
    desk, backlog = Desk(workspace, log, feed, courier), Backlog(log, feed)
    door = Door(workspace, log, feed, Signer(load_secret(workspace)), identities, desk, backlog)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with feed.running(), running(desk.run(), backlog.run(), courier.run()):
            yield

    async def widget(socket: WebSocket) -> None:
        await WidgetSocket(door, socket).run()

    async def console(socket: WebSocket) -> None:
        cookie = socket.cookies.get(COOKIE, "")

        def signed_in() -> bool:
            return bool(cookie) and door.signer.open(cookie, users, now=time.time()) is not None

        user = door.signer.open(cookie, users, now=time.time()) if cookie else None
        await ConsoleSocket(door, socket, signed_in, name=user.name if user else "").run()

    async def healthz(_request: Request) -> Response:
        try:
            await asyncio.wait_for(log.info("healthz"), HEALTH_SECONDS)
        except (StateError, asyncio.TimeoutError):
            return JSONResponse({"ok": False, "log": "away"}, 503)
        return JSONResponse({"ok": True, "log": "ready"})

    return Starlette(
        routes=[
            WebSocketRoute("/ws/widget", widget),
            WebSocketRoute("/ws/console", console),
            Mount("/api/v1", routes=RestApi(door).routes()),
            Mount("/api/console", routes=ConsoleApi(door, users).routes()),
            PollLine(door).route(),
            Route("/healthz", healthz),
            *page_routes(
                dist, shop=None if workspace.settings.services.orders == "sample" else workspace.settings.shop
            ),
        ],
        middleware=[Middleware(PageHeaders, origins=workspace.settings.web.origins)],
        exception_handlers={HTTPException: no_such_way},
        lifespan=lifespan,
    )
