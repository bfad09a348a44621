"""Doubtful labels: probably wrong ones, outliers, and one question under two labels.

Chances come from a cheap linear model that never saw the row it judges (cross-validation); confident learning
(Northcutt, Jiang, Chuang 2021; the library cleanlab) turns them into a ranked list.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from data.embed import embed_texts
from data.schema import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from data.embed import Embed, Matrix

FOLDS = 4
FEWEST = 5
"""Rows of a label; rarer ones cannot be cross-validated and are left out."""

MOST = 10_000
"""Rows that are judged, at most (of each language, sampled): 77 labels take about a minute."""

OUTLYING = 0.01
"""Share of rows that are shown as outliers, at most: those least like their own label's rows."""

NEAR_DUPLICATE = 0.97
"""Cosine from which two texts say the same."""

_MARKS = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Doubt(Record):
    """One label that a person should look at.

    Attributes:
        kind: ``label`` (probably wrong), ``outlier`` (like nothing else of its label) or ``conflict`` (the same
            question has another label too).
        row: Position in the list that was checked.
        text: What was labelled (redacted).
        given: Its label.
        suggested: The more likely one; for an outlier empty.
        score: 0..1, the lower the more doubtful.
        other: For a conflict, position of the row that contradicts.
    """

    kind: Literal["label", "outlier", "conflict"]
    row: int
    text: str
    given: str
    suggested: str
    score: float
    other: int | None = None


def check_labels(
    texts: Sequence[str], labels: Sequence[str], languages: Sequence[str], *, embed: Embed | None = None
) -> list[Doubt]:
    """Lists doubtful labels.

    Args:
        texts: What was labelled.
        labels: One for each.
        languages: One for each; languages are judged apart.
        embed: An encoder; TF-IDF without one.

    Returns:
        Probably wrong labels, then conflicts, then outliers, each the most doubtful first.
    """
    import numpy as np

    doubts: list[Doubt] = []
    for language in sorted(set(languages)):
        sizes = Counter(label for label, own in zip(labels, languages, strict=True) if own == language)
        rows = [i for i, own in enumerate(languages) if own == language and sizes[labels[i]] >= FEWEST]
        if len(rows) > MOST:
            rows = np.sort(np.random.default_rng(0).choice(rows, MOST, replace=False)).tolist()
            sizes = Counter(labels[i] for i in rows)
            rows = [i for i in rows if sizes[labels[i]] >= FEWEST]
        if len({labels[i] for i in rows}) >= 2:
            vectors, _ = embed_texts([texts[i] for i in rows], language, embed)
            doubts += _judge(vectors, rows, texts, labels)
            doubts += _conflicts(vectors, rows, texts, labels)
    order = {"label": 0, "conflict": 1, "outlier": 2}
    return sorted(doubts, key=lambda doubt: (order[doubt.kind], doubt.score, doubt.row))


def _judge(vectors: Matrix, rows: Sequence[int], texts: Sequence[str], labels: Sequence[str]) -> list[Doubt]:
    import numpy as np
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    names, given = np.unique([labels[i] for i in rows], return_inverse=True)
    chances = held_out_chances(vectors, given)
    ranked = find_label_issues(given, chances, return_indices_ranked_by="normalized_margin", n_jobs=1)
    quality = get_label_quality_scores(given, chances, method="normalized_margin")
    found = [
        _doubt("label", rows[at], texts, str(names[given[at]]), str(names[chances[at].argmax()]), float(quality[at]))
        for at in ranked.tolist()
        if chances[at].argmax() != given[at]
    ]
    wrong = {doubt.row for doubt in found}
    return found + [doubt for doubt in _outliers(vectors, given, names, rows, texts) if doubt.row not in wrong]


def held_out_chances(vectors: Matrix, given: NDArray[np.int64]) -> Matrix:
    """(n, labels) chances of each label from models that did not see the row."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    model = LogisticRegression(C=10, max_iter=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # only the order of the chances counts
        chances: Matrix = cross_val_predict(model, vectors, given, cv=folds, method="predict_proba")
    return chances


def _outliers(
    vectors: Matrix, given: NDArray[np.int64], names: Any, rows: Sequence[int], texts: Sequence[str]
) -> list[Doubt]:
    """Rows least like the three nearest others of their label, against what is usual for that label."""
    import numpy as np

    likeness = np.zeros(len(rows))
    for label in range(len(names)):
        own = np.flatnonzero(given == label)
        cosines = vectors[own] @ vectors[own].T  # (own, own)
        np.fill_diagonal(cosines, -1)
        near = np.sort(cosines, axis=1)[:, -3:].mean(axis=1)
        likeness[own] = near - np.median(near)
    worst = np.argsort(likeness)[: int(OUTLYING * len(rows))]
    found = []
    for at in worst.tolist():
        score = float(np.clip(1 + likeness[at], 0, 1))
        found.append(_doubt("outlier", rows[at], texts, str(names[given[at]]), "", score))
    return found


def _conflicts(vectors: Matrix, rows: Sequence[int], texts: Sequence[str], labels: Sequence[str]) -> list[Doubt]:
    """Pairs of the same question under two labels; the label with fewer rows behind it is the doubtful one."""
    by_key: dict[str, list[int]] = defaultdict(list)
    for at, i in enumerate(rows):
        by_key[_MARKS.sub("", texts[i].lower())].append(at)
    pairs = {(a, b) for group in by_key.values() for a in group[:1] for b in group[1:]}
    pairs |= _near_pairs(vectors)
    sizes = Counter(labels[i] for i in rows)
    found = []
    for a, b in sorted(pairs):
        if labels[rows[a]] != labels[rows[b]]:
            less, more = sorted((a, b), key=lambda at: (sizes[labels[rows[at]]], at))
            score = float(1 - min(1.0, vectors[a] @ vectors[b]))
            doubt = _doubt("conflict", rows[less], texts, labels[rows[less]], labels[rows[more]], score, rows[more])
            found.append(doubt)
    return found


def _near_pairs(vectors: Matrix) -> set[tuple[int, int]]:
    """Pairs (a < b) of near-duplicates, found in pieces of 1,000 rows."""
    import numpy as np

    pairs: set[tuple[int, int]] = set()
    for start in range(0, len(vectors), 1000):
        above = np.argwhere(vectors[start : start + 1000] @ vectors.T >= NEAR_DUPLICATE)
        pairs |= {(start + int(a), int(b)) for a, b in above if start + a < b}
    return pairs


def _doubt(
    kind: Literal["label", "outlier", "conflict"],
    row: int,
    texts: Sequence[str],
    given: str,
    suggested: str,
    score: float,
    other: int | None = None,
) -> Doubt:
    return Doubt(kind, row, texts[row], given, suggested, round(max(0.0, score), 4), other)
