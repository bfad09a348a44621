"""Weighing what speaks for a message being in scope."""

from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError
from finetune.scope import HeldOut, default_scope, fit_scope, gibberish
from retrieval.scope import EVIDENCE, IntentScope, scope_evidence, spelled_share

NAMES = list(EVIDENCE)


def _evidence(nearest: float, count: int, *, seed: int, spelled: float = 1.0) -> np.ndarray:
    random = np.random.default_rng(seed)
    rows = np.zeros((count, len(NAMES)))
    rows[:, NAMES.index("nearest")] = nearest + random.normal(0, 0.05, count)
    rows[:, NAMES.index("spelled")] = spelled
    return rows


def _scope() -> IntentScope:
    vectors = np.eye(4, dtype=np.float32)
    return default_scope(vectors, np.arange(4), vectors[:0])


def _held_out(count: int = 60) -> HeldOut:
    inside, outside = _evidence(0.9, count, seed=0), _evidence(0.5, count, seed=1)
    return HeldOut(inside, outside, _evidence(0.4, count, seed=2, spelled=0.1))


def test_both_sides_are_told_apart_after_fitting() -> None:
    scope, seen = fit_scope(_scope(), _held_out()), _held_out()
    assert (scope.known(seen.inside) >= scope.least).mean() > 0.95
    assert (scope.known(seen.outside) < scope.least).mean() > 0.95
    assert (scope.known(seen.noise) == 0).all()


def test_evidence_never_speaks_for_the_other_side() -> None:
    turned = HeldOut(_held_out().outside, _held_out().inside, _held_out().noise)
    weights = dict(zip(NAMES, fit_scope(_scope(), turned).weights, strict=True))
    assert weights["nearest"] >= 0 >= weights["stray"]


def test_few_messages_leave_the_scope_as_it_is() -> None:
    scope = _scope()
    assert fit_scope(scope, _held_out(5)) is scope


def test_evidence_by_hand() -> None:
    inside = np.array([[1, 0], [0.8, 0.6], [0, 1]], dtype=np.float32)
    row = scope_evidence(
        np.array([[1, 0]], dtype=np.float32), np.array([[2.0, 1.0]]), np.ones(1), inside, np.array([0, 0, 1]),
        np.array([[0, 1]], dtype=np.float32),
    )[0]  # fmt: skip
    found = dict(zip(NAMES, row, strict=True))
    assert found["nearest"] == pytest.approx(1)
    assert found["near"] == pytest.approx(0.6)
    assert found["agreed"] == pytest.approx(1)
    assert found["margin"] == pytest.approx(0.1)
    assert found["stray"] == pytest.approx(0)


def test_what_was_saved_loads(tmp_path: Path) -> None:
    scope, seen = fit_scope(_scope(), _held_out()), _held_out()
    scope.save(tmp_path / "scope.npz")
    again = IntentScope.load(tmp_path / "scope.npz")
    assert np.allclose(again.known(seen.inside), scope.known(seen.inside))
    assert again.least == scope.least
    (tmp_path / "broken.npz").write_bytes(b"no")
    with pytest.raises(InputError):
        IntentScope.load(tmp_path / "broken.npz")


def test_letters_are_needed_to_spell() -> None:
    class Blind:
        dim = 1

    assert spelled_share(Blind(), ["", "?!", "123", "hello", "退货"]).tolist() == [0, 0, 0, 1, 1]  # type: ignore[arg-type]


def test_noise_is_the_same_for_one_seed_only() -> None:
    assert gibberish(20, seed=1) == gibberish(20, seed=1) != gibberish(20, seed=2)
