import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score, roc_auc_score, roc_curve

from retrieval.evaluate import Ranking
from retrieval.metrics import NOT_FOUND, auroc, bootstrap, ece, false_positive_rate, mrr, ndcg, ranks_of, recall_at


def test_ranks_by_hand_with_ties_against_us_and_a_miss() -> None:
    scores = [[0.1, 0.9, 0.5], [0.4, 0.4, 0.1], [1.0, 2.0, 3.0]]
    assert ranks_of(scores, [2, 0, -1]).tolist() == [2, 2, NOT_FOUND]


def test_ranks_refuse_nan() -> None:
    with pytest.raises(ValueError, match="NaN"):
        ranks_of([[float("nan"), 1.0]], [0])


def test_recall_and_mrr_by_hand() -> None:
    ranks = [1, 2, 5, NOT_FOUND]
    assert recall_at(ranks, 1) == 0.25
    assert recall_at(ranks, 5) == 0.75
    assert mrr(ranks) == pytest.approx((1 + 1 / 2 + 1 / 5 + 0) / 4)
    assert recall_at([], 1) == mrr([]) == ece([], []) == 0.0


def test_ece_by_hand() -> None:
    # Bins of a half: (0, .5] holds .2 right and .4 wrong (gap |.5 - .3|), (.5, 1] holds .9 right (gap .1).
    assert ece([0.2, 0.4, 0.9], [True, False, True], bins=2) == pytest.approx((2 * 0.2 + 0.1) / 3)


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=40))
def test_auroc_is_that_of_sklearn(rows: list[tuple[int, bool]]) -> None:
    scores, positive = [float(s) for s, _ in rows], [p for _, p in rows]
    if len(set(positive)) < 2:
        with pytest.raises(ValueError, match="both kinds"):
            auroc(scores, positive)
        return
    assert auroc(scores, positive) == pytest.approx(roc_auc_score(positive, scores))


def test_false_positive_rate_is_that_of_the_roc_curve() -> None:
    random = np.random.default_rng(0)
    positive = random.random(400) < 0.4
    scores = random.standard_normal(400) + positive
    rates, recalls, _ = roc_curve(positive, scores, drop_intermediate=False)
    assert false_positive_rate(scores, positive) == pytest.approx(rates[np.argmax(recalls >= 0.95)])


def test_ndcg_is_that_of_sklearn() -> None:
    random = np.random.default_rng(0)
    scores, gold = random.random((50, 30)), random.integers(0, 30, 50)
    relevance = np.eye(30)[gold]
    assert ndcg(ranks_of(scores, gold)) == pytest.approx(ndcg_score(relevance, scores, k=10))
    assert ndcg([NOT_FOUND, 11]) == ndcg([]) == 0.0


def test_bootstrap_covers_the_mean_as_the_normal_interval_does() -> None:
    values = np.random.default_rng(1).random(400) < 0.3
    low, high = bootstrap(values)
    spread = 1.96 * np.sqrt(0.3 * 0.7 / 400)
    assert low == pytest.approx(values.mean() - spread, abs=0.01)
    assert high == pytest.approx(values.mean() + spread, abs=0.01)
    assert bootstrap(values) == (low, high)
    assert bootstrap([]) == (0.0, 0.0)
    assert bootstrap([0.5]) == (0.5, 0.5)


def test_a_ranking_has_its_figures_between_their_bounds() -> None:
    row = Ranking.of(np.array([1, 1, 2, 7, NOT_FOUND, 20])).to_json()
    for name, (low, high) in row["intervals"].items():
        assert low <= row[name] <= high
    assert row["ndcg10"] == pytest.approx((2 + 1 / np.log2(3) + 1 / 3) / 6, abs=1e-4)
    assert Ranking.of(np.zeros(0, dtype=np.int64)).to_json()["intervals"]["r1"] == [0.0, 0.0]
