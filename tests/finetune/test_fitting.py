"""The fitted parts against oracles: scikit-learn, scipy, figures by hand."""

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.special import log_softmax

from data.errors import InputError
from finetune.calibrate import (
    LOOSE,
    STRICT,
    Judged,
    blend_of,
    noise_texts,
    platt_of,
    precision_wanted,
    temperature_of,
    thresholds_of,
)
from finetune.examples import TrainingData, balanced, evenly
from finetune.linear import fit_linear
from finetune.pace import LengthBatches
from finetune.ranker import Ranked, fit_ranker, with_platt
from finetune.testing import little_shop, write_dataset
from retrieval.rank import FEATURES, Ranker, column


def _blobs(seed: int = 0) -> tuple[np.ndarray, csr_matrix, np.ndarray]:
    random = np.random.default_rng(seed)
    gold = np.arange(300) % 3
    dense = np.eye(4, dtype=np.float32)[gold] + random.normal(0, 0.3, (300, 4)).astype(np.float32)
    words = np.zeros((300, 50), dtype=np.float32)
    words[np.arange(300), gold * 10 + random.integers(0, 10, 300)] = 1.0
    return dense, csr_matrix(words), gold.astype(np.int64)


@pytest.mark.parametrize("blind", ["dense", "ngrams"])
def test_each_half_of_the_head_learns_without_the_other(blind: str) -> None:
    dense, ngrams, gold = _blobs()
    dense = dense * 0 if blind == "dense" else dense
    ngrams = ngrams * 0 if blind == "ngrams" else ngrams
    fit = fit_linear(dense, csr_matrix(ngrams, dtype=np.float32), gold, classes=3, passes=5, steps=300, seed=0)
    logits = dense @ fit.dense.T + ngrams @ fit.ngrams.T + fit.bias
    assert (np.asarray(logits).argmax(axis=1) == gold).mean() > 0.95


def test_columns_seen_once_weigh_nothing() -> None:
    dense, _, gold = _blobs()
    once = csr_matrix((np.ones(1, dtype=np.float32), ([0], [7])), shape=(300, 50))
    assert fit_linear(dense, once, gold, classes=3, passes=1, steps=1, seed=0).ngrams.nnz == 0


def test_temperature_is_the_best_on_a_grid() -> None:
    random = np.random.default_rng(1)
    logits = random.normal(0, 4, (500, 5))
    gold = np.where(random.random(500) < 0.7, logits.argmax(axis=1), random.integers(0, 5, 500))
    grid = np.linspace(0.3, 5, 200)
    losses = [-log_softmax(logits / t, axis=1)[np.arange(500), gold].mean() for t in grid]
    assert abs(temperature_of(logits, gold) - grid[int(np.argmin(losses))]) < 0.05


def test_a_blend_trusts_the_half_that_knows() -> None:
    random = np.random.default_rng(4)
    gold = random.integers(0, 4, 400)
    knows = np.eye(4)[gold] * 3 + random.normal(0, 1, (400, 4))
    guesses = random.normal(0, 3, (400, 4))
    first, second = blend_of(knows, guesses, gold)
    assert second < 0.1 < first
    grid = [(a, b) for a in np.linspace(0, 5, 26) for b in (0.0, 0.1, 0.2)]
    losses = [-log_softmax(a * knows + b * guesses, axis=1)[np.arange(400), gold].mean() for a, b in grid]
    ours = -log_softmax(first * knows + second * guesses, axis=1)[np.arange(400), gold].mean()
    assert ours <= min(losses) + 1e-6


def test_platt_finds_the_sigmoid_that_drew_the_labels() -> None:
    random = np.random.default_rng(2)
    scores = random.normal(0, 2, 5000)
    right = random.random(5000) < 1 / (1 + np.exp(-(1.5 * scores - 0.5)))
    slope, offset = platt_of(scores, right)
    assert abs(slope - 1.5) < 0.15
    assert abs(offset + 0.5) < 0.15
    assert platt_of(scores[:5], right[:5]) == (1.0, 0.0)


def test_the_ranker_learns_which_evidence_counts() -> None:
    random = np.random.default_rng(3)
    queries = []
    for _ in range(80):
        features = random.random((6, len(FEATURES))).astype(np.float32)
        queries.append(Ranked(features, int(features[:, column("recency")].argmax())))
    ranker = fit_ranker(queries)
    hits = [int(ranker.scores(q.features).argmax()) == q.right for q in queries]
    before = [int(Ranker.default().scores(q.features).argmax()) == q.right for q in queries]
    assert np.mean(hits) > 0.6 > np.mean(before)
    probability = with_platt(ranker, queries).probabilities(queries[0].features)
    assert ((probability > 0) & (probability < 1)).all()


