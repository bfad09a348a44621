"""How a customer sounds, from the vector that serves intents and search too: one more head, no second forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.mood import is_urgent, mood_score
from retrieval.encoder import Vectors
from retrieval.head import LinearHead

MOODS = ("negative", "urgent")
"""Labels of the head; each has a probability of its own, for an angry customer may have time."""

CUES = ("mean", "worst", "best", "first", "last", "messages", "exclamation", "question", "capitals", "words", "urgent")
"""What is counted beside the vector: the lexicon's scores of the messages, and how they are written."""

DENSE_SCALE, CUE_SCALE = 3.0, 0.5
"""Weight of vector and cues beside n-grams of length 4; chosen by cross-validation on TweetSumm's training half."""

_SPREAD = np.array([0.4, 0.4, 0.4, 0.4, 0.4, 0.5, 0.6, 0.6, 0.1, 0.9, 0.3], dtype=np.float32)
"""Rough spread of the cues in support messages, so that one scale fits all."""


@dataclass(frozen=True)
class Mood:
    """Probabilities 0..1 that a customer is displeased, and that the matter cannot wait."""

    negative: float
    urgent: float

    def to_json(self) -> dict[str, float]:
        """As a plain dict, rounded."""
        return {"negative": round(self.negative, 3), "urgent": round(self.urgent, 3)}


@dataclass(frozen=True, eq=False)
class MoodHead:
    """Two logistic regressions over [vector, cues] and hashed n-grams.

    Attributes:
        head: With the labels of ``MOODS`` over ``dim + len(CUES)`` columns.
    """

    head: LinearHead

    def __post_init__(self) -> None:
        if self.head.labels != MOODS:
            raise ValueError(f"a mood head has the labels {MOODS}, not {self.head.labels}")

    def probabilities(
        self, vectors: Vectors, said: Sequence[Sequence[str]], languages: Sequence[str]
    ) -> NDArray[np.float32]:
        """(n, 2) probabilities in the order of ``MOODS``.

        Args:
            vectors: (n, dim) of what was said; the mean where that is several messages.
            said: (n,) the customer's messages, oldest first, at least one each; one for a single message.
            languages: (n,) of each.
        """
        columns = dense_columns(vectors, said, languages)  # (n, dim + cues)
        logits = self.head.logits(columns, [joined(messages) for messages in said])
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -30, 30))), dtype=np.float32)

    def of(self, vector: Vectors, text: str, language: str) -> Mood:
        """The mood of one message, from its (dim,) vector."""
        (row,) = self.probabilities(vector[None, :], [[text]], [language])
        return Mood(float(row[0]), float(row[1]))

    def save(self, path: Path) -> None:
        """Writes one ``.npz`` without pickles."""
        self.head.save(path)

    @classmethod
    def load(cls, path: Path) -> MoodHead:
        """Reads what ``save`` wrote.

        Raises:
            InputError: The file is missing or is no head.
        """
        return cls(LinearHead.load(path))


def dense_columns(vectors: Vectors, said: Sequence[Sequence[str]], languages: Sequence[str]) -> Vectors:
    """(n, dim + cues) what the head reads beside n-grams."""
    table = [_cues(messages, language) for messages, language in zip(said, languages, strict=True)]
    counted = np.asarray(table, dtype=np.float32).reshape(len(said), len(CUES)) / _SPREAD
    return np.concatenate([vectors * np.float32(DENSE_SCALE), counted * np.float32(CUE_SCALE)], axis=1)


def joined(messages: Sequence[str]) -> str:
    """Several messages as the one text whose n-grams are read."""
    return "\n".join(messages)


def _cues(messages: Sequence[str], language: str) -> list[float]:
    scores = [mood_score(message, language) for message in messages]
    text = joined(messages)
    words = text.split()
    loud = sum(word.isupper() and len(word) > 2 for word in words) / max(1, len(words))
    marks = (text.count("!") + text.count("！"), text.count("?") + text.count("？"))
    counts = [np.log1p(len(messages)), *(np.log1p(mark) for mark in marks)]
    place = [sum(scores) / len(scores), min(scores), max(scores), scores[0], scores[-1]]
    return [*place, *counts, loud, np.log1p(len(text) if language == "zh" else len(words)), float(is_urgent(text))]
