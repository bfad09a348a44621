"""The workers' side of the log: claiming conversations with work, leases with fencing tokens, commits and failures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from redis.exceptions import ResponseError

from bot.handoff import Move, State
from bot.state import keys, scripts
from bot.state.entry import Busy, Lease, Refused, StateError, Work, info_from
from bot.state.log import ConversationLog, dump, move_data
from bot.state.spread import SpreadQueues
from bot.state.store import pairs
from bot.state.turn import Turn, handoff_reason, lean, replies_of, topics_of
from bot.words import control_notice

LEASE_SECONDS = 15.0
"""A lease that is not renewed ends after this; renewed at a third of it."""

TAKEOVER_SECONDS = 20.0
"""Work that was claimed so long ago and is not done belongs to a dead worker, or to one whose lease still holds."""

FORGOTTEN_SECONDS = 30.0
"""A message that waits so long without an outcome is enqueued again."""

LONGEST_BLOCK = 2.0

NEVER_WITHHELD = ("utter_sensitive_danger",)
"""Replies that no switch keeps from the customer."""


class WorkQueue:
    """Queue, leases and commits of all conversations.

    Args:
        log: The log.
        lease_seconds: Lifetime of a lease without renewal.
    """

    def __init__(self, log: ConversationLog, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self.log, self.lease_seconds = log, lease_seconds
        self.store = log.store
        self._queues = [keys.turns(shard) for shard in range(keys.SHARDS)]
        self._next = 0
        self._spread = SpreadQueues(self.store, self._queues)

    async def prepare(self) -> None:
        """Makes the consumer group of every queue; may be called again."""

        async def create() -> list[Any]:
            pipe = self.store.pipeline()
            for queue in self._queues:
                pipe.eval(scripts.GROUP, 1, queue, keys.GROUP)
            return list(await pipe.execute())

        await self.store.retry(create)

    async def claim(self, consumer: str, *, block: float = LONGEST_BLOCK) -> list[Work]:
        """Takes work: one conversation if there is a backlog, else what arrives within ``block`` seconds.

        Args:
            consumer: Name of the worker.
            block: Seconds to wait, at most two; 0 returns at once.

        Returns:
            Nothing, one, or (rarely, when woken by several at once) a few conversations.
        """
        if self.store.spread:
            return await self._spread.claim(consumer, block=min(block, LONGEST_BLOCK))
        got = await self._guarded(
            lambda: self.store.raw_script(scripts.CLAIM, self._queues, [keys.GROUP, consumer, self._next])
        )
        if got:
            self._next = (keys.shard_of(got[1]) + 1) % keys.SHARDS  # the shards take turns, however full one is
            return [Work(conversation=got[1], entry=got[0])]
        if block <= 0:
            return []
        return await self._read(consumer, ">", block=max(1, int(min(block, LONGEST_BLOCK) * 1000)), count=1)

    async def unfinished(self, consumer: str) -> list[Work]:
        """Work that a worker of this name had claimed when it died."""
        return await self._read(consumer, "0", block=None, count=100)

    async def close(self) -> None:
        """Ends what waits for work."""
        await self._spread.close()

    async def _read(self, consumer: str, start: str, *, block: int | None, count: int) -> list[Work]:
        if self.store.spread:
            found: list[Work] = await self._guarded(lambda: self._spread.read(consumer, start, count=count))
            return found
        streams = dict.fromkeys(self._queues, start)
        replies = await self._guarded(
            lambda: self.store.retry(
                lambda: self.store.redis.xreadgroup(keys.GROUP, consumer, streams, count=count, block=block)
            )
        )
        return [Work(fields["conversation"], entry) for _, rows in replies or [] for entry, fields in rows if fields]

    async def _guarded(self, call: Any) -> Any:
        """Makes a call, and once more after making the groups: an external server may have been emptied."""
        try:
            return await call()
        except StateError as error:
            if "NOGROUP" not in str(error):
                raise
            await self.prepare()
            return await call()

    async def done(self, work: Work) -> None:
        """Takes work off the queue."""
        queue = keys.turns(keys.shard_of(work.conversation))

        async def remove() -> None:
            pipe = self.store.pipeline()
            pipe.xack(queue, keys.GROUP, work.entry)
            pipe.xdel(queue, work.entry)
            await pipe.execute()

        await self.store.retry(remove)

    async def take_over(self, consumer: str, *, idle: float = TAKEOVER_SECONDS) -> list[Work]:
        """Claims the work of workers that have not finished it for ``idle`` seconds."""

        async def claim() -> list[Any]:
            pipe = self.store.pipeline()
            for queue in self._queues:
                pipe.xautoclaim(queue, keys.GROUP, consumer, int(idle * 1000), count=10)
            return list(await pipe.execute(raise_on_error=False))

        replies = await self.store.retry(claim)
        rows = [row for reply in replies if not isinstance(reply, ResponseError) for row in reply[1]]
        return [Work(fields["conversation"], entry) for entry, fields in rows if fields]

    async def sweep(self, *, older: float = FORGOTTEN_SECONDS) -> int:
        """Enqueues conversations again whose customer has waited longer than ``older`` seconds.

        Returns:
            How many.
        """
        limit = time.time() - older

        async def waiting() -> list[list[str]]:
            pipe = self.store.pipeline()
            for shard in range(keys.SHARDS):
                pipe.zrangebyscore(keys.pending(shard), "-inf", limit, start=0, num=100)
            return list(await pipe.execute())

        found = [conversation for ids in await self.store.retry(waiting) for conversation in ids]
        for conversation in found:
            await self.requeue(conversation)
        return len(found)

    async def waiting(self) -> int:
        """How many conversations have a message without an outcome: the length of the queue."""

        async def count() -> list[int]:
            pipe = self.store.pipeline()
            for shard in range(keys.SHARDS):
                pipe.zcard(keys.pending(shard))
            return list(await pipe.execute())

        return sum(await self.store.retry(count))

    async def requeue(self, conversation: str) -> None:
        """Enqueues a conversation again if it has a message without an outcome."""
        await self.store.script(scripts.ENQUEUE, conversation)

    async def retire(self, consumer: str) -> None:
        """Forgets a worker that ends and has nothing unfinished."""

        async def forget() -> None:
            pipe = self.store.pipeline()
            for queue in self._queues:
                pipe.eval(scripts.FORGET, 1, queue, keys.GROUP, consumer)
            await pipe.execute(raise_on_error=False)

        if not await self.unfinished(consumer):
            await self.store.retry(forget)

    @asynccontextmanager
    async def lease(self, conversation: str, *, owner: str, seq: int = 0, wait: float = 0.0) -> AsyncIterator[Lease]:
        """Holds the lease of a conversation and renews it.

        Args:
            conversation: Whose.
            owner: Unique among all that run at the same time; the same name gets its own lease again.
            seq: The message that is to be answered, so that tries are counted; 0 for none.
            wait: Seconds to wait for another holder.

        Raises:
            Busy: Another one holds it. What the caller drops is enqueued again when that one is done.
        """
        lease = await self._take(conversation, owner, seq, wait)
        renewal = asyncio.ensure_future(self._renew(lease))
        try:
            yield lease
        finally:
            renewal.cancel()
            with suppress(asyncio.CancelledError):
                await renewal
            await self.store.script(scripts.RELEASE, conversation, f"{owner}:{lease.token}")

    async def _take(self, conversation: str, owner: str, seq: int, wait: float) -> Lease:
        until = time.monotonic() + wait
        while True:
            reply = await self.store.script(scripts.LEASE, conversation, owner, int(self.lease_seconds * 1000), seq)
            if reply[0] > 0:
                info = info_from(conversation, pairs(reply[2]))
                return Lease(conversation, owner, reply[0], info, reply[1], int(reply[3]))
            if time.monotonic() >= until:
                raise Busy(f"conversation {conversation}: got a lease of someone else; expected a free one.")
            await asyncio.sleep(0.05)

    async def _renew(self, lease: Lease) -> None:
        """Renews until cancelled or lost. A lost lease needs no alarm: the commit is refused by its token."""
        while True:
            await asyncio.sleep(self.lease_seconds / 3)
            owned = f"{lease.owner}:{lease.token}"
            if not await self.store.script(scripts.RENEW, lease.conversation, owned, int(self.lease_seconds * 1000)):
                return

    async def commit(self, turn: Turn) -> bool:
        """Commits a turn: its events, the state after them, its replies, and the hand-off if it paused the bot.

        Where the switches (``bot.control``) keep the bot from speaking at this very moment, the replies are kept from
        the customer, who is told that a person will answer, and the conversation waits for one.

        Returns:
            False when a person took over meanwhile: the replies were stored as suppressed.

        Raises:
            Refused: The lease went to someone else, or the message has its outcome already. Nothing was stored.
        """
        native = _native_message(turn) if turn.message is None else None
        seq = turn.message.seq if turn.message else 0
        state = turn.state or {}
        answers = {"answers": seq} if seq else {}
        handoff = ""
        if state.get("paused"):
            data = {"reason": handoff_reason(turn.events)}
            handoff = move_data(Move.ESCALATE, State.BOT, State.QUEUED, "bot", data)
        entry = dump({**answers, "events": [lean(event) for event in turn.events], "state": state})
        replies = [part for text, data in replies_of(turn.events) for part in (text, dump({**data, **answers}))]
        keep = int(turn.lease.info.state is State.BOT)
        done, extra = await self.store.script(
            scripts.COMMIT,
            turn.conversation,
            turn.lease.token,
            seq,
            *(native or ("", "", "{}")),
            keep,
            entry,
            handoff,
            *_withheld(turn, answers),
            *replies,
            kept=True,
        )
        if not done:
            raise Refused(f"turn of {turn.conversation}: the commit was refused ({extra}); nothing of it was stored.")
        return bool(extra == State.BOT.value)

    async def settle(self, conversation: str, seq: int) -> bool:
        """Counts messages up to ``seq`` as passed on to the agent; False while a turn still runs or it is the bot's."""
        return bool(await self.store.script(scripts.SETTLE, conversation, seq))

    async def fail(self, conversation: str, seq: int, *, text: str, reason: str) -> bool:
        """Gives a message that cannot be answered a visible outcome: a failure entry, and the queue for a person.

        Args:
            conversation: Whose.
            seq: The message.
            text: What the customer reads.
            reason: What agents read.

        Returns:
            False when it has an outcome already.
        """
        handoff = move_data(Move.ESCALATE, State.BOT, State.QUEUED, "system", {"reason": "failure"})
        data = dump({"answers": seq, "reason": reason})
        return bool(await self.store.script(scripts.FAIL, conversation, seq, text, data, handoff, kept=True))


