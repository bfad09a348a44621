"""Bench `intents`: BANKING77 with all its training data, beside TF-IDF with a linear SVM; what int8 costs.

What is chosen by data (weights of the head's halves, scope) is chosen on a tenth of the training split, which is held
out; how the encoder is tuned was chosen on CLINC150's validation split (docs/explain/intents.md).
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import numpy as np

from bench.labelled import banking77, numbers, percent, tfidf_svm, trained
from bench.printer import Printer
from data.artifacts import ModelLayout
from finetune.messages import Labelled
from finetune.recipe import load_recipe
from retrieval.encoder import TrainingEncoder
from retrieval.intents import IntentReader


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``quick`` trains one seed, which is the default too; ``only full`` takes the mean of three seeds."""
    train, test = banking77()
    recipe, seeds = load_recipe("laptop"), range(3 if only == "full" and not quick else 1)
    rows = Labelled.of(train)
    gold = numbers(test, rows.labels)
    texts = [text for text, _ in test]
    peer = tfidf_svm(train, test)
    accuracies, minutes, losses = [], [], []
    started = time.monotonic()
    for seed in seeds:
        reader, metrics, layout = trained(rows, replace(recipe, seed=seed))
        accuracies.append(percent(reader.scores(texts)[1], gold))
        losses.append(_fp32(reader, layout, texts, gold) - accuracies[-1])
        minutes.append(metrics["minutes"])
        print(f"seed {seed}: {accuracies[-1]:.2f} %, int8 loses {losses[-1]:.2f} points, {minutes[-1]:.1f} min, "
              f"held out {metrics['intent_accuracy']}, {metrics['seconds']}", file=sys.stderr)  # fmt: skip
    seconds = time.monotonic() - started
    size = len(test) * len(accuracies)
    printer.figure("banking77_accuracy", float(np.mean(accuracies)), n=size, seconds=seconds,
                   peer="TF-IDF + linear SVM", peer_value=peer)  # fmt: skip
    printer.figure("banking77_minutes", float(np.mean(minutes)), n=len(minutes), seconds=seconds)
    printer.figure("int8_loss", float(np.mean(losses)), n=size, seconds=seconds)


def _fp32(reader: IntentReader, layout: ModelLayout, texts: list[str], gold: np.ndarray) -> float:
    """Percent right of the same head over the checkpoint as it was trained."""
    from finetune.encoder import quiet

    with quiet():
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(str(layout.checkpoint), device="cpu")
    vectors = TrainingEncoder(model).encode(texts)
    return percent(reader.head.logits(vectors, texts), gold)
