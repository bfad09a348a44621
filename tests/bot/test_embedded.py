from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bot import embedded
from bot.embedded import EmbeddedRedis, redis_address, socket_path
from bot.state.log import ConversationLog
from data.errors import InputError
from data.workspace import Workspace


def test_other_processes_find_the_same_address(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert redis_address(workspace, None) == EmbeddedRedis(workspace).url
    assert redis_address(workspace, "redis://shop:6379") == "redis://shop:6379"


def test_long_path_gets_a_private_socket_folder(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / ("long" * 30))
    with EmbeddedRedis(workspace) as server:
        assert len(os.fsencode(server.socket)) <= embedded.LONGEST_SOCKET
        assert server.socket.parent.stat().st_mode & 0o777 == 0o700
        assert embedded.answers(server.socket)
    server.socket.parent.rmdir()


def test_second_start_adopts_or_refuses_naming_the_process(tmp_path: Path) -> None:
    with EmbeddedRedis(Workspace(tmp_path)) as first:
        second = EmbeddedRedis(Workspace(tmp_path))
        second.start()
        assert second.pid == first.pid
        second.stop()
        assert first.pid is not None, "an adopted server is not ours to stop"
        with pytest.raises(InputError, match=f"process {first.pid}"):
            EmbeddedRedis(Workspace(tmp_path)).start(adopt=False)
    assert first.pid is None
    assert not embedded.answers(first.socket)


async def test_kill_loses_nothing_and_leaves_no_trap(tmp_path: Path) -> None:
    server = EmbeddedRedis(Workspace(tmp_path))
    server.start()
    async with await ConversationLog.open(server.url) as log:
        accepted = [await log.accept("c", client_id=f"m{n}", text=f"text {n}") for n in range(50)]
        assert server.process is not None
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        assert server.pid is None
        assert socket_path(server.workspace).exists(), "the stale socket is there, and must not matter"
        server.start()
        entries = await log.read("c")
    server.stop()
    assert [e.seq for e in entries] == [a.seq for a in accepted]
    assert [e.text for e in entries] == [f"text {n}" for n in range(50)]


async def test_subscribers_are_told_of_the_gap(tmp_path: Path) -> None:
    server = EmbeddedRedis(Workspace(tmp_path))
    server.start()
    async with await ConversationLog.open(server.url) as log:
        changes = log.subscribe()
        assert await changes.__anext__() is None
        await log.accept("c", client_id="1", text="before")
        assert await changes.__anext__() == "c"
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        server.start()
        assert await asyncio.wait_for(changes.__anext__(), 20) is None
        await log.accept("c", client_id="2", text="after")
        assert await asyncio.wait_for(changes.__anext__(), 20) == "c"
        await changes.aclose()  # type: ignore[attr-defined]
    server.stop()


def test_server_ends_with_its_starter(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from bot.embedded import EmbeddedRedis;"
        "from data.workspace import Workspace; s = EmbeddedRedis(Workspace(Path(sys.argv[1]))); s.start();"
        "print(s.pid, flush=True); time.sleep(60)"
    )
    starter = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    server = psutil.Process(int(starter.stdout.readline()))
    starter.kill()
    starter.wait()
    server.wait(timeout=10)
    starter.stdout.close()


def test_a_server_that_cannot_start_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "var" / "redis" / "appendonlydir").mkdir(parents=True)
    (tmp_path / "var" / "redis" / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    server = EmbeddedRedis(Workspace(tmp_path))
    with pytest.raises(InputError, match="does not start"):
        server.start()
    assert server.pid is None
