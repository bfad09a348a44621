"""Bench `ranking`: the agent's answer before all others, on STAR and TweetSumm, and how the customer sounds.

- STAR: all templates known from the oldest 80 % of the complete conversations, asked with the newest 10 % (those that
  repeat older ones are left out: docs/explain/splits.md). Beside TF-IDF with logistic regression and BM25.
- TweetSumm: the data set's own `valid` conversations; the true reply among 99 others of the same conversations, drawn
  by `finetune.evaluate.contest` with the recipe's seed + 1. Beside BM25 (k1 1.2, b 0.75, Lucene's formula, over the
  replies' texts, asked with the whole context). Settings were chosen on the last tenth of `train`.
- `is_negative` of TweetSumm: F1 on `valid`. All systems read the same messages, those of the customer without mentions
  and links; each threshold, TF-IDF's penalty and what of VADER's scores counts are chosen by cross-validation of
  `train`.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import ranking_zh
from bench.printer import CannotRun, Printer
from bench.shared import place_of

STAR, TWEETSUMM = "star.jsonl.gz", "tweetsumm_train_valid.jsonl.gz"
FOLDS = 10
TUNED = 0.9
"""Share of TweetSumm's `train` that is trained on; the rest chooses settings."""

_NOT_SAID = re.compile(r"https?://\S+|@\w+")

Scores = NDArray[np.float64]
Truth = NDArray[np.bool_]


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``only`` is some of ``star,tweetsumm,mood,atec,crosswoz,languages``; ``quick`` trains a minute each.

    The last three are `bench.ranking_zh`.
    """
    if quick:
        print("quick: each encoder is trained for one minute instead of two to eight", file=sys.stderr)
    wanted = set(only.split(",")) if only else {"star", "tweetsumm", "mood", *ranking_zh.CHINESE}
    with tempfile.TemporaryDirectory(prefix="careline-bench-") as folder:
        if "star" in wanted:
            _star(printer, Path(folder) / "star", quick=quick)
        if wanted & {"tweetsumm", "mood"}:
            _tweetsumm(printer, Path(folder) / "tweetsumm", wanted, quick=quick)
    if chosen := wanted & set(ranking_zh.CHINESE):
        ranking_zh.run(printer, quick=quick, only=",".join(chosen) if only else None)


def _recipe(*, minutes: float, quick: bool) -> Any:
    from finetune.recipe import load_recipe

    recipe = load_recipe("laptop")
    if quick:
        minutes = min(minutes, 1.0)
    return replace(recipe, minutes=minutes, minutes_least=min(minutes, 5.0), max_held_out=0)


def star_ranking(folder: Path, *, quick: bool) -> tuple[Any, Any, dict[str, Any]]:
    """Trains on STAR in ``folder``, which is made.

    Returns:
        The dataset, the model, and the held-out ranking: ``n``, ``systems``.
    """
    from data.build import build_dataset
    from data.workspace import Workspace

    folder.mkdir()
    dataset = build_dataset([place_of(STAR)], Workspace(folder))
    return dataset, *_trained(dataset, folder, _recipe(minutes=8.0, quick=quick))


def _star(printer: Printer, folder: Path, *, quick: bool) -> None:
    started = time.monotonic()
    _, _, ranking = star_ranking(folder, quick=quick)
    ours, peer = ranking["systems"]["careline"], ranking["systems"]["tfidf + logistic regression"]
    n, seconds, name = ranking["n"], time.monotonic() - started, "TF-IDF + logistic regression"
    printer.figure("star_r1", ours["r1"], n=n, seconds=seconds, peer=name, peer_value=peer["r1"])
    printer.figure("star_r5", ours["r5"], n=n, seconds=seconds, peer=name, peer_value=peer["r5"])


def _trained(dataset: Any, folder: Path, recipe: Any) -> tuple[Any, dict[str, Any]]:
    """The model and its held-out ranking; every system's figures go to stderr."""
    from rich.console import Console

    from data.artifacts import load_manifest
    from finetune.train import train_model

    model = train_model(dataset, folder / "models", recipe=recipe, console=Console(stderr=True))
    ranking: dict[str, Any] = load_manifest(model.folder, kind="model").metrics["ranking"]
    for system, row in ranking["systems"].items():
        print(f"{system}: R@1 {row['r1']:.3f}, R@5 {row['r5']:.3f}, MRR {row['mrr']:.3f}", file=sys.stderr)
    return model, ranking


