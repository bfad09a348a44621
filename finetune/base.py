"""The base encoder as served: exported once, so that work before the first model can embed texts quickly."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from data.artifacts import ModelLayout
from finetune.encoder import BaseModel, find_base, load_encoder
from finetune.recipe import Recipe
from retrieval.encoder import OnnxEncoder


def open_base(cache: Path, *, recipe: Recipe, threads: int = 0) -> OnnxEncoder:
    """Opens the int8 ONNX form of a recipe's base model; about 12 s and once, then 0.1 s.

    Args:
        cache: Folder that keeps exports, such as ``var/encoders``; one for each base model's weights.
        recipe: Names the base model, its prompt and how many tokens count.
        threads: Of ONNX Runtime; 0 lets it take all cores.

    Raises:
        InputError: No such base model, or weights with another hash than expected.
    """
    base = find_base(recipe.base_model, expected=recipe.base_sha256)
    layout = ModelLayout(cache / f"{base.sha256[:12]}-{recipe.max_length}")
    if not layout.encoder_config.is_file():
        _export(layout, base, recipe)
    return OnnxEncoder.load(layout, threads=threads)


def _export(layout: ModelLayout, base: BaseModel, recipe: Recipe) -> None:
    """Writes beside the place and renames, so that a killed export leaves nothing that looks whole."""
    from finetune.export import export_encoder

    draft = ModelLayout(layout.folder.with_name(f".{layout.folder.name}.{os.getpid()}.tmp"))
    shutil.rmtree(draft.folder, ignore_errors=True)
    draft.folder.mkdir(parents=True)
    try:
        model = load_encoder(base, max_length=recipe.max_length, device="cpu")
        export_encoder(model, draft, base=base, recipe=recipe, probes=[])
        shutil.rmtree(draft.checkpoint, ignore_errors=True)  # the base model itself is elsewhere
        shutil.rmtree(layout.folder, ignore_errors=True)
        os.replace(draft.folder, layout.folder)
    finally:
        shutil.rmtree(draft.folder, ignore_errors=True)
