"""The same figures side by side: for each language and channel (fairness), by length, by age; and the errors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from finetune.assess import Judged, Share
from finetune.evaluate import choose_protocol, contest, our_ranking, ranked_by
from finetune.examples import TrainingData
from finetune.labelled import Labelled
from finetune.ranker import Ranked
from retrieval.match import Matcher
from retrieval.metrics import ece
from retrieval.rank import Ranker

MOST_RANKED = 600

FEWEST = 30
"""Messages that a group needs before a gap to others says anything; smaller ones are shown all the same."""

LENGTHS = ((20, "up to 20"), (40, "21 to 40"), (80, "41 to 80"), (160, "81 to 160"))
QUARTERS = ("oldest quarter", "second quarter", "third quarter", "newest quarter")


def groups(rows: Sequence[Labelled], judged: Judged) -> dict[str, dict[str, Any]]:
    """Accuracy and calibration of each language and channel, with the gap between the best and the worst.

    Args:
        rows: (n,) in-scope messages.
        judged: Of the same messages.

    Returns:
        For ``language`` and ``channel`` (those that are known): ``rows``, ``gap`` in points between groups of at least
        30 messages, and ``differs``: whether their 95 % intervals lie apart.
    """
    by: dict[str, Callable[[Labelled], str | None]] = {
        "language": lambda row: row.language,
        "channel": lambda row: row.channel,
    }
    found = {kind: _side_by_side([key(row) for row in rows], judged) for kind, key in by.items()}
    return {kind: _with_gap(table) for kind, table in found.items() if table}


def slices(rows: Sequence[Labelled], judged: Judged) -> dict[str, list[dict[str, Any]]]:
    """Accuracy by length in characters and, where times are known, by age."""
    found = {"length": _side_by_side([_length(row.text) for row in rows], judged, order=_LENGTH_NAMES)}
    times = sorted(row.time for row in rows if row.time is not None)
    if len(times) >= 4:
        bounds = np.quantile(times, [0.25, 0.5, 0.75])
        names = [None if row.time is None else QUARTERS[int(np.searchsorted(bounds, row.time))] for row in rows]
        found["age"] = _side_by_side(names, judged, order=QUARTERS)
    return {kind: table for kind, table in found.items() if table}


def errors(rows: Sequence[Labelled], judged: Judged, *, most: int = 200) -> list[dict[str, Any]]:
    """The mistakes, the surest first: redacted text, what was right, what was said and how surely."""
    wrong = sorted(np.flatnonzero(~judged.right), key=lambda i: -judged.confidence[i])[:most]
    return [
        {
            "text": rows[i].shown or rows[i].text,
            "intent": judged.gold[i],
            "guessed": judged.guessed[i],
            "confidence": round(float(judged.confidence[i]), 3),
            "language": rows[i].language,
        }
        for i in wrong
    ]


def ranking_by_language(
    data: TrainingData, matcher: Matcher, ranker: Ranker, *, seed: int, most: int = MOST_RANKED
) -> list[dict[str, Any]]:
    """Our ranking of held-out questions, each language by itself.

    Args:
        data: Its test split is ranked.
        matcher: Over the training split.
        ranker: Of the model.
        seed: Of the drawing of other answers, as in ``held_out_ranking``.
        most: Questions at most, evenly spaced.

    Returns:
        A row a language, the most frequent first: ``group`` and the figures of ``Ranking``; empty for one language.
    """
    given = contest(data, "test", choose_protocol(data), most=most, seed=seed)
    by: dict[str, list[Ranked]] = defaultdict(list)
    if len({example.language for example in given.examples}) < 2:
        return []
    for example, (_, ranked) in zip(given.examples, ranked_by(matcher, given), strict=True):
        by[example.language].append(ranked)
    rows = [{"group": language, **our_ranking(ranker, queries).to_json()} for language, queries in by.items()]
    return sorted(rows, key=lambda row: -row["n"])


_LENGTH_NAMES = (*(name for _, name in LENGTHS), "longer")


def _length(text: str) -> str:
    return next((name for most, name in LENGTHS if len(text) <= most), "longer")


def _side_by_side(
    names: Sequence[str | None], judged: Judged, *, order: Sequence[str] = ()
) -> list[dict[str, Any]]:  # fmt: skip
    members: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(names):
        if name is not None:
            members[name].append(i)
    right = judged.right
    rows = [
        {
            "group": name,
            "accuracy": Share(int(right[at].sum()), len(at)).to_json(),
            "ece": round(ece(judged.confidence[at], right[at]), 4),
        }
        for name, at in members.items()
    ]
    place = {name: i for i, name in enumerate(order)}
    return sorted(rows, key=lambda row: (place.get(row["group"], 0), -row["accuracy"]["n"]))


def _with_gap(table: list[dict[str, Any]]) -> dict[str, Any]:
    large = [row["accuracy"] for row in table if row["accuracy"]["n"] >= FEWEST]
    if len(large) < 2:
        return {"rows": table, "gap": None, "differs": False}
    best, worst = max(large, key=lambda row: row["value"]), min(large, key=lambda row: row["value"])
    gap = round(100 * (best["value"] - worst["value"]), 1)
    return {"rows": table, "gap": gap, "differs": worst["high"] < best["low"]}
