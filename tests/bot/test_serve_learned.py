"""`careline serve` and `careline shell` on a learned workspace: answers, and answers again after kill -9 of each."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from websockets.exceptions import WebSocketException

from bot.gateway.testing import widget

if TYPE_CHECKING:
    from data.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
QUESTION = "How long does delivery take?"
PATIENCE = 120.0
"""Seconds for an answer: a worker that was killed imports Rasa again."""

pytestmark = [pytest.mark.rasa, pytest.mark.slow]


async def ask(address: str, text: str, keys: dict[str, str] | None = None) -> tuple[dict[str, Any], dict[str, str]]:
    """(the bot's entry, the conversation's keys)."""
    limit = time.monotonic() + PATIENCE
    async with widget(address, **(keys or {})) as (one, welcome):
        await one.say(type="send", client_id=os.urandom(8).hex(), text=text)
        asked = (await one.a("ack"))["seq"]
        while time.monotonic() < limit:
            try:
                answers = lambda f: f["type"] == "entry" and f["kind"] in ("bot", "failure") and f["seq"] > asked  # noqa: E731
                entry = await one.until(answers)
            except asyncio.TimeoutError:
                continue
            return entry, {"conversation": welcome["conversation"], "token": welcome["token"]}
    raise AssertionError(f"no answer within {PATIENCE:.0f} s")


def ask_until_answered(address: str, keys: dict[str, str]) -> dict[str, Any]:
    """Asks as the widget does: again after every lost connection."""
    limit = time.monotonic() + PATIENCE
    while True:
        try:
            return asyncio.run(ask(address, QUESTION, keys))[0]
        except (OSError, WebSocketException):
            assert time.monotonic() < limit
            time.sleep(0.2)  # nothing listens yet


def child_of(supervisor: int, word: str) -> int:
    """Process id of the supervisor's child with this word in its command line."""
    children = psutil.Process(supervisor).children(recursive=True)
    return next(child.pid for child in children if word in f"{child.name()} {' '.join(child.cmdline())}")


@pytest.mark.parametrize("word", ["-server", "actions", "bot.workers", "bot.gateway"])
def test_a_killed_process_comes_back_and_the_conversation_goes_on(served_shop: Any, word: str):
    address = served_shop.url.removeprefix("http://")
    first, keys = asyncio.run(ask(address, QUESTION))
    assert first["kind"] == "bot"
    os.kill(child_of(served_shop.pid, word), signal.SIGKILL)
    again = ask_until_answered(address, keys)
    assert again["kind"] == "bot"
    assert again["seq"] > first["seq"]


def test_a_command_of_rasa_is_a_customers_text(served_shop: Any):
    address = served_shop.url.removeprefix("http://")
    _, keys = asyncio.run(ask(address, QUESTION))
    entry, _ = asyncio.run(ask(address, "/restart", keys))
    assert entry["kind"] == "bot"
    assert entry["text"]


def test_rasas_own_shell_answers_with_the_source(learned_workspace: Workspace):
    command = [sys.executable, "careline.py", "shell", "--workspace", str(learned_workspace.root)]
    done = subprocess.run(
        command, cwd=ROOT, input=f"{QUESTION}\n/stop\n", capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "days" in done.stdout
    assert "Source:" in done.stdout


def test_an_index_that_cannot_be_opened_is_said_in_one_line(
    learned_workspace: Workspace, redis_url: str, tmp_path: Path
):
    spoilt = tmp_path / "spoilt"
    shutil.copytree(learned_workspace.root, spoilt, ignore=shutil.ignore_patterns("redis", "logs", "*.lock"))
    key = learned_workspace.live().index
    (spoilt / "var" / "indexes" / key / "manifest.json").unlink()
    environment = {**os.environ, "CARELINE_WORKSPACE": str(spoilt), "REDIS_URL": redis_url}
    command = [sys.executable, "-m", "bot.worker", "--name", "spoilt"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 2
    said = done.stderr.strip().splitlines()[-1]
    assert said.startswith("careline worker: ")
    assert key in said
