"""Bench `discover`: topics of BANKING77 found without labels, and labels that were chosen actively.

Everything was chosen on CLINC150 (`data.cluster.APART`, the rounds of active learning); BANKING77 is only reported.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.labelled import banking77
from bench.printer import ROOT, Printer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

CACHE = ROOT / "var" / "encoders"
PLOT = ROOT / "var" / "reports" / "active_learning.png"
PER_CLASS = 10
ROUNDS = 5
"""After the cold start, which takes a third of the labels."""

DRAWS = 5


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``only`` is ``topics`` or ``active``.

    ``quick`` groups the base encoder's vectors as they are instead of adapting it (minutes), and draws at random 3
    times instead of 5, without the curve.
    """
    from finetune.adapt import AdaptedEncoder
    from finetune.base import open_base
    from finetune.encoder import find_base
    from finetune.recipe import load_recipe

    train, test = banking77()
    encoder = open_base(CACHE, recipe=load_recipe("laptop"), threads=1)
    started = time.monotonic()
    vectors = encoder.encode(_texts(train))
    print(f"embedded {len(train):,} texts in {time.monotonic() - started:.0f} s", file=sys.stderr)
    if only in (None, "topics"):
        truth = [label for _, label in train]
        if quick:
            print("quick: the encoder is not adapted to the texts", file=sys.stderr)
            _topics(printer, vectors, vectors, truth)
        else:
            print("frozen encoder:", file=sys.stderr)
            _scores(vectors, truth)
            _topics(printer, AdaptedEncoder(find_base(load_recipe("laptop").base_model))(_texts(train)), vectors, truth)
    if only in (None, "active"):
        tested = encoder.encode(_texts(test))
        _active(printer, (vectors, [y for _, y in train]), (tested, [y for _, y in test]), quick=quick)


def _texts(rows: list[tuple[str, str]]) -> list[str]:
    return [text for text, _ in rows]


def _topics(printer: Printer, vectors: Vectors, frozen: Vectors, truth: list[str]) -> None:
    """Our topics of ``vectors`` beside k-means of the frozen encoder's; k-means of ``vectors`` is printed too."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    started = time.monotonic()
    labels = _scores(vectors, truth)
    seconds = time.monotonic() - started
    told = len(set(truth))
    peers = [KMeans(told, n_init=5, random_state=0).fit_predict(rows) for rows in (frozen, vectors)]
    name = f"k-means, k = {told} told"
    for figure, score in (("banking77_nmi", normalized_mutual_info_score), ("banking77_ari", adjusted_rand_score)):
        ours, theirs, same = (float(score(truth, found)) for found in (labels, *peers))
        printer.figure(figure, ours, n=len(truth), seconds=seconds, peer=name, peer_value=theirs)
        print(f"{figure}: k-means of the vectors we group {same:.4f}", file=sys.stderr)


def _scores(vectors: Vectors, truth: list[str]) -> Sequence[int]:
    """Groups, and says how well: every row assigned."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    from data.cluster import group_vectors

    found = group_vectors(vectors)
    nmi, ari = normalized_mutual_info_score(truth, found.labels), adjusted_rand_score(truth, found.labels)
    print(
        f"{len(found.centres)} topics found, {len(set(truth))} intents: NMI {nmi:.4f}, ARI {ari:.4f}", file=sys.stderr
    )
    labels: Sequence[int] = found.labels.tolist()
    return labels


def _active(
    printer: Printer, train: tuple[Vectors, list[str]], test: tuple[Vectors, list[str]], *, quick: bool
) -> None:
    import numpy as np

    started = time.monotonic()
    budget = PER_CLASS * len(set(train[1]))
    order = _chosen(*train, budget)
    draws = [np.random.default_rng(seed).choice(len(train[1]), budget, replace=False) for seed in range(DRAWS)]
    draws = draws[:3] if quick else draws
    ours = _accuracy(train, test, order)
    random = [_accuracy(train, test, draw) for draw in draws]
    print(f"random draws: {', '.join(f'{value:.2f}' for value in random)} %; active {ours:.2f} %", file=sys.stderr)
    points, mean = ours - float(np.mean(random)), float(np.mean(random))
    name = f"random labels: {mean:.2f} %, mean of {len(draws)}"
    printer.figure("active_over_random", points, n=len(test[1]), seconds=time.monotonic() - started, peer=name)
    if not quick:
        sizes = [budget * share // 10 for share in (2, 3, 4, 6, 8, 10)]
        curves = {"active": [_accuracy(train, test, order[:size]) for size in sizes]}
        curves["random"] = [float(np.mean([_accuracy(train, test, d[:size]) for d in draws[:3]])) for size in sizes]
        _plot(sizes, curves, PLOT)


def _chosen(vectors: Vectors, labels: list[str], budget: int) -> list[int]:
    """Asks in turns, as a person with `careline data suggest` would: a third cold, the rest in ``ROUNDS`` rounds."""
    from data.suggest import suggest

    chosen = suggest(vectors, [], [], count=budget // 3)
    each = -(-(budget - len(chosen)) // ROUNDS)
    while len(chosen) < budget:
        count = min(each, budget - len(chosen))
        chosen += suggest(vectors, chosen, [labels[i] for i in chosen], count=count)
    return chosen


def _accuracy(train: tuple[Vectors, list[str]], test: tuple[Vectors, list[str]], chosen: list[int]) -> float:
    """Percent right on the test split of a linear model taught with the chosen labels only."""
    from data.suggest import linear_model

    model = linear_model().fit(train[0][list(chosen)], [train[1][i] for i in chosen])
    return 100 * float(model.score(test[0], test[1]))


def _plot(sizes: list[int], curves: dict[str, list[float]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4))
    for name, values in curves.items():
        axes.plot(sizes, values, marker="o", label=name)
    axes.set(xlabel="labels", ylabel="accuracy on the test split (%)", title="BANKING77: chosen and random labels")
    axes.grid(alpha=0.3)
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120, bbox_inches="tight")
    pyplot.close(figure)
    print(f"curve: {path.relative_to(ROOT)}", file=sys.stderr)
    for name, values in curves.items():
        print(f"  {name}: " + ", ".join(f"{s} {v:.1f} %" for s, v in zip(sizes, values, strict=True)), file=sys.stderr)
