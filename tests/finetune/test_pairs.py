from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from finetune.e5 import PackedModel, write_folder
from finetune.encoder import find_base, load_encoder
from finetune.pairs import Pair, learn_pairs, pair_loss, pair_vectors
from tests.contracts.packed_e5 import write_packed


def test_the_loss_is_low_when_same_pairs_stand_above_the_others() -> None:
    same = torch.tensor([True, False, False])
    good, bad = torch.tensor([0.9, 0.1, 0.2]), torch.tensor([0.1, 0.9, 0.2])
    assert pair_loss(good, same) < 1e-4 < pair_loss(bad, same)
    expected = np.log(1 + np.exp(20 * (0.9 - 0.1)) + np.exp(20 * (0.2 - 0.1)))
    assert float(pair_loss(bad, same)) == pytest.approx(expected, rel=1e-5)


def test_a_batch_of_one_kind_costs_nothing() -> None:
    assert float(pair_loss(torch.tensor([0.4, 0.1]), torch.tensor([True, True]))) == 0.0


def test_training_puts_same_pairs_above_the_others_and_leaves_the_rest_alone(tmp_path: Path) -> None:
    write_packed(tmp_path / "packed.bin")
    (tmp_path / "model").mkdir()
    write_folder(PackedModel(tmp_path / "packed.bin"), tmp_path / "model")
    model = load_encoder(find_base(str(tmp_path / "model")), max_length=16, device="cpu")
    words = model[0].auto_model.get_input_embeddings().weight.detach().clone()
    pairs = [Pair("parcel", "快递", True), Pair("parcel", "快", False), Pair("c e", "快递", False)] * 4
    before = pair_vectors(model, ["parcel", "快递", "快"])
    np.testing.assert_allclose(before, model.encode(["parcel", "快递", "快"]), atol=2e-3)
    learn_pairs(model, pairs, layers=1, epochs=6, batch_size=6, learning_rate=5e-3)
    one, same, other = pair_vectors(model, ["parcel", "快递", "快"])
    assert one @ same - one @ other > before[0] @ before[1] - before[0] @ before[2]
    assert torch.equal(model[0].auto_model.get_input_embeddings().weight, words)
