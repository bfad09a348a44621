"""The evidence for each answer that one query raises: five lists fill a table of named columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.bridge import Bridge
from retrieval.encoder import Vectors
from retrieval.filters import Allowed
from retrieval.fuse import fuse
from retrieval.index import NO_ROW, Index
from retrieval.rank import FEATURES, LOWEST_LOG, Features, column

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_DEEP = 128
DEEP = 256
"""Rows looked at where a few given ones are to be judged: the lists are not drawn from those alone."""

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
        read: Context and message without typing errors.
    """

    context: Vectors
    message: Vectors
    coverage: tuple[float, float]
    answers: tuple[Floats, Rows]
    by_context: tuple[Floats, Rows]
    by_message: tuple[Floats, Rows]
    intents: Floats
    head_logs: Floats
    read: tuple[str, str]


class Evidence:
    """A table (features, rows) for one query; each method fills columns and notes a ranked list.

    Its rows are those that any list speaks of, however many answers there are.

    Args:
        index: Whose answers are the rows.
        sight: Of the query.
        words: Of the message, as BM25 counts them.
        allowed: Which may be candidates, and which logged texts may speak.
        depth: Candidates taken from each list.
        classes: (classes,) row of each class of the answer head, or ``NO_ROW``.
        among: The rows that are to be judged, whatever the lists say; None: those in the lists.
    """

    def __init__(
        self,
        index: Index,
        sight: Sight,
        words: Sequence[str],
        allowed: Allowed,
        *,
        depth: int,
        classes: Rows,
        among: Rows | None = None,
    ) -> None:
        self.index, self.allowed, self.depth = index, allowed, depth
        self.sight, self.classes = sight, classes
        self.said = index.lexical.best(words, depth if among is None else DEEP, among=allowed.answers)
        self.asked_alike = index.lexical_logged.best(words, _DEEP, among=allowed.logged)
        places = np.concatenate([sight.by_context[1], sight.by_message[1], self.asked_alike[0]])
        answers, voters = sight.answers[1], index.rows_of(places[places >= 0])
        judged = among if among is not None else np.zeros(0, dtype=np.int64)
        spoken_of = np.concatenate([answers, self.said[0], voters, classes, judged])
        self.rows: Rows = np.unique(spoken_of[spoken_of >= 0])
        self.table = np.zeros((len(FEATURES), len(self.rows)), dtype=np.float32)
        self.asked = np.full(len(self.rows), NO_ROW, dtype=np.int64)
        self.lists: list[Rows] = []
        self._among = among
        if among is not None:
            self._may = np.isin(self.rows, among)
        elif allowed.answers is not None:
            self._may = _reads(allowed.answers, self.rows)
        else:
            self._may = self.rows < allowed.size

    def dense_answers(self) -> None:
        """Answers whose text is near the context. Exact cosines of the whole pool come in ``complete``."""
        rows = self.sight.answers[1]
        self._note(self._at(rows[rows >= 0]))

    def dense_logged(self) -> None:
        """Answers that near contexts got."""
        scores, places = self.sight.by_context
        share = self.sight.coverage[0]
        near, vote = self["near_max"], self["near_vote"]
        self._poll(scores * share, places, best=near, votes=vote, sharpness=_DENSE_SHARPNESS)
        vote *= share
        self._note(_order(vote))
        scores, places = self.sight.by_message
        self._poll(scores * self.sight.coverage[1], places, best=self["near_message"])

    def similarity(self) -> tuple[float, float]:
        """Cosines, times the share that could be read, of the nearest logged text that is in scope, and that is not.

        What is in scope may be near the context or the message; what is not, near the message: a stray question after
        a good conversation is as stray as ever.
        """
        context, message = self._nearest(*self.sight.by_context), self._nearest(*self.sight.by_message)
        near = max(context[0] * self.sight.coverage[0], message[0] * self.sight.coverage[1])
        return near, message[1] * self.sight.coverage[1]

    def _nearest(self, scores: Floats, places: Rows) -> tuple[float, float]:
        found = places >= 0
        inside = self.index.asked.in_scope.at(places[found])
        scores = scores[found]
        return float(scores[inside].max(initial=0.0)), float(scores[~inside].max(initial=0.0))

    def lexical_answers(self, words: Sequence[str]) -> float:
        """Answers whose words match; returns the best share among all that may be seen."""
        self["lexical"][:] = self.index.lexical.scores_at(words, self.rows)
        self._note(self._at(self.said[0]))
        visible = self.allowed.visible
        narrow = self.allowed.answers is not visible or self._among is not None
        best = self.index.lexical.best(words, 1, among=visible)[1] if narrow else self.said[1]
        return float(best.max(initial=0.0))

    def lexical_logged(self, words: Sequence[str]) -> tuple[float, float]:
        """Answers that questions with the same words got.

        Returns:
            The best share among the logged texts that are in scope, and among those that are not.
        """
        places, scores = self.asked_alike
        near, vote = self["lexical_near"], self["lexical_vote"]
        self._poll(scores, places, best=near, votes=vote, sharpness=_LEXICAL_SHARPNESS)
        self._note(_order(vote))
        inside = self.index.asked.in_scope.at(places)
        return self._best_of(words, scores[inside], inside=True), self._best_of(words, scores[~inside], inside=False)

    def _best_of(self, words: Sequence[str], scores: Floats, *, inside: bool) -> float:
        """The best share; where none is among the best of all, among those of one side."""
        if len(scores) or len(self.asked_alike[0]) < _DEEP:
            return float(scores.max(initial=0.0))
        side = self.index.in_scope if inside else ~self.index.in_scope
        if self.allowed.logged is not None:
            side = side[: len(self.allowed.logged)] & self.allowed.logged[: len(side)]
        if not side.any():
            return 0.0
        return float(self.index.lexical_logged.best(words, 1, among=side)[1].max(initial=0.0))

    def head(self) -> None:
        """Answers that the head names."""
        self["head_log"][:] = LOWEST_LOG
        there = self.classes != NO_ROW
        places, logs = self._at(self.classes[there]), self.sight.head_logs[there]
        self["head_log"][places] = logs
        self["head"][places] = np.exp(logs)
        self._note(_order(self["head"]))

    def pool(self) -> Rows:
        """Rows in any list, ascending; or those that are to be judged, as they were given."""
        if self._among is not None:
            return self._among
        return np.asarray(self.rows[np.unique(np.concatenate([*self.lists, np.zeros(0, dtype=np.int64)]))])

    def complete(self, pool: Rows, *, language: str, given: Sequence[str], labels: Mapping[str, int]) -> None:
        """Fills, for the pool, what needs no list: exact cosines, and what is known of each answer.

        Args:
            pool: From ``pool``.
            language: Of the message.
            given: Ids given so far.
            labels: Number of each topic or intent of the intent head.
        """
        index, sight, at = self.index, self.sight, self._at(pool)
        vectors = index.dense.vectors(pool)  # (pool, dim)
        self["dense"][at] = vectors @ sight.context * sight.coverage[0]
        self["dense_message"][at] = vectors @ sight.message * sight.coverage[1]
        self["fused"][:] = fuse(self.lists, len(self.rows))
        columns = index.columns
        for name in ("support", "recency", "outcome"):
            self[name][at] = getattr(columns, name).at(pool)
        if labels:
            self["topic"][at] = [self._topics(row, labels) for row in pool.tolist()]
        self["language"][at] = columns.language.at(pool) == columns.number("language", language)
        rows = [row for answer in given if (row := index.row_of.get(answer)) is not None]
        if rows and len(pool):
            self["given"][at[np.isin(pool, rows)]] = 1.0
            self["last"][at[np.isin(pool, rows[-1:])]] = 1.0
            self["given_near"][at] = (vectors @ index.dense.vectors(sorted(set(rows))).T).max(axis=1)

    def _topics(self, row: int, labels: Mapping[str, int]) -> float:
        """Probability of an answer's topics."""
        topics = self.index.columns.topics
        numbers = [labels[name] for name in (topics.names[code] for code in topics.of_row(row)) if name in labels]
        return float(self.sight.intents[numbers].sum()) if numbers else 0.0

    def bridge(self, pool: Rows, bridge: Bridge) -> None:
        """Answers that correspond to what is asked, as the bridge has learned it."""
        (asked,) = bridge.asked(self.sight.context[None, :], self.sight.message[None, :])
        answered = bridge.answered(self.index.dense.vectors(pool))
        self["bridge"][self._at(pool)] = answered @ asked * self.sight.coverage[0]

    def lexical_context(self, words: Sequence[str], pool: Rows) -> None:
        """Answers that hold what the whole context speaks of.

        Args:
            words: Of the context, as BM25 counts them.
            pool: From ``pool``.
        """
        lexical = self.index.lexical
        self["lexical_context"][self._at(pool)] = lexical.scores_at(lexical.rarest(words, _RARE_WORDS), pool)

    def of(self, pool: Rows) -> Features:
        """(pool, F) the rows that ``Ranker`` takes."""
        return np.ascontiguousarray(self.table[:, self._at(pool)].T)

    def spokesmen(self, pool: Rows) -> Rows:
        """(pool,) the logged text that speaks most for each, or ``NO_ROW``."""
        return np.asarray(self.asked[self._at(pool)])

    def __getitem__(self, name: str) -> Floats:
        return np.asarray(self.table[column(name)])

    def _at(self, rows: Rows) -> Rows:
        """Positions of rows in the table."""
        return np.asarray(np.searchsorted(self.rows, rows))

    def _note(self, ranked: Rows) -> None:
        self.lists.append(ranked[self._may[ranked]][: self.depth])

    def _poll(
        self, scores: Floats, places: Rows, *, best: Floats, votes: Floats | None = None, sharpness: float = 1.0
    ) -> None:
        """Lets logged texts speak for the answers they got: the best of them, and a weighted vote of all."""
        scores, places = scores[places >= 0], places[places >= 0]
        rows = self.index.rows_of(places)
        voters = rows != NO_ROW
        scores, places = scores[voters], places[voters]
        if not len(places):
            return
        at = self._at(rows[voters])
        order = np.argsort(scores, kind="stable")  # ascending, so that the best writes last
        better = scores[order] > np.maximum(self["near_max"], self["lexical_near"])[at[order]]
        self.asked[at[order][better]] = places[order][better]
        np.maximum.at(best, at, scores)
        if votes is not None:
            weight = np.exp((scores - scores.max()) / sharpness) * self.index.asked.count.at(places)
            np.add.at(votes, at, weight / weight.sum())


def _reads(mask: Mask, rows: Rows) -> Mask:
    """(rows,) what a mask says of rows; False beyond its end."""
    inside = rows < len(mask)
    out = np.zeros(len(rows), dtype=bool)
    out[inside] = mask[rows[inside]]
    return out


def _order(scores: Floats) -> Rows:
    """Positions with a score above zero, best first."""
    order = np.argsort(-scores, kind="stable")
    return np.asarray(order[scores[order] > 0], dtype=np.int64)
