"""Learning on from a model that serves: new rows, a replay of old ones, and the old model's vectors as soft targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from data.artifacts import DatasetLayout, ModelLayout, hash_file, load_manifest
from data.errors import InputError
from data.schema import Example, IntentExample
from finetune.encoder import WEIGHTS, BaseModel
from finetune.examples import Kept, TrainingData, balanced
from retrieval.encoder import Encoder, EncoderConfig, OnnxEncoder
from retrieval.head import LinearHead

if TYPE_CHECKING:
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from torch import nn

REPLAYED = 1.0
"""Old rows for each new one, drawn evenly from all answers and intents."""

LEAST_REPLAYED = 200
MOST_KEPT = 4000
"""Old texts, at most, whose vectors stay near what they were."""

KEEP_WEIGHT = 5.0


@dataclass(frozen=True)
class Start:
    """The model to go on from, and what it knows.

    Attributes:
        model: Verified.
        dataset: That it was trained on, or None where it was deleted: then nothing can be replayed.
    """

    model: ModelLayout
    dataset: DatasetLayout | None

    @classmethod
    def of(cls, model: ModelLayout, datasets: Any) -> Start:
        """Opens a model for learning on.

        Args:
            model: Of a workspace.
            datasets: Folder of all datasets.

        Raises:
            InputError: The model is missing, was changed by hand, or has no training weights.
        """
        made = load_manifest(model.folder, kind="model")
        if not (model.checkpoint / WEIGHTS).is_file():
            raise InputError(
                str(model.checkpoint), got=f"no {WEIGHTS}", expected="a model with its training weights",
                next_step="Train without --continue.",
            )  # fmt: skip
        dataset = DatasetLayout(datasets / made.parents["dataset"])
        if not dataset.folder.is_dir():
            return cls(model, None)
        load_manifest(dataset.folder, kind="dataset")
        return cls(model, dataset)

    @property
    def key(self) -> str:
        """Of the model."""
        return self.model.folder.name

    @property
    def config(self) -> EncoderConfig:
        """Of its encoder: names the base model that the chain began with."""
        return EncoderConfig.load(self.model.encoder_config)

    def weights(self) -> BaseModel:
        """Its checkpoint, as something to train from; name and prompt stay those of the first base model."""
        return BaseModel(self.config.base_model, self.model.checkpoint, hash_file(self.model.checkpoint / WEIGHTS))


def rehearsal(new: TrainingData, old: TrainingData | None, teacher: Encoder, *, seed: int) -> TrainingData:
    """What the encoder learns on from: new training rows, replayed old ones, and the old model's vectors.

    Args:
        new: The whole dataset that is learned now; what the old one held too counts as old.
        old: What the model was trained on; None replays nothing and keeps the vectors of the new texts instead.
        teacher: The model that is learned on from.
        seed: Of the drawing.

    Raises:
        InputError: Nothing in the dataset is new to the model.
    """
    seen = {(row.context, row.answer) for row in old.of("train")} if old else set()
    known = {(row.text, row.intent) for row in old.intents_of("train")} if old else set()
    fresh = [row for row in new.of("train") if (row.context, row.answer) not in seen]
    labelled = [row for row in new.intents_of("train") if (row.text, row.intent) not in known]
    if old is not None and not fresh and not labelled:
        raise InputError(
            "the dataset", got="no training row that the model has not seen", expected="something new to learn",
            next_step="Train without --continue, or on a newer log.",
        )  # fmt: skip
    again: list[Example] = _drawn(old.of("train"), [r.answer for r in old.of("train")], len(fresh), seed) if old else []
    said: list[IntentExample] = []
    if old:
        rows = old.intents_of("train")
        said = _drawn(rows, [row.intent for row in rows], len(labelled), seed)
    texts = list(dict.fromkeys([*(r.context for r in again), *(r.text for r in said)]))
    if old is None:
        texts = list(dict.fromkeys([*(r.context for r in fresh), *(r.text for r in labelled)]))
    texts = [texts[i] for i in np.random.default_rng(seed).permutation(len(texts))[:MOST_KEPT]]
    held = [row for row in new.examples if row.split != "train"]
    others = [row for row in new.intents if row.split != "train"]
    return TrainingData(
        (*fresh, *again, *held), (*labelled, *said, *others), {**(old.answers if old else {}), **new.answers},
        kept=Kept(tuple(texts), teacher.encode(texts)),
    )  # fmt: skip


def _drawn(rows: Sequence[Any], groups: list[str], fresh: int, seed: int) -> list[Any]:
    most = max(LEAST_REPLAYED, round(REPLAYED * fresh))
    each = max(2, -(-most // max(1, len(set(groups)))))
    return [rows[i] for i in balanced(groups, most=most, most_per_group=each, seed=seed)]


def kept_task(model: SentenceTransformer, kept: Kept, prompt: str) -> tuple[Dataset, nn.Module]:
    """The training set and the loss that hold old texts where they were."""
    from datasets import Dataset

    from finetune.losses import KeepLoss

    columns = {"text": [prompt + text for text in kept.texts], "label": kept.vectors.tolist()}
    return Dataset.from_dict(columns), KeepLoss(model, weight=KEEP_WEIGHT)


def before_and_after(start: Start, data: TrainingData, head: LinearHead, encoder: Encoder) -> dict[str, Any]:
    """Accuracy on held-out messages of the topics that the old model knew and of those that are new to it.

    Args:
        start: The old model.
        data: The dataset that was learned; its test split is asked, else its validation split.
        head: The new intent head.
        encoder: The new encoder.

    Returns:
        ``old`` and ``new``, each with ``before``, ``after`` (0..1) and ``n``; without rows there is no such key.
    """
    if not start.model.intent_head.is_file():
        return {}
    was = LinearHead.load(start.model.intent_head)
    rows = data.intents_of("test") or data.intents_of("valid")
    old_encoder = OnnxEncoder.load(start.model)
    figures = {}
    for name, part in (("old", [r for r in rows if r.intent in was.labels]),
                       ("new", [r for r in rows if r.intent not in was.labels])):  # fmt: skip
        if part:
            shares = {"before": _share(was, old_encoder, part), "after": _share(head, encoder, part)}
            figures[name] = {**shares, "n": len(part)}
    return figures


def _share(head: LinearHead, encoder: Encoder, rows: Sequence[IntentExample]) -> float:
    texts = [row.text for row in rows]
    best = head.logits(encoder.encode(texts), texts).argmax(axis=1)
    return round(float(np.mean([head.labels[i] == row.intent for i, row in zip(best, rows, strict=True)])), 4)


def prompted(recipe: Any, start: Start) -> Any:
    """The recipe with the prompt that the model was trained with."""
    return replace(recipe, prompt=start.config.prompt)
