"""Which answers say the same: agents word one fact in many ways, and a customer wants it once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from retrieval.index import Index
from retrieval.lexical import words_of

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SPELT = {
    word: str(value)
    for words in ("one two three four five six seven eight nine ten eleven twelve", "一 二 三 四 五 六 七 八 九 十")
    for value, word in enumerate(words.split(), start=1)
} | {"两": "2"}
_UNIT = r"(?:working |business )?(?:minute|hour|day|week|month|year|euro|pound|dollar)"
_SPELT_EN = re.compile(
    r"\b(?:(two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b"
    rf"|(one)\b(?= (?:to|or|and) \w+ {_UNIT}| {_UNIT}))",
    re.IGNORECASE,
)
_SPELT_ZH = re.compile(
    r"[一二两三四五六七八九十](?=[到至\-~、]?[一二两三四五六七八九十]?个?(?:工作日|小时|分钟|天|周|星期|月|年|元|块))"
)
_NO = re.compile(r"\b(?:no|not|never|none|cannot|without)\b|n't\b|n’t\b|[不没无勿别]", re.IGNORECASE)

NEAR_WITH_NUMBERS, NEAR = 0.68, 0.75
"""Least cosine of two answers that say the same; agreeing numbers are evidence too, so that less will do."""

SHARED_WORDS = 0.15
"""Least share of all their words that two answers have in common: an encoder that was taught a language on a few
hundred examples finds much alike that is not."""

_DEEP = 60
_KEPT = 4096


@dataclass(frozen=True)
class Choice:
    """Candidates that say the same.

    Attributes:
        place: Position of the most probable of them among the candidates.
        probability: That one of them is right, 0..1: the sum over them all.
        others: Positions of the others.
    """

    place: int
    probability: float
    others: tuple[int, ...] = ()


class Alike:
    """Tells whether two answers of an index say the same.

    Careful rather than keen: one language, no contradiction in numbers or in negation, and near in meaning. Two prices
    of one article are two answers.

    Args:
        index: Whose answers.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        self._read = lru_cache(maxsize=_KEPT)(self._facts)  # of a row, whose text never changes
        self._words = lru_cache(maxsize=_KEPT)(self._words_of)

    def words(self, row: int) -> frozenset[str]:
        """The words of the answer in a row, as BM25 counts them; kept for those that were read last."""
        return self._words(row)

    def among(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.bool_]:
        """(n, n) whether two of the answers in these rows say the same; symmetric, true on the diagonal."""
        places = [int(row) for row in rows]
        vectors = self.index.dense.vectors(places)
        cosine = vectors @ vectors.T  # (n, n)
        same = np.eye(len(places), dtype=bool)
        for i, j in zip(*np.nonzero(np.triu(cosine >= NEAR_WITH_NUMBERS, k=1)), strict=True):
            same[i, j] = same[j, i] = self._agree(places[i], places[j], float(cosine[i, j]))
        return same

    def says(self, choice: Choice, rows: NDArray[np.int64], row: int) -> bool:
        """Whether a choice among candidates says what the answer in a row of the index says.

        Args:
            choice: From ``choices``.
            rows: (n,) rows of the candidates.
            row: Of the answer, which need not be a candidate.
        """
        given = [int(rows[place]) for place in (choice.place, *choice.others)]
        return row in given or bool(self.among([given[0], row])[0, 1])

    def choices(self, rows: NDArray[np.int64], probability: NDArray[np.float64]) -> list[Choice]:
        """Gathers candidates that say the same: their probabilities add up, since an agent gives one of them.

        Args:
            rows: (n,) rows of the candidates in the index.
            probability: (n,) of each.

        Returns:
            In the order of their most probable members, so that many weak ones do not outvote a strong one. Beyond
            the best 60 candidates each stands alone.
        """
        order = np.argsort(-probability, kind="stable")
        head = order[:_DEEP]
        same = self.among(rows[head]).tolist()
        leaders: list[int] = []
        members: dict[int, list[int]] = {}
        for i in range(len(head)):
            leader = next((other for other in leaders if same[i][other]), None)
            if leader is None:
                leaders.append(i)
                members[i] = []
            else:
                members[leader].append(i)
        made = [
            Choice(
                int(head[i]),
                min(0.999, float(probability[head[[i, *members[i]]]].sum())),
                tuple(int(head[j]) for j in members[i]),
            )
            for i in leaders
        ]
        return made + [Choice(int(place), float(probability[place])) for place in order[_DEEP:]]

    def _agree(self, a: int, b: int, cosine: float) -> bool:
        one, two = self._read(a), self._read(b)
        if one.language != two.language or one.denies != two.denies:
            return False
        if bool(one.numbers) != bool(two.numbers) or cosine < (NEAR_WITH_NUMBERS if one.numbers else NEAR):
            return False
        if not _agreeing(one.numbers, two.numbers):
            return False
        words, others = self.words(a), self.words(b)
        return len(words & others) >= SHARED_WORDS * max(1, len(words | others))

    def _facts(self, row: int) -> _Facts:
        answer = self.index.answers[row]
        return _Facts(answer.language, numbers_of(answer.text), bool(_NO.search(answer.text)))

    def _words_of(self, row: int) -> frozenset[str]:
        return frozenset(words_of(self.index.answers[row].text))


@dataclass(frozen=True)
class _Facts:
    """What is compared of an answer first: its language, its numbers, and whether it denies something."""

    language: str
    numbers: frozenset[str]
    denies: bool


def numbers_of(text: str) -> frozenset[str]:
    """The numbers of a text as digits: ``two to four days`` holds 2 and 4, as ``2-4 days`` does."""
    digits = (n.replace(",", ".").rstrip(".") for n in _NUMBER.findall(text))
    english = (_SPELT[(two or one).lower()] for two, one in _SPELT_EN.findall(text))
    chinese = (_SPELT[character] for character in _SPELT_ZH.findall(text))
    return frozenset((*digits, *english, *chinese))


def _agreeing(one: frozenset[str], two: frozenset[str]) -> bool:
    """Equal numbers, or at least two of them within the others: one number in common is chance."""
    small, large = sorted((one, two), key=len)
    return one == two or (len(small) >= 2 and small <= large)
