"""Where the time of a search goes: encoding, vectors, words, ranking."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieval.search import Searcher

STEPS = ("encode", "vectors", "words", "ranking")
"""``encode``: the forward pass. ``vectors``: nearest answers and questions. ``words``: BM25. ``ranking``: the ranker
and what says the same. What is left of ``whole`` gathers evidence."""


class Stopwatch:
    """Milliseconds of each step of each search.

    Attributes:
        times: ``STEPS`` and ``whole`` to a number a search.
    """

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {name: [] for name in (*STEPS, "whole")}
        self._sums = dict.fromkeys(STEPS, 0.0)
        self._running = False

    def search(self, called: Callable[[], Any]) -> Any:
        """Calls a search and notes its times."""
        self._sums = dict.fromkeys(STEPS, 0.0)
        before = time.perf_counter()
        found = called()
        self.times["whole"].append(1000 * (time.perf_counter() - before))
        for step, spent in self._sums.items():
            self.times[step].append(spent)
        return found

    def step(self, name: str, called: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, whose time counts for a step; what it calls in turn is not counted twice."""

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if self._running:
                return called(*args, **kwargs)
            self._running, before = True, time.perf_counter()
            try:
                return called(*args, **kwargs)
            finally:
                self._running = False
                self._sums[name] += 1000 * (time.perf_counter() - before)

        return wrapper


@contextmanager
def timed(searcher: Searcher) -> Iterator[Stopwatch]:
    """Within the block the steps of this searcher are measured; the searches are the real ones.

    Methods are wrapped on these objects only, and put back afterwards.
    """
    index, watch = searcher.index, Stopwatch()
    places: list[tuple[str, object, str]] = [
        ("encode", searcher.encoder, "encode"),
        ("vectors", index.dense, "search"),
        ("vectors", index.dense_logged, "search"),
        ("ranking", searcher.ranker, "probabilities"),
        ("ranking", searcher.alike, "choices"),
    ]
    for lexical in (index.lexical, index.lexical_logged):
        places += [("words", lexical, name) for name in ("best", "scores_at", "known_share")]
    with ExitStack() as stack:
        for step, thing, name in places:
            object.__setattr__(thing, name, watch.step(step, getattr(thing, name)))  # the ranker is frozen
            stack.callback(object.__delattr__, thing, name)
        yield watch
