"""The evidence for each answer that one query raises: five lists fill a table of named columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.bridge import Bridge
from retrieval.encoder import Vectors
from retrieval.fuse import fuse
from retrieval.index import NO_ROW, Index
from retrieval.rank import FEATURES, LOWEST_LOG, Features, column

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_DEEP = 128
_RARE_WORDS = 16
"""So many of the context's words are looked up, the rarest."""
_DENSE_SHARPNESS, _LEXICAL_SHARPNESS = 0.05, 0.1
"""A vote falls by e for each so much less similarity than the best."""


@dataclass(frozen=True, eq=False)
class Sight:
    """What the batched steps saw of one query.

    Attributes:
        context: (dim,) vector of the rendered context.
        message: (dim,) vector of the bare message.
        coverage: Shares 0..1 of context and message that the encoder can read.
        answers: Cosines and rows of the nearest answers.
        by_context: Cosines and positions of the logged texts nearest to the context.
        by_message: The same for the bare message.
        intents: (labels,) probabilities.
        head_logs: (classes,) log-probabilities of the answer head.
    """

    context: Vectors
    message: Vectors
    coverage: tuple[float, float]
    answers: tuple[Floats, Rows]
    by_context: tuple[Floats, Rows]
    by_message: tuple[Floats, Rows]
    intents: Floats
    head_logs: Floats


