"""Whose a conversation is: a pure state machine as a table of legal moves. Standard library only.

``bot → queued → agent → bot | closed``, and a closed conversation is the bot's again when its customer writes.
"""

from __future__ import annotations

from enum import Enum


class State(str, Enum):
    """Whose the conversation is."""

    BOT = "bot"
    QUEUED = "queued"
    AGENT = "agent"
    CLOSED = "closed"


class Move(str, Enum):
    """What can happen to a conversation.

    Attributes:
        ESCALATE: The bot or the customer asks for a person.
        TAKE: An agent takes the conversation, from the queue or over the bot's head.
        CANCEL: The customer does not wait any longer and goes back to the bot.
        REQUEUE: The agent puts it back in the queue for a colleague.
        HAND_BACK: The agent is done and the bot goes on.
        CLOSE: It is finished.
        REOPEN: The customer writes again after the end.
    """

    ESCALATE = "escalate"
    TAKE = "take"
    CANCEL = "cancel"
    REQUEUE = "requeue"
    HAND_BACK = "hand_back"
    CLOSE = "close"
    REOPEN = "reopen"


class Reason(str, Enum):
    """Why a conversation waits for a person; on the state entry, for the agent.

    Attributes:
        ASKED: The customer wants one.
        LOST: The bot did not understand twice in a row.
        NEGATIVE: The customer is upset.
        SENSITIVE: The topic is a person's.
        SERVICE: A service failed that an action needs.
        RULE: A business rule wants a person to decide.
        CONTROL: The bot is switched off, or suggests only (``bot.control``).
        FAILURE: A message could not be answered in three tries.
    """

    ASKED = "asked"
    LOST = "lost"
    NEGATIVE = "negative"
    SENSITIVE = "sensitive"
    SERVICE = "service"
    RULE = "rule"
    CONTROL = "control"
    FAILURE = "failure"


LEGAL: dict[tuple[State, Move], State] = {
    (State.BOT, Move.ESCALATE): State.QUEUED,
    (State.BOT, Move.TAKE): State.AGENT,
    (State.BOT, Move.CLOSE): State.CLOSED,
    (State.QUEUED, Move.TAKE): State.AGENT,
    (State.QUEUED, Move.CANCEL): State.BOT,
    (State.QUEUED, Move.HAND_BACK): State.BOT,
    (State.QUEUED, Move.CLOSE): State.CLOSED,
    (State.AGENT, Move.REQUEUE): State.QUEUED,
    (State.AGENT, Move.HAND_BACK): State.BOT,
    (State.AGENT, Move.CLOSE): State.CLOSED,
    (State.CLOSED, Move.REOPEN): State.BOT,
}
"""(state, move) → next state. What is not here is refused."""


class IllegalMove(ValueError):
    """A move that the table does not have in this state.

    Args:
        state: Where the conversation stands.
        move: What was asked.
    """

    def __init__(self, state: State, move: Move) -> None:
        self.state, self.move = state, move
        possible = ", ".join(m.value for s, m in LEGAL if s is state)
        super().__init__(
            f"{move.value}: got a conversation in state {state.value}; expected a move among {possible}. "
            "Look at the conversation again: someone else may have moved it."
        )


def apply(state: State, move: Move) -> State:
    """The state after a move.

    Raises:
        IllegalMove: The table has no such move.
    """
    try:
        return LEGAL[state, move]
    except KeyError as error:
        raise IllegalMove(state, move) from error


def origins(move: Move) -> dict[State, State]:
    """Every state that a move is legal in, with the state it leads to."""
    return {state: to for (state, m), to in LEGAL.items() if m is move}
