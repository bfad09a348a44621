"""A load client for chats: customers who say a script's lines one after another, each after the reply to the last.

The same client loads both systems; only the door differs: our widget's socket, or Rasa's REST channel.
"""

from __future__ import annotations

import asyncio
import os
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import numpy as np

from bot.gateway.testing import widget

SCRIPT = (
    "hello there",
    "where is my order?",
    "NT-104021",
    "samir.clarke@example.com",
    "thank you",
    "i want to return something",
    "they do not fit",
    "thanks a lot",
    "are you a robot?",
    "hello again",
    "how long does delivery take?",
    "asdkjh qwe zxcvb",
)
"""Twelve turns: small talk, a form that looks an order up, a form for a return, a question, and nonsense last, since an
action that is lost twice hands over and the bot would fall silent."""

PATIENCE = 120.0
"""Seconds for one reply before the run is given up."""


SOCKET_LINES = 24
"""The gateway takes 30 messages at once from one socket, and two a second after that."""

_OUTCOMES = ("bot", "failure", "state")


class Talk(ABC):
    """One conversation."""

    @abstractmethod
    async def say(self, text: str) -> None:
        """Sends a line and returns when the reply to it is there."""

    async def rest(self) -> None:
        """Between two lines: what is needed so that the door takes more of them."""
        return


class Door(ABC):
    """Where conversations begin."""

    @abstractmethod
    @asynccontextmanager
    def talk(self) -> AsyncIterator[Talk]:
        """A new conversation."""


class WidgetTalk(Talk):
    """A socket of our widget; opened again before the gateway's limit of messages a socket.

    Args:
        address: ``HOST:PORT``.
    """

    def __init__(self, address: str) -> None:
        self._address, self._keys, self._said, self._last = address, dict[str, str](), 0, 0
        self._open = AsyncExitStack()

    async def open(self) -> None:
        """Connects, to the same conversation if there is one."""
        resume: dict[str, Any] = {**self._keys, "last_seq": self._last} if self._keys else {}
        self._widget, welcome = await self._open.enter_async_context(widget(self._address, **resume))
        self._keys = {name: welcome[name] for name in ("conversation", "token")}
        self._said = 0

    async def close(self) -> None:
        """Ends the connection."""
        await self._open.aclose()

    async def rest(self) -> None:
        """See parent."""
        if self._said >= SOCKET_LINES:
            self._last = max(self._widget.seqs, default=self._last)
            await self.close()
            await self.open()

    async def say(self, text: str) -> None:
        """See parent."""
        self._said += 1
        await self._widget.say(type="send", client_id=os.urandom(8).hex(), text=text)
        ack = await self._widget.a("ack")
        await asyncio.wait_for(self.reply(after=ack["seq"]), PATIENCE)

    async def reply(self, *, after: int) -> None:
        """Waits for what answers the message with this number, beyond the widget's own limit of ten seconds a frame."""
        while True:
            with suppress(asyncio.TimeoutError):
                await self._widget.until(
                    lambda frame: frame["type"] == "entry" and frame["kind"] in _OUTCOMES and frame["seq"] > after
                )
                return


class WidgetDoor(Door):
    """Our gateway.

    Args:
        address: ``HOST:PORT``.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    @asynccontextmanager
    async def talk(self) -> AsyncIterator[Talk]:
        """See parent."""
        talk = WidgetTalk(self.address)
        await talk.open()
        try:
            yield talk
        finally:
            await talk.close()


class RestTalk(Talk):
    """A sender of Rasa's REST channel."""

    def __init__(self, session: aiohttp.ClientSession, url: str, sender: str) -> None:
        self._session, self._url, self._sender = session, url, sender

    async def say(self, text: str) -> None:
        """See parent."""
        body = {"sender": self._sender, "message": text}
        async with self._session.post(self._url, json=body) as answer:
            answer.raise_for_status()
            await answer.json()


class RestDoor(Door):
    """Rasa's REST channel.

    Args:
        address: ``HOST:PORT``.
    """

    def __init__(self, address: str) -> None:
        self.url = f"http://{address}/webhooks/rest/webhook"

    @asynccontextmanager
    async def talk(self) -> AsyncIterator[Talk]:
        """See parent."""
        limit = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(timeout=limit) as session:
            yield RestTalk(session, self.url, os.urandom(8).hex())


@dataclass
class Load:
    """What one run of the load came to.

    Attributes:
        seconds: Wall time.
        turns: Completed.
        times: Seconds of each turn.
    """

    seconds: float = 0.0
    turns: int = 0
    times: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Turns a second."""
        return self.turns / self.seconds

    def quantile(self, share: float) -> float:
        """Seconds within which this share of the turns was answered."""
        return float(np.quantile(self.times, share))


async def load(door: Door, *, clients: int, seconds: float, script: Sequence[str] = SCRIPT) -> Load:
    """Lets clients talk at the same time, conversation after conversation, for a while.

    Args:
        door: Where.
        clients: How many at the same time.
        seconds: After which no new line is said; lines under way are answered first.
        script: What each conversation says.
    """
    made, began = Load(), time.perf_counter()

    async def client() -> None:
        while time.perf_counter() - began < seconds:
            async with door.talk() as talk:
                for line in script:
                    if time.perf_counter() - began >= seconds:
                        return
                    started = time.perf_counter()
                    await talk.say(line)
                    made.times.append(time.perf_counter() - started)
                    made.turns += 1

    await asyncio.gather(*(client() for _ in range(clients)))
    made.seconds = time.perf_counter() - began
    return made


async def long_talk(door: Door, *, turns: int, lines: Sequence[str]) -> list[float]:
    """One conversation of many turns; the seconds of each."""
    times = []
    async with door.talk() as talk:
        for turn in range(turns):
            await talk.rest()
            started = time.perf_counter()
            await talk.say(lines[turn % len(lines)])
            times.append(time.perf_counter() - started)
    return times