def _withheld(turn: Turn, answers: Mapping[str, int]) -> tuple[str, str, str, str, str]:
    """Topics, version of the switches at the beginning, and what is said and done where they keep the bot silent.

    A makers' door (``rasa shell``) has printed the replies before they are committed; no switch concerns it. Where to
    call in danger is said however the switches stand.
    """
    topics = topics_of(turn) if turn.message is not None else []
    language = str(((turn.state or {}).get("slots") or {}).get("language") or turn.lease.info.language)
    notice = dump({**answers, "notice": "control"})
    handoff = move_data(Move.ESCALATE, State.BOT, State.QUEUED, "bot", {"reason": "control"})
    urgent = [text for text, data in replies_of(turn.events) if data.get("response") in NEVER_WITHHELD]
    told = "\n\n".join([*urgent, control_notice(language)])
    return "\n".join(topics), str(turn.lease.control), told, notice, handoff


def _native_message(turn: Turn) -> tuple[str, str, str] | None:
    """Client id, text and data of the customer's message that came through Rasa and is not in the log yet."""
    for event in turn.events:
        if event.get("event") == "user" and event.get("text"):
            client_id = f"rasa-{event.get('message_id') or turn.lease.token}"
            text = str(event["text"])
            data = {"client_id": client_id, "channel": event.get("input_channel")}
            return client_id, text, dump(data | ({"payload": text} if text.startswith("/") else {}))
    return None
