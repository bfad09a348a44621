"""Bench `out_of_scope`: CLINC150 in scope and out of it, calibration, and texts that mean nothing.

Trained by recipe ``thorough``. Weights and threshold of the scope, and temperature, are fitted on the validation split
(3,000 messages in scope, 100 out of it) with the int8 encoder. The 100 training examples of what is out of scope serve
as known strangers; the figures without them are printed too. The test split is only reported.
"""

from __future__ import annotations

import random
import string
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.labelled import clinc150, numbers, percent, tfidf_svm, trained
from bench.printer import Printer
from finetune.intents import evidence_of
from finetune.messages import Labelled
from finetune.recipe import load_recipe
from finetune.scope import default_scope, fit_scope
from retrieval.intents import IntentReader
from retrieval.metrics import auroc, ece, false_positive_rate

GIBBERISH = 2000


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``quick`` and ``only`` change nothing, for there is one model to train."""
    started = time.monotonic()
    data = clinc150()
    rows = Labelled.of(data.train, data.oos["train"])
    held_out = _under(data.val, rows.labels, data.oos["val"])
    reader, metrics, _ = trained(rows, load_recipe("thorough"), held_out=held_out)
    print(
        f"validation: {metrics['intent_accuracy']}, {metrics['scope']}, {metrics['minutes']:.1f} min", file=sys.stderr
    )
    texts, gold = [text for text, _ in data.test], numbers(data.test, rows.labels)
    _, logits, known = reader.scores(texts)
    strangers = reader.scores(data.oos["test"])
    seconds, size = time.monotonic() - started, len(texts) + len(data.oos["test"])
    peer = tfidf_svm(data.train, data.test)
    printer.figure("clinc_in_scope", percent(logits, gold), n=len(texts), seconds=seconds,
                   peer="TF-IDF + linear SVM", peer_value=peer)  # fmt: skip
    ours, plain = _told_apart(known, strangers[2]), _told_apart(logits.max(axis=1), strangers[1].max(axis=1))
    for name, value, peer in zip(("clinc_auroc", "clinc_fpr95"), ours, plain, strict=True):
        printer.figure(name, value, n=size, seconds=seconds, peer="highest logit of our head", peer_value=peer)
    printer.figure("clinc_ece", _ece(logits, gold), n=len(texts), seconds=seconds)
    noise = _gibberish(GIBBERISH)
    passed = 100 * float(np.mean([reading.in_scope for reading in reader.read(noise)]))
    printer.figure("gibberish_in_scope", passed, n=len(noise), seconds=time.monotonic() - started)
    least = reader.scope.least
    print(f"at the threshold {least}: {np.mean(known >= least):.4f} of messages in scope stay so, "
          f"{np.mean(strangers[2] < least):.4f} of strangers are refused", file=sys.stderr)  # fmt: skip
    _without_strangers(reader, rows, held_out, texts, data.oos["test"])


def _under(rows: list[tuple[str, str]], labels: tuple[str, ...], outside: list[str]) -> Labelled:
    return Labelled(labels, tuple(text for text, _ in rows), numbers(rows, labels), tuple(outside))


def _without_strangers(
    reader: IntentReader, rows: Labelled, held_out: Labelled, texts: list[str], strangers: list[str]
) -> None:
    """The same model when no training example is out of scope (``oos_train`` is left out)."""
    vectors = reader.encoder.encode(rows.texts)
    plain = default_scope(vectors, rows.gold, np.zeros((0, vectors.shape[1]), dtype=np.float32))
    scope = fit_scope(plain, evidence_of(reader.encoder, reader.head, vectors, replace(rows, outside=()), held_out))
    judge = IntentReader(reader.encoder, reader.head, scope)
    area, passed = _told_apart(judge.scores(texts)[2], judge.scores(strangers)[2])
    print(f"without training examples of what is out of scope: AUROC {area:.4f}, FPR95 {passed:.4f}", file=sys.stderr)


def _told_apart(inside: NDArray[Any], outside: NDArray[Any]) -> tuple[float, float]:
    """AUROC and FPR95 of scores that are higher in scope."""
    scores, truth = np.concatenate([inside, outside]), np.repeat([True, False], [len(inside), len(outside)])
    return auroc(scores, truth), false_positive_rate(scores, truth)


def _ece(logits: NDArray[Any], gold: NDArray[np.int64]) -> float:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = raised / raised.sum(axis=1, keepdims=True)
    return ece(shares.max(axis=1), shares.argmax(axis=1) == gold, bins=15)


def _gibberish(count: int) -> list[str]:
    """Random strings of letters, of letters and digits, punctuation, and empty texts; not those of training."""
    draw = random.Random(20_26)
    signs = string.punctuation + "。！？…、·"
    made = ["", " ", "\n\t"]
    alphabets = (string.ascii_lowercase, string.ascii_letters + string.digits, signs, string.ascii_lowercase + "   ")
    while len(made) < count:
        letters = alphabets[len(made) % len(alphabets)]
        made.append("".join(draw.choices(letters, k=draw.randint(1, 30))))
    return made
