"""A training run: killed and gone on with, out of memory, not a number, averaged, under an adversary, seeded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from data.errors import InputError
from finetune import paced
from finetune.checkpoints import Checkpoints, read
from finetune.encoder import find_base, load_encoder
from finetune.recipe import Recipe, load_recipe
from finetune.testing import little_shop
from finetune.trainer import Outcome, train_encoder

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ["where is my parcel", "i want my money back", "hello"]


def tiny(**changes: Any) -> Recipe:
    base = {"max_pairs": 48, "max_intent_pairs": 8, "minutes": 0.0, "max_length": 16, "judged": 8}
    return replace(load_recipe("tiny"), **{**base, **changes})


def trained(recipe: Recipe, **places: Path) -> tuple[np.ndarray, Outcome, list[str]]:
    said: list[str] = []
    model = load_encoder(find_base(recipe.base_model), max_length=recipe.max_length, device="cpu")
    outcome = train_encoder(
        model, little_shop(), recipe, progress=lambda done, words: said.append(words), **places
    )  # fmt: skip
    return model.encode(TEXTS), outcome, said


@pytest.fixture(scope="module")
def plain() -> tuple[np.ndarray, Outcome, list[str]]:
    return trained(tiny())


Plain = tuple[np.ndarray, Outcome, list[str]]


def test_one_seed_gives_one_encoder_and_another_seed_another(plain: Plain) -> None:
    again = trained(tiny())
    np.testing.assert_array_equal(plain[0], again[0])
    assert plain[1].judgements == again[1].judgements
    assert np.abs(plain[0] - trained(tiny(seed=1, max_pairs=8, max_intent_pairs=0))[0]).max() > 1e-4


_KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, "tests/finetune")
from test_session import tiny, trained
from finetune import checkpoints
save = checkpoints.Checkpoints.save
def save_and_wait(self, step, *rest, **more):
    save(self, step, *rest, **more)
    if step == 3:
        print("saved", flush=True)
        signal.pause()
checkpoints.Checkpoints.save = save_and_wait
trained(tiny(checkpoint_minutes=1e-6), keep=Path(sys.argv[1]))
"""


