"""The rows of a dataset as the stages of training want them."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from data.artifacts import DatasetLayout
from data.errors import InputError
from data.records import read_rows
from data.schema import Answer, Example, IntentExample, Split

OUT_OF_SCOPE = "out_of_scope"
FROM_FILE = "file"
"""Source of the examples that come with the domain (`data.schema.IntentExample`)."""

T = TypeVar("T")

_SPLITS: tuple[Split, ...] = ("train", "valid", "test")

MOST = 200_000
"""Rows of a kind that are held in memory: about 300 MB of examples. What is trained on is drawn from them."""


class Reservoir(Generic[T]):
    """A uniform sample of a stream of unknown length: each row draws a number, and the smallest stay.

    Args:
        most: Rows kept at most.
        seed: Of the drawing; the same stream gives the same sample.
    """

    def __init__(self, most: int, *, seed: int) -> None:
        self.most, self.seen = most, 0
        self._random = random.Random(seed)
        self._heap: list[tuple[float, int, T]] = []

    def add(self, row: T) -> None:
        """Shows it the next row."""
        entry = (-self._random.random(), self.seen, row)  # distinct in its second place, so rows are never compared
        self.seen += 1
        if len(self._heap) < self.most:
            heapq.heappush(self._heap, entry)
        elif self._heap and entry > self._heap[0]:
            heapq.heapreplace(self._heap, entry)

    def rows(self) -> list[T]:
        """The sample in the order of the stream."""
        return [row for _, _, row in sorted(self._heap, key=lambda entry: entry[1])]


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
    """What a dataset holds for training; of a large one a sample, with exact counts.

    Attributes:
        examples: (context, answer) rows of all splits.
        intents: Labelled messages of all splits.
        answers: By id.
        counts: How often each answer is given in the whole train split; empty: ``examples`` are all there is.
        totals: Rows of the whole dataset by split; empty likewise.
        kept: When learning on from a model, what shall stay as it was.
    """

    examples: tuple[Example, ...]
    intents: tuple[IntentExample, ...]
    answers: dict[str, Answer]
    counts: Mapping[str, int] = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)
    kept: Kept | None = None

    @classmethod
    def load(cls, dataset: DatasetLayout, *, most: int = MOST, seed: int = 0) -> TrainingData:
        """Streams a dataset whose manifest has been checked; memory does not grow with its rows.

        It does grow with the number of different answers, whose ids are counted. Texts are held of the answers that
        the sample gives, and of the ``most`` best supported.

        Args:
            dataset: Finished.
            most: Rows held of each split, and of the intents; larger splits are sampled.
            seed: Of the sample.

        Raises:
            InputError: A file is missing or broken, or there is nothing to train on.
        """
        known = {answer.id for answer in _read_answers(dataset)}
        kept: dict[str, Reservoir[Example]] = {split: Reservoir(most, seed=seed) for split in _SPLITS}
        counts: Counter[str] = Counter()
        for example in read_rows(dataset.examples, Example):
            if example.answer in known:
                kept[example.split].add(example)
                counts[example.answer] += example.split == "train"
        examples = tuple(example for split in _SPLITS for example in kept[split].rows())
        intents: Reservoir[IntentExample] = Reservoir(most, seed=seed)
        for row in read_rows(dataset.intents, IntentExample):
            intents.add(row)
        wanted = {e.answer for e in examples} | {answer for answer, _ in counts.most_common(most)}
        every = len(known) <= most
        answers = {answer.id: answer for answer in _read_answers(dataset) if every or answer.id in wanted}
        counts = Counter({answer: count for answer, count in counts.items() if count and answer in answers})
        totals = {split: sample.seen for split, sample in kept.items()}
        data = cls(examples, tuple(intents.rows()), answers, counts, totals)
        if not data.has_answers and not data.is_bare and len({intent for _, intent in data.labelled}) < 2:
            raise InputError(
                str(dataset.folder), got=f"{len(data.of('train'))} training examples",
                expected="at least two with different answers, or messages with two intents",
                next_step="Learn from a larger log.",
            )  # fmt: skip
        return data

    def used(self) -> dict[str, dict[str, int]]:
        """For the model's card: rows of each split in the dataset, and how many of them were looked at."""
        held = {split: len(self.of(split)) for split in _SPLITS}
        return {split: {"rows": self.totals.get(split, held[split]), "used": held[split]} for split in _SPLITS}

    @property
    def has_answers(self) -> bool:
        """Whether there is anything to rank; a table of labelled messages holds intents alone."""
        return len({example.answer for example in self.of("train")}) >= 2

    @cached_property
    def is_bare(self) -> bool:
        """Whether it is of a shop without logs: the domain's own intents and what its articles answer."""
        told = {row.source for row in self.intents} <= {FROM_FILE, "article"}
        return told and not (self.examples or self.answers) and len({row.intent for row in self.intents}) > 1

    @cached_property
    def labelled(self) -> tuple[tuple[str, str], ...]:
        """(message, intent) of all splits as the log labels them, without the domain's own examples."""
        rows = (row for row in self.intents if row.source != FROM_FILE and row.intent != OUT_OF_SCOPE)
        return tuple((row.text, row.intent) for row in rows)

    @property
    def outside(self) -> tuple[str, ...]:
        """Messages that are labelled as out of scope, by the log or by the domain, of all splits."""
        return tuple(row.text for row in self.intents if row.intent == OUT_OF_SCOPE)

    def of(self, split: Split) -> tuple[Example, ...]:
        """The examples of a split, in the order of the log."""
        return self._by_split.get(split, ())

    def intents_of(self, split: Split) -> tuple[IntentExample, ...]:
        """The labelled messages of a split."""
        return tuple(row for row in self.intents if row.split == split)

    @cached_property
    def _by_split(self) -> dict[str, tuple[Example, ...]]:
        return {split: tuple(e for e in self.examples if e.split == split) for split in _SPLITS}

    @cached_property
    def support(self) -> Counter[str]:
        """How often each answer was given in the training split, most frequent first."""
        counts = self.counts or Counter(e.answer for e in self.of("train"))
        return Counter(dict(Counter(counts).most_common()))

    def frequent(self, *, least: int, most: int) -> tuple[str, ...]:
        """Ids of the answers that are given often enough in training to be classes, most frequent first."""
        return tuple(answer for answer, count in self.support.items() if count >= least)[:most]

    def texts(self) -> Iterator[str]:
        """Every text of the training split once, for the vocabulary."""
        yield from dict.fromkeys(e.context for e in self.of("train"))
        yield from dict.fromkeys(row.text for row in self.intents_of("train"))
        yield from (self.answers[answer].text for answer in self.support)


def _read_answers(dataset: DatasetLayout) -> Iterator[Answer]:
    return read_rows(dataset.answers, Answer)


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
