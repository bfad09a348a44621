"""Fits the mood head: from customers' ratings where the log has them, elsewhere from a lexicon's weak labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.mood import is_urgent, mood_score
from data.schema import Conversation
from finetune.examples import Reservoir
from retrieval.encoder import Encoder, Vectors, unit
from retrieval.head import HashedNgrams, LinearHead
from retrieval.mood import MOODS, MoodHead, dense_columns, joined

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST = 3000
"""Rows that are fitted; more cost time and change little."""

LOW, HIGH = 0.4, 0.6
"""A rating up to the one means displeased, from the other on not; what lies between says neither."""

FEWEST = 20
"""Rows of the rarer kind below which ratings are not enough and the lexicon speaks."""

GUESSED = {"zh": -0.55}
GUESSED_ELSEWHERE = -0.3
"""From this score down the lexicon's guess is displeased: a message about a return or a problem is not yet angry."""

_NGRAM_SCALE = 4.0
_PENALTY = 0.3
_BUCKETS = 2**16
_LAST_MESSAGES = 3


@dataclass(frozen=True)
class MoodRow:
    """What a customer said, and how it was meant.

    Attributes:
        said: Messages, oldest first.
        language: ``en`` or ``zh`` (or another code).
        negative: Whether the customer was displeased.
        urgent: Whether the matter could not wait.
        rated: True when ``negative`` is the customer's own word, False when a lexicon guessed.
    """

    said: tuple[str, ...]
    language: str
    negative: bool
    urgent: bool
    rated: bool = False


def mood_rows(conversations: Iterable[Conversation], *, seed: int, most: int = MOST) -> list[MoodRow]:
    """Rows of training conversations, a seeded sample of at most ``most``, in the order of the log.

    Ratings speak for the last messages of a conversation. Where fewer than ``FEWEST`` of one kind were given, every
    row is a single message that the lexicon labels instead.

    Args:
        conversations: Of the training split only; streamed.
        seed: Of the sample.
        most: Rows at most.
    """
    rated: Reservoir[MoodRow] = Reservoir(most, seed=seed)
    weak: Reservoir[MoodRow] = Reservoir(most, seed=seed)
    for row in _rows(conversations):
        (rated if row.rated else weak).add(row)
    displeased = sum(row.negative for row in rated.rows())
    enough = min(displeased, len(rated.rows()) - displeased) >= FEWEST
    return (rated if enough else weak).rows()


def _rows(conversations: Iterable[Conversation]) -> Iterator[MoodRow]:
    for conversation in conversations:
        said = [m.text for m in conversation.messages if m.role == "customer" and m.text.strip()]
        language, rating = conversation.language or "en", conversation.satisfaction
        for text in said:
            angry = mood_score(text, language) <= GUESSED.get(language, GUESSED_ELSEWHERE)
            yield MoodRow((text,), language, angry, is_urgent(text))
        if said and rating is not None and not LOW < rating < HIGH:
            last = tuple(said[-_LAST_MESSAGES:])
            yield MoodRow(last, language, rating <= LOW, is_urgent(joined(last)), rated=True)


def fit_mood_head(rows: Sequence[MoodRow], encoder: Encoder) -> MoodHead | None:
    """Two logistic regressions, a label that never or always holds being a constant.

    Args:
        rows: Of the training split.
        encoder: As it serves (quantised).

    Returns:
        The head, or None where no row is negative, or all are.
    """
    kinds = {row.negative for row in rows}
    if len(kinds) < 2:
        return None
    from scipy.sparse import csr_matrix, hstack, vstack

    said, languages = [row.said for row in rows], [row.language for row in rows]
    texts = [joined(messages) for messages in said]
    features = HashedNgrams(buckets=_BUCKETS).fit(texts)
    dense = dense_columns(vectors_of(encoder, said), said, languages)
    table = hstack([csr_matrix(dense), features.transform(texts) * _NGRAM_SCALE]).tocsr()
    fits = [_regression(table, np.array([getattr(row, name) for row in rows])) for name in MOODS]
    weights = np.stack([weights for weights, _ in fits])  # (2, dim + cues + buckets)
    width = dense.shape[1]
    ngrams = vstack([csr_matrix(row * np.float32(_NGRAM_SCALE)) for row in weights[:, width:]]).tocsr()
    bias = np.array([bias for _, bias in fits], dtype=np.float32)
    return MoodHead(LinearHead(MOODS, weights[:, :width], ngrams, bias, features=features))


def vectors_of(encoder: Encoder, said: Sequence[Sequence[str]]) -> Vectors:
    """(n, dim) mean vector of each row's messages, of length 1."""
    flat = [message for messages in said for message in messages]
    ends = np.cumsum([len(messages) for messages in said])
    vectors = encoder.encode(flat)  # (messages, dim)
    return unit(np.array([vectors[end - len(row) : end].mean(axis=0) for end, row in zip(ends, said, strict=True)]))


def _regression(table: csr_matrix, gold: NDArray[np.bool_]) -> tuple[NDArray[np.float32], float]:
    """Weights (columns,) and bias."""
    from sklearn.linear_model import LogisticRegression

    share = float(gold.mean())
    if share in (0.0, 1.0):
        return np.zeros(table.shape[1], dtype=np.float32), -8.0 if share == 0.0 else 8.0
    fit: Any = LogisticRegression(C=_PENALTY, max_iter=1000).fit(table, gold)
    return fit.coef_[0].astype(np.float32), float(fit.intercept_[0])
