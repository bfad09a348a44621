"""Bad input to the log: full memory, unreadable entries, reused client ids, floods."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.embedded import EmbeddedRedis
from bot.gateway.mailbox import Mailbox
from bot.protocol import Send, WireError
from bot.state import log as log_module
from bot.state.entry import Crowded, Reused, StateFull, StateUnavailable
from bot.state.hydrate import read_window
from bot.state.keys import Keys
from bot.state.log import ConversationLog
from bot.state.work import WorkQueue
from data.workspace import Workspace


@pytest.fixture
async def full(tmp_path: Path) -> AsyncIterator[ConversationLog]:
    """A log of its own, whose server a test may fill."""
    with EmbeddedRedis(Workspace(tmp_path)) as server:
        async with await ConversationLog.open(server.url, patience=0.2) as opened:
            yield opened


async def test_a_full_redis_loses_nothing_and_says_so(full: ConversationLog) -> None:
    queue = WorkQueue(full)
    await queue.prepare()
    await full.accept("c", client_id="1", text="stored")
    await full.store.redis.config_set("maxmemory", "1")
    with pytest.raises(StateFull, match="more memory"):
        await full.accept("c", client_id="2", text="not stored")
    assert issubclass(StateFull, StateUnavailable)  # so the gateway asks the customer's side to come back
    assert [entry.text for entry in await full.read("c")] == ["stored"]
    await full.store.redis.config_set("maxmemory", "0")
    assert (await full.accept("c", client_id="2", text="not stored")).seq == 2
    assert [work.conversation for work in await queue.claim("w", block=0)] == ["c"]


async def test_a_client_id_with_another_text_is_refused(log: ConversationLog) -> None:
    await log.accept("c", client_id="1", text="one")
    with pytest.raises(Reused, match="another text"):
        await log.accept("c", client_id="1", text="two")
    assert [entry.text for entry in await log.read("c")] == ["one"]
    with pytest.raises(WireError) as refused:
        await Mailbox(log, "c", "en").store(Send(client_id="1", text="two"))
    assert (refused.value.code, refused.value.client_id) == ("reused", "1")


async def test_a_flood_is_refused_in_the_customers_language_and_ends(
    log: ConversationLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "MOST_BEHIND", 3)
    for n in range(3):
        await log.accept("c", client_id=str(n), text=str(n))
    with pytest.raises(Crowded, match="conversation"):
        await log.accept("c", client_id="3", text="3")
    assert (await log.accept("c", client_id="2", text="2")).duplicate  # a resend is still acknowledged
    with pytest.raises(WireError, match="我们现在很忙") as refused:
        await Mailbox(log, "c", "zh").store(Send(client_id="3", text="3"))
    assert refused.value.code == "busy"
    assert await WorkQueue(log).fail("c", 3, text="sorry", reason="test")
    assert (await log.accept("c", client_id="3", text="3")).seq > 3


async def test_too_many_that_wait_refuse_new_conversations_only(
    log: ConversationLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "MOST_WAITING", 64)
    shard = Keys("c").shard
    other = next(f"d{n}" for n in range(10_000) if Keys(f"d{n}").shard == shard)
    await log.accept("c", client_id="1", text="1")
    with pytest.raises(Crowded, match="all"):
        await log.accept(other, client_id="1", text="1")
    assert (await log.accept("c", client_id="2", text="2")).seq == 2


@pytest.mark.parametrize(
    "fields", [{"kind": "turn", "data": "{"}, {"kind": "turn", "data": "{}"}, {"kind": "???"}, {"x": "y"}]
)
async def test_an_unreadable_entry_is_skipped_and_reported(
    log: ConversationLog, fields: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    await log.accept("c", client_id="1", text="before")
    await log.store.redis.xadd(Keys("c").own("log"), {"time": "1", **fields}, id="2-0")
    await log.store.redis.hset(Keys("c").own("meta"), "seq", 2)
    await log.accept("c", client_id="2", text="after")
    with caplog.at_level(logging.ERROR):
        entries = await log.read("c")
    assert [(entry.seq, entry.kind) for entry in entries] == [(1, "customer"), (2, "corrupt"), (3, "customer")]
    assert "entry 2 of the log" in caplog.text
    assert (await read_window(log, "c")).events == ()


@pytest.mark.parametrize("text", ["x" * 100_000, "a\x00b\x1b[31m\u202e", "😀" * 1000])
async def test_odd_texts_come_back_as_they_were(log: ConversationLog, text: str) -> None:
    await log.accept("c", client_id="1", text=text)
    assert (await log.read("c"))[0].text == text
