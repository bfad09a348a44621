from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from data.artifacts import ModelLayout, load_manifest
from data.errors import InputError
from finetune.continual import Start, rehearsal
from finetune.examples import TrainingData
from finetune.losses import KeepLoss
from finetune.recipe import load_recipe
from finetune.testing import little_shop, write_dataset
from finetune.train import train_model
from retrieval.testing import HashEncoder

WHOLE = little_shop()
NEW = {"sizes", "tuihuo"}
OLD = TrainingData(
    tuple(row for row in WHOLE.examples if row.answer not in NEW),
    tuple(row for row in WHOLE.intents if row.intent not in NEW),
    {key: answer for key, answer in WHOLE.answers.items() if key not in NEW},
)


def test_new_rows_old_rows_again_and_the_old_vectors() -> None:
    teacher = HashEncoder()
    lessons = rehearsal(WHOLE, OLD, teacher, seed=0)
    assert lessons.kept is not None
    rows = lessons.of("train")
    fresh = [row for row in rows if row.answer in NEW]
    assert len(fresh) == sum(row.answer in NEW for row in WHOLE.of("train"))
    assert {row.answer for row in rows} == set(WHOLE.answers), "all old answers are rehearsed"
    contexts = {row.context for row in OLD.of("train")} | {row.text for row in OLD.intents_of("train")}
    assert set(lessons.kept.texts) <= contexts, "what is kept is old"
    np.testing.assert_allclose(lessons.kept.vectors, teacher.encode(lessons.kept.texts))
    assert lessons.of("valid") == WHOLE.of("valid")


def test_without_the_old_dataset_the_new_texts_are_held() -> None:
    lessons = rehearsal(WHOLE, None, HashEncoder(), seed=0)
    assert lessons.kept is not None
    assert len(lessons.of("train")) == len(WHOLE.of("train"))
    assert lessons.kept.texts


def test_nothing_new_is_one_clear_line() -> None:
    with pytest.raises(InputError, match="has not seen"):
        rehearsal(OLD, OLD, HashEncoder(), seed=0)


def test_the_loss_is_nothing_where_nothing_moved() -> None:
    class Same(torch.nn.Module):
        def forward(self, features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            return {"sentence_embedding": features["vectors"]}

    vectors = torch.nn.functional.normalize(torch.randn(4, 8, generator=torch.Generator().manual_seed(0)))
    loss = KeepLoss(Same(), weight=5.0)  # type: ignore[arg-type]
    assert float(loss([{"vectors": vectors * 3}], vectors)) == pytest.approx(0, abs=1e-5)
    assert float(loss([{"vectors": -vectors}], vectors)) == pytest.approx(10)


def test_learning_on_keeps_old_topics_and_adds_new_ones(tmp_path: Path) -> None:
    datasets, models, recipe = tmp_path / "datasets", tmp_path / "models", load_recipe("tiny")
    first = train_model(
        write_dataset(datasets, OLD, key="old"), models, recipe=replace(recipe, epochs=0.0, max_held_out=4)
    )
    start = Start.of(first, datasets)
    grown = write_dataset(datasets, WHOLE, key="grown")
    second = train_model(grown, models, recipe=recipe, start=start)
    made = load_manifest(second.folder, kind="model")
    assert made.parents == {"dataset": "grown", "model": first.folder.name}
    topics = made.metrics["continued"]["topics"]
    assert topics["old"]["after"] >= topics["old"]["before"] - 0.1
    assert topics["new"]["before"] == 0
    assert topics["new"]["after"] > 0.5
    assert made.metrics["encoder"]["steps"] > 0
    (second.checkpoint / "model.safetensors").unlink()
    with pytest.raises(InputError):
        Start.of(ModelLayout(second.folder), datasets)
