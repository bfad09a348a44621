"""The model stage: dataset → encoder, heads, ranker and thresholds, as an artefact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data.artifacts import DatasetLayout, Manifest, ModelLayout, create, hash_json, is_complete, load_manifest
from data.records import read_rows
from data.schema import Topic
from finetune.encoder import BaseModel, extend_vocabulary, find_base, load_encoder
from finetune.examples import TrainingData, evenly
from finetune.progress import Progress, Stages
from finetune.recipe import Recipe
from retrieval.encoder import OnnxEncoder, Vectors

if TYPE_CHECKING:
    from rich.console import Console

    from finetune.evaluate import Protocol
    from finetune.trainer import Outcome
    from retrieval.head import LinearHead
    from retrieval.match import Matcher
    from retrieval.rank import Ranker

CODE_VERSION = 7
"""Raise when the same recipe makes another model, so that existing ones are trained again."""

_PROBES = 128
_CHUNK = 256


def train_model(dataset: DatasetLayout, parent: Path, *, recipe: Recipe, console: Console | None = None) -> ModelLayout:
    """Trains a model; skipped when the same dataset and recipe have made it already.

    Args:
        dataset: Finished.
        parent: Folder of all models.
        recipe: How.
        console: Where progress is shown; None for silence.

    Returns:
        The finished model. Its manifest's metrics hold ``ranking`` (protocol, n, systems), ``intent_accuracy``,
        ``int8`` (agreement with fp32), ``encoder`` (the course of training) and ``seconds`` of each part.

    Raises:
        InputError: The dataset is missing, damaged or too small, or the base model is not what it should be.
    """
    key = load_manifest(dataset.folder, kind="dataset").key
    base = find_base(recipe.base_model, expected=recipe.base_sha256)
    settings = {**recipe.to_json(), "base_sha256": base.sha256, "code": CODE_VERSION}
    manifest = Manifest("model", hash_json(["model", key, settings]), parents={"dataset": key}, recipe=settings)
    layout = ModelLayout(parent / manifest.key)
    if is_complete(layout.folder, kind="model"):
        return layout
    data = TrainingData.load(dataset)
    with create(parent, manifest) as draft:
        run = _Run(data, ModelLayout(draft.folder), recipe, Stages(console))
        if data.has_answers:
            draft.metrics.update(run.all(base))
        else:
            draft.metrics.update(run.intents_alone(base, titles_of(dataset)))
    return layout


def titles_of(dataset: DatasetLayout) -> dict[str, str]:
    """Topic to what people call it."""
    return {topic.id: topic.title for topic in read_rows(dataset.topics, Topic)}


@dataclass
class _Run:
    """One run, its parts in order."""

    data: TrainingData
    layout: ModelLayout
    recipe: Recipe
    stages: Stages

    def all(self, base: BaseModel) -> dict[str, Any]:
        outcome, metrics = self._encoder(base)
        encoder = OnnxEncoder.load(self.layout)
        heads, accuracy = self._heads(encoder, outcome)
        metrics |= accuracy | self._rank(encoder, *heads)
        return {**metrics, "seconds": dict(self.stages.seconds)}

    def intents_alone(self, base: BaseModel, titles: dict[str, str]) -> dict[str, Any]:
        """A model of labelled messages without answers: encoder, intent head and scope."""
        from finetune.intents import fit_intents
        from finetune.labelled import Labelled

        rows = Labelled.of(self.data.labelled, self.data.outside)
        metrics = fit_intents(self.layout, rows, recipe=self.recipe, base=base, stages=self.stages)
        named = {label: titles[label] for label in rows.labels if label in titles}
        return {**metrics, "titles": named, "seconds": dict(self.stages.seconds)}

    def _encoder(self, base: BaseModel) -> tuple[Outcome, dict[str, Any]]:
        from finetune.export import export_encoder
        from finetune.trainer import train_encoder

        recipe = self.recipe
        with self.stages.part("load"):
            model = load_encoder(base, max_length=recipe.max_length)
            new = extend_vocabulary(model, self.data.texts(), least=recipe.unknown_characters, seed=recipe.seed)
        with self.stages.part("encoder") as progress:
            outcome = train_encoder(model, self.data, recipe, new_tokens=new, progress=progress)
        with self.stages.part("export"):
            held_out = self.data.of("valid") or self.data.of("train")
            probes = [held_out[i].context for i in evenly(len(held_out), _PROBES)]
            int8 = export_encoder(model, self.layout, base=base, recipe=recipe, probes=probes)
        course = {"steps": outcome.steps, "kept": outcome.kept, "valid_mrr": outcome.judgements, "bf16": outcome.bf16}
        return outcome, {"encoder": {**course, "new_tokens": new}, "int8": int8}

    def _heads(
        self, encoder: OnnxEncoder, outcome: Outcome
    ) -> tuple[tuple[LinearHead | None, LinearHead | None], dict[str, Any]]:
        from finetune.head import fit_answer_head, fit_intent_head, intent_accuracy
        from finetune.intents import fit_scope_of_head

        metrics: dict[str, Any] = {}
        with self.stages.part("intent head") as progress:
            intents = fit_intent_head(self.data, encoder, self.recipe, progress=progress)
            if intents is not None:
                intents.save(self.layout.intent_head)
                fit_scope_of_head(self.data, encoder, intents).save(self.layout.scope)
                held_out = self.data.intents_of("test") or self.data.intents_of("valid")
                metrics["intents"] = len(intents.labels)
                metrics["intent_accuracy"] = intent_accuracy(intents, encoder, held_out)
        with self.stages.part("answer head") as progress:
            answers = fit_answer_head(self.data, encoder, self.recipe, layer=outcome.answer_layer, progress=progress)
            if answers is not None:
                answers.save(self.layout.answer_head)
                metrics["answer_classes"] = len(answers.labels)
        return (intents, answers), metrics

    def _rank(self, encoder: OnnxEncoder, intents: LinearHead | None, answers: LinearHead | None) -> dict[str, Any]:
        from finetune.evaluate import choose_protocol, held_out_ranking, training_matcher
        from finetune.serving import calibrate

        data, recipe, protocol = self.data, self.recipe, choose_protocol(self.data)
        with self.stages.part("index") as progress:
            shown = _Shown(encoder, progress)
            matcher = training_matcher(data, encoder, protocol, intent_head=intents, answer_head=answers, vectors=shown)
        with self.stages.part("ranker") as progress:
            ranker = self._fit_ranker(matcher, protocol, progress)
        with self.stages.part("calibrate"):
            ranker, notes = calibrate(matcher, ranker, data, self.layout)
            ranker.save(self.layout.ranker)
        ranking = held_out_ranking(
            data, matcher, ranker, most=recipe.max_held_out, seed=recipe.seed + 1, stages=self.stages
        )
        return {"calibration": notes, **({"ranking": ranking} if ranking else {})}

    def _fit_ranker(self, matcher: Matcher, protocol: Protocol, progress: Progress) -> Ranker:
        from finetune.evaluate import contest, ranked_by
        from finetune.ranker import fit_ranker

        most = self.recipe.max_held_out or 2000
        given = contest(self.data, "valid", protocol, most=most, seed=self.recipe.seed)
        return fit_ranker([ranked for _, ranked in ranked_by(matcher, given, progress=progress)])


class _Shown:
    """An encoder that moves a progress bar and takes texts of like length together."""

    def __init__(self, encoder: OnnxEncoder, progress: Progress) -> None:
        self.encoder, self.progress = encoder, progress

    @property
    def dim(self) -> int:
        return self.encoder.dim

    def encode(self, texts: Sequence[str], *, batch_size: int = 64) -> Vectors:
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), _CHUNK):
            rows = order[start : start + _CHUNK]
            out[rows] = self.encoder.encode([texts[i] for i in rows], batch_size=batch_size)
            self.progress((start + len(rows)) / len(texts), f"{start + len(rows):,} of {len(texts):,} texts")
        return out
