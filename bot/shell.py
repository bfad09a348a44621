"""`careline shell`: Rasa's own shell on a workspace's model, with the Redis and the actions it needs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bot.serve import ACTIONS_PORT, actions_child, child_environment, free_port, redis_stage, served_model
from bot.supervise import Supervisor
from data.artifacts import write_atomic
from data.workspace import PROJECT, Workspace

if TYPE_CHECKING:
    from rich.console import Console

SHELL_PORT = 5005
"""Rasa's own; it listens there even as a shell. Another free one is taken when it is not free."""

_CALM = {"LOG_LEVEL": "WARNING", "LOG_LEVEL_LIBRARIES": "ERROR"}
"""Rasa's own settings, unless the environment has others: a conversation is not read between log lines."""


def write_endpoints(workspace: Workspace, actions_port: int) -> Path:
    """The project's ``endpoints.yml`` with the port that the actions really have. JSON is YAML."""
    endpoints = {
        "action_endpoint": {"url": f"http://127.0.0.1:{actions_port}/webhook"},
        "tracker_store": {"type": "bot.state.tracker_store.LogTrackerStore"},
        "lock_store": {"type": "bot.state.lock_store.LeaseLockStore"},
    }
    path = workspace.var / "shell-endpoints.yml"
    write_atomic(path, json.dumps(endpoints, indent=2) + "\n")
    return path


def run_shell(
    workspace: Workspace, environ: Mapping[str, str], console: Console, *, redis_url: str | None, arguments: list[str]
) -> int:
    """Starts what the shell needs, runs it in this terminal, stops everything.

    Args:
        workspace: Whose bot.
        environ: Of this process.
        console: For progress.
        redis_url: An external Redis, or None.
        arguments: More options for ``rasa shell``, such as ``--debug``.

    Returns:
        Exit code of ``rasa shell``.

    Raises:
        InputError: Nothing learned yet.
        ChildError: Redis or actions did not start.
    """
    model = served_model(workspace)
    actions_port = free_port(ACTIONS_PORT)
    environment = child_environment(environ, workspace, actions_port=actions_port, redis_url=redis_url)
    stages = [redis_stage(workspace, redis_url), [actions_child(workspace, environment, actions_port)]]
    supervisor = Supervisor(stages, say=lambda child, what: console.print(f"{child.name}: {what}", style="dim"))
    try:
        supervisor.start()
        keeper = threading.Thread(target=supervisor.keep)
        keeper.start()
        console.print("loading Rasa and the model ...", style="dim")
        try:
            return _rasa_shell(model, write_endpoints(workspace, actions_port), environment, arguments)
        finally:
            supervisor.stopping.set()
            keeper.join()
    finally:
        supervisor.stop()


def _rasa_shell(model: Path, endpoints: Path, environment: Mapping[str, str], arguments: list[str]) -> int:
    command = [sys.executable, "-m", "rasa", "shell", "--model", str(model), "--endpoints", str(endpoints)]
    command += ["--port", str(free_port(SHELL_PORT)), *arguments]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the shell, which shares the terminal
    try:
        return subprocess.run(
            command, cwd=PROJECT, env={**_CALM, **environment}, check=False, preexec_fn=_listen_to_ctrl_c
        ).returncode
    finally:
        signal.signal(signal.SIGINT, before)


def _listen_to_ctrl_c() -> None:
    """Undoes in the child what it would inherit: an ignored SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
