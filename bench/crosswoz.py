"""CrossWOZ: the agent's true reply among 100, ours beside BM25 over characters.

Careline learns from the conversations of the validation file, the newest tenth of which it is tuned on, and is asked
for those of the test file. The 99 others are drawn with a fixed seed from the test file's replies
(`finetune.evaluate.contest`).
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.printer import Printer

if TYPE_CHECKING:
    from data.schema import Role, Split
    from finetune.evaluate import Contest
    from finetune.examples import TrainingData

MOST = 1000
"""Questions of the test file, evenly spaced."""

PAIRS = 2500
"""(context, reply) pairs that the encoder learns from."""

_LEAST = 2
"""Characters of a reply that counts: "好" alone answers everything."""


def measure(printer: Printer) -> None:
    """Prints ``zh_crosswoz_over_bm25``."""
    from data.artifacts import load_manifest
    from finetune.evaluate import contest
    from finetune.recipe import load_recipe
    from finetune.testing import write_dataset
    from finetune.train import train_model

    started = time.monotonic()
    data = crosswoz()
    recipe = replace(load_recipe("bilingual"), max_pairs=PAIRS, max_held_out=MOST, minutes=4.0, minutes_least=4.0)
    with tempfile.TemporaryDirectory(prefix="careline-bench-") as folder:
        model = train_model(write_dataset(Path(folder) / "datasets", data), Path(folder) / "models", recipe=recipe)
        ranking = load_manifest(model.folder, kind="model", verify=False).metrics["ranking"]
    given = contest(data, "test", "1 of 100", most=MOST, seed=recipe.seed + 1)  # as `held_out_ranking` draws them
    peer, ours = character_bm25(data, given), float(ranking["systems"]["careline"]["r1"])
    for system, row in ranking["systems"].items():
        print(f"CrossWOZ {system}: R@1 {row['r1']:.3f}, R@5 {row['r5']:.3f} ({ranking['protocol']})", file=sys.stderr)
    print(f"CrossWOZ R@1 of BM25 over characters {peer:.3f}", file=sys.stderr)
    printer.figure(
        "zh_crosswoz_over_bm25", ours / peer, n=len(given.examples), seconds=time.monotonic() - started,
        peer=f"R@1 of BM25 over characters (ours {ours:.3f})", peer_value=peer,
    )  # fmt: skip


def crosswoz() -> TrainingData:
    """Both files as training data; a reply is known by its text."""
    from data.artifacts import hash_json
    from data.context import render_context
    from data.schema import Answer, Example
    from finetune.examples import TrainingData

    examples: list[Example] = []
    texts: dict[str, str] = {}
    for split, name, turns in _conversations():
        for at, (role, text) in enumerate(turns):
            if role != "agent" or at == 0 or len(text) <= _LEAST:
                continue
            key = hash_json(text)
            texts[key] = text
            context = render_context(turns[:at])
            examples.append(Example(name, at, context, key, split, "zh", time=float(len(examples))))
    support = Counter(example.answer for example in examples)
    answers = {key: Answer(key, text, "zh", support=support[key]) for key, text in texts.items()}
    return TrainingData(tuple(examples), (), answers)


def _conversations() -> Iterator[tuple[Split, str, list[tuple[Role, str]]]]:
    """Split, name and turns of each conversation, in the files' order."""
    from bench.shared import place_of

    for part in ("val", "test"):
        with zipfile.ZipFile(place_of(f"crosswoz_{part}.json.zip")) as archive:
            rows = json.loads(archive.read(f"{part}.json"))
        for at, (name, row) in enumerate(rows.items()):
            split: Split = "test" if part == "test" else ("train" if at < 0.9 * len(rows) else "valid")
            speaker: dict[str, Role] = {"usr": "customer", "sys": "agent"}
            yield split, f"{part}-{name}", [(speaker[turn["role"]], turn["content"]) for turn in row["messages"]]


def character_bm25(data: TrainingData, given: Contest) -> float:
    """R@1 of BM25 (k1 1.2, b 0.75) over the characters of the candidates, with the statistics of all replies.

    It is asked with the whole context and with the last message alone; the better of the two counts.
    """
    import bm25s

    ids = sorted({answer for ids in given.candidates or () for answer in ids})
    place = {answer: at for at, answer in enumerate(ids)}
    engine = bm25s.BM25(k1=1.2, b=0.75, method="lucene")
    engine.index([_characters(data.answers[answer].text) for answer in ids], show_progress=False)
    hits: dict[str, list[bool]] = {"whole": [], "last": []}
    for example, candidates in zip(given.examples, given.candidates or (), strict=True):
        whole = _bare(example.context)
        for name, text in (("whole", whole), ("last", whole.rpartition("\n")[2])):
            rows = engine.get_scores(_characters(text))[[place[answer] for answer in candidates]]
            hits[name].append(bool((rows >= rows[0]).sum() == 1))  # the right one is drawn first; ties count against it
    return float(max(np.mean(row) for row in hits.values()))


def _bare(context: str) -> str:
    """The context without who speaks."""
    return context.replace("customer: ", "").replace("agent: ", "")


def _characters(text: str) -> Sequence[str]:
    return [character for character in text.lower() if not character.isspace()]
