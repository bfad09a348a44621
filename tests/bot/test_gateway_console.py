"""The agents' side over a real server: signing in, listing, taking, replying, and what is pushed."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatusCode
from websockets.legacy.client import connect

from bot.gateway.auth import COOKIE, SESSION_SECONDS, Bucket, LoginGate, Signer, load_secret, same_site
from bot.gateway.console_socket import SIGNED_OUT
from bot.gateway.testing import Widget, serving, widget
from bot.handoff import Move
from bot.state.log import ConversationLog
from bot.users import UserBook, add_user, remove_user
from data.workspace import Workspace

POST = {"x-careline": "1"}


@dataclass
class Site:
    address: str
    workspace: Workspace
    log: ConversationLog

    def client(self, **options: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://{self.address}/api/console/", headers=POST, timeout=10, **options)

    @asynccontextmanager
    async def signed_in(self, name: str = "anna") -> AsyncIterator[httpx.AsyncClient]:
        user = UserBook(self.workspace).find(name)
        assert user is not None
        cookie = Signer(load_secret(self.workspace)).seal(user, now=time.time())
        async with self.client(cookies={COOKIE: cookie}) as client:
            yield client

    @asynccontextmanager
    async def console(self, client: httpx.AsyncClient) -> AsyncIterator[Widget]:
        headers = {"Cookie": f"{COOKIE}={client.cookies[COOKIE]}"}
        origin: Any = f"http://{self.address}"
        async with connect(f"ws://{self.address}/ws/console", origin=origin, extra_headers=headers) as socket:
            yield Widget(socket)

    async def ask(self, text: str, conversation: str = "c-1") -> str:
        await self.log.start(conversation, language="en", channel="widget")
        await self.log.accept(conversation, client_id=f"{conversation}-{text}", text=text)
        return conversation


@pytest.fixture(scope="session")
def users_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two agents; hashing is slow on purpose, so that is done once."""
    workspace = Workspace(tmp_path_factory.mktemp("users"))
    for name in ("anna", "bo"):
        add_user(workspace, name, password="tent-peg-42")
    return workspace.var / "users.json"


@pytest.fixture
async def site(tmp_path: Path, log: ConversationLog, users_file: Path) -> AsyncIterator[Site]:
    workspace = Workspace(tmp_path)
    workspace.var.mkdir()
    shutil.copy(users_file, workspace.var / "users.json")
    async with serving(tmp_path, log) as address:
        yield Site(address, workspace, log)


async def test_signing_in_sets_a_cookie_that_scripts_and_other_sites_do_not_get(site: Site):
    async with site.client() as client:
        assert (await client.get("me")).status_code == 401
        answer = await client.post("login", json={"name": "anna", "password": "tent-peg-42"})
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "secure" not in cookie
        assert (await client.get("me")).json() == {"name": "anna", "role": "agent"}
        await client.post("logout", json={})
        assert (await client.get("me")).status_code == 401


async def test_behind_https_the_cookie_is_secure(site: Site):
    async with site.client() as client:
        proxied = {"x-forwarded-proto": "https"}
        answer = await client.post("login", json={"name": "anna", "password": "tent-peg-42"}, headers=proxied)
        assert "secure" in answer.headers["set-cookie"].lower()


async def test_wrong_passwords_and_unknown_names_get_the_same_answer_and_guessing_is_slowed(site: Site):
    async with site.client() as client:
        answers = [await client.post("login", json={"name": n, "password": "guess-1234"}) for n in ("anna", "nobody")]
        assert answers[0].status_code == 401
        assert answers[0].json() == answers[1].json()
        codes = [(await client.post("login", json={"name": "anna", "password": "x"})).status_code for _ in range(5)]
        assert codes[-1] == 429


async def test_a_session_ends_with_its_user_or_password(site: Site):
    async with site.signed_in("anna") as anna, site.signed_in("bo") as bo:
        remove_user(site.workspace, "anna")
        add_user(site.workspace, "bo", password="another-42", replace=True)
        assert (await anna.get("me")).status_code == 401
        assert (await bo.get("me")).status_code == 401


