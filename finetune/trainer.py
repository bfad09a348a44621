"""Joint training of the encoder on (context, answer) pairs and on intents, with sentence-transformers' trainer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.schema import Example
from finetune import processes
from finetune.adapters import merge
from finetune.averaging import Average, copied, put
from finetune.examples import TrainingData, balanced, evenly
from finetune.negatives import mine_negatives
from finetune.progress import Progress
from finetune.recipe import Recipe
from retrieval.encoder import TrainingEncoder
from retrieval.metrics import mrr, ranks_of

if TYPE_CHECKING:
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from torch import nn


Watch = Callable[[int, float], None]
"""Called with step and figure of a judgement."""


@dataclass
class Outcome:
    """What a training run came to.

    Attributes:
        steps: Steps made.
        seconds: Wall time, that before a resumption too.
        judgements: (step, figure on the validation split) in order; step 0 is the encoder before training.
        kept: The step whose weights were kept.
        averaged: Whether the mean of the last judged weights was kept instead.
        bf16: Whether it ran in bf16.
        trained_share: Weights of the encoder that learned, 0..1.
        pieces: Into how many pieces a batch was cut, for want of memory.
        resumed: Steps that a run before this one had made.
        answer_layer: (classes, dim + 1) weights and bias of the class layer of ``AnswerLoss`` over unit vectors, in the
            order of ``TrainingData.frequent``; None where nothing was trained.
    """

    steps: int = 0
    seconds: float = 0.0
    judgements: list[tuple[int, float]] = field(default_factory=list)
    kept: int = 0
    averaged: bool = False
    bf16: bool = False
    trained_share: float = 0.0
    pieces: int = 1
    resumed: int = 0
    answer_layer: NDArray[np.float32] | None = None


class Judge:
    """Early stopping: judges the encoder now and then, keeps the best weights, and says when to stop.

    Args:
        model: Being trained.
        held_out: Validation examples.
        data: For the texts of their answers.
        recipe: For ``patience``, the prompt and how weights are averaged.
    """

    figure = "MRR"

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
        self.average = Average(self.trained, decay=recipe.ema, last=recipe.average_last)
        self.outcome = Outcome()
        self.watch: Watch | None = None

    def judge(self, step: int) -> bool:
        """Measures, keeps the weights if they are the best so far, and tells whether to go on."""
        outcome = self.outcome
        with self.average.in_place():
            score = processes.shared(self._score() if processes.is_first() else 0.0)
            if not outcome.judgements or score >= max(seen for _, seen in outcome.judgements):
                outcome.kept = step
                if step:
                    self._best = copied(self.trained())
        if step:
            self.average.remember()
        outcome.judgements.append((step, round(score, 4)))
        if self.watch is not None:
            self.watch(step, score)
        best = max(range(len(outcome.judgements)), key=lambda i: (outcome.judgements[i][1], i))
        return len(outcome.judgements) - 1 - best < self.recipe.patience

    def restore(self) -> None:
        """Puts the best weights back, or the mean of the last ones where that is as good.

        Without any judgement after training began, the last ones stay.
        """
        put(self.trained(), self._best)
        mean = self.average.mean()
        if not mean:
            return
        own = copied(self.trained())
        put(self.trained(), mean)
        score = processes.shared(self._score() if processes.is_first() else 0.0)
        self.outcome.averaged = score >= max(seen for _, seen in self.outcome.judgements)
        if not self.outcome.averaged:
            put(self.trained(), own)

    def trained(self) -> Iterator[tuple[str, Any]]:
        """Weights that learn: of the encoder and of the class layers, which the losses hold."""
        from torch.nn import ModuleList

        return ((name, weight) for name, weight in ModuleList(self.modules).named_parameters() if weight.requires_grad)

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a checkpoint holds: tensors by name, and notes."""
        tensors = {f"now.{name}": weight for name, weight in self.trained()}
        tensors |= {f"best.{name}": weight for name, weight in self._best.items()}
        tensors |= {f"moving.{name}": weight for name, weight in self.average.moving.items()}
        for number, weights in enumerate(self.average.recent):
            tensors |= {f"recent{number}.{name}": weight for name, weight in weights.items()}
        notes = {key: value for key, value in vars(self.outcome).items() if key != "answer_layer"}
        return tensors, {"outcome": notes, "recent": len(self.average.recent), "averaged": self.average.steps}

    def put_back(self, tensors: Mapping[str, Any], notes: Mapping[str, Any]) -> None:
        """Puts back what ``state`` gave."""
        device = self.model.device

        def of(kind: str) -> dict[str, Any]:
            start = f"{kind}."
            return {name[len(start) :]: t.to(device) for name, t in tensors.items() if name.startswith(start)}

        put(self.trained(), of("now"))
        self._best, self.average.moving, self.average.steps = of("best"), of("moving"), notes["averaged"]
        self.average.recent = [of(f"recent{number}") for number in range(notes["recent"])]
        judgements = [(int(step), float(score)) for step, score in notes["outcome"]["judgements"]]
        self.outcome = Outcome(**{**notes["outcome"], "judgements": judgements})

    def _score(self) -> float:
        if not self._contexts:
            return 0.0
        encoder = TrainingEncoder(self.model, prompt=self.recipe.prompt)
        was_training = self.model.training
        cosines = encoder.encode(self._contexts) @ encoder.encode(self._texts).T  # (contexts, answers)
        self.model.train(was_training)
        return mrr(ranks_of(cosines, self._gold))


