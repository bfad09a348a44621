"""Labelled messages → encoder, intent head and scope, by the amount of data.

Many messages: a tenth is held out, and weighs the two halves of the head and the evidence of the scope. Few messages: a
rehearsal is trained without some messages and without some intents, which then stand for what is unknown; what it
teaches about weights is used by the model proper, which learns from every message.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.artifacts import ModelLayout
from data.errors import InputError
from data.schema import IntentExample
from finetune.calibrate import blend_of
from finetune.encoder import BaseModel, load_encoder
from finetune.examples import OUT_OF_SCOPE, TrainingData, balanced
from finetune.linear import fit_linear
from finetune.progress import Progress, Stages
from finetune.recipe import Recipe
from finetune.scope import HeldOut, default_scope, fit_scope, gibberish
from finetune.tune import Tuned, tune_intents, tuning_of
from retrieval.encoder import Encoder, OnnxEncoder, TrainingEncoder, Vectors
from retrieval.head import HashedNgrams, LinearHead
from retrieval.scope import IntentScope, scope_evidence, spelled_share

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

Numbers = NDArray[np.int64]
Row = tuple[str, str]
"""A message and its intent."""

FEW = 20
"""Messages an intent, on average, below which none are held out."""

HELD_OUT = 0.1
_REHEARSED_CLASSES, _REHEARSED_ROWS = 0.8, 0.75
_LEAST_REHEARSAL = 6
"""Intents below which a rehearsal without some of them would tell nothing."""

_LEAST_WEIGHED = 40
_NOISE = 400
_MOST_ROWS = 30_000
"""Messages that are tuned on, at most; their hidden states take 15 KB each."""

DEFAULT_BLEND = (1.0, 0.1)
"""Weights of class layer and n-grams where nothing could be held out."""


@dataclass(frozen=True)
class Labelled:
    """Messages with their intents, and examples of what is out of scope.

    Attributes:
        labels: Names of the intents, sorted.
        texts: (n,) messages.
        gold: (n,) number of each one's label.
        outside: Messages that are out of scope.
    """

    labels: tuple[str, ...]
    texts: tuple[str, ...]
    gold: Numbers
    outside: tuple[str, ...] = ()

    @classmethod
    def of(cls, rows: Sequence[Row], outside: Sequence[str] = ()) -> Labelled:
        """From rows; a text with two labels keeps the more frequent, the first of equals.

        Raises:
            InputError: Fewer than two intents.
        """
        votes: dict[str, Counter[str]] = defaultdict(Counter)
        for text, label in rows:
            votes[text][label] += 1
        settled = {text: counts.most_common(1)[0][0] for text, counts in votes.items() if text.strip()}
        labels = tuple(sorted(set(settled.values())))
        if len(labels) < 2:
            raise InputError(
                "labelled messages", got=f"{len(labels)} intents in {len(rows)} rows", expected="at least two intents",
                next_step="Label messages of another intent too.",
            )  # fmt: skip
        number = {label: i for i, label in enumerate(labels)}
        gold = np.array([number[label] for label in settled.values()], dtype=np.int64)
        return cls(labels, tuple(settled), gold, tuple(dict.fromkeys(outside)))

    def __len__(self) -> int:
        return len(self.texts)

    def only(self, rows: Numbers) -> Labelled:
        """Some rows under the same labels."""
        return replace(self, texts=tuple(self.texts[i] for i in rows), gold=self.gold[rows])


@dataclass(frozen=True)
class Trained:
    """An encoder with a head over it.

    Attributes:
        encoder: As it will serve, or as it was trained (in a rehearsal).
        head: Over its vectors.
        tuned: The course of tuning.
        vectors: (n, dim) of the training messages.
    """

    encoder: Encoder
    head: LinearHead
    tuned: Tuned
    vectors: Vectors


def is_few(rows: Labelled) -> bool:
    """Whether every message is needed for learning."""
    return len(rows) < FEW * len(rows.labels)


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
        learned = rows
    elif held_out is None:
        learned, held_out = split_off(rows, share=HELD_OUT, seed=recipe.seed)
    else:
        learned = rows
    trained, int8 = _train(layout, learned, recipe=recipe, base=base, stages=stages)
    with stages.part("scope"):
        if held_out is not None:
            vectors = trained.encoder.encode(held_out.texts)
            blend = weigh(trained.head, vectors, held_out, blend)
        head = blended(trained.head, blend)
        trained = replace(trained, head=head)
        if held_out is not None:
            counted = len(held_out)
            logits = head.logits(vectors, held_out.texts)
            accuracy = float((logits.argmax(axis=1) == held_out.gold).mean()) if counted else None
            weighed = evidence_of(trained, learned, held_out)
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
    return tune_intents(
        model, texts, gold, classes=len(rows.labels), tuning=tuning, prompt=recipe.prompt, seed=recipe.seed,
        progress=progress,
    )  # fmt: skip


def _headed(encoder: Encoder, tuned: Tuned, rows: Labelled, *, recipe: Recipe, progress: Progress) -> Trained:
    """The class layer, and n-grams fitted beside it; their weights are still one each."""
    features = HashedNgrams(buckets=min(recipe.buckets, 2**16)).fit(rows.texts)
    nothing = np.zeros((len(rows), 1), dtype=np.float32)
    fit = fit_linear(
        nothing, features.transform(rows.texts), rows.gold, classes=len(rows.labels), passes=recipe.head_epochs,
        steps=recipe.head_steps, seed=recipe.seed, progress=progress,
    )  # fmt: skip
    layer = tuned.class_layer
    ngrams = fit.ngrams.copy()
    head = LinearHead(
        rows.labels, layer[:, :-1], ngrams, layer[:, -1] + fit.bias, features=features,
        kinds=("topic",) * len(rows.labels),
    )  # fmt: skip
    return Trained(encoder, head, tuned, encoder.encode(rows.texts))


def weigh(head: LinearHead, vectors: Vectors, held_out: Labelled, default: tuple[float, float]) -> tuple[float, float]:
    """Weights of the class layer and of the n-grams under which held-out messages are most likely."""
    if len(held_out) < _LEAST_WEIGHED:
        return default
    dense = vectors @ head.dense_weights.T  # (n, classes)
    words = head.logits(vectors, held_out.texts) - dense  # with the bias
    return blend_of(dense, words, held_out.gold)


def blended(head: LinearHead, blend: tuple[float, float]) -> LinearHead:
    """The head with its two halves under their weights; the bias goes with the n-grams."""
    first, second = (np.float32(weight) for weight in blend)
    assert head.ngram_weights is not None
    return replace(
        head, dense_weights=head.dense_weights * first, ngram_weights=head.ngram_weights * second,
        bias=head.bias * second,
    )  # fmt: skip


def split_off(rows: Labelled, *, share: float, seed: int) -> tuple[Labelled, Labelled]:
    """Rows to learn from and rows to hold out: a share of each intent, and of what is out of scope."""
    random = np.random.default_rng(seed)
    held = np.zeros(len(rows), dtype=bool)
    for label in range(len(rows.labels)):
        mine = random.permutation(np.flatnonzero(rows.gold == label))
        held[mine[: min(round(share * len(mine)), len(mine) - 1)]] = True
    outside = [rows.outside[i] for i in random.permutation(len(rows.outside))]
    cut = max(round(share * len(outside)), min(len(outside) // 2, _LEAST_WEIGHED))
    kept, apart = rows.only(np.flatnonzero(~held)), rows.only(np.flatnonzero(held))
    return replace(kept, outside=tuple(outside[cut:])), replace(apart, outside=tuple(outside[:cut]))


def rehearse(
    rows: Labelled, *, recipe: Recipe, base: BaseModel, progress: Progress
) -> tuple[tuple[float, float], HeldOut, float, int] | None:
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
    held_out = replace(held_out, outside=(*held_out.outside, *unknown))
    model = load_encoder(base, max_length=recipe.max_length)
    tuned = _tune(model, learned, recipe=recipe, progress=progress)
    encoder = _Rehearsed(model, prompt=recipe.prompt)
    trained = _headed(encoder, tuned, learned, recipe=recipe, progress=progress)
    vectors = encoder.encode(held_out.texts)
    blend = weigh(trained.head, vectors, held_out, DEFAULT_BLEND)
    trained = replace(trained, head=blended(trained.head, blend))
    right = trained.head.logits(vectors, held_out.texts).argmax(axis=1) == held_out.gold
    return blend, evidence_of(trained, learned, held_out), float(right.mean()) if len(right) else 0.0, len(right)


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


def evidence_of(trained: Trained, learned: Labelled, held_out: Labelled) -> HeldOut:
    """What the scope weighs, of held-out messages, of what is out of scope, and of noise.

    Where too few messages are out of scope, held-out messages stand for such with their own intent forgotten: as if
    nobody had ever asked for it.
    """
    outside = _outside_vectors(trained.encoder, learned)
    bank = (trained.vectors, learned.gold, outside)

    def seen(texts: Sequence[str]) -> NDArray[np.float64]:
        vectors = trained.encoder.encode(texts)
        spelled = spelled_share(trained.encoder, texts)
        return scope_evidence(vectors, trained.head.logits(vectors, texts), spelled, *bank)

    apart = seen(held_out.outside)
    if len(apart) < _LEAST_WEIGHED:
        apart = np.vstack([apart, _forgotten(trained, learned, held_out, outside)])
    return HeldOut(seen(held_out.texts), apart, seen(gibberish(_NOISE, seed=1)))


def _forgotten(trained: Trained, learned: Labelled, held_out: Labelled, outside: Vectors) -> NDArray[np.float64]:
    vectors = trained.encoder.encode(held_out.texts)
    logits = trained.head.logits(vectors, held_out.texts).copy()
    spelled = spelled_share(trained.encoder, held_out.texts)
    found = []
    for label in np.unique(held_out.gold):
        mine, others = held_out.gold == label, learned.gold != label
        masked = logits[mine]
        masked[:, label] = masked.min(axis=1) - 1
        found.append(
            scope_evidence(vectors[mine], masked, spelled[mine], trained.vectors[others], learned.gold[others], outside)
        )
    return np.vstack(found) if found else np.zeros((0, 0))


def fit_scope_of_head(data: TrainingData, encoder: Encoder, head: LinearHead) -> IntentScope:
    """The scope of a head that was fitted on a dataset's training split, weighed on its validation split."""
    learned, held_out = (_under(head, data.intents_of(split)) for split in ("train", "valid"))
    vectors = encoder.encode(learned.texts)
    scope = default_scope(vectors, learned.gold, _outside_vectors(encoder, learned))
    if not len(held_out):
        return scope
    nothing = Tuned(np.zeros((0, 0), dtype=np.float32))
    return fit_scope(scope, evidence_of(Trained(encoder, head, nothing, vectors), learned, held_out))


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
