"""Bench `readers`: how fast logs are read, that memory stays flat, and where rows without ids are split."""

from __future__ import annotations

import csv
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.printer import ROOT, CannotRun, Printer
from data.readers import open_log
from data.readers.order import LOOKED_AT, Numbered, Splitter, has_signs
from data.schema import Conversation

STAR = ROOT.parent / "shared" / "data" / "star.jsonl.gz"
MESSAGES = 8
"""Of each written conversation."""


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``only`` is ``rates``, ``memory`` or ``split``; ``quick`` leaves the million messages out."""
    if quick:
        print("quick: 100,000 messages a format instead of 400,000, and no memory at 1,000,000", file=sys.stderr)
    wanted = {only} if only else {"rates", "split"} | (set() if quick else {"memory"})
    with tempfile.TemporaryDirectory(prefix="careline-bench-") as folder:
        if "rates" in wanted:
            for kind in WRITERS:
                found = _measure(kind, 100_000 if quick else 400_000, Path(folder))
                printer.figure(f"{kind}_rate", found["rate"], n=found["messages"], seconds=found["seconds"])
        if "memory" in wanted:
            small, large = (_measure("table", n, Path(folder)) for n in (100_000, 1_000_000))
            ratio = large["rss"] / small["rss"]
            printer.figure("memory_1m_over_100k", ratio, n=large["messages"], seconds=large["seconds"])
    if "split" in wanted:
        _split(printer)


def _text(number: int) -> str:
    return f"Where is my parcel number {number}? I ordered it last week and nothing came."


def _write_careline(stream: Any, count: int) -> None:
    for i in range(count):
        said = [{"role": role, "text": _text(i), "time": 1.7e9 + i} for role in ("customer", "agent") * (MESSAGES // 2)]
        stream.write(json.dumps({"id": f"c{i}", "messages": said}) + "\n")


def _write_table(stream: Any, count: int) -> None:
    writer = csv.writer(stream)
    writer.writerow(["conversation", "role", "text", "time"])
    for i in range(count):
        for k in range(MESSAGES):
            writer.writerow([f"c{i}", ("customer", "agent")[k % 2], _text(i), f"2024-03-01 10:{k:02}"])


def _write_zendesk(stream: Any, count: int) -> None:
    stream.write('{"tickets": [')
    for i in range(count):
        comments = [{"id": k, "author_id": k % 2, "body": _text(i), "created_at": 1.7e9 + k} for k in range(MESSAGES)]
        stream.write("," * bool(i) + json.dumps({"id": i, "requester_id": 0, "comments": comments}))
    stream.write("]}")


WRITERS: dict[str, Callable[[Any, int], None]] = {
    "careline": _write_careline,
    "table": _write_table,
    "zendesk": _write_zendesk,
}


def _measure(kind: str, messages: int, folder: Path) -> dict[str, Any]:
    """Writes a log and reads it in a process of its own, whose memory is then nothing but the reader's."""
    path = folder / kind
    with path.open("w", encoding="utf-8", newline="") as stream:
        WRITERS[kind](stream, messages // MESSAGES)
    code = "import sys; from pathlib import Path; from bench.readers import read; read(Path(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    path.unlink()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def read(path: Path) -> None:
    """Reads a log to its end and prints messages, seconds, messages a second of processor time, and peak memory."""
    started, processor = time.monotonic(), time.process_time()
    messages = sum(len(conversation.messages) for conversation in open_log(path))
    rate = messages / (time.process_time() - processor)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"messages": messages, "seconds": time.monotonic() - started, "rate": rate, "rss": rss}))


def _split(printer: Printer) -> None:
    """STAR without its ids and times; the farewells were chosen on one half, the figure is of the other."""
    if not STAR.is_file():
        raise CannotRun("star.jsonl.gz is not here; expected in ../shared/data, which holds the measurement data")
    started = time.monotonic()
    log = list(open_log(STAR))
    random.Random(0).shuffle(log)
    rows, starts = _without_ids(log[len(log) // 2 :])
    ours = _f1(rows, starts, by_turn=not has_signs(rows[:LOOKED_AT]))
    naive = _f1(rows, starts, by_turn=True)
    seconds = time.monotonic() - started
    printer.figure("split_f1", ours, n=len(starts), seconds=seconds, peer="at every question", peer_value=naive)


def _without_ids(log: list[Conversation]) -> tuple[list[Numbered], set[int]]:
    """All messages in one row, and where the conversations really begin."""
    rows: list[Numbered] = []
    starts: set[int] = set()
    for conversation in log:
        starts.add(len(rows))
        spoken = (message for message in conversation.messages if message.role != "system")
        rows += [(0, type(message)(message.role, message.text)) for message in spoken]
    return rows, starts


def _begins(rows: list[Numbered], *, by_turn: bool) -> Iterator[int]:
    at = 0
    for talk in Splitter(by_turn=by_turn).split(rows):
        yield at
        at += len(talk)


def _f1(rows: list[Numbered], starts: set[int], *, by_turn: bool) -> float:
    """Of the beginnings found, against the true ones."""
    found = set(_begins(rows, by_turn=by_turn))
    return 2 * len(found & starts) / (len(found) + len(starts))