def test_a_run_that_was_killed_goes_on_to_the_same_result(plain: Plain, tmp_path: Path) -> None:
    keep = tmp_path / "training"
    process = subprocess.Popen([sys.executable, "-c", _KILLED, str(keep)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "saved\n"
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert [path.name for path in keep.iterdir()] == ["step-00000003"]
    vectors, outcome, _ = trained(tiny(checkpoint_minutes=60.0), keep=keep)
    assert outcome.resumed == 3
    assert outcome.steps == plain[1].steps > 4
    np.testing.assert_allclose(vectors, plain[0], atol=1e-4)  # another seed is 1e-2 away
    assert outcome.judgements == plain[1].judgements
    np.testing.assert_allclose(outcome.answer_layer, plain[1].answer_layer, atol=1e-3)
    again, read_back, said = trained(tiny(checkpoint_minutes=60.0), keep=keep)
    np.testing.assert_allclose(again, vectors, atol=1e-6)
    assert read_back.judgements == outcome.judgements
    assert not said  # a finished run is only read


def test_a_checkpoint_is_whole_or_not_there(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, every=1.0)
    kept.save(4, {"now.a": torch.ones(3)}, {"seconds": 1.5}, more={"trainer_state.json": "{}"})
    kept.save(9, {"now.a": torch.zeros(3)}, {})
    (tmp_path / ".step-00000012.tmp").mkdir()  # killed while it was written
    assert [path.name for path in tmp_path.glob("step-*")] == ["step-00000009"]
    tensors, notes = read(kept.latest())  # type: ignore[arg-type]
    assert tensors["now.a"].sum() == 0
    assert notes == {}
    assert not kept.is_due
    assert not Checkpoints(None, every=0.0).is_due


def _failing(monkeypatch: pytest.MonkeyPatch, *, above: int, error: Exception) -> list[int]:
    """Lets a step fail with more rows than ``above``; returns the sizes that were tried."""
    sizes: list[int] = []
    step = paced.SentenceTransformerTrainer.training_step

    def training_step(self: Any, model: Any, inputs: Any, items: Any = None) -> Any:
        sizes.append(len(inputs["label"]))
        if len(inputs["label"]) > above:
            raise error
        return step(self, model, inputs, items)

    monkeypatch.setattr(paced.SentenceTransformerTrainer, "training_step", training_step)
    return sizes


def test_full_memory_halves_the_batch_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = _failing(monkeypatch, above=3, error=torch.OutOfMemoryError("CUDA out of memory."))
    _, outcome, said = trained(tiny(max_pairs=16, max_intent_pairs=0))
    assert sizes == [8, 4, *[2] * 8]
    assert outcome.pieces == 4
    assert outcome.steps == 2
    assert any("memory is full" in words for words in said)


def test_memory_too_small_for_two_texts_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, above=0, error=RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"))
    with pytest.raises(InputError, match="too little memory for batches of 8"):
        trained(tiny(max_pairs=16, max_intent_pairs=0))


def test_other_errors_are_not_taken_for_full_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, above=0, error=RuntimeError("shapes differ"))
    with pytest.raises(RuntimeError, match="shapes differ"):
        trained(tiny(max_pairs=16, max_intent_pairs=0))


def test_a_loss_that_is_not_a_number_stops_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    step = paced.SentenceTransformerTrainer.training_step
    monkeypatch.setattr(
        paced.SentenceTransformerTrainer, "training_step", lambda *given: step(*given) * torch.tensor(float("nan"))
    )
    with pytest.raises(InputError, match=r"not a number .* in step 1; expected a finite one. Lower learning_rate"):
        trained(tiny(max_pairs=16, max_intent_pairs=0))


@pytest.mark.parametrize(
    "changes",
    [
        {
            "ema": 0.9, "adversary": 0.5, "accumulation": 2, "weight_decay": 0.1, "label_smoothing": 0.1,
            "dropout": 0.0, "attention": "eager", "length_buckets": False,
        },
        {
            "average_last": 2, "evaluations": 2, "gradient_checkpointing": True, "frozen_layers": 3, "typos": 0.3,
            "word_drop": 0.2, "workers": 1,
        },
    ],
    ids=["ema", "average_last"],
)  # fmt: skip
def test_options_go_together(changes: dict[str, Any]) -> None:
    vectors, outcome, _ = trained(tiny(max_pairs=24, **changes))
    assert np.isfinite(vectors).all()
    assert outcome.steps == (2 if changes.get("accumulation") else 4)
    assert outcome.trained_share > 0


def test_fp16_needs_a_graphics_card() -> None:
    with pytest.raises(InputError, match="fp16"):
        trained(tiny(precision="fp16"))


def test_the_course_of_a_run_is_there_for_tensorboard(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    _, outcome, _ = trained(tiny(max_pairs=20, max_intent_pairs=0, batch_size=2), board=tmp_path / "board")
    events = EventAccumulator(str(tmp_path / "board")).Reload()
    assert {"train/loss", "train/learning_rate", "valid/MRR"} <= set(events.Tags()["scalars"])
    assert events.Scalars("valid/MRR")[-1].value == pytest.approx(outcome.judgements[-1][1], abs=1e-4)


def test_weights_and_biases_hear_of_it_when_they_are_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Any] = []

    class Run:
        def log(self, figures: dict[str, float], step: int) -> None:
            heard.append((step, figures))

        def finish(self) -> None:
            heard.append("finished")

    package = tmp_path / "wandb.py"
    package.write_text("def init(**settings):\n    return Run()\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    import wandb  # type: ignore[import-not-found]

    wandb.Run = Run
    from finetune.tracking import Tracker

    for told in (False, True):
        monkeypatch.setenv("WANDB_MODE", "offline" if told else "disabled")
        track = Tracker(tmp_path / "board", name="mine")
        track(3, loss=0.5)
        track.close()
        assert heard == ([(3, {"loss": 0.5}), "finished"] if told else [])
    del sys.modules["wandb"]
