"""I8 with the project's own forms, rules, actions and a learned shop, in both languages."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.rasa_model import MODEL, train_rasa
from bot.state.log import ConversationLog
from bot.state.turn import Job, current_job
from data.workspace import PROJECT, Workspace
from tests.bot.walks import walk
from tests.conftest import free_port

pytestmark = pytest.mark.rasa

SAYINGS = (
    "where is my order",
    "I want to return something because it is torn",
    "change my delivery address",
    "i want to complain",
    "我要退货",
    "NT-104035",
    "NT-104028",
    "tmoretti83@example.com",
    "NT-104028, yilmaz.hannah@example.com",
    "where is NT-104035, tmoretti83@example.com",
    "too small",
    "5 Mill Lane, Leeds LS1 4AB",
    "the driver threw my parcel over the fence and it broke",
    "yes",
    "yes",
    "/affirm",
    "no",
    "不对，是NT-104035",
    "no, because it is broken",
    "what does shipping cost?",
    "NT-104035, and how long does delivery take?",
    "forget it",
    "talk to a person",
    "fghjk zzz qqqw",
    "hello",
)
PROBES = ("yes", "where is my order", "NT-104035", "too small", "no", "what does shipping cost?", "算了")


@pytest.fixture
def real_actions(taught: Workspace) -> Iterator[str]:
    port = free_port()
    env = {**os.environ, "CARELINE_WORKSPACE": str(taught.root)}
    command = [sys.executable, "-W", "ignore", "-m", "actions", "--port", str(port)]
    server = subprocess.Popen(command, cwd=PROJECT, env=env)
    try:
        limit = time.monotonic() + 90
        while time.monotonic() < limit:
            assert server.poll() is None, f"the action server ended with {server.returncode}"
            try:
                if httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.1)  # nothing listens yet
        yield f"http://127.0.0.1:{port}/webhook"
    finally:
        server.terminate()
        server.wait(timeout=20)


async def test_forms_go_on_from_the_window_as_from_full_replay(
    log: ConversationLog, taught: Workspace, real_actions: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.rasa_door import close_agent, load_agent

    monkeypatch.setenv("CARELINE_WORKSPACE", str(taught.root))
    model = train_rasa(PROJECT, tmp_path / "rasa") / MODEL
    agent = load_agent(model, redis_url=log.store.url, actions_url=real_actions, lease_seconds=15)
    chance = random.Random(11)
    compared, bounded, forms = 0, 0, set[str | None]()
    for number in range(8):
        found = await walk(
            agent,
            log,
            f"walk-{number}",
            sayings=SAYINGS,
            probes=PROBES,
            steps=30,
            chance=chance,
            agreed={"email": "tmoretti83@example.com"},
        )
        compared, bounded, forms = compared + found[0], bounded + found[1], forms | found[2]
    await close_agent(agent)
    assert forms == {None, "order_form", "return_form", "address_form", "complaint_form"}
    assert bounded > 100
    assert compared > 100


async def answered(agent: Any, log: ConversationLog, conversation: str) -> list[str]:
    """Answers what waits, as a worker does; what the bot said to the last message, by the names of its responses."""
    from rasa.core.channels.channel import UserMessage

    from bot.rasa_door import SilentChannel
    from bot.worker import rasa_text

    while (info := await log.info(conversation)) is not None and info.pending:
        entries = await log.read(conversation, after=0, limit=200)
        message = next(e for e in entries if e.kind == "customer" and e.seq > info.answered)
        job = Job(message, owner="w", context={"language": "en"})
        token = current_job.set(job)
        said = UserMessage(
            rasa_text(message), SilentChannel(), conversation,
            message_id=f"{conversation}:{message.seq}", metadata=job.context,
        )  # fmt: skip
        await agent.handle_message(said)
        current_job.reset(token)
    entries = await log.read(conversation, after=0, limit=200)
    last = max(e.data["answers"] for e in entries if e.kind == "bot")
    return [e.data.get("response", "") for e in entries if e.kind == "bot" and e.data["answers"] == last]


async def test_a_yes_registers_what_was_shown_before_it(
    log: ConversationLog, taught: Workspace, real_actions: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.rasa_door import close_agent, load_agent

    monkeypatch.setenv("CARELINE_WORKSPACE", str(taught.root))
    model = train_rasa(PROJECT, tmp_path / "rasa") / MODEL
    agent = load_agent(model, redis_url=log.store.url, actions_url=real_actions, lease_seconds=15)
    registered = taught.var / "returns.jsonl"
    before = registered.read_text() if registered.exists() else ""
    burst = ("I want to return something because it is far too wide", "NT-104035, tmoretti83@example.com", "yes")
    for number, text in enumerate(burst):
        await log.accept("late", client_id=str(number), text=text)
    assert await answered(agent, log, "late") == ["utter_help_confirmed", "utter_confirm_return"]
    first = next(
        e for e in await log.read("late", after=0, limit=99) if e.data.get("response") == "utter_confirm_return"
    )
    await log.accept("late", client_id="other", text="no, because it is torn")
    assert await answered(agent, log, "late") == ["utter_confirm_return"]
    await log.accept("late", client_id="old", text="Yes", payload="/affirm", button=f"{first.seq}.0")
    assert await answered(agent, log, "late") == ["utter_help_confirmed", "utter_confirm_return"]
    assert (registered.read_text() if registered.exists() else "") == before, "nothing is registered yet"
    await log.accept("late", client_id="now", text="yes")
    assert await answered(agent, log, "late") == ["utter_return_done"]
    assert "is torn" in registered.read_text().removeprefix(before)
    await close_agent(agent)
