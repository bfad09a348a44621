"""I8: state and next action from the bounded window equal those of full replay, for every prefix of random walks."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from bot.handoff import Move
from bot.state.entry import Entry
from bot.state.hydrate import WINDOW_TURNS, read_window
from bot.state.log import ConversationLog, dump
from bot.state.turn import lean
from tests.bot.walks import walk

pytestmark = pytest.mark.rasa

SAYINGS = (
    "/greet",
    "/bye",
    "/order",
    '/inform{"number": "17"}',
    '/inform{"email": "a@b.c"}',
    "/cancel",
    "/yes",
    "/yes",
    "/no",
    "nonsense",
    "/person",
    "/restart",
)
PROBES = ("/greet", "/yes", "/cancel", '/inform{"number": "3"}', "nonsense")


async def test_window_predicts_what_full_replay_predicts(
    log: ConversationLog, rasa_model: Path, action_server: Any
) -> None:
    from bot.rasa_door import close_agent, load_agent

    agent = load_agent(rasa_model, redis_url=log.store.url, actions_url=action_server.url, lease_seconds=15)
    compared = bounded = 0
    chance = random.Random(7)
    for number in range(10):
        more, shorter, _ = await walk(
            agent,
            log,
            f"walk-{number}",
            sayings=SAYINGS,
            probes=PROBES,
            steps=24,
            chance=chance,
            agreed={"mood": "good"},
        )
        compared, bounded = compared + more, bounded + shorter
    await close_agent(agent)
    assert bounded > 80
    assert compared > 100


async def test_window_does_not_grow_with_the_conversation(
    log: ConversationLog, rasa_model: Path, action_server: Any
) -> None:
    from rasa.core.channels.channel import UserMessage

    from bot.rasa_door import SilentChannel, close_agent, load_agent

    agent = load_agent(rasa_model, redis_url=log.store.url, actions_url=action_server.url, lease_seconds=15)
    sizes = []
    for _ in range(20):
        await agent.handle_message(UserMessage("/greet", SilentChannel(), "long"))
        sizes.append(len((await read_window(log, "long")).events))
    await close_agent(agent)
    assert max(sizes[8:]) == min(sizes[8:])
    window = await read_window(log, "long")
    assert sum(entry.kind == "turn" for entry in window.entries) == WINDOW_TURNS
    assert sum(event["event"] == "user" for event in window.events) == WINDOW_TURNS


def test_metadata_context_is_not_stored_with_every_turn() -> None:
    context = {"language": "en", "turns": [["customer", "x"]], "given": ["a"]}
    event = {"event": "user", "metadata": context, "parse_data": {"text": "x", "metadata": context}}
    kept = lean(event)
    assert kept["metadata"] == kept["parse_data"]["metadata"] == {"language": "en"}
    assert event["metadata"] is context
    assert lean({"event": "slot", "name": "session_started_metadata", "value": context})["value"] == {"language": "en"}
    assert Entry(1, "note", 0.0).data == {}


async def test_session_does_not_expire_while_a_person_has_it(log: ConversationLog, rasa_model: Path) -> None:
    from rasa.core.channels.channel import UserMessage

    from bot.rasa_door import SilentChannel, close_agent, load_agent
    from bot.state.keys import Keys

    agent = load_agent(rasa_model, redis_url=log.store.url, actions_url="http://127.0.0.1:1/", lease_seconds=15)
    await agent.handle_message(UserMessage("/greet", SilentChannel(), "c"))
    turn = (await log.read("c"))[1]
    events = [event | {"timestamp": 1000.0} for event in turn.data["events"]]  # long ago
    await log.store.redis.delete(Keys("c").own("log"))
    data = dump({**turn.data, "events": events})
    await log.store.redis.xadd(Keys("c").own("log"), {"kind": "turn", "time": "1000", "data": data}, id="2-0")

    async def expired() -> bool:
        return bool(agent.processor._has_session_expired(await agent.processor.get_tracker("c")))

    assert await expired()
    await log.move("c", Move.TAKE, actor="Mia")
    assert not await expired()
    await log.move("c", Move.HAND_BACK, actor="Mia")
    assert not await expired(), "the time with a person does not count"
    await close_agent(agent)