async def test_nothing_is_told_without_signing_in(site: Site):
    await site.ask("private")
    async with site.client() as client:
        for path in ("me", "conversations", "conversations/c-1"):
            assert (await client.get(path)).status_code == 401
        for path in ("take", "reply", "note", "handback", "close"):
            answer = await client.post(f"conversations/c-1/{path}", json={"client_id": "a", "text": "x"})
            assert answer.status_code == 401
            assert "private" not in answer.text


async def test_a_post_of_another_site_is_refused_although_the_cookie_comes_along(site: Site):
    await site.ask("hello")
    async with site.signed_in() as client:
        bare = httpx.AsyncClient(cookies=client.cookies, base_url=client.base_url)
        async with bare:
            assert (await bare.post("conversations/c-1/take")).status_code == 403
            foreign = {**POST, "origin": "https://evil.example"}
            assert (await bare.post("conversations/c-1/take", headers=foreign)).status_code == 403
            same = {**POST, "origin": f"http://{site.address}"}
            assert (await bare.post("conversations/c-1/take", headers=same)).status_code == 200


async def test_the_list_is_newest_first_and_can_be_narrowed(site: Site):
    await site.ask("first", "c-1")
    await site.ask("second", "c-2")
    await site.log.move("c-1", Move.ESCALATE, actor="customer")
    async with site.signed_in() as client:
        rows = (await client.get("conversations")).json()["rows"]
        assert [row["conversation"] for row in rows] == ["c-1", "c-2"]
        assert (rows[0]["state"], rows[0]["last_text"], rows[0]["unanswered"]) == ("queued", "first", 1)
        narrowed = (await client.get("conversations", params={"state": "queued"})).json()["rows"]
        assert [row["conversation"] for row in narrowed] == ["c-1"]
        assert (await client.get("conversations", params={"state": "odd"})).status_code == 422


async def test_an_agent_takes_replies_and_hands_back_and_the_customer_sees_it(site: Site):
    async with widget(site.address) as (customer, welcome), site.signed_in() as anna:
        one = f"conversations/{welcome['conversation']}"
        await customer.say(type="send", client_id="a", text="is anyone there?")
        await customer.say(type="person", client_id="b")
        await customer.until(lambda f: f.get("client_id") == "b" and f["type"] == "ack")
        assert (await anna.post(f"{one}/take")).json()["agent"] == "anna"
        for _ in range(2):
            answer = await anna.post(f"{one}/reply", json={"client_id": "r", "text": "Yes, I am."})
            assert answer.status_code == 200
        assert answer.json()["duplicate"] is True
        assert (await customer.entry("Yes, I am."))["author"] == {"kind": "agent", "name": "anna"}
        assert (await anna.post(f"{one}/handback")).json()["state"] == "bot"
        await customer.until(lambda f: f.get("state") == "bot" and f["type"] == "entry")
        assert sum(f.get("text") == "Yes, I am." for f in customer.frames) == 1


async def test_a_reply_needs_the_conversation_and_a_colleague_may_take_it_over(site: Site):
    await site.ask("hello")
    async with site.signed_in("anna") as anna, site.signed_in("bo") as bo:
        reply = {"client_id": "r", "text": "hi"}
        assert (await anna.post("conversations/c-1/reply", json=reply)).status_code == 409
        await anna.post("conversations/c-1/take")
        refused = await bo.post("conversations/c-1/reply", json=reply)
        assert refused.status_code == 409
        assert "anna" in refused.json()["message"]
        assert (await bo.post("conversations/c-1/take")).json()["agent"] == "bo"
        assert (await bo.post("conversations/c-1/reply", json=reply)).status_code == 200
        assert (await anna.post("conversations/c-1/handback")).status_code == 409
        assert (await bo.post("conversations/c-1/close")).json()["state"] == "closed"
        assert (await bo.post("conversations/c-1/close")).status_code == 409


