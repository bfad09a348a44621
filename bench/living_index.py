"""Bench `living_index`: one answer added to a million, seen by another process; writers killed at random moments."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.printer import ROOT, Printer
from data.artifacts import IndexLayout, Manifest, ModelLayout, create, hash_json, is_complete
from data.schema import Answer
from data.workspace import Live, Workspace

if TYPE_CHECKING:
    from retrieval.living import LivingIndex

FOLDER = ROOT / "var" / "bench" / "living"
ADDS, WARM = 200, 5
KILLS, QUICK_KILLS = 1_000, 200
FEW = 1_000
_ANSWERS, _QUICK_ANSWERS = 1_000_000, 100_000


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``only`` is ``add`` or ``kills``; ``quick`` takes 100,000 answers and 200 kills instead of 1,000."""
    if quick:
        print(f"quick: {_QUICK_ANSWERS:,} answers and {QUICK_KILLS} kills", file=sys.stderr)
    if only in (None, "add"):
        _adds(printer, _QUICK_ANSWERS if quick else _ANSWERS)
    if only in (None, "kills"):
        _kills(printer, QUICK_KILLS if quick else KILLS)


_READER = """
import sys, time
from pathlib import Path
from bot.components.live import LiveSearcher
from data.workspace import Workspace

searcher = LiveSearcher(Workspace(Path(sys.argv[1])))
searcher.load()
print("ready", flush=True)
for line in sys.stdin:
    question, answer_id = line.rstrip("\\n").split("\\t")
    while True:
        result = searcher.current().searcher.search(question)
        if any(hit.id == answer_id for hit in result.hits[:1]):
            break
        assert searcher.current().index.late < 100_000
    print(time.monotonic(), flush=True)
"""


def _adds(printer: Printer, size: int) -> None:
    """Adds one answer after another; another process searches for each without a pause until it is the best hit."""
    from retrieval.curate import Curator

    with _workspace(size) as workspace, _process(_READER, workspace) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        reader.stdout.readline()
        started = time.monotonic()
        curator = Curator.open(workspace)
        done, visible = [], []
        for number in range(ADDS + WARM):
            question, text = f"how do I feed griffin {number}?", f"Griffin {number} eats {number + 2} fish a day."
            begin = time.monotonic()
            made = curator.add(question, text, by="bench")
            done.append(time.monotonic() - begin)
            reader.stdin.write(f"{question}\t{made.answer.id}\n")
            reader.stdin.flush()
            visible.append(float(reader.stdout.readline()) - begin)
        seconds = time.monotonic() - started
    for name, values in (("done", done[WARM:]), ("visible", visible[WARM:])):
        middle, most = (1e3 * float(np.quantile(values, q)) for q in (0.5, 1.0))
        print(f"{size:,} answers, {name}: median {middle:.1f} ms, most {most:.1f} ms", file=sys.stderr)
    printer.figure("add_ack", 1e3 * float(np.quantile(done[WARM:], 0.95)), n=ADDS, seconds=seconds)
    printer.figure("add_visible", float(np.quantile(visible[WARM:], 0.95)), n=ADDS, seconds=seconds)


_WRITER = """
import sys
from pathlib import Path
from data.workspace import Workspace
from retrieval.curate import Curator

curator, number = Curator.open(Workspace(Path(sys.argv[1]))), int(sys.argv[2])
while True:
    print(curator.add(f"question {number}", f"Answer {number}.", by="bench").answer.id, flush=True)
    number += 1
"""


