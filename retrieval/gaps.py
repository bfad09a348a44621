"""Content gaps: what customers asked and got no good answer to, grouped by meaning and counted.

The rows come from ``careline export FILE --questions``; they are redacted before anything of them is shown.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from retrieval.encoder import Encoder, Vectors, coverage, unit
from retrieval.grown import Grown

if TYPE_CHECKING:
    from retrieval.search import Searcher

SAME = 0.6
"""Least cosine with a group's first question for joining it. Seen with the base encoder on every tenth training
question of BANKING77 (1,001 of 77 intents): 239 groups, 78 % of the questions among their own kind; at .5 121 groups
and 62 %, at .72 478 and 92 %."""

EXAMPLES = 3
_DID = ("handed over", "asked to rephrase", "nothing")
"""What the bot does for want of a good answer."""

_EXPECTED = "JSON lines {text, language, time, outcome, known, did} from `careline export FILE --questions`"


@dataclass(frozen=True)
class Question:
    """What a customer asked of the bot.

    Attributes:
        text: As written.
        language: ``en`` or ``zh`` (or another code).
        time: Unix seconds.
        outcome: ``sure``, ``unsure`` or ``lost``.
        known: Probability 0..1 that it was in scope.
        did: What the bot did; see ``bot.asked``.
    """

    text: str
    language: str
    time: float
    outcome: str
    known: float
    did: str

    @property
    def unanswered(self) -> bool:
        """Whether it got no good answer: search was lost, or the bot gave up. Buttons that were offered are one."""
        return self.outcome == "lost" or self.did in _DID


@dataclass(frozen=True)
class Gap:
    """Questions of one meaning without a good answer.

    Attributes:
        question: The one that stands for all; redacted.
        count: How often something like it was asked.
        language: Of the questions.
        examples: Others of the group, the most different first; redacted.
        did: What the bot did, to how often.
        known: Mean probability 0..1 that they were in scope.
        last: Unix seconds of the newest.
        nearest: Text of the nearest answer that there is, or empty.
        probability: That it is the right one, 0..1.
        outcome: What search makes of the question now.
    """

    question: str
    count: int
    language: str
    examples: tuple[str, ...]
    did: dict[str, int]
    known: float
    last: float
    nearest: str
    probability: float
    outcome: str

    def to_json(self) -> dict[str, Any]:
        """As a plain dict."""
        return asdict(self)


def day_of(value: str) -> float:
    """Unix seconds of a day's beginning in UTC.

    Raises:
        InputError: It is no date.
    """
    try:
        return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=timezone.utc).timestamp()
    except ValueError as error:
        raise InputError("--since", got=value, expected="a day like 2026-11-01", next_step="Write it so.") from error


def read_questions(file: Path, *, since: float | None = None, language: str | None = None) -> list[Question]:
    """Reads what was asked; ``-`` is the standard input.

    Args:
        file: From ``careline export FILE --questions``.
        since: Unix seconds; older ones are left out.
        language: Others are left out.

    Raises:
        InputError: The file is missing, or a line is no such row; the line is named.
    """
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(file), got=str(error), expected=_EXPECTED, next_step="Export it first.") from error
    rows = [_question(line, f"{file}, line {i}") for i, line in enumerate(text.split("\n"), start=1) if line.strip()]
    return [row for row in rows if (since is None or row.time >= since) and language in (None, row.language)]


def _question(line: str, place: str) -> Question:
    try:
        row = json.loads(line)
        texts = [row[name] for name in ("text", "language", "outcome", "did")]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("something that is no text")
        return Question(texts[0], texts[1], float(row["time"]), texts[2], float(row["known"]), texts[3])
    except (ValueError, KeyError, TypeError) as error:
        got = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(place, got=got, expected=_EXPECTED, next_step="Export it again.") from error


def content_gaps(rows: Iterable[Question], searcher: Searcher, *, keep: Sequence[str] = ()) -> list[Gap]:
    """Groups the questions without a good answer, the most asked first.

    What search would answer now, because an answer was added since, is left out.

    Args:
        rows: All that was asked.
        searcher: Over the live index; its encoder tells what means the same.
        keep: Values that are not redacted (``[learn] keep``).
    """
    without = _redacted([row for row in rows if row.unanswered], keep)
    found = []
    for language in sorted({row.language for row in without}):
        same = [row for row in without if row.language == language]
        vectors = _vectors(searcher.encoder, [row.text for row in same])
        found += [_gap([same[i] for i in group], vectors[group], searcher) for group in groups(vectors)]
    return sorted((gap for gap in found if gap.outcome != "sure"), key=lambda gap: (-gap.count, gap.question))


def _redacted(rows: Sequence[Question], keep: Sequence[str]) -> list[Question]:
    from data.redact import Redactor
    from data.schema import Conversation, Message

    asked = [
        Conversation(f"q{i}", (Message("customer", row.text, row.time),), row.language or None)
        for i, row in enumerate(rows)
    ]
    redactor = Redactor.of(asked, keep=keep)
    clean = [redactor.redact(conversation).messages[0].text for conversation in asked]
    return [replace(row, text=text) for row, text in zip(rows, clean, strict=True)]


def _vectors(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """(n, dim + buckets) unit vectors: of meaning as far as the encoder can read a text, else of its spelling."""
    from retrieval.head import HashedNgrams

    read = coverage(encoder, texts)[:, None]  # (n, 1)
    spelled = unit(np.asarray(HashedNgrams(buckets=2**10).transform(texts).todense(), dtype=np.float32))
    return unit(np.hstack([encoder.encode(texts) * np.sqrt(read), spelled * np.sqrt(1.0 - read)]))


def groups(vectors: Vectors, *, same: float = SAME) -> list[NDArray[np.int64]]:
    """Groups unit vectors by their nearness to a first member, in two rounds, so that order matters little.

    Args:
        vectors: (n, dim).
        same: Least cosine with the group's centre.

    Returns:
        Rows of each group.
    """
    if not len(vectors):
        return []
    centres = Grown(vectors[:1])
    for i, vector in enumerate(vectors):
        if max(float((part @ vector).max(initial=-1.0)) for part in centres.parts) < same:
            centres.append(vectors[i : i + 1])
    nearest = (vectors @ centres.all().T).argmax(axis=1)
    means = np.vstack([vectors[nearest == i].mean(axis=0) for i in np.unique(nearest)])
    nearest = (vectors @ unit(means).T).argmax(axis=1)
    return [np.flatnonzero(nearest == i) for i in np.unique(nearest)]


def _gap(rows: Sequence[Question], vectors: Vectors, searcher: Searcher) -> Gap:
    likeness = vectors @ vectors.mean(axis=0)
    order = np.argsort(-likeness, kind="stable")
    texts = list(dict.fromkeys(rows[i].text for i in order))
    result = searcher.search(texts[0], k=1, language=rows[0].language)
    best = result.hits[0] if result.hits else None
    return Gap(
        question=texts[0],
        count=len(rows),
        language=rows[0].language,
        examples=tuple(texts[:0:-1][:EXAMPLES]),
        did=dict(Counter(row.did for row in rows).most_common()),
        known=round(float(np.mean([row.known for row in rows])), 4),
        last=max(row.time for row in rows),
        nearest=best.answer.text if best else "",
        probability=round(best.probability, 4) if best else 0.0,
        outcome=result.outcome,
    )
