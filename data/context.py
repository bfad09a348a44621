"""How the turns of a conversation become the one text that the encoder reads.

Training, evaluation and serving all call ``render_context``, so that a model is asked what it was taught.
"""

from __future__ import annotations

from collections.abc import Sequence

from data.schema import Role

LAST_TURNS = 4
"""How many of the latest entries count; the protocol of the STAR bench uses 4."""

LAST_CHARACTERS = 400
"""How many characters at most, counted from the end."""

SYSTEM_CHARACTERS = 80
"""A service's result is cut to this many characters."""

_PREFIX: dict[Role, str] = {"customer": "customer: ", "agent": "agent: ", "system": "system: "}


def render_context(turns: Sequence[tuple[Role, str]]) -> str:
    """Writes the latest turns as one text, oldest first.

    A customer's message that stands alone is written without a prefix, so that a first question reads the same in
    training, in the widget and in ``careline index search``.

    Args:
        turns: (role, text), oldest first; may be empty.

    Returns:
        At most ``LAST_CHARACTERS`` characters; empty for no turns.
    """
    latest = [(role, " ".join(text.split())) for role, text in turns[-LAST_TURNS:]]
    if len(latest) == 1 and latest[0][0] == "customer":
        return latest[0][1][-LAST_CHARACTERS:]
    lines = [_PREFIX[r] + (t[:SYSTEM_CHARACTERS] if r == "system" else t) for r, t in latest]
    return "\n".join(lines)[-LAST_CHARACTERS:]
