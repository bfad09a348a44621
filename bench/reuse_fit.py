"""Fits ``data/likely.csv``, and measures how many minutes of approvals give which recall.

``python -m bench.reuse_fit`` fits the weights on all judged messages but ``blind2``, weighted by what each stands for,
and prints the cross-validated figures that docs/explain/answers.md quotes. ``--dry`` prints without writing.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.reuse import LOGS, Judged, judged_in
from data.artifacts import write_atomic
from data.likely import FEATURES, WEIGHTS, likely, signs

FITTED_ON = ("tune", "report", "tune2", "blind", "learn")
STRENGTH = 0.1
"""Inverse of the regularisation. Cross-validated AUC: .880 with .03, .889 with .1, .892 with .3."""
BATCH = 25
"""Decisions after which the list is sorted anew."""
SECONDS = 4.0
"""Assumed for reading a message and pressing a key. Not measured with people."""


def approvals_curve(judged: Judged) -> list[tuple[float, float]]:
    """(minutes, recall) of a person who clears the list from the top, decided as the judge did; see ``BATCH``.

    Each row counts with its weight, in work and in gain: the list is as long as the log has wordings.
    """
    left = list(range(len(judged.texts)))
    decided: list[tuple[str, bool]] = []
    work = gain = 0.0
    curve = [(0.0, 0.0)]
    total = float(judged.weight[judged.answer].sum())
    while left:
        order = np.argsort(-likely([judged.texts[i] for i in left], decided), kind="stable")[:BATCH]
        batch = [left[at] for at in order.tolist()]
        decided += [(judged.texts[i], bool(judged.answer[i])) for i in batch]
        work += float(judged.weight[batch].sum())
        gain += float(judged.weight[batch][judged.answer[batch]].sum())
        curve.append((work * SECONDS / 60, gain / total))
        chosen = set(batch)
        left = [i for i in left if i not in chosen]
    return curve


def whole(judged: Judged) -> float:
    """Minutes for the whole list."""
    return float(judged.weight.sum()) * SECONDS / 60


def recall_after(curve: Sequence[tuple[float, float]], minutes: float) -> float:
    """Recall after some minutes, between the batches by a straight line."""
    at, recall = zip(*curve, strict=True)
    return float(np.interp(minutes, at, recall))


def fit(judged: Judged) -> dict[str, float]:
    """Weights of ``FEATURES`` and the constant."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=STRENGTH, solver="liblinear")
    model.fit(signs(judged.texts), judged.answer, sample_weight=judged.weight)
    weights = dict(zip(FEATURES, model.coef_[0].tolist(), strict=True))
    return weights | {"constant": float(model.intercept_[0])}


def write_weights(path: Path, weights: dict[str, float]) -> None:
    """Writes features and weights, the heaviest first."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["feature", "weight"])
    rows.writerows([name, f"{value:.4f}"] for name, value in sorted(weights.items(), key=lambda w: (-abs(w[1]), w[0])))
    write_atomic(path, out.getvalue())


def _cross_validated(judged: Judged) -> NDArray[np.float64]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    found = cross_val_predict(
        LogisticRegression(C=STRENGTH, solver="liblinear"), signs(judged.texts), judged.answer,
        groups=judged.conversation, cv=GroupKFold(8), method="predict_proba",
    )  # fmt: skip
    return np.asarray(found[:, 1])


def main(*, dry: bool) -> None:
    """Fits, prints and writes."""
    from sklearn.metrics import roc_auc_score

    judged = judged_in(FITTED_ON)
    found = _cross_validated(judged)
    print(f"AUC {roc_auc_score(judged.answer, found, sample_weight=judged.weight):.3f}, {len(found)} messages")
    for log in LOGS:
        mine = judged.log == log
        print(f"  {log}: {roc_auc_score(judged.answer[mine], found[mine], sample_weight=judged.weight[mine]):.3f}")
    if not dry:
        write_weights(WEIGHTS, fit(judged))
        print(WEIGHTS)


if __name__ == "__main__":
    main(dry="--dry" in sys.argv)
