"""One append-only log a conversation in Redis: what the gateway and the worker share. Imports no Rasa.

A call returns when the server has stored the change (on disk, with the embedded server's ``appendfsync always``).
Every write may be repeated after a lost answer: it is recognised by its client id.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any

from bot.handoff import IllegalMove, Move, State, origins
from bot.state import keys, scripts
from bot.state.entry import (
    Accepted,
    ConversationInfo,
    Crowded,
    Entry,
    Refused,
    Reused,
    StateUnavailable,
    entry_from,
    info_from,
)
from bot.state.keys import Keys
from bot.state.store import Store, pairs
from data.schema import Conversation, Message, Role

__all__ = ["Accepted", "ConversationInfo", "ConversationLog", "Entry", "dump"]

MOST_BEHIND = 300
"""A conversation takes no message while so many entries came after the last one that was answered."""

MOST_WAITING = 64_000
"""No conversation is added to so many that wait for an answer (a 64th of it a shard)."""

_OTHER = 2
"""A known client id came with another text."""

_FOREVER = 3e9
"""Seconds: a subscriber waits for its server as long as it lives."""

_AGAIN = 0.1
"""Seconds before a subscriber whose server went away looks for one again."""

_ROLES: dict[str, Role] = {"customer": "customer", "bot": "agent", "agent": "agent"}

_LEARNED_ROLES: dict[str, Role] = _ROLES | {"bot": "system"}
"""In training data the bot's words are context: it must not learn from itself as if a person had answered."""


