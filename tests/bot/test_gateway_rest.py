"""The REST API over a real server and a real log: begun, said, read in order, waited for, and nobody else's."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from bot.embedded import EmbeddedRedis
from bot.gateway.testing import serving
from bot.handoff import Move
from bot.openapi import OPERATIONS, document
from bot.state.log import ConversationLog, dump
from data.workspace import Web, WorkspaceSettings, find_workspace, write_settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def client(tmp_path: Path, log: ConversationLog) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving(tmp_path, log) as address,
        httpx.AsyncClient(base_url=f"http://{address}/api/v1", timeout=30) as one,
    ):
        yield one


async def begin(client: httpx.AsyncClient, **wish: Any) -> tuple[str, dict[str, str]]:
    """(path of a new conversation, headers that own it)."""
    answer = await client.post("/conversations", json=wish)
    assert answer.status_code == 201, answer.text
    begun = answer.json()
    return f"/conversations/{begun['conversation']}", {"Authorization": f"Bearer {begun['token']}"}


async def test_a_conversation_from_beginning_to_a_persons_answer(client: httpx.AsyncClient, log: ConversationLog):
    path, headers = await begin(client, language="zh-CN", channel="whatsapp")
    said = await client.post(f"{path}/messages", headers=headers, json={"client_id": "a", "text": " /restart 你好 "})
    assert (said.status_code, said.json()) == (202, {"client_id": "a", "seq": 1})
    again = await client.post(f"{path}/messages", headers=headers, json={"client_id": "a", "text": "/restart 你好"})
    assert again.json() == said.json()
    conversation = path.rpartition("/")[2]
    (stored,) = await log.read(conversation)
    assert stored.text == "/restart 你好"
    assert stored.data["payload"] != "/restart 你好", "Rasa would take it for a command"
    info = await log.info(conversation)
    assert info is not None
    assert (info.language, info.channel) == ("zh", "whatsapp")
    asked = await client.post(f"{path}/person", headers=headers, json={"client_id": "b"})
    assert asked.status_code == 202
    await log.move(conversation, Move.TAKE, actor="Mia")
    await log.note(conversation, agent="Mia", client_id="n", text="not for customers")
    await log.agent_reply(conversation, agent="Mia", client_id="r", text="I am here.")
    page = (await client.get(f"{path}/entries", headers=headers)).json()
    assert [entry["kind"] for entry in page["entries"]] == ["customer", "state", "state", "agent"]
    assert page["state"] == "agent"
    rest = (await client.get(f"{path}/entries", headers=headers, params={"after": page["next"]})).json()
    assert (rest["entries"], rest["next"]) == ([], page["next"])
    assert "not for customers" not in str(page)


async def test_waiting_ends_with_the_first_entry_or_with_the_time(client: httpx.AsyncClient, log: ConversationLog):
    path, headers = await begin(client)
    await client.post(f"{path}/messages", headers=headers, json={"client_id": "a", "text": "hello"})
    began = time.monotonic()
    silent = await client.get(f"{path}/entries", headers=headers, params={"after": 1, "wait": 0.3})
    assert silent.json()["entries"] == []
    assert time.monotonic() - began >= 0.3
    waiting = asyncio.create_task(client.get(f"{path}/entries", headers=headers, params={"after": 1, "wait": 20}))
    await asyncio.sleep(0.2)
    await log.note(path.rpartition("/")[2], agent="Mia", client_id="n", text="wakes nobody")
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await client.post(f"{path}/messages", headers=headers, json={"client_id": "b", "text": "anyone?"})
    answer = (await waiting).json()
    assert [(entry["seq"], entry["text"]) for entry in answer["entries"]] == [(3, "anyone?")]


async def test_a_button_is_pressed_by_its_opaque_id(client: httpx.AsyncClient, log: ConversationLog):
    from bot.state import scripts

    path, headers = await begin(client)
    await client.post(f"{path}/messages", headers=headers, json={"client_id": "a", "text": "hello"})
    conversation = path.rpartition("/")[2]
    lease = await log.store.script(scripts.LEASE, conversation, "test", 60_000, 0)
    data = dump({"buttons": [{"title": "Track", "payload": "/order_status"}]})
    await log.store.script(
        scripts.COMMIT,
        conversation,
        lease[0],
        1,
        "",
        "",
        "",
        "0",
        dump({"events": []}),
        "",
        *("", "0", "", "{}", ""),
        "Which?",
        data,
    )
    page = (await client.get(f"{path}/entries", headers=headers)).json()
    (button,) = page["entries"][-1]["buttons"]
    assert set(button) == {"id", "title"}
    pressed = await client.post(f"{path}/choices", headers=headers, json={"client_id": "c", "button": button["id"]})
    entry = (await log.read(conversation, after=pressed.json()["seq"] - 1))[0]
    assert (entry.text, entry.data["payload"]) == ("Track", "/order_status")
    wrong = await client.post(f"{path}/choices", headers=headers, json={"client_id": "d", "button": "99.0"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "refused")


async def test_nobody_elses_conversation_can_be_read_or_written(client: httpx.AsyncClient, log: ConversationLog):
    mine, my_headers = await begin(client)
    theirs, _ = await begin(client)
    await client.post(f"{mine}/messages", headers=my_headers, json={"client_id": "a", "text": "secret"})
    calls = [
        ("GET", "entries", None),
        ("POST", "messages", {"client_id": "x", "text": "hi"}),
        ("POST", "choices", {"client_id": "x", "button": "1.0"}),
        ("POST", "person", {"client_id": "x"}),
    ]
    for method, what, body in calls:
        for headers in (my_headers, {"Authorization": "Basic eA=="}, {"Authorization": "Bearer wrong"}, {}):
            answer = await client.request(method, f"{theirs}/{what}", headers=headers, json=body)
            assert answer.status_code in (401, 404), (method, what)
            unknown = await client.request(method, f"/conversations/unknown/{what}", headers=headers, json=body)
            assert (unknown.status_code, unknown.text) == (answer.status_code, answer.text), "tells what exists"
    assert await log.read(theirs.rpartition("/")[2]) == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 422, "bad_message"),
        (b"[]", 422, "bad_message"),
        (b'{"client_id": "a"}', 422, "bad_message"),
        (b'{"client_id": "a", "text": 3}', 422, "bad_message"),
        (b'{"client_id": "a", "text": "  "}', 422, "bad_message"),
        (b'{"client_id": "", "text": "hi"}', 422, "bad_message"),
        (b'{"client_id": "a", "text": "\\ud800"}', 422, "bad_message"),
        (b'{"client_id": "a", "text": "hi", "payload": "/x"}', 422, "bad_message"),
        (b'{"client_id": "a", "text": "' + b"x" * 4001 + b'"}', 422, "too_long"),
        (b'"' + b"x" * 40_000 + b'"', 413, "too_long"),
    ],
)
async def test_bad_bodies_are_refused_in_words(client: httpx.AsyncClient, body: bytes, status: int, code: str):
    path, headers = await begin(client)
    answer = await client.post(f"{path}/messages", headers=headers, content=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"]


async def test_too_many_messages_at_once_are_refused_with_a_time_to_come_back(client: httpx.AsyncClient):
    path, headers = await begin(client)
    answers = [
        await client.post(f"{path}/messages", headers=headers, json={"client_id": str(i), "text": "hi"})
        for i in range(40)
    ]
    late = [answer for answer in answers if answer.status_code == 429]
    assert late
    assert late[0].headers["retry-after"]


async def test_other_sites_pages_may_not_use_it(client: httpx.AsyncClient):
    answer = await client.post("/conversations", json={}, headers={"Origin": "https://evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign")


async def test_the_description_has_every_route(client: httpx.AsyncClient):
    described = (await client.get("/openapi.json")).json()
    assert described == document()
    assert {(one.method, one.path) for one in OPERATIONS} == {
        (method, path) for path, methods in described["paths"].items() for method in methods
    }


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The API's own description, at a gateway that slows nobody."""
    root = tmp_path_factory.mktemp("described")
    write_settings(root, WorkspaceSettings(web=Web(requests=100_000.0)))
    workspace = find_workspace(str(root))
    with EmbeddedRedis(workspace) as server:
        environment = {**os.environ, "CARELINE_WORKSPACE": str(root), "REDIS_URL": server.url}
        port = _free_port()
        command = [sys.executable, "-m", "bot.gateway", "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment)
        try:
            _wait(f"http://127.0.0.1:{port}/healthz", process)
            yield schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/api/v1/openapi.json")
        finally:
            process.terminate()
            process.wait(30)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + 60
    while True:
        assert process.poll() is None
        assert time.monotonic() < limit
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)  # nothing listens yet


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_sent_is_answered_as_described(case: schemathesis.Case, described: Any):
    base = described.get_base_url()
    begun = httpx.post(f"{base}/conversations", json={}).json()
    named = case.path_parameters.get("conversation")
    if named is not None and re.fullmatch("[A-Za-z0-9_-]{1,200}", named) and len(named) % 2:
        case.path_parameters["conversation"] = begun["conversation"]
    case.query = {**(case.query or {}), **({"wait": 0} if "wait" in (case.query or {}) else {})}
    case.call_and_validate(headers={"Authorization": f"Bearer {begun['token']}"})
