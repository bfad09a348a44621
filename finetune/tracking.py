"""The course of a training run as events: TensorBoard always, Weights & Biases when it is configured."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetune.settings import wandb_configured


class Tracker:
    """Takes named figures by step.

    Args:
        folder: Of TensorBoard's event files, such as ``var/reports/tensorboard/KEY``; None writes none.
        name: Of the run.
        settings: Of the run, such as a recipe.
    """

    def __init__(self, folder: Path | None, *, name: str = "", settings: Mapping[str, Any] | None = None) -> None:
        self._board: Any = _board(folder) if folder is not None else None
        self._run: Any = None
        if folder is not None and wandb_configured():
            self._run = importlib.import_module("wandb").init(name=name, config=dict(settings or {}), dir=str(folder))

    def __call__(self, step: int, **figures: float) -> None:
        """Adds figures of a step."""
        for name, value in figures.items():
            if self._board is not None:
                self._board.add_scalar(name, value, step)
        if self._run is not None:
            self._run.log(figures, step=step)

    def close(self) -> None:
        """Writes what is left."""
        if self._board is not None:
            self._board.close()
        if self._run is not None:
            self._run.finish()


def _board(folder: Path) -> Any:
    """A writer that does without TensorFlow, whose import would take five seconds and half a gigabyte."""
    sys.modules.setdefault("tensorboard.compat.notf", types.ModuleType("tensorboard.compat.notf"))  # its own switch
    from torch.utils.tensorboard import SummaryWriter

    folder.mkdir(parents=True, exist_ok=True)
    return SummaryWriter(str(folder), flush_secs=20)
