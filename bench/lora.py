"""Low-rank adapters against full fine-tuning on BANKING77: what learns, and what accuracy that costs.

Both are trained in this run with the same trainer, seed and epochs, each at its own learning rate, and get the same
head on top: dense vectors and hashed n-grams together, as models have it. The recipe ``lora`` names rank and targets.
The learning rates were chosen by `--only tune`, on 2,036 validation rows taken out of the training file (full: 92.6 %
at 1e-4, 92.7 % at 2e-4; LoRA: 92.5 % at 1e-3, 92.3 % at 2e-3). The test file is only reported.
"""

from __future__ import annotations

import math
import sys
import time
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.labelled import banking77
from bench.printer import Printer

if TYPE_CHECKING:
    from finetune.recipe import Recipe

FULL_RATE = 2e-4
SEED = 0
Rows = list[tuple[str, str]]


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``only = "tune"`` prints the validation runs instead of figures.

    ``quick`` trains on 10 rows an intent instead of all and tests on every third row.
    """
    train, test = banking77()
    if quick:
        train, test = _some(train, per_class=10), test[::3]
        print(f"quick: {len(train):,} training rows (10 an intent), every third test row", file=sys.stderr)
    if only == "tune":
        _tune(train)
        return
    started = time.monotonic()
    full, share, seconds = _accuracy(_recipe("full"), train, test)
    print(f"full fine-tuning: {full:.2f} %, {100 * share:.1f} % trained, {seconds:.0f} s", file=sys.stderr)
    ours, share, seconds = _accuracy(_recipe("lora"), train, test)
    print(f"LoRA: {ours:.2f} %, {100 * share:.2f} % trained, {seconds:.0f} s", file=sys.stderr)
    frozen, _, _ = _accuracy(_recipe("frozen"), train, test)
    print(f"frozen encoder: {frozen:.2f} %", file=sys.stderr)
    whole = time.monotonic() - started
    printer.figure("trained_share", 100 * share, n=len(train), seconds=whole, peer="full fine-tuning", peer_value=100)
    name = f"full {full:.2f} %, LoRA {ours:.2f} %, frozen {frozen:.2f} %"
    printer.figure("accuracy_lost", full - ours, n=len(test), seconds=whole, peer=name)


def _recipe(method: str) -> Recipe:
    from finetune.recipe import load_recipe

    recipe = replace(
        load_recipe("lora"), max_length=64, epochs=3.0, batch_size=32, minutes=0.0, evaluations=1, seed=SEED,
        checkpoint_minutes=0.0, method=method,
    )  # fmt: skip
    return recipe if method == "lora" else replace(recipe, learning_rate=FULL_RATE)


def _tune(rows: Rows) -> None:
    """Learning rates on the last fifth of the training rows of each intent."""
    by_class: dict[str, Rows] = defaultdict(list)
    for row in rows:
        by_class[row[1]].append(row)
    train = [row for group in by_class.values() for row in group[: -math.ceil(len(group) / 5)]]
    valid = [row for group in by_class.values() for row in group[-math.ceil(len(group) / 5) :]]
    lora, full = _recipe("lora"), _recipe("full")
    for recipe in (
        *(replace(full, learning_rate=rate) for rate in (FULL_RATE, 2 * FULL_RATE)),
        *(replace(lora, learning_rate=rate) for rate in (1e-3, 2e-3)),
    ):
        accuracy, share, seconds = _accuracy(recipe, train, valid)
        print(
            f"{recipe.method} rank {recipe.adapter_rank} rate {recipe.learning_rate:g}: {accuracy:.2f} % of "
            f"{len(valid)} validation rows, {100 * share:.2f} % trained, {seconds:.0f} s", flush=True,
        )  # fmt: skip


def _accuracy(recipe: Recipe, train: Rows, test: Rows) -> tuple[float, float, float]:
    """Percent right on ``test``, share 0..1 of the weights that learned, seconds of training."""
    from finetune.encoder import find_base, load_encoder

    model = load_encoder(find_base(recipe.base_model), max_length=recipe.max_length, device="cpu")
    share, seconds = (0.0, 0.0) if recipe.method == "frozen" else _train(model, recipe, train)
    return _head_accuracy(model, recipe, train, test), share, seconds


def _train(model: Any, recipe: Recipe, rows: Rows) -> tuple[float, float]:
    from datasets import Dataset
    from transformers.trainer_utils import set_seed

    from finetune.adapters import merge
    from finetune.examples import TrainingData
    from finetune.losses import ClassLoss
    from finetune.session import Session, prepare
    from finetune.trainer import Judge

    set_seed(recipe.seed)
    labels = sorted({label for _, label in rows})
    columns = {"text": [text for text, _ in rows], "label": [labels.index(label) for _, label in rows]}
    datasets, losses = {"intents": Dataset.from_dict(columns)}, {"intents": ClassLoss(model, classes=len(labels))}
    prepare(model, datasets, losses, recipe)
    judge = Judge(model, (), TrainingData((), (), {}), recipe)  # nothing to judge by: the last weights are kept
    judge.modules = [model, *losses.values()]
    outcome = Session(model, datasets, losses, judge, recipe, budget=math.inf, progress=_show).run()
    merge(model)
    return outcome.trained_share, outcome.seconds


def _head_accuracy(model: Any, recipe: Recipe, train: Rows, test: Rows) -> float:
    import numpy as np
    import torch

    from finetune.encoder import supports_bf16
    from finetune.linear import fit_linear
    from retrieval.encoder import TrainingEncoder
    from retrieval.head import HashedNgrams, LinearHead

    encoder = TrainingEncoder(model.eval())
    fast = torch.autocast("cpu", torch.bfloat16, enabled=supports_bf16("cpu"))
    texts, labels = [text for text, _ in train], sorted({label for _, label in train})
    gold = np.array([labels.index(label) for _, label in train], dtype=np.int64)
    features = HashedNgrams(buckets=2**16).fit(texts)
    asked = [text for text, _ in test]
    with fast:
        taught, told = encoder.encode(texts), encoder.encode(asked)
    fit = fit_linear(
        taught, features.transform(texts), gold, classes=len(labels), passes=recipe.head_epochs,
        steps=recipe.head_steps, seed=recipe.seed,
    )  # fmt: skip
    head = LinearHead(tuple(labels), fit.dense, fit.ngrams, fit.bias, features=features)
    best = head.logits(told, asked).argmax(axis=1)
    return 100 * float(np.mean([labels[i] == label for i, (_, label) in zip(best, test, strict=True)]))


def _show(done: float, words: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{100 * done:3.0f} %", end="", file=sys.stderr)


def _some(rows: Rows, *, per_class: int) -> Rows:
    taken: dict[str, int] = defaultdict(int)
    kept = []
    for text, label in rows:
        taken[label] += 1
        if taken[label] <= per_class:
            kept.append((text, label))
    return kept
