"""`careline export`: what was said comes out as a log that `data` reads, and the bot's words as context only."""

from __future__ import annotations

import asyncio
import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.embedded import EmbeddedRedis
from bot.export import export_workspace
from bot.handoff import Move
from bot.state.entry import Entry
from bot.state.hydrate import Window
from bot.state.log import ConversationLog
from bot.state.turn import Turn
from bot.state.work import WorkQueue
from data.errors import InputError
from data.readers import open_log, recognise
from data.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


async def talk(log: ConversationLog, name: str) -> None:
    """A customer asks, the bot answers, an agent takes over, writes a note and answers."""
    queue = WorkQueue(log, lease_seconds=5)
    await queue.prepare()
    await log.start(name, language="en")
    await log.accept(name, client_id="1", text="where is it? 你好 😀")
    state: dict[str, Any] = {"slots": {}, "loop": None, "action": "action_listen", "followup": None, "paused": False}
    async with queue.lease(name, owner="w", seq=1) as lease:
        reply = {"event": "bot", "text": "I am the bot.", "data": {}}
        await queue.commit(Turn(lease, Window(), Entry(1, "customer", 0.0), [reply], state))
    await log.move(name, Move.TAKE, actor="Mia")
    await log.note(name, agent="Mia", client_id="n", text="a secret note")
    await log.agent_reply(name, agent="Mia", client_id="r", text="It left.")


async def test_every_conversation_is_exported_once_in_whatever_state(log: ConversationLog, tmp_path: Path) -> None:
    names = [f"c{i}" for i in range(30)]
    for number, name in enumerate(names):
        await talk(log, name)
        if number % 2:
            await log.move(name, Move.CLOSE, actor="Mia")
    await log.start("silent", language="en")
    file = tmp_path / "out.jsonl"
    count = await asyncio.to_thread(export_workspace, Workspace(tmp_path), file, redis_url=log.store.url)
    assert count == 30
    assert recognise(file) == "careline"
    read = {c.id: c for c in open_log(file)}
    assert sorted(read) == sorted(names)
    assert [(m.role, m.text, m.author) for m in read["c3"].messages] == [
        ("customer", "where is it? 你好 😀", None),
        ("system", "I am the bot.", "bot"),
        ("agent", "It left.", "Mia"),
    ]
    assert "secret" not in file.read_text(encoding="utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_the_command_starts_the_embedded_server_that_does_not_run(tmp_path: Path) -> None:
    async def fill(url: str) -> None:
        async with await ConversationLog.open(url) as log:
            await talk(log, "c")

    with EmbeddedRedis(Workspace(tmp_path)) as server:
        asyncio.run(fill(server.url))
    command = [sys.executable, "careline.py", "export", "-", "--workspace", str(tmp_path), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["id"] == "c"
    assert json.loads(done.stderr) == {"conversations": 1, "file": "-"}


def test_what_cannot_be_exported_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing was served here yet"):
        export_workspace(Workspace(tmp_path), tmp_path / "x", redis_url=None)
    with EmbeddedRedis(Workspace(tmp_path)) as server, pytest.raises(InputError, match="a folder that exists"):
        export_workspace(Workspace(tmp_path), tmp_path / "no" / "x", redis_url=server.url)
