"""Formats in which one line of JSON is one whole conversation: processes may share the lines of such a log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from data.readers import careline, star, tweetsumm
from data.readers.checks import BROKEN_RECORD, UnreadableError, describe

if TYPE_CHECKING:
    from data.schema import Conversation

LINE_PARSERS: dict[str, Callable[[dict[str, Any]], Conversation | None]] = {
    "careline": careline.parse,
    "star": star.parse,
    "tweetsumm": tweetsumm.parse,
}
"""What reads the object of a line.

A parser raises one of ``data.readers.checks.BROKEN_RECORD``, which ``data.readers.checks.describe`` puts into words,
and returns None for a conversation in which nobody said anything. Whether a log is such lines tells ``is_lines``.
"""

_EXPECTED = {"careline": careline.EXPECTED, "star": star.EXPECTED, "tweetsumm": tweetsumm.EXPECTED}

Trouble = tuple[int, str, str]
"""Line number, what is there and what was expected: the arguments of ``Problems.report``."""


def parse_lines(name: str, lines: Iterable[tuple[int, str]]) -> tuple[list[Conversation], list[Trouble]]:
    """Reads some lines of a log. A pure function of what can be pickled, for worker processes.

    Args:
        name: One of ``LINE_PARSERS``.
        lines: (number, line), as ``Source.lines`` streams them; blank ones are stepped over.

    Returns:
        The conversations in the order of the lines, and the broken lines, to be reported where the log is known.
    """
    parse, expected = LINE_PARSERS[name], _EXPECTED[name]
    found: list[Conversation] = []
    broken: list[Trouble] = []
    for number, line in lines:
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise UnreadableError(f"JSON {type(row).__name__}")
            conversation = parse(row)
        except BROKEN_RECORD as error:
            broken.append((number, describe(error), expected))
            continue
        if conversation is not None:
            found.append(conversation)
    return found, broken
