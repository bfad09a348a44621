"""Encodes the corpus of `bench scale` with the frozen base encoder as int8 ONNX; goes on where it was stopped.

Vectors are float16 in one mapped file a text file: 768 MB for a million. Chunks are encoded in the corpus's order, so
that the first 100,000 can be used while the rest is still being made.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.corpus import FOLDER
from bench.printer import CannotRun

CHUNK = 5_000
_FIELD = {"answers": "text", "logged": "context", "questions": "text"}
_PARTS = ("questions", "logged", "answers")

_worker: dict[str, Any] = {}


def vectors_of(part: str, count: int | None = None, folder: Path = FOLDER) -> NDArray[np.float16]:
    """Mapped unit vectors (n, dim) of ``answers``, ``logged`` or ``questions``.

    Args:
        part: Which.
        count: How many of the first ones; None for all.
        folder: Of the corpus.

    Raises:
        CannotRun: So many are not encoded yet.
    """
    done = _done(folder, part)
    vectors = np.load(folder / f"{part}.npy", mmap_mode="r") if done else np.zeros((0, 0), dtype=np.float16)
    ready = next((i for i in range(len(done) + 1) if i not in done), 0) * CHUNK
    wanted = len(vectors) if count is None else count
    if not done or min(ready, len(vectors)) < wanted:
        raise CannotRun(f"{min(ready, len(vectors)):,} {part} are encoded of {wanted:,}; run `python -m bench.corpus`")
    return np.asarray(vectors[:wanted])


def encode_corpus(folder: Path = FOLDER) -> None:
    """Encodes what is not encoded yet, on all cores, and says on stderr how far it is."""
    model = base_encoder(folder / "encoder")
    with multiprocessing.get_context("spawn").Pool(os.cpu_count() or 1, _open, (str(model),)) as pool:
        for part in _PARTS:
            _encode(part, folder, pool)


def _encode(part: str, folder: Path, pool: Any) -> None:
    with (folder / f"{part}.jsonl").open(encoding="utf-8") as lines:
        texts = [json.loads(line)[_FIELD[part]] for line in lines]
    done, path, dim = _done(folder, part), folder / f"{part}.npy", 384
    shape = (len(texts), dim)
    out = np.lib.format.open_memmap(path, mode="r+" if path.is_file() else "w+", dtype=np.float16, shape=shape)
    missing = [i for i in range(-(-len(texts) // CHUNK)) if i not in done]
    started, made = time.monotonic(), 0
    work = ((i, texts[i * CHUNK : (i + 1) * CHUNK]) for i in missing)
    for chunk, vectors in pool.imap(_run, work):
        out[chunk * CHUNK : chunk * CHUNK + len(vectors)] = vectors
        out.flush()
        with (folder / f"{part}.done").open("a", encoding="utf-8") as stream:
            stream.write(f"{chunk}\n")
        made += len(vectors)
        speed = made / (time.monotonic() - started)
        print(f"{part}: {made:,} of {len(missing) * CHUNK:,}, {speed:.0f}/s", file=sys.stderr, flush=True)


def _done(folder: Path, part: str) -> set[int]:
    path = folder / f"{part}.done"
    return {int(line) for line in path.read_text(encoding="utf-8").split()} if path.is_file() else set()


def _open(model: str) -> None:
    from data.artifacts import ModelLayout
    from retrieval.encoder import OnnxEncoder

    _worker["encoder"] = OnnxEncoder.load(ModelLayout(Path(model)), threads=1)


def _run(work: tuple[int, Sequence[str]]) -> tuple[int, NDArray[np.float16]]:
    chunk, texts = work
    # batches of 8 stay in the cache: 800 answers a second and core against 500 in batches of 128
    return chunk, _worker["encoder"].encode(texts, batch_size=8).astype(np.float16)


def base_encoder(parent: Path) -> Path:
    """The frozen base encoder as int8 ONNX, a model's folder; made once."""
    from data.artifacts import Manifest, ModelLayout, create, hash_json, is_complete
    from finetune.encoder import find_base, load_encoder
    from finetune.export import export_encoder
    from finetune.recipe import load_recipe

    recipe = load_recipe("laptop")
    base = find_base(recipe.base_model)
    manifest = Manifest("model", hash_json(["frozen", base.sha256, recipe.max_length]))
    layout = ModelLayout(parent / manifest.key)
    if not is_complete(layout.folder, kind="model"):
        model = load_encoder(base, max_length=recipe.max_length, device="cpu")
        with create(parent, manifest) as draft:
            export_encoder(model, ModelLayout(draft.folder), base=base, recipe=recipe, probes=[])
    return layout.folder
