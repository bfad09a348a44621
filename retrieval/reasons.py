"""Why each hit was found, in full: words, questions that were asked before, and what each piece of evidence adds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from data.schema import Answer
from retrieval.index import NO_ROW, message_of
from retrieval.rank import FEATURES
from retrieval.search import Hit, Searcher, SearchResult

_QUESTIONS = 3
_NEAR = 64


@dataclass(frozen=True)
class Reasons:
    """Of one hit.

    Attributes:
        id: Of the answer.
        text: Of the answer.
        source: Where it comes from.
        probability: That it is the right one, 0..1.
        words: Of the message that are in it or in its question.
        questions: (what was asked before and got this answer, cosine with the message), nearest first.
        evidence: (name, value, weight of a unit, what it adds to the score), what adds or takes most first.
    """

    id: str
    text: str
    source: str
    probability: float
    words: tuple[str, ...]
    questions: tuple[tuple[str, float], ...]
    evidence: tuple[tuple[str, float, float, float], ...]

    def to_json(self) -> dict[str, Any]:
        """As a plain dict."""
        return asdict(self)


def reasons_of(result: SearchResult, searcher: Searcher) -> list[Reasons]:
    """The reasons of each hit, best first.

    Args:
        result: Of a search; hits that were not explained have no words.
        searcher: That found it.
    """
    index = searcher.index
    cosines, places = index.dense_logged.search(searcher.encoder.encode([result.text]), _NEAR)
    near: dict[str, list[tuple[str, float]]] = {}
    found = places[0][places[0] >= 0]
    rows = np.where(index.asked.alive.at(found), index.rows_of(found), NO_ROW)
    for cosine, place, row in zip(cosines[0].tolist(), found.tolist(), rows.tolist(), strict=False):
        if row != NO_ROW:
            near.setdefault(index.answers[row].id, []).append((message_of(index.logged[place].text), round(cosine, 4)))
    return [_reasons(hit, searcher, tuple(near.get(hit.id, ())[:_QUESTIONS])) for hit in result.hits]


def _reasons(hit: Hit, searcher: Searcher, questions: tuple[tuple[str, float], ...]) -> Reasons:
    ranker = searcher.ranker
    rows = []
    for name, weight, mean, scale in zip(FEATURES, ranker.weights, ranker.mean, ranker.scale, strict=True):
        value = hit.features[name]
        rows.append((name, round(value, 4), round(weight / scale, 4), round(weight * (value - mean) / scale, 4)))
    rows.sort(key=lambda row: -abs(row[3]))
    source = source_in_words(hit.answer)
    return Reasons(hit.id, hit.answer.text, source, hit.probability, hit.words, questions, tuple(rows))


def source_in_words(answer: Answer) -> str:
    """Where an answer comes from, for people: ``log, given 3 x, in c1, c2`` or ``article "Returns", https://…``."""
    parts: list[str] = [answer.source]
    if answer.source == "log":
        parts.append(f"given {answer.support} x")
    if answer.title:
        parts.append(f'"{answer.title}"')
    if answer.conversations:
        parts.append(f"in {', '.join(answer.conversations[:3])}")
    return ", ".join(parts + ([answer.url] if answer.url else []))
