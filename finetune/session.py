"""One training run: what learns, the trainer's arguments, going on from a checkpoint, the best weights at the end."""

from __future__ import annotations

import math
import tempfile
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import InputError
from finetune import adapters, checkpoints, processes
from finetune.augment import Augmenter
from finetune.checkpoints import Checkpoints
from finetune.encoder import freeze, quiet, supports_bf16
from finetune.progress import Progress
from finetune.recipe import Recipe
from finetune.settings import quiet_tokenizers
from finetune.tracking import Tracker

if TYPE_CHECKING:
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from torch import nn

    from finetune.trainer import Judge, Outcome

_LOG_STEPS = 10


def prepare(
    model: SentenceTransformer,
    datasets: Mapping[str, Dataset],
    losses: Mapping[str, nn.Module],
    recipe: Recipe,
    *,
    new_tokens: int = 0,
) -> None:
    """Decides what of a model learns, and sets dropout, attention and label smoothing.

    Args:
        model: Changed in place.
        datasets: For the number of steps.
        losses: Their class layers are smoothed.
        recipe: How.
        new_tokens: The last so many rows of the embedding matrix learn in any case.
    """
    from torch.nn import Dropout

    from finetune.losses import ClassLoss

    if recipe.method in adapters.ADAPTED:
        adapters.adapt(model, recipe, new_tokens=new_tokens, steps=steps_of(datasets, recipe))
    else:
        freeze(model, layers=recipe.frozen_layers, new_tokens=new_tokens)
    model[0].auto_model.set_attn_implementation(recipe.attention)
    for module in model.modules():
        if isinstance(module, Dropout) and recipe.dropout >= 0:
            module.p = recipe.dropout
    for loss in losses.values():
        if recipe.cached_batch and hasattr(loss, "mini_batch_size"):
            loss.mini_batch_size = recipe.batch_size
        for module in loss.modules():
            if isinstance(module, ClassLoss):
                module.smoothing = recipe.label_smoothing


def steps_of(datasets: Mapping[str, Dataset], recipe: Recipe) -> int:
    """Steps of a whole run."""
    batches = 0
    for dataset in datasets.values():
        pairs = "context" in dataset.column_names
        batches += math.ceil(
            len(dataset) / (recipe.cached_batch if pairs and recipe.cached_batch else recipe.batch_size)
        )
    return max(1, math.ceil(batches * recipe.epochs / recipe.accumulation))


