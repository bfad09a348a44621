"""Bench `few_shot`: BANKING77 with ten and with five examples an intent, beside TF-IDF with a linear SVM.

The examples are drawn with a seed; the rest of the training split is not looked at, labelled or not. Nothing is chosen
on the test split.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from bench.labelled import banking77, drawn, numbers, percent, tfidf_svm, trained
from bench.printer import Printer
from finetune.messages import Labelled
from finetune.recipe import load_recipe


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``only`` is ``10`` or ``5``, or ``full`` for the mean of three draws of both."""
    train, test = banking77()
    recipe, texts = load_recipe("few-shot"), [text for text, _ in test]
    for each in (10, 5):
        if only not in (None, "full", str(each)):
            continue
        started, ours, theirs = time.monotonic(), [], []
        for seed in range(3 if only == "full" and not quick else 1):
            few = drawn(train, each, seed=seed)
            rows = Labelled.of(few)
            reader, metrics, _ = trained(rows, recipe)
            ours.append(percent(reader.scores(texts)[1], numbers(test, rows.labels)))
            theirs.append(tfidf_svm(few, test))
            print(f"{each} an intent, draw {seed}: {ours[-1]:.2f} %, in rehearsal {metrics['intent_accuracy']}, "
                  f"{metrics['minutes']:.1f} min", file=sys.stderr)  # fmt: skip
        printer.figure(
            f"banking77_{each}", float(np.mean(ours)), n=len(test) * len(ours), seconds=time.monotonic() - started,
            peer="TF-IDF + linear SVM", peer_value=float(np.mean(theirs)),
        )  # fmt: skip
