"""Labelled messages as training takes them: settled, numbered, split."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError

Numbers = NDArray[np.int64]
Row = tuple[str, str]
"""A message and its intent."""

FEW = 20
"""Messages an intent, on average, below which none are held out."""

_WORDS = re.compile(r"[^\W\d_]+")
_LETTERS = re.compile(r"[a-z]{3}|[\u3400-\u9fff]{2}|[^\W\d_a-z]{4}", re.IGNORECASE)
"""What a name must have to be one: ``c12`` and ``B`` say nothing."""

_LEAST_OUTSIDE = 40
"""Of what is out of scope so many are held out, or half."""


@dataclass(frozen=True)
class Labelled:
    """Messages with their intents, and examples of what is out of scope.

    Attributes:
        labels: Names of the intents, sorted.
        texts: (n,) messages.
        gold: (n,) number of each one's label.
        outside: Messages that are out of scope.
    """

    labels: tuple[str, ...]
    texts: tuple[str, ...]
    gold: Numbers
    outside: tuple[str, ...] = ()

    @classmethod
    def of(cls, rows: Sequence[Row], outside: Sequence[str] = ()) -> Labelled:
        """From rows; a text with two labels keeps the more frequent, the first of equals.

        Raises:
            InputError: Fewer than two intents.
        """
        votes: dict[str, Counter[str]] = defaultdict(Counter)
        for text, label in rows:
            votes[text][label] += 1
        settled = {text: counts.most_common(1)[0][0] for text, counts in votes.items() if text.strip()}
        labels = tuple(sorted(set(settled.values())))
        if len(labels) < 2:
            raise InputError(
                "labelled messages", got=f"{len(labels)} intents in {len(rows)} rows", expected="at least two intents",
                next_step="Label messages of another intent too.",
            )  # fmt: skip
        number = {label: i for i, label in enumerate(labels)}
        gold = np.array([number[label] for label in settled.values()], dtype=np.int64)
        return cls(labels, tuple(settled), gold, tuple(dict.fromkeys(outside)))

    def __len__(self) -> int:
        return len(self.texts)

    def only(self, rows: Numbers) -> Labelled:
        """Some rows under the same labels."""
        return replace(self, texts=tuple(self.texts[i] for i in rows), gold=self.gold[rows])


def is_few(rows: Labelled) -> bool:
    """Whether every message is needed for learning."""
    return len(rows) < FEW * len(rows.labels)


def split_off(rows: Labelled, *, share: float, seed: int) -> tuple[Labelled, Labelled]:
    """Rows to learn from and rows to hold out: a share of each intent, and of what is out of scope."""
    random = np.random.default_rng(seed)
    held = np.zeros(len(rows), dtype=bool)
    for label in range(len(rows.labels)):
        mine = random.permutation(np.flatnonzero(rows.gold == label))
        held[mine[: min(round(share * len(mine)), len(mine) - 1)]] = True
    outside = [rows.outside[i] for i in random.permutation(len(rows.outside))]
    cut = max(round(share * len(outside)), min(len(outside) // 2, _LEAST_OUTSIDE))
    kept, apart = rows.only(np.flatnonzero(~held)), rows.only(np.flatnonzero(held))
    return replace(kept, outside=tuple(outside[cut:])), replace(apart, outside=tuple(outside[:cut]))


def with_names(rows: Labelled) -> Labelled:
    """The rows, and each intent's own name as one more message of it, where the name has words.

    A label such as ``card_arrival`` says what its messages are about. With few of them that is worth more than another
    example; see docs/explain/intents.md.
    """
    named = {}
    for number, label in enumerate(rows.labels):
        words = " ".join(_WORDS.findall(label))
        if _LETTERS.search(words) and words not in rows.texts:
            named[words] = number
    gold = np.concatenate([rows.gold, np.array(list(named.values()), dtype=np.int64)])
    return replace(rows, texts=(*rows.texts, *named), gold=gold)
