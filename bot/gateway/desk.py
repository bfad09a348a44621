"""The queue for people: places and waits, who is there, and what those who wait are told."""

from __future__ import annotations

import asyncio
import logging
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from bot.control import Mode
from bot.gateway.courier import Courier
from bot.gateway.feed import Feed
from bot.handoff import State
from bot.protocol import Queue
from bot.settings import first_mode
from bot.state.control import ControlBook
from bot.state.entry import ConversationInfo, Refused, StateError
from bot.state.log import ConversationLog
from bot.words import BACK, LEAVE, WAIT, choices, words
from data.hours import hours_in_words, people_there
from data.workspace import Workspace

_LOG = logging.getLogger(__name__)

_PRESENT, _WAITS = "desk:{desk}:present", "desk:{desk}:waits"

PRESENT_SECONDS = 40.0
"""So long an agent counts as there without a new sign; the console gives one every ten seconds."""

LOOK_SECONDS = 2.0
MOST_QUEUED = 5000
"""Of so many the places are known. The log gives the newest activity first: a limit leaves out who came first."""

AWAY_SECONDS = 10.0
"""An agent who loads the console anew is not away."""

LEAST_WAITS = 5
"""Fewer measured waits say nothing."""

NEWEST_WAITS = 20
LONGEST_WAIT = 8 * 3600.0
"""Seconds: who waited longer came when nobody was there."""

OLDEST_WAIT = 7 * 86400.0
"""Seconds: older waits say nothing about today."""


@dataclass(frozen=True)
class Place:
    """Where a customer stands.

    Attributes:
        position: From 1.
        wait: Median minutes that others waited lately, rounded up; None without enough measured waits.
        online: Whether somebody is there.
        back: Whether the bot would answer them meanwhile.
    """

    position: int
    wait: int | None
    online: bool
    back: bool


