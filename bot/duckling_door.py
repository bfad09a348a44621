"""Duckling, which reads days and amounts of money, behind a time limit (docs/explain/entities.md).

It runs in a process of its own, for three reasons. Some texts keep it busy for minutes, or for ever ("5月百3号"), and
nothing but killing it ends that. Its Haskell runtime does not survive the forks that workers are made by. And it takes
SIGINT for itself.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from bot.duckling_process import READY
from data.errors import InputError
from data.workspace import PROJECT

logger = logging.getLogger(__name__)

LONGEST = 240
"""Characters of a clause; 0.7 ms for 75 of them, and growing faster than in proportion."""

PATIENCE = 0.25
"""Seconds for a clause; one of a customer needs a few milliseconds."""

START = 30.0
"""Seconds until it must be ready at first, before customers wait, and between two that do not start; a fifth of one is
usual."""

AGAIN = 2.0
"""Seconds that a customer's message waits, once, for one that is started again. Nothing else runs meanwhile."""


class TooSlow(Exception):
    """A clause that Duckling did not finish in time. It was killed, and is started again."""


class Duckling:
    """Duckling in a process of its own, started with the first question, again after a fork or a kill.

    Args:
        patience: Seconds for a clause.

    Raises:
        InputError: The package is not installed. Its wheels are for Linux on x86-64 and macOS on ARM.
    """

    def __init__(self, *, patience: float = PATIENCE) -> None:
        if find_spec("duckling") is None:
            raise InputError(
                "Duckling",
                got="no package pyduckling-native-phihos",
                expected="what finds dates and amounts of money in messages",
                next_step="Run `make setup`; where it has no wheel for this machine, they are not found.",
            )
        self._patience = patience
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._owner, self._ready, self._wait, self._since = 0, False, START, 0.0

    def read(
        self, clause: str, language: str, now: datetime, *, days_only: bool = False
    ) -> Sequence[Mapping[str, Any]]:
        """What Duckling finds in a clause: dicts with ``dim``, ``start``, ``end`` and ``value``.

        Args:
            clause: ``LONGEST`` characters at most; what is beyond is not read.
            language: ``zh``, or any other, which is read as English.
            now: In the shop's own time, without a zone.
            days_only: Leave amounts out.

        Raises:
            TooSlow: It took longer than ``patience``, or died of the text.
        """
        with self._lock:
            child = self._started()
            asked = json.dumps([clause[:LONGEST], language, now.isoformat(), days_only]) + "\n"
            try:
                os.write(_stdin(child), asked.encode())
                found: list[dict[str, Any]] = json.loads(self._line(child, self._patience))
            except (OSError, ValueError, TooSlow) as error:
                self._end()
                self._spawn(AGAIN)  # it loads while nobody waits
                logger.warning("Duckling did not finish a clause of %d characters; it was left unread.", len(clause))
                raise TooSlow(str(error)) from error
            return found

    def close(self) -> None:
        """Ends the process; the next question starts another."""
        with self._lock:
            self._end()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._owner != os.getpid():
            self._spawn(START)
        elif self._ready and self._child.poll() is not None:
            self._end()
            self._spawn(AGAIN)
        elif not self._ready and time.monotonic() - self._since > START:
            self._end()
            self._spawn(0.0)
        assert self._child is not None
        if not self._ready:
            wait, self._wait = self._wait, 0.0  # nobody waits for the same one twice
            if self._line(self._child, wait).decode(errors="replace").strip() != READY:
                raise TooSlow("no sign of Duckling")
            self._ready = True
        return self._child

    def _spawn(self, wait: float) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "bot.duckling_process"], cwd=PROJECT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._owner, self._ready, self._wait, self._since = os.getpid(), False, wait, time.monotonic()

    def _end(self) -> None:
        if self._child is not None and self._owner == os.getpid():
            self._child.kill()
            self._child.wait()
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe is not None:
                    pipe.close()
        self._child = None

    def _line(self, child: subprocess.Popen[bytes], patience: float) -> bytes:
        """The child's next line. It says one line to each of ours, so nothing is left over."""
        assert child.stdout is not None
        said, until = b"", time.monotonic() + patience
        while not said.endswith(b"\n"):
            readable, _, _ = select.select([child.stdout], [], [], max(0.0, until - time.monotonic()))
            part = os.read(child.stdout.fileno(), 65536) if readable else b""
            if not part:
                raise TooSlow("no answer in time" if not readable else "it died")
            said += part
        return said


def _stdin(child: subprocess.Popen[bytes]) -> int:
    assert child.stdin is not None
    return child.stdin.fileno()


@lru_cache(maxsize=1)
def the_duckling() -> Duckling:
    """The one of this process.

    Raises:
        InputError: See ``Duckling``.
    """
    made = Duckling()
    atexit.register(made.close)
    return made
