"""What was asked of the bot, as `careline export --questions` writes it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot.asked import asked_of
from bot.export import export_workspace
from bot.state.entry import Entry
from bot.state.hydrate import Window
from bot.state.log import ConversationLog
from bot.state.turn import Turn
from bot.state.work import WorkQueue
from data.workspace import Workspace

LOST = {"intent": "ask", "language": "en", "outcome": "lost", "known": 0.2}
SURE = {"intent": "ask", "language": "en", "outcome": "sure", "known": 0.9}


def turn(seq: int, answers: int, careline: dict[str, Any] | None) -> Entry:
    event = {"event": "user", "text": "x", "parse_data": {"careline": careline} if careline else {}}
    return Entry(seq, "turn", 2.0, data={"answers": answers, "events": [{"event": "action"}, event]})


def talk(careline: dict[str, Any] | None, reply: dict[str, Any] | None, **said: Any) -> list[dict[str, Any]]:
    entries = [
        Entry(1, "customer", 1.0, "customer", said.pop("text", "do you repair tents"), said),
        turn(2, 1, careline),
    ]
    if reply is not None:
        entries.append(Entry(3, "bot", 3.0, "bot", "a reply", {"answers": 1, **reply}))
    return list(asked_of(entries, language="zh"))


@pytest.mark.parametrize(
    ("careline", "reply", "did"),
    [
        (SURE, {"custom": {"answer": "r"}}, "answered"),
        (LOST, {}, "asked to rephrase"),
        (LOST, {"custom": {"handoff": {"reason": "lost"}}}, "handed over"),
        (SURE, {"buttons": [{"title": "a", "payload": "b"}]}, "offered"),
        (LOST, None, "nothing"),
    ],
)
def test_what_the_bot_did(careline: dict[str, Any], reply: dict[str, Any] | None, did: str) -> None:
    (row,) = talk(careline, reply)
    assert row == {
        "text": "do you repair tents",
        "language": "en",
        "time": 1.0,
        "outcome": careline["outcome"],
        "known": careline["known"],
        "did": did,
    }


def test_what_is_no_question_is_left_out() -> None:
    assert talk({**LOST, "intent": "greet"}, {}) == []
    assert talk(None, {}) == []
    assert talk(LOST, {}, payload="/pick{}") == []
    assert talk(LOST, {}, text="") == []


async def test_questions_are_exported_from_the_log(log: ConversationLog, tmp_path: Path) -> None:
    queue = WorkQueue(log, lease_seconds=5)
    await queue.prepare()
    await log.start("c", language="en")
    await log.accept("c", client_id="1", text="do you repair tents")
    state: dict[str, Any] = {"slots": {}, "loop": None, "action": "action_listen", "followup": None, "paused": False}
    events = [
        {"event": "user", "text": "do you repair tents", "parse_data": {"careline": LOST}},
        {"event": "bot", "text": "Please say it otherwise.", "data": {}},
    ]
    async with queue.lease("c", owner="w", seq=1) as lease:
        await queue.commit(Turn(lease, Window(), Entry(1, "customer", 0.0), events, state))
    file = tmp_path / "asked.jsonl"
    workspace = Workspace(tmp_path)
    count = await asyncio.to_thread(export_workspace, workspace, file, redis_url=log.store.url, questions=True)
    assert count == 1
    row = json.loads(file.read_text(encoding="utf-8"))
    assert (row["text"], row["outcome"], row["did"]) == ("do you repair tents", "lost", "asked to rephrase")
