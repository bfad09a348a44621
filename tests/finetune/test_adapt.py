"""An encoder is drawn towards a log without labels."""

from __future__ import annotations

import numpy as np
import pytest

from finetune import adapt
from finetune.adapt import AdaptedEncoder
from finetune.encoder import find_base
from finetune.recipe import load_recipe

PLACES = ("in oslo", "in rome", "tomorrow", "please", "for me", "today", "again", "at once", "by mail", "by phone")
ASKED = ("where is my parcel", "reset my password", "do the boots fit", "send me an invoice", "cancel the order",
         "is the shop open")  # fmt: skip


def texts_of() -> tuple[list[str], list[int]]:
    return [f"{ask} {place}" for ask in ASKED for place in PLACES], [i for i, _ in enumerate(ASKED) for _ in PLACES]


def contrast(vectors: np.ndarray, truth: list[int]) -> float:  # type: ignore[type-arg]
    """Mean cosine within a kind less the mean cosine between kinds."""
    cosines = vectors @ vectors.T
    same = np.equal.outer(truth, truth)
    return float(cosines[same].mean() - cosines[~same].mean())


@pytest.mark.slow
def test_questions_of_a_kind_move_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapt, "POSITIVES", 5)
    monkeypatch.setattr(adapt, "NEAR", 9)
    monkeypatch.setattr(adapt, "BATCH", 20)
    monkeypatch.setattr(adapt, "WARMUP", 2)
    base = find_base(load_recipe("tiny").base_model)
    texts, truth = texts_of()
    before = AdaptedEncoder(base, epochs=0)(texts)
    encoder = AdaptedEncoder(base, epochs=4)
    after = encoder(texts)
    assert np.allclose(np.linalg.norm(after, axis=1), 1, atol=1e-4)
    assert contrast(after, truth) > contrast(before, truth) + 0.03
    assert np.allclose(encoder(texts[:7]), after[:7], atol=2e-2), "a second call must not learn again"


@pytest.mark.slow
def test_without_learning_it_is_the_base_encoder() -> None:
    from finetune.encoder import load_encoder
    from retrieval.encoder import TrainingEncoder

    base = find_base(load_recipe("tiny").base_model)
    texts, _ = texts_of()
    plain = TrainingEncoder(load_encoder(base, max_length=48, device="cpu")).encode(texts)
    assert np.sum(AdaptedEncoder(base, epochs=0)(texts) * plain, axis=1).min() > 0.999
