"""The worker with a real Rasa model, a real server and a small real action server."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot import worker as worker_module
from bot.control import Mode
from bot.embedded import EmbeddedRedis
from bot.gateway.auth import load_secret
from bot.handoff import Move, State
from bot.state.control import ControlBook
from bot.state.entry import Entry
from bot.state.keys import Keys
from bot.state.log import ConversationLog
from bot.state.work import WorkQueue
from bot.words import control_notice
from bot.worker import READY, Worker
from data.identity import Customer, verified
from data.workspace import Live, Workspace

pytestmark = pytest.mark.rasa

PATIENCE = 40.0


async def eventually(look: Callable[[], Awaitable[Any]]) -> Any:
    until = time.monotonic() + PATIENCE
    while not (found := await look()):
        assert time.monotonic() < until, "it did not happen in time"
        await asyncio.sleep(0.02)
    return found


async def settled(log: ConversationLog, conversation: str = "c") -> list[Entry]:
    """The entries once every customer's message has an outcome."""

    async def look() -> bool:
        info = await log.info(conversation)
        return info is not None and info.customer > 0 and not info.pending

    await eventually(look)
    return await log.read(conversation)


def spoken(entries: list[Entry]) -> list[tuple[str, str]]:
    return [(e.kind, e.text) for e in entries if e.kind != "turn"]


@pytest.fixture
def workspace(tmp_path: Path, rasa_model: Path) -> Workspace:
    workspace = Workspace(tmp_path)
    serve_model(workspace, rasa_model, "one")
    return workspace


def serve_model(workspace: Workspace, model: Path, key: str) -> None:
    folder = workspace.folder("rasa") / key
    folder.mkdir(parents=True)
    (folder / "model.tar.gz").symlink_to(model)
    workspace.go_live(Live(dataset="d", model="m", index="i", rasa=key))


@asynccontextmanager
async def running(workspace: Workspace, log: ConversationLog, server: Any, **settings: Any) -> AsyncIterator[Worker]:
    worker = Worker(workspace, redis_url=log.store.url, actions_url=server.url, **({"name": "w"} | settings))
    task = asyncio.ensure_future(worker.run())
    try:
        yield worker
    finally:
        worker.stopping.set()
        server.go_on.set()
        await task


async def test_answers_in_order_and_hands_over(
    log: ConversationLog, workspace: Workspace, action_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "_within", _impatiently)
    for n, text in enumerate(("hello", "my order")):
        await log.accept("c", client_id=str(n), text=text)
    async with running(workspace, log, action_server):
        entries = await settled(log)
        assert [text for kind, text in spoken(entries) if kind == "bot"][:2] == ["Hello!", "Which number?"]
        assert [e.data["answers"] for e in entries if e.kind == "bot"][:2] == [1, 2]
        assert next(e for e in entries if e.kind == "bot").data["buttons"][0]["payload"] == "/order"

        await log.accept(
            "c", client_id="b", text='/inform{"number": "17"}', display="17", payload='/inform{"number": "17"}'
        )
        assert spoken(await settled(log))[-2:] == [("customer", "17"), ("bot", "Which address?")]
        await log.accept("c", client_id="e", text="me@example.org")
        assert spoken(await settled(log))[-1] == ("bot", "Order 17 is on its way.")

        await log.accept("c", client_id="p", text="a person please")
        entries = await settled(log)
        assert spoken(entries)[-2:] == [("bot", "action_pause was here"), ("state", "")]
        assert entries[-1].data["reason"] == "asked"
        calls = len(action_server.calls)
        await log.accept("c", client_id="q", text="hello")
        assert spoken(await settled(log))[-1] == ("customer", "hello"), "Rasa is not called while it is queued"
        assert len(action_server.calls) == calls

        await log.move("c", Move.TAKE, actor="Mia")
        await log.move("c", Move.HAND_BACK, actor="Mia", data={"slots": {"mood": "good"}})
        await log.accept("c", client_id="r", text="hello")
        assert spoken(await settled(log))[-1] == ("bot", "Hello again, you are in a good mood.")


async def test_actions_are_shown_who_is_signed_in_with_a_proof_that_is_not_kept(
    log: ConversationLog, workspace: Workspace, action_server: Any
) -> None:
    await log.start("c", language="en")
    await log.bind("c", identity="17", record='{"id": "17", "email": "ada@example.com", "name": ""}')
    for conversation in ("c", "d"):
        await log.accept(conversation, client_id="1", text="a person please")
    async with running(workspace, log, action_server):
        entries = [*await settled(log), *await settled(log, "d")]
    secret = load_secret(workspace)
    said = {}
    for call in action_server.bodies:
        metadata = call["tracker"]["latest_message"]["metadata"]
        said[call["sender_id"]] = verified(metadata.get("customer"), conversation=call["sender_id"], secret=secret)
    assert said == {"c": Customer("17", "ada@example.com"), "d": None}
    assert "proof" not in json.dumps([entry.data for entry in entries])


