"""Measures a model that was trained before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.artifacts import DatasetLayout, ModelLayout, load_manifest
from finetune.evaluate import choose_protocol, held_out_ranking, training_matcher
from finetune.examples import TrainingData
from finetune.progress import Stages
from retrieval.bridge import Bridge
from retrieval.encoder import OnnxEncoder
from retrieval.head import LinearHead
from retrieval.rank import Ranker

if TYPE_CHECKING:
    from rich.console import Console


def evaluate_stored(
    model: ModelLayout, dataset: DatasetLayout, *, most: int = 0, console: Console | None = None
) -> dict[str, Any]:
    """Ranks the held-out newest tenth of a dataset; what is returned is that of ``held_out_ranking``.

    Args:
        model: Verified at load.
        dataset: The one that it was trained on, or another with the same answers.
        most: Questions at most; 0 takes all.
        console: Where progress is shown.

    Raises:
        InputError: One of the two is missing or damaged.
    """
    manifest = load_manifest(model.folder, kind="model")
    load_manifest(dataset.folder, kind="dataset")
    data, stages, encoder = TrainingData.load(dataset), Stages(console), OnnxEncoder.load(model)
    with stages.part("index"):
        matcher = training_matcher(
            data,
            encoder,
            choose_protocol(data),
            intent_head=_head(model.intent_head),
            answer_head=_head(model.answer_head),
        )
        matcher.bridge = Bridge.load(model.bridge) if model.bridge.is_file() else None
    seed = int(manifest.recipe.get("seed", 0)) + 1
    return held_out_ranking(data, matcher, Ranker.load(model.ranker), most=most, seed=seed, stages=stages)


def _head(path: Path) -> LinearHead | None:
    return LinearHead.load(path) if path.is_file() else None
