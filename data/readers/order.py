"""Splits a table without conversation ids by the order of its rows.

A new conversation begins with a message of a customer when something says so: an empty row before it, another
customer's name, an hour without a message, a farewell, or a greeting after an agent has answered. Where nothing in the
log ever does, each question with its answers is a conversation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from data.courtesy import is_small_talk
from data.schema import Message

PAUSE = 3600.0
"""Seconds without a message after which a customer's message begins a new conversation."""

LOOKED_AT = 2000
"""Messages from which it is told whether the log has any signs of where conversations begin."""

LONGEST = 200
"""Messages; a longer run has lost its signs, so the next customer's message begins a new conversation."""

_GREETING = re.compile(
    r"\W*(?:hi|hello|hey|hiya|dear|greetings|good (?:morning|afternoon|evening|day))\b|"
    r"\W*(?:你好|您好|哈喽|嗨|在吗|早上好|下午好|晚上好|请问在)",
    re.IGNORECASE,
)
_FAREWELL = re.compile(
    r"\b(?:good ?bye|bye|have a (?:nice|good|great|lovely|wonderful) (?:day|evening|one|weekend|week|night)|"
    r"take care(?! of)|you(?:'|’)?(?:re| are) (?:very |most )?welcome(?! to)|my pleasure)\b|"
    r"再见|拜拜|祝您|祝你|感谢您的咨询|生活愉快|不客气|不用谢|五星好评|欢迎(?:再次|下次)?(?:光临|再来)|感谢(?:您的)?(?:惠顾|支持)",
    re.IGNORECASE,
)

Numbered = tuple[int, Message]
"""How many empty rows came before, and the message."""


@dataclass
class Splitter:
    """Puts rows into conversations, one after the other.

    Attributes:
        by_turn: Whether each question with its answers is a conversation of its own, as the log has no signs.
    """

    by_turn: bool = False
    _held: list[Numbered] = field(default_factory=list, init=False)
    _answered: bool = field(default=False, init=False)
    _farewell: bool = field(default=False, init=False)
    _customer: str | None = field(default=None, init=False)

    def split(self, rows: Iterable[Numbered]) -> Iterator[list[Numbered]]:
        """Streams conversations, in the order of the rows."""
        for number, message in rows:
            if self._held and self._begins(number, message):
                yield self._end()
            self._take(number, message)
        if self._held:
            yield self._end()

    def _begins(self, number: int, message: Message) -> bool:
        """Whether this message is the first of a new conversation."""
        last_number, last = self._held[-1]
        if number > last_number:
            return True
        if message.role == "agent":  # who greets after a farewell greets someone else
            return self._answered and self._farewell and bool(_GREETING.match(message.text))
        if message.role != "customer":
            return False
        if self._someone_else(message) or self._later(message, last) or (self._answered and self._again(message)):
            return True
        return self._answered and last.role != "customer" and (self.by_turn or len(self._held) >= LONGEST)

    def _someone_else(self, message: Message) -> bool:
        return bool(message.author and self._customer and message.author != self._customer)

    @staticmethod
    def _later(message: Message, last: Message) -> bool:
        return message.time is not None and last.time is not None and abs(message.time - last.time) > PAUSE

    def _again(self, message: Message) -> bool:
        """Whether a customer greets, or asks something after a farewell."""
        return bool(_GREETING.match(message.text)) or (self._farewell and not is_small_talk(message.text))

    def _take(self, number: int, message: Message) -> None:
        self._held.append((number, message))
        self._answered = self._answered or message.role == "agent"
        self._farewell = self._farewell or bool(_FAREWELL.search(message.text))
        if message.role == "customer":
            self._customer = message.author or self._customer

    def _end(self) -> list[Numbered]:
        held, self._held = self._held, []
        self._answered, self._farewell, self._customer = False, False, None
        return held


def has_signs(rows: Iterable[Numbered]) -> bool:
    """Whether the log says where conversations begin: at least one in ten of its rows after an answer should."""
    rows = list(rows)
    found = sum(1 for _ in Splitter().split(rows))
    turns = sum(1 for _ in Splitter(by_turn=True).split(rows))
    return found > 1 and found * 10 >= turns