class Desk:
    """Looks after the queue. Any number of gateways may run one: what it says and sends, it says and sends once.

    Args:
        workspace: The shop.
        log: All conversations.
        feed: Wakes the customer's socket when their place has changed.
        courier: Takes messages to agents who are not there.
    """

    def __init__(self, workspace: Workspace, log: ConversationLog, feed: Feed, courier: Courier) -> None:
        self.workspace, self.log, self.feed, self.courier = workspace, log, feed, courier
        self.book = ControlBook(log.store)
        self.places: dict[str, Place] = {}
        self._told: dict[str, set[str]] = {}

    async def run(self) -> None:
        """Looks every two seconds, for ever."""
        while True:
            try:
                await self.look()
            except StateError:
                _LOG.warning("the queue could not be looked at", exc_info=True)
            except (
                ValueError,
                TypeError,
                LookupError,
            ):  # a row that cannot be read, say: the others must not wait unheard for ever
                _LOG.exception("the queue could not be looked at")
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self, *, now: float | None = None) -> None:
        """Brings places up to date and tells whoever must be told something.

        Args:
            now: Unix seconds instead of the clock, for tests.
        """
        now = time.time() if now is None else now
        control = await self.book.begin(first_mode(self.workspace))
        queue = [info for info in await self.log.conversations(state=State.QUEUED, limit=MOST_QUEUED) if info.queued]
        queue.sort(key=lambda info: (info.queued or 0.0, info.id))
        online = await self.online()
        wait = await self.usual_wait(now=now) if queue and online else None
        back = control.base is Mode.ANSWER
        places = {info.id: Place(at, wait, online, back) for at, info in enumerate(queue, 1)}
        changed = {c for c in {*places, *self.places} if places.get(c) != self.places.get(c)}
        self.places = places
        self._told = {c: told for c, told in self._told.items() if c in places}
        for conversation in changed:
            self.feed.wake(conversation)
        for info in queue:
            await self._tell(info, places[info.id], now)

    async def _tell(self, info: ConversationInfo, place: Place, now: float) -> None:
        waited, limit = now - (info.queued or now), self.workspace.settings.handoff.timeout * 60
        back = (BACK,) if place.back else ()
        if not place.online and waited >= AWAY_SECONDS:
            hours = hours_in_words(self.workspace.settings.shop.hours, info.language)
            await self._once(
                f"away:{info.queued_seq}",
                info,
                words("away", info.language, hours=hours).replace(" ()", "").replace("（）", ""),
                choices(info.language, *back),
            )
            await self._send(info, f"waiting:{info.id}:{info.queued_seq}", "A customer is waiting", info.last_text)
        elif place.online and waited > limit:
            text = words("late", info.language, minutes=f"{self.workspace.settings.handoff.timeout:g}")
            await self._once(f"late:{info.queued_seq}", info, text, choices(info.language, WAIT, LEAVE, *back))

    async def _once(self, key: str, info: ConversationInfo, text: str, buttons: list[dict[str, str]]) -> None:
        if key not in self._told.setdefault(info.id, set()):
            with suppress(Refused):  # an agent was faster
                data = {"notice": key.partition(":")[0], "buttons": buttons}
                await self.log.notice(info.id, client_id=key, text=text, data=data)
            self._told.setdefault(info.id, set()).add(key)

    async def message_left(self, info: ConversationInfo, *, client_id: str, text: str, contact: str) -> None:
        """A customer who waits has said how to be reached: agents get it, and the customer is told so."""
        key = f"message:{info.id}:{info.queued_seq}:{client_id}"
        await self._send(info, key, "A customer left a message", text, contact=contact)
        with suppress(Refused):
            told = words("noted", info.language, contact=contact)
            await self.log.notice(info.id, client_id=f"{client_id}:noted", text=told, data={"notice": "noted"})

    async def _send(self, info: ConversationInfo, key: str, subject: str, text: str, *, contact: str = "") -> None:
        if key not in self._told.setdefault(info.id, set()):
            content = {"subject": subject, "text": text, "contact": contact, "link": self.link(info.id)}
            await self.courier.send(key, {**content, "conversation": info.id})
            self._told.setdefault(info.id, set()).add(key)

    def link(self, conversation: str) -> str:
        """The conversation's address on the agent page."""
        web = self.workspace.settings.web
        return f"{(web.url or f'http://{web.host}:{web.port}').rstrip('/')}/console/#/{conversation}"

    async def present(self, name: str) -> None:
        """An agent is at the console now."""
        now = time.time()

        async def mark() -> None:
            pipe = self.log.store.pipeline()
            pipe.zremrangebyscore(_PRESENT, "-inf", now - PRESENT_SECONDS)  # of gateways that were killed
            pipe.zadd(_PRESENT, {name: now + PRESENT_SECONDS})
            await pipe.execute()

        await self.log.store.retry(mark)

    async def gone(self, name: str) -> None:
        """An agent's console was closed."""
        redis = self.log.store.redis
        await self.log.store.retry(lambda: redis.zrem(_PRESENT, name))

    async def online(self) -> bool:
        """Whether somebody is there: within the shop's hours, at an open console."""
        if people_there(self.workspace.settings.shop) is False:
            return False
        redis = self.log.store.redis
        count: Callable[[], Awaitable[int]] = lambda: redis.zcount(_PRESENT, time.time(), "+inf")  # noqa: E731
        return await self.log.store.retry(count) > 0

    async def taken(self, info: ConversationInfo, *, now: float | None = None) -> None:
        """Remembers how long a customer waited whom an agent takes now."""
        now = time.time() if now is None else now
        if info.queued is None or now - info.queued > LONGEST_WAIT:
            return
        row = f"{now:.0f} {now - info.queued:.0f}"

        async def remember() -> None:
            pipe = self.log.store.pipeline()
            pipe.lpush(_WAITS, row)
            pipe.ltrim(_WAITS, 0, 10 * NEWEST_WAITS)
            await pipe.execute()

        await self.log.store.retry(remember)

    async def usual_wait(self, *, now: float) -> int | None:
        """Median minutes of the newest waits that were no longer than a working day; None for fewer than five."""
        rows = await self.log.store.retry(lambda: self.log.store.redis.lrange(_WAITS, 0, NEWEST_WAITS - 1))
        return usual_minutes([(float(at), float(waited)) for at, waited in (row.split() for row in rows)], now=now)


def queue_frame(place: Place) -> Queue:
    """A place as the widget gets it."""
    return Queue(position=place.position, wait=place.wait, online=place.online, back=place.back)


def usual_minutes(waits: Sequence[tuple[float, float]], *, now: float) -> int | None:
    """Median of measured waits in minutes, rounded up; None where there are too few.

    Args:
        waits: (Unix seconds of its end, seconds that it took).
        now: Unix seconds.
    """
    lately = [took for ended, took in waits if now - ended < OLDEST_WAIT]
    return max(1, -(-int(statistics.median(lately)) // 60)) if len(lately) >= LEAST_WAITS else None
