"""Chinese and cross-language figures of bench `ranking`: ATEC pairs, CrossWOZ replies, topics in two languages.

What was tuned on what: layers, epochs and rates were fixed before the test parts were looked at; the weight of
logged questions in the cross-language search was chosen on another draw of wordings (docs/explain/bilingual.md).
"""

from __future__ import annotations

import gzip
import sys
import time
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.printer import Printer
from bench.shared import place_of

ATEC_TRAIN, ATEC_TEST = 12_000, 4_000
"""Pairs, drawn with seed 0 from the parts; all would take an hour."""

BASE = "multilingual-e5-small"
CHINESE = ("atec", "crosswoz", "languages")


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``only`` is some of ``CHINESE``; ``quick`` trains on a sixth of the ATEC pairs, without CrossWOZ."""
    wanted = set(only.split(",")) if only else set(CHINESE) - ({"crosswoz"} if quick else set())
    if quick:
        print("quick: ATEC trains on 2,000 pairs; CrossWOZ is left out", file=sys.stderr)
    if "atec" in wanted:
        _atec(printer, train=2_000 if quick else ATEC_TRAIN)
    if "crosswoz" in wanted:
        from bench import crosswoz

        crosswoz.measure(printer)
    if "languages" in wanted:
        from bench import languages

        languages.measure(printer)


def atec_parts(seed: int = 0) -> tuple[list[tuple[str, str, bool]], list[tuple[str, str, bool]]]:
    """ATEC's pairs, split by question: what pairs connect stays together, a fifth of the groups is for testing."""
    lines = gzip.decompress(place_of("atec_pairs.tsv.gz").read_bytes()).decode("utf-8-sig").splitlines()
    rows = [(one, other, label == "1") for _, one, other, label in (line.split("\t") for line in lines)]
    parent: dict[str, str] = {}

    def root(text: str) -> str:
        while parent.setdefault(text, text) != text:
            text = parent[text]
        return text

    for one, other, _ in rows:
        parent[root(one)] = root(other)
    groups = sorted({root(text) for text in list(parent)})
    random = np.random.default_rng(seed)
    tested = {groups[i] for i in random.permutation(len(groups))[: len(groups) // 5]}
    parts: dict[bool, list[tuple[str, str, bool]]] = defaultdict(list)
    for i in random.permutation(len(rows)):
        parts[root(rows[i][0]) in tested].append(rows[i])
    return parts[False], parts[True]


def _atec(printer: Printer, *, train: int) -> None:
    from finetune.encoder import find_base, load_encoder
    from finetune.pairs import Pair, learn_pairs, pair_vectors
    from finetune.unigram import prune_vocabulary

    started = time.monotonic()
    learned, tested = atec_parts()
    learned, tested = learned[:train], tested[:ATEC_TEST]
    base = find_base(BASE)
    model = load_encoder(base, max_length=48, device="cpu")
    texts = [text for one, other, _ in learned for text in (one, other)]
    prune_vocabulary(model, (base.prompt, *texts), most=30_000)
    same = np.array([row[2] for row in tested])
    ends = [[row[i] for row in tested] for i in (0, 1)]

    def cosines() -> NDArray[np.float64]:
        one, other = (pair_vectors(model, texts, prompt=base.prompt) for texts in ends)
        return np.asarray((one * other).sum(axis=1), dtype=np.float64)

    before = auc(cosines(), same)
    learn_pairs(model, [Pair(*row) for row in learned], prompt=base.prompt)
    after, peer = auc(cosines(), same), auc(_tfidf(learned, ends), same)
    print(f"ATEC AUC: fine-tuned {after:.4f}, as it came {before:.4f}, character TF-IDF {peer:.4f}", file=sys.stderr)
    seconds = time.monotonic() - started
    printer.figure(
        "zh_atec_auc", after, n=len(tested), seconds=seconds, peer="character TF-IDF", peer_value=peer
    )  # fmt: skip


def _tfidf(learned: Sequence[tuple[str, str, bool]], ends: list[list[str]]) -> NDArray[np.float64]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)
    vectorizer.fit(text for one, other, _ in learned for text in (one, other))
    one, other = (vectorizer.transform(texts) for texts in ends)
    return np.asarray(one.multiply(other).sum(axis=1), dtype=np.float64).ravel()


def auc(scores: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """Area under the ROC curve."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(same, scores))
