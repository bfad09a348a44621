"""A Redis that goes away: the gateway says so, lives on, and goes on where it was."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from bot.embedded import EmbeddedRedis
from bot.gateway.line import TRY_LATER
from bot.gateway.testing import serving, widget
from bot.state.log import ConversationLog
from bot.state.store import Store
from data.workspace import Workspace


async def healthy(address: str, *, wanted: int) -> None:
    limit = time.monotonic() + 30
    async with httpx.AsyncClient(timeout=10) as client:
        while (await client.get(f"http://{address}/healthz")).status_code != wanted:
            assert time.monotonic() < limit
            await asyncio.sleep(0.05)


async def test_clients_are_asked_to_come_back_and_lose_nothing(tmp_path: Path):
    server = EmbeddedRedis(Workspace(tmp_path))
    server.start()
    try:
        async with ConversationLog(Store(server.url, patience=0.5)) as log, serving(tmp_path, log) as address:
            await healthy(address, wanted=200)
            async with widget(address) as (one, welcome):
                await one.say(type="send", client_id="a", text="before")
                await one.a("ack")
                server.stop()
                await one.say(type="send", client_id="b", text="while away")
                refusal = await one.a("error")
                assert (refusal["code"], refusal["client_id"]) == ("unavailable", None)
                with pytest.raises(ConnectionClosed) as caught:
                    await one.until(lambda _: False)
                assert caught.value.code == TRY_LATER
            await healthy(address, wanted=503)
            server.start()
            await healthy(address, wanted=200)
            keys = {"conversation": welcome["conversation"], "token": welcome["token"]}
            async with widget(address, **keys) as (again, _), widget(address, **keys) as (other, _):
                await again.say(type="send", client_id="b", text="while away")
                await again.a("ack")
                await other.entry("while away")
                assert other.seqs == [1, 2]
    finally:
        server.stop()


async def test_a_gateway_starts_without_redis_and_finds_it_later(tmp_path: Path):
    server = EmbeddedRedis(Workspace(tmp_path))
    async with ConversationLog(Store(server.url, patience=0.5)) as log, serving(tmp_path, log) as address:
        await healthy(address, wanted=503)
        with server:
            await healthy(address, wanted=200)
            async with (
                widget(address) as (one, welcome),
                widget(address, conversation=welcome["conversation"], token=welcome["token"]) as (two, _),
            ):
                await one.say(type="send", client_id="a", text="hello")
                await two.entry("hello")
