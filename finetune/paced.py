"""Our trainer: that of sentence-transformers with a pace, several processes, an adversary and help where memory ends.

Imports torch and sentence-transformers; import it where the work is.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate.utils.memory import should_reduce_batch_size
from sentence_transformers import SentenceTransformerTrainer
from sentence_transformers.base.sampler import ProportionalBatchSampler
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from transformers.trainer import TRAINER_STATE_NAME

from data.errors import InputError
from finetune import checkpoints, processes
from finetune.adversary import Adversary
from finetune.settings import world_size

if TYPE_CHECKING:
    from finetune.augment import Augmenter
    from finetune.pace import Pace
    from finetune.recipe import Recipe


class Batches(ProportionalBatchSampler):  # type: ignore[misc]
    """Batches of all tasks in proportion; each epoch has its own, and each process gets as many."""

    def set_epoch(self, epoch: int) -> None:
        """See parent; passed on, so that a resumed epoch has the batches that it had."""
        super().set_epoch(epoch)
        for sampler in self.batch_samplers:
            sampler.set_epoch(epoch)

    def __iter__(self) -> Any:
        whole = len(self)
        for place, batch in enumerate(super().__iter__()):
            if place < whole:
                yield batch

    def __len__(self) -> int:
        batches = int(super().__len__())
        return batches - batches % world_size() if batches >= world_size() else batches


class PacedTrainer(SentenceTransformerTrainer):  # type: ignore[misc]
    """Lets ``Pace`` set the learning rate and judge, and writes checkpoints of our own.

    Args:
        pace: Asked for the learning rate, told of each step.
        recipe: For adversary, memory and messages.
        augmenter: Rewrites the texts of each batch.
        kwargs: See parent.
    """

    def __init__(self, *, pace: Pace, recipe: Recipe, augmenter: Augmenter, **kwargs: Any) -> None:
        self.pace, self.recipe, self.augmenter = pace, recipe, augmenter
        self.pieces = 1
        super().__init__(callbacks=[pace], **kwargs)
        if augmenter.is_on:
            self.data_collator: Any = _Rewriting(self.data_collator, augmenter)

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """See parent; nothing is added."""

    def override_model_in_loss(self, loss: nn.Module, model: Any) -> nn.Module:
        """See parent; losses keep the plain encoder, for ``average_gradients`` covers encoder and class layers."""
        return loss

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """See parent."""
        self.pace.total = num_training_steps
        self.lr_scheduler = LambdaLR(optimizer or self.optimizer, self.pace.learning_rate)
        return self.lr_scheduler

    def get_multi_dataset_batch_sampler(self, *args: Any, **kwargs: Any) -> Any:
        """See parent."""
        self.batches = Batches(*args, **kwargs)
        return self.batches

    def _run_epoch(self, *args: Any, **kwargs: Any) -> None:
        self.batches.set_epoch(kwargs["epoch"])
        self.augmenter.epoch = kwargs["epoch"]
        super()._run_epoch(*args, **kwargs)

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        """See parent; where memory does not suffice, batches are halved from here on.

        Raises:
            InputError: The loss is not a number, or memory does not suffice for two texts.
        """
        while True:
            try:
                loss = self._passes(model, inputs, num_items_in_batch)
                break
            except (RuntimeError, MemoryError) as error:
                if not (isinstance(error, torch.OutOfMemoryError | MemoryError) or should_reduce_batch_size(error)):
                    raise
                self._halve(inputs, error)
        if not bool(torch.isfinite(loss)):
            raise InputError(
                "training", got=f"a loss that is not a number ({float(loss)}) in step {self.state.global_step + 1}",
                expected="a finite one",
                next_step=f'Lower learning_rate or set precision = "fp32" in the recipe {self.recipe.name}.',
            )  # fmt: skip
        return loss

    def _passes(self, model: Any, inputs: dict[str, Any], items: Any) -> Tensor:
        total = torch.zeros((), device=self.args.device)
        rows = _rows(inputs)
        size = max(2, math.ceil(rows / self.pieces))
        starts = list(range(0, rows, size))
        if len(starts) > 1 and rows - starts[-1] < 2:  # a single row has no negative
            starts.pop()
        for start, end in zip(starts, [*starts[1:], rows], strict=True):
            part = {key: value[start:end] if torch.is_tensor(value) else value for key, value in inputs.items()}
            total += self._piece(model, part, items, share=(end - start) / rows)
        return total

    def _piece(self, model: Any, inputs: dict[str, Any], items: Any, *, share: float) -> Tensor:
        """Forward and backward of a part of a batch, and again under the adversary; the first pass's loss."""
        whole = float(self.current_gradient_accumulation_steps)
        self.current_gradient_accumulation_steps: float = whole / share
        try:
            if not self.recipe.adversary:
                return super().training_step(model, dict(inputs), items)
            with Adversary(self.model[0].auto_model, strength=self.recipe.adversary) as adversary:
                loss = super().training_step(model, dict(inputs), items)
                adversary.move()
                super().training_step(model, dict(inputs), items)
            return loss
        finally:
            self.current_gradient_accumulation_steps = whole

    def _halve(self, inputs: dict[str, Any], error: Exception) -> None:
        """Halves what is computed at once: pieces of a cached batch, which change no figure, else the batch itself."""
        rows = _rows(inputs)
        loss = self.loss[inputs["dataset_name"]]
        cached = getattr(loss, "mini_batch_size", None)
        if cached is not None and min(cached or rows, rows) > 1:
            size = loss.mini_batch_size = min(cached or rows, rows) // 2
        else:
            self.pieces *= 2
            size = math.ceil(rows / self.pieces)
        if size < (1 if cached is not None else 2) or world_size() > 1:
            raise InputError(
                "training", got=f"too little memory for batches of {rows} texts", expected="enough",
                next_step=f"Lower batch_size or max_length in the recipe {self.recipe.name}.",
            ) from error  # fmt: skip
        for _, weight in self.pace.judge.trained():
            weight.grad = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        self.pace.progress(self.pace.done(self.state.global_step), f"memory is full: batches of {size} from here on")

    def _clip_grad_norm(self, model: Any) -> Any:
        processes.average_gradients(weight for _, weight in self.pace.judge.trained())
        return super()._clip_grad_norm(model)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Ours instead of the parent's, whose parts are pickles and lack the class layers."""
        if not processes.is_first():
            return
        random_tensors, random_notes = checkpoints.randomness()
        tensors, notes = self.pace.state()
        tensors |= checkpoints.optimiser_tensors(self.optimizer) | random_tensors
        notes |= {"random": random_notes, "pieces": self.pieces, "scheduler": _plain(self.lr_scheduler.state_dict())}
        if self.accelerator.scaler is not None:
            notes["scaler"] = self.accelerator.scaler.state_dict()
        state = json.dumps(asdict(self.state))
        self.pace.checkpoints.save(self.state.global_step, tensors, notes, more={TRAINER_STATE_NAME: state})

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        self._tensors, self._notes = checkpoints.read(Path(resume_from_checkpoint))
        self.pieces = self._notes["pieces"]
        self.pace.restore(self._tensors, self._notes)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            checkpoints.restore_optimiser(self.optimizer, self._tensors)
            self.lr_scheduler.load_state_dict({**self.lr_scheduler.state_dict(), **self._notes["scheduler"]})
            for group, rate in zip(self.optimizer.param_groups, self._notes["scheduler"]["_last_lr"], strict=True):
                group["lr"] = rate

    def _load_scaler(self, checkpoint: str | None) -> None:
        if checkpoint is not None and self.accelerator.scaler is not None and "scaler" in self._notes:
            self.accelerator.scaler.load_state_dict(self._notes["scaler"])

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            checkpoints.restore_randomness(self._tensors, self._notes["random"])


class _Rewriting:
    """A collator that rewrites the texts that are asked with before the parent makes tokens of them."""

    def __init__(self, collator: Any, augmenter: Augmenter) -> None:
        self.collator, self.augmenter = collator, augmenter
        self.valid_label_columns = collator.valid_label_columns

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        asked = "context" if rows and "context" in rows[0] else "text"
        return dict(self.collator([{**row, asked: self.augmenter(row[asked])} for row in rows]))


def _rows(inputs: dict[str, Any]) -> int:
    return len(next(value for value in inputs.values() if torch.is_tensor(value)))


def _plain(state: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in state.items() if key in ("last_epoch", "_step_count", "_last_lr")}
