"""How probably a person would approve an answer: what sorts the list of those that wait (`data.approving`).

Two things are weighed: the signs that `data.reuse` looks for, by a logistic regression fitted on judged messages of two
public logs (``likely.csv``, made by ``python -m bench.reuse_fit``), and, once a person has decided enough, the words of
what was approved and rejected in this log. It only sorts: nothing is said because of it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from data import asides, claims, evidence
from data.reuse import REASONS, plain_english, refusal_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

WEIGHTS = Path(__file__).with_name("likely.csv")

ENOUGH = 20
"""Decisions from which this log's own words count. With fewer, a word that happened to be approved twice weighs too
much."""

_WORD_WEIGHT = 2.0
"""How much the words weigh against the signs. Not tuned."""

_TOKENS = r"[a-z']+|[\u4e00-\u9fff]|[?!:<>]"
_PASSES = "passes the rules"
_PATTERNS: dict[str, re.Pattern[str]] = {
    f"{module.__name__.removeprefix('data.')}.{name}": pattern
    for module in (asides, claims, evidence)
    for name, pattern in sorted(vars(module).items())
    if isinstance(pattern, re.Pattern)
}
_MEASURES = ("asks", "ends with a question", "has a placeholder", "log length")
FEATURES = (*_MEASURES, _PASSES, *REASONS, *_PATTERNS)
"""Names of the columns of `signs`, in order."""


def signs(texts: Sequence[str]) -> Numbers:
    """(texts, features) what the rules see in each text, taken as said once; columns are ``FEATURES``."""
    import numpy as np

    rows = np.zeros((len(texts), len(FEATURES)))
    column = {name: at for at, name in enumerate(FEATURES)}
    for row, text in zip(rows, texts, strict=True):
        plain = plain_english(text)
        row[: len(_MEASURES)] = (
            "?" in plain or "？" in plain, plain.rstrip().endswith(("?", "？")), "<" in plain, np.log1p(len(plain)) - 4
        )  # fmt: skip
        row[column[refusal_of(text) or _PASSES]] = 1
        for name, pattern in _PATTERNS.items():
            row[column[name]] = bool(pattern.search(plain))
    return rows


def likely(texts: Sequence[str], decided: Sequence[tuple[str, bool]] = ()) -> Numbers:
    """(texts,) probability 0..1 that a person would approve each.

    Args:
        texts: Normalised, redacted, without courtesies.
        decided: What a person decided in this log: text, and whether it was approved.
    """
    import numpy as np

    if not texts:
        return np.zeros(0)
    prior = _prior(texts)
    right = [approved for _, approved in decided]
    if len(decided) >= ENOUGH and any(right) and not all(right):
        return _with_words(texts, prior, decided)
    return np.asarray(1 / (1 + np.exp(-prior)))


def _prior(texts: Sequence[str]) -> Numbers:
    """(texts,) log odds by the signs alone."""
    import numpy as np

    weights, constant = _weights()
    return np.asarray(signs(texts) @ np.array(weights) + constant)


def _with_words(texts: Sequence[str], prior: Numbers, decided: Sequence[tuple[str, bool]]) -> Numbers:
    import numpy as np
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    known = [text for text, _ in decided]
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=_TOKENS)
    matrix = words.fit_transform([text.lower() for text in (*known, *texts)]) * _WORD_WEIGHT
    odds = np.concatenate([_prior(known), prior])
    both = hstack([matrix, csr_matrix(odds[:, None])]).tocsr()  # (known + texts, words + 1)
    model = LogisticRegression(solver="liblinear").fit(both[: len(known)], [approved for _, approved in decided])
    return np.asarray(model.predict_proba(both[len(known) :])[:, 1])


@cache
def _weights() -> tuple[tuple[float, ...], float]:
    """Of ``FEATURES``, and the constant; a feature that is not in the file weighs nothing."""
    with WEIGHTS.open(newline="", encoding="utf-8") as rows:
        weight = {row["feature"]: float(row["weight"]) for row in csv.DictReader(rows)}
    return tuple(weight.get(name, 0.0) for name in FEATURES), weight["constant"]
