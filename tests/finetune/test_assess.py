"""Figures of intents, scope, groups and errors against independent oracles, and the peers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from data.schema import IntentExample
from finetune.assess import Judged, Share, ahead_of, confusions, intent_figures, per_intent, reliability, scope_figures
from finetune.classifiers import Classifier, Predicted, Remembered, Served, frozen_logistic, tfidf_svm
from finetune.folds import cross_validation, head_fit, learning_curve, peer_fit
from finetune.head import fit_intent_head
from finetune.labelled import Labelled
from finetune.recipe import load_recipe
from finetune.slices import errors, groups, slices
from finetune.testing import little_shop
from retrieval.metrics import ece
from retrieval.testing import HashEncoder

LABELS = ("a", "b", "c")


def judged(count: int = 90, seed: int = 0) -> Judged:
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet([0.4] * 3, count).astype(np.float32)
    gold = [LABELS[i] for i in random.integers(0, 3, count)]
    return Judged.of(gold, Predicted(probabilities, np.zeros(count, dtype=np.float32)), LABELS)


def rows_of(one: Judged) -> list[Labelled]:
    return [
        Labelled("x" * (5 + i), gold, "zh" if i % 3 else "en", channel="web" if i % 2 else None, time=float(i))
        for i, gold in enumerate(one.gold)
    ]


def test_figures_are_those_of_sklearn() -> None:
    one = judged()
    figures = intent_figures(one)
    assert figures["accuracy"]["value"] == pytest.approx(accuracy_score(one.gold, one.guessed), abs=1e-4)
    assert figures["macro_f1"] == pytest.approx(f1_score(one.gold, one.guessed, average="macro"), abs=1e-4)
    assert figures["ece"] == pytest.approx(ece(one.confidence, one.right), abs=1e-4)
    assert figures["accuracy"]["low"] < figures["accuracy"]["value"] < figures["accuracy"]["high"]


def test_the_bins_of_reliability_add_up_to_the_calibration_error() -> None:
    one = judged()
    bins = reliability(one.confidence, one.right)
    assert sum(row["n"] for row in bins) == len(one.gold)
    total = sum(row["n"] * abs(row["accuracy"] - row["confidence"]) for row in bins) / len(one.gold)
    assert total == pytest.approx(ece(one.confidence, one.right), abs=1e-3)


def test_confusions_and_intents_by_hand() -> None:
    one = Judged(("a", "a", "a", "b"), ("a", "b", "b", "b"), np.ones(4, dtype=np.float32))
    assert confusions(one) == [("a", "b", 2)]
    worst, best = per_intent(one)
    assert (worst["intent"], worst["precision"], worst["recall"], worst["taken_for"]) == ("a", 1.0, 0.3333, "b (2)")
    assert (best["intent"], best["precision"], best["n"]) == ("b", 0.3333, 1)


def test_an_intent_that_is_not_known_is_a_mistake() -> None:
    one = Judged.of(["d"], Predicted(np.array([[0.8, 0.1, 0.1]]), np.zeros(1)), LABELS)
    assert not one.right.any()
    assert intent_figures(one)["macro_f1"] == 0.0


def test_scope_figures() -> None:
    known, inside = np.array([0.9, 0.8, 0.7, 0.3, 0.2, 0.75]), np.array([True, True, True, False, False, False])
    figures = scope_figures(known.astype(np.float32), inside)
    assert figures["auroc"] == pytest.approx(roc_auc_score(inside, known), abs=1e-4)
    assert figures["fpr95"] == pytest.approx(1 / 3, abs=1e-4)
    assert figures["recall_at_loss"]["5%"] == pytest.approx(2 / 3, abs=1e-4)
    assert scope_figures(known.astype(np.float32), np.ones(6, dtype=bool)) == {}


def test_nothing_to_measure_is_no_error() -> None:
    none = Judged.of([], Predicted(np.zeros((0, 3)), np.zeros(0)), LABELS)
    assert intent_figures(none)["accuracy"]["n"] == 0
    assert per_intent(none) == confusions(none) == errors([], none) == []
    assert groups([], none) == {}
    assert Share(0, 0).to_json() == {"value": 0.0, "low": 0.0, "high": 1.0, "n": 0}


def test_a_lead_is_paired() -> None:
    ours, peer = np.ones(100, dtype=bool), np.arange(100) >= 10
    lead = ahead_of(ours, peer)
    assert lead["points"] == 10.0
    assert 4 < lead["low"] < 10 < lead["high"] < 17
    assert ahead_of(ours, ours) == {"points": 0.0, "low": 0.0, "high": 0.0}


def test_groups_slices_and_errors_cover_the_rows() -> None:
    one = judged()
    rows = rows_of(one)
    found = groups(rows, one)
    assert sum(row["accuracy"]["n"] for row in found["language"]["rows"]) == 90
    assert found["channel"]["gap"] is None
    assert [row["accuracy"]["n"] for row in found["channel"]["rows"]] == [45]
    best, worst = (f(r["accuracy"]["value"] for r in found["language"]["rows"]) for f in (max, min))
    assert found["language"]["gap"] == pytest.approx(100 * (best - worst), abs=0.1)
    parts = slices(rows, one)
    assert [row["group"] for row in parts["age"]][::3] == ["oldest quarter", "newest quarter"]
    assert [row["group"] for row in parts["length"]] == ["up to 20", "21 to 40", "41 to 80", "81 to 160"]
    listed = errors(rows, one)
    assert len(listed) == int((~one.right).sum())
    assert listed[0]["confidence"] == pytest.approx(float(one.confidence[~one.right].max()), abs=1e-3)


def test_groups_that_differ_are_told_from_chance() -> None:
    gold = ("a",) * 400
    guessed = tuple("a" if i % 2 or i % 4 else "b" for i in range(400))
    one = Judged(gold, guessed, np.full(400, 0.9, dtype=np.float32))
    apart = [Labelled("x", "a", "en" if i % 2 else "zh") for i in range(400)]
    assert groups(apart, one)["language"]["differs"]
    alike = [Labelled("x", "a", "en" if i < 200 else "zh") for i in range(400)]
    assert not groups(alike, one)["language"]["differs"]


@pytest.fixture(scope="module")
def systems() -> list[Classifier]:
    shop, encoder = little_shop(), Remembered(HashEncoder())
    head = fit_intent_head(shop, encoder, load_recipe("tiny"), progress=lambda done, words: None)
    assert head is not None
    train, valid = shop.intents_of("train"), shop.intents_of("valid")
    return [Served(head, encoder), tfidf_svm(train, valid), frozen_logistic(train, valid, encoder=encoder)]


def test_all_systems_know_the_shop(systems: Sequence[Classifier]) -> None:
    rows = little_shop().intents_of("test")
    for system in systems:
        predicted = system.predict([row.text for row in rows])
        assert predicted.probabilities.shape == (len(rows), len(system.labels))
        np.testing.assert_allclose(predicted.probabilities.sum(axis=1), 1.0, atol=1e-4)
        assert Judged.of([row.intent for row in rows], predicted, system.labels).right.mean() > 0.8
        assert system.predict([]).probabilities.shape == (0, len(system.labels))


def test_a_peer_may_have_two_intents_only() -> None:
    rows = [IntentExample(f"{word} {i}", word, "topic", "train", "en") for word in ("left", "right") for i in range(5)]
    peer = tfidf_svm(rows)
    assert Judged.of(["left", "right"], peer.predict(["left", "right"]), peer.labels).right.all()


def test_folds_and_curve_measure_on_rows_that_were_left_out() -> None:
    shop, recipe = little_shop(), load_recipe("tiny")
    rows = [*shop.intents_of("train"), IntentExample("only once", "rare", "topic", "train", "en")]
    fits = {"ours": head_fit(Remembered(HashEncoder()), recipe), "peer": peer_fit}
    found = cross_validation(rows, fits, folds=2, progress=lambda done, words: None)
    assert [row["system"] for row in found] == ["ours", "peer"]
    assert all(row["accuracy"]["n"] == len(rows) - 1 for row in found)
    assert all(row["accuracy"]["value"] > 0.5 for row in found)
    held = list(shop.intents_of("test"))
    curve = learning_curve(rows, held, fits, parts=(0.1, 1.0), progress=lambda done, words: None)
    assert [row["rows"] for row in curve] == [round(0.1 * len(rows)), len(rows)]
    for name in fits:
        assert curve[0]["systems"][name]["value"] < curve[1]["systems"][name]["value"]
