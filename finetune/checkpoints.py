"""Checkpoints of a run, so that one that was killed goes on where it was: weights, optimiser, randomness, judgements.

They lie in the draft of the model that is being made (``var/models/.KEY.PID.tmp/training``), which the next run with
the same key takes over, and are gone when the model is done. Tensors are safetensors, the rest is JSON; a checkpoint is
written beside its place and renamed, so that there is a whole one or none.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = "training"
_TENSORS, _NOTES = "tensors.safetensors", "notes.json"


class Checkpoints:
    """Where the checkpoints of one run are, and when the next is due.

    Args:
        folder: Of this run; None keeps none.
        every: Seconds between two; 0 keeps none but the last.
    """

    def __init__(self, folder: Path | None, *, every: float) -> None:
        self.folder, self.every = folder, every
        self._last = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether it is time for another."""
        return self.folder is not None and self.every > 0 and time.monotonic() - self._last >= self.every

    def save(
        self, step: int, tensors: Mapping[str, Any], notes: Mapping[str, Any], *, more: Mapping[str, str] | None = None
    ) -> None:
        """Writes a checkpoint and removes older ones.

        Args:
            step: Names it.
            tensors: By name.
            notes: JSON values.
            more: Other files by name.
        """
        if self.folder is None:
            return
        final, draft = self.folder / f"step-{step:08d}", self.folder / f".step-{step:08d}.tmp"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        save_tensors(draft / _TENSORS, tensors)
        (draft / _NOTES).write_text(json.dumps(notes), encoding="utf-8")
        for name, text in (more or {}).items():
            (draft / name).write_text(text, encoding="utf-8")
        for path in draft.iterdir():
            _sync(path)
        shutil.rmtree(final, ignore_errors=True)
        os.replace(draft, final)
        for old in self._all():
            if old != final:
                shutil.rmtree(old, ignore_errors=True)
        self._last = time.monotonic()

    def latest(self) -> Path | None:
        """The newest whole checkpoint, or None."""
        found = self._all()
        return found[-1] if found else None

    def _all(self) -> list[Path]:
        return sorted(self.folder.glob("step-*")) if self.folder is not None else []


def read(checkpoint: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tensors and notes of a checkpoint, on the CPU."""
    from safetensors.torch import load_file

    return load_file(str(checkpoint / _TENSORS)), json.loads((checkpoint / _NOTES).read_text(encoding="utf-8"))


def save_tensors(path: Path, tensors: Mapping[str, Any]) -> None:
    """Writes safetensors.

    Raises:
        OSError: The disk is full, or another reason that the system gives.
    """
    from safetensors import SafetensorError  # type: ignore[attr-defined]
    from safetensors.torch import save_file

    try:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, str(path))
    except SafetensorError as error:
        raise as_os_error(error, path) from error


def as_os_error(error: Exception, path: Path) -> Exception:
    """What safetensors says about the disk as the error that Python has for it; any other error as it is."""
    import errno
    import re

    number = re.search(r"os error (\d+)", str(error))
    if number is None and "No space left" not in str(error):
        return error
    code = int(number.group(1)) if number else errno.ENOSPC
    return OSError(code, os.strerror(code), str(path))


def optimiser_tensors(optimiser: Any) -> dict[str, Any]:
    """The state of an optimiser by name: ``optimiser.NUMBER.KEY``."""
    state = optimiser.state_dict()["state"]
    return {f"optimiser.{number}.{key}": value for number, row in state.items() for key, value in row.items()}


def restore_optimiser(optimiser: Any, tensors: Mapping[str, Any]) -> None:
    """Puts back what ``optimiser_tensors`` gave; its groups of parameters stay as they are."""
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimiser."):
            _, number, key = name.split(".", 2)
            state.setdefault(int(number), {})[key] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})


def randomness() -> tuple[dict[str, Any], dict[str, Any]]:
    """The states of all random generators: tensors, and JSON values."""
    import torch

    kind, keys, position, has_gauss, gauss = np.random.get_state()
    version, words, cached = random.getstate()
    tensors = {"random.torch": torch.get_rng_state(), "random.numpy": torch.from_numpy(np.array(keys, dtype=np.int64))}
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    notes = {"numpy": [kind, position, has_gauss, gauss], "python": [version, list(words), cached]}
    return tensors, notes


def restore_randomness(tensors: Mapping[str, Any], notes: Mapping[str, Any]) -> None:
    """Puts back what ``randomness`` gave."""
    import torch

    torch.set_rng_state(tensors["random.torch"])
    if "random.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random.cuda"])
    kind, position, has_gauss, gauss = notes["numpy"]
    np.random.set_state((kind, tensors["random.numpy"].numpy().astype(np.uint32), position, has_gauss, gauss))
    version, words, cached = notes["python"]
    random.setstate((version, tuple(words), cached))


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
