"""Response ranking on a split: our ranker beside BM25, over the same candidates, in the same run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.schema import Example
from retrieval.lexical import words_of
from retrieval.match import Matcher, Query
from retrieval.metrics import NOT_FOUND, bootstrap, mrr, ndcg, recall_at
from retrieval.rank import Ranker


@dataclass(frozen=True)
class Ranking:
    """Figures of one system over ``n`` queries, 0..1.

    Attributes:
        r1: Recall at 1.
        r5: Recall at 5.
        mrr: Mean reciprocal rank.
        n: Queries.
        ndcg10: Normalised discounted cumulative gain of the first ten.
        intervals: Name of a figure to its 95 % bootstrap interval (1,000 draws over queries).
    """

    r1: float
    r5: float
    mrr: float
    n: int
    ndcg10: float = 0.0
    intervals: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def of(cls, ranks: NDArray[np.int64]) -> Ranking:
        """From the ranks of the right answers."""
        figures: dict[str, Callable[[NDArray[np.int64]], float]] = {
            "r1": lambda rows: recall_at(rows, 1),
            "r5": lambda rows: recall_at(rows, 5),
            "mrr": mrr,
            "ndcg10": ndcg,
        }
        levels, rank_of = np.unique(ranks, return_inverse=True)
        worth = {name: np.array([of(level[None]) for level in levels]) for name, of in figures.items()}  # (levels,)
        intervals = {
            name: [round(bound, 4) for bound in bootstrap(value[rank_of])] if len(ranks) else [0.0, 0.0]
            for name, value in worth.items()
        }
        return cls(n=len(ranks), intervals=intervals, **{name: round(of(ranks), 4) for name, of in figures.items()})

    def to_json(self) -> dict[str, Any]:
        """As a plain dict."""
        return asdict(self)


def queries_of(examples: Iterable[Example]) -> list[Query]:
    """What ranking is asked for each example."""
    return [Query.of_context(e.context, language=e.language, given=e.history) for e in examples]


def rank_split(
    matcher: Matcher, ranker: Ranker, examples: Sequence[Example], *, lexical: bool = True
) -> dict[str, Ranking]:
    """Ranks all answers of the index, sayable or not, for each example; a miss of the candidates is a miss.

    Args:
        matcher: Whose index holds no context of ``examples``.
        ranker: Orders the candidates.
        examples: Of one split; those whose answer the index does not hold count as misses for all systems.
        lexical: Whether BM25 over the answers' texts, asked with the whole context, is ranked too.

    Returns:
        ``careline`` and, when asked for, ``bm25``.
    """
    queries = queries_of(examples)
    gold = [matcher.index.row_of.get(example.answer, -1) for example in examples]
    matches = matcher.match(queries, sayable_only=False)
    ours = [_rank(ranker.scores(match.features), match.rows, right) for match, right in zip(matches, gold, strict=True)]
    figures = {"careline": Ranking.of(np.array(ours, dtype=np.int64))}
    if lexical:
        everything = np.arange(len(matcher.index.answers))
        peer = [
            _rank(matcher.index.lexical.scores(words_of(query.context)), everything, right)
            for query, right in zip(queries, gold, strict=True)
        ]
        figures["bm25"] = Ranking.of(np.array(peer, dtype=np.int64))
    return figures


def _rank(scores: NDArray[np.floating[Any]], rows: NDArray[np.int64], right: int) -> int:
    """Rank of the right row; ties count against it."""
    place = np.flatnonzero(rows == right)
    return int((scores >= scores[place[0]]).sum()) if len(place) else NOT_FOUND
