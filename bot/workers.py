"""``python -m bot.workers``: any number of workers, forked from one parent that has imported Rasa.

Importing Rasa takes seconds and half a gigabyte. The parent pays for it once: a child begins with all of it in shared
memory, loads its model, and answers within a second or two, so that a crashed worker is soon replaced. The parent
computes nothing, holds no connection between its looks at the queue, and starts no thread that a fork would miss
(pyarrow's allocator has one, made to bear forks).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

from bot.embedded import redis_address
from bot.orphans import bond
from bot.settings import BotSettings, read_settings
from bot.state.entry import StateError, StateUnavailable
from bot.state.log import ConversationLog
from bot.state.work import WorkQueue
from bot.supervise import STEADY, pause_before
from bot.worker import command_line, log_to_stderr, work
from data.errors import InputError

logger = logging.getLogger("careline.workers")

POLL = 0.1
"""Seconds between looks at the children."""

LOOK_SECONDS = 1.0
"""Seconds between looks at the queue, where the number of workers follows it."""

BACKLOG = 4
"""So many waiting conversations a worker, seen twice in a row, call for one more."""

IDLE_SECONDS = 120.0
"""An extra worker ends after so long without a backlog."""

STOP_SECONDS = 9.0
"""The supervisor kills after 10: by then children were asked, waited for and killed."""

_SHARED = (
    "faiss",
    "onnxruntime",
    "bot.components.abstain",
    "bot.components.details",
    "bot.components.understanding",
    "bot.rasa_door",
    "bot.worker",
    "retrieval.living",
)
"""Modules, the libraries that those import late among them."""


@dataclass(frozen=True)
class Range:
    """How many workers: between two numbers, equal ones for a fixed number."""

    least: int
    most: int

    @classmethod
    def parse(cls, text: str, *, cores: int) -> Range:
        """Reads ``3``, ``1-4`` or ``auto`` (one to as many as there are cores).

        Raises:
            InputError: It is none of these.
        """
        if text == "auto":
            return cls(1, max(1, cores))
        low, dash, high = text.partition("-")
        if low.isdecimal() and (high.isdecimal() or not dash):
            made = cls(int(low), int(high or low))
            if 1 <= made.least <= made.most <= 256:
                return made
        raise InputError(
            "--workers",
            got=repr(text),
            expected="a number from 1, a range such as 1-4, or auto",
            next_step="`careline serve --workers auto` follows the queue.",
        )


class Demand:
    """How many workers the queue asks for.

    Args:
        limits: Between which numbers.
    """

    def __init__(self, limits: Range) -> None:
        self.limits, self.wanted = limits, limits.least
        self._crowded = 0
        self._busy = 0.0

    def look(self, waiting: int, *, now: float) -> int:
        """Notes a look at the queue.

        Args:
            waiting: Conversations with a message that has no outcome yet.
            now: Monotonic seconds.

        Returns:
            How many workers there shall be.
        """
        crowded = waiting >= BACKLOG * self.wanted
        self._crowded = self._crowded + 1 if crowded else 0
        if waiting > self.wanted - 1:  # the last of them has something to do
            self._busy = now
        if self._crowded >= 2:
            self.wanted, self._crowded, self._busy = min(self.limits.most, self.wanted + 1), 0, now
        elif now - self._busy > IDLE_SECONDS:
            self.wanted, self._busy = max(self.limits.least, self.wanted - 1), now
        return self.wanted


@dataclass
class Place:
    """One worker's place, taken by one child after another.

    Attributes:
        name: Of the worker, the same for each child of the place, so that it goes on where the last one died.
        pid: Of the child; 0 without one.
        started: Monotonic seconds.
        deaths: Since a child last lived for ``STEADY`` seconds.
        resume: Monotonic seconds before which no child is started.
        leaving: Asked to end and not to be replaced.
    """

    name: str
    pid: int = 0
    started: float = 0.0
    deaths: int = 0
    resume: float = 0.0
    leaving: bool = False

    def died(self, *, now: float) -> None:
        """Notes the end of its child, and when the next one may start."""
        self.deaths = 0 if now - self.started > STEADY else self.deaths
        self.pid, self.deaths, self.resume = 0, self.deaths + 1, now + pause_before(self.deaths)


class Parent:
    """Keeps as many children as are wanted.

    Args:
        run: What a child does; gets the worker's name; its result is the exit code. It is called after the fork.
        name: Of the group.
        limits: How many.
        waiting: Counts conversations that wait; None where it cannot be told now. Asked only where limits differ.
    """

    def __init__(
        self, run: Callable[[str], int], *, name: str, limits: Range, waiting: Callable[[], int | None]
    ) -> None:
        self.run_child, self.name, self.limits = run, name, limits
        self.places: list[Place] = []
        self.stopping = False
        self._waiting, self._demand, self._looked, self._began = waiting, Demand(limits), 0.0, 0.0
        self._bind = bond()

    def keep(self) -> int:
        """Starts the children and replaces those that die, until SIGTERM or SIGINT; then lets them finish.

        Returns:
            0, or the exit code of a child that ended by itself in the first minute: what it misses (a model, Redis)
            would be missing again, and who starts the parent should hear of it at once.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._began = time.monotonic()
        gc.collect()
        gc.freeze()  # or the children's collector would touch, and so copy, every page
        code = 0
        while not self.stopping and not code:
            code = self._reap()
            self._fill(time.monotonic())
            time.sleep(POLL)
        self._end()
        return code

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def _fill(self, now: float) -> None:
        wanted = self._wanted(now)
        staying = [place for place in self.places if not place.leaving]
        for place in staying[wanted:]:
            place.leaving = True
            self._tell(place, signal.SIGTERM)
        taken = {place.name for place in self.places}
        free = (name for i in range(self.limits.most) if (name := f"{self.name}.{i}") not in taken)
        for name in [next(free) for _ in range(wanted - len(staying)) if len(taken) < self.limits.most]:
            self.places.append(Place(name))
        for place in self.places:
            if not place.pid and not place.leaving and now >= place.resume:
                self._fork(place)
        self.places = [place for place in self.places if place.pid or not place.leaving]

    def _wanted(self, now: float) -> int:
        if self.limits.least == self.limits.most:
            return self.limits.least
        if now - self._looked > LOOK_SECONDS:
            self._looked = now
            waiting = self._waiting()
            if waiting is not None:
                self._demand.look(waiting, now=now)
        return self._demand.wanted

    def _fork(self, place: Place) -> None:
        place.started = time.monotonic()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            place.pid = pid
        else:
            self._be(place.name)

    def _be(self, name: str) -> NoReturn:
        """The child's life; it never returns into the parent's code."""
        code = 1
        try:
            self._bind()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            code = self.run_child(name)
        except BaseException:  # told below, and the parent sees the exit code
            logger.exception("worker %s ended", name)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _reap(self) -> int:
        """Notes children that ended; returns the exit code that ends the parent, or 0."""
        for place in self.places:
            if not place.pid:
                continue
            pid, status = os.waitpid(place.pid, os.WNOHANG)
            if not pid:
                continue
            code = os.waitstatus_to_exitcode(status)
            now = time.monotonic()
            place.died(now=now)
            if not place.leaving:
                logger.error("worker %s ended with %s; the next one starts after its back-off.", place.name, code)
            if code > 0 and not place.leaving and now - self._began < STEADY:
                return code
        return 0

    def _tell(self, place: Place, number: signal.Signals) -> None:
        if place.pid:
            os.kill(place.pid, number)  # not reaped yet, so the number is still its own

    def _end(self) -> None:
        for place in self.places:
            self._tell(place, signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        while any(place.pid for place in self.places):
            self._reap_all()
            if time.monotonic() > until:
                for place in self.places:
                    self._tell(place, signal.SIGKILL)
            time.sleep(0.02)

    def _reap_all(self) -> None:
        for place in self.places:
            if place.pid and os.waitpid(place.pid, os.WNOHANG)[0]:
                place.pid = 0


def import_all() -> None:
    """Imports what workers need, so that it is there, and shared, when they are forked."""
    for name in _SHARED:
        importlib.import_module(name)


def waiting_conversations(url: str) -> int | None:
    """How many conversations have a message without an outcome; None when the server does not say."""

    async def ask() -> int:
        async with await ConversationLog.open(url, patience=1.0) as log:
            return await WorkQueue(log).waiting()

    try:
        return asyncio.run(ask())
    except StateError as error:
        logger.warning("%s", error)
        return None


def main(words: Sequence[str]) -> int:
    """Runs the parent: 0 after SIGTERM, 2 with one line when Redis or the model is missing."""
    log_to_stderr()
    parser = command_line("bot.workers")
    parser.add_argument("--workers", default="1", help="a number, a range such as 1-4, or auto (default: 1)")
    arguments, settings = parser.parse_args(words), read_settings()
    try:
        limits = Range.parse(arguments.workers, cores=os.cpu_count() or 1)
        address = redis_address(settings.find_workspace(), settings.redis_url)
        _look_before(settings, address)
    except (InputError, StateUnavailable) as error:
        print(f"careline worker: {error}", file=sys.stderr)
        return 2
    import_all()
    name = arguments.name or socket.gethostname()
    return Parent(
        lambda worker: work(argparse.Namespace(**{**vars(arguments), "name": worker})),
        name=name,
        limits=limits,
        waiting=lambda: waiting_conversations(address),
    ).keep()


def _look_before(settings: BotSettings, address: str) -> None:
    """Says what is missing before seconds go into imports.

    Raises:
        InputError: Nothing learned yet.
        StateUnavailable: No Redis.
    """
    settings.find_workspace().live_rasa()

    async def ping() -> None:
        async with await ConversationLog.open(address):
            pass

    asyncio.run(ping())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
