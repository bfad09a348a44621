"""Bench `scale`: an index of a million answers (`bench.corpus`): recall, time, memory, opening, and how they grow.

The index is the product's own, made by `Index.of` of vectors that are there (`python -m bench.corpus` makes them, once
and in 20 to 60 minutes). Questions are customers' own, half of them changed, and stand in no index. The ranker is the
default one. What is timed runs in fresh processes on one core; indexes are kept under ``var/bench/scale``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.corpus import FOLDER, write
from bench.printer import ROOT, CannotRun, Printer
from bench.vectors import base_encoder, vectors_of

ALL, SOME = 1_000_000, 100_000
SIZES = (10_000, 30_000, SOME, 300_000, ALL)
ASKED, WARM, OPENED, K = 1000, 50, 5, 10
_SOURCES = (
    "build",
    "columns",
    "dense",
    "grown",
    "halves",
    "index",
    "lexical",
    "logged",
    "nearest",
    "postings",
    "shelf",
)
_BREADTHS = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
"""Tried as ``efSearch`` of raw FAISS, until its recall is ours."""

Rows = NDArray[np.int64]


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``only`` is some of ``recall,time,batch,start,growth``; ``quick`` takes 100,000 answers for all."""
    wanted = set(only.split(",")) if only else {"recall", "time", "batch", "start", "growth"}
    size = SOME if quick else ALL
    if quick:
        print("quick: 100,000 answers instead of 1,000,000, and no growth", file=sys.stderr)
    write()
    if "recall" in wanted:
        _recall(printer, size)
    if "time" in wanted:
        _time(printer, size)
    if "batch" in wanted:
        _batch(printer)
    if "start" in wanted:
        _start(printer)
    if "growth" in wanted and not quick:
        _growth()


def index_of(size: int) -> Path:
    """Folder of the index of the first ``size`` answers; built once for each state of the code."""
    from data.artifacts import (
        IndexLayout,
        Manifest,
        ModelLayout,
        create,
        hash_file,
        hash_json,
        is_complete,
        load_manifest,
    )
    from data.records import read_rows
    from data.schema import Answer, Example
    from retrieval.index import Index, logged_of

    model = load_manifest(ModelLayout(base_encoder(FOLDER / "encoder")).folder, kind="model").key
    code = [hash_file(path) for name in _SOURCES if (path := ROOT / "retrieval" / f"{name}.py").is_file()]
    key = hash_json([code, model, size, (FOLDER / "answers.jsonl").stat().st_size])
    folder = FOLDER / "indexes" / f"{size}-{key}"
    if not is_complete(folder, kind="index"):
        started = time.monotonic()
        vectors = vectors_of("answers", size)
        answers = list(islice(read_rows(FOLDER / "answers.jsonl", Answer), size))
        logged = logged_of(read_rows(FOLDER / "logged.jsonl", Example))
        asked = vectors_of("logged")[: len(logged)]
        with create(folder.parent, Manifest("index", folder.name, parents={"model": model})) as draft:
            Index.of(answers, logged, vectors, asked).save(IndexLayout(draft.folder))
        print(f"index of {size:,} built in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return folder


def exact(vectors: NDArray[Any], asked: NDArray[np.float32], k: int) -> Rows:
    """(n, k) rows of the nearest vectors by brute force, best first; the oracle."""
    best = np.full((len(asked), 0), -np.inf, dtype=np.float32)
    rows = np.zeros((len(asked), 0), dtype=np.int64)
    for start in range(0, len(vectors), 50_000):
        block = np.asarray(vectors[start : start + 50_000], dtype=np.float32)
        scores = np.hstack([best, asked @ block.T])  # (n, kept + block)
        places = np.hstack([rows, np.broadcast_to(np.arange(start, start + len(block)), (len(asked), len(block)))])
        top = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        best, rows = np.take_along_axis(scores, top, axis=1), np.take_along_axis(places, top, axis=1)
    return rows


def recall(found: Rows, right: Rows) -> float:
    """Share of the ``right`` (n, k) rows that are among the ``found`` ones, query by query."""
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found.tolist(), right.tolist(), strict=True)]))


def _asked(most: int) -> NDArray[np.float32]:
    return np.asarray(vectors_of("questions", None)[:most], dtype=np.float32)


def _recall(printer: Printer, size: int) -> None:
    from data.artifacts import IndexLayout
    from retrieval.index import Index

    started = time.monotonic()
    index, asked = Index.load(IndexLayout(index_of(size))), _asked(ASKED)
    right = exact(vectors_of("answers", size), asked, K)
    found = np.vstack([index.dense.search(row[None, :], K)[1] for row in asked])
    seconds = time.monotonic() - started
    printer.figure("recall10_1m", recall(found, right), n=len(asked), seconds=seconds, peer="brute force, float16")


_PROCESS = """
import json, os, sys, time
from pathlib import Path
import faiss, numpy, onnxruntime, psutil, tokenizers
from data.artifacts import IndexLayout, ModelLayout
from retrieval.search import Searcher
index, model, warm = IndexLayout(Path(sys.argv[1])), ModelLayout(Path(sys.argv[2])), int(sys.argv[3])
texts = json.load(sys.stdin)
os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
started = time.perf_counter()
searcher = Searcher.open(index, model, threads=1)
opened = time.perf_counter() - started
encoding, wall, spent = [], [], []
for text in texts:
    before, used = time.perf_counter(), time.process_time()
    searcher.search(text)
    wall.append(1000 * (time.perf_counter() - before))
    spent.append(1000 * (time.process_time() - used))
for text in texts[:200]:
    before = time.perf_counter()
    searcher.encoder.encode([text])
    encoding.append(1000 * (time.perf_counter() - before))
memory = psutil.Process().memory_full_info()
print(json.dumps({"opened": opened, "wall": wall[warm:], "spent": spent[warm:], "encoding": encoding,
                  "rss": memory.rss / 1e6, "pss": memory.pss / 1e6, "uss": memory.uss / 1e6}))
"""


