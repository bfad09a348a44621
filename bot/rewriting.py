"""Text in other words for a reader that knows fewer, with the way back to where each character stood."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


@dataclass(frozen=True)
class Rewritten:
    """A rewritten text.

    Attributes:
        text: As it reads now.
        places: For each of its characters, (first, one past the last) of what it stands for in the original.
    """

    text: str
    places: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, text: str, rules: Iterable[Rule]) -> Rewritten:
        """Applies the rules in their order, each to what the ones before it left."""
        now = cls(text, tuple((place, place + 1) for place in range(len(text))))
        for pattern, put in rules:
            now = now._with(pattern, put)
        return now

    def _with(self, pattern: re.Pattern[str], put: str | Callable[[re.Match[str]], str]) -> Rewritten:
        text, places, done = "", list[tuple[int, int]](), 0
        for match in pattern.finditer(self.text):
            start, end = match.span()
            new = match.expand(put) if isinstance(put, str) else put(match)
            text += self.text[done:start] + new
            places += [*self.places[done:start], *[self.span(start, end)] * len(new)]
            done = end
        return Rewritten(text + self.text[done:], (*places, *self.places[done:]))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where ``text[start:end]``, which is not empty, came from in the original."""
        return self.places[start][0], self.places[end - 1][1]
