"""A disk that is full while a model is written: one error that the command line knows, and nothing half-written."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from careline import run_guarded
from data.artifacts import Manifest, ModelLayout, create
from finetune.checkpoints import save_tensors
from finetune.encoder import find_base, load_encoder
from finetune.export import export_encoder
from finetune.recipe import load_recipe

FULL = Path("/dev/full")

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


def test_tensors_on_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "tensors").symlink_to(FULL)
    with pytest.raises(OSError, match="No space left") as caught:
        save_tensors(tmp_path / "tensors", {"a": torch.zeros(100_000)})
    assert caught.value.errno == errno.ENOSPC


def test_an_export_on_a_full_disk_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = replace(load_recipe("tiny"), max_length=8)
    base = find_base(recipe.base_model)
    model = load_encoder(base, max_length=8, device="cpu")

    def export() -> None:
        with create(tmp_path, Manifest("model", "mine")) as draft:
            (draft.folder / "fp32.onnx").symlink_to(FULL)
            export_encoder(model, ModelLayout(draft.folder), base=base, recipe=recipe, probes=["hello"])

    assert run_guarded(export) == 2
    assert "full disk" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