class ConversationLog:
    """The log of all conversations.

    Args:
        store: The connection.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    @classmethod
    async def open(cls, url: str, *, patience: float | None = None) -> ConversationLog:
        """Connects and checks that the server answers.

        Args:
            url: From ``bot.embedded.redis_address``.
            patience: Seconds for which each call is tried again; the default outlasts a restart of the server.

        Raises:
            StateUnavailable: No answer.
        """
        store = Store(url, patience=patience)
        try:
            await store.retry(store.redis.ping)
        except BaseException:
            await store.close()
            raise
        return cls(store)

    async def close(self) -> None:
        """Ends the connection."""
        await self.store.close()

    async def __aenter__(self) -> ConversationLog:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self, conversation: str, *, language: str = "", channel: str = "") -> ConversationInfo:
        """Begins a conversation, or changes language and channel of a known one."""
        flat = await self.store.script(scripts.START, conversation, language, channel)
        return info_from(conversation, pairs(flat))

    async def info(self, conversation: str) -> ConversationInfo | None:
        """The conversation's row, or None if it is unknown."""
        meta = await self.store.retry(lambda: self.store.redis.hgetall(Keys(conversation).own("meta")))
        return info_from(conversation, meta) if meta else None

    async def conversation_of(self, identity: str) -> str | None:
        """The conversation of a customer whom the shop knows by this id, or None."""
        found = await self.store.retry(lambda: self.store.redis.get(keys.customer(identity)))
        return str(found) if found else None

    async def bind(self, conversation: str, *, identity: str, record: str) -> str:
        """Makes a conversation that has begun a known customer's, unless that customer has one.

        Args:
            conversation: Its id.
            identity: The shop's id of the customer.
            record: JSON of ``ConversationInfo.identity``.

        Returns:
            The customer's conversation: this one, or the one they had.
        """
        name, meta = keys.customer(identity), Keys(conversation).own("meta")
        await self.store.retry(lambda: self.store.redis.set(name, conversation, nx=True))
        theirs = await self.conversation_of(identity)
        if theirs == conversation:
            await self.store.retry(lambda: self.store.redis.hset(meta, "identity", record))
        return theirs or conversation

    async def accept(
        self,
        conversation: str,
        *,
        client_id: str,
        text: str,
        payload: str | None = None,
        display: str | None = None,
        button: str | None = None,
    ) -> Accepted:
        """Stores a customer's message and enqueues the conversation; only then may it be acknowledged.

        Args:
            conversation: Its id; unknown ones begin here.
            client_id: The client's own id of the message, unique in the conversation.
            text: What the customer wrote.
            payload: What Rasa gets instead of the text (a button's), never shown.
            display: What people see instead of the text.
            button: Id of the button that was pressed.

        Raises:
            StateUnavailable: Not known to be stored; send it again with the same client id.
            Crowded: Too much waits for an answer; send it again later.
            Reused: Another text has this client id.
        """
        given = {"payload": payload, "button": button}
        data = {"client_id": client_id, **{name: value for name, value in given.items() if value}}
        reopened = move_data(Move.REOPEN, State.CLOSED, State.BOT, "customer", {})
        shown = text if display is None else display
        limits = (MOST_BEHIND, MOST_WAITING // keys.SHARDS)
        seq, found = await self.store.script(
            scripts.ACCEPT, conversation, client_id, shown, dump(data), reopened, *limits, kept=True
        )
        if seq < 0:
            raise Crowded(f"conversation {conversation}: got one more message; expected fewer that wait ({found}).")
        if found == _OTHER:
            raise Reused(f"conversation {conversation}: got another text under the client id of message {seq}.")
        return Accepted(seq, bool(found))

    async def agent_reply(self, conversation: str, *, agent: str, client_id: str, text: str) -> Accepted:
        """Stores what an agent says to the customer.

        Raises:
            Refused: The conversation is not an agent's: take it first.
        """
        return await self._append(conversation, "agent", agent, client_id, text, needed=State.AGENT)

    async def note(self, conversation: str, *, agent: str, client_id: str, text: str) -> Accepted:
        """Stores a note that only agents see."""
        return await self._append(conversation, "note", agent, client_id, text, needed=None)

    async def feedback(self, conversation: str, *, client_id: str, rates: int, rating: str, reason: str) -> Accepted:
        """Stores what the customer thinks of an answer, or with ``rates`` 0 of the conversation; the newest counts.

        Raises:
            Refused: Nothing was said there yet.
        """
        data = dump({"client_id": client_id, "rates": rates, "rating": rating, "reason": reason})
        seq, extra = await self.store.script(
            scripts.APPEND, conversation, client_id, "feedback", "customer", "", data, ""
        )
        if seq < 0:
            raise Refused(f"conversation {conversation}: got {extra}; expected a known conversation.")
        return Accepted(seq, bool(extra))

    async def notice(
        self, conversation: str, *, client_id: str, text: str, data: Mapping[str, Any] | None = None
    ) -> Accepted:
        """Tells a customer who waits for a person something, each ``client_id`` once.

        Raises:
            Refused: The customer does not wait any more.
        """
        said = dump({"client_id": client_id, **(data or {})})
        state = State.QUEUED.value
        seq, extra = await self.store.script(scripts.APPEND, conversation, client_id, "bot", "bot", text, said, state)
        if seq < 0:
            raise Refused(f"conversation {conversation}: got state {extra}; expected {state}.")
        return Accepted(seq, bool(extra))

    async def _append(
        self, conversation: str, kind: str, author: str, client_id: str, text: str, *, needed: State | None
    ) -> Accepted:
        data = dump({"client_id": client_id})
        state = needed.value if needed else ""
        seq, extra = await self.store.script(
            scripts.APPEND, conversation, client_id, kind, author, text, data, state, kept=True
        )
        if seq < 0:
            raise Refused(
                f"conversation {conversation}: got state {extra}; expected {state or 'a known conversation'}."
            )
        return Accepted(seq, bool(extra))

    async def move(
        self,
        conversation: str,
        move: Move,
        *,
        actor: str,
        client_id: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> State:
        """Makes a hand-off move if the table allows it in the state that the conversation has at that moment.

        Args:
            conversation: Its id.
            move: What happens.
            actor: ``customer``, ``system`` or the agent's name.
            client_id: Makes the move repeatable; otherwise one is made up, which covers lost answers.
            data: Kept on the state entry: ``reason``; ``slots`` ({name: value}) that handing back tells the bot.

        Returns:
            The state after it.

        Raises:
            IllegalMove: The table has no such move in this state.
        """
        ways: list[str] = []
        for state, to in origins(move).items():
            ways += [state.value, to.value, move_data(move, state, to, actor, data or {})]
        seq, state_now = await self.store.script(
            scripts.MOVE, conversation, client_id or f"move-{uuid.uuid4().hex}", actor, *ways, kept=True
        )
        if seq < 0:
            raise IllegalMove(State(state_now), move)
        return State(state_now)

    async def read(self, conversation: str, *, after: int = 0, limit: int = 1000) -> list[Entry]:
        """Entries with a higher sequence number than ``after``, oldest first, at most ``limit``."""
        log = Keys(conversation).own("log")
        rows = await self.store.retry(lambda: self.store.redis.xrange(log, f"{after + 1}-0", "+", count=limit))
        return [entry_from(row) for row in rows]

    async def read_all(self, conversation: str) -> list[Entry]:
        """Every entry, oldest first."""
        entries: list[Entry] = []
        while batch := await self.read(conversation, after=entries[-1].seq if entries else 0):
            entries += batch
        return entries

    async def read_back(self, conversation: str, *, before: int | None = None, limit: int = 100) -> list[Entry]:
        """The newest entries (below ``before``, if given), oldest first, at most ``limit``."""
        log, end = Keys(conversation).own("log"), "+" if before is None else f"{before - 1}-0"
        if before is not None and before <= 1:
            return []
        rows = await self.store.retry(lambda: self.store.redis.xrevrange(log, end, "-", count=limit))
        return [entry_from(row) for row in reversed(rows)]

    async def last_turns(self, conversation: str, *, limit: int = 8) -> list[tuple[Role, str]]:
        """What was said last, oldest first, as ``data.context.render_context`` takes it; the bot counts as agent."""
        entries = await self.read_back(conversation, limit=limit * 3)
        return said(entries)[-limit:]

    async def conversations(self, *, state: State | None = None, limit: int = 50) -> list[ConversationInfo]:
        """The inbox: conversations with the newest activity first.

        Args:
            state: Only those in this state.
            limit: At most so many.
        """
        states = [state] if state else list(State)
        names = [keys.index(shard, s) for shard in range(keys.SHARDS) for s in states]

        async def newest() -> list[list[tuple[str, float]]]:
            pipe = self.store.pipeline()
            for name in names:
                pipe.zrevrange(name, 0, limit - 1, withscores=True)
            return list(await pipe.execute())

        found = sorted((pair for rows in await self.store.retry(newest) for pair in rows), key=lambda pair: -pair[1])
        infos = await self._infos([conversation for conversation, _ in found[:limit]])
        return [info for info in infos if state is None or info.state is state]

    async def _infos(self, conversations: Sequence[str]) -> list[ConversationInfo]:
        async def metas() -> list[dict[str, str]]:
            pipe = self.store.pipeline()
            for conversation in conversations:
                pipe.hgetall(Keys(conversation).own("meta"))
            return list(await pipe.execute())

        rows = await self.store.retry(metas) if conversations else []
        return [info_from(c, meta) for c, meta in zip(conversations, rows, strict=True) if meta]

    async def waiting(self, *, limit: int) -> list[tuple[float, str]]:
        """(Unix seconds since when, conversation) of those that wait for the bot, longest first, at most ``limit``."""

        async def oldest() -> list[list[tuple[str, float]]]:
            pipe = self.store.pipeline()
            for shard in range(keys.SHARDS):
                pipe.zrange(keys.pending(shard), 0, limit - 1, withscores=True)
            return list(await pipe.execute())

        rows = (pair for pairs_ in await self.store.retry(oldest) for pair in pairs_)
        return sorted((since, conversation) for conversation, since in rows)[:limit]

    async def ids(self) -> AsyncIterator[list[str]]:
        """The ids of all conversations, shard by shard; each shard as it is at one moment."""
        for shard in range(keys.SHARDS):
            names = [keys.index(shard, state) for state in State]
            yield list(await self.store.raw_script(scripts.MEMBERS, names, []))

    async def typing(self, conversation: str, who: str) -> None:
        """Tells subscribers that someone (``bot``, ``customer``, ``agent``) types; nothing is stored."""
        await self.store.publish(keys.TYPING, f"{who} {conversation}")

    async def subscribe(self) -> AsyncIterator[str | None]:
        """Ids of conversations as they change; None first and after each gap: look at all that you watch."""
        async for change in self._listen(keys.CHANGED):
            yield change

    async def subscribe_typing(self) -> AsyncIterator[tuple[str, str]]:
        """(who, conversation) as someone types."""
        async for change in self._listen(keys.TYPING):
            if change is not None:
                who, _, conversation = change.partition(" ")
                yield who, conversation

    async def _listen(self, channel: str) -> AsyncIterator[str | None]:
        while True:
            client = await self.store.retry(self.store.subscriber, patience=_FOREVER)
            pubsub = client.pubsub(ignore_subscribe_messages=True)
            subscribe = partial(pubsub.subscribe, channel)
            next_message = partial(pubsub.get_message, timeout=5.0)
            try:
                await self.store.retry(subscribe, patience=_FOREVER if client is self.store.redis else 0)
                yield None
                while True:
                    message = await self.store.retry(next_message, patience=0)
                    if message is not None:
                        yield message["data"]
            except StateUnavailable:
                await asyncio.sleep(_AGAIN)
            finally:
                await pubsub.close()
                await self.store.leave(client)

    async def export(self, conversation: str) -> Conversation | None:
        """The conversation as ``data`` learns from it; None if nothing was said.

        What the bot said is a ``system`` message of the author ``bot``; agents keep their names.
        """
        info, entries = await self.info(conversation), await self.read_all(conversation)
        messages = tuple(
            Message(_LEARNED_ROLES[e.kind], e.text, e.time, None if e.kind == "customer" else e.author)
            for e in entries
            if _spoken(e)
        )
        if info is None or not messages:
            return None
        escalated = any(e.kind == "state" and e.data["to"] in ("queued", "agent") for e in entries)
        ending = "escalated" if escalated else "resolved" if info.state is State.CLOSED else None
        return Conversation(id=conversation, messages=messages, language=info.language or None, ending=ending)


def dump(value: object) -> str:
    """Compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def said(entries: Sequence[Entry]) -> list[tuple[Role, str]]:
    """(role, text) of the entries that are utterances."""
    return [(_ROLES[entry.kind], entry.text) for entry in entries if _spoken(entry)]


def _spoken(entry: Entry) -> bool:
    """Whether people said it: a payload that came bare through a makers' door is a button's inside."""
    return entry.kind in _ROLES and bool(entry.text) and entry.text != entry.data.get("payload")


def move_data(move: Move, state: State, to: State, actor: str, data: Mapping[str, Any]) -> str:
    """Data of a ``state`` entry, as JSON."""
    return dump({**data, "from": state.value, "to": to.value, "move": move.value, "actor": actor})
