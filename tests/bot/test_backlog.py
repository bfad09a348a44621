"""Who waits long for the bot is told how many are before them, and no one else."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bot.gateway import backlog as backlog_module
from bot.gateway.backlog import Backlog
from bot.gateway.feed import Feed
from bot.gateway.testing import serving, widget
from bot.state.log import ConversationLog
from bot.state.work import WorkQueue


async def test_places_are_in_the_order_of_waiting_and_only_for_those_who_wait_long(log: ConversationLog) -> None:
    backlog = Backlog(log, Feed(log))
    for name in ("first", "second", "third"):
        await log.accept(name, client_id="a", text="hello")
    now = time.time()
    await backlog.look(now=now)
    assert backlog.places == {}, "nobody has waited long"
    await backlog.look(now=now + 10)
    assert backlog.places == {"second": 2, "third": 3}, "who is next needs no number"
    assert await WorkQueue(log).fail("first", 1, text="sorry", reason="test")
    await backlog.look(now=now + 10)
    assert backlog.places == {"third": 2}


async def test_the_widget_hears_its_place_and_that_it_is_over(
    tmp_path: Path, log: ConversationLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog_module, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(backlog_module, "PATIENCE_SECONDS", 0.2)
    await log.accept("before", client_id="a", text="hello")
    async with serving(tmp_path, log) as address, widget(address) as (one, welcome):
        await one.say(type="send", client_id="b", text="anyone?")
        assert (await one.a("busy"))["position"] == 2
        assert await WorkQueue(log).fail("before", 1, text="sorry", reason="test")
        assert (await one.a("busy"))["position"] == 0
        assert welcome["conversation"] in [conversation for _, conversation in await log.waiting(limit=10)]
