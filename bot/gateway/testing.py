"""A real gateway on a free port, and a widget that speaks its wire; shared by the gateway's tests."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from websockets.legacy.client import WebSocketClientProtocol, connect
from websockets.typing import Origin

from bot.gateway.app import create_app
from bot.protocol import MAX_FRAME
from bot.settings import BotSettings
from bot.state.log import ConversationLog
from data.workspace import Services, Shop, Web, Workspace, WorkspaceSettings

LIMIT = 10.0
"""Seconds that anything may take before a test fails."""

PARTNER = "https://partner.example"


class Server(uvicorn.Server):
    """Leaves signals to the test runner."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See parent."""
        yield


@asynccontextmanager
async def serving(
    root: Path, log: ConversationLog, *, dist: Path | None = None, web: Web | None = None, orders: str = "none"
) -> AsyncIterator[str]:
    """Yields ``HOST:PORT`` of a gateway for a new workspace in ``root``."""
    settings = WorkspaceSettings(
        shop=Shop(name="Test Shop"), web=web or Web(origins=(PARTNER,)), services=Services(orders=orders)
    )
    app = create_app(BotSettings(), Workspace(root, settings), log, dist=dist or root / "dist")
    server = Server(uvicorn.Config(app, port=0, ws="websockets", ws_max_size=4 * MAX_FRAME, log_level="warning"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            raise RuntimeError("the gateway did not start") from task.exception()
        await asyncio.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    try:
        yield f"{host}:{port}"
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, LIMIT)


class Widget:
    """One socket of a customer; keeps all frames."""

    def __init__(self, socket: WebSocketClientProtocol) -> None:
        self.socket, self.frames = socket, list[dict[str, Any]]()

    async def say(self, **message: Any) -> None:
        """Sends a message of the wire."""
        await self.socket.send(json.dumps(message))

    async def next(self) -> dict[str, Any]:
        """The next frame, within ``LIMIT`` seconds."""
        frame: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), LIMIT))
        self.frames.append(frame)
        return frame

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first of the coming frames that is wanted."""
        while True:
            frame = await self.next()
            if wanted(frame):
                return frame

    async def a(self, kind: str) -> dict[str, Any]:
        """The next message of this type."""
        return await self.until(lambda frame: frame["type"] == kind)

    async def entry(self, text: str) -> dict[str, Any]:
        """The entry with this text."""
        return await self.until(lambda frame: frame["type"] == "entry" and frame["text"] == text)

    @property
    def seqs(self) -> list[int]:
        """Sequence numbers of the entries so far."""
        return [frame["seq"] for frame in self.frames if frame["type"] == "entry"]


@asynccontextmanager
async def widget(
    address: str, *, origin: str | None = None, **hello: Any
) -> AsyncIterator[tuple[Widget, dict[str, Any]]]:
    """Connects, says hello and yields the widget with its welcome."""
    async with connect(f"ws://{address}/ws/widget", origin=Origin(origin or f"http://{address}")) as socket:
        one = Widget(socket)
        await one.say(type="hello", **hello)
        yield one, await one.a("welcome")
