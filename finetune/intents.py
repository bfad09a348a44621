"""Labelled messages → encoder, intent head and scope, by the amount of data.

Many messages: a tenth is held out, and weighs the two halves of the head and the evidence of the scope. Few messages: a
rehearsal is trained without some messages and without some intents, which then stand for what is unknown; what it
teaches about weights is used by the model proper, which learns from every message.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.artifacts import ModelLayout
from data.schema import IntentExample
from finetune.calibrate import blend_of, temperature_of
from finetune.encoder import BaseModel, load_encoder
from finetune.examples import OUT_OF_SCOPE, TrainingData, balanced
from finetune.linear import fit_linear
from finetune.messages import Labelled, Numbers, is_few, split_off, with_names
from finetune.progress import Progress, Stages
from finetune.recipe import Recipe
from finetune.scope import HeldOut, default_scope, fit_scope, gibberish
from finetune.tune import Tuned, tune_intents, tuning_of, two_ways
from retrieval.encoder import Encoder, OnnxEncoder, TrainingEncoder, Vectors
from retrieval.head import HashedNgrams, LinearHead
from retrieval.scope import EVIDENCE, IntentScope, scope_evidence, spelled_share

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

HELD_OUT = 0.1
_REHEARSED_CLASSES, _REHEARSED_ROWS = 0.8, 0.75
_LEAST_REHEARSAL = 6
"""Intents below which a rehearsal without some of them would tell nothing."""

_LEAST_WEIGHED = 40
_TELLING = 500
"""Held-out messages from which likelihood chooses the weight of the n-grams; see `weigh`."""

_NOISE = 400
_MOST_ROWS = 30_000
"""Messages that are tuned on, at most; their hidden states take 15 KB each."""

DEFAULT_BLEND = (1.0, 0.1)
"""Weights of the layer over vectors and of the n-grams where nothing could be held out."""

_SHARES = (0.0, 0.1, 0.3, 1.0)
"""Weights that n-grams may have beside the layer's 1."""


@dataclass(frozen=True)
class Trained:
    """An encoder with the two halves of a head.

    Attributes:
        encoder: As it will serve, or as it was trained (in a rehearsal).
        words: The n-grams' half.
        tuned: The course of tuning.
        vectors: (n, dim) of the training messages.
        layer: (classes, dim + 1) the vectors' half: weights and bias.
    """

    encoder: Encoder
    words: LinearHead
    tuned: Tuned
    vectors: Vectors
    layer: NDArray[np.float32]


