"""Rewriting of training texts, and averages of weights, and the adversary's move: each against what it should be."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from data.errors import InputError
from finetune.adversary import Adversary
from finetune.augment import Augmenter, drop_words, hook_of, with_slip
from finetune.averaging import Average
from finetune.recipe import Recipe

TEXT = "agent: Hello, how can I help?\ncustomer: where is my parcel please tell me"


def test_only_the_last_message_changes_and_in_the_same_way_again() -> None:
    augmenter = Augmenter(Recipe(typos=0.5, word_drop=0.3))
    changed = augmenter(TEXT)
    assert changed != TEXT
    assert changed.startswith("agent: Hello, how can I help?\ncustomer: ")
    assert augmenter(TEXT) == changed
    augmenter.epoch = 1
    assert augmenter(TEXT) != changed
    assert not Augmenter(Recipe()).is_on
    assert Augmenter(Recipe())(TEXT) == TEXT


def test_a_slip_is_small_and_spares_short_and_foreign_words() -> None:
    source = random.Random(0)
    slips = {with_slip("parcel", 0.999, source) for _ in range(200)}
    assert len(slips) > 15
    assert all(abs(len(slip) - 6) <= 1 and slip[0] == "p" and slip[-1] in "le" for slip in slips)
    assert with_slip("not", 0.999, source) == "not"
    assert with_slip("什么时候到", 0.999, source) == "什么时候到"


def test_about_the_wanted_share_of_words_is_left_out_and_one_stays() -> None:
    source = random.Random(0)
    kept = [len(drop_words(["a"] * 20, 0.2, source)) for _ in range(300)]
    assert np.mean(kept) == pytest.approx(16, abs=0.4)
    assert drop_words(["one"], 0.5, source) == ["one"]
    assert all(drop_words(["a", "b"], 0.5, source) for _ in range(50))


def test_a_hook_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "def synonyms(text, source):\n    return text.replace('parcel', 'package')\n"
    code += "def broken(text, source):\n    return 1\n"
    (tmp_path / "my_words.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    changed = Augmenter(Recipe(augmenters=("my_words:synonyms",)))(TEXT)
    assert changed == TEXT.replace("parcel", "package")
    with pytest.raises(InputError, match="got int; expected a text"):
        Augmenter(Recipe(augmenters=("my_words:broken",)))(TEXT)
    with pytest.raises(InputError, match="my_words:none"):
        hook_of("my_words:none")
    with pytest.raises(InputError, match="no_such_module"):
        hook_of("no_such_module:f")
    with pytest.raises(InputError, match="expected a function"):
        hook_of("sys:path")
    sys.modules.pop("my_words")


class _Little(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words = torch.nn.Embedding(5, 4)
        self.words.requires_grad_(False)

    def get_input_embeddings(self) -> torch.nn.Module:
        return self.words

    def loss(self, ids: torch.Tensor) -> torch.Tensor:
        return (self.words(ids) ** 2).sum()


def test_the_adversary_moves_along_the_gradient_by_the_wanted_length() -> None:
    model, ids = _Little(), torch.tensor([[1, 2, 3], [0, 0, 4]])
    with Adversary(model, strength=0.25) as adversary:
        first = model.loss(ids)
        first.backward()
        adversary.move()
        second = model.loss(ids)
    rows = model.words(ids).flatten(1)
    moved = rows + 0.25 * rows.norm(dim=1).mean() * rows / rows.norm(dim=1, keepdim=True)  # the gradient is 2 · rows
    assert float(second) == pytest.approx(float((moved**2).sum()), rel=1e-5)
    assert float(second) > float(first)
    assert float(model.loss(ids)) == pytest.approx(float(first))  # nothing stays
    with Adversary(model, strength=0.25), torch.no_grad():
        assert float(model.loss(ids)) == pytest.approx(float(first))


def test_averages_are_those_by_hand() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    seen: Any = lambda: iter([("w", weight)])  # noqa: E731
    average = Average(seen, decay=0.9, last=2)
    expected = None
    for step in range(1, 6):
        weight.data.fill_(float(step))
        average.step()
        average.remember()
        decay = min(0.9, (1 + step) / (10 + step))
        expected = float(step) if expected is None else decay * expected + (1 - decay) * step
    assert float(average.moving["w"]) == pytest.approx(expected, rel=1e-5)
    assert float(average.mean()["w"]) == 4.5
    with average.in_place():
        assert float(weight) == pytest.approx(expected, rel=1e-5)
    assert float(weight) == 5.0
    assert Average(seen, decay=0.0, last=0).mean() == {}