async def test_a_transcript_has_notes_and_reasons_and_no_events_of_rasa(site: Site):
    await site.ask("hello")
    async with site.signed_in() as anna:
        await anna.post("conversations/c-1/note", json={"client_id": "n", "text": "asks often"})
        transcript = (await anna.get("conversations/c-1")).json()
        assert [(e["kind"], e["text"]) for e in transcript["entries"]] == [
            ("customer", "hello"),
            ("note", "asks often"),
        ]
        assert transcript["row"]["conversation"] == "c-1"
        assert (await anna.get("conversations/unknown")).status_code == 404


BAD_BODIES = [
    (b"", 422),
    (b"[1]", 422),
    (b'{"client_id":"a"}', 422),
    (b'{"client_id":"a","text":""}', 422),
    (b'{"client_id":"a","text":7}', 422),
    (b'{"client_id":"a","text":"\\ud800"}', 422),
    (json.dumps({"client_id": "a", "text": "x" * 4001}).encode(), 422),
    (b"[" * 20_000, 422),
    (b"x" * 40_000, 413),
]


async def test_a_body_that_is_not_expected_is_refused(site: Site):
    await site.ask("hello")
    async with site.signed_in() as anna:
        await anna.post("conversations/c-1/take")
        for body, status in BAD_BODIES:
            answer = await anna.post("conversations/c-1/reply", content=body)
            assert answer.status_code == status, body[:40]


async def test_the_console_is_pushed_rows_and_the_entries_it_watches(site: Site):
    await site.ask("before")
    async with site.signed_in() as anna, site.console(anna) as console:
        assert (await console.a("row"))["last_text"] == "before"
        await console.say(type="watch", conversation="c-1", last_seq=0)
        assert (await console.a("watched"))["entry"]["text"] == "before"
        await site.ask("after")
        seen = await console.until(lambda f: f["type"] == "watched")
        assert (seen["conversation"], seen["entry"]["text"]) == ("c-1", "after")
        await site.ask("elsewhere", "c-2")
        assert (await console.until(lambda f: f.get("conversation") == "c-2"))["last_text"] == "elsewhere"
        await console.say(type="watch", conversation=None)
        await console.say(type="nonsense")
        assert (await console.a("error"))["code"] == "bad_message"
        assert sum(f["type"] == "watched" for f in console.frames) == 2


async def test_typing_goes_both_ways_and_is_not_stored(site: Site):
    async with widget(site.address) as (customer, welcome), site.signed_in() as anna, site.console(anna) as console:
        conversation = welcome["conversation"]
        await customer.say(type="send", client_id="a", text="hello")
        await console.until(lambda f: f.get("conversation") == conversation)
        await console.say(type="watch", conversation=conversation)
        await console.a("watched")
        await customer.say(type="typing")
        assert (await console.a("customer_typing"))["conversation"] == conversation
        await console.say(type="typing")
        assert (await customer.a("typing"))["who"] == "agent"
    info = await site.log.info(conversation)
    assert info is not None
    assert info.seq == 1


async def test_the_console_socket_needs_session_and_own_origin(site: Site):
    own: Any = f"http://{site.address}"
    for origin in (None, "https://evil.example"):
        with pytest.raises(InvalidStatusCode):
            await connect(f"ws://{site.address}/ws/console", origin=origin)  # type: ignore[arg-type]
    async with connect(f"ws://{site.address}/ws/console", origin=own) as socket:
        with pytest.raises(ConnectionClosed) as caught:
            await asyncio.wait_for(socket.recv(), 10)
        assert caught.value.code == SIGNED_OUT


async def test_a_removed_user_is_pushed_nothing_more(site: Site):
    async with site.signed_in() as anna, site.console(anna) as console:
        remove_user(site.workspace, "anna")
        await site.ask("secret")
        with pytest.raises(ConnectionClosed) as caught:
            await console.until(lambda f: False)
        assert caught.value.code == SIGNED_OUT
        assert "secret" not in json.dumps(console.frames)


def test_sessions_end_and_cannot_be_forged(tmp_path: Path):
    workspace = Workspace(tmp_path)
    add_user(workspace, "anna", password="tent-peg-42")
    users, signer = UserBook(workspace), Signer(load_secret(workspace))
    user = users.find("anna")
    assert user is not None
    cookie = signer.seal(user, now=1000)
    assert signer.open(cookie, users, now=1000 + SESSION_SECONDS) == user
    assert signer.open(cookie, users, now=1001 + SESSION_SECONDS) is None
    forged = Signer(b"x" * 32).seal(user, now=1000)
    for wrong in ("", ".", "a.b", forged, cookie[:-2], cookie + "é", cookie.split(".")[1]):
        assert signer.open(wrong, users, now=1000) is None