def fit_intents(
    layout: ModelLayout, rows: Labelled, *, recipe: Recipe, base: BaseModel, stages: Stages,
    held_out: Labelled | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Makes encoder, intent head and scope of a model.

    Args:
        layout: Where they are written.
        rows: To learn from.
        recipe: For base, prompt, n-grams, seed and time.
        base: The base model.
        stages: Shows and times.
        held_out: Messages under the same labels that are not learned from, such as a validation split; its
            ``outside`` weighs the scope. None holds out a tenth, or rehearses where there are few.

    Returns:
        Metrics: ``intents``, ``messages``, ``few``, ``intent_accuracy`` (0..1, on what was held out, or in rehearsal),
        ``held_out`` (messages), ``encoder`` (course), ``scope`` (shares held out), ``int8``.
    """
    few = held_out is None and is_few(rows)
    blend, weighed, accuracy, counted = DEFAULT_BLEND, None, None, 0
    if few:
        with stages.part("rehearsal") as progress:
            rehearsed = rehearse(rows, recipe=recipe, base=base, progress=progress)
        if rehearsed is not None:
            blend, weighed, accuracy, counted = rehearsed
        learned = with_names(rows)
    elif held_out is None:
        learned, held_out = split_off(rows, share=HELD_OUT, seed=recipe.seed)
    else:
        learned = rows
    trained, int8 = _train(layout, learned, recipe=recipe, base=base, stages=stages)
    with stages.part("scope"):
        if held_out is not None:
            blend = weigh(trained, held_out, blend)
        head = blended(trained, blend)
        if held_out is not None:
            counted, accuracy = len(held_out), accuracy_of(trained.encoder, head, held_out)
            weighed = evidence_of(trained.encoder, head, trained.vectors, learned, held_out)
        scope = default_scope(trained.vectors, learned.gold, _outside_vectors(trained.encoder, learned))
        scope = scope if weighed is None else fit_scope(scope, weighed)
        head.save(layout.intent_head)
        scope.save(layout.scope)
    metrics: dict[str, Any] = {
        "intents": len(rows.labels), "messages": len(rows), "few": few, "held_out": counted,
        "intent_accuracy": None if accuracy is None else round(accuracy, 4), "int8": int8,
        "encoder": {"steps": trained.tuned.steps, "losses": trained.tuned.losses, "seconds": trained.tuned.seconds},
        "blend": [round(weight, 4) for weight in blend],
    }  # fmt: skip
    if weighed is not None:
        inside, outside, noise = (
            scope.known(r) >= scope.least for r in (weighed.inside, weighed.outside, weighed.noise)
        )
        metrics["scope"] = {"least": scope.least, "kept": _share(inside), "outside_refused": _share(~outside),
                            "noise_refused": _share(~noise)}  # fmt: skip
    return metrics


def _train(
    layout: ModelLayout, rows: Labelled, *, recipe: Recipe, base: BaseModel, stages: Stages
) -> tuple[Trained, dict[str, float]]:
    from finetune.export import export_encoder

    with stages.part("load"):
        model = load_encoder(base, max_length=recipe.max_length)
    with stages.part("encoder") as progress:
        tuned = _tune(model, rows, recipe=recipe, progress=progress)
    with stages.part("export"):
        int8 = export_encoder(model, layout, base=base, recipe=recipe, probes=rows.texts[:128])
    encoder = OnnxEncoder.load(layout)
    with stages.part("intent head") as progress:
        return _headed(encoder, tuned, rows, recipe=recipe, progress=progress), int8


def _tune(model: SentenceTransformer, rows: Labelled, *, recipe: Recipe, progress: Progress) -> Tuned:
    tuning = tuning_of(len(rows), len(rows.labels), minutes=recipe.intent_minutes)
    texts, gold = rows.texts, rows.gold
    if len(texts) > _MOST_ROWS:
        each = math.ceil(_MOST_ROWS / len(rows.labels))
        names = [rows.labels[i] for i in gold]
        most = each * len(rows.labels)
        chosen = np.sort(balanced(names, most=most, most_per_group=each, seed=recipe.seed))
        texts, gold = tuple(texts[i] for i in chosen), gold[chosen]
    first, *others = two_ways(tuning) if recipe.intent_runs > 1 and tuning.kept == 1 else (tuning,)
    return tune_intents(
        model, texts, gold, classes=len(rows.labels), tuning=first, others=others, prompt=recipe.prompt,
        seed=recipe.seed, progress=progress,
    )  # fmt: skip


def _headed(encoder: Encoder, tuned: Tuned, rows: Labelled, *, recipe: Recipe, progress: Progress) -> Trained:
    """A layer over the vectors, and n-grams fitted beside it; their weights are still one each."""
    vectors = encoder.encode(rows.texts)
    features = HashedNgrams(buckets=min(recipe.buckets, 2**16)).fit(rows.texts)
    nothing = np.zeros((len(rows), 1), dtype=np.float32)
    fit = fit_linear(
        nothing, features.transform(rows.texts), rows.gold, classes=len(rows.labels), passes=recipe.head_epochs,
        steps=recipe.head_steps, seed=recipe.seed, progress=progress,
    )  # fmt: skip
    layer = tuned.class_layer if tuned.fits else regression(vectors, rows.gold)
    words = LinearHead(
        rows.labels, layer[:, :-1] * 0, fit.ngrams, fit.bias, features=features, kinds=("topic",) * len(rows.labels)
    )
    return Trained(encoder, words, tuned, vectors, layer)


def regression(vectors: Vectors, gold: Numbers) -> NDArray[np.float32]:
    """(classes, dim + 1) weights and bias of a logistic regression; every class must have a message.

    The penalty is that of 10 messages a unit of squared weight (scikit-learn's ``C``), which unit vectors ask for.
    """
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=10.0, max_iter=100, tol=1e-3).fit(vectors, gold)
    weights, bias = fitted.coef_, fitted.intercept_
    if len(weights) == 1:  # two classes are one sigmoid
        weights, bias = np.vstack([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    return np.asarray(np.concatenate([weights, bias[:, None]], axis=1), dtype=np.float32)


def weigh(trained: Trained, held_out: Labelled, default: tuple[float, float]) -> tuple[float, float]:
    """Weights of the layer over vectors and of the n-grams, from held-out messages.

    From 500 messages on, the weights that make them most likely. Fewer cannot tell: of the shares tried for the n-grams
    the smallest is then taken whose accuracy lies within one standard error of the best, and both are scaled by a
    temperature.
    """
    if len(held_out) < _LEAST_WEIGHED:
        return default
    vectors = trained.encoder.encode(held_out.texts)
    dense = vectors @ trained.layer[:, :-1].T + trained.layer[:, -1]  # (n, classes)
    words = trained.words.logits(vectors, held_out.texts)
    if len(held_out) >= _TELLING:
        return blend_of(dense, words, held_out.gold)
    right = [float(((dense + share * words).argmax(axis=1) == held_out.gold).mean()) for share in _SHARES]
    spread = math.sqrt(max(right) * (1 - max(right)) / len(held_out))
    share = next(s for s, accuracy in zip(_SHARES, right, strict=True) if accuracy >= max(right) - spread)
    first = 1 / temperature_of(dense + share * words, held_out.gold)
    return first, first * share


def blended(trained: Trained, blend: tuple[float, float]) -> LinearHead:
    """The head in which both halves have their weights."""
    first, second = (np.float32(weight) for weight in blend)
    words, layer = trained.words, trained.layer
    assert words.ngram_weights is not None
    return replace(
        words, dense_weights=layer[:, :-1] * first, ngram_weights=words.ngram_weights * second if second else None,
        bias=layer[:, -1] * first + words.bias * second,
    )  # fmt: skip


def rehearse(
    rows: Labelled, *, recipe: Recipe, base: BaseModel, progress: Progress
) -> tuple[tuple[float, float], HeldOut, float | None, int] | None:
    """Trains on some messages of some intents, and learns from the rest how far to trust what.

    Returns:
        Weights of the head's halves, evidence of the held-out messages, accuracy on them, and their number; None
        where there are too few intents.
    """
    if len(rows.labels) < _LEAST_REHEARSAL:
        return None
    random = np.random.default_rng(recipe.seed)
    known = np.sort(random.permutation(len(rows.labels))[: round(_REHEARSED_CLASSES * len(rows.labels))])
    place = {int(label): i for i, label in enumerate(known)}
    inside = np.array([i for i, label in enumerate(rows.gold) if int(label) in place], dtype=np.int64)
    unknown = [text for text, label in zip(rows.texts, rows.gold, strict=True) if int(label) not in place]
    part = Labelled(
        tuple(rows.labels[i] for i in known), tuple(rows.texts[i] for i in inside),
        np.array([place[int(rows.gold[i])] for i in inside], dtype=np.int64), rows.outside,
    )  # fmt: skip
    learned, held_out = split_off(part, share=1 - _REHEARSED_ROWS, seed=recipe.seed)
    learned, held_out = with_names(learned), replace(held_out, outside=(*held_out.outside, *unknown))
    model = load_encoder(base, max_length=recipe.max_length)
    tuned = _tune(model, learned, recipe=recipe, progress=progress)
    encoder = _Rehearsed(model, prompt=recipe.prompt)
    trained = _headed(encoder, tuned, learned, recipe=recipe, progress=progress)
    blend = weigh(trained, held_out, DEFAULT_BLEND)
    head = blended(trained, blend)
    evidence = evidence_of(encoder, head, trained.vectors, learned, held_out)
    return blend, evidence, accuracy_of(encoder, head, held_out), len(held_out)


def accuracy_of(encoder: Encoder, head: LinearHead, rows: Labelled) -> float | None:
    """Share 0..1 of messages whose intent comes first; None for no messages."""
    if not len(rows):
        return None
    return float((head.logits(encoder.encode(rows.texts), rows.texts).argmax(axis=1) == rows.gold).mean())


class _Rehearsed(TrainingEncoder):
    """A trained model that shows its tokenizer, as the one that serves does."""

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """A copy, for the model's own pads and truncates."""
        from tokenizers import Tokenizer

        copy = Tokenizer.from_str(self.model.tokenizer.backend_tokenizer.to_str())
        copy.no_padding()
        copy.no_truncation()
        return copy


def evidence_of(encoder: Encoder, head: LinearHead, inside: Vectors, learned: Labelled, held_out: Labelled) -> HeldOut:
    """What the scope weighs, of held-out messages, of what is out of scope, and of noise.

    Where too few messages are out of scope, held-out messages stand for such with their own intent forgotten: as if
    nobody had ever asked for it.

    Args:
        encoder: That serves.
        head: Over it.
        inside: (n, dim) vectors of the messages learned from.
        learned: Those messages.
        held_out: Messages that were not learned from.
    """
    outside = _outside_vectors(encoder, learned)

    def seen(texts: Sequence[str]) -> NDArray[np.float64]:
        vectors = encoder.encode(texts)
        spelled = spelled_share(encoder, texts)
        return scope_evidence(vectors, head.logits(vectors, texts), spelled, inside, learned.gold, outside)

    apart = seen(held_out.outside)
    if len(apart) < _LEAST_WEIGHED:
        apart = np.vstack([apart, _forgotten(encoder, head, inside, learned, held_out, outside)])
    return HeldOut(seen(held_out.texts), apart, seen(gibberish(_NOISE, seed=1)))


def _forgotten(
    encoder: Encoder, head: LinearHead, inside: Vectors, learned: Labelled, held_out: Labelled, outside: Vectors
) -> NDArray[np.float64]:
    vectors = encoder.encode(held_out.texts)
    logits = head.logits(vectors, held_out.texts).copy()
    spelled = spelled_share(encoder, held_out.texts)
    found = [np.zeros((0, len(EVIDENCE)))]
    for label in np.unique(held_out.gold):
        mine, others = held_out.gold == label, learned.gold != label
        masked = logits[mine]
        masked[:, label] = masked.min(axis=1) - 1
        found.append(
            scope_evidence(vectors[mine], masked, spelled[mine], inside[others], learned.gold[others], outside)
        )
    return np.vstack(found)


def fit_scope_of_head(data: TrainingData, encoder: Encoder, head: LinearHead) -> IntentScope:
    """The scope of a head that was fitted on a dataset's training split, weighed on its validation split."""
    learned, held_out = (_under(head, data.intents_of(split)) for split in ("train", "valid"))
    vectors = encoder.encode(learned.texts)
    scope = default_scope(vectors, learned.gold, _outside_vectors(encoder, learned))
    if not len(held_out):
        return scope
    return fit_scope(scope, evidence_of(encoder, head, vectors, learned, held_out))


def _under(head: LinearHead, rows: Sequence[IntentExample]) -> Labelled:
    """Rows under the labels of a head; what is out of scope apart."""
    place = {label: i for i, label in enumerate(head.labels)}
    inside = [row for row in rows if row.intent in place and row.intent != OUT_OF_SCOPE]
    gold = np.array([place[row.intent] for row in inside], dtype=np.int64)
    outside = tuple(row.text for row in rows if row.intent == OUT_OF_SCOPE)
    return Labelled(head.labels, tuple(row.text for row in inside), gold, outside)


def _outside_vectors(encoder: Encoder, rows: Labelled) -> Vectors:
    return encoder.encode(rows.outside) if rows.outside else np.zeros((0, encoder.dim), dtype=np.float32)


def _share(true: NDArray[np.bool_]) -> float | None:
    return round(float(true.mean()), 4) if len(true) else None
