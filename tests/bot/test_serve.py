"""Children are started when healthy, restarted when they die, stopped in order and never orphaned."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import psutil
import pytest

from bot.gateway.testing import widget
from bot.serve import RedisChild, check_port, child_environment, free_port, http_ready, only_server, plan
from bot.supervise import LONGEST_BACKOFF, STEADY, ChildError, ProcessChild, Supervisor
from data.errors import InputError
from data.workspace import Services, Workspace, WorkspaceSettings, find_workspace, write_settings

ROOT = Path(__file__).resolve().parents[2]
LIVES = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text('x'); time.sleep(600)"
DIES = "import sys; print('cannot find my hat'); sys.exit(3)"


def child(tmp_path: Path, name: str, *, code: str = LIVES) -> ProcessChild:
    sign = tmp_path / f"{name}.up"
    return ProcessChild(
        name,
        [sys.executable, "-c", code, str(sign)],
        log=tmp_path / "logs" / f"{name}.log",
        probe=lambda _: sign.exists(),
        environment=dict(os.environ),
        folder=tmp_path,
        start_seconds=30,
    )


def wait_for(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit, "the condition did not become true"
        time.sleep(0.02)


@contextmanager
def keeping(supervisor: Supervisor) -> Iterator[None]:
    supervisor.start()
    keeper = threading.Thread(target=supervisor.keep)
    keeper.start()
    try:
        yield
    finally:
        supervisor.stopping.set()
        keeper.join()
        supervisor.stop()


def test_a_stage_starts_when_the_one_before_is_healthy_and_all_stop_in_reverse(tmp_path: Path):
    told: list[tuple[str, str]] = []
    first, second = child(tmp_path, "first"), child(tmp_path, "second")
    supervisor = Supervisor([[first], [second]], say=lambda c, what: told.append((c.name, what)))
    supervisor.start()
    supervisor.stop()
    assert told == [
        ("first", "starting"),
        ("first", "ready"),
        ("second", "starting"),
        ("second", "ready"),
        ("second", "stopped"),
        ("first", "stopped"),
    ]
    assert not first.alive
    assert not second.alive


def test_a_child_that_cannot_start_is_named_with_its_last_words(tmp_path: Path):
    supervisor = Supervisor([[child(tmp_path, "good"), child(tmp_path, "bad", code=DIES)]], say=lambda *_: None)
    with pytest.raises(ChildError, match="bad: ended with exit code 3") as caught:
        supervisor.start()
    supervisor.stop()
    assert "cannot find my hat" in caught.value.child.tail()


def test_a_killed_child_is_started_again(tmp_path: Path):
    one = child(tmp_path, "one")
    with keeping(Supervisor([[one]], say=lambda *_: None)):
        assert one.process is not None
        before = one.process.pid
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: one.restarts == 1 and one.alive)
        assert one.process.pid != before


def test_what_served_and_dies_while_others_start_is_started_again(tmp_path: Path):
    first, second = child(tmp_path, "first"), child(tmp_path, "second")

    def say(changed: object, what: str) -> None:
        if (changed, what) == (second, "starting"):
            assert first.process is not None
            os.kill(first.process.pid, signal.SIGKILL)
            first.process.wait()

    supervisor = Supervisor([[first], [second]], say=say)
    supervisor.start()
    try:
        assert first.restarts == 1
        assert first.alive
    finally:
        supervisor.stop()


def test_back_off_doubles_up_to_a_limit_and_forgets_after_a_steady_life(tmp_path: Path):
    one = child(tmp_path, "one", code=DIES)
    one.start()
    waits = []
    for _ in range(8):
        assert one.process is not None
        one.process.wait()
        died = now = one.started
        while not one.restart_when_due(now=now):
            now += 0.5
        waits.append(now - died)
    assert waits == [0, 1, 2, 4, 8, 16, LONGEST_BACKOFF, LONGEST_BACKOFF]
    one.process.wait()
    assert one.restart_when_due(now=one.started + STEADY + 1)
    assert one.restarts == 1
    one.stop()


def test_a_killed_supervisor_leaves_no_orphans(tmp_path: Path):
    program = f"""
import sys; sys.path[:0] = [{str(ROOT)!r}, {str(Path(__file__).parent)!r}]
from pathlib import Path
from test_serve import child
from bot.supervise import Supervisor
supervisor = Supervisor([[child(Path({str(tmp_path)!r}), "one"), child(Path({str(tmp_path)!r}), "two")]], say=print)
supervisor.start()
print("pids", *(c.process.pid for c in supervisor.children), flush=True)
supervisor.keep()
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pids = next([int(pid) for pid in line.split()[1:]] for line in process.stdout if line.startswith("pids"))
    process.kill()
    process.communicate()
    wait_for(lambda: not any(running(pid) for pid in pids))


def running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_port_in_use_is_named_with_a_way_out():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"port {port}.*in use.*--port"):
            check_port("127.0.0.1", port)
        assert free_port(port) != port
    check_port("127.0.0.1", port)
    with pytest.raises(InputError, match="port 8080"):
        check_port("203.0.113.7", 8080)


def test_a_second_server_of_a_workspace_is_refused(tmp_path: Path):
    workspace = Workspace(tmp_path)
    with only_server(workspace), pytest.raises(InputError, match=f"process {os.getpid()}"), only_server(workspace):
        pass
    with only_server(workspace):
        pass


def test_children_know_the_workspace_and_nothing_stale(tmp_path: Path):
    environ = {"REDIS_URL": "redis://old", "PATH": "/bin"}
    ours = child_environment(environ, Workspace(tmp_path), actions_port=7, redis_url=None)
    assert "REDIS_URL" not in ours
    assert ours["CARELINE_WORKSPACE"] == str(tmp_path)
    assert ours["CARELINE_ACTIONS_URL"] == "http://127.0.0.1:7/webhook"
    other = child_environment(environ, Workspace(tmp_path), actions_port=7, redis_url="redis://new")
    assert other["REDIS_URL"] == "redis://new"


@pytest.mark.slow
def test_real_children_come_back_after_kill_and_keep_the_conversation(tmp_path: Path):
    """Redis, actions and gateway; the worker needs a learned model and is in the loop's tests."""
    write_settings(tmp_path, WorkspaceSettings(services=Services(orders="sample")))
    port = free_port(0)
    redis, rest = plan(find_workspace(str(tmp_path)), os.environ, host="127.0.0.1", port=port, redis_url=None)
    supervisor = Supervisor([redis, [c for c in rest if c.name != "worker"]], say=lambda *_: None)
    with keeping(supervisor):
        keys = asyncio.run(say_something(f"127.0.0.1:{port}"))
        for one in supervisor.children:
            pid = one.server.pid if isinstance(one, RedisChild) else cast(ProcessChild, one).process.pid  # type: ignore[union-attr]
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: all(one.restarts and one.healthy() for one in supervisor.children))
        wait_for(lambda: http_ready(f"http://127.0.0.1:{port}/healthz"))
        assert asyncio.run(read_first(f"127.0.0.1:{port}", keys)) == "are you there?"
    assert not any(one.alive for one in supervisor.children)
    check_port("127.0.0.1", port)


async def say_something(address: str) -> dict[str, str]:
    async with widget(address) as (one, welcome):
        await one.say(type="send", client_id="a", text="are you there?")
        await one.a("ack")
        return {"conversation": welcome["conversation"], "token": welcome["token"]}


async def read_first(address: str, keys: dict[str, str]) -> str:
    async with widget(address, **keys) as (one, _):
        return str((await one.a("entry"))["text"])