def _kills(printer: Printer, kills: int) -> None:
    """Kills a writer again and again, and counts what it had acknowledged and an index or a follower does not hold."""
    from retrieval.journal import Follower, Journal

    draw, acknowledged, started = random.Random(7), list[str](), time.monotonic()
    with _workspace(FEW) as workspace:
        follower, followed = Follower(workspace.changes), 0
        for kill in range(kills):
            with _process(_WRITER, workspace, str(kill * 100_000)) as writer:
                assert writer.stdout is not None
                acknowledged.append(writer.stdout.readline().strip())
                time.sleep(draw.random() * 0.05)
                os.kill(writer.pid, signal.SIGKILL)
                acknowledged += writer.stdout.read().split("\n")[:-1]
            followed += len(follower.new())
            if kill % 50 == 0:
                _opened(workspace)
        held = _opened(workspace).searcher.index.row_of
        lost = sum(name not in held for name in acknowledged) + (len(Journal(workspace.changes).read()) - followed)
    seconds = time.monotonic() - started
    print(f"{len(acknowledged):,} answers were acknowledged before {kills} kills", file=sys.stderr)
    printer.figure("lost_answers", lost, n=kills, seconds=seconds)


def _opened(workspace: Workspace) -> LivingIndex:
    from retrieval.living import LivingIndex

    return LivingIndex.open(workspace.live_index(), workspace.live_model(), journal=workspace.changes)


@contextmanager
def _process(code: str, workspace: Workspace, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", code, str(workspace.root), *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def _workspace(size: int) -> Iterator[Workspace]:
    """A workspace whose index holds so many answers, with an empty journal; the index itself is made once."""
    model, index = _model(), _index(size)
    with tempfile.TemporaryDirectory(prefix="careline-bench-") as folder:
        workspace = Workspace(Path(folder))
        for kind, source in (("model", model.folder), ("index", index.folder)):
            workspace.folder(kind).mkdir(parents=True)
            (workspace.folder(kind) / source.name).symlink_to(source)
        workspace.go_live(Live("none", model.folder.name, index.folder.name, "none"))
        yield workspace


def _model() -> ModelLayout:
    from bench.corpus import FOLDER as CORPUS
    from bench.vectors import base_encoder

    return ModelLayout(base_encoder(CORPUS / "encoder"))


def _index(size: int) -> IndexLayout:
    """The index of `bench scale`, or one of made-up answers where that corpus is not here."""
    from bench.corpus import FOLDER as CORPUS
    from bench.scale import index_of

    for folder in sorted((CORPUS / "indexes").glob(f"{size}-*"), key=lambda path: path.stat().st_mtime, reverse=True):
        if _opens(folder):  # built by nearly this code: half an hour is saved
            return IndexLayout(folder)
    if (CORPUS / "done").is_file():
        return IndexLayout(index_of(size))
    size = min(size, _QUICK_ANSWERS)
    print(f"the corpus of `bench scale` is not here: {size:,} answers with random vectors instead", file=sys.stderr)
    return _made_up(size)


def _opens(folder: Path) -> bool:
    from data.artifacts import load_manifest
    from data.errors import InputError
    from retrieval.index import Index

    try:
        parents = load_manifest(folder, kind="index", verify=False).parents
        return parents.get("model") == _model().folder.name and len(Index.load(IndexLayout(folder))) > 0
    except InputError:
        return False


def _made_up(size: int) -> IndexLayout:
    from retrieval.build import CODE_VERSION
    from retrieval.index import Index, Logged

    parents, recipe = {"model": _model().folder.name}, {"code": CODE_VERSION, "size": size}
    manifest = Manifest("index", hash_json(["index", parents, recipe]), parents=parents, recipe=recipe)
    layout = IndexLayout(FOLDER / "indexes" / manifest.key)
    if not is_complete(layout.folder, kind="index"):
        texts = (f"Answer {n} of {n % 977}: {n * 7919 % 10_007} and {n * 104_729 % 1_009}." for n in range(size))
        answers = [Answer(f"a{n:07d}", text, "en") for n, text in enumerate(texts)]
        logged = [Logged("what is answer 1?", "a0000001")]
        with create(layout.folder.parent, manifest) as draft:
            Index.of(answers, logged, _random_units(size), _random_units(1)).save(IndexLayout(draft.folder))
    return layout


def _random_units(count: int) -> NDArray[np.float32]:
    from retrieval.encoder import unit

    return unit(np.random.default_rng(0).standard_normal((count, 384), dtype=np.float32))
