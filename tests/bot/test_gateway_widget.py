"""The widget's socket over a real server and a real log: stored, acknowledged, delivered, resumed, refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatusCode
from websockets.legacy.client import connect

from bot.gateway.mailbox import rasa_text
from bot.gateway.testing import PARTNER, Widget, serving, widget
from bot.gateway.wording import shop_info, shop_language
from bot.handoff import Move
from bot.state.log import ConversationLog, dump
from data.workspace import Services, Shop, WorkspaceSettings


@pytest.fixture
async def address(tmp_path: Path, log: ConversationLog) -> AsyncIterator[str]:
    async with serving(tmp_path, log) as address:
        yield address


NO_SWITCHES = ("", "0", "", "{}", "")


async def bot_says(log: ConversationLog, conversation: str, text: str, **data: Any) -> None:
    """What the worker's commit does, without Rasa."""
    from bot.state import scripts

    lease = await log.store.script(scripts.LEASE, conversation, "test", 60_000, 0)
    info = await log.info(conversation)
    assert info is not None
    seq = info.customer if info.customer > info.answered else 0
    await log.store.script(
        scripts.COMMIT,
        conversation,
        lease[0],
        seq,
        "",
        "",
        "",
        "0",
        dump({"events": []}),
        "",
        *NO_SWITCHES,
        text,
        dump(data),
    )
    await log.store.script(scripts.RELEASE, conversation, f"test:{lease[0]}", "0")


def keys(welcome: dict[str, Any]) -> dict[str, str]:
    return {"conversation": welcome["conversation"], "token": welcome["token"]}


async def test_a_message_is_acknowledged_once_it_is_stored(address: str, log: ConversationLog):
    async with widget(address, language="zh-CN") as (one, welcome):
        assert welcome["shop"]["name"] == "Test Shop"
        assert welcome["shop"]["greeting"].startswith("您好")
        assert (welcome["seq"], welcome["state"]) == (0, "bot")
        assert await log.info(welcome["conversation"]) is None, "a page view stores nothing"
        await one.say(type="send", client_id="a", text=" hello ")
        ack = await one.a("ack")
    entries = await log.read(welcome["conversation"])
    assert [(e.seq, e.text) for e in entries] == [(ack["seq"], "hello")]
    info = await log.info(welcome["conversation"])
    assert info is not None
    assert (info.language, info.channel) == ("zh", "widget")


async def test_a_resend_is_acknowledged_again_and_stored_once(address: str, log: ConversationLog):
    async with widget(address) as (one, welcome):
        await one.say(type="send", client_id="a", text="hello")
        first = await one.a("ack")
    async with widget(address, **keys(welcome)) as (again, _):
        await again.say(type="send", client_id="a", text="hello")
        assert (await again.a("ack"))["seq"] == first["seq"]
    assert len(await log.read(welcome["conversation"])) == 1


async def test_entries_reach_every_socket_of_the_conversation_in_order(address: str, log: ConversationLog):
    async with widget(address) as (one, welcome), widget(address, **keys(welcome)) as (two, _):
        await one.say(type="send", client_id="a", text="where is my order")
        await two.entry("where is my order")
        await bot_says(log, welcome["conversation"], "On its way")
        for each in (one, two):
            entry = await each.entry("On its way")
            assert entry["author"] == {"kind": "bot", "name": "bot"}
            assert each.seqs == sorted(set(each.seqs))


async def test_resuming_has_no_gap_and_no_duplicate(
    address: str, log: ConversationLog, monkeypatch: pytest.MonkeyPatch
):
    async with widget(address) as (one, welcome):
        await one.say(type="send", client_id="first", text="first")
        seen = (await one.entry("first"))["seq"]
    conversation = welcome["conversation"]
    monkeypatch.setattr("bot.state.log.MOST_BEHIND", 1000)
    for n in range(450):
        await log.accept(conversation, client_id=f"c{n}", text=f"missed {n}")
    async with widget(address, **keys(welcome), last_seq=seen) as (again, resumed):
        assert resumed["conversation"] == conversation
        await log.accept(conversation, client_id="live", text="live")
        await again.entry("live")
        assert again.seqs == list(range(seen + 1, seen + 452))


async def test_what_is_not_for_customers_leaves_holes_only(address: str, log: ConversationLog):
    async with widget(address) as (one, welcome):
        await one.say(type="send", client_id="a", text="hi")
        await one.a("ack")
        conversation = welcome["conversation"]
        await bot_says(
            log,
            conversation,
            "hello",
            custom={"why": {"model": "secret"}, "source": {"title": "T", "conversations": ["c1", "c2"], "support": 3}},
        )
        await log.note(conversation, agent="mia", client_id="n", text="a difficult one")
        await log.accept(conversation, client_id="b", text="last")
        await one.entry("last")
        entries = [f for f in one.frames if f["type"] == "entry"]
        assert [e["kind"] for e in entries] == ["customer", "bot", "customer"]
        assert entries[1]["why"] is None
        assert entries[1]["source"] == {
            "title": "T",
            "conversations": 2,
            "support": 3,
            "last_used": None,
            "question": None,
            "kind": "log",
            "url": None,
        }
        assert entries[1]["sources"] == [entries[1]["source"]]
        assert "difficult" not in json.dumps(one.frames)


