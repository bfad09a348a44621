"""Two processes train one model: `torchrun` with gloo, as on a machine with two graphics cards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import torch

from data.artifacts import is_complete, load_manifest
from finetune import processes
from finetune.testing import little_shop, write_dataset

ROOT = Path(__file__).resolve().parents[2]

_BOTH = """
import hashlib, json, os, sys
from dataclasses import replace
from pathlib import Path
from data.artifacts import DatasetLayout
from finetune import processes
from finetune.recipe import load_recipe
from finetune.train import train_model
folder = Path(sys.argv[1])
average, seen = processes.average_gradients, []
def recorded(parameters):
    free = list(parameters)
    own = [w.grad.clone() for w in free if w.grad is not None]
    average(free)
    digest = hashlib.sha256(b"".join(w.grad.numpy().tobytes() for w in free))
    seen.append([float(sum(g.abs().sum() for g in own)), digest.hexdigest()])
processes.average_gradients = recorded
recipe = replace(load_recipe("tiny"), minutes=0.0, max_pairs=32, max_intent_pairs=8, judged=8, unknown_characters=0)
train_model(DatasetLayout(folder / "datasets" / "little"), folder / "models", recipe=recipe)
(folder / f"rank{os.environ['RANK']}.json").write_text(json.dumps(seen))
"""


def test_two_processes_train_one_model(tmp_path: Path) -> None:
    write_dataset(tmp_path / "datasets", little_shop())
    script = tmp_path / "both.py"
    script.write_text(_BOTH, encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run(
        [*command, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=380,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    (model,) = (tmp_path / "models").iterdir()  # one, and no draft
    assert is_complete(model, kind="model")
    assert not (model / "training").exists()
    first, second = (json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in (0, 1))
    assert len(first) == len(second) == load_manifest(model, kind="model").metrics["encoder"]["steps"] == 2
    assert [digest for _, digest in first] == [digest for _, digest in second]
    assert [own for own, _ in first] != [own for own, _ in second]  # each had batches of its own


def test_alone_nothing_is_exchanged() -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    weight.grad = torch.full((2,), 3.0)
    processes.gather_round()
    processes.average_gradients([weight])
    processes.wait_for_all()
    assert weight.grad.tolist() == [3.0, 3.0]
    assert processes.is_first()
    assert processes.shared("said") == "said"
