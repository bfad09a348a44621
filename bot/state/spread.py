"""Queues on the nodes of a Redis Cluster: no command and no script reaches more than one shard.

On one server a worker waits for all queues in one call. Here it looks which queues hold anything, tries those in
turn, and otherwise waits until it hears of new work on the channel ``work``.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial
from typing import Any

from bot.state import keys, scripts
from bot.state.entry import StateError, Work
from bot.state.store import Store


class SpreadQueues:
    """Claims from all queues of a Cluster.

    Args:
        store: The connection.
        queues: Names of the streams, one a shard.
    """

    def __init__(self, store: Store, queues: list[str]) -> None:
        self._store, self._queues, self._next = store, queues, 0
        self._bell, self._rings = asyncio.Condition(), 0
        self._listening: asyncio.Task[None] | None = None

    async def claim(self, consumer: str, *, block: float) -> list[Work]:
        """Takes one conversation, or waits up to ``block`` seconds for one: see ``WorkQueue.claim``.

        Raises:
            StateError: The Cluster does not answer.
        """
        until = time.monotonic() + block
        while True:
            if self._listening is None:
                self._listening = asyncio.ensure_future(self._listen())
            heard = self._rings
            if work := await self._take(consumer):
                return [work]
            if time.monotonic() >= until:
                return []
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._heard(heard), max(0.001, until - time.monotonic()))

    async def read(self, consumer: str, start: str, *, count: int) -> list[Work]:
        """What a consumer claimed of each queue, or (``start`` ``>``) up to ``count`` new ones of each."""

        async def ask() -> list[Any]:
            pipe = self._store.pipeline()
            for queue in self._queues:
                pipe.xreadgroup(keys.GROUP, consumer, {queue: start}, count=count)
            return list(await pipe.execute())

        return [work for reply in await self._store.retry(ask) for work in _works(reply)]

    async def close(self) -> None:
        """Stops listening."""
        task, self._listening = self._listening, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _take(self, consumer: str) -> Work | None:
        lengths = await self._store.retry(self._lengths)
        order = [(self._next + place) % len(self._queues) for place in range(len(self._queues))]
        for place in order:
            if not lengths[place]:
                continue
            try:
                work = await self._read_one(consumer, self._queues[place])
            except StateError as error:
                if "NOGROUP" not in str(error):
                    raise
                await self._make_group(self._queues[place])
                continue
            if work:
                self._next = (place + 1) % len(self._queues)  # the shards take turns, however full one is
                return work
        return None

    async def _read_one(self, consumer: str, queue: str) -> Work | None:
        got = await self._store.raw_script(scripts.CLAIM, [queue], [keys.GROUP, consumer, 0])
        return Work(conversation=got[1], entry=got[0]) if got else None

    async def _make_group(self, queue: str) -> None:
        """An operator may have emptied a node."""
        await self._store.raw_script(scripts.GROUP, [queue], [keys.GROUP])

    async def _lengths(self) -> list[int]:
        pipe = self._store.pipeline()
        for queue in self._queues:
            pipe.xlen(queue)
        return list(await pipe.execute())

    async def _heard(self, before: int) -> None:
        async with self._bell:
            await self._bell.wait_for(lambda: self._rings != before)

    async def _listen(self) -> None:
        """Wakes waiting lanes at each entry of a queue, and after a gap."""
        while True:
            try:
                await self._listen_once()
            except StateError:  # also one that another look does not mend: the lanes still look by themselves
                await asyncio.sleep(0.1)

    async def _listen_once(self) -> None:
        client = await self._store.retry(self._store.subscriber)
        pubsub = client.pubsub(ignore_subscribe_messages=True)
        next_message = partial(pubsub.get_message, timeout=5.0)
        try:
            await self._store.retry(partial(pubsub.subscribe, keys.WORK), patience=0)
            await self._ring()
            while True:
                if await self._store.retry(next_message, patience=0) is not None:
                    await self._ring()
        finally:
            await pubsub.close()
            await self._store.leave(client)

    async def _ring(self) -> None:
        async with self._bell:
            self._rings += 1
            self._bell.notify_all()


def _works(reply: Any) -> list[Work]:
    return [Work(fields["conversation"], entry) for _, rows in reply or [] for entry, fields in rows if fields]
