"""The base encoder is exported once and then only opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from finetune import base
from finetune.base import open_base
from finetune.recipe import load_recipe


@pytest.mark.slow
def test_the_export_is_made_once_and_tells_texts_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = load_recipe("tiny")
    first = open_base(tmp_path, recipe=recipe).encode(["where is my parcel", "parcel not here yet", "reset password"])
    assert np.allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    assert first[0] @ first[1] > first[0] @ first[2] + 0.2
    folders = list(tmp_path.iterdir())
    assert len(folders) == 1

    def refuse(*_: object) -> None:
        raise AssertionError("exported twice")

    monkeypatch.setattr(base, "_export", refuse)
    again = open_base(tmp_path, recipe=recipe).encode(["where is my parcel", "parcel not here yet", "reset password"])
    assert np.allclose(first, again)
