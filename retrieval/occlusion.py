"""Which words mattered: each is left out in turn, and the served model is asked again.

Occlusion (Zeiler and Fergus 2014, section 4.2, for words as in Li, Monroe and Jurafsky 2016) asks the very model that
serves, the quantised one with its n-grams, and needs no gradients. Whether an attribution can be believed is checked
by deletion: without the words that it names, the model must be less sure than without as many words at random
(comprehensiveness, DeYoung et al. 2020, section 4.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrieval.encoder import Encoder
from retrieval.head import LinearHead
from retrieval.lexical import spans_of
from retrieval.metrics import bootstrap

Score = Callable[[Sequence[str]], Sequence[float]]
"""Texts to how sure the model is, 0..1, of one thing: the intent or the answer that it chose for the whole text."""

MOST_WORDS = 64
"""Parts that a long text is cut into: beyond that, neighbouring words are left out together."""


@dataclass(frozen=True)
class Word:
    """A word and what it did.

    Attributes:
        text: As written.
        start: Its first character in the text.
        end: The character after it.
        weight: How much surer the model is because of it, -1..1; negative for what spoke against.
    """

    text: str
    start: int
    end: int
    weight: float

    def to_json(self) -> dict[str, Any]:
        """As a plain dict."""
        return {"text": self.text, "start": self.start, "end": self.end, "weight": round(self.weight, 4)}


def parts_of(text: str) -> list[tuple[int, int]]:
    """The words of a text, or at most 64 runs of neighbouring words."""
    spans = spans_of(text)
    size = -(-len(spans) // MOST_WORDS) or 1
    return [(run[0][0], run[-1][1]) for run in (spans[i : i + size] for i in range(0, len(spans), size))]


def without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """A text without some of its parts, with single spaces."""
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + " " + text[end:]
    return " ".join(text.split())


def occlude(text: str, score: Score) -> tuple[Word, ...]:
    """Weighs each word by how much less sure the model is without it.

    Args:
        text: A message.
        score: Of what the model chose.

    Returns:
        The words in order; none for a text without words.
    """
    spans = parts_of(text)
    if not spans:
        return ()
    whole, *less = score([text, *(without(text, [span]) for span in spans)])
    return tuple(
        Word(text[start:end], start, end, float(whole - left))
        for (start, end), left in zip(spans, less, strict=True)
    )  # fmt: skip


def intent_score(head: LinearHead, encoder: Encoder, label: str) -> Score:
    """How probable an intent is. Texts are encoded one by one, as serving does: see ``OnnxEncoder``."""
    at = head.labels.index(label)

    def score(texts: Sequence[str]) -> list[float]:
        plain = [" ".join(text.split()) for text in texts]
        vectors = encoder.encode(plain, batch_size=1)
        return [float(value) for value in head.probabilities(vectors, plain)[:, at]]

    return score


def deletion(
    text: str, words: Sequence[Word], score: Score, *, share: float = 0.3, draws: int = 5, seed: int = 0
) -> tuple[float, float] | None:
    """How much surety is lost without the weightiest words, and without as many at random.

    Args:
        text: A message.
        words: Its words with weights, by whatever method.
        score: Of what the model chose.
        share: Of the words that are left out, at least one.
        draws: Random choices that are averaged.
        seed: Of these.

    Returns:
        Both losses, -1..1; None for fewer than three words, where there is little to choose.
    """
    if len(words) < 3:
        return None
    count = max(1, round(share * len(words)))
    top = sorted(range(len(words)), key=lambda i: -words[i].weight)[:count]
    random = np.random.default_rng([seed, len(text)])
    chosen = [top, *(list(random.choice(len(words), count, replace=False)) for _ in range(draws))]
    texts = [without(text, [(words[i].start, words[i].end) for i in row]) for row in chosen]
    whole, best, *others = score([text, *texts])
    return float(whole - best), float(whole - np.mean(others))


def deletion_test(losses: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Sums up ``deletion`` over messages.

    Returns:
        ``n``, ``top`` and ``random`` (mean losses), ``gap`` with its bootstrap interval, and ``faithful``: whether
        that interval lies above 0, so that the named words matter more than chance.
    """
    table = np.asarray(losses, dtype=np.float64).reshape(-1, 2)  # (n, 2)
    gap = table[:, 0] - table[:, 1]
    low, high = bootstrap(gap)
    mean = table.mean(axis=0) if len(table) else np.zeros(2)
    return {
        "n": len(table),
        "top": round(float(mean[0]), 4),
        "random": round(float(mean[1]), 4),
        "gap": round(float(mean[0] - mean[1]), 4),
        "interval": [round(low, 4), round(high, 4)],
        "faithful": bool(low > 0),
    }
