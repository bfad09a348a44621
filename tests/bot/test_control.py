"""The switches: their rule, their copies in every shard, who turned them, and commits that meet them."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from bot.control import Control, Mode
from bot.control_cli import app
from bot.embedded import EmbeddedRedis
from bot.handoff import State
from bot.settings import first_mode
from bot.state import keys
from bot.state.control import ControlBook
from bot.state.entry import Entry, Refused
from bot.state.hydrate import Window, read_window
from bot.state.log import ConversationLog
from bot.state.turn import Turn, topics_of
from bot.state.work import WorkQueue
from data.desk_settings import Bot
from data.errors import InputError
from data.workspace import Workspace, WorkspaceSettings

TOPICS = st.lists(st.sampled_from(["delivery", "order_status", "greeting"]), max_size=3)


@pytest.fixture
def book(log: ConversationLog) -> ControlBook:
    return ControlBook(log.store)


@given(st.sampled_from(Mode), st.dictionaries(st.sampled_from(["delivery", "greeting"]), st.sampled_from(Mode)), TOPICS)
def test_the_strictest_counts_and_off_stops_all(base: Mode, topics: dict[str, Mode], about: list[str]) -> None:
    mode = Control(base, topics).mode_of(about)
    met = [topics.get(topic, base) for topic in about] or [base]
    if base is Mode.OFF or Mode.OFF in met:
        assert mode is Mode.OFF
    else:
        assert (mode is Mode.ANSWER) == all(m is Mode.ANSWER for m in met)


async def test_a_first_mode_is_set_once_and_never_over_a_switch(book: ControlBook) -> None:
    assert (await book.begin(Mode.SUGGEST)).base is Mode.SUGGEST
    await book.turn(Mode.OFF, actor="ann")
    assert (await book.begin(Mode.ANSWER)).base is Mode.OFF


async def test_a_change_that_a_failover_lost_does_not_hide_the_next(book: ControlBook, log: ConversationLog) -> None:
    before = await book.begin(Mode.ANSWER)
    await book.turn(Mode.SUGGEST, actor="ann")
    lost = {"base": "answer", "version": str(before.version)}  # the copies have the change, their origin has not
    await log.store.redis.delete(keys.CONTROL)
    await log.store.redis.hset(keys.CONTROL, mapping=lost)
    await book.turn(Mode.OFF, actor="ann")
    copies = [await log.store.redis.hget(keys.control(shard), "base") for shard in range(keys.SHARDS)]
    assert copies == ["off"] * keys.SHARDS


async def test_history_and_undo(book: ControlBook) -> None:
    await book.begin(Mode.SUGGEST)
    with pytest.raises(Refused, match="nothing to undo"):
        await book.undo(actor="ann")
    await book.turn(Mode.ANSWER, actor="ann", topic="delivery")
    await book.turn(Mode.ANSWER, actor="ann", topic="delivery")  # says nothing new: no second entry
    undone = await book.undo(actor="bo")
    assert undone.topics == {}
    told = [(c.actor, c.topic, c.mode, c.before) for c in await book.history()]
    assert told == [
        ("bo", "delivery", None, Mode.ANSWER),
        ("ann", "delivery", Mode.ANSWER, None),
        ("careline.toml", None, Mode.SUGGEST, None),
    ]


async def test_every_shard_has_the_switches_when_the_call_returns(book: ControlBook, log: ConversationLog) -> None:
    await book.turn(Mode.OFF, actor="ann")
    for shard in range(keys.SHARDS):
        assert await log.store.redis.hget(keys.control(shard), "base") == "off"


async def test_copies_that_a_dead_writer_left_behind_are_mended_and_never_set_back(
    book: ControlBook, log: ConversationLog
) -> None:
    await book.turn(Mode.SUGGEST, actor="ann")
    old = await log.store.redis.hgetall(keys.CONTROL)
    await book.turn(Mode.OFF, actor="ann", topic="delivery")
    await log.store.redis.delete(keys.control(7))
    await log.store.redis.hset(keys.control(9), "version", 1)
    assert await book.spread() == 2
    assert await log.store.redis.hget(keys.control(9), "topic:delivery") == "off"
    assert await book._copy(old) == 0, "an older version changes nothing"


async def test_two_writers_at_once_leave_one_truth(book: ControlBook, log: ConversationLog) -> None:
    modes = [mode for mode, _ in itertools.product(Mode, range(6))]
    await asyncio.gather(*(book.turn(mode, actor="x", topic="t") for mode in modes))
    truth = await book.read()
    copies = {await log.store.redis.hget(keys.control(shard), "topic:t") for shard in range(keys.SHARDS)}
    assert copies == {truth.topics["t"].value}


@pytest.mark.parametrize("topic", ["", "x" * 300, "two\nlines"])
async def test_names_that_no_topic_has_are_refused(book: ControlBook, topic: str) -> None:
    with pytest.raises(ValueError, match="expected the name of a topic"):
        await book.turn(Mode.OFF, actor="ann", topic=topic)


def test_a_workspace_without_the_setting_answers_and_a_wrong_one_is_refused(tmp_path: Any) -> None:
    assert first_mode(Workspace(tmp_path)) is Mode.ANSWER
    with pytest.raises(InputError, match="expected off, suggest or answer"):
        first_mode(Workspace(tmp_path, WorkspaceSettings(bot=Bot(mode="loud"))))


def user(intent: str, topic: str | None = None) -> dict[str, Any]:
    careline = {"careline": {"topic": topic}} if topic else {}
    return {"event": "user", "text": "?", "parse_data": {"intent": {"name": intent}, **careline}}


async def commit(log: ConversationLog, conversation: str, *events: dict[str, Any], paused: bool = False) -> bool:
    queue = WorkQueue(log)
    await queue.prepare()
    asked = await log.accept(conversation, client_id=f"m{len(await log.read(conversation))}", text="?")
    async with queue.lease(conversation, owner="w", seq=asked.seq) as lease:
        message = Entry(asked.seq, "customer", 0.0)
        slots = {"language": "zh"}
        state = {"slots": slots, "loop": None, "action": "action_listen", "followup": None, "paused": paused}
        said = {"event": "bot", "text": "It takes four days.", "data": {}}
        window = await read_window(log, conversation)
        return await queue.commit(Turn(lease, window, message, [*events, said], state))


async def test_suggest_shows_agents_and_tells_the_customer_honestly(log: ConversationLog, book: ControlBook) -> None:
    await book.turn(Mode.SUGGEST, actor="ann")
    assert await commit(log, "c", user("ask", "delivery"))
    entries = await log.read("c")
    assert [e.kind for e in entries] == ["customer", "unsaid", "suggested", "bot", "state"]
    assert "同事" in entries[3].text
    assert entries[4].data["reason"] == "control"
    info = await log.info("c")
    assert info is not None
    assert (info.state, info.pending, info.unanswered) == (State.QUEUED, False, 0)
    assert info.waiting_since is not None, "the customer waits for a person"
    assert (await read_window(log, "c")).events == (), "the dialogue does not go on from what was not said"


async def test_off_says_nothing_to_anybody_and_a_topic_of_its_own_answers(
    log: ConversationLog, book: ControlBook
) -> None:
    await book.turn(Mode.SUGGEST, actor="ann")
    await book.turn(Mode.ANSWER, actor="ann", topic="delivery")
    await book.turn(Mode.OFF, actor="ann", topic="payment")
    await commit(log, "a", user("ask", "delivery"))
    await commit(log, "b", user("ask", "payment"))
    assert [e.kind for e in await log.read("a")] == ["customer", "turn", "bot"]
    assert [e.kind for e in await log.read("b")] == ["customer", "unsaid", "bot", "state"]
    await book.turn(Mode.OFF, actor="ann")
    await commit(log, "d", user("ask", "delivery"))
    assert [e.kind for e in await log.read("d")] == ["customer", "unsaid", "bot", "state"]


@pytest.mark.parametrize("mode", [Mode.SUGGEST, Mode.OFF])
async def test_whom_to_call_in_danger_is_said_however_the_switches_stand(
    log: ConversationLog, book: ControlBook, mode: Mode
) -> None:
    await book.turn(mode, actor="ann")
    words = "Please call your local emergency number first."
    danger = {"event": "bot", "text": words, "data": {}, "metadata": {"utter_action": "utter_sensitive_danger"}}
    await commit(log, "c", user("ask_person"), danger, paused=True)
    (told,) = [entry for entry in await log.read("c") if entry.kind == "bot"]
    assert told.text.startswith(words)
    assert "同事" in told.text


async def test_who_asked_for_a_person_keeps_that_reason(log: ConversationLog, book: ControlBook) -> None:
    await book.turn(Mode.SUGGEST, actor="ann")
    asked = {"event": "bot", "text": "", "data": {"custom": {"handoff": {"reason": "asked"}}}}
    await commit(log, "c", user("ask_person"), asked, paused=True)
    assert (await log.read("c"))[-1].data["reason"] == "asked"


async def test_a_form_has_the_topic_of_its_flow(log: ConversationLog) -> None:
    opened = {"event": "active_loop", "name": "order_form"}
    lease: Any = None
    assert topics_of(Turn(lease, Window(), None, [user("inform"), opened])) == ["inform", "order_status"]
    state = {"slots": {}, "loop": {"name": "return_form", "is_interrupted": False, "rejected": False}}
    assert topics_of(Turn(lease, Window((), state), None, [user("affirm")])) == ["affirm", "return_item"]
    back = Entry(2, "state", 0.0, data={"to": "bot"})
    assert topics_of(Turn(lease, Window((back,), state), None, [user("affirm")])) == ["affirm"]


def test_the_command_line_turns_undoes_and_tells(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def careline(*words: str) -> Any:
        result = CliRunner().invoke(app, [*words, "--workspace", str(tmp_path), "--json"])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return json.loads(result.output)

    monkeypatch.delenv("REDIS_URL", raising=False)
    with EmbeddedRedis(Workspace(tmp_path)):
        assert careline("status") == {"mode": "answer", "topics": {}, "version": 1}
        assert careline("off", "--topic", "delivery")["topics"] == {"delivery": "off"}
        assert careline("suggest")["mode"] == "suggest"
        assert careline("undo")["mode"] == "answer"
        assert careline("on", "--topic", "delivery", "--follow")["topics"] == {}
        assert [row["mode"] for row in careline("history")] == [None, "answer", "suggest", "off", "answer"]
        with pytest.raises(InputError, match="expected --topic T"):
            careline("on", "--follow")
    with pytest.raises(InputError, match="expected a bot that is being served"):
        careline("off")