def test_the_secret_is_private_and_made_once(tmp_path: Path):
    workspace = Workspace(tmp_path)
    assert load_secret(workspace) == load_secret(workspace)
    path = workspace.var / "secret"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in workspace.var.iterdir()] == ["secret"]
    other = Workspace(tmp_path / "other")
    conversation, token = Signer(load_secret(workspace)).new_conversation()
    assert not Signer(load_secret(other)).owns(conversation, token)


def test_a_bucket_gives_its_burst_and_then_its_rate():
    now = [0.0]
    bucket = Bucket(2, 3, lambda: now[0])
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    now[0] = 0.5
    assert [bucket.take(), bucket.take()] == [True, False]


def test_the_login_gate_counts_names_and_addresses():
    gate = LoginGate(lambda: 0.0)
    assert [gate.admits("a", "anna") for _ in range(6)] == [True] * 5 + [False]
    assert not gate.admits("b", "anna")
    assert gate.admits("b", "bo")


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://shop.example", "shop.example", True),
        ("https://Shop.example", "shop.example", True),
        ("http://shop.example:8080", "shop.example", False),
        ("http://shop.example.evil", "shop.example", False),
        ("null", "shop.example", False),
        ("", "", False),
        (None, "shop.example", False),
    ],
)
def test_an_origin_is_the_same_site_or_not(origin: str | None, host: str, same: bool):
    assert same_site(origin, host) is same


async def test_only_leads_and_admins_turn_the_switches(site: Site):
    add_user(site.workspace, "lea", password="tent-peg-42", role="lead")
    async with site.signed_in("anna") as anna, site.signed_in("lea") as lea:
        assert (await anna.get("control")).json()["may"] is False
        assert (await anna.post("control", json={"mode": "off"})).status_code == 403
        turned = (await lea.post("control", json={"mode": "off", "topic": None})).json()
        assert (turned["mode"], turned["may"], turned["history"][0]["actor"]) == ("off", True, "lea")
        assert (await anna.get("control")).json()["mode"] == "off"
        assert (await lea.post("control", json={"mode": "answer"})).json()["mode"] == "answer"
        assert (await lea.post("control", json={"undo": True})).json()["mode"] == "off"
        for wrong in ({"mode": "loud"}, {"mode": None}, {"mode": "off", "topic": ""}, {"x": 1}, {"mode": []}):
            assert (await lea.post("control", json=wrong)).status_code == 422


async def test_an_agent_gets_a_summary_and_hands_back_what_was_agreed(site: Site):
    conversation = await site.ask("Hello! My tent NT-104021 leaks at the seam. I am very sad.")
    data = {"reason": "negative"}
    await site.log.move(conversation, Move.ESCALATE, actor="bot", data=data)
    async with site.signed_in() as anna:
        summary = (await anna.get(f"conversations/{conversation}")).json()["summary"]
        assert summary["reason"] == "negative"
        assert "My tent NT-104021 leaks at the seam." in summary["sentences"]
        await anna.post(f"conversations/{conversation}/take", json={})
        handback = f"conversations/{conversation}/handback"
        for wrong in ({"slots": {"lost": "9"}}, {"slots": {"email": 3}}, {"slots": []}, {"x": 1}):
            assert (await anna.post(handback, json=wrong)).status_code == 422
        half = b'{"slots": {"email": "\\ud800"}}'
        assert (await anna.post(handback, content=half)).status_code == 422
        slots = {"order_number": "NT-104021", "email": None}

        async def in_pieces() -> AsyncIterator[bytes]:
            yield json.dumps({"slots": slots}).encode()

        assert (await anna.post(handback, content=in_pieces())).json()["state"] == "bot"
    assert (await site.log.read(conversation))[-1].data["slots"] == slots
