"""The queue for people: places, waits, who is there, time-outs, leaving a message, going back to the bot."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.control import Mode
from bot.gateway.courier import Courier
from bot.gateway.desk import PRESENT_SECONDS, Desk, Place, usual_minutes
from bot.gateway.feed import Feed
from bot.gateway.mailbox import Mailbox, contact_in
from bot.handoff import Move, State
from bot.protocol import Back, Person, Press, Send
from bot.state.control import ControlBook
from bot.state.entry import Entry
from bot.state.keys import Keys
from bot.state.log import ConversationLog
from bot.state.outbox import Outbox
from bot.words import cancels
from data.desk_settings import Bot, Mail
from data.workspace import Shop, Workspace, WorkspaceSettings

SETTINGS = WorkspaceSettings(
    shop=Shop(hours="Mon-Sun 00:00-24:00", handoff_email="team@shop.example"),
    mail=Mail(host="mail.invalid", tls="none", sender="bot@shop.example"),
)


def a_desk(root: Path, log: ConversationLog, settings: WorkspaceSettings = SETTINGS) -> Desk:
    workspace = Workspace(root, settings)
    return Desk(workspace, log, Feed(log), Courier(workspace, Outbox(log.store)))


@pytest.fixture
def desk(tmp_path: Path, log: ConversationLog) -> Desk:
    return a_desk(tmp_path, log)


def mailbox(log: ConversationLog, desk: Desk, conversation: str = "c", language: str = "en") -> Mailbox:
    return Mailbox(log, conversation, language, begun=False, desk=desk)


async def said(log: ConversationLog, conversation: str = "c") -> list[Entry]:
    return [e for e in await log.read(conversation) if e.kind == "bot"]


async def test_places_are_by_who_came_first_and_change_when_one_is_taken(log: ConversationLog, desk: Desk) -> None:
    await desk.present("ann 1")
    for name in ("a", "b", "c"):
        await mailbox(log, desk, name).store(Person(client_id="p"))
    await log.accept("a", client_id="x", text="hello?")  # to write does not lose the place
    await desk.look()
    assert desk.places == {name: Place(at, None, True, True) for at, name in enumerate("abc", 1)}
    await log.move("a", Move.TAKE, actor="ann")
    await desk.look()
    assert desk.places["b"].position == 1
    assert "a" not in desk.places


async def test_who_came_first_is_first_in_a_long_queue_too(log: ConversationLog, desk: Desk) -> None:
    for number in range(520):
        await log.move(f"c{number}", Move.ESCALATE, actor="customer")
    await desk.look()
    assert [desk.places[f"c{number}"].position for number in (0, 20, 519)] == [1, 21, 520]


async def test_the_wait_is_told_from_measured_waits_only(log: ConversationLog, desk: Desk) -> None:
    now = time.time()
    for number in range(5):
        assert await desk.usual_wait(now=now) is None
        await mailbox(log, desk, f"c{number}").store(Person(client_id="p"))
        info = await log.info(f"c{number}")
        assert info is not None
        await desk.taken(replace(info, queued=now - 60 * (number + 1)), now=now)
    assert await desk.usual_wait(now=now) == 3
    await desk.taken(replace(info, queued=now - 9 * 3600), now=now)  # came at night
    assert await desk.usual_wait(now=now) == 3


@given(st.lists(st.integers(1, 30_000), min_size=5, max_size=20))
def test_the_usual_wait_lies_among_the_measured_ones(waits: list[int]) -> None:
    minutes = usual_minutes([(1e9, float(wait)) for wait in waits], now=1e9)
    assert minutes is not None
    assert min(waits) / 60 - 1 < minutes < max(waits) / 60 + 1
    assert usual_minutes([(1e9, 60.0)] * 20, now=1e9 + 8 * 86400) is None, "old waits say nothing"


async def test_nobody_there_is_said_once_and_agents_get_one_mail(
    log: ConversationLog, desk: Desk, tmp_path: Path
) -> None:
    box = mailbox(log, desk, language="zh")
    await box.store(Person(client_id="p"))
    other = a_desk(tmp_path, log)
    await desk.look()
    assert await said(log) == [], "an agent may just load the console anew"
    for each in (desk, other, desk):
        await each.look(now=time.time() + 11)
    (notice,) = await said(log)
    assert "邮箱或电话" in notice.text
    assert "每天 0:00–24:00" in notice.text
    info = await log.info("c")
    assert info is not None
    assert (info.state, info.unanswered) == (State.QUEUED, 0)
    assert info.waiting_since is not None
    job = await desk.courier.outbox.take()
    assert job is not None
    assert job.content["link"].endswith("/console/#/c")
    assert await desk.courier.outbox.take() is None


async def test_a_message_with_contact_reaches_agents_once(log: ConversationLog, desk: Desk) -> None:
    box = mailbox(log, desk)
    await box.store(Person(client_id="p"))
    message = Send(client_id="m", text="The tent leaks. Reach me at Jo.Berg@mail.example please")
    assert await box.store(message) == await box.store(message)
    jobs = [job for _ in range(3) if (job := await desk.courier.outbox.take()) is not None]
    assert [(job.content["contact"], "leaks" in job.content["text"]) for job in jobs] == [
        ("Jo.Berg@mail.example", True)
    ]
    assert [e.text for e in await said(log)] == [
        "Thank you. Our team has your message and can reach you at Jo.Berg@mail.example."
    ]


async def test_to_someone_who_is_there_no_mail_is_sent(log: ConversationLog, desk: Desk) -> None:
    await desk.present("ann 1")
    box = mailbox(log, desk)
    await box.store(Person(client_id="p"))
    await box.store(Send(client_id="m", text="I am jo@mail.example"))
    await desk.look()
    assert await desk.courier.outbox.waiting() == 0
    assert await said(log) == []
    await desk.gone("ann 1")
    assert not await desk.online()


async def test_one_look_that_fails_is_not_the_last(
    log: ConversationLog, desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await mailbox(log, desk, "a").store(Person(client_id="p"))
    await mailbox(log, desk, "b").store(Person(client_id="p"))
    state = await log.store.redis.hget(Keys("a").own("meta"), "state")
    await log.store.redis.hset(Keys("a").own("meta"), "state", "nonsense")
    monkeypatch.setattr("bot.gateway.desk.LOOK_SECONDS", 0.05)
    running = asyncio.create_task(desk.run())
    await asyncio.sleep(0.3)
    assert "nonsense" in caplog.text
    await log.store.redis.hset(Keys("a").own("meta"), "state", state)
    await asyncio.sleep(0.3)
    running.cancel()
    assert set(desk.places) == {"a", "b"}


async def test_consoles_of_a_gateway_that_was_killed_are_forgotten(
    log: ConversationLog, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        await desk.present(f"ann {number}")
    later = time.time() + 3 * PRESENT_SECONDS
    monkeypatch.setattr("bot.gateway.desk.time.time", lambda: later)
    await desk.present("bob 1")
    assert await log.store.redis.zrange("desk:{desk}:present", 0, -1) == ["bob 1"]


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_without_hours_none_are_told(tmp_path: Path, log: ConversationLog, language: str) -> None:
    desk = a_desk(tmp_path, log, replace(SETTINGS, shop=replace(SETTINGS.shop, hours="")))
    await mailbox(log, desk, language=language).store(Person(client_id="p"))
    await desk.look(now=time.time() + 11)
    (told,) = await said(log)
    assert "(" not in told.text
    assert "（" not in told.text
    await log.move("c", Move.TAKE, actor="ann")
    await desk.look()
    assert desk._told == {}, "who waits no more is forgotten"


async def test_outside_hours_an_open_console_counts_for_nothing(tmp_path: Path, log: ConversationLog) -> None:
    today = time.strftime("%m-%d")
    closed = replace(SETTINGS, shop=replace(SETTINGS.shop, holidays=(today,)))
    desk = a_desk(tmp_path, log, closed)
    await desk.present("ann 1")
    assert not await desk.online()


async def test_after_the_time_out_the_customer_may_wait_leave_a_message_or_go_back(
    log: ConversationLog, desk: Desk
) -> None:
    await desk.present("ann 1")
    box = mailbox(log, desk)
    await box.store(Person(client_id="p"))
    await desk.look(now=time.time() + 599)
    assert await said(log) == []
    for _ in range(2):
        await desk.look(now=time.time() + 601)
    (late,) = await said(log)
    assert "10 minutes" in late.text
    wait, leave, back = (f"{late.seq}.{number}" for number in (0, 1, 2))
    await box.store(Press(client_id="w", button=wait))
    await box.store(Press(client_id="l", button=leave))
    assert [e.data["notice"] for e in await said(log)] == ["late", "wait", "leave"]
    await box.store(Send(client_id="m", text="call +49 30 901820 please"))
    assert (await said(log))[-1].data["notice"] == "noted", "it was promised that agents get it"
    await box.store(Press(client_id="b", button=back))
    info = await log.info("c")
    assert info is not None
    assert info.state is State.BOT
    assert (await log.read("c"))[-1].data["payload"] == "/cancel", "the bot answers to it"
    assert info.pending


@pytest.mark.parametrize("words", ["never mind", "Cancel!", "算了", "返回机器人。"])
async def test_words_cancel_only_the_waiting(log: ConversationLog, desk: Desk, words: str) -> None:
    box = mailbox(log, desk)
    await box.store(Send(client_id="1", text=words))
    assert "payload" not in (await log.read("c"))[-1].data, "the bot has it: Rasa understands the words"
    await box.store(Person(client_id="p"))
    await box.store(Send(client_id="2", text=words))
    await box.store(Send(client_id="2", text=words))
    moves = [e.data["move"] for e in await log.read("c") if e.kind == "state"]
    assert moves == ["escalate", "cancel"]


async def test_who_goes_back_when_an_agent_has_come_stays_with_them(log: ConversationLog, desk: Desk) -> None:
    box = mailbox(log, desk)
    await box.store(Person(client_id="p"))
    await log.move("c", Move.TAKE, actor="ann")
    await box.store(Back(client_id="b"))
    info = await log.info("c")
    assert info is not None
    assert info.state is State.AGENT


async def test_a_bot_that_may_not_answer_is_no_way_out(tmp_path: Path, log: ConversationLog) -> None:
    desk = a_desk(tmp_path, log, replace(SETTINGS, bot=Bot(mode="suggest")))
    await mailbox(log, desk).store(Person(client_id="p"))
    await desk.look(now=time.time() + 11)
    assert desk.places["c"].back is False
    assert (await said(log))[0].data["buttons"] == []
    await ControlBook(log.store).turn(Mode.ANSWER, actor="ann")
    await desk.look()
    assert desk.places["c"].back is True


@pytest.mark.parametrize(
    ("text", "contact"),
    [
        ("write to jo@mail.example, or 030 901820", "jo@mail.example"),
        ("ring me: +49 30 901820", "+49 30 901820"),
        ("我的邮箱是 wang@mail.example", "wang@mail.example"),
        ("my order is 48213", ""),
    ],
)
def test_contact_is_an_address_or_a_number_to_ring(text: str, contact: str) -> None:
    assert contact_in(text) == contact


def test_only_whole_messages_cancel() -> None:
    assert not cancels("please cancel my order")
    assert not cancels("")
