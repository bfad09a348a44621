"""The bridge learns what corresponds, and search uses it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError
from data.schema import Answer, Example
from finetune.bridge import fit_bridge
from finetune.recipe import Recipe
from retrieval.bridge import Bridge
from retrieval.index import Index
from retrieval.match import Matcher, Query
from retrieval.rank import column
from retrieval.testing import HashEncoder

_PAIRS = {"parcel": "three working days", "jacket": "wash it at thirty degrees", "refund": "within a month, unused"}
_ENCODER = HashEncoder(dim=32)
_RECIPE = Recipe(bridge_epochs=100)


def _index(contexts: int) -> Index:
    answers = [Answer(name, text, "en", support=1) for name, text in _PAIRS.items()]
    names = list(_PAIRS)
    examples = [
        Example(f"c{i}", 1, f"my {names[i % 3]} number {i}", names[i % 3], "train", "en") for i in range(contexts)
    ]
    return Index.from_parts(answers, examples, _ENCODER)


def test_what_was_learned_holds_for_new_contexts(tmp_path: Path) -> None:
    index = _index(240)
    bridge = fit_bridge(index, _ENCODER, _RECIPE)
    assert bridge is not None
    bridge.save(tmp_path / "bridge.npz")
    bridge = Bridge.load(tmp_path / "bridge.npz")
    for name in _PAIRS:
        (match,) = Matcher(index, _ENCODER, bridge=bridge).match([Query.of(f"about the {name}")], sayable_only=False)
        best = match.rows[match.features[:, column("bridge")].argmax()]
        assert index.answers[best].id == name
        (plain,) = Matcher(index, _ENCODER).match([Query.of(f"about the {name}")], sayable_only=False)
        assert not plain.features[:, column("bridge")].any()


def test_the_same_seed_gives_the_same_bridge() -> None:
    index = _index(240)
    first, second = (fit_bridge(index, _ENCODER, replace(_RECIPE, bridge_epochs=100)) for _ in range(2))
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.context, second.context)


def test_little_data_or_none_wanted_fits_nothing() -> None:
    assert fit_bridge(_index(100), _ENCODER, _RECIPE) is None
    assert fit_bridge(_index(240), _ENCODER, replace(_RECIPE, bridge_pairs=0)) is None


def test_what_is_no_bridge_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bridge.npz").write_text("nonsense", encoding="utf-8")
    with pytest.raises(InputError):
        Bridge.load(tmp_path / "bridge.npz")
    eye = np.eye(3, dtype=np.float32)
    with pytest.raises(ValueError, match="message"):
        Bridge(eye, eye[:2], eye, eye[0], eye[0], eye[0])