def searched(size: int, count: int) -> dict[str, Any]:
    """A fresh process on one core that opens an index and searches: seconds, milliseconds of each search, MB."""
    with (FOLDER / "questions.jsonl").open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines][: count + WARM if count else 0]
    command = [sys.executable, "-c", _PROCESS, str(index_of(size)), str(base_encoder(FOLDER / "encoder")), str(WARM)]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        command, cwd=ROOT, input=json.dumps(texts), capture_output=True, text=True, check=False, timeout=3600,
        env={**os.environ, **threads},
    )  # fmt: skip
    if done.returncode != 0:
        raise CannotRun(f"the searching process ended with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _time(printer: Printer, size: int) -> None:
    started = time.monotonic()
    told = searched(size, ASKED)
    seconds, n = time.monotonic() - started, len(told["wall"])
    print(f"{size:,}: {_words(told)}", file=sys.stderr)
    printer.figure("hybrid_p95_1m", float(np.quantile(told["wall"], 0.95)), n=n, seconds=seconds)
    printer.figure("memory_1m", told["pss"], n=n, seconds=seconds)


def _words(told: dict[str, Any]) -> str:
    wall, spent = np.array(told["wall"]), np.array(told["spent"])
    return (
        f"opened in {told['opened']:.2f} s; search p50 {np.median(wall):.1f}, p95 {np.quantile(wall, 0.95):.1f}, "
        f"p99 {np.quantile(wall, 0.99):.1f} ms, of processor p95 {np.quantile(spent, 0.95):.1f} ms; a forward pass "
        f"{np.median(told['encoding']):.1f} ms; RSS {told['rss']:.0f}, PSS {told['pss']:.0f}, own {told['uss']:.0f} MB"
    )


def _batch(printer: Printer) -> None:
    """Ours and raw FAISS HNSW search the same batch on one thread, at the same recall, taking turns."""
    import faiss

    from data.artifacts import IndexLayout
    from retrieval.index import Index

    started = time.monotonic()
    vectors, asked = np.asarray(vectors_of("answers", SOME), dtype=np.float32), _asked(ASKED)
    right = exact(vectors, asked, K)
    dense = Index.load(IndexLayout(index_of(SOME))).dense
    ours = recall(dense.search(asked, K)[1], right)
    raw = faiss.IndexHNSWFlat(vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    raw.hnsw.efConstruction = 100
    raw.add(vectors)
    faiss.omp_set_num_threads(1)
    theirs = 0.0
    for breadth in _BREADTHS:
        raw.hnsw.efSearch = breadth
        theirs = recall(raw.search(asked, K)[1], right)
        if theirs >= ours:
            break
    times: dict[str, list[float]] = {"ours": [], "raw": []}
    for _ in range(7):
        for name, search in (("ours", dense.search), ("raw", raw.search)):
            before = time.perf_counter()
            search(asked, K)
            times[name].append(time.perf_counter() - before)
    a, b = (float(np.median(times[name])) for name in ("ours", "raw"))
    print(
        f"100,000, batch of {len(asked)}: ours {1000 * a:.0f} ms at recall {ours:.4f}; raw HNSW32 {1000 * b:.0f} ms at "
        f"recall {theirs:.4f}, efSearch {raw.hnsw.efSearch}",
        file=sys.stderr,
    )
    seconds = time.monotonic() - started
    printer.figure("batch_over_faiss", a / b, n=len(asked), seconds=seconds, peer="FAISS HNSW32, float32, same recall")


def _start(printer: Printer) -> None:
    started = time.monotonic()
    index_of(SOME)
    opened = [searched(SOME, 0)["opened"] for _ in range(OPENED)]
    print("opened in " + ", ".join(f"{seconds:.2f}" for seconds in opened) + " s", file=sys.stderr)
    printer.figure("start_100k", float(np.median(opened)), n=OPENED, seconds=time.monotonic() - started)


def _growth(sizes: Sequence[int] = SIZES) -> None:
    """Time and memory of each size, as ``var/reports/scale.json`` and as a plot beside it."""
    from data.artifacts import write_atomic

    rows = []
    for size in sizes:
        told = searched(size, ASKED)
        print(f"{size:,}: {_words(told)}", file=sys.stderr)
        p50, p95 = (float(np.quantile(told["wall"], share)) for share in (0.5, 0.95))
        rows.append({"answers": size, "p50": p50, "p95": p95, "mb": told["pss"], "opened": told["opened"]})
    place = ROOT / "var" / "reports" / "scale.json"
    write_atomic(place, json.dumps(rows, indent=2) + "\n")
    print(_plot(rows, place.with_suffix(".png")).relative_to(ROOT), file=sys.stderr)


def _plot(rows: Sequence[dict[str, float]], path: Path) -> Path:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (times, memory) = pyplot.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    sizes = [row["answers"] for row in rows]
    for name in ("p50", "p95"):
        times.plot(sizes, [row[name] for row in rows], marker="o", label=name)
    times.set(xscale="log", xlabel="answers", ylabel="ms a search, one core", ylim=(0, None))
    times.legend()
    memory.plot(sizes, [row["mb"] for row in rows], marker="o", color="tab:green")
    memory.set(xscale="log", xlabel="answers", ylabel="MB of a process after 1,000 searches", ylim=(0, None))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    return path