def train_encoder(
    model: SentenceTransformer,
    data: TrainingData,
    recipe: Recipe,
    *,
    new_tokens: int = 0,
    progress: Progress,
    keep: Path | None = None,
    board: Path | None = None,
    watch: Watch | None = None,
) -> Outcome:
    """Fine-tunes an encoder in place.

    The learning rate falls with the steps or with the clock, whichever is further, so that a run that its budget of
    minutes cuts short has still come to rest.

    Args:
        model: Changed in place; ends with the weights that were best on the validation split, an adapter merged.
        data: Training and validation splits are used, the test split is not.
        recipe: How.
        new_tokens: From ``extend_vocabulary``.
        progress: Told how far it is.
        keep: Folder for checkpoints; what lies there is gone on with. None writes none.
        board: Folder for TensorBoard; None writes nothing there.
        watch: Told (step, figure) of each judgement; may end the run by an exception of its own.

    Raises:
        InputError: The loss is not a number, memory does not suffice, or the recipe does not fit machine or model.
    """
    from transformers.trainer_utils import set_seed

    from finetune.session import Session, prepare

    judge = Judge(model, data.of("valid"), data, recipe)
    judge.watch = watch
    by_size = max(recipe.minutes_least, recipe.minutes_per_1000 * len(data.of("train")) / 1000)
    budget = 60.0 * min(recipe.minutes, by_size) if recipe.minutes else math.inf
    if recipe.epochs == 0 or budget == 0 or recipe.method == "frozen":
        return judge.outcome
    processes.gather_round()
    set_seed(recipe.seed)
    datasets, losses = _tasks(model, data, recipe)
    prepare(model, datasets, losses, recipe, new_tokens=new_tokens)
    judge.modules = [model, *losses.values()]
    session = Session(model, datasets, losses, judge, recipe, budget=budget, progress=progress, keep=keep, board=board)
    outcome = session.run()
    outcome.answer_layer = _answer_layer(losses["answers"])
    merge(model)
    model.eval()
    return outcome


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
    columns: dict[str, list[Any]] = {
        "context": [recipe.prompt + e.context for e in chosen],
        "answer": [recipe.prompt + data.answers[e.answer].text for e in chosen],
        "label": [[float(number[e.answer]), e.weight] for e in chosen],
    }
    if recipe.hard_negatives:
        encoder = TrainingEncoder(model, prompt=recipe.prompt)
        for i, mined in enumerate(zip(*mine_negatives(chosen, data, encoder, recipe), strict=True)):
            columns[f"negative_{i}"] = [recipe.prompt + data.answers[answer].text for answer in mined]
            for label, answer in zip(columns["label"], mined, strict=True):
                label.append(float(number[answer]))
    datasets = {"answers": Dataset.from_dict(columns)}
    piece = recipe.batch_size if recipe.cached_batch else 0
    losses: dict[str, nn.Module] = {
        "answers": AnswerLoss(model, classes=len(classes), scale=recipe.scale, memory=recipe.memory, piece=piece)
    }
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
