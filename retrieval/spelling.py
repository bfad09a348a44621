"""Typing errors: a word that nobody ever wrote here is read as the known word one error away from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache

from retrieval.lexical import words_of

SHORTEST = 4
"""Letters; shorter words have too many neighbours ("bat": cat, bad, at)."""

LONGEST = 24
"""Letters; longer ones are no words, and each letter costs 50 look-ups."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_WORD = re.compile(rf"(?<![\w@.'/-])[A-Za-z]{{{SHORTEST},{LONGEST}}}(?![\w@'/-]|\.\w)")

Frequencies = Callable[[Collection[str]], dict[str, int]]


class Speller:
    """Corrects words that are in no text, one error each, as Norvig 2007 does ("How to write a spelling corrector").

    An error is a letter too few, too many, another one, or two that changed places; the first letter is taken as it
    is, for people seldom miss it and many known words differ by it alone (``iphone``, ``phone``). Words that stand in
    any text are never touched, nor are function words, addresses, and words with digits or in other scripts.

    Args:
        frequencies: Says of words (as from ``words_of``) in how many texts each stands; unknown ones are left out.
    """

    def __init__(self, frequencies: Frequencies) -> None:
        self._frequencies = frequencies
        self._cached = lru_cache(maxsize=10_000)(self._word)

    def corrected(self, text: str, *, version: int = 0) -> str:
        """The text with its unknown words replaced; the same text when there is nothing to correct.

        Args:
            text: Of any length.
            version: Of the texts that words are looked up in: what was found for another version is not used again.
        """
        return _WORD.sub(lambda found: self._cached(found.group(), version), text)

    def _word(self, written: str, version: int) -> str:
        """The word as it is meant. The version only tells the cache which look-ups are out of date."""
        words = words_of(f"{written} 0")[:-1]  # a function word alone would be kept
        return (self._nearest(words[0]) or written) if words else written

    def _nearest(self, word: str) -> str | None:
        """The most frequent known word one error away; None for a word that is known, or without one."""
        if self._frequencies([word]):
            return None
        known = self._frequencies(set(one_error(word)))
        return max(known, key=lambda other: (known[other], other)) if known else None


def one_error(word: str) -> Iterator[str]:
    """All words that differ from this one by one error after the first letter; about 50 for each letter."""
    for i in range(1, len(word) + 1):
        head, tail = word[:i], word[i:]
        if tail:
            yield head + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        for letter in _LETTERS:
            yield head + letter + tail
            if tail:
                yield head + letter + tail[1:]