def _tweetsumm(printer: Printer, folder: Path, wanted: set[str], *, quick: bool) -> None:
    from data.build import build_dataset
    from data.workspace import Workspace

    started = time.monotonic()
    folder.mkdir()
    built = build_dataset([place_of(TWEETSUMM)], Workspace(folder))
    dataset = as_published(built, folder)
    recipe = _recipe(minutes=5.0, quick=quick)
    if "tweetsumm" not in wanted:
        recipe = replace(recipe, epochs=0.0)  # the mood is then read from the vectors of the base model
    model, ranking = _trained(dataset, folder, recipe)
    if "tweetsumm" in wanted:
        ours, peer = (ranking["systems"][name]["r1"] for name in ("careline", "bm25"))
        n = ranking["n"]
        seconds = time.monotonic() - started
        printer.figure("tweetsumm_over_bm25", ours / peer, n=n, seconds=seconds, peer="BM25", peer_value=1.0)
    if "mood" in wanted:
        _mood(printer, model)


def _rows() -> Iterator[dict[str, Any]]:
    with gzip.open(place_of(TWEETSUMM), "rt", encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines)


def as_published(built: Any, folder: Path) -> Any:
    """The dataset with TweetSumm's own splits: its `valid` is what is tested, the last tenth of its `train` chooses."""
    from data.artifacts import DatasetLayout, Manifest, create
    from data.records import read_rows, write_rows
    from data.schema import Answer, Conversation, Example, IntentExample

    split_of = _published_splits([c.id for c in read_rows(built.conversations, Conversation)])
    said = {
        message.text
        for conversation in read_rows(built.conversations, Conversation)
        if split_of.get(conversation.id) == "test"
        for message in conversation.messages
    }
    key = f"{built.folder.name}-published"
    with create(folder / "published", Manifest("dataset", key)) as draft:
        layout = DatasetLayout(draft.folder)
        examples = read_rows(built.examples, Example)
        write_rows(layout.examples, (replace(e, split=split_of[e.conversation]) for e in examples))
        intents = read_rows(built.intents, IntentExample)
        write_rows(layout.intents, (replace(i, split="test") if i.text in said else i for i in intents))
        write_rows(layout.answers, read_rows(built.answers, Answer))
        write_rows(layout.conversations, read_rows(built.conversations, Conversation))
    return DatasetLayout(folder / "published" / key)


def _published_splits(names: Sequence[str]) -> dict[str, Any]:
    """Split of each conversation. ``names`` are in the order of the log: redaction changed a few that hold numbers."""
    from data.readers.tweetsumm import parse

    rows = [(parse(row).id, row["split"]) for row in _rows()]
    logged = {name for name, _ in rows}
    if len(names) != len(rows) or any(n != name and n in logged for n, (name, _) in zip(names, rows, strict=True)):
        raise CannotRun("the dataset holds other conversations than TweetSumm's file, or in another order")
    train = [name for name, (_, split) in zip(names, rows, strict=True) if split == "train"]
    tuned = set(train[int(len(train) * TUNED) :])
    return {
        name: "test" if split == "valid" else "valid" if name in tuned else "train"
        for name, (_, split) in zip(names, rows, strict=True)
    }


def _mood(printer: Printer, model: Any) -> None:
    from retrieval.encoder import OnnxEncoder

    started = time.monotonic()
    rows = list(_rows())
    said = [_said(row) for row in rows]
    gold = np.array([int(row["is_negative"]) == 1 for row in rows])
    train = np.array([row["split"] == "train" for row in rows])
    systems = {
        "careline": _ours(said, gold, train, _Once(OnnxEncoder.load(model))),
        "TF-IDF + logistic regression": _tfidf(said, gold, train),
        "VADER": _vader(said, gold, train),
    }
    f1 = {name: _f1(scores[~train] >= bar, gold[~train]) for name, (scores, bar) in systems.items()}
    for name, value in f1.items():
        print(f"is_negative, {name}: F1 {value:.3f}", file=sys.stderr)
    peer = max((name for name in f1 if name != "careline"), key=f1.__getitem__)
    gain = 100 * (f1["careline"] - f1[peer])
    printer.figure("negative_f1_gain", gain, n=int((~train).sum()), seconds=time.monotonic() - started, peer=peer)


