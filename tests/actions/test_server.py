from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from data.workspace import PROJECT, Rephrase, write_settings
from tests.actions.conftest import MakeShop, a_tracker
from tests.conftest import free_port


def test_the_server_listens_on_loopback_only_and_knows_every_action_of_the_domain(make_shop: MakeShop) -> None:
    workspace, port = make_shop(), free_port()
    env = {**os.environ, "CARELINE_WORKSPACE": str(workspace.root)}
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "actions", "--port", str(port)], cwd=PROJECT, env=env
    )
    try:
        _wait_for(port, server)
        family = [server.pid, *(child.pid for child in psutil.Process(server.pid).children(recursive=True))]
        listening = {
            c.laddr.ip for c in psutil.net_connections("tcp") if c.pid in family and c.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}
        known = {row["name"] for row in httpx.get(f"http://127.0.0.1:{port}/actions").json()}
        said = httpx.post(f"http://127.0.0.1:{port}/webhook", json=_call(), timeout=30).json()
        assert [reply["text"] for reply in said["responses"]] == ["Shipping is free from 60 on."]
    finally:
        server.terminate()
        server.wait(timeout=20)
    domain = yaml.safe_load((PROJECT / "domain.yml").read_text(encoding="utf-8"))
    wanted = {next(iter(action)) if isinstance(action, dict) else action for action in domain["actions"]}
    assert wanted <= known


def test_a_missing_workspace_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    env = {**os.environ, "CARELINE_WORKSPACE": str(tmp_path / "none")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "actions"], cwd=PROJECT, env=env, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: workspace")
    assert len(done.stderr.strip().splitlines()) == 1


def _call() -> dict[str, Any]:
    """What Rasa posts for ``action_answer``."""
    tracker = a_tracker(("free", 0.9))
    state = {"sender_id": "x", "slots": tracker.slots, "latest_message": tracker.latest_message, "paused": False}
    state |= {"events": tracker.events, "followup_action": None, "active_loop": {}, "latest_action_name": None}
    return {"next_action": "action_answer", "sender_id": "x", "tracker": state, "domain": {}, "version": "3.6"}


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        assert server.poll() is None
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)  # nothing listens yet
    raise AssertionError("the action server did not start")


def test_a_model_that_cannot_be_asked_is_one_line_and_exit_code_2(make_shop: MakeShop) -> None:
    workspace = make_shop()
    settings = workspace.settings
    for rephrase, told in (
        (Rephrase(url="http://127.0.0.1:9/v1"), "[rephrase] model"),
        (Rephrase(url="http://127.0.0.1:9/v1", model="m", key_env="CARELINE_NO_SUCH_KEY"), "CARELINE_NO_SUCH_KEY"),
    ):
        write_settings(workspace.root, replace(settings, rephrase=rephrase))
        env = {**os.environ, "CARELINE_WORKSPACE": str(workspace.root)}
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "actions"], cwd=PROJECT, env=env, capture_output=True, text=True
        )
        assert done.returncode == 2
        assert told in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
