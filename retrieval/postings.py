"""Postings of BM25 as plain arrays, which may be mapped: the best k without a score for every text.

Serving reads them without bm25s, which brings jax and 100 MB with it.
"""

from __future__ import annotations

import hashlib
import threading
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

K1, B = 1.2, 0.75

_SLACK = 1e-5
"""Sums of the same numbers in another order differ by less than this share."""


@lru_cache(maxsize=16_384)  # a search looks for each word of the message a dozen times
def hash_of(word: str) -> int:
    """64 bits that stand for a word: among a million words two have the same with a probability of 3 in 100 million."""
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def idf(frequency: NDArray[np.float64] | float, size: int) -> NDArray[np.float64]:
    """Lucene's inverse document frequency of words that occur in so many of ``size`` texts."""
    return np.asarray(np.log(1 + (size - frequency + 0.5) / (frequency + 0.5)))


def impacts(weight: NDArray[np.float64], count: NDArray[np.float64], share: NDArray[np.float64]) -> Scores:
    """BM25 of words in texts.

    Args:
        weight: (n,) idf.
        count: (n,) how often each word is in its text.
        share: (n,) length of the text over the average.
    """
    return np.asarray(weight * count / (count + K1 * (1 - B + B * share)), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Postings:
    """What is known of each word, word by word in the order of their hashes.

    Attributes:
        words: (words,) hashes, ascending.
        starts: (words + 1,) where each word's part begins.
        texts: (postings,) the texts, ascending within a word.
        scores: (postings,) BM25 of the word in the text.
        tops: (words,) the largest of its scores.
        size: Number of texts.
        average: Mean number of words of a text.
    """

    words: NDArray[np.uint64]
    starts: NDArray[np.int64]
    texts: NDArray[np.int32]
    scores: Scores
    tops: Scores
    size: int
    average: float
    _scratch: threading.local = field(default_factory=threading.local)

    @classmethod
    def count(cls, documents: Iterable[Sequence[str]]) -> Postings:
        """Counts the words of texts; only their numbers are held."""
        numbers: dict[str, int] = {}
        said, lengths = array("i"), array("i")
        for document in documents:
            said.extend(numbers.setdefault(word, len(numbers)) for word in document)
            lengths.append(len(document))
        hashes = np.fromiter(map(hash_of, numbers), dtype=np.uint64, count=len(numbers))
        words, place = np.unique(hashes, return_inverse=True)
        length = np.asarray(lengths, dtype=np.int64)
        size, average = len(length), float(length.mean()) if len(length) else 0.0
        key = place[np.asarray(said, dtype=np.int64)] * max(1, size) + np.repeat(np.arange(size), length)
        key, count = np.unique(key, return_counts=True)
        word, text = np.divmod(key, max(1, size))
        starts = np.searchsorted(word, np.arange(len(words) + 1))
        weight = idf(np.diff(starts).astype(np.float64), size)
        scores = impacts(weight[word], count.astype(np.float64), length[text] / max(average, 1e-9))
        tops = np.maximum.reduceat(scores, starts[:-1]) if len(words) else np.zeros(0, dtype=np.float32)
        return cls(words, starts, text.astype(np.int32), scores, tops, size, average)

    def numbers(self, words: Iterable[str]) -> dict[str, int]:
        """The words that occur, each once, in the order given, with their numbers."""
        distinct = list(dict.fromkeys(words))
        if not len(self.words) or not distinct:
            return {}
        hashes = np.array([hash_of(word) for word in distinct], dtype=np.uint64)
        places = np.minimum(np.searchsorted(self.words, hashes), len(self.words) - 1)
        there = self.words[places] == hashes
        return {word: int(place) for word, place, ok in zip(distinct, places, there, strict=True) if ok}

    def of(self, word: int) -> tuple[NDArray[np.int32], Scores]:
        """Texts and scores of a word."""
        part = slice(int(self.starts[word]), int(self.starts[word + 1]))
        return self.texts[part], self.scores[part]

    def weight(self, word: int) -> float:
        """Inverse document frequency of a word."""
        return float(idf(float(self.starts[word + 1] - self.starts[word]), self.size))

    def at(self, word: int, rows: Rows) -> Scores:
        """(rows,) scores of a word in these texts: a search in its part."""
        texts, scores = self.of(word)
        place = np.minimum(np.searchsorted(texts, rows), len(texts) - 1)
        return np.where(texts[place] == rows, scores[place], np.float32(0))

    def best(self, words: Sequence[int], k: int, among: Mask | None) -> tuple[Rows, Scores]:
        """The best ``k`` texts by the sum of scores, exactly, in no order: MaxScore (Turtle and Flood 1995).

        Words are taken from the one with the largest score down. As soon as all that are left cannot lift a text among
        the best by themselves, only the texts seen so far are candidates, and the rest, which are the frequent words,
        are looked up for those alone.

        Args:
            words: Distinct numbers.
            k: At least 1.
            among: (size,) the texts that may be found; None: all.
        """
        order = sorted(words, key=lambda word: -float(self.tops[word]))
        left = np.cumsum([0.0, *(float(self.tops[word]) for word in reversed(order))])[::-1]
        rows, sums, done, least = self._gather(order, left, k, among)
        for place in range(done, len(order)):
            sums = sums + self.at(order[place], rows)
            least = max(least, _kth(sums, k, least))
            kept = sums + left[place + 1] >= least * (1 - _SLACK)
            rows, sums = rows[kept], sums[kept]
        return rows, sums

    def _gather(
        self, order: Sequence[int], left: NDArray[np.float64], k: int, among: Mask | None
    ) -> tuple[Rows, Scores, int, float]:
        """Adds up words until the rest cannot bring in new texts: candidates, their sums, words used, the k-th sum."""
        total, least, done = self._zeros(), 0.0, 0
        parts = []
        try:
            for word in order:
                if left[done] < least * (1 - _SLACK):
                    break
                texts, scores = self.of(word)
                parts.append(texts)
                total[texts] += scores  # a word's texts are distinct, so plain fancy addition is right
                done += 1
                sums = total[texts]
                least = max(least, _kth(sums if among is None else sums[among[texts]], k, least))
            chosen = [texts[total[texts] + left[done] >= least * (1 - _SLACK)] for texts in parts]
            rows = np.unique(np.concatenate([*chosen, np.zeros(0, dtype=np.int32)])).astype(np.int64)
            rows = rows if among is None else rows[among[rows]]
            return rows, total[rows], done, least
        finally:
            for texts in parts:
                total[texts] = 0.0

    def _zeros(self) -> Scores:
        """(size,) zeros of this thread: made once, and left as zeros by who borrows them."""
        zeros: Scores | None = getattr(self._scratch, "zeros", None)
        if zeros is None:
            zeros = self._scratch.zeros = np.zeros(self.size, dtype=np.float32)
        return zeros

    def save(self, folder: Path) -> None:
        """Writes an ``.npy`` file for each array into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)
        np.save(folder / "facts.npy", np.array([self.size, self.average]), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Postings:
        """Maps what ``save`` wrote.

        Raises:
            OSError: A file is missing.
            ValueError: The files do not belong together.
        """
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS}
        size, average = np.load(folder / "facts.npy", allow_pickle=False)
        counts = {len(arrays["words"]), len(arrays["tops"]), len(arrays["starts"]) - 1}
        if len(counts) > 1 or not int(arrays["starts"][-1]) == len(arrays["texts"]) == len(arrays["scores"]):
            raise ValueError("arrays of lengths that do not fit")
        parts: dict[str, Any] = {name: np.asarray(rows) for name, rows in arrays.items()}
        return cls(**parts, size=int(size), average=float(average))


_ARRAYS = tuple(f.name for f in fields(Postings) if f.name not in ("size", "average", "_scratch"))


class Late:
    """Texts that came later, with the statistics of the postings they come after.

    Args:
        base: Whose frequencies weigh the words, and whose average length is the measure.
    """

    def __init__(self, base: Postings) -> None:
        self._base = base
        self._texts: dict[str, array[int]] = {}
        self._scores: dict[str, array[float]] = {}
        self.size = 0

    def add(self, words: Sequence[str]) -> None:
        """Adds a text."""
        counts: dict[str, int] = {}
        for word in words:
            counts[word] = counts.get(word, 0) + 1
        numbers = self._base.numbers(counts)
        unknown = float(idf(0.0, self._base.size))
        weight = np.array([self._base.weight(numbers[w]) if w in numbers else unknown for w in counts])
        share = np.full(len(counts), len(words) / self._base.average if self._base.average else 1.0)
        scores = impacts(weight, np.array(list(counts.values()), dtype=np.float64), share)
        for word, score in zip(counts, scores.tolist(), strict=True):
            self._scores.setdefault(word, array("f")).append(score)  # first: a reader looks for texts, then for scores
            self._texts.setdefault(word, array("q")).append(self.size)
        self.size += 1

    def __contains__(self, word: str) -> bool:
        return word in self._texts

    def texts_with(self, word: str) -> Rows:
        """Texts that hold a word, counted from 0, ascending."""
        texts = self._texts.get(word)  # copied, because an array that is looked into cannot grow meanwhile
        return np.zeros(0, dtype=np.int64) if texts is None else np.frombuffer(texts.tobytes(), dtype=np.int64)

    def scores(self, words: Iterable[str], size: int) -> Scores:
        """(size,) sums of scores of distinct words in the first ``size`` texts."""
        out = np.zeros(size, dtype=np.float32)
        for word in words:
            texts = self.texts_with(word)
            kept = int(np.searchsorted(texts, size))
            if kept:
                scores = np.frombuffer(self._scores[word].tobytes(), dtype=np.float32)
                out[texts[:kept]] += scores[:kept]
        return out


def _kth(sums: Scores, k: int, least: float) -> float:
    """The k-th largest; 0 where fewer than ``k`` are above ``least``."""
    above = sums[sums > least]
    return float(np.partition(above, len(above) - k)[len(above) - k]) if len(above) >= k else 0.0
