import json
from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError
from retrieval.rank import FEATURES, Ranker, column


def test_scores_and_probabilities_are_the_formula() -> None:
    size = len(FEATURES)
    random = np.random.default_rng(0)
    weights, mean, scale = random.standard_normal(size), random.standard_normal(size), 1 + random.random(size)
    ranker = Ranker(tuple(weights), tuple(mean), tuple(scale), bias=0.5, platt_slope=2.0, platt_offset=-1.0)
    features = random.standard_normal((5, size)).astype(np.float32)
    score = ((features - mean) / scale) @ weights + 0.5
    np.testing.assert_allclose(ranker.scores(features), score)
    np.testing.assert_allclose(ranker.probabilities(features), 1 / (1 + np.exp(-(2 * score - 1))))


def test_hand_set_weights_prefer_evidence_and_avoid_repetition() -> None:
    evidence = [column(name) for name in ("near_max", "lexical_near", "fused", "language")]
    rows = np.zeros((3, len(FEATURES)), dtype=np.float32)
    rows[:2, evidence] = 0.9
    rows[1, column("given")] = 1.0
    probabilities = Ranker.default().probabilities(rows)
    assert probabilities[0] > probabilities[1] > probabilities[2]
    assert probabilities[2] < 0.05


def test_a_loaded_ranker_is_the_same(tmp_path: Path) -> None:
    Ranker.default().save(tmp_path / "ranker.json")
    assert Ranker.load(tmp_path / "ranker.json") == Ranker.default()


def test_a_column_added_later_weighs_nothing_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ranker.json"
    Ranker.default().save(path)
    row = json.loads(path.read_text())
    for name in ("weights", "mean", "scale"):
        del row[name]["last"]
    path.write_text(json.dumps(row))
    assert Ranker.load(path).weights[column("last")] == 0.0
    row["weights"]["of another version"] = 1.0
    path.write_text(json.dumps(row))
    with pytest.raises(InputError, match="of another version"):
        Ranker.load(path)


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="weights has 1"):
        Ranker((1.0,), (0.0,), (1.0,))
