"""The whole evaluation of a model as one object: what ``careline model evaluate`` prints, and the page is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data.artifacts import DatasetLayout, Manifest, ModelLayout, load_manifest
from data.errors import InputError
from data.records import read_rows
from data.schema import IntentExample, Topic
from finetune.assess import Judged, Share, ahead_of, confusions, intent_figures, per_intent, scope_figures
from finetune.classifiers import Classifier, Remembered, Served, frozen_logistic, read_scope, searched_scope, tfidf_svm
from finetune.evaluate import choose_protocol, held_out_ranking, training_matcher
from finetune.examples import TrainingData
from finetune.fairness import counterfactual_swaps
from finetune.folds import FEWER_THAN, Fit, cross_validation, head_fit, learning_curve, peer_fit
from finetune.intents import HELD_OUT
from finetune.labelled import Labelled, held_out, intent_names, named, read_labelled
from finetune.messages import Labelled as LearnedRows
from finetune.messages import is_few, split_off
from finetune.progress import Stages
from finetune.recipe import Recipe
from finetune.robustness import robustness
from finetune.scope import gibberish
from finetune.slices import errors, groups, ranking_by_language, slices
from retrieval.bridge import Bridge
from retrieval.encoder import Encoder, OnnxEncoder
from retrieval.head import LinearHead
from retrieval.intents import IntentReader
from retrieval.match import Matcher
from retrieval.rank import Ranker
from retrieval.search import Searcher, Thresholds

if TYPE_CHECKING:
    from rich.console import Console

GIBBERISH_SEED = 7919
"""Not those of the random letters which scope and thresholds were chosen on."""

WORDLESS = ("", "?!", "...", "   ")

TUNED: tuple[tuple[str, str, str], ...] = (
    ("encoder", "training split", "stops by the validation split"),
    ("intent head", "training split", "temperature by the validation split"),
    ("scope", "nearness to the training split", "weights by the validation split and random letters"),
    ("answer head", "training split", "weights of its halves by the validation split"),
    ("ranker", "validation split", "–"),
    ("probabilities of answers; thresholds", "validation split and random letters", "–"),
    ("TF-IDF + linear SVM", "training split", "temperature by the validation split; C = 1"),
    (
        "frozen encoder + logistic regression",
        "training split",
        "temperature by the validation split; C = 30",
    ),
    ("figures of this report", "nothing", "the test split, or the file named by --on, is only measured on"),
)
"""Part, what its parameters were fitted on, and what else was chosen on which rows."""


@dataclass
class Subject:
    """A model with all that its evaluation needs.

    Attributes:
        key: Of the model.
        data: Its dataset.
        served: Its intent classifier, or None where the dataset has fewer than two intents.
        matcher: Over the training split; None for a dataset without answers.
        ranker: Of the model.
        thresholds: Of the model.
        recipe: How it was trained.
    """

    key: str
    data: TrainingData
    served: Served | None
    matcher: Matcher | None
    ranker: Ranker | None
    thresholds: Thresholds
    recipe: Recipe

    @classmethod
    def open(cls, model: ModelLayout, data: TrainingData, stages: Stages) -> Subject:
        """Loads a model, verified, with an index over its training split only.

        Raises:
            InputError: The model is missing or damaged.
        """
        manifest = load_manifest(model.folder, kind="model")
        encoder, head = OnnxEncoder.load(model), _head(model.intent_head)
        ranker = Ranker.load(model.ranker) if model.ranker.is_file() else None
        matcher, thresholds = None, Thresholds.load(model.thresholds)
        if not data.has_answers:
            reader, recipe = IntentReader.open(model), recipe_of(manifest)
            served = Served(reader.head, encoder, scope=read_scope(reader))
            thresholds = replace(thresholds, known=reader.scope.least)
            return cls(manifest.key, as_learned(data, recipe), served, None, None, thresholds, recipe)
        with stages.part("index"):
            matcher = training_matcher(
                data, encoder, choose_protocol(data), intent_head=head, answer_head=_head(model.answer_head)
            )
            matcher.bridge = Bridge.load(model.bridge) if model.bridge.is_file() else None
        searcher = Searcher(matcher, ranker=ranker, thresholds=thresholds)
        asked = Served(head, encoder, scope=searched_scope(searcher)) if head is not None else None
        return cls(manifest.key, data, asked, matcher, ranker, thresholds, recipe_of(manifest))


def recipe_of(manifest: Manifest) -> Recipe:
    """The recipe that a model was trained with; what later versions added has its default."""
    known = {f.name for f in fields(Recipe)}
    return Recipe(**{name: value for name, value in manifest.recipe.items() if name in known})


def evaluate_model(
    model: ModelLayout,
    dataset: DatasetLayout,
    *,
    frozen: Encoder | None = None,
    on: Path | None = None,
    rewordings: Mapping[str, str] | None = None,
    most: int = 0,
    quick: bool = False,
    console: Console | None = None,
) -> dict[str, Any]:
    """Measures everything about a model.

    Args:
        model: Verified at load.
        dataset: The one it was trained on: peers learn from its training split.
        frozen: The base encoder as it came, for the second peer; None leaves that out.
        on: Labelled messages to measure intents on instead of the dataset's held-out rows; ranking stays there.
        rewordings: Message to the same said otherwise, for robustness.
        most: Ranked questions at most; 0 takes all.
        quick: Leave out robustness, swaps, folds and learning curve.
        console: Where progress is shown.

    Returns:
        What can be written as JSON; ``finetune.report`` makes the page of it. Parts that the data does not allow are
        missing or empty.

    Raises:
        InputError: An artefact is missing or damaged, or ``on`` has nothing to measure on.
    """
    load_manifest(dataset.folder, kind="dataset")
    rows = read_labelled(on) if on is not None else []
    stages, data = Stages(console), TrainingData.load(dataset)
    subject = Subject.open(model, data, stages)
    labels = subject.served.labels if subject.served else ()
    data = subject.data
    rows = named(rows, intent_names(labels, _topics(dataset))) if on is not None else held_out(data, dataset)
    if not rows and not data.has_answers:
        raise InputError(
            f"model {subject.key}", got="no message that it was not trained on", expected="messages of your own",
            next_step="Name a labelled table with --on.",
        )  # fmt: skip
    source = on.name if on is not None else "test split" if data.intents_of("test") else "validation split"
    found: dict[str, Any] = {
        "model": subject.key, "dataset": dataset.folder.name, "source": source,
        "thresholds": vars(subject.thresholds),
        "tuned": [list(row) for row in TUNED],
        "left_out": ["robustness", "swaps", "folds", "learning curve"] if quick else [],
    }  # fmt: skip
    if subject.served is not None and rows:
        found |= assess_intents(
            subject.served, data, rows, frozen=frozen, recipe=subject.recipe, rewordings=rewordings, quick=quick,
            known=subject.thresholds.known, stages=stages,
        )  # fmt: skip
    if subject.matcher is not None and subject.ranker is not None:
        seed = subject.recipe.seed + 1
        found["ranking"] = held_out_ranking(data, subject.matcher, subject.ranker, most=most, seed=seed, stages=stages)
        with stages.part("ranking by language"):
            found["ranking_by_language"] = ranking_by_language(data, subject.matcher, subject.ranker, seed=seed)
    return found | {"seconds": dict(stages.seconds)}


def assess_intents(
    served: Served,
    data: TrainingData,
    rows: Sequence[Labelled],
    *,
    frozen: Encoder | None,
    recipe: Recipe,
    known: float,
    stages: Stages,
    rewordings: Mapping[str, str] | None = None,
    quick: bool = False,
) -> dict[str, Any]:
    """Everything about intents and scope, ours beside the peers on the same messages.

    Args:
        served: Ours.
        data: Peers learn from its training split.
        rows: What is measured on.
        frozen: The base encoder, or None to leave its peer out.
        recipe: For heads that are fitted anew on folds.
        known: Our threshold of being in scope.
        stages: Shows and times.
        rewordings: See ``evaluate_model``.
        quick: See ``evaluate_model``.
    """
    inside = [row for row in rows if row.intent is not None]
    with stages.part("peers of intents"):
        remembered = Remembered(frozen) if frozen is not None else None
        systems: list[Classifier] = [served, *_peers(data, remembered)]
    with stages.part("intents and scope"):
        found, judged = _side_by_side(systems, rows, inside, known)
    found |= {
        "n": {"in_scope": len(inside), "out_of_scope": len(rows) - len(inside)},
        "unknown_intents": _unknown(inside, served.labels),
        "intents": per_intent(judged),
        "confusions": [list(row) for row in confusions(judged, most=30)],
        "groups": groups(inside, judged),
        "slices": slices(inside, judged),
        "errors": errors(inside, judged),
    }
    if quick or not inside:
        return found
    with stages.part("robustness"):
        found["robustness"] = robustness(systems, inside, rewordings=rewordings)
    with stages.part("counterfactual swaps"):
        found["swaps"] = counterfactual_swaps(served, inside)
    return found | _small_data(data, inside, _fits(served, remembered, recipe), recipe.seed, stages)


def swap_figures(model: ModelLayout, data: TrainingData) -> dict[str, Any]:
    """``counterfactual_swaps`` of a stored model over a dataset's held-out messages, for the gate of a promotion.

    Args:
        model: Verified by the caller.
        data: Its test split is used, or the validation split where there is none.

    Returns:
        Empty for a model without an intent head.
    """
    head = _head(model.intent_head)
    rows = [row for row in held_out(data) if row.intent is not None]
    return counterfactual_swaps(Served(head, OnnxEncoder.load(model)), rows) if head is not None else {}


def as_learned(data: TrainingData, recipe: Recipe) -> TrainingData:
    """The splits as a model of intents alone has them: it holds out a tenth at random, or nothing of few messages.

    Args:
        data: A dataset of labelled messages without answers.
        recipe: For the seed.

    Returns:
        The same rows in ``train``, and in ``valid`` what the weights of head and scope were chosen on.
    """
    every = LearnedRows.of(data.labelled, data.outside)
    apart = () if is_few(every) else split_off(every, share=HELD_OUT, seed=recipe.seed)[1].texts
    held, known = frozenset(apart), dict(zip(every.texts, every.gold, strict=True))
    first = {row.text: row for row in reversed(data.intents) if row.text in known}
    rows = [
        replace(first[text], intent=every.labels[label], split="valid" if text in held else "train")
        for text, label in known.items()
    ]
    return replace(data, intents=tuple(rows))


def _peers(data: TrainingData, frozen: Encoder | None) -> list[Classifier]:
    train, valid = data.intents_of("train"), data.intents_of("valid")
    if len({row.intent for row in train}) < 2:
        return []
    peers: list[Classifier] = [tfidf_svm(train, valid)]
    return peers if frozen is None else [*peers, frozen_logistic(train, valid, encoder=frozen)]


def _fits(served: Served, frozen: Encoder | None, recipe: Recipe) -> dict[str, Fit]:
    """Systems that can be fitted anew in seconds: our head over both encoders, and the first peer."""
    fits: dict[str, Fit] = {"careline's head": head_fit(Remembered(served.encoder), recipe), "tfidf + SVM": peer_fit}
    return fits if frozen is None else {**fits, "our head, frozen encoder": head_fit(frozen, recipe)}


def _side_by_side(
    systems: Sequence[Classifier], rows: Sequence[Labelled], inside: Sequence[Labelled], threshold: float
) -> tuple[dict[str, Any], Judged]:
    """Figures of each system and what the first of them, ours, made of the in-scope messages."""
    gold = [row.intent or "" for row in inside]
    strangers = [row.text for row in rows if row.intent is None]
    foreign = strangers or [*gibberish(200, seed=GIBBERISH_SEED), *WORDLESS]
    figures, scopes, judged_by, found = {}, {}, [], {}
    for system in systems:
        predicted = system.predict([*(row.text for row in inside), *foreign])
        known, foreigners = predicted.known[: len(inside)], predicted.known[len(inside) :]
        scopes[system.name] = scope_figures(predicted.known, np.arange(len(predicted.known)) < len(inside))
        judged = Judged.of(
            gold, replace(predicted, probabilities=predicted.probabilities[: len(inside)]), system.labels
        )
        judged_by.append(judged)
        figures[system.name] = intent_figures(judged)
        if system is systems[0]:
            found["decision"] = {
                "threshold": threshold,
                "in_scope_lost": Share(int((known < threshold).sum()), len(known)).to_json(),
                "foreign_found": Share(int((foreigners < threshold).sum()), len(foreigners)).to_json(),
            }
        else:
            figures[system.name]["we_are_ahead"] = ahead_of(judged_by[0].right, judged.right)
    scope = {"of": "out-of-scope messages" if strangers else "random letters and punctuation", "systems": scopes}
    return {**found, "systems": figures, "scope": scope}, judged_by[0]


def _small_data(
    data: TrainingData, inside: Sequence[Labelled], fits: dict[str, Fit], seed: int, stages: Stages
) -> dict[str, Any]:
    train, valid = data.intents_of("train"), data.intents_of("valid")
    found: dict[str, Any] = {}
    if len(train) + len(valid) < FEWER_THAN and len({row.intent for row in train}) > 1:
        with stages.part("folds") as progress:
            found["folds"] = cross_validation([*train, *valid], fits, seed=seed, progress=progress)
    with stages.part("learning curve") as progress:
        held = [IntentExample(row.text, row.intent or "", "topic", "test", row.language) for row in inside]
        found["curve"] = learning_curve(train, held, fits, seed=seed, progress=progress)
    return found


def _unknown(rows: Sequence[Labelled], labels: Sequence[str]) -> dict[str, int]:
    """Intents of the messages that the model was never taught; each such message counts as a mistake."""
    return dict(Counter(str(row.intent) for row in rows if row.intent not in set(labels)).most_common())


def _topics(dataset: DatasetLayout) -> list[Topic]:
    return list(read_rows(dataset.topics, Topic)) if dataset.topics.is_file() else []


def _head(path: Path) -> LinearHead | None:
    return LinearHead.load(path) if path.is_file() else None
