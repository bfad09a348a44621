"""Figures of intent recognition and of scope from predictions; each counts what it was taken from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.facts import interval
from finetune.classifiers import Predicted
from retrieval.metrics import auroc, bootstrap, ece, false_positive_rate

Bools = NDArray[np.bool_]

BINS = 15
LOSSES = (0.01, 0.03, 0.05)
"""Shares of in-scope messages that are given up, at which the recall of out-of-scope ones is told."""


@dataclass(frozen=True)
class Share:
    """A part of a whole, with its 95 % interval (Wilson)."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        """0..1; 0 for nothing."""
        return self.part / self.whole if self.whole else 0.0

    def to_json(self) -> dict[str, float]:
        """Value, bounds and the number of trials."""
        low, high = interval(self.part, self.whole)
        return {"value": round(self.value, 4), "low": round(low, 4), "high": round(high, 4), "n": self.whole}


@dataclass(frozen=True, eq=False)
class Judged:
    """In-scope messages with what a classifier made of them.

    Attributes:
        gold: (n,) the right intents.
        guessed: (n,) the first intent.
        confidence: (n,) its probability.
    """

    gold: tuple[str, ...]
    guessed: tuple[str, ...]
    confidence: NDArray[np.float32]

    @classmethod
    def of(cls, gold: Sequence[str], predicted: Predicted, labels: Sequence[str]) -> Judged:
        """From probabilities; an intent that the classifier does not know is never right."""
        best = predicted.probabilities.argmax(axis=1) if len(gold) else np.zeros(0, dtype=np.int64)
        return cls(tuple(gold), tuple(labels[i] for i in best), predicted.confidence)

    @property
    def right(self) -> Bools:
        """(n,) whether the first intent is the right one."""
        return np.array([a == b for a, b in zip(self.gold, self.guessed, strict=True)], dtype=bool)


def intent_figures(judged: Judged) -> dict[str, Any]:
    """Accuracy, macro-F1 over the intents that occur, and calibration."""
    from sklearn.metrics import f1_score

    right, present = judged.right, sorted(set(judged.gold))
    f1 = f1_score(judged.gold, judged.guessed, labels=present, average="macro", zero_division=0) if present else 0.0
    return {
        "accuracy": Share(int(right.sum()), len(right)).to_json(),
        "macro_f1": round(float(f1), 4),
        "ece": round(ece(judged.confidence, right, bins=BINS), 4),
        "reliability": reliability(judged.confidence, right),
    }


def reliability(confidence: NDArray[np.float32], right: Bools) -> list[dict[str, float]]:
    """Bins of equal width that hold something: mean confidence, accuracy and how many.

    Args:
        confidence: (n,) 0..1.
        right: (n,).
    """
    place = np.clip(np.ceil(np.asarray(confidence, dtype=np.float64) * BINS).astype(np.int64) - 1, 0, BINS - 1)
    rows = []
    for at in np.unique(place):
        inside = place == at
        row = {"confidence": float(confidence[inside].mean()), "accuracy": float(right[inside].mean())}
        rows.append({name: round(value, 4) for name, value in row.items()} | {"n": int(inside.sum())})
    return rows


def per_intent(judged: Judged) -> list[dict[str, Any]]:
    """Precision, recall and F1 of each intent that occurs or is guessed, the worst first, and what it is taken for."""
    from sklearn.metrics import precision_recall_fscore_support

    labels = sorted({*judged.gold, *judged.guessed})
    figures = precision_recall_fscore_support(judged.gold, judged.guessed, labels=labels, zero_division=0)
    mistaken = {(gold, guessed): n for gold, guessed, n in confusions(judged)}
    rows = []
    for label, precision, recall, f1, n in zip(labels, *figures, strict=True):
        taken = max(((count, other) for (gold, other), count in mistaken.items() if gold == label), default=None)
        row = {"intent": label, "n": int(n), "precision": precision, "recall": recall, "f1": f1}
        rounded = {name: round(float(v), 4) if isinstance(v, float) else v for name, v in row.items()}
        rows.append(rounded | {"taken_for": f"{taken[1]} ({taken[0]})" if taken else ""})
    return sorted(rows, key=lambda row: (row["n"] == 0, row["f1"], -row["n"]))


def confusions(judged: Judged, *, most: int = 0) -> list[tuple[str, str, int]]:
    """(right, guessed, how often) of mistakes, the most frequent first; all of them for ``most`` 0."""
    counts = Counter((a, b) for a, b in zip(judged.gold, judged.guessed, strict=True) if a != b)
    rows = [(gold, guessed, n) for (gold, guessed), n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    return rows[:most] if most else rows


def scope_figures(known: NDArray[np.float32], in_scope: Bools) -> dict[str, Any]:
    """How well a score tells messages in scope from others; empty unless both kinds occur.

    Args:
        known: (n,) higher means rather in scope.
        in_scope: (n,).

    Returns:
        ``auroc``, ``fpr95`` (share of out-of-scope messages let through when 95 % of the others are kept),
        ``recall_at_loss`` (share found out when 1, 3 or 5 % of in-scope messages are given up), ``n_in``, ``n_out``.
    """
    inside, outside = int(in_scope.sum()), int((~in_scope).sum())
    if not inside or not outside:
        return {}
    let_through = {loss: false_positive_rate(known, in_scope, recall=1 - loss) for loss in LOSSES}
    return {
        "auroc": round(auroc(known, in_scope), 4),
        "fpr95": round(false_positive_rate(known, in_scope), 4),
        "recall_at_loss": {f"{loss:.0%}": round(1 - share, 4) for loss, share in let_through.items()},
        "n_in": inside,
        "n_out": outside,
    }


def ahead_of(ours: Bools, peer: Bools) -> dict[str, float]:
    """How many points of accuracy we are ahead, with a paired 95 % bootstrap interval over messages.

    Args:
        ours: (n,) whether we are right.
        peer: (n,) whether the peer is, on the same messages.
    """
    gap = ours.astype(np.float64) - peer.astype(np.float64)
    low, high = bootstrap(gap)
    mean = float(gap.mean()) if len(gap) else 0.0
    return {"points": round(100 * mean, 2), "low": round(100 * low, 2), "high": round(100 * high, 2)}