def _misleading(count: int) -> list[Ranked]:
    """Queries in which ``dense`` tells, and ``outcome`` points at a wrong candidate in every second one."""
    random = np.random.default_rng(5)
    queries = []
    for i in range(count):
        features = np.zeros((6, len(FEATURES)), dtype=np.float32)
        features[:, column("dense")] = random.random(6)
        right = int(features[:, column("dense")].argmax())
        features[:, column("outcome")] = random.normal(0, 3, 6)
        if i < count // 4:  # only the oldest quarter is as the evidence says
            features[right, column("outcome")] = 20.0
        queries.append(Ranked(features, right))
    return queries


def test_evidence_that_does_not_gain_is_left_out() -> None:
    queries = _misleading(160)
    assert fit_ranker(queries).weights[column("outcome")] == 0.0
    assert fit_ranker(queries[:60]).weights[column("outcome")] != 0.0  # too few to choose


def test_queries_of_more_weight_count_more() -> None:
    random = np.random.default_rng(6)
    tables = [random.random((4, len(FEATURES))).astype(np.float32) for _ in range(80)]
    by = [column("support") if i % 2 else column("recency") for i in range(80)]
    rankers = [
        fit_ranker(
            [
                Ranked(table, int(table[:, name].argmax()), weight if name == column("support") else 1.0)
                for table, name in zip(tables, by, strict=True)
            ]
        )
        for weight in (0.2, 5.0)
    ]
    light, heavy = (ranker.weights[column("support")] for ranker in rankers)
    assert heavy > light


def test_few_queries_leave_the_hand_set_weights() -> None:
    assert fit_ranker([Ranked(np.ones((3, len(FEATURES)), dtype=np.float32), 0)] * 5) == Ranker.default()


def test_sure_is_where_the_first_answer_is_right_often_enough() -> None:
    judged = [Judged(best=0.5 + i / 400, right=i >= 100, offered=True, known=0.9) for i in range(200)]
    thresholds = thresholds_of(judged, noise=[0.1] * 50, precision=0.7)
    said = [row.right for row in judged if row.best >= thresholds.sure]
    assert np.mean(said) >= 0.7 - 0.01
    assert thresholds.unsure < thresholds.sure
    assert 0.1 < thresholds.known <= 0.5


def test_what_is_wanted_follows_how_agents_agree() -> None:
    assert precision_wanted([True] * 60) == STRICT
    assert precision_wanted([True, True, False] * 20) == pytest.approx(0.95 * 2 / 3)
    assert precision_wanted([False] * 60) == LOOSE
    assert LOOSE < precision_wanted([True] * 5) < STRICT


def test_noise_is_the_same_each_time() -> None:
    assert noise_texts(5) == noise_texts(5)


def test_balanced_keeps_both_ceilings() -> None:
    rows = balanced(["a"] * 90 + ["b"] * 5, most=20, most_per_group=8, seed=0)
    assert sorted(rows) == sorted(set(rows.tolist()))
    assert sum(row < 90 for row in rows) == 8
    assert len(rows) == 13
    assert len(balanced(["a"] * 90, most=4, most_per_group=50, seed=0)) == 4


def test_evenly_takes_first_and_last() -> None:
    assert evenly(10, 3).tolist() == [0, 4, 9]
    assert evenly(3, 10).tolist() == evenly(3, 0).tolist() == [0, 1, 2]


def test_batches_hold_every_row_once_and_like_lengths_together() -> None:
    lengths = list(np.random.default_rng(0).integers(1, 400, 333))
    batches = LengthBatches(lengths, batch_size=16, seed=0)
    first, second = list(batches), list(batches)
    assert len(first) == len(batches)
    assert sorted(i for batch in first for i in batch) == list(range(333))
    assert first != second
    spans = [max(lengths[i] for i in batch) - min(lengths[i] for i in batch) for batch in first]
    assert np.mean(spans) < 50


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path, little_shop())
    with dataset.examples.open("a", encoding="utf-8") as stream:
        stream.write("{broken\n")
    with pytest.raises(InputError, match="examples line"):
        TrainingData.load(dataset)


def test_one_answer_only_is_too_little(tmp_path: Path) -> None:
    whole = little_shop()
    few = TrainingData(tuple(e for e in whole.examples if e.answer == "delivery"), (), whole.answers)
    with pytest.raises(InputError, match="two with different answers"):
        TrainingData.load(write_dataset(tmp_path, few))
