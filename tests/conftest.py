"""What all tests share: no network but loopback, one learned workspace, one served shop."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from data.workspace import Workspace

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")

ROOT = Path(__file__).resolve().parent.parent
START_LIMIT = 180.0
"""Seconds that a served shop may take to become healthy on a busy machine."""


@dataclass(frozen=True)
class ServedShop:
    """A running `careline serve`.

    Attributes:
        url: Address of its pages, without a slash at the end.
        workspace: What it serves.
        agent: Name of a person who may sign in.
        password: That person's password.
        pid: Process id of the supervisor.
    """

    url: str
    workspace: Workspace
    agent: str
    password: str
    pid: int


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def learned_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace that learned the sample log with the shortest recipe: real model, index and Rasa model."""
    from data.workspace import Learn, Services, Shop, WorkspaceSettings, find_workspace, write_settings
    from learn import SAMPLE_LOG, run_stages

    shared = os.environ.get("CARELINE_TEST_WORKSPACE")  # so that two pytest processes learn once
    root = Path(shared) if shared else tmp_path_factory.mktemp("shop")
    settings = WorkspaceSettings(
        shop=Shop(name="Northwind Trail"), learn=Learn(recipe="tiny"), services=Services(orders="sample")
    )
    write_settings(root, settings)
    run_stages(find_workspace(str(root)), [SAMPLE_LOG])
    return find_workspace(str(root))


@pytest.fixture(scope="session")
def served_shop(learned_workspace: Workspace) -> Iterator[ServedShop]:
    """The learned workspace, served as `careline serve` does: Redis, actions, worker, gateway."""
    from bot.users import add_user

    add_user(learned_workspace, "anna", password="tent-peg-42", role="agent", replace=True)
    port = free_port()
    command = [sys.executable, "careline.py", "serve", "--workspace", str(learned_workspace.root), "--port", str(port)]
    said = learned_workspace.root / "serve.log"
    with said.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stdout=output, stderr=output)
    try:
        wait_ready(said, process)
        yield ServedShop(f"http://127.0.0.1:{port}", learned_workspace, "anna", "tent-peg-42", process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def wait_ready(said: Path, process: subprocess.Popen[bytes]) -> None:
    """Waits until `careline serve` says that all of it is ready, or fails with what it said."""
    limit = time.monotonic() + START_LIMIT
    while "Ready:" not in (words := said.read_text(encoding="utf-8", errors="replace")):
        assert process.poll() is None, f"careline serve ended with exit code {process.returncode}: {words[-2000:]}"
        assert time.monotonic() < limit, f"careline serve was not ready within {START_LIMIT:.0f} s: {words[-2000:]}"
        time.sleep(0.1)
