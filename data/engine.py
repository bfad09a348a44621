"""Runs one function over many items: in this process, in several, or on a Dask cluster; results come in order.

The stages of a dataset are such functions of one block or shard. They share nothing but files, so that where they run
changes nothing about what they write.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from itertools import chain, islice
from types import TracebackType
from typing import Any, Protocol, TypeVar

from data.errors import InputError

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

FEW = 4
"""Items that this process runs by itself before a worker has read the lists of names, which takes it seconds."""

AHEAD = 2
"""Items handed out for each process: one at work and one waiting, so that memory does not grow with the log."""

_PR_SET_PDEATHSIG = 1


class Engine(AbstractContextManager["Engine"], Protocol):
    """Something that runs a function over items."""

    name: str

    def map(self, function: Callable[[ItemT], ResultT], items: Iterable[ItemT]) -> Iterator[ResultT]:
        """Yields ``function(item)`` of each item, in the order of the items; items are drawn as they are needed."""
        ...

    def rest(self) -> None:
        """Nothing is mapped for a while: gives back what the workers hold."""
        ...


class Serial:
    """Runs everything in this process: nothing to start, for small logs and for tests."""

    name = "one process"

    def map(self, function: Callable[[ItemT], ResultT], items: Iterable[ItemT]) -> Iterator[ResultT]:
        """See ``Engine``."""
        return map(function, items)

    def rest(self) -> None:
        """See ``Engine``."""

    def __enter__(self) -> Serial:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        return None


class Processes:
    """Runs items in worker processes of this machine, which end with this one.

    Args:
        count: Of processes; by default one a core that this process may use.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count = count or cores()
        self.name = f"{self.count} processes"
        self._started: ProcessPoolExecutor | None = None

    @property
    def _pool(self) -> ProcessPoolExecutor:
        if self._started is None:
            # Spawned, not forked: the parent draws bars in a thread, and a fork would copy its locks as they are.
            spawn = multiprocessing.get_context("spawn")
            self._started = ProcessPoolExecutor(
                self.count, mp_context=spawn, initializer=_begin, initargs=(os.getpid(),)
            )
        return self._started

    def rest(self) -> None:
        """See ``Engine``; the workers end, and others begin when they are needed."""
        if self._started is not None:
            self._started.shutdown()
            self._started = None

    def map(self, function: Callable[[ItemT], ResultT], items: Iterable[ItemT]) -> Iterator[ResultT]:
        """See ``Engine``; up to ``FEW`` items start no worker.

        Raises:
            InputError: A worker was killed, as the system does when memory is short.
        """
        items = iter(items)
        first = [] if self._started else list(islice(items, FEW + 1))
        if not self._started and len(first) <= FEW:
            yield from map(function, first)
            return
        every = chain(first, items)
        try:
            yield from _in_order(self._pool.submit, lambda future: future.result(), function, every, self.count)
        except BrokenProcessPool as error:
            raise InputError(
                "a worker process",
                got="its sudden end",
                expected="workers that finish",
                next_step="Free some memory and run the command again; what was finished is kept.",
            ) from error

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._started is not None:
            self._started.shutdown(wait=kind is None, cancel_futures=True)


class Dask:
    """Runs items on a Dask cluster, whose workers have Careline installed and see the workspace's folder.

    Args:
        address: Of the scheduler, such as ``tcp://10.0.0.5:8786``.

    Raises:
        InputError: The package ``distributed`` is not installed, or nothing answers there.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError as error:
            raise InputError(
                "--engine", got=f"{address} without the package distributed", expected="careline[cluster]",
                next_step="Install it: pip install 'careline[cluster]'.",
            ) from error  # fmt: skip
        try:
            self._client = Client(address, timeout=10, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                "--engine", got=f"no Dask scheduler at {address}", expected="one that answers",
                next_step="Start one (dask-scheduler, dask-worker), or leave out --engine.",
            ) from error  # fmt: skip
        self.count = max(1, sum(self._client.nthreads().values()))
        self.name = f"Dask, {self.count} workers"

    def map(self, function: Callable[[ItemT], ResultT], items: Iterable[ItemT]) -> Iterator[ResultT]:
        """See ``Engine``."""

        def submit(function: Callable[[ItemT], ResultT], item: ItemT) -> Any:
            return self._client.submit(function, item, pure=False)

        yield from _in_order(submit, lambda future: future.result(), function, items, self.count)

    def rest(self) -> None:
        """See ``Engine``; the workers are not ours."""

    def __enter__(self) -> Dask:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._client.close()


def choose_engine(named: str | None, *, small: bool) -> Engine:
    """The engine of a build.

    Args:
        named: ``None`` chooses; ``1`` is this process; a number so many processes; an address is a Dask scheduler's.
        small: Whether the log is so small that starting processes takes longer than they save.

    Raises:
        InputError: Neither a number nor an address.
    """
    if named is None:
        return Serial() if small or cores() == 1 else Processes()
    if named.isdigit() and int(named) > 0:
        return Serial() if named == "1" else Processes(int(named))
    if "://" in named:
        return Dask(named.removeprefix("dask://") if named.startswith("dask://") else named)
    raise InputError(
        "--engine", got=named, expected="a number of processes, or a Dask scheduler such as tcp://host:8786",
        next_step="Leave it out to use all cores.",
    )  # fmt: skip


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _in_order(
    submit: Callable[..., Any],
    wait: Callable[[Any], ResultT],
    function: Callable[[ItemT], ResultT],
    items: Iterable[ItemT],
    count: int,
) -> Iterator[ResultT]:
    """Keeps ``AHEAD`` items a worker under way and yields their results in order."""
    running: deque[Any] = deque()
    for item in items:
        running.append(submit(function, item))
        if len(running) >= AHEAD * count:
            yield wait(running.popleft())
    while running:
        yield wait(running.popleft())


def _begin(parent: int) -> None:
    """In a new worker: leave Ctrl-C to the parent, and end when the parent does, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)  # it ended before the line above
    if sys.platform != "linux":
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
