from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.handoff import IllegalMove, Move, State
from bot.state.entry import Refused, StateUnavailable
from bot.state.keys import SHARDS, Keys, shard_of
from bot.state.log import ConversationLog


async def test_accept_numbers_without_gaps_and_knows_a_resend(log: ConversationLog) -> None:
    first = await log.accept("c", client_id="a", text="hello")
    second = await log.accept("c", client_id="b", text="/buy", payload="/buy", display="Buy")
    again = await log.accept("c", client_id="a", text="hello")
    assert (first.seq, second.seq) == (1, 2)
    assert (again.seq, again.duplicate) == (1, True)
    entries = await log.read("c")
    assert [(e.seq, e.kind, e.text) for e in entries] == [(1, "customer", "hello"), (2, "customer", "Buy")]
    assert entries[1].data == {"client_id": "b", "payload": "/buy"}


async def test_many_at_once_are_each_stored_once(log: ConversationLog) -> None:
    ids = [f"m{n % 40}" for n in range(120)]
    accepted = await asyncio.gather(*(log.accept("c", client_id=i, text=i) for i in ids))
    assert sorted({a.seq for a in accepted}) == list(range(1, 41))
    assert sum(not a.duplicate for a in accepted) == 40
    assert {e.text for e in await log.read("c")} == set(ids)


async def test_resuming_has_no_gap(log: ConversationLog) -> None:
    for n in range(25):
        await log.accept("c", client_id=str(n), text=str(n))
    seen, after = [], 0
    while batch := await log.read("c", after=after, limit=7):
        seen += [e.text for e in batch]
        after = batch[-1].seq
    assert seen == [str(n) for n in range(25)]
    assert [e.seq for e in await log.read_back("c", before=20, limit=3)] == [17, 18, 19]
    assert await log.read_back("c", before=1) == []


async def test_text_of_any_script_comes_back_as_it_was(log: ConversationLog) -> None:
    text = 'Ünïcode 中文 😀 "quotes" \\ \n]]; return redis'
    await log.accept("会话 1", client_id="é", text=text)
    assert (await log.read("会话 1"))[0].text == text
    info = await log.info("会话 1")
    assert info is not None
    assert info.last_text == text


async def test_take_over_reply_close_and_reopen(log: ConversationLog) -> None:
    await log.accept("c", client_id="1", text="a person, please")
    assert await log.move("c", Move.ESCALATE, actor="customer", data={"reason": "asked"}) is State.QUEUED
    with pytest.raises(Refused, match="got state queued; expected agent"):
        await log.agent_reply("c", agent="Mia", client_id="r1", text="Hi")
    await log.move("c", Move.TAKE, actor="Mia")
    info = await log.info("c")
    assert info is not None
    assert (info.agent, info.unanswered) == ("Mia", 1)
    reply = await log.agent_reply("c", agent="Mia", client_id="r1", text="Hi")
    assert (await log.agent_reply("c", agent="Mia", client_id="r1", text="Hi")).seq == reply.seq
    await log.note("c", agent="Mia", client_id="n1", text="nice customer")
    await log.move("c", Move.CLOSE, actor="Mia")
    await log.accept("c", client_id="2", text="one more thing")
    kinds = [(e.kind, e.author) for e in await log.read("c")]
    assert kinds == [
        ("customer", "customer"),
        ("state", "customer"),
        ("state", "Mia"),
        ("agent", "Mia"),
        ("note", "Mia"),
        ("state", "Mia"),
        ("state", "customer"),
        ("customer", "customer"),
    ]
    info = await log.info("c")
    assert info is not None
    assert (info.state, info.unanswered, info.agent) == (State.BOT, 1, None)
    assert await log.last_turns("c") == [
        ("customer", "a person, please"),
        ("agent", "Hi"),
        ("customer", "one more thing"),
    ]


async def test_only_one_of_two_agents_gets_it(log: ConversationLog) -> None:
    await log.accept("c", client_id="1", text="help")
    results = await asyncio.gather(
        *(log.move("c", Move.TAKE, actor=name) for name in ("Mia", "Tom")), return_exceptions=True
    )
    assert sorted(type(r).__name__ for r in results) == ["IllegalMove", "State"]
    assert sum(e.kind == "state" for e in await log.read("c")) == 1


async def test_a_repeated_move_is_one_move(log: ConversationLog) -> None:
    await log.move("c", Move.ESCALATE, actor="customer", client_id="p1")
    assert await log.move("c", Move.ESCALATE, actor="customer", client_id="p1") is State.QUEUED
    with pytest.raises(IllegalMove):
        await log.move("c", Move.ESCALATE, actor="customer", client_id="p2")


async def test_inbox_is_by_state_and_newest_first(log: ConversationLog) -> None:
    for n in range(12):
        await log.accept(f"c{n}", client_id="1", text=f"hello {n}")
    for n in (3, 7):
        await log.move(f"c{n}", Move.ESCALATE, actor="customer")
    everything = await log.conversations()
    assert [i.id for i in everything[:3]] == ["c7", "c3", "c11"]
    assert len(everything) == 12
    queued = await log.conversations(state=State.QUEUED)
    assert [(i.id, i.last_text, i.unanswered) for i in queued] == [("c7", "hello 7", 1), ("c3", "hello 3", 1)]
    assert all(i.waiting_since for i in queued)
    assert len(await log.conversations(limit=4)) == 4


async def test_subscribers_hear_of_each_change(log: ConversationLog) -> None:
    changes: AsyncIterator[str | None] = log.subscribe()
    assert await changes.__anext__() is None
    await log.accept("c", client_id="1", text="hello")
    assert await asyncio.wait_for(changes.__anext__(), 5) == "c"
    await log.move("d", Move.ESCALATE, actor="customer")
    assert await asyncio.wait_for(changes.__anext__(), 5) == "d"


async def test_typing_is_told_and_not_stored(log: ConversationLog) -> None:
    typing = log.subscribe_typing()
    heard = asyncio.ensure_future(typing.__anext__())
    while not heard.done():
        await log.typing("c d", "customer")
        await asyncio.wait([heard], timeout=0.05)
    assert heard.result() == ("customer", "c d")
    assert await log.info("c d") is None


async def test_export_is_what_data_reads(log: ConversationLog) -> None:
    await log.start("c", language="zh", channel="widget")
    assert await log.export("c") is None
    await log.accept("c", client_id="1", text="你好")
    await log.move("c", Move.TAKE, actor="Mia")
    await log.note("c", agent="Mia", client_id="n", text="nobody learns this")
    await log.agent_reply("c", agent="Mia", client_id="r", text="您好")
    exported = await log.export("c")
    assert exported is not None
    assert [(m.role, m.text, m.author) for m in exported.messages] == [
        ("customer", "你好", None),
        ("agent", "您好", "Mia"),
    ]
    assert (exported.language, exported.ending) == ("zh", "escalated")
    assert type(exported).from_json(exported.to_json()) == exported


async def test_no_server_is_an_error_not_a_hang() -> None:
    with pytest.raises(StateUnavailable, match="expected a running server"):
        await ConversationLog.open("unix:///nowhere/redis.sock", patience=0.1)


def test_all_keys_of_a_conversation_share_a_slot() -> None:
    shard = shard_of("abc")
    assert 0 <= shard < SHARDS
    assert all(f"{{s{shard:02d}}}" in key for key in Keys("abc").all())
    with pytest.raises(ValueError, match="expected 1 to 200"):
        shard_of("")
