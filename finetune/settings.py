"""What the environment says about a training run; the one place of this package that reads it."""

from __future__ import annotations

import importlib.util
import os


def world_size() -> int:
    """How many processes `torchrun` or `accelerate launch` started for this run; 1 without them."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def wandb_configured() -> bool:
    """Whether Weights & Biases is installed and told where to log: a key, a project, or offline mode."""
    told = any(os.environ.get(name) for name in ("WANDB_API_KEY", "WANDB_PROJECT", "WANDB_MODE"))
    return told and os.environ.get("WANDB_MODE") != "disabled" and importlib.util.find_spec("wandb") is not None


def quiet_tokenizers() -> None:
    """Keeps the tokenizers from talking about processes that were forked."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
