"""The rows of a dataset as the stages of training want them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from data.artifacts import DatasetLayout
from data.errors import InputError
from data.records import read_rows
from data.schema import Answer, Example, IntentExample, Split


@dataclass(frozen=True, eq=False)
class Kept:
    """Old texts and where the old model puts them, so that learning on does not move them far.

    Attributes:
        texts: Of old training rows.
        vectors: (texts, dim) of length 1.
    """

    texts: tuple[str, ...]
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class TrainingData:
    """What a dataset holds for training.

    Attributes:
        examples: (context, answer) rows of all splits.
        intents: Labelled messages of all splits.
        answers: By id.
        kept: When learning on from a model, what shall stay as it was.
    """

    examples: tuple[Example, ...]
    intents: tuple[IntentExample, ...]
    answers: dict[str, Answer]
    kept: Kept | None = None

    @classmethod
    def load(cls, dataset: DatasetLayout) -> TrainingData:
        """Reads a dataset whose manifest has been checked.

        Raises:
            InputError: A file is missing or broken, or there is nothing to train on.
        """
        answers = {answer.id: answer for answer in read_rows(dataset.answers, Answer)}
        examples = tuple(e for e in read_rows(dataset.examples, Example) if e.answer in answers)
        data = cls(examples, tuple(read_rows(dataset.intents, IntentExample)), answers)
        if len(data.of("train")) < 2 or len({e.answer for e in data.of("train")}) < 2:
            raise InputError(
                str(dataset.folder), got=f"{len(data.of('train'))} training examples",
                expected="at least two with different answers", next_step="Learn from a larger log.",
            )  # fmt: skip
        return data

    def of(self, split: Split) -> tuple[Example, ...]:
        """The examples of a split, in the order of the log."""
        return self._by_split.get(split, ())

    def intents_of(self, split: Split) -> tuple[IntentExample, ...]:
        """The labelled messages of a split."""
        return tuple(row for row in self.intents if row.split == split)

    @cached_property
    def _by_split(self) -> dict[str, tuple[Example, ...]]:
        return {split: tuple(e for e in self.examples if e.split == split) for split in ("train", "valid", "test")}

    @cached_property
    def support(self) -> Counter[str]:
        """How often each answer was given in the training split, most frequent first."""
        return Counter(dict(Counter(e.answer for e in self.of("train")).most_common()))

    def frequent(self, *, least: int, most: int) -> tuple[str, ...]:
        """Ids of the answers that are given often enough in training to be classes, most frequent first."""
        return tuple(answer for answer, count in self.support.items() if count >= least)[:most]

    def texts(self) -> Iterator[str]:
        """Every text of the training split once, for the vocabulary."""
        yield from dict.fromkeys(e.context for e in self.of("train"))
        yield from dict.fromkeys(row.text for row in self.intents_of("train"))
        yield from (self.answers[answer].text for answer in self.support)


def balanced(groups: Sequence[str], *, most: int, most_per_group: int, seed: int) -> NDArray[np.int64]:
    """Draws rows at random, with a ceiling for each group.

    Args:
        groups: (n,) the group of each row.
        most: Rows to draw at most.
        most_per_group: Rows to draw at most of one group.
        seed: Of the drawing.

    Returns:
        Distinct row numbers in random order.
    """
    drawn: Counter[str] = Counter()
    kept: list[int] = []
    for row in np.random.default_rng(seed).permutation(len(groups)):
        if len(kept) == most:
            break
        if drawn[groups[row]] < most_per_group:
            drawn[groups[row]] += 1
            kept.append(int(row))
    return np.asarray(kept, dtype=np.int64)


def evenly(rows: int, most: int) -> NDArray[np.int64]:
    """Numbers of at most ``most`` of ``rows`` rows, evenly spaced; all of them for 0."""
    if not most or rows <= most:
        return np.arange(rows)
    return np.linspace(0, rows - 1, most).round().astype(np.int64)
