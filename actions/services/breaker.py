"""A circuit breaker: a service that fails again and again is left alone for a while, and then asked once.

Own code, since what is well kept elsewhere blocks threads, wants another event loop, or brings a store of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum

FAILURES = 5
"""So many calls must fail in a row."""

REST_SECONDS = 20.0
"""So long nobody asks. Shorter, and a service that starts again is pushed over; longer, and customers wait in vain."""


class Circuit(Enum):
    """Whether calls go through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


MOVES: dict[Circuit, frozenset[Circuit]] = {
    Circuit.CLOSED: frozenset({Circuit.OPEN}),
    Circuit.OPEN: frozenset({Circuit.HALF_OPEN}),
    Circuit.HALF_OPEN: frozenset({Circuit.CLOSED, Circuit.OPEN}),
}


class CircuitOpen(Exception):
    """The call was not made."""


class Breaker:
    """Counts failures in a row.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._opened = 0.0
        self.state = Circuit.CLOSED

    @contextmanager
    def call(self) -> Iterator[None]:
        """Around a call. Any exception out of it is a failure; one that was cancelled proves nothing.

        Raises:
            CircuitOpen: The call must not be made now.
        """
        self._enter()
        try:
            yield
        except Exception:
            self._failed()
            raise
        except BaseException:
            if self.state is Circuit.HALF_OPEN:
                self._move(Circuit.OPEN)  # the probe was cancelled; the next call is one
            raise
        if self.state is Circuit.OPEN:
            return  # it began before; what came after it failed
        self._failures = 0
        if self.state is Circuit.HALF_OPEN:
            self._move(Circuit.CLOSED)

    def _enter(self) -> None:
        if self.state is Circuit.CLOSED:
            return
        if self.state is Circuit.HALF_OPEN or self._clock() - self._opened < REST_SECONDS:
            raise CircuitOpen
        self._move(Circuit.HALF_OPEN)  # this call is the probe; others are refused until it is back

    def _failed(self) -> None:
        self._failures += 1
        if self.state is Circuit.HALF_OPEN or (self.state is Circuit.CLOSED and self._failures >= FAILURES):
            self._opened = self._clock()
            self._move(Circuit.OPEN)

    def _move(self, to: Circuit) -> None:
        if to not in MOVES[self.state]:
            raise AssertionError(f"{self.state} → {to}")
        self.state = to