class Session:
    """A run that can be gone on with.

    Args:
        model: Prepared.
        datasets: By name of the task.
        losses: By name of the task.
        judge: Keeps the best weights.
        recipe: How.
        budget: Seconds; infinite for no clock.
        progress: Told how far it is.
        keep: Folder of checkpoints, or None.
        board: Folder of TensorBoard's events, or None.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        datasets: Mapping[str, Dataset],
        losses: Mapping[str, nn.Module],
        judge: Judge,
        recipe: Recipe,
        *,
        budget: float,
        progress: Progress,
        keep: Path | None = None,
        board: Path | None = None,
    ) -> None:
        self.model, self.datasets, self.losses = model, dict(datasets), dict(losses)
        self.judge, self.recipe, self.budget, self.progress = judge, recipe, budget, progress
        self.board = board if processes.is_first() else None
        folder = keep if recipe.checkpoint_minutes else None
        self.checkpoints = Checkpoints(folder, every=60 * recipe.checkpoint_minutes)

    def run(self) -> Outcome:
        """Trains; a finished run is only read back.

        Raises:
            InputError: The loss is not a number, memory does not suffice, or the recipe wants what is not here.
        """
        last = self.checkpoints.latest()
        notes = checkpoints.read(last)[1] if last is not None else {}
        if last is not None and notes.get("finished"):
            self.judge.put_back(*checkpoints.read(last))
            return self.judge.outcome
        with quiet(), warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
            warnings.simplefilter("ignore")  # of torch and accelerate about devices that are not there
            quiet_tokenizers()
            self._train(folder, last)
        outcome = self.judge.outcome
        outcome.trained_share = round(adapters.trained_share(self.model), 6)
        outcome.resumed = int(last.name.rpartition("-")[2]) if last is not None else 0
        if processes.is_first():
            tensors, notes = self.judge.state()
            self.checkpoints.save(outcome.steps, tensors, {**notes, "finished": True})
        return outcome

    def _train(self, folder: str, last: Path | None) -> None:
        from finetune.pace import Pace

        started = time.monotonic()
        judge, track = self.judge, Tracker(self.board, name=self.recipe.name, settings=self.recipe.to_json())
        if last is None:
            judge.judge(0)
        left = max(1.0, self.budget - 2 * (time.monotonic() - started))  # the last judgement takes as long as the first
        pace = Pace(
            judge, self.recipe, budget=left, progress=self.progress, checkpoints=self.checkpoints, track=track
        )  # fmt: skip
        trainer = self._trainer(folder, pace)
        trainer.train(resume_from_checkpoint=str(last) if last is not None else None)
        outcome = judge.outcome
        outcome.steps, outcome.pieces = int(trainer.state.global_step), trainer.pieces
        if outcome.judgements[-1][0] < outcome.steps:
            judge.judge(outcome.steps)
        judge.restore()
        outcome.seconds, outcome.bf16 = round(pace.seconds, 1), bool(trainer.args.bf16)
        track(outcome.steps, **{f"valid/{judge.figure}": outcome.judgements[-1][1]})
        track.close()

    def _trainer(self, folder: str, pace: Any) -> Any:
        from transformers.trainer_callback import PrinterCallback, ProgressCallback

        from finetune.paced import PacedTrainer

        trainer = PacedTrainer(
            pace=pace, recipe=self.recipe, augmenter=Augmenter(self.recipe), model=self.model,
            args=self._arguments(folder), train_dataset=self.datasets, loss=self.losses,
        )  # fmt: skip
        for callback in (PrinterCallback, ProgressCallback):
            trainer.remove_callback(callback)
        return trainer

    def _arguments(self, folder: str) -> Any:
        from sentence_transformers import SentenceTransformerTrainingArguments

        from finetune.pace import batch_sampler

        recipe, device = self.recipe, str(self.model.device.type)
        return SentenceTransformerTrainingArguments(
            output_dir=folder, num_train_epochs=recipe.epochs, per_device_train_batch_size=recipe.batch_size,
            learning_rate=recipe.learning_rate, weight_decay=recipe.weight_decay, batch_sampler=batch_sampler(recipe),
            seed=recipe.seed, data_seed=recipe.seed, use_cpu=device == "cpu", save_strategy="no", eval_strategy="no",
            logging_strategy="steps", logging_steps=_LOG_STEPS, logging_nan_inf_filter=False, report_to=[],
            disable_tqdm=True, dataloader_drop_last=False, dataloader_pin_memory=device == "cuda", max_grad_norm=1.0,
            dataloader_num_workers=recipe.workers, gradient_accumulation_steps=recipe.accumulation,
            gradient_checkpointing=recipe.gradient_checkpointing,
            gradient_checkpointing_kwargs={"use_reentrant": False} if recipe.gradient_checkpointing else None,
            learning_rate_mapping={r"classifier\.": recipe.class_learning_rate}, **precision(recipe, device),
        )  # fmt: skip


def precision(recipe: Recipe, device: str) -> dict[str, bool]:
    """``bf16`` and ``fp16`` for the trainer.

    Raises:
        InputError: fp16 without a graphics card, on which alone its loss scaling works.
    """
    if recipe.precision == "fp16" and device != "cuda":
        raise InputError(
            "precision", got='"fp16" without a graphics card', expected="auto, fp32 or bf16",
            next_step=f"Mend the recipe {recipe.name}.",
        )  # fmt: skip
    wanted = recipe.precision == "bf16" or (recipe.precision == "auto" and supports_bf16(device))
    return {"bf16": wanted, "fp16": recipe.precision == "fp16"}
