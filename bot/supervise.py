"""Child processes kept alive: started, health-checked, restarted with back-off, stopped in order, never orphaned."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from bot.orphans import bond
from data.errors import InputError

POLL = 0.1
"""Seconds between looks at the children."""

STEADY = 60.0
"""A child that lived this many seconds starts again at once when it dies."""

LONGEST_BACKOFF = 30.0
LARGEST_LOG = 5_000_000
"""Bytes after which a log file is set aside as ``NAME.log.1`` at the next start."""

Say = Callable[["Child", str], None]
"""Told of each change: (child, ``starting | ready | restarted | stopped`` or why it could not be restarted)."""


def pause_before(restarts: int) -> float:
    """Seconds before what died starts again: none at first, then 1, 2, 4 … ``LONGEST_BACKOFF``.

    Args:
        restarts: How often it was started again since it last lived for ``STEADY`` seconds.
    """
    return 0.0 if not restarts else min(LONGEST_BACKOFF, 2.0 ** (restarts - 1))


class ChildError(RuntimeError):
    """A child that died or was not healthy in time while everything started.

    Args:
        child: The child.
        reason: What happened.
    """

    def __init__(self, child: Child, reason: str) -> None:
        self.child, self.reason = child, reason
        super().__init__(f"{child.name}: {reason}; its log is {child.log}")


class Child(ABC):
    """Something to keep alive.

    Attributes:
        name: For people.
        log: Where its output goes, appended.
        start_seconds: How long it may take to become healthy.
        started: Monotonic seconds of its last start; 0 before the first.
        restarts: How often it was started again since it last lived for ``STEADY`` seconds.
        log_start: Length of its log in bytes at its last start.
    """

    def __init__(self, name: str, *, log: Path, start_seconds: float = 60.0) -> None:
        self.name, self.log, self.start_seconds = name, log, start_seconds
        self.started = 0.0
        self.restarts = 0
        self.log_start = 0
        self._resume = 0.0

    def start(self) -> None:
        """Starts it."""
        self.started = time.monotonic()
        self.launch()

    @abstractmethod
    def launch(self) -> None:
        """Starts its process.

        Raises:
            InputError: It cannot be started, for a reason that a person can mend.
        """

    @abstractmethod
    def stop(self) -> None:
        """Ends it and waits for that."""

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether its process runs."""

    @abstractmethod
    def healthy(self) -> bool:
        """Whether it does its work; asked several times a second while it starts."""

    def last_words(self) -> str:
        """How it ended, for people."""
        return "ended"

    def tail(self, lines: int = 15) -> str:
        """The last lines that it wrote since its last start."""
        try:
            with self.log.open("rb") as stream:
                stream.seek(max(self.log_start, self.log.stat().st_size - 16_384))
                return "\n".join(stream.read().decode("utf-8", "replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""

    def restart_when_due(self, *, now: float) -> bool:
        """Starts it again when it is dead, after its back-off: at once, then 1, 2, 4 ... ``LONGEST_BACKOFF`` seconds.

        Args:
            now: Of the monotonic clock.

        Returns:
            Whether it was started.
        """
        if self.alive:
            return False
        if not self._resume:
            if now - self.started > STEADY:
                self.restarts = 0
            self._resume = now + pause_before(self.restarts)
        if now < self._resume:
            return False
        self.restarts += 1
        self._resume = 0.0
        self.start()
        return True


class ProcessChild(Child):
    """A program of ours.

    Args:
        name: For people.
        command: Program and arguments.
        log: Where its output goes, appended.
        environment: Its whole environment.
        folder: Its current folder.
        probe: Whether it does its work; gets the child.
        start_seconds: How long it may take to become healthy.
        stop_seconds: How long it may take to end after SIGTERM before it is killed.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        folder: Path,
        probe: Callable[[ProcessChild], bool],
        start_seconds: float = 60.0,
        stop_seconds: float = 10.0,
    ) -> None:
        super().__init__(name, log=log, start_seconds=start_seconds)
        self.command, self.environment, self.folder = list(command), dict(environment), folder
        self.stop_seconds = stop_seconds
        self.process: subprocess.Popen[bytes] | None = None
        self._probe = probe

    def launch(self) -> None:
        """See parent."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_name(self.log.name + ".1"))
        with self.log.open("ab") as output:
            self.log_start = output.tell()
            self.process = _spawn(self, output)

    @property
    def alive(self) -> bool:
        """See parent."""
        return self.process is not None and self.process.poll() is None

    def healthy(self) -> bool:
        """See parent."""
        return self.alive and self._probe(self)

    def last_words(self) -> str:
        """See parent."""
        return f"ended with exit code {self.process.returncode}" if self.process else "did not start"

    def said(self, words: bytes) -> bool:
        """Whether it wrote these words since its last start."""
        with self.log.open("rb") as stream:
            stream.seek(self.log_start)
            return words in stream.read()

    def stop(self) -> None:
        """Asks the process to end, waits, and kills it when it does not."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(self.stop_seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        with suppress(ProcessLookupError, PermissionError):  # what it left of its own session
            os.killpg(self.process.pid, signal.SIGKILL)


def _spawn(child: ProcessChild, output: IO[bytes]) -> subprocess.Popen[bytes]:
    """Starts a process in a session of its own (Ctrl-C is the supervisor's), killed by the kernel with its parent."""
    return subprocess.Popen(
        child.command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=child.folder,
        env=child.environment,
        start_new_session=True,
        preexec_fn=bond(),
    )


class Supervisor:
    """Starts children stage by stage, keeps them alive, stops them in reverse order.

    Args:
        stages: Children that start together once the stage before is healthy.
        say: Told of each change.
    """

    def __init__(self, stages: Sequence[Sequence[Child]], *, say: Say) -> None:
        self.stages = [list(stage) for stage in stages]
        self.stopping = threading.Event()
        self._say = say
        self._served: list[Child] = []

    @property
    def children(self) -> list[Child]:
        """All children in the order of their start."""
        return [child for stage in self.stages for child in stage]

    def start(self) -> None:
        """Starts all and returns when all are healthy, or when told to stop.

        A child that was healthy once and dies while later ones start is started again, as ``keep`` would.

        Raises:
            ChildError: A child died before it was healthy, or was not healthy in time.
        """
        for stage in self.stages:
            for child in stage:
                child.start()
                self._say(child, "starting")
            self._wait_healthy(list(stage))

    def _wait_healthy(self, waiting: list[Child]) -> None:
        while waiting and not self.stopping.wait(POLL):
            for child in self.children:
                if child.started and not child.alive and child not in self._served:
                    raise ChildError(child, f"{child.last_words()} while starting")
            self._revive(self._served)
            for child in list(waiting):
                if child.healthy():
                    waiting.remove(child)
                    self._served.append(child)
                    self._say(child, "ready")
                elif time.monotonic() - child.started > child.start_seconds:
                    raise ChildError(child, f"was not ready within {child.start_seconds:.0f} s")

    def keep(self) -> None:
        """Restarts what dies, until told to stop."""
        while not self.stopping.wait(POLL):
            self._revive(self.children)

    def _revive(self, children: Sequence[Child]) -> None:
        now = time.monotonic()
        for child in children:
            try:
                if child.restart_when_due(now=now):
                    self._say(child, "restarted")
            except (InputError, OSError) as error:  # a full disk, say: tried again after the back-off
                self._say(child, f"not restarted: {error}")

    def stop(self) -> None:
        """Stops all children, the last started first."""
        self.stopping.set()
        for child in reversed(self.children):
            if child.started:
                child.stop()
                self._say(child, "stopped")
