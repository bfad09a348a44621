"""Our side of the benches of dialogue: a learned shop, and everything that `careline serve` runs, started in parts."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.printer import ROOT
from bot.serve import RedisChild, free_port, plan
from bot.supervise import Child, ProcessChild, Supervisor
from data.workspace import Learn, Services, Shop, Workspace, WorkspaceSettings, find_workspace, write_settings

SHOP = ROOT / "var" / "bench" / "shop"
RECIPE = "demo"
"""That of ``make demo``."""


def learned_shop(folder: Path = SHOP) -> Workspace:
    """The shop of the sample log, learned once and kept."""
    from learn import SAMPLE_LOG, run_stages

    settings = WorkspaceSettings(
        shop=Shop(name="Northwind Trail"), learn=Learn(recipe=RECIPE), services=Services(orders="sample")
    )
    write_settings(folder, settings)
    workspace = find_workspace(str(folder))
    if not (workspace.var / "live.json").is_file():
        print(f"learning the sample shop in {folder} (minutes; kept)", file=sys.stderr)
    run_stages(workspace, [SAMPLE_LOG])  # what is unchanged is skipped
    return workspace


@dataclass
class OurServer:
    """What runs.

    Attributes:
        address: ``HOST:PORT`` of the gateway.
        redis_url: Of the embedded server.
        supervisor: Of all children.
    """

    address: str
    redis_url: str
    supervisor: Supervisor

    def process(self, name: str) -> psutil.Process:
        """A child by its name in the supervisor.

        Raises:
            psutil.NoSuchProcess: It does not run now.
        """
        child = next(child for child in self.supervisor.children if child.name == name)
        if isinstance(child, RedisChild):
            pid = child.server.pid
        else:
            assert isinstance(child, ProcessChild)
            pid = child.process.pid if child.process else None
        if pid is None:  # to psutil, no number means this very process
            raise psutil.NoSuchProcess(0, name)
        return psutil.Process(pid)

    def cpu_seconds(self) -> float:
        """Of all processes so far."""
        return sum(cpu_seconds(self.process(child.name)) for child in self.supervisor.children)


def cpu_seconds(process: psutil.Process) -> float:
    """User and system seconds of a process and its living descendants."""
    family = [process, *process.children(recursive=True)]
    return sum(sum(one.cpu_times()[:2]) for one in family)


@contextmanager
def our_server(
    workspace: Workspace, *, workers: str = "1", change: Callable[[Child], None] = lambda _: None
) -> Iterator[OurServer]:
    """Runs what `careline serve` runs; a fresh Redis each time.

    Args:
        workspace: Learned.
        workers: As ``careline serve --workers`` reads it.
        change: May change a child before it starts.
    """
    shutil.rmtree(workspace.var / "redis", ignore_errors=True)
    port = free_port(0)
    stages = plan(workspace, os.environ, host="127.0.0.1", port=port, redis_url=None, workers=workers)
    for child in (child for stage in stages for child in stage):
        change(child)
    supervisor = Supervisor(stages, say=lambda *_: None)
    redis = stages[0][0]
    assert isinstance(redis, RedisChild)
    try:
        supervisor.start()
        keeper = threading.Thread(target=supervisor.keep, daemon=True)
        keeper.start()
        yield OurServer(f"127.0.0.1:{port}", redis.server.url, supervisor)
    finally:
        supervisor.stopping.set()
        supervisor.stop()
