"""What both sockets of the gateway do with a WebSocket: send whole messages in turn, run two loops, end politely."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from bot.protocol import Refusal, encode

TRY_LATER = 1013
"""Close code: the client comes back by itself."""

UNAVAILABLE = Refusal(code="unavailable", message="The service is not reachable just now. Your message will be sent.")


class Line:
    """An accepted WebSocket.

    Args:
        socket: Open for the length of the line.
    """

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self._sending = asyncio.Lock()
        self._notices: set[asyncio.Task[None]] = set()

    async def receive(self) -> str:
        """The next frame's text; empty for a binary frame, which no parser accepts.

        Raises:
            WebSocketDisconnect: The other side is gone.
        """
        message = await self.socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        return message.get("text") or ""

    async def say(self, message: object) -> None:
        """Sends a message of the wire.

        Raises:
            WebSocketDisconnect: The other side is gone.
        """
        async with self._sending:
            if self.socket.application_state is not WebSocketState.CONNECTED:
                raise WebSocketDisconnect(1006)
            await self.socket.send_text(encode(message))

    def notice(self, message: object) -> None:
        """Sends a message soon, if anyone is still there; for what nobody waits for."""
        task = asyncio.get_running_loop().create_task(self._notice(message))
        self._notices.add(task)
        task.add_done_callback(self._notices.discard)

    async def _notice(self, message: object) -> None:
        with suppress(WebSocketDisconnect):
            await self.say(message)

    async def end(self, code: int, refusal: Refusal | None = None) -> None:
        """Says why, if that is known, and closes; nothing happens when the other side is gone already."""
        with suppress(WebSocketDisconnect, RuntimeError):
            if refusal is not None:
                await self.say(refusal)
            await self.socket.close(code)


async def until_one_ends(*loops: Coroutine[object, object, None]) -> None:
    """Runs loops side by side; when one ends or fails the others are cancelled, and its error is raised."""
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
