"""The last word on candidates: a linear ranker over a fixed, named vector of evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError

Features = NDArray[np.float32]

FEATURES: Mapping[str, str] = {
    "dense": "cosine of context and answer text, times the share of the text that the encoder can read",
    "dense_message": "cosine of the bare message and the answer text, times the same share",
    "near_max": "cosine of the nearest logged context that got this answer, times the same share",
    "near_message": "cosine of the bare message and the nearest logged context that got this answer, times the same",
    "near_vote": "share 0..1 of the nearest logged contexts that got this answer, weighted by nearness",
    "lexical": "BM25 of the message against the answer's text, 0 to about 1",
    "lexical_near": "BM25 of the message against the best logged question that got this answer, 0 to about 1",
    "lexical_vote": "share 0..1 of the lexically best logged questions that got this answer, weighted by score",
    "head": "probability by the answer head; 0 for answers that it does not know",
    "head_log": "the same as log-probability, from -10 to 0; -10 for answers that it does not know",
    "fused": "sum of reciprocal ranks in all lists, from 0 to 1",
    "support": "how often agents gave it: ln(1 + support) over the largest in the index, 0..1",
    "topic": "probability of the topics that the answer was given under, 0..1",
    "recency": "0..1, halves each 180 days before the newest answer of the index; 0.5 without times",
    "language": "1 when its language is that of the message",
    "given": "1 when it was given earlier in this conversation",
    "last": "1 when it was the last answer given in this conversation",
    "lexical_context": "BM25 of the context's rarest words against the answer's text, 0 to about 1",
    "given_near": "largest cosine of the answer text with an answer given earlier in this conversation; 0 without",
    "outcome": "how the conversations ended in which it was given (`Example.weight`), -0.5..0.5; 0 when unknown",
    "bridge": "cosine of context with message and the answer text across the bridge, times the share read; 0 without",
}
"""Name of each column and what it holds, in order. Append only: a stored ranker names the columns it knows."""

LOWEST_LOG = -10.0

_DEFAULT_WEIGHTS: Mapping[str, float] = {
    "dense": 0.2,
    "dense_message": 1.0,
    "near_max": 0.5,
    "near_message": 4.0,
    "near_vote": 0.5,
    "lexical": 0.5,
    "lexical_near": 8.0,
    "lexical_vote": 3.0,
    "head": 1.0,
    "head_log": 0.0,
    "fused": 3.0,
    "support": 0.3,
    "topic": 2.0,
    "recency": 0.2,
    "language": 3.0,
    "given": -3.0,
    "last": -1.5,
    "lexical_context": 0.0,
    "given_near": 0.0,
    "outcome": 0.1,
    "bridge": 0.0,
}
_DEFAULT_SLOPE, _DEFAULT_OFFSET = 0.6, -10.5


def column(name: str) -> int:
    """Position of a feature."""
    return list(FEATURES).index(name)


@dataclass(frozen=True)
class Ranker:
    """``score = weights · (features - mean) / scale + bias``; Platt's sigmoid makes it a probability.

    Attributes:
        weights: (F,) one for each of ``FEATURES``.
        mean: (F,) subtracted first.
        scale: (F,) divided by; no zeros.
        bias: Added to the score.
        platt_slope: Probability = 1 / (1 + exp(-(slope · score + offset))); Platt 1999, section 2.1.
        platt_offset: See ``platt_slope``.
        trained: False for the hand-set weights.
    """

    weights: tuple[float, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    bias: float = 0.0
    platt_slope: float = 1.0
    platt_offset: float = 0.0
    trained: bool = True

    def __post_init__(self) -> None:
        for name in ("weights", "mean", "scale"):
            if len(getattr(self, name)) != len(FEATURES):
                raise ValueError(f"{name} has {len(getattr(self, name))} entries, not one for each of {len(FEATURES)}")
        if not all(self.scale):
            raise ValueError("a scale of 0 cannot be divided by")

    @classmethod
    def default(cls) -> Ranker:
        """Weights set by hand: better than any single list before something was trained."""
        size = len(FEATURES)
        weights = tuple(_DEFAULT_WEIGHTS[name] for name in FEATURES)
        platt = {"platt_slope": _DEFAULT_SLOPE, "platt_offset": _DEFAULT_OFFSET}
        return cls(weights, (0.0,) * size, (1.0,) * size, **platt, trained=False)

    def scores(self, features: Features) -> NDArray[np.float64]:
        """Orders candidates: (n, F) -> (n,), higher is better."""
        standard = (features.astype(np.float64) - np.asarray(self.mean)) / np.asarray(self.scale)
        return np.asarray(standard @ np.asarray(self.weights) + self.bias)

    def probabilities(self, features: Features) -> NDArray[np.float64]:
        """How probably each candidate is the right answer, 0..1: (n, F) -> (n,)."""
        logit = self.platt_slope * self.scores(features) + self.platt_offset
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logit, -50, 50))))

    def save(self, path: Path) -> None:
        """Writes JSON, with the columns by name."""
        row = asdict(self)
        for name in ("weights", "mean", "scale"):
            row[name] = dict(zip(FEATURES, row[name], strict=True))
        path.write_text(json.dumps(row, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Ranker:
        """Reads what ``save`` wrote. A column added since then weighs nothing.

        Raises:
            InputError: The file is missing, is no ranker, or names a column that this version does not make.
        """
        try:
            row = json.loads(path.read_text(encoding="utf-8"))
            unknown = sorted(set(row["weights"]) - set(FEATURES))
            if unknown:
                raise ValueError(f"unknown feature {unknown[0]!r}")
            for name, absent in (("weights", 0.0), ("mean", 0.0), ("scale", 1.0)):
                row[name] = tuple(float(row[name].get(feature, absent)) for feature in FEATURES)
            return cls(**row)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                str(path), got=str(error), expected="a ranker made by training", next_step="Run `careline learn` again."
            ) from error
