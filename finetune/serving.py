"""Calibration of what serving decides: probabilities of hits, and when to answer, offer or give up."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from data.artifacts import ModelLayout
from data.schema import Example
from finetune.calibrate import Judged, noise_texts, precision_wanted, save_thresholds, thresholds_of
from finetune.examples import TrainingData, evenly
from finetune.ranker import Ranked, with_platt
from retrieval.alike import Alike
from retrieval.evaluate import queries_of
from retrieval.index import NO_ROW, message_of
from retrieval.lexical import language_of, words_of
from retrieval.match import Match, Matcher, Query
from retrieval.rank import Ranker
from retrieval.search import Scope

MOST = 1000
"""Validation questions that calibration looks at."""

_FEWEST_WORDS = 3
"""A shorter message ("how long?") is another question in each conversation."""


def calibrate(
    matcher: Matcher, ranker: Ranker, data: TrainingData, layout: ModelLayout
) -> tuple[Ranker, dict[str, Any]]:
    """Fits probabilities and thresholds as serving will meet them, and writes ``thresholds.json``.

    Only customers' questions whose answer the bot knows and may say are looked at, and only sayable answers are
    candidates: the rest of an agent's work is not what the thresholds decide about.

    Args:
        matcher: Over the training contexts.
        ranker: Without calibrated probabilities.
        data: The validation split is used.
        layout: Of the model.

    Returns:
        The ranker with probabilities, and the thresholds with what they come to on the validation split.
    """
    index = matcher.index
    fit = [e for e in data.of("valid") if _is_asked(e) and e.answer in index.row_of]
    fit = [e for e in fit if index.sayable[index.row_of[e.answer]]]
    examples = [fit[i] for i in evenly(len(fit), MOST)]
    matches = list(matcher.match(queries_of(examples)))
    ranked = [Ranked.of(m, index.row_of[e.answer]) for m, e in zip(matches, examples, strict=True)]
    ranker = with_platt(ranker, ranked)
    scope = Scope()
    alike = Alike(index)
    judged = [
        _judged(alike, ranker, m, index.row_of[e.answer], scope.probability(m))
        for m, e in zip(matches, examples, strict=True)
    ]
    texts = noise_texts()
    noise = [scope.probability(m) for m in matcher.match([Query(t, t, language_of(t)) for t in texts])]
    agreed = agreements(alike)
    precision = precision_wanted(agreed)
    thresholds = thresholds_of(judged, noise=noise, precision=precision)
    outcomes = [thresholds.outcome(known=row.known, best=row.best) for row in judged]
    sure = [row.right for row, outcome in zip(judged, outcomes, strict=True) if outcome == "sure"]
    notes = {
        "questions": float(len(judged)),
        "agents_agree": _share(sum(agreed), len(agreed)),
        "precision_wanted": round(precision, 4),
        "sure_share": _share(outcomes.count("sure"), len(judged)),
        "sure_precision": _share(sum(sure), len(sure)),
        "lost_share": _share(outcomes.count("lost"), len(judged)),
        "noise_lost": _share(sum(value < thresholds.known for value in noise), len(noise)),
    }
    save_thresholds(thresholds, layout.thresholds, notes=notes)
    return ranker, {**asdict(thresholds), **notes}


def agreements(alike: Alike) -> list[bool]:
    """For each question that was asked in the same words again: whether both agents gave answers that say the same."""
    index = alike.index
    asked: dict[str, tuple[int, str]] = {}
    found = []
    for place in np.flatnonzero(index.logged_rows != NO_ROW):
        row, logged = int(index.logged_rows[place]), index.logged[place]
        words = words_of(message_of(logged.text))
        if len(words) < _FEWEST_WORDS or not index.sayable[row] or not _ends_asked(logged.text):
            continue
        before, conversation = asked.get(key := " ".join(words), (NO_ROW, logged.conversation))
        asked[key] = row, logged.conversation
        if before != NO_ROW and conversation != logged.conversation:
            found.append(bool(alike.among([before, row])[0, 1]))
    return found


def _is_asked(example: Example) -> bool:
    """Whether the customer spoke last: the bot is never asked for what follows "one moment, please"."""
    return _ends_asked(example.context)


def _ends_asked(context: str) -> bool:
    return not context.rpartition("\n")[2].startswith("agent: ")


def _judged(alike: Alike, ranker: Ranker, match: Match, right: int, known: float) -> Judged:
    """A question after ranking; what says the same as the agent's answer counts as right."""
    choices = alike.choices(match.rows, ranker.probabilities(match.features))[:3]
    says = [alike.says(choice, match.rows, right) for choice in choices]
    best = choices[0].probability if choices else 0.0
    return Judged(best, bool(says) and says[0], any(says), known)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
