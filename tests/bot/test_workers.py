"""One parent, many workers: kept, replaced, more and fewer by the queue, ended together."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.state.log import ConversationLog
from bot.state.work import WorkQueue
from bot.supervise import LONGEST_BACKOFF, STEADY
from bot.worker import READY
from bot.workers import BACKLOG, IDLE_SECONDS, Demand, Place, Range
from data.errors import InputError
from data.workspace import Live, Workspace

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0


@pytest.mark.parametrize(
    ("text", "limits"),
    [("1", (1, 1)), ("3", (3, 3)), ("1-4", (1, 4)), ("auto", (1, 8))],
)
def test_numbers_ranges_and_auto_are_read(text: str, limits: tuple[int, int]) -> None:
    assert Range.parse(text, cores=8) == Range(*limits)


@pytest.mark.parametrize("text", ["", "0", "-1", "4-2", "two", "1-", "1-2-3", "9999"])
def test_what_is_no_number_of_workers_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"--workers: got .*expected a number"):
        Range.parse(text, cores=8)


@given(st.lists(st.tuples(st.integers(0, 100), st.floats(0.1, 200)), max_size=60), st.integers(1, 3), st.integers(0, 4))
def test_demand_stays_between_its_limits_and_moves_by_one(
    looks: list[tuple[int, float]], least: int, more: int
) -> None:
    demand, now = Demand(Range(least, least + more)), 0.0
    for waiting, pause in looks:
        now += pause
        before = demand.wanted
        assert least <= demand.look(waiting, now=now) <= least + more
        assert abs(demand.wanted - before) <= 1


def test_a_backlog_calls_for_workers_and_peace_sends_them_away() -> None:
    demand = Demand(Range(1, 3))
    assert demand.look(BACKLOG, now=1) == 1, "one crowded look may be chance"
    assert demand.look(BACKLOG, now=2) == 2
    assert demand.look(BACKLOG, now=3) == 2
    assert [demand.look(BACKLOG * 2, now=now) for now in (4, 5, 6, 7)] == [2, 3, 3, 3]
    assert demand.look(0, now=8) == 3
    assert demand.look(0, now=9 + IDLE_SECONDS) == 2
    assert demand.look(0, now=9 + IDLE_SECONDS / 2 + IDLE_SECONDS) == 2
    assert demand.look(0, now=10 + 2 * IDLE_SECONDS) == 1


def test_back_off_doubles_and_forgets_after_a_steady_life() -> None:
    place, waits = Place("w"), []
    for _ in range(8):
        place.died(now=place.started + 1)
        waits.append(place.resume - place.started - 1)
    assert waits == [0, 1, 2, 4, 8, 16, LONGEST_BACKOFF, LONGEST_BACKOFF]
    place.died(now=place.started + STEADY + 1)
    assert place.resume == place.started + STEADY + 1


PARENT = r"""
import os, sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from bot.workers import Parent, Range

def run(name):
    import signal
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.write(1, f"{{name}} {{os.getpid()}}\n".encode())
    {life}
    return 0

sys.exit(Parent(run, name="w", limits=Range({least}, {most}), waiting=lambda: {waiting}).keep())
"""


@contextmanager
def parent(
    life: str = "time.sleep(600)", *, least: int = 2, most: int = 2, waiting: str = "None"
) -> Iterator[subprocess.Popen[str]]:
    program = PARENT.format(root=str(ROOT), life=life, least=least, most=most, waiting=waiting)
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def first_of(process: subprocess.Popen[str], count: int) -> list[tuple[str, int]]:
    assert process.stdout is not None
    lines = [process.stdout.readline().split() for _ in range(count)]
    return [(name, int(pid)) for name, pid in lines]


def wait_for_end(pids: list[int]) -> None:
    until = time.monotonic() + PATIENCE
    while any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids):
        assert time.monotonic() < until, "a child outlived its parent"
        time.sleep(0.02)


def test_a_killed_child_is_replaced_under_its_name_and_all_end_with_the_parent() -> None:
    with parent() as process:
        children = dict(first_of(process, 2))
        assert sorted(children) == ["w.0", "w.1"]
        os.kill(children["w.1"], signal.SIGKILL)
        ((name, pid),) = first_of(process, 1)
        assert name == "w.1"
        assert pid != children["w.1"]
        process.terminate()
        assert process.wait(PATIENCE) == 0
        wait_for_end([children["w.0"], pid])


def test_a_killed_parent_leaves_no_orphans() -> None:
    with parent() as process:
        pids = [pid for _, pid in first_of(process, 2)]
        process.kill()
        wait_for_end(pids)


@pytest.mark.parametrize(("life", "code"), [("return 2", 2), ("raise ValueError('broken index')", 1)])
def test_a_child_that_cannot_start_ends_the_parent_at_once(life: str, code: int) -> None:
    with parent(life, least=1, most=1) as process:
        assert process.wait(PATIENCE) == code


def test_a_crowd_in_the_queue_starts_more() -> None:
    with parent(least=1, most=2, waiting="50") as process:
        assert sorted(dict(first_of(process, 2))) == ["w.0", "w.1"]


async def test_the_queue_says_how_many_wait(log: ConversationLog) -> None:
    queue = WorkQueue(log)
    assert await queue.waiting() == 0
    for conversation in "abc":
        await log.accept(conversation, client_id="1", text="hello")
    await log.accept("a", client_id="2", text="are you there?")
    assert await queue.waiting() == 3


@pytest.mark.rasa
@pytest.mark.slow
async def test_two_real_workers_answer_and_a_killed_one_is_replaced(
    log: ConversationLog, tmp_path: Path, rasa_model: Path, action_server: Any
) -> None:
    workspace = Workspace(tmp_path)
    folder = workspace.folder("rasa") / "one"
    folder.mkdir(parents=True)
    (folder / "model.tar.gz").symlink_to(rasa_model)
    workspace.go_live(Live(dataset="d", model="m", index="i", rasa="one"))
    env = os.environ | {
        "CARELINE_WORKSPACE": str(tmp_path),
        "REDIS_URL": log.store.url,
        "CARELINE_ACTIONS_URL": action_server.url,
    }
    command = [sys.executable, "-m", "bot.workers", "--name", "w", "--workers", "2", "--lease", "2", "--takeover", "2"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        for _ in range(2):
            assert (await asyncio.to_thread(process.stdout.readline)).startswith(READY)
        await _answered(log, [f"c{n}" for n in range(12)])
        children = psutil.Process(process.pid).children()
        assert len(children) == 2
        children[0].kill()
        await _answered(log, [f"d{n}" for n in range(12)])
        assert (await asyncio.to_thread(process.stdout.readline)).startswith(READY)
    finally:
        process.terminate()
        code = await asyncio.to_thread(process.wait, PATIENCE)
        assert process.stdout is not None
        process.stdout.close()
    assert code == 0


async def _answered(log: ConversationLog, conversations: list[str]) -> None:
    for conversation in conversations:
        await log.accept(conversation, client_id="1", text="hello")
    until = time.monotonic() + PATIENCE
    for conversation in conversations:
        while (info := await log.info(conversation)) is None or info.pending:
            assert time.monotonic() < until, "a message was not answered"
            await asyncio.sleep(0.02)
        assert [e.text for e in await log.read(conversation) if e.kind == "bot"] == ["Hello!"]