class Evidence:
    """A table (features, answers) for one query; each method fills columns and notes a ranked list.

    Args:
        index: Whose answers are the columns.
        allowed: (answers,) which may be candidates.
        depth: Candidates taken from each list.
    """

    def __init__(self, index: Index, allowed: Mask, *, depth: int) -> None:
        self.index, self.allowed, self.depth = index, allowed, depth
        self.table = np.zeros((len(FEATURES), len(index.answers)), dtype=np.float32)
        self.asked = np.full(len(index.answers), NO_ROW, dtype=np.int64)
        self.lists: list[Rows] = []

    def dense_answers(self, sight: Sight) -> None:
        """Answers whose text is near the context. Exact cosines of the whole pool come in ``complete``."""
        _, rows = sight.answers
        self._note(rows[rows >= 0])

    def dense_logged(self, sight: Sight) -> None:
        """Answers that near contexts got."""
        scores, places = sight.by_context
        share = sight.coverage[0]
        near, vote = self["near_max"], self["near_vote"]
        self._poll(scores * share, places, best=near, votes=vote, sharpness=_DENSE_SHARPNESS)
        vote *= share
        self._note(_order(vote))
        scores, places = sight.by_message
        self._poll(scores * sight.coverage[1], places, best=self["near_message"])

    def similarity(self, sight: Sight) -> tuple[float, float]:
        """Cosines, times the share that could be read, of the nearest logged text that is in scope, and that is not.

        What is in scope may be near the context or the message; what is not, near the message: a stray question after
        a good conversation is as stray as ever.
        """
        context, message = self._nearest(*sight.by_context), self._nearest(*sight.by_message)
        near = max(context[0] * sight.coverage[0], message[0] * sight.coverage[1])
        return near, message[1] * sight.coverage[1]

    def _nearest(self, scores: Floats, places: Rows) -> tuple[float, float]:
        found = places >= 0
        inside = self.index.in_scope[places[found]]
        scores = scores[found]
        return float(scores[inside].max(initial=0.0)), float(scores[~inside].max(initial=0.0))

    def lexical_answers(self, words: Sequence[str]) -> float:
        """Answers whose words match; returns the best share."""
        scores = self.index.lexical.scores(words)
        self["lexical"][:] = scores
        self._note(_order(scores))
        return float(scores.max(initial=0.0))

    def lexical_logged(self, words: Sequence[str]) -> tuple[float, float]:
        """Answers that questions with the same words got.

        Returns:
            The best share among the logged texts that are in scope, and among those that are not.
        """
        scores = self.index.lexical_logged.scores(words)
        places = _top(scores, _DEEP)
        near, vote = self["lexical_near"], self["lexical_vote"]
        self._poll(scores[places], places, best=near, votes=vote, sharpness=_LEXICAL_SHARPNESS)
        self._note(_order(vote))
        inside = self.index.in_scope
        return float(scores[inside].max(initial=0.0)), float(scores[~inside].max(initial=0.0))

    def head(self, logs: Floats, rows: Rows) -> None:
        """Answers that the head names.

        Args:
            logs: (classes,) log-probabilities.
            rows: (classes,) row of each class, or ``NO_ROW``.
        """
        self["head_log"][:] = LOWEST_LOG
        there = rows != NO_ROW
        self["head_log"][rows[there]] = logs[there]
        self["head"][rows[there]] = np.exp(logs[there])
        self._note(_order(self["head"]))

    def pool(self) -> Rows:
        """Rows in any list, ascending."""
        return np.asarray(np.unique(np.concatenate([*self.lists, np.zeros(0, dtype=np.int64)])))

    def complete(self, sight: Sight, pool: Rows, *, language: str, given: Sequence[str], topics: Floats) -> None:
        """Fills, for the pool, what needs no list: exact cosines, and what is known of each answer.

        Args:
            sight: Of the query.
            pool: From ``pool``.
            language: Of the message.
            given: Ids given so far.
            topics: (answers,) probability of each answer's topics.
        """
        vectors = self.index.dense.vectors(pool)  # (pool, dim)
        self["dense"][pool] = vectors @ sight.context * sight.coverage[0]
        self["dense_message"][pool] = vectors @ sight.message * sight.coverage[1]
        self["fused"][:] = fuse(self.lists, len(self.index.answers))
        self["support"][:] = self.index.support
        self["recency"][:] = self.index.recency
        self["topic"][:] = topics
        self["language"][:] = self.index.languages == language
        self["outcome"][pool] = self.index.outcome[pool]
        rows = [self.index.row_of[answer] for answer in given if answer in self.index.row_of]
        self["given"][rows] = 1.0
        self["last"][rows[-1:]] = 1.0
        if rows and len(pool):
            self["given_near"][pool] = (vectors @ self.index.dense.vectors(sorted(set(rows))).T).max(axis=1)

    def bridge(self, sight: Sight, pool: Rows, bridge: Bridge) -> None:
        """Answers that correspond to what is asked, as the bridge has learned it."""
        (asked,) = bridge.asked(sight.context[None, :], sight.message[None, :])
        self["bridge"][pool] = bridge.answered(self.index.dense.vectors(pool)) @ asked * sight.coverage[0]

    def lexical_context(self, words: Sequence[str], pool: Rows) -> None:
        """Answers that hold what the whole context speaks of.

        Args:
            words: Of the context, as BM25 counts them.
            pool: From ``pool``.
        """
        lexical = self.index.lexical
        self["lexical_context"][pool] = lexical.scores_at(lexical.rarest(words, _RARE_WORDS), pool)

    def of(self, pool: Rows) -> Features:
        """(pool, F) the rows that ``Ranker`` takes."""
        return np.ascontiguousarray(self.table[:, pool].T)

    def __getitem__(self, name: str) -> Floats:
        return np.asarray(self.table[column(name)])

    def _note(self, ranked: Rows) -> None:
        self.lists.append(ranked[self.allowed[ranked]][: self.depth])

    def _poll(
        self, scores: Floats, places: Rows, *, best: Floats, votes: Floats | None = None, sharpness: float = 1.0
    ) -> None:
        """Lets logged texts speak for the answers they got: the best of them, and a weighted vote of all."""
        voters = (places >= 0) & (self.index.logged_rows[places] != NO_ROW)
        scores, places = scores[voters], places[voters]
        if not len(places):
            return
        rows = self.index.logged_rows[places]
        order = np.argsort(scores, kind="stable")  # ascending, so that the best writes last
        better = scores[order] > np.maximum(self["near_max"], self["lexical_near"])[rows[order]]
        self.asked[rows[order][better]] = places[order][better]
        np.maximum.at(best, rows, scores)
        if votes is not None:
            weight = np.exp((scores - scores.max()) / sharpness) * self.index.counts[places]
            np.add.at(votes, rows, weight / weight.sum())


def _order(scores: Floats) -> Rows:
    """Rows with a score above zero, best first."""
    top = _top(scores, 2 * _DEEP)
    return np.asarray(top[scores[top] > 0])


def _top(scores: Floats, k: int) -> Rows:
    """Positions of the largest ``k``, best first."""
    k = min(k, len(scores))
    part = np.argpartition(-scores, k - 1)[:k] if k else np.zeros(0, dtype=np.int64)
    return np.asarray(part[np.argsort(-scores[part], kind="stable")], dtype=np.int64)
