"""Joint training of the encoder on (context, answer) pairs and on intents, with sentence-transformers' trainer."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.schema import Example
from finetune.encoder import freeze, quiet, supports_bf16
from finetune.examples import TrainingData, balanced, evenly
from finetune.progress import Progress
from finetune.recipe import Recipe
from retrieval.encoder import TrainingEncoder
from retrieval.metrics import mrr, ranks_of

if TYPE_CHECKING:
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from torch import nn


@dataclass
class Outcome:
    """What a training run came to.

    Attributes:
        steps: Steps made.
        seconds: Wall time.
        judgements: (step, MRR on the validation split) in order; step 0 is the encoder before training.
        kept: The step whose weights were kept.
        bf16: Whether it ran in bf16.
        answer_layer: (classes, dim + 1) weights and bias of the class layer of ``AnswerLoss`` over unit vectors, in the
            order of ``TrainingData.frequent``; None where nothing was trained.
    """

    steps: int = 0
    seconds: float = 0.0
    judgements: list[tuple[int, float]] = field(default_factory=list)
    kept: int = 0
    bf16: bool = False
    answer_layer: NDArray[np.float32] | None = None


class Judge:
    """Early stopping: judges the encoder now and then, keeps the best weights, and says when to stop.

    Args:
        model: Being trained.
        held_out: Validation examples.
        data: For the texts of their answers.
        recipe: For ``patience`` and the prompt.
    """

    def __init__(
        self, model: SentenceTransformer, held_out: tuple[Example, ...], data: TrainingData, recipe: Recipe
    ) -> None:
        self.model, self.recipe = model, recipe
        examples = [held_out[i] for i in evenly(len(held_out), recipe.judged)]
        wanted = dict.fromkeys([*(e.answer for e in examples), *list(data.support)[: recipe.judged]])
        self._contexts = [e.context for e in examples]
        self._texts = [data.answers[answer].text for answer in wanted]
        self._gold = np.array([list(wanted).index(e.answer) for e in examples], dtype=np.int64)
        self._best: dict[str, Any] = {}
        self.modules: list[nn.Module] = [model]
        self.outcome = Outcome()

    def judge(self, step: int) -> bool:
        """Measures, keeps the weights if they are the best so far, and tells whether to go on."""
        outcome = self.outcome
        score = self._score()
        if not outcome.judgements or score >= max(seen for _, seen in outcome.judgements):
            outcome.kept = step
            if step:
                self._best = {name: weight.detach().clone() for name, weight in self._trained()}
        outcome.judgements.append((step, round(score, 4)))
        best = max(range(len(outcome.judgements)), key=lambda i: (outcome.judgements[i][1], i))
        return len(outcome.judgements) - 1 - best < self.recipe.patience

    def restore(self) -> None:
        """Puts the best weights back; without any judgement after training began, the last ones stay."""
        import torch

        with torch.no_grad():
            for name, weight in self._trained():
                if name in self._best:
                    weight.copy_(self._best[name])

    def _score(self) -> float:
        if not self._contexts:
            return 0.0
        encoder = TrainingEncoder(self.model, prompt=self.recipe.prompt)
        was_training = self.model.training
        cosines = encoder.encode(self._contexts) @ encoder.encode(self._texts).T  # (contexts, answers)
        self.model.train(was_training)
        return mrr(ranks_of(cosines, self._gold))

    def _trained(self) -> Iterator[tuple[str, Any]]:
        """Weights that learn: of the encoder and of the class layers, which the losses hold."""
        from torch.nn import ModuleList

        return ((name, weight) for name, weight in ModuleList(self.modules).named_parameters() if weight.requires_grad)


def train_encoder(
    model: SentenceTransformer, data: TrainingData, recipe: Recipe, *, new_tokens: int = 0, progress: Progress
) -> Outcome:
    """Fine-tunes an encoder in place.

    The learning rate falls with the steps or with the clock, whichever is further, so that a run that its budget of
    minutes cuts short has still come to rest.

    Args:
        model: Changed in place; ends with the weights that were best on the validation split.
        data: Training and validation splits are used, the test split is not.
        recipe: How.
        new_tokens: From ``extend_vocabulary``.
        progress: Told how far it is.
    """
    judge = Judge(model, data.of("valid"), data, recipe)
    by_size = max(recipe.minutes_least, recipe.minutes_per_1000 * len(data.of("train")) / 1000)
    budget = 60.0 * min(recipe.minutes, by_size)
    if recipe.epochs == 0 or budget == 0:
        return judge.outcome
    freeze(model, layers=recipe.frozen_layers, new_tokens=new_tokens)
    with quiet(), warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # of torch and accelerate about devices that are not there
        started = time.monotonic()
        judge.judge(0)
        left = max(1.0, budget - 2 * (time.monotonic() - started))  # the last judgement takes as long as the first
        trainer = _trainer(model, data, recipe, folder, judge, left, progress)
        trainer.train()
        judge.outcome.steps = int(trainer.state.global_step)
        if judge.outcome.judgements[-1][0] < judge.outcome.steps:
            judge.judge(judge.outcome.steps)
        judge.restore()
    judge.outcome.seconds = round(time.monotonic() - started, 1)
    judge.outcome.bf16 = bool(trainer.args.bf16)
    judge.outcome.answer_layer = _answer_layer(trainer.loss["answers"])
    model.eval()
    return judge.outcome


def _trainer(
    model: SentenceTransformer, data: TrainingData, recipe: Recipe, folder: str, judge: Judge, budget: float,
    progress: Progress,
) -> Any:  # fmt: skip
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from torch.optim.lr_scheduler import LambdaLR
    from transformers.trainer_callback import PrinterCallback, ProgressCallback

    from finetune.pace import Pace, length_batches

    datasets, losses = _tasks(model, data, recipe)
    judge.modules = [model, *losses.values()]
    device = str(model.device.type)
    arguments = SentenceTransformerTrainingArguments(
        output_dir=folder, num_train_epochs=recipe.epochs, per_device_train_batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate, weight_decay=0.0, batch_sampler=length_batches, seed=recipe.seed,
        data_seed=recipe.seed, bf16=supports_bf16(device), use_cpu=device == "cpu", save_strategy="no",
        eval_strategy="no", logging_strategy="no", report_to=[], disable_tqdm=True, dataloader_drop_last=False,
        dataloader_pin_memory=False, max_grad_norm=1.0,
        learning_rate_mapping={r"classifier\.": recipe.class_learning_rate},
    )  # fmt: skip
    pace = Pace(judge, recipe, budget=budget, progress=progress)

    class PacedTrainer(SentenceTransformerTrainer):
        """Lets ``Pace`` set the learning rate, and writes no model card."""

        def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
            """See parent; nothing is added."""

        def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
            """See parent."""
            pace.total = num_training_steps
            self.lr_scheduler = LambdaLR(optimizer or self.optimizer, pace.learning_rate)
            return self.lr_scheduler

    trainer = PacedTrainer(model=model, args=arguments, train_dataset=datasets, loss=losses, callbacks=[pace])
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    return trainer


def _answer_layer(loss: Any) -> NDArray[np.float32] | None:
    from finetune.losses import CLASS_SCALE

    if loss.head is None:
        return None
    layer = loss.head.classifier
    weights = layer.weight.detach().cpu().numpy() * CLASS_SCALE  # (classes, dim)
    bias = layer.bias.detach().cpu().numpy()[:, None]
    return np.asarray(np.concatenate([weights, bias], axis=1), dtype=np.float32)


def _tasks(
    model: SentenceTransformer, data: TrainingData, recipe: Recipe
) -> tuple[dict[str, Dataset], dict[str, nn.Module]]:
    """The training sets by name, and the loss of each."""
    from datasets import Dataset

    from finetune.losses import AnswerLoss, ClassLoss

    classes = data.frequent(least=recipe.min_support, most=recipe.max_classes)
    number = {answer: i for i, answer in enumerate([*classes, *(a for a in data.support if a not in set(classes))])}
    pairs = data.of("train")
    rows = _sample([e.answer for e in pairs], recipe.max_pairs, recipe.max_per_answer, recipe.seed)
    chosen = [pairs[i] for i in rows]
    columns = {
        "context": [recipe.prompt + e.context for e in chosen],
        "answer": [recipe.prompt + data.answers[e.answer].text for e in chosen],
        "label": [number[e.answer] for e in chosen],
    }
    datasets = {"answers": Dataset.from_dict(columns)}
    losses: dict[str, nn.Module] = {"answers": AnswerLoss(model, classes=len(classes), scale=recipe.scale)}
    labelled = data.intents_of("train")
    intents = sorted({row.intent for row in labelled})
    if len(intents) > 1 and recipe.max_intent_pairs:
        most = max(2, recipe.max_intent_pairs // len(intents) * 2)
        few = [labelled[i] for i in _sample([r.intent for r in labelled], recipe.max_intent_pairs, most, recipe.seed)]
        columns = {
            "text": [recipe.prompt + row.text for row in few],
            "label": [intents.index(row.intent) for row in few],
        }
        datasets["intents"] = Dataset.from_dict(columns)
        losses["intents"] = ClassLoss(model, classes=len(intents))
    if data.kept is not None and data.kept.texts:
        from finetune.continual import kept_task

        datasets["kept"], losses["kept"] = kept_task(model, data.kept, recipe.prompt)
    return datasets, losses


def _sample(groups: list[str], most: int, most_per_group: int, seed: int) -> NDArray[np.int64]:
    return balanced(groups, most=most, most_per_group=most_per_group, seed=seed)
