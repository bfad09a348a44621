"""What a graphics card does: pairs a second in training beside the processor, memory, FAISS beside the CPU's.

Without a card, or without torch or FAISS built for one, it says so and exits with 3.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.printer import CannotRun, Printer

if TYPE_CHECKING:
    from finetune.examples import TrainingData
    from finetune.recipe import Recipe

ROWS, DIM, QUESTIONS, NEAREST = 200_000, 384, 1000, 10


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``only`` is ``training`` or ``faiss``. ``quick`` takes a fifth of the steps."""
    import torch

    if not torch.cuda.is_available():
        raise CannotRun("no usable graphics card (torch.cuda.is_available() is false)")
    print(f"card: {torch.cuda.get_device_name()}", file=sys.stderr)
    if only in (None, "training"):
        _training(printer, batches=10 if quick else 50)
    if only in (None, "faiss"):
        _faiss(printer)


def _training(printer: Printer, *, batches: int) -> None:
    """The recipe ``gpu`` on made-up pairs of usual length, and the same on the processor with a tenth of the steps."""
    import torch

    from finetune.recipe import load_recipe

    recipe = replace(load_recipe("gpu"), epochs=1.0, evaluations=1, minutes=0.0, checkpoint_minutes=0.0)
    rows = recipe.cached_batch or recipe.batch_size
    torch.cuda.reset_peak_memory_stats()
    fast, seconds = _pairs_per_second(rows * batches, recipe, "cuda")
    memory = torch.cuda.max_memory_allocated() / 1e6
    slow, _ = _pairs_per_second(rows, recipe, "cpu")
    name = f"CPU {slow:,.0f} pairs/s, card {fast:,.0f}"
    printer.figure("pairs_over_cpu", fast / slow, n=rows * batches, seconds=seconds, peer=name)
    printer.figure("memory", memory, n=rows * batches, seconds=seconds)


def _pairs_per_second(pairs: int, recipe: Recipe, device: str) -> tuple[float, float]:
    from finetune.encoder import find_base, load_encoder
    from finetune.trainer import train_encoder

    model = load_encoder(find_base(recipe.base_model), max_length=recipe.max_length, device=device)
    chosen = replace(recipe, max_pairs=pairs, max_per_answer=pairs, max_intent_pairs=0)
    started = time.monotonic()
    train_encoder(model, _made_up(pairs), chosen, progress=lambda done, words: None)
    seconds = time.monotonic() - started
    return pairs / seconds, seconds


def _made_up(pairs: int) -> TrainingData:
    """Questions of about twelve words, a hundred answers."""
    import numpy as np

    from data.schema import Answer, Example
    from finetune.examples import TrainingData

    random = np.random.default_rng(0)
    words = [f"{a}{b}" for a in ("par", "ship", "pay", "ord", "boot", "tent") for b in ("cel", "ping", "er", "ing")]
    texts = [" ".join(random.choice(words, 12)) for _ in range(pairs)]
    answers = {f"a{i}": Answer(f"a{i}", " ".join(random.choice(words, 20)), "en", support=1) for i in range(100)}
    examples = tuple(
        Example(f"c{i}", 0, text, f"a{i % 100}", "train", "en", time=float(i)) for i, text in enumerate(texts)
    )
    return TrainingData(examples, (), answers)


def _faiss(printer: Printer) -> None:
    import faiss  # type: ignore[import-untyped]
    import numpy as np

    if not hasattr(faiss, "StandardGpuResources"):
        raise CannotRun(
            "FAISS here is built for the CPU only; install the extra `gpu` (faiss-gpu instead of faiss-cpu)"
        )
    random = np.random.default_rng(0)
    vectors = random.normal(size=(ROWS, DIM)).astype(np.float32)
    asked = random.normal(size=(QUESTIONS, DIM)).astype(np.float32)
    faiss.normalize_L2(vectors)
    faiss.normalize_L2(asked)
    exact = faiss.IndexFlatIP(DIM)
    exact.add(vectors)
    started = time.monotonic()
    _, here = exact.search(asked, NEAREST)
    slow = time.monotonic() - started
    card = faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, exact)
    started = time.monotonic()
    _, there = card.search(asked, NEAREST)
    fast = time.monotonic() - started
    same = float(np.mean([len(set(a) & set(b)) / NEAREST for a, b in zip(here, there, strict=True)]))
    name = f"CPU {slow:.2f} s, card {fast:.2f} s"
    printer.figure("faiss_agreement", same, n=QUESTIONS, seconds=slow + fast, peer=name)