def _said(row: dict[str, Any]) -> tuple[str, ...]:
    texts = (_NOT_SAID.sub(" ", turn["text"]).strip() for turn in row["turns"] if turn["role"] == "customer")
    return tuple(text for text in texts if text) or (".",)


class _Once:
    """An encoder that remembers, for the folds encode the same messages again."""

    def __init__(self, encoder: Any) -> None:
        self.encoder, self.seen = encoder, dict[str, Any]()

    @property
    def dim(self) -> int:
        return int(self.encoder.dim)

    def encode(self, texts: Sequence[str], *, batch_size: int = 64) -> Any:
        new = [text for text in dict.fromkeys(texts) if text not in self.seen]
        self.seen.update(zip(new, self.encoder.encode(new, batch_size=batch_size), strict=True))
        return np.array([self.seen[text] for text in texts], dtype=np.float32)


def _ours(said: Sequence[tuple[str, ...]], gold: Truth, train: Truth, encoder: Any) -> tuple[Scores, float]:
    from data.mood import is_urgent
    from finetune.mood import MoodRow, fit_mood_head, vectors_of

    rows = [MoodRow(m, "en", bool(g), is_urgent(" ".join(m)), rated=True) for m, g in zip(said, gold, strict=True)]

    def scores(fit: NDArray[np.int64], asked: NDArray[np.int64]) -> Scores:
        head = fit_mood_head([rows[i] for i in fit], encoder)
        assert head is not None  # both kinds are in every fold
        messages = [said[i] for i in asked]
        table = head.probabilities(vectors_of(encoder, messages), messages, ["en"] * len(asked))
        return np.asarray(table[:, 0], dtype=np.float64)

    return _crossed(scores, gold, train)[:2]


def _tfidf(said: Sequence[tuple[str, ...]], gold: Truth, train: Truth) -> tuple[Scores, float]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    texts = [" ".join(messages) for messages in said]

    def with_penalty(penalty: float) -> Callable[[NDArray[np.int64], NDArray[np.int64]], Scores]:
        def scores(fit: NDArray[np.int64], asked: NDArray[np.int64]) -> Scores:
            vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
            table = vectorizer.fit_transform([texts[i] for i in fit])
            model = LogisticRegression(C=penalty, max_iter=1000).fit(table, gold[fit])
            return np.asarray(model.decision_function(vectorizer.transform([texts[i] for i in asked])))

        return scores

    tried = [_crossed(with_penalty(penalty), gold, train) for penalty in (1.0, 3.0, 10.0, 30.0)]
    return max(tried, key=lambda found: found[2])[:2]


def _vader(said: Sequence[tuple[str, ...]], gold: Truth, train: Truth) -> tuple[Scores, float]:
    from data.mood import mood_score

    each = [[-mood_score(message, "en") for message in messages] for messages in said]
    whole = np.array([-mood_score(" ".join(messages), "en") for messages in said])
    mean, worst = np.array([np.mean(row) for row in each]), np.array([max(row) for row in each])
    tried = [(scores, *_bar(scores[train], gold[train])) for scores in (whole, mean, worst)]
    return max(tried, key=lambda found: found[2])[:2]


def _crossed(
    scores: Callable[[NDArray[np.int64], NDArray[np.int64]], Scores], gold: Truth, train: Truth
) -> tuple[Scores, float, float]:
    """Scores of all rows by a fit on `train`; threshold, and its F1, from a cross-validation of `train`."""
    from sklearn.model_selection import StratifiedKFold

    rows = np.flatnonzero(train)
    out = np.zeros(len(rows))
    for fit, asked in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(rows, gold[rows]):
        out[asked] = scores(rows[fit], rows[asked])
    return scores(rows, np.arange(len(gold))), *_bar(out, gold[rows])


def _bar(scores: Scores, gold: Truth) -> tuple[float, float]:
    """The threshold with the best F1, and that F1."""
    bars = np.quantile(scores, np.linspace(0.02, 0.98, 97))
    return max(((float(bar), _f1(scores >= bar, gold)) for bar in bars), key=lambda found: found[1])


def _f1(found: Truth, gold: Truth) -> float:
    return float(2 * (found & gold).sum() / max(1, found.sum() + gold.sum()))