async def _impatiently(event: asyncio.Event, seconds: float) -> bool:
    """Housekeeping and pauses between tries, quicker."""
    try:
        await asyncio.wait_for(event.wait(), min(seconds, 0.1))
    except asyncio.TimeoutError:
        return False
    return True


async def test_action_that_breaks_is_tried_three_times_and_then_visible(
    log: ConversationLog, workspace: Workspace, action_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "_within", _impatiently)
    await log.start("c", language="zh")
    await log.accept("c", client_id="1", text="break")
    await log.accept("d", client_id="1", text="silence")
    async with running(workspace, log, action_server):
        entries = await settled(log)
        silent = await settled(log, "d")
    assert [e.kind for e in entries] == ["customer", "failure", "state"]
    assert entries[1].text.startswith("抱歉")
    assert "answered 500" in entries[1].data["reason"]
    assert action_server.calls.count("action_broken") == 3
    assert [e.kind for e in silent] == ["customer", "failure", "state"]
    info = await log.info("c")
    assert info is not None
    assert info.state is State.QUEUED


async def test_a_turn_that_goes_round_in_circles_is_no_outcome(
    log: ConversationLog, workspace: Workspace, action_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rasa stops after ten actions and would stay silent for ever: its window must not get such a turn."""
    monkeypatch.setattr(worker_module, "_within", _impatiently)
    await log.accept("c", client_id="1", text="my order")
    await log.accept("c", client_id="2", text="17")
    await log.accept("c", client_id="3", text="hello")
    async with running(workspace, log, action_server):
        entries = await settled(log)
        assert [e.kind for e in entries if e.kind in ("bot", "failure")] == ["bot", "failure"]
        await log.move("c", Move.HAND_BACK, actor="Mia")
        await log.accept("c", client_id="4", text="hello")
        assert spoken(await settled(log))[-1] == ("bot", "Hello!")


async def test_take_over_while_the_turn_runs(log: ConversationLog, workspace: Workspace, action_server: Any) -> None:
    await log.accept("c", client_id="1", text="slowly")
    async with running(workspace, log, action_server):
        await eventually(lambda: _called(action_server, "action_slow"))
        await log.accept("d", client_id="1", text="hello")
        assert spoken(await settled(log, "d"))[-1] == ("bot", "Hello!"), "another lane answers meanwhile"
        await log.move("c", Move.TAKE, actor="Mia")
        await log.agent_reply("c", agent="Mia", client_id="r", text="I am here.")
        action_server.go_on.set()
        await eventually(lambda: _has(log, "suppressed"))
    assert [e.kind for e in await log.read("c")] == ["customer", "state", "agent", "turn", "suppressed"]


@pytest.mark.parametrize("topic", [None, "slow"])
async def test_switched_off_while_the_turn_runs(
    log: ConversationLog, workspace: Workspace, action_server: Any, topic: str | None
) -> None:
    book = ControlBook(log.store)
    await log.accept("c", client_id="1", text="slowly")
    async with running(workspace, log, action_server):
        await eventually(lambda: _called(action_server, "action_slow"))
        began = time.monotonic()
        await book.turn(Mode.OFF, actor="ann", topic=topic)
        assert time.monotonic() - began < 1.0
        action_server.go_on.set()
        entries = await settled(log)
        await log.accept("d", client_id="1", text="slowly")
        other = await settled(log, "d")
    notice = control_notice("en")
    assert spoken(entries) == [
        ("customer", "slowly"),
        ("unsaid", ""),
        ("suppressed", "action_slow was here"),  # what it was about to say when it was stopped, for agents
        ("bot", notice),
        ("state", ""),
    ]
    assert [text for kind, text in spoken(other) if kind == "bot"] == [notice]


async def test_who_writes_a_lot_does_not_keep_others_waiting(
    log: ConversationLog, workspace: Workspace, action_server: Any
) -> None:
    for n in range(8):
        await log.accept("chatty", client_id=str(n), text="hello")
    await log.accept("patient", client_id="1", text="hello")
    async with running(workspace, log, action_server, lanes=1):
        (answer,) = [e for e in await settled(log, "patient") if e.kind == "bot"]
        chatty = [e for e in await settled(log, "chatty") if e.kind == "bot"]
    assert len(chatty) == 8
    assert answer.time < chatty[2].time


async def _called(server: Any, action: str) -> bool:
    return action in server.calls


async def _has(log: ConversationLog, kind: str) -> bool:
    return any(entry.kind == kind for entry in await log.read("c"))


async def test_restart_under_its_name_goes_on_at_once_and_follows_the_live_model(
    log: ConversationLog, workspace: Workspace, action_server: Any, rasa_model: Path
) -> None:
    queue = WorkQueue(log, lease_seconds=600)
    await queue.prepare()
    await log.accept("c", client_id="1", text="hello")
    await queue.claim("w", block=0)
    lease = queue.lease("c", owner="w.0", seq=1)
    await lease.__aenter__()  # and then it was killed
    async with running(workspace, log, action_server, lanes=1) as worker:
        assert spoken(await settled(log))[-1] == ("bot", "Hello!")
        serve_model(workspace, rasa_model, "two")
        await eventually(lambda: _serves(worker, "two"))
        await log.accept("c", client_id="2", text="goodbye")
        assert spoken(await settled(log))[-1] == ("bot", "Goodbye.")
    await lease.__aexit__(None, None, None)


async def _serves(worker: Worker, key: str) -> bool:
    return worker._model is not None and worker._model.parent.name == key


async def test_goes_on_when_the_server_was_killed(
    workspace: Workspace, action_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "_within", _impatiently)
    server = EmbeddedRedis(workspace)
    server.start()
    async with await ConversationLog.open(server.url) as log, running(workspace, log, action_server):
        await log.accept("c", client_id="1", text="hello")
        await settled(log)
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        accepting = asyncio.ensure_future(log.accept("c", client_id="2", text="goodbye"))
        await asyncio.to_thread(server.start)
        await accepting
        entries = await settled(log)
    server.stop()
    assert [text for kind, text in spoken(entries)] == ["hello", "Hello!", "goodbye", "Goodbye."]


@pytest.mark.slow
async def test_kill_in_the_middle_of_a_turn(
    log: ConversationLog, workspace: Workspace, action_server: Any, tmp_path: Path
) -> None:
    env = os.environ | {
        "CARELINE_WORKSPACE": str(tmp_path),
        "REDIS_URL": log.store.url,
        "CARELINE_ACTIONS_URL": action_server.url,
    }

    async def start(name: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bot.worker", "--name", name, "--lease", "2", "--takeover", "2"]
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        line = await asyncio.to_thread(process.stdout.readline)
        assert line.startswith(READY)
        return process

    workers = dict(zip("ab", await asyncio.gather(start("a"), start("b")), strict=True))
    await log.accept("c", client_id="1", text="slowly")
    await log.accept("c", client_id="2", text="hello")
    await eventually(lambda: _called(action_server, "action_slow"))
    holder = (await log.store.redis.get(Keys("c").own("lease")))[0]
    killed = workers.pop(holder)
    (second,) = workers.values()
    killed.kill()
    killed.wait()
    assert [e.kind for e in await log.read("c")] == ["customer", "customer"], (
        "a crash before the commit changes nothing"
    )
    action_server.go_on.set()
    try:
        entries = await settled(log)
    finally:
        second.terminate()
        code = await asyncio.to_thread(second.wait)
    assert spoken(entries) == [
        ("customer", "slowly"),
        ("customer", "hello"),
        ("bot", "action_slow was here"),
        ("bot", "Hello!"),
    ]
    assert code == 0
    for process in (killed, second):
        assert process.stdout is not None
        process.stdout.close()


async def test_makers_door_shows_in_the_log(log: ConversationLog, rasa_model: Path, action_server: Any) -> None:
    """What `rasa shell` does: messages do not come through ``accept``."""
    from rasa.core.agent import Agent
    from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
    from rasa.utils.endpoints import EndpointConfig

    from bot.rasa_door import check_stores, close_agent

    def endpoint(kind: str) -> EndpointConfig:
        return EndpointConfig(url=log.store.url, type=f"bot.state.{kind}")

    from rasa.core.lock_store import LockStore
    from rasa.core.tracker_store import TrackerStore

    agent = Agent.load(
        rasa_model,
        tracker_store=TrackerStore.create(endpoint("tracker_store.LogTrackerStore")),
        lock_store=LockStore.create(endpoint("lock_store.LeaseLockStore")),
        action_endpoint=EndpointConfig(action_server.url),
    )
    check_stores(agent)
    out = CollectingOutputChannel()
    forged = {"customer": {"id": "17", "email": "ada@example.com", "name": "", "proof": "0" * 64}}
    for text in ("hello", "a person", "hello"):
        await agent.handle_message(UserMessage(text, out, "shell-1", input_channel="widget", metadata=forged))
    (told,) = {str(body["tracker"]["latest_message"]["metadata"]["customer"]) for body in action_server.bodies}
    assert told == str(forged["customer"]), "a channel can say anything; actions believe a proof only"
    assert verified(forged["customer"], conversation="shell-1", secret=b"any") is None
    assert [m["text"] for m in out.messages if "text" in m] == ["Hello!", "action_pause was here"]
    assert spoken(await log.read("shell-1")) == [
        ("customer", "hello"),
        ("bot", "Hello!"),
        ("customer", "a person"),
        ("bot", "action_pause was here"),
        ("state", ""),
        ("customer", "hello"),
    ]
    tracker = await agent.tracker_store.retrieve("shell-1")
    assert tracker is not None
    assert tracker.is_paused()
    assert list(await agent.tracker_store.keys()) == ["shell-1"]
    assert await agent.tracker_store.retrieve("nobody") is None
    await close_agent(agent)