async def test_a_foreign_token_gets_a_fresh_conversation_and_nothing_else(address: str, log: ConversationLog):
    async with widget(address) as (victim, welcome):
        await victim.say(type="send", client_id="a", text="my card is lost")
        await victim.a("ack")
    async with widget(address) as (_, other):
        own_token = other["token"]
    for token in (None, "", own_token, welcome["token"][:-1] + "~"):
        async with widget(address, conversation=welcome["conversation"], token=token) as (thief, fresh):
            assert thief.frames[0]["code"] == "foreign"
            assert fresh["conversation"] != welcome["conversation"]
            await thief.say(type="send", client_id="b", text="mine")
            await thief.entry("mine")
            assert "card" not in json.dumps(thief.frames)
    assert len(await log.read(welcome["conversation"])) == 1


async def test_a_log_that_lost_what_the_client_saw_begins_anew(address: str):
    async with widget(address) as (_, welcome):
        pass
    async with widget(address, **keys(welcome), last_seq=7) as (one, fresh):
        assert one.frames[0]["code"] == "foreign"
        assert fresh["conversation"] != welcome["conversation"]


async def test_origins_that_are_not_allowed_are_refused(address: str):
    for origin in ("https://evil.example", f"http://{address}.evil.example", "null"):
        with pytest.raises(InvalidStatusCode) as caught:
            await connect(f"ws://{address}/ws/widget", origin=origin)
        assert caught.value.status_code == 403
    async with widget(address, origin=PARTNER) as (_, welcome):
        assert welcome["state"] == "bot"


async def test_text_that_rasa_would_execute_is_stored_as_text(address: str, log: ConversationLog):
    async with widget(address) as (one, welcome):
        await one.say(type="send", client_id="a", text="  /restart")
        assert (await one.entry("/restart"))["text"] == "/restart"
    (entry,) = await log.read(welcome["conversation"])
    assert not entry.data["payload"].strip().startswith("/")
    assert rasa_text("no command") is None


@pytest.mark.rasa
def test_rasa_reads_escaped_text_as_text():
    from rasa.core.channels.channel import UserMessage
    from rasa.nlu.classifiers.regex_message_handler import RegexMessageHandler
    from rasa.shared.nlu.training_data.message import Message

    for text in ("/restart", '/choose{"answer": "a1"}', "/"):
        escaped = UserMessage(rasa_text(text)).text
        (read,) = RegexMessageHandler().process([Message({"text": escaped})])
        assert read.get("intent") is None
    (read,) = RegexMessageHandler().process([Message({"text": "/restart"})])
    assert read.get("intent")["name"] == "restart", "or this test shows nothing"


async def test_a_button_is_resolved_on_the_server(address: str, log: ConversationLog):
    async with widget(address) as (one, welcome):
        await one.say(type="send", client_id="a", text="tent")
        await one.a("ack")
        buttons = [
            {"title": "Pitching", "payload": '/choose{"answer": "a1"}'},
            {"title": "Care", "payload": '/choose{"answer": "a2"}'},
        ]
        await bot_says(log, welcome["conversation"], "Did you mean", buttons=buttons)
        entry = await one.entry("Did you mean")
        assert [b["title"] for b in entry["buttons"]] == ["Pitching", "Care"]
        assert "choose" not in json.dumps(entry)
        await one.say(type="press", client_id="b", button=entry["buttons"][1]["id"])
        await one.a("ack")
        for wrong in ("9.0", f"{entry['seq']}.2", "1.0", "x", "1.-1", "٣.0", f"{'9' * 60}.0"):
            await one.say(type="press", client_id="c", button=wrong)
            assert (await one.a("error"))["code"] == "refused", wrong
    last = (await log.read(welcome["conversation"]))[-1]
    assert (last.kind, last.text, last.data["payload"]) == ("customer", "Care", '/choose{"answer": "a2"}')


async def test_one_click_asks_for_a_person_and_asking_twice_changes_nothing(address: str, log: ConversationLog):
    async with widget(address) as (one, welcome):
        for client_id in ("a", "a", "b"):
            await one.say(type="person", client_id=client_id)
            await one.a("ack")
        state = next(f for f in one.frames if f["type"] == "entry")
        assert (state["state"], state["client_id"]) == ("queued", "a")
    moves = [e for e in await log.read(welcome["conversation"]) if e.kind == "state"]
    assert len(moves) == 1


