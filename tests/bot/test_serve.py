"""Children are started when healthy, restarted when they die, stopped in order and never orphaned."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from bot.supervise import LONGEST_BACKOFF, STEADY, ChildError, ProcessChild, Supervisor

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
