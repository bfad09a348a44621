"""Two models on the same held-out rows that neither was trained on: overall, by language and by large topic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.artifacts import DatasetLayout, ModelLayout, load_manifest
from data.schema import Example, IntentExample
from finetune.evaluate import training_matcher
from finetune.examples import TrainingData, evenly
from retrieval.encoder import OnnxEncoder
from retrieval.evaluate import queries_of
from retrieval.head import LinearHead
from retrieval.rank import Ranker

LARGE = 30
"""Test rows from which a topic is judged by itself."""

MOST_QUESTIONS = 600
MOST_MESSAGES = 3000
_DRAWS = 2000

Right = NDArray[np.bool_]


@dataclass(frozen=True)
class Row:
    """A held-out row: which task it belongs to and by what it can be sliced."""

    task: str
    language: str
    topic: str


@dataclass(frozen=True)
class Slice:
    """A part of the test, and how both models did on it.

    Attributes:
        name: ``intents`` or ``answers``, then ``, all``, ``, language zh`` or ``, topic returns``.
        n: Rows.
        before: Share 0..1 right by the present model.
        after: The same of the candidate.
        lost: Points lost; negative for a gain.
        interval: 95 % bootstrap interval of ``lost``, paired by row.
        worse: More is lost than the margin, and the interval excludes chance.
    """

    name: str
    n: int
    before: float
    after: float
    lost: float
    interval: tuple[float, float]
    worse: bool


@dataclass(frozen=True)
class Comparison:
    """What two models came to.

    Attributes:
        before: Key of the present model.
        after: Key of the candidate.
        margin: Points that each slice may lose.
        slices: The whole first.
    """

    before: str
    after: str
    margin: float
    slices: tuple[Slice, ...]

    @property
    def worse(self) -> tuple[Slice, ...]:
        """The slices that speak against the candidate."""
        return tuple(part for part in self.slices if part.worse)

    def to_json(self) -> dict[str, Any]:
        """As a plain dict, with ``passed``."""
        return {**asdict(self), "passed": not self.worse}


def slices_of(
    rows: Sequence[Row], before: Right, after: Right, *, margin: float, large: int = LARGE, seed: int = 0
) -> tuple[Slice, ...]:
    """Cuts the test into its tasks, and each task into languages and large topics.

    A slice is worse when it loses more than ``margin`` points and the lower end of the interval is above 0: of 30 rows
    one is 3 points, and one row alone says nothing.

    Args:
        rows: (n,) what each row is.
        before: (n,) whether the present model gets it right.
        after: (n,) the candidate.
        margin: Points.
        large: Rows from which a language or a topic is judged by itself.
        seed: Of the bootstrap.
    """
    random = np.random.default_rng(seed)
    made = []
    for name, places in _parts(rows, large):
        was, now = before[places], after[places]
        lost = 100 * (was.astype(np.float64) - now)
        low, high = _interval(lost, random)
        mean = float(lost.mean())
        worse = mean > margin and low > 0
        figures = round(float(was.mean()), 4), round(float(now.mean()), 4), round(mean, 2)
        made.append(Slice(name, len(places), *figures, (low, high), worse))
    return tuple(made)


def _parts(rows: Sequence[Row], large: int) -> Iterator[tuple[str, NDArray[np.int64]]]:
    for task in dict.fromkeys(row.task for row in rows):
        own = [i for i, row in enumerate(rows) if row.task == task]
        yield f"{task}, all", np.array(own)
        for kind in ("language", "topic"):
            for value in sorted({getattr(rows[i], kind) for i in own} - {""}):
                part = [i for i in own if getattr(rows[i], kind) == value]
                if len(part) >= large:
                    yield f"{task}, {kind} {value}", np.array(part)


def _interval(lost: NDArray[np.float64], random: np.random.Generator) -> tuple[float, float]:
    """Efron's percentile bootstrap (1979) of the mean; every row's difference is -100, 0 or 100."""
    shares = [float((lost == value).mean()) for value in (-100.0, 0.0, 100.0)]
    drawn = random.multinomial(len(lost), shares, size=_DRAWS) @ np.array([-100.0, 0.0, 100.0]) / len(lost)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return round(float(low), 2), round(float(high), 2)


def compare_models(
    before: ModelLayout, after: ModelLayout, datasets: Sequence[DatasetLayout], *, margin: float
) -> Comparison:
    """Asks both models the same.

    Args:
        before: The present model; verified.
        after: The candidate; verified.
        datasets: Of both models, the candidate's last: the test splits of all are asked, without what any of them
            holds for training, so that neither model knows a row by heart. Answers are searched among those that the
            last one knows from training, by both models.
        margin: Points that each slice may lose.

    Raises:
        InputError: A model or a dataset is missing or damaged.
    """
    keys = [load_manifest(model.folder, kind="model").key for model in (before, after)]
    loaded = [TrainingData.load(dataset) for dataset in datasets]
    intents, answers = _frozen(loaded)
    rows = [Row("intents", row.language, row.intent) for row in intents]
    known = loaded[-1].answers
    rows += [Row("answers", row.language, next(iter(known[row.answer].topics), "")) for row in answers]
    right = [_right(model, loaded[-1], intents, answers) for model in (before, after)]
    return Comparison(keys[0], keys[1], margin, slices_of(rows, *right, margin=margin) if rows else ())


def _frozen(loaded: Sequence[TrainingData]) -> tuple[list[IntentExample], list[Example]]:
    """The test rows of all datasets that none of them trains on; labels and answers as the last one knows them."""
    last = loaded[-1]
    labels, answers = {row.intent for row in last.intents_of("train")}, last.support
    messages = {row.text for data in loaded for row in data.intents_of("train")}
    contexts = {row.context for data in loaded for row in data.of("train")}
    asked = {row.text: row for data in loaded for row in data.intents_of("test")}
    given = {(row.context, row.answer): row for data in loaded for row in data.of("test")}
    intents = [row for row in asked.values() if row.intent in labels and row.text not in messages]
    examples = [row for row in given.values() if row.answer in answers and row.context not in contexts]
    return (
        [intents[i] for i in evenly(len(intents), MOST_MESSAGES)],
        [examples[i] for i in evenly(len(examples), MOST_QUESTIONS)],
    )


def _right(
    model: ModelLayout, data: TrainingData, intents: Sequence[IntentExample], answers: Sequence[Example]
) -> Right:
    encoder = OnnxEncoder.load(model)
    heads = [LinearHead.load(path) if path.is_file() else None for path in (model.intent_head, model.answer_head)]
    return np.concatenate(
        [_intents_right(heads[0], encoder, intents), _answers_right(model, data, encoder, heads, answers)]
    )


def _intents_right(head: LinearHead | None, encoder: OnnxEncoder, rows: Sequence[IntentExample]) -> Right:
    if head is None or not rows:
        return np.zeros(len(rows), dtype=bool)
    texts = [row.text for row in rows]
    best = head.logits(encoder.encode(texts), texts).argmax(axis=1)
    return np.array([head.labels[i] == row.intent for i, row in zip(best, rows, strict=True)], dtype=bool)


def _answers_right(
    model: ModelLayout, data: TrainingData, encoder: OnnxEncoder, heads: Sequence[LinearHead | None],
    rows: Sequence[Example],
) -> Right:  # fmt: skip
    """Whether the agent's answer comes first among all that training knows; a tie counts against the model."""
    if not rows:
        return np.zeros(0, dtype=bool)
    matcher = training_matcher(data, encoder, "all answers", intent_head=heads[0], answer_head=heads[1])
    ranker = Ranker.load(model.ranker) if model.ranker.is_file() else Ranker.default()
    found = []
    matches = matcher.match(queries_of(rows), sayable_only=False, language_only=False)
    for match, row in zip(matches, rows, strict=True):
        scores = ranker.scores(match.features)
        gold = np.flatnonzero(match.rows == matcher.index.row_of[row.answer])
        found.append(bool(len(gold)) and int((scores >= scores[gold[0]]).sum()) == 1)
    return np.array(found, dtype=bool)
