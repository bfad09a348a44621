"""What is mined as a negative, and what must never be."""

from dataclasses import replace

import numpy as np
import torch

from data.schema import Answer, Example
from finetune.encoder import find_base, load_encoder
from finetune.examples import TrainingData
from finetune.negatives import COPY_COSINE, MARGIN, mine_negatives
from finetune.recipe import Recipe, load_recipe
from finetune.testing import little_shop
from finetune.trainer import _tasks
from retrieval.testing import HashEncoder

_TEXTS = {
    "post": "parcels leave our house each morning by post",
    "copy": "Parcels leave our house each morning, by post!",
    "near": "parcels come back to our house by post",
    "far": "bananas are yellow",
    "zh": "包裹每天早上寄出",
}


def _data() -> TrainingData:
    answers = {name: Answer(name, text, "zh" if name == "zh" else "en", support=1) for name, text in _TEXTS.items()}
    examples = tuple(Example(f"c{i}", 0, text, name, "train", "en") for i, (name, text) in enumerate(_TEXTS.items()))
    return TrainingData(examples, (), answers)


def test_neither_the_answer_nor_its_copy_nor_what_scores_as_high_is_mined() -> None:
    data, encoder = _data(), HashEncoder()
    (mined,) = mine_negatives(data.of("train")[:1], data, encoder, Recipe(hard_negatives=1))
    assert mined == ("near",)
    vectors = encoder.encode([_TEXTS["post"], _TEXTS["near"]])
    assert vectors[0] @ vectors[1] < min(COPY_COSINE, MARGIN)


def test_each_example_has_its_number_of_negatives() -> None:
    data = _data()
    mined = mine_negatives(data.of("train"), data, HashEncoder(), Recipe(hard_negatives=3))
    assert np.shape(mined) == (5, 3)
    assert all(example.answer not in row for example, row in zip(data.of("train"), mined, strict=True))


def test_a_context_that_is_nearer_to_another_answer_does_not_get_it() -> None:
    data = _data()
    misled = replace(data.examples[0], context=_TEXTS["near"])
    (mined,) = mine_negatives([misled], data, HashEncoder(), Recipe(hard_negatives=1))
    assert mined[0] not in {"near", "post"}


def test_mined_negatives_and_weights_reach_the_loss() -> None:
    shop = little_shop()
    shop = replace(shop, examples=tuple(replace(example, weight=0.6) for example in shop.examples))
    recipe = replace(load_recipe("tiny"), hard_negatives=1, memory=16, max_pairs=8)
    model = load_encoder(find_base(recipe.base_model), max_length=recipe.max_length, device="cpu")
    datasets, losses = _tasks(model, shop, recipe)
    rows = datasets["answers"]
    assert rows.column_names == ["context", "answer", "label", "negative_0"]
    assert [[round(value, 4) for value in label[1:2]] for label in rows["label"]] == [[0.6]] * 8
    assert all(label[0] != label[2] for label in rows["label"])
    texts = [list(rows[name]) for name in ("context", "answer", "negative_0")]
    loss = losses["answers"]([model.preprocess(column) for column in texts], torch.tensor(rows["label"][:]))
    assert torch.isfinite(loss)
