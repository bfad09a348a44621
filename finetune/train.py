"""The model stage: dataset → encoder, heads, ranker and thresholds, as an artefact."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.artifacts import DatasetLayout, Manifest, ModelLayout, create, hash_json, is_complete, load_manifest
from data.records import read_rows
from data.schema import Conversation, Topic
from finetune import checkpoints, processes
from finetune.card import card_of
from finetune.continual import Start, before_and_after, prompted, rehearsal
from finetune.encoder import BaseModel, extend_vocabulary, find_base, load_encoder
from finetune.examples import MOST, Kept, TrainingData, evenly
from finetune.progress import Progress, Stages
from finetune.recipe import Recipe
from finetune.shrink import shrink
from finetune.unigram import prune_vocabulary
from retrieval.encoder import OnnxEncoder, Vectors

if TYPE_CHECKING:
    from rich.console import Console
    from sentence_transformers import SentenceTransformer

    from finetune.evaluate import Protocol
    from finetune.trainer import Outcome
    from retrieval.head import LinearHead
    from retrieval.match import Matcher
    from retrieval.rank import Ranker

CODE_VERSION = 8
"""Raise when the same recipe makes another model, so that existing ones are trained again."""

_PROBES = 128
_CHUNK = 256


def train_model(
    dataset: DatasetLayout, parent: Path, *, recipe: Recipe, console: Console | None = None, start: Start | None = None
) -> ModelLayout:
    """Trains a model; skipped when the same dataset and recipe have made it already.

    A run that was killed goes on from its last checkpoint. Several processes train one model, which the first one
    writes. The course of the training goes to ``reports/tensorboard/KEY`` beside the folder of all models.

    Args:
        dataset: Finished.
        parent: Folder of all models.
        recipe: How.
        console: Where progress is shown; None for silence.
        start: A model to learn on from instead of the base model; see ``finetune.continual``.

    Returns:
        The finished model. Its manifest's metrics hold ``ranking`` (protocol, n, systems), ``intent_accuracy``,
        ``int8`` (agreement with fp32), ``encoder`` (the course of training) and ``seconds`` of each part.

    Raises:
        InputError: The dataset is missing, damaged or too small, or the base model is not what it should be.
    """
    processes.gather_round()
    key = load_manifest(dataset.folder, kind="dataset").key
    base = find_base(recipe.base_model, expected=recipe.base_sha256) if start is None else start.weights()
    recipe = recipe.prompted(base.prompt) if start is None else prompted(recipe, start)
    settings = {**recipe.to_json(), "base_sha256": base.sha256, "code": CODE_VERSION}
    parents = {"dataset": key, **({"model": start.key} if start else {})}
    manifest = Manifest("model", hash_json(["model", parents, settings]), parents=parents, recipe=settings)
    layout = ModelLayout(parent / manifest.key)
    if is_complete(layout.folder, kind="model"):
        return layout
    data = TrainingData.load(dataset, most=max(MOST, recipe.max_pairs), seed=recipe.seed)
    board = parent.parent / "reports" / "tensorboard" / manifest.key
    if not processes.is_first():
        _Run(data, dataset, ModelLayout(processes.shared(Path())), recipe, Stages(None), start=start).assist(base)
        return layout
    with create(parent, manifest, resume=True) as draft:
        _keep_training(draft.folder)
        run = _Run(data, dataset, ModelLayout(processes.shared(draft.folder)), recipe, Stages(console), board, start)
        if data.is_bare:
            draft.metrics.update(run.base_alone(base))
        elif data.has_answers:
            draft.metrics.update(run.all(base))
        else:
            draft.metrics.update(run.intents_alone(base, titles_of(dataset)))
        card = card_of(data, recipe, base, draft.metrics, parents=parents)
        run.layout.card.write_text(card, encoding="utf-8")
        shutil.rmtree(draft.folder / checkpoints.FOLDER, ignore_errors=True)
    processes.wait_for_all()
    return layout


def _keep_training(draft: Path) -> None:
    """Of what a killed run left, only its checkpoints are of use."""
    for path in draft.iterdir():
        if path.name != checkpoints.FOLDER:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def titles_of(dataset: DatasetLayout) -> dict[str, str]:
    """Topic to what people call it."""
    return {topic.id: topic.title for topic in read_rows(dataset.topics, Topic)}


@dataclass
class _Run:
    """One run, its parts in order."""

    data: TrainingData
    dataset: DatasetLayout
    layout: ModelLayout
    recipe: Recipe
    stages: Stages
    board: Path | None = None
    start: Start | None = None

    def assist(self, base: BaseModel) -> None:
        """What the other processes do: train along, and wait until the first one is done.

        A model of intents alone is tuned by the first process, for it takes minutes.
        """
        if self.data.has_answers:
            self._train(base)
        processes.wait_for_all()

    def all(self, base: BaseModel) -> dict[str, Any]:
        outcome, metrics = self._encoder(base)
        encoder = OnnxEncoder.load(self.layout)
        heads, accuracy = self._heads(encoder, outcome)
        metrics |= accuracy | self._rank(encoder, *heads) | self._mood(encoder)
        return {**metrics, "examples": self.data.used(), "seconds": dict(self.stages.seconds)}

    def base_alone(self, base: BaseModel) -> dict[str, Any]:
        """A model of a shop without logs: base and intent head; search takes its own ranker and thresholds."""
        outcome, metrics = self._encoder(base)
        _, accuracy = self._heads(OnnxEncoder.load(self.layout), outcome)
        return {**metrics, **accuracy, "seconds": dict(self.stages.seconds)}

    def intents_alone(self, base: BaseModel, titles: dict[str, str]) -> dict[str, Any]:
        """A model of labelled messages without answers: encoder, intent head and scope."""
        from finetune.intents import fit_intents
        from finetune.messages import Labelled

        rows = Labelled.of(self.data.labelled, self.data.outside)
        metrics = fit_intents(self.layout, rows, recipe=self.recipe, base=base, stages=self.stages)
        named = {label: titles[label] for label in rows.labels if label in titles}
        return {**metrics, "titles": named, "seconds": dict(self.stages.seconds)}

    def _train(self, base: BaseModel) -> tuple[SentenceTransformer, Outcome, dict[str, Any]]:
        from finetune.trainer import train_encoder

        recipe = self.recipe
        with self.stages.part("load"):
            model = load_encoder(base, max_length=recipe.max_length)
            pieces = prune_vocabulary(model, (recipe.prompt, *self.data.texts()), most=recipe.vocabulary)
            taught, dropped = shrink(model, list(self.data.texts()), recipe)
            new = extend_vocabulary(model, self.data.texts(), least=recipe.unknown_characters, seed=recipe.seed)
        with self.stages.part("encoder") as progress:
            keep = self.layout.folder / checkpoints.FOLDER
            outcome = train_encoder(
                model, self._lessons(taught), recipe, new_tokens=new, progress=progress, keep=keep, board=self.board
            )
        return model, outcome, {"new_tokens": new, "dropped_pieces": pieces, "dropped": dropped}

    def _encoder(self, base: BaseModel) -> tuple[Outcome, dict[str, Any]]:
        from finetune.export import export_encoder, intent_judge

        recipe = self.recipe
        model, outcome, vocabulary = self._train(base)
        with self.stages.part("export"):
            held_out = self.data.of("valid") or self.data.of("train")
            texts = [example.context for example in held_out] or [row.text for row in self.data.intents]
            probes = [texts[i] for i in evenly(len(texts), _PROBES)]
            judge = intent_judge(self.data, seed=recipe.seed)
            int8 = export_encoder(model, self.layout, base=base, recipe=recipe, probes=probes, judge=judge)
        course = {
            "steps": outcome.steps, "kept": outcome.kept, "valid_mrr": outcome.judgements, "bf16": outcome.bf16,
            "trained_share": outcome.trained_share, "resumed": outcome.resumed, "pieces": outcome.pieces,
            "averaged": outcome.averaged,
        }  # fmt: skip
        return outcome, {"encoder": course | vocabulary, "int8": int8}

    def _layer(self, outcome: Outcome) -> NDArray[np.float32] | None:
        """The encoder's class layer; when learning on its classes are those of the lessons, so it is left out."""
        return outcome.answer_layer if self.start is None else None

    def _lessons(self, taught: Kept | None) -> TrainingData:
        """What the encoder is trained on: the dataset, or what is new in it with a rehearsal of the old."""
        if self.start is None:
            return replace(self.data, kept=taught)
        old = None if self.start.dataset is None else TrainingData.load(self.start.dataset)
        return rehearsal(self.data, old, OnnxEncoder.load(self.start.model), seed=self.recipe.seed)

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
                metrics["intent_accuracy_by_language"] = {
                    language: {"accuracy": intent_accuracy(intents, encoder, rows), "n": len(rows)}
                    for language in sorted({row.language for row in held_out})
                    for rows in [tuple(row for row in held_out if row.language == language)]
                }
        with self.stages.part("answer head") as progress:
            answers = fit_answer_head(self.data, encoder, self.recipe, layer=self._layer(outcome), progress=progress)
            if answers is not None:
                answers.save(self.layout.answer_head)
                metrics["answer_classes"] = len(answers.labels)
        if self.start is not None and intents is not None:
            topics = before_and_after(self.start, self.data, intents, encoder)
            metrics["continued"] = {"model": self.start.key, "topics": topics}
        return (intents, answers), metrics

    def _rank(self, encoder: OnnxEncoder, intents: LinearHead | None, answers: LinearHead | None) -> dict[str, Any]:
        from finetune.bridge import fit_bridge
        from finetune.evaluate import choose_protocol, held_out_ranking, training_matcher
        from finetune.serving import calibrate

        data, recipe, protocol = self.data, self.recipe, choose_protocol(self.data)
        with self.stages.part("index") as progress:
            shown = _Shown(encoder, progress)
            matcher = training_matcher(data, encoder, protocol, intent_head=intents, answer_head=answers, vectors=shown)
        with self.stages.part("bridge") as progress:
            matcher.bridge = fit_bridge(matcher.index, encoder, recipe, progress=progress)
            if matcher.bridge is not None:
                matcher.bridge.save(self.layout.bridge)
        with self.stages.part("ranker") as progress:
            ranker = self._fit_ranker(matcher, protocol, progress)
        with self.stages.part("calibrate"):
            ranker, notes = calibrate(matcher, ranker, data, self.layout)
            ranker.save(self.layout.ranker)
        ranking = held_out_ranking(
            data, matcher, ranker, most=recipe.max_held_out, seed=recipe.seed + 1, stages=self.stages
        )
        return {"calibration": notes, **({"ranking": ranking} if ranking else {})}

    def _mood(self, encoder: OnnxEncoder) -> dict[str, Any]:
        from finetune.mood import fit_mood_head, mood_rows

        with self.stages.part("mood head"):
            trained = {example.conversation for example in self.data.of("train")}
            every = read_rows(self.dataset.conversations, Conversation)
            rows = mood_rows((c for c in every if c.id in trained), seed=self.recipe.seed)
            head = fit_mood_head(rows, encoder)
            if head is not None:
                head.save(self.layout.mood_head)
        return {"mood": {"rows": len(rows), "rated": sum(row.rated for row in rows), "fitted": head is not None}}

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
