from __future__ import annotations

import asyncio

import pytest

from actions.services.breaker import FAILURES, MOVES, REST_SECONDS, Breaker, Circuit, CircuitOpen


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock=clock)


def fail(breaker: Breaker, times: int = 1, error: type[BaseException] = OSError) -> None:
    for _ in range(times):
        with pytest.raises(error), breaker.call():
            raise error


def test_failures_in_a_row_open_it_and_one_success_between_does_not(breaker: Breaker) -> None:
    fail(breaker, FAILURES - 1)
    with breaker.call():
        pass
    fail(breaker, FAILURES - 1)
    assert breaker.state is Circuit.CLOSED
    fail(breaker)
    assert breaker.state is Circuit.OPEN


def test_an_open_one_lets_nothing_through_until_it_has_rested(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.now += REST_SECONDS - 0.1
    with pytest.raises(CircuitOpen), breaker.call():
        raise AssertionError("was called")
    clock.now += 0.2
    with breaker.call():
        assert breaker.state is Circuit.HALF_OPEN
        with pytest.raises(CircuitOpen), breaker.call():
            raise AssertionError("two probes")
    assert breaker.state is Circuit.CLOSED


def test_a_probe_that_fails_opens_it_for_another_rest(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.now += REST_SECONDS
    fail(breaker)
    assert breaker.state is Circuit.OPEN
    clock.now += REST_SECONDS - 1
    fail(breaker, error=CircuitOpen)
    clock.now += 1
    with breaker.call():
        pass
    assert breaker.state is Circuit.CLOSED


def test_a_probe_that_was_cancelled_leaves_the_way_free_for_the_next(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.now += REST_SECONDS
    fail(breaker, error=asyncio.CancelledError)
    with breaker.call():
        assert breaker.state is Circuit.HALF_OPEN


def test_a_call_that_began_before_it_opened_closes_nothing(breaker: Breaker) -> None:
    with breaker.call():
        fail(breaker, FAILURES)
    assert breaker.state is Circuit.OPEN


def test_no_state_is_a_dead_end() -> None:
    assert set(MOVES) == set(Circuit)
    assert all(MOVES.values())
