"""Customers whom the shop's server signed in: one conversation on every device, and nobody else's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from websockets.exceptions import ConnectionClosed

from bot.gateway.identity import IdentityCheck
from bot.gateway.testing import serving, widget
from bot.handoff import Move
from bot.protocol import WireError
from bot.state.log import ConversationLog
from data.errors import InputError
from data.workspace import Web

KEY = "k" * 40


def signed(who: str = "c-17", *, key: str = KEY, algorithm: str = "HS256", **claims: Any) -> str:
    return jwt.encode({"sub": who, "exp": time.time() + 3600, **claims}, key, algorithm=algorithm)


@pytest.fixture
async def address(tmp_path: Path, log: ConversationLog, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    monkeypatch.setenv("SHOP_KEY", KEY)
    async with serving(tmp_path, log, web=Web(identity_key_env="SHOP_KEY")) as address:
        yield address


def keys(welcome: dict[str, Any]) -> dict[str, str]:
    return {"conversation": welcome["conversation"], "token": welcome["token"]}


async def say(one: Any, client_id: str, text: str) -> None:
    await one.say(type="send", client_id=client_id, text=text)
    await one.a("ack")


async def test_two_devices_of_a_customer_share_one_conversation(address: str, log: ConversationLog):
    async with widget(address, identity=signed(email="ada@example.com", name="Ada")) as (one, welcome):
        assert await log.info(welcome["conversation"]) is None, "a page view stores nothing"
        await say(one, "a", "from the phone")
    async with widget(address, identity=signed()) as (other, again):
        assert again["conversation"] == welcome["conversation"]
        await other.entry("from the phone")
        await say(other, "b", "from the laptop")
    info = await log.info(welcome["conversation"])
    assert info is not None
    assert info.identity == {"id": "c-17", "email": "ada@example.com", "name": "Ada"}


async def test_what_a_stranger_began_becomes_theirs_when_they_sign_in(address: str, log: ConversationLog):
    async with widget(address) as (one, welcome):
        await say(one, "a", "hello")
    async with widget(address, identity=signed(), last_seq=1, **keys(welcome)) as (_, known):
        assert known["conversation"] == welcome["conversation"]
    async with widget(address, identity=signed()) as (elsewhere, same):
        assert same["conversation"] == welcome["conversation"]
        await elsewhere.entry("hello")


async def test_the_next_person_at_the_machine_does_not_read_it(address: str, log: ConversationLog):
    async with widget(address, identity=signed()) as (one, theirs):
        await say(one, "a", "my secret")
    for hello in ({}, {"identity": signed("someone-else")}):
        async with widget(address, **keys(theirs), **hello) as (two, welcome):
            assert welcome["conversation"] != theirs["conversation"]
            await say(two, "b", "hi")
            assert "my secret" not in str(two.frames)
    assert [entry.text for entry in await log.read(theirs["conversation"])] == ["my secret"]


async def test_the_next_person_does_not_get_what_a_customer_was_to_begin(address: str, log: ConversationLog):
    """Who signs in and says nothing has an id and its token all the same; a stranger must not begin under them."""
    async with widget(address, identity=signed()) as (_, theirs):
        assert await log.info(theirs["conversation"]) is None
    async with widget(address, **keys(theirs)) as (two, welcome):
        assert welcome["conversation"] != theirs["conversation"]
        await say(two, "b", "hi")
    assert await log.info(theirs["conversation"]) is None


async def test_a_strangers_open_socket_is_shut_when_the_conversation_becomes_a_customers(
    address: str, log: ConversationLog
):
    async with widget(address) as (old, strange):
        await say(old, "a", "hello")
        await old.entry("hello")
        async with widget(address, identity=signed(), last_seq=1, **keys(strange)) as (_, bound):
            assert bound["conversation"] == strange["conversation"]
            await old.say(type="send", client_id="b", text="where is my order?")
            refusal = await old.a("error")
            assert (refusal["code"], refusal["client_id"]) == ("foreign", "b")
            await log.move(strange["conversation"], Move.TAKE, actor="mia")
            await log.agent_reply(strange["conversation"], agent="mia", client_id="r", text="my secret")
            with pytest.raises(ConnectionClosed):
                await old.entry("my secret")
    assert "my secret" not in str(old.frames)
    assert [e.text for e in await log.read(strange["conversation"]) if e.kind == "customer"] == ["hello"]


async def test_nor_does_a_poll_or_a_token_of_the_api_see_it(address: str, log: ConversationLog):
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as client:
        begun = (await client.post("/api/v1/conversations", json={})).json()
        hello = {"type": "hello", **keys(begun)}
        polling = asyncio.create_task(client.post("/api/line", json={"hello": hello, "wait": 20}))
        await asyncio.sleep(0.3)
        async with widget(address, identity=signed(), **keys(begun)) as (one, bound):
            assert bound["conversation"] == begun["conversation"]
            await say(one, "a", "my secret")
        assert "my secret" not in (await polling).text
        read = await client.get(
            f"/api/v1/conversations/{begun['conversation']}/entries",
            headers={"Authorization": f"Bearer {begun['token']}"},
        )
        assert (read.status_code, read.json()["code"]) == (401, "foreign")


async def test_what_the_shop_says_of_its_customer_is_kept_up_to_date(address: str, log: ConversationLog):
    async with widget(address, identity=signed(email="old@example.com")) as (one, welcome):
        await say(one, "a", "hello")
    async with widget(address, identity=signed(email="new@example.com"), last_seq=1, **keys(welcome)):
        info = await log.info(welcome["conversation"])
        assert info is not None
        assert info.identity == {"id": "c-17", "email": "new@example.com", "name": ""}


async def test_a_customer_who_has_one_keeps_it_when_this_device_began_another(address: str, log: ConversationLog):
    async with widget(address, identity=signed()) as (one, theirs):
        await say(one, "a", "first")
    async with widget(address) as (two, strange):
        await say(two, "b", "as a stranger")
    async with widget(address, identity=signed(), last_seq=1, **keys(strange)) as (three, welcome):
        assert welcome["conversation"] == theirs["conversation"]
        await three.entry("first")
    info = await log.info(strange["conversation"])
    assert info is not None
    assert info.identity is None


async def test_of_two_devices_that_begin_at_once_the_later_is_sent_to_the_other(address: str, log: ConversationLog):
    async with widget(address) as (stranger, strange):
        await say(stranger, "a", "hello")
    async with widget(address, identity=signed()) as (fresh, new):
        async with widget(address, identity=signed(), last_seq=1, **keys(strange)) as (_, bound):
            assert bound["conversation"] == strange["conversation"]
        assert new["conversation"] != strange["conversation"]
        await fresh.say(type="send", client_id="b", text="me too")
        refusal = await fresh.a("error")
        assert (refusal["code"], refusal["client_id"]) == ("foreign", "b")
    async with widget(address, identity=signed()) as (_, again):
        assert again["conversation"] == strange["conversation"]


@pytest.mark.parametrize(
    "token",
    [
        signed(exp=time.time() - 120),
        signed(exp=time.time() + 3600, nbf=time.time() + 86_400),
        signed(key="x" * 40),
        jwt.encode({"sub": "c-17", "exp": time.time() + 60}, None, algorithm="none"),
        signed(""),
        signed("x" * 201),
        jwt.encode({"sub": "c-17"}, KEY),
        signed(email=["a"]),
        signed(key=KEY, algorithm="HS512"),
        "not.a.token",
        "",
    ],
)
async def test_what_does_not_hold_makes_a_stranger_and_says_so(address: str, token: str):
    async with widget(address, identity=signed()) as (one, theirs):
        await say(one, "a", "mine")
    async with widget(address, identity=token, **keys(theirs)) as (two, welcome):
        assert [frame["code"] for frame in two.frames if frame["type"] == "error"] == ["identity"]
        assert welcome["conversation"] != theirs["conversation"]


async def test_clocks_may_differ_by_a_minute(address: str):
    async with widget(address, identity=signed(exp=time.time() - 30)) as (one, _):
        assert not [frame for frame in one.frames if frame["type"] == "error"]
        await asyncio.sleep(0)


def test_a_shop_without_a_key_signs_nobody_in_and_a_short_key_is_refused():
    with pytest.raises(WireError, match="does not sign"):
        IdentityCheck("").read(signed())
    with pytest.raises(InputError, match="a key of 5 bytes"):
        IdentityCheck("short")
