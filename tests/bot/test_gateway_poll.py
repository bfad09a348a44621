"""The widget's frames over plain HTTP: what a socket would have said, and nothing of another's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.gateway.poll import BATCH
from bot.gateway.testing import PARTNER, serving
from bot.handoff import Move
from bot.state.log import ConversationLog


@pytest.fixture
async def client(tmp_path: Path, log: ConversationLog) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(tmp_path, log) as address, httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as one:
        yield one


async def exchange(
    client: httpx.AsyncClient, *frames: dict[str, Any], wait: float = 0, **hello: Any
) -> list[dict[str, Any]]:
    body = {"hello": {"type": "hello", **hello}, "frames": frames, "wait": wait}
    answer = await client.post("/api/line", json=body)
    assert answer.status_code == 200, answer.text
    said: list[dict[str, Any]] = answer.json()["frames"]
    return said


def keys(welcome: dict[str, Any]) -> dict[str, str]:
    return {"conversation": welcome["conversation"], "token": welcome["token"]}


async def test_a_conversation_over_plain_http(client: httpx.AsyncClient, log: ConversationLog):
    (welcome,) = await exchange(client, language="zh")
    assert welcome["shop"]["greeting"].startswith("您好")
    assert await log.info(welcome["conversation"]) is None, "a page view stores nothing"
    send = {"type": "send", "client_id": "a", "text": "hello"}
    said = await exchange(client, send, **keys(welcome))
    assert [frame["type"] for frame in said] == ["welcome", "ack", "entry"]
    again = await exchange(client, send, **keys(welcome), last_seq=1)
    assert [(frame["type"], frame.get("seq")) for frame in again] == [("welcome", 1), ("ack", 1)]
    person = await exchange(client, {"type": "person", "client_id": "b"}, **keys(welcome), last_seq=1)
    assert [frame["type"] for frame in person] == ["welcome", "ack", "entry"]
    info = await log.info(welcome["conversation"])
    assert info is not None
    assert info.state.value == "queued"


async def test_what_is_said_while_it_waits_ends_the_wait(client: httpx.AsyncClient, log: ConversationLog):
    (welcome,) = await exchange(client)
    await exchange(client, {"type": "send", "client_id": "a", "text": "hello"}, **keys(welcome))
    waiting = asyncio.create_task(exchange(client, wait=20, **keys(welcome), last_seq=1))
    await asyncio.sleep(0.3)
    await log.typing(welcome["conversation"], "bot")
    assert [frame["type"] for frame in await waiting] == ["welcome", "typing"]
    waiting = asyncio.create_task(exchange(client, wait=20, **keys(welcome), last_seq=1))
    await asyncio.sleep(0.3)
    await log.move(welcome["conversation"], Move.TAKE, actor="Mia")
    await log.agent_reply(welcome["conversation"], agent="Mia", client_id="r", text="I am here.")
    said = await waiting
    assert said[1]["type"] == "entry"


async def test_another_ones_conversation_is_not_available(client: httpx.AsyncClient, log: ConversationLog):
    (mine,) = await exchange(client)
    (theirs,) = await exchange(client)
    await exchange(client, {"type": "send", "client_id": "a", "text": "secret"}, **keys(theirs))
    wrong = {"conversation": theirs["conversation"], "token": mine["token"]}
    said = await exchange(client, {"type": "send", "client_id": "x", "text": "hi"}, **wrong)
    assert [frame["type"] for frame in said] == ["error", "welcome", "ack", "entry"]
    assert said[0]["code"] == "foreign"
    assert said[1]["conversation"] not in (mine["conversation"], theirs["conversation"])
    assert "secret" not in str(said)
    assert [entry.text for entry in await log.read(theirs["conversation"])] == ["secret"]


async def test_bad_frames_are_refused_beside_good_ones(client: httpx.AsyncClient):
    (welcome,) = await exchange(client)
    frames = ({"type": "nonsense"}, {"type": "send", "client_id": "a", "text": ""}, {"type": "seen", "seq": 1})
    said = await exchange(client, *frames, {"type": "send", "client_id": "b", "text": "good"}, **keys(welcome))
    assert [frame["type"] for frame in said] == ["welcome", "error", "error", "ack", "entry"]


async def test_an_id_that_cannot_be_written_back_is_refused_without_it(client: httpx.AsyncClient):
    frame = {"type": "send", "client_id": "\ud800", "text": "x"}
    body = {"hello": {"type": "hello"}, "frames": [frame]}
    answer = await client.post("/api/line", content=json.dumps(body))
    assert answer.status_code == 200
    refusal = answer.json()["frames"][1]
    assert (refusal["code"], refusal["client_id"]) == ("bad_message", None)


async def test_two_hundred_notes_hide_nothing(client: httpx.AsyncClient, log: ConversationLog):
    (welcome,) = await exchange(client)
    await exchange(client, {"type": "send", "client_id": "a", "text": "hello"}, **keys(welcome))
    for number in range(BATCH):
        await log.note(welcome["conversation"], agent="mia", client_id=f"n{number}", text="hm")
    await log.accept(welcome["conversation"], client_id="b", text="after them")
    said = await exchange(client, **keys(welcome), last_seq=1)
    assert [frame["text"] for frame in said if frame["type"] == "entry"] == ["after them"]


async def test_another_place_in_the_queue_ends_the_wait(client: httpx.AsyncClient, log: ConversationLog):
    (first,), (second,) = await exchange(client), await exchange(client)
    for welcome in (first, second):
        await exchange(client, {"type": "person", "client_id": "p"}, **keys(welcome))
    at = [frame for frame in await exchange(client, wait=5, **keys(second), last_seq=1) if frame["type"] == "queue"]
    assert [frame["position"] for frame in at] == [2]
    waiting = asyncio.create_task(exchange(client, wait=20, **keys(second), last_seq=1))
    await asyncio.sleep(0.3)
    await log.move(first["conversation"], Move.TAKE, actor="mia")
    said = await asyncio.wait_for(waiting, 8)
    assert [frame["position"] for frame in said if frame["type"] == "queue"] == [1]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"hello": {"type": "send", "client_id": "a", "text": "x"}},
        {"hello": {"type": "hello"}, "frames": {}},
        {"hello": {"type": "hello"}, "frames": [{}] * 21},
        {"hello": {"type": "hello"}, "wait": 26},
        {"hello": {"type": "hello"}, "wait": True},
        {"hello": {"type": "hello"}, "more": 1},
        {"hello": 3},
    ],
)
async def test_other_shapes_are_refused_in_words(client: httpx.AsyncClient, body: dict[str, Any]):
    answer = await client.post("/api/line", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_message")


async def test_only_named_sites_may_use_it(client: httpx.AsyncClient):
    body = {"hello": {"type": "hello"}}
    assert (await client.post("/api/line", json=body, headers={"Origin": PARTNER})).status_code == 200
    assert (await client.post("/api/line", json=body, headers={"Origin": "https://evil.example"})).status_code == 403
