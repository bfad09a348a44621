from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.handoff import LEGAL, IllegalMove, Move, State, apply, origins


def test_the_way_through() -> None:
    state = State.BOT
    for move in (Move.ESCALATE, Move.TAKE, Move.HAND_BACK, Move.TAKE, Move.CLOSE, Move.REOPEN):
        state = apply(state, move)
    assert state is State.BOT


@pytest.mark.parametrize(("state", "move"), [p for p in itertools.product(State, Move) if p not in LEGAL])
def test_everything_else_is_refused_and_says_what_is_possible(state: State, move: Move) -> None:
    with pytest.raises(IllegalMove, match=f"in state {state.value}; expected a move among"):
        apply(state, move)


@given(st.lists(st.sampled_from(Move)))
def test_no_walk_gets_stuck(moves: list[Move]) -> None:
    state = State.BOT
    for move in moves:
        if (state, move) in LEGAL:
            state = apply(state, move)
    assert any(s is state for s, _ in LEGAL)


def test_origins_is_the_table_by_move() -> None:
    assert {(s, m): to for m in Move for s, to in origins(m).items()} == LEGAL
