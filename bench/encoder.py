"""Bench `encoder`: a message's way through encoder and head, int8 beside fp32 and eager torch; memory of serving.

Messages of BANKING77's test split, one by one, on one core; the systems take turns on blocks of 25, so that what else
the machine does hits them alike. Weights are those of the base model: how long it takes does not depend on them.
Nothing is tuned here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.labelled import banking77
from bench.printer import ROOT, CannotRun, Printer

ANSWERS = 10_000
TAUGHT = 2000
"""Training questions where only speed is asked for: a head takes as long, however many it was taught."""

ASKED = 300
"""Messages that the process whose memory is measured answers."""

BLOCK = 25
"""Messages after which the next system has its turn: by each single message they would throw each other's weights out
of the cache; by long runs the machine's other work would not hit them alike."""

_TORCH_EVERY = 5


@dataclass(frozen=True)
class Served:
    """A model and an index of it on disk, and the same encoder as fp32 and in torch."""

    model: Any
    index: Any
    fp32: Any
    torch: Any


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``only`` is ``speed`` or ``memory``; ``quick`` asks 300 of the 3,080 messages."""
    test = [text for text, _ in banking77()[1]]
    if quick:
        print("quick: 300 of the test messages", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="careline-bench-") as folder:
        served = _make(Path(folder), TAUGHT if only == "speed" else ANSWERS)
        if only in (None, "speed"):
            with _one_core():
                _speed(printer, served, test[:: len(test) // 300] if quick else test)
        if only in (None, "memory"):
            _memory(printer, served, test[:ASKED])


def _make(folder: Path, count: int) -> Served:
    """The base encoder with a head for BANKING77's intents, and an index of its training questions."""
    from data.artifacts import IndexLayout, Manifest, ModelLayout, create
    from data.schema import Answer, Example, IntentExample
    from finetune.encoder import find_base, load_encoder
    from finetune.examples import TrainingData
    from finetune.export import export_encoder, write_encoder
    from finetune.head import fit_intent_head
    from finetune.recipe import load_recipe
    from retrieval.encoder import OnnxEncoder
    from retrieval.index import Index

    rows = banking77()[0]
    rows = rows[:: len(rows) // count][:count]
    recipe = load_recipe("laptop")
    base = find_base(recipe.base_model)
    model = load_encoder(base, max_length=recipe.max_length, device="cpu")
    intents = tuple(IntentExample(text, label, "topic", "train", "en") for text, label in rows)
    with create(folder, Manifest("model", "model")) as draft:
        layout = ModelLayout(draft.folder)
        export_encoder(model, layout, base=base, recipe=recipe, probes=[])
        encoder = _Once(OnnxEncoder.load(layout), [text for text, _ in rows])
        data = TrainingData((), intents, {})
        head = fit_intent_head(data, encoder, replace(recipe, head_steps=200), progress=lambda done, words: None)
        assert head is not None
        head.save(layout.intent_head)
    answers = [Answer(f"a{i}", text, "en", support=1, topics=(label,)) for i, (text, label) in enumerate(rows)]
    asked = [Example(f"c{i}", 0, text, f"a{i}", "train", "en") for i, (text, _) in enumerate(rows)]
    with create(folder, Manifest("index", "index", parents={"model": "model"})) as draft:
        Index.from_parts(answers, asked, encoder).save(IndexLayout(draft.folder))
    made = ModelLayout(folder / "model")
    fp32 = ModelLayout(folder / "fp32")
    fp32.folder.mkdir()
    write_encoder(model, fp32.encoder)
    for name in ("tokenizer", "encoder_config", "intent_head"):
        getattr(fp32, name).write_bytes(getattr(made, name).read_bytes())
    return Served(made, IndexLayout(folder / "index"), fp32, model)


class _Once:
    """An encoder that has encoded its texts already: head, answers and questions are the same ones."""

    def __init__(self, encoder: Any, texts: list[str]) -> None:
        self.dim: int = encoder.dim
        self._row = {text: i for i, text in enumerate(texts)}
        self._vectors = encoder.encode(texts)

    def encode(self, texts: Sequence[str], *, batch_size: int = 64) -> Any:
        return self._vectors[[self._row[text] for text in texts]]


@contextmanager
def _one_core() -> Iterator[None]:
    import torch

    cores, threads = os.sched_getaffinity(0), torch.get_num_threads()
    os.sched_setaffinity(0, {max(cores)})
    torch.set_num_threads(1)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
        torch.set_num_threads(threads)


def _speed(printer: Printer, served: Served, messages: list[str]) -> None:
    import numpy as np

    from retrieval.encoder import OnnxEncoder, TrainingEncoder
    from retrieval.head import LinearHead

    head = LinearHead.load(served.model.intent_head)
    served.torch.eval()
    encoders: dict[str, Any] = {
        "int8": OnnxEncoder.load(served.model, threads=1),
        "fp32": OnnxEncoder.load(served.fp32, threads=1),
        "torch": TrainingEncoder(served.torch),
    }
    ways = {name: _way(encoder, head) for name, encoder in encoders.items()}
    wall: dict[str, list[float]] = {name: [] for name in ways}
    spent: dict[str, float] = dict.fromkeys(ways, 0.0)
    started = time.monotonic()
    for start in range(0, len(messages), BLOCK):
        for name, way in ways.items():
            for text in messages[start : start + BLOCK][:: _TORCH_EVERY if name == "torch" else 1]:
                before, processor = time.perf_counter(), time.process_time()
                way(text)
                wall[name].append(time.perf_counter() - before)
                spent[name] += time.process_time() - processor
    seconds = time.monotonic() - started
    p50 = {name: float(np.median(times)) * 1000 for name, times in wall.items()}
    for name, value in p50.items():
        mean = 1000 * spent[name] / len(wall[name])
        quick_tenth = 1000 * float(np.quantile(wall[name], 0.1))  # nearly what an idle machine would take
        seen = f"p50 {value:.2f} ms, p10 {quick_tenth:.2f} ms, mean {mean:.2f} ms of processor"
        print(f"{name}: {seen}, n {len(wall[name])}", file=sys.stderr)
    ratio, times = p50["int8"] / p50["fp32"], p50["torch"] / p50["int8"]
    printer.figure("int8_over_fp32", ratio, n=len(messages), seconds=seconds, peer="fp32 ONNX, same graph")
    printer.figure("torch_over_ours", times, n=len(wall["torch"]), seconds=seconds, peer="sentence-transformers, eager")


def _way(encoder: Any, head: Any) -> Callable[[str], Any]:
    """A message's whole way: tokenise, encode, classify."""
    return lambda text: head.probabilities(encoder.encode([text]), [text])


_PROCESS = """
import json, sys
from pathlib import Path
from data.artifacts import IndexLayout, ModelLayout
from retrieval.search import Searcher
searcher = Searcher.open(IndexLayout(Path(sys.argv[1])), ModelLayout(Path(sys.argv[2])), threads=1)
for text in json.load(sys.stdin):
    assert searcher.search(text).hits
import psutil
memory = psutil.Process().memory_full_info()
heavy = [name for name in ("torch", "rasa", "tensorflow", "transformers", "jax") if name in sys.modules]
status = Path("/proc/self/status")  # ru_maxrss would be the parent's
lines = status.read_text().splitlines() if status.is_file() else []
peak = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
print(json.dumps({"rss": memory.rss, "pss": getattr(memory, "pss", 0), "peak": peak, "heavy": heavy}))
"""


def _memory(printer: Printer, served: Served, messages: list[str]) -> None:
    started = time.monotonic()
    command = [sys.executable, "-c", _PROCESS, str(served.index.folder), str(served.model.folder)]
    done = subprocess.run(
        command, cwd=ROOT, input=json.dumps(messages), capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode != 0:
        raise CannotRun(f"the serving process ended with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")
    told = json.loads(done.stdout)
    if told["heavy"]:
        raise CannotRun(f"the serving process imported {', '.join(told['heavy'])}")
    rss, pss, peak = (told[name] / 1e6 for name in ("rss", "pss", "peak"))
    print(f"memory: RSS {rss:.0f} MB, PSS {pss:.0f} MB, peak RSS {peak:.0f} MB", file=sys.stderr)
    printer.figure("serving_memory", rss, n=len(messages), seconds=time.monotonic() - started)
