"""Whether the bot may speak: off, suggest or answer, for everything and for single topics. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum


class Mode(str, Enum):
    """What becomes of a reply.

    Attributes:
        OFF: Nothing: a person answers.
        SUGGEST: Agents see it as a suggestion; a person answers.
        ANSWER: The customer gets it.
    """

    OFF = "off"
    SUGGEST = "suggest"
    ANSWER = "answer"


STRICTEST = (Mode.OFF, Mode.SUGGEST, Mode.ANSWER)
"""Where several modes meet, the first of these counts. ``scripts.COMMIT`` has the same order."""

FLOWS = {
    "order_form": "order_status",
    "return_form": "return_item",
    "address_form": "change_address",
    "complaint_form": "complaint",
}
"""A form's topic is that of the intent that begins it: what is said inside of it has other intents."""


@dataclass(frozen=True)
class Control:
    """How the switches stand.

    Attributes:
        base: Of everything that has no switch of its own. ``off`` stops all, whatever the topics say.
        topics: Of topics (``delivery_time``) and static flows (``order_status``) with a switch of their own.
        version: Grows with each change; 0 before the first.
    """

    base: Mode = Mode.ANSWER
    topics: Mapping[str, Mode] = field(default_factory=dict)
    version: int = 0

    def mode_of(self, topics: Iterable[str]) -> Mode:
        """What becomes of a turn about these topics: the strictest of their modes; the base's without any.

        Args:
            topics: From ``bot.state.turn.topics_of``.
        """
        if self.base is Mode.OFF:
            return Mode.OFF
        modes = {self.topics.get(topic, self.base) for topic in topics} or {self.base}
        return next(mode for mode in STRICTEST if mode in modes)


@dataclass(frozen=True)
class Change:
    """One turn of a switch.

    Attributes:
        time: Unix seconds, of the Redis server.
        actor: Who turned it.
        topic: Of which topic, or None: the base.
        mode: To what; None: the topic follows the base again.
        before: What it was; None: the topic followed the base.
        version: Of the switches after it.
    """

    time: float
    actor: str
    topic: str | None
    mode: Mode | None
    before: Mode | None
    version: int
