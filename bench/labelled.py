"""What the benches of intents share: the public data, models kept between runs, peers."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.printer import ROOT
from bench.shared import place_of
from data.artifacts import Manifest, ModelLayout, create, hash_json, is_complete, load_manifest
from finetune.encoder import find_base
from finetune.intents import fit_intents
from finetune.messages import Labelled
from finetune.progress import Stages
from finetune.recipe import Recipe
from retrieval.intents import IntentReader

KEPT = ROOT / "var" / "bench" / "intents"
Row = tuple[str, str]


@dataclass(frozen=True)
class Clinc:
    """CLINC150 in its own splits; ``oos`` are the out-of-scope texts of each."""

    train: list[Row]
    val: list[Row]
    test: list[Row]
    oos: dict[str, list[str]]


def banking77() -> tuple[list[Row], list[Row]]:
    """Train and test rows (text, intent) of BANKING77."""
    return _rows("banking77_train.csv"), _rows("banking77_test.csv")


def clinc150() -> Clinc:
    """CLINC150, all of it."""
    with gzip.open(place_of("clinc150_full.json.gz"), "rt", encoding="utf-8") as stream:
        rows = json.load(stream)
    split = {name: [(text, label) for text, label in rows[name]] for name in ("train", "val", "test")}
    return Clinc(**split, oos={name: [text for text, _ in rows[f"oos_{name}"]] for name in ("train", "val", "test")})


def drawn(rows: list[Row], each: int, *, seed: int) -> list[Row]:
    """So many rows of each intent, drawn with a seed."""
    by_label: dict[str, list[Row]] = defaultdict(list)
    for i in np.random.default_rng(seed).permutation(len(rows)):
        by_label[rows[i][1]].append(rows[i])
    return [row for label in sorted(by_label) for row in by_label[label][:each]]


def trained(
    rows: Labelled, recipe: Recipe, *, held_out: Labelled | None = None, fresh: bool = False
) -> tuple[IntentReader, dict[str, Any], ModelLayout]:
    """A model of some rows, and its metrics; kept under ``var/bench`` by recipe, code and rows.

    Args:
        rows: To learn from.
        recipe: How.
        held_out: See ``fit_intents``.
        fresh: Train again even where it is kept.
    """
    base = find_base(recipe.base_model)
    inputs = [recipe.to_json(), code_hash(), rows.texts, rows.gold.tolist(), rows.outside]
    inputs += [held_out.texts, held_out.outside] if held_out else []
    layout = ModelLayout(KEPT / hash_json(inputs))
    if fresh or not is_complete(layout.folder, kind="model"):
        from rich.console import Console

        shutil.rmtree(layout.folder, ignore_errors=True)
        started = time.monotonic()
        with create(KEPT, Manifest("model", layout.folder.name)) as draft:
            stages = Stages(Console(stderr=True))
            metrics = fit_intents(
                ModelLayout(draft.folder), rows, recipe=recipe, base=base, stages=stages, held_out=held_out
            )
            draft.metrics.update(metrics, seconds=stages.seconds, minutes=(time.monotonic() - started) / 60)
    else:
        print(f"kept from an earlier run of the same code and data: {layout.folder.name}", file=sys.stderr)
    return IntentReader.open(layout), dict(load_manifest(layout.folder, kind="model").metrics), layout


def code_hash() -> str:
    """Of what makes such a model: other code trains again."""
    names = ("finetune/intents.py", "finetune/messages.py", "finetune/tune.py", "finetune/upper.py",
             "finetune/scope.py", "finetune/linear.py",
             "retrieval/scope.py", "retrieval/head.py", "finetune/export.py")  # fmt: skip
    return hash_json([(ROOT / name).read_text(encoding="utf-8") for name in names])


def percent(logits: NDArray[Any], gold: NDArray[np.int64]) -> float:
    """Of rows whose highest score is that of the right class."""
    return 100 * float((logits.argmax(axis=1) == gold).mean())


def numbers(rows: list[Row], labels: tuple[str, ...]) -> NDArray[np.int64]:
    """(n,) the number of each row's label."""
    place = {label: i for i, label in enumerate(labels)}
    return np.array([place[label] for _, label in rows], dtype=np.int64)


def tfidf_svm(train: list[Row], test: list[Row]) -> float:
    """Percent right of the peer that must stand beside every row: that of `careline model evaluate`."""
    from data.schema import IntentExample
    from finetune.classifiers import tfidf_svm

    peer = tfidf_svm([IntentExample(text, label, "topic", "train", "en") for text, label in train])
    found = peer.predict([text for text, _ in test]).probabilities  # (n, classes)
    return percent(found, numbers(test, peer.labels))


def _rows(name: str) -> list[Row]:
    with place_of(name).open(newline="", encoding="utf-8") as lines:
        return [(row["text"], row["category"]) for row in csv.DictReader(lines)]