async def test_what_the_customer_thinks_of_an_answer_is_stored_and_shown_to_all(address: str, log: ConversationLog):
    async with widget(address) as (one, welcome):
        conversation = welcome["conversation"]
        await one.say(type="send", client_id="a", text="hello")
        await one.entry("hello")
        await bot_says(log, conversation, "an answer")
        answer = await one.entry("an answer")
        await one.say(type="rate", client_id="b", seq=answer["seq"], rating="down")
        await one.say(type="rate", client_id="c", seq=answer["seq"], rating="down", reason="wrong")
        await one.say(type="rate", client_id="d", seq=0, rating="4")
        last = await one.until(lambda frame: frame.get("rating") == "4")
        assert (last["rates"], last["author"]["kind"], last["client_id"]) == (0, "customer", "d")
    feedback = [dict(entry.data) for entry in await log.read(conversation) if entry.kind == "feedback"]
    assert feedback == [
        {"client_id": "b", "rates": answer["seq"], "rating": "down", "reason": ""},
        {"client_id": "c", "rates": answer["seq"], "rating": "down", "reason": "wrong"},
        {"client_id": "d", "rates": 0, "rating": "4", "reason": ""},
    ]
    info = await log.info(conversation)
    assert info is not None
    assert (info.pending, info.last_text) == (False, "an answer"), "feedback is no message"


@pytest.mark.parametrize(("seq", "rating"), [(1, "up"), (3, "5"), (99, "up"), (0, "up"), (2, "down")], ids=str)
async def test_only_what_was_said_to_the_customer_can_be_rated(
    address: str, log: ConversationLog, seq: int, rating: str
):
    async with widget(address) as (one, welcome):
        await one.say(type="send", client_id="a", text="hello")
        await one.entry("hello")
        await bot_says(log, welcome["conversation"], "an answer")  # 2 is the turn, 3 the answer
        await one.say(type="rate", client_id="b", seq=seq, rating=rating)
        refusal = await one.a("error")
        assert (refusal["code"], refusal["client_id"]) == ("refused", "b")


async def test_nothing_can_be_rated_before_anything_was_said(address: str, log: ConversationLog):
    async with widget(address) as (one, welcome):
        await one.say(type="rate", client_id="a", seq=0, rating="5")
        assert (await one.a("error"))["code"] == "refused"
        assert await log.info(welcome["conversation"]) is None


async def test_an_agents_reply_and_typing_reach_the_widget(address: str, log: ConversationLog):
    async with widget(address) as (one, welcome):
        conversation = welcome["conversation"]
        await one.say(type="person", client_id="a")
        await one.a("ack")
        await log.move(conversation, Move.TAKE, actor="mia")
        await one.until(lambda f: f.get("state") == "agent")
        await log.typing(conversation, "agent")
        assert (await one.a("typing"))["who"] == "agent"
        await log.agent_reply(conversation, agent="mia", client_id="r", text="I am here")
        assert (await one.entry("I am here"))["author"] == {"kind": "agent", "name": "mia"}


@pytest.mark.parametrize("frame", ["", "{", '{"type":"send","client_id":"a","text":"x"}', b"\x00\x01"])
async def test_a_socket_that_does_not_say_hello_is_closed(address: str, frame: str | bytes):
    async with connect(f"ws://{address}/ws/widget", origin=f"http://{address}") as socket:
        await socket.send(frame)
        one = Widget(socket)
        assert (await one.next())["code"] == "bad_message"
        with pytest.raises(ConnectionClosed):
            await one.next()


async def test_bad_frames_are_refused_and_the_socket_lives_on(address: str):
    async with widget(address) as (one, _):
        for frame, code in (
            ("{", "bad_message"),
            ('{"type":"hello"}', "bad_message"),
            (json.dumps({"type": "send", "client_id": "a", "text": "x" * 4001}), "too_long"),
            (json.dumps({"type": "send", "client_id": "a", "text": "   "}), "bad_message"),
            ("x" * 17_000, "too_long"),
        ):
            await one.socket.send(frame)
            assert (await one.a("error"))["code"] == code
        await one.say(type="send", client_id="ok", text="still here")
        assert (await one.a("ack"))["client_id"] == "ok"


async def test_a_flood_is_slowed_and_says_which_message_was_refused(address: str, log: ConversationLog):
    async with widget(address) as (one, welcome):
        for n in range(40):
            await one.say(type="send", client_id=f"c{n}", text="again")
        refused = await one.until(lambda f: f.get("code") == "too_fast")
        assert refused["client_id"].startswith("c")
    assert len(await log.read(welcome["conversation"])) < 40


def test_a_shop_speaks_its_own_languages():
    chinese = Shop(name="茶馆", languages=("zh-CN",))
    assert shop_language(chinese, "en") == "zh"
    assert shop_language(Shop(languages=("en", "zh")), "zh-TW") == "zh"
    assert shop_language(Shop(languages=("de", "en")), "fr") == "de"
    assert shop_info(WorkspaceSettings(shop=chinese), "zh").greeting == "您好，欢迎光临 茶馆！请问有什么可以帮您？"
    own = Shop(name="Tea", greeting="Tea?")
    assert shop_info(WorkspaceSettings(shop=own), "de").greeting == "Tea?"


def test_orders_are_suggested_only_where_they_can_be_looked_up():
    known = shop_info(WorkspaceSettings(services=Services(orders="sample")), "en").suggested
    unknown = shop_info(WorkspaceSettings(), "en").suggested
    assert known == ("Where is my order?", *unknown)
