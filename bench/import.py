"""Bench `import`: a log of a million messages becomes a dataset; speed, memory, cores, growth.

The log is STAR, repeated; each repetition changes ids, times, names, numbers and a word of each message, so that
nothing is known from the repetition before. Measured is the whole command `careline data build`.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.printer import ROOT, CannotRun, Printer

STAR = ROOT.parent / "shared" / "data" / "star.jsonl.gz"
MESSAGES, SOME, FEW = 1_000_000, 300_000, 100_000
GROWTH = 0.01

_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"\b[a-z]{5,}\b")
_NAME = re.compile(r"\b(?:Alexis|Ben|Mark|Sarah|Katarina|Jordan|Ada|Mai|John|Jack|Tom|Angela|Ramsey|Alex)\b")
_SYLLABLES = ("ka", "lo", "mi", "ra", "ten", "vo", "sel", "bru", "nor", "dia", "fe", "gus", "hal", "jo", "pim")


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``quick`` takes a tenth of the messages for everything and leaves the memory's ratio out."""
    if not STAR.is_file():
        raise CannotRun("star.jsonl.gz is not here; expected in ../shared/data, which holds the measurement data")
    if quick:
        print("quick: 100,000 messages instead of 1,000,000, and no memory_1m_over_100k", file=sys.stderr)
    size = FEW if quick else MESSAGES
    with tempfile.TemporaryDirectory(prefix="careline-bench-") as folder:
        place = Path(folder)
        log, few = place / "log.jsonl", place / "few.jsonl"
        written = write_log(log, size)
        seconds, memory = build(log, place / "one")
        printer.figure("messages_per_second", written / seconds, n=written, seconds=seconds)
        printer.figure("memory_1m", memory, n=1, seconds=seconds)
        _grow(printer, log, place / "one", seconds, written)
        write_log(few, FEW)
        few_seconds, few_memory = build(few, place / "two")
        if not quick:
            printer.figure("memory_1m_over_100k", memory / few_memory, n=1, seconds=few_seconds)
        some = place / "some.jsonl"
        read = write_log(some, FEW if quick else SOME)
        alone, _ = build(some, place / "alone", "--engine", "1")
        both, _ = build(some, place / "both", "--engine", "2")
        printer.figure("second_core_speedup", alone / both, n=read, seconds=alone + both)


def _grow(printer: Printer, log: Path, workspace: Path, first: float, written: int) -> None:
    with log.open("a", encoding="utf-8") as stream:
        for row in rows(int(written * GROWTH), first=10_000):
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    seconds, _ = build(log, workspace)
    printer.figure("growth_cost", seconds / first, n=1, seconds=seconds)


def write_log(path: Path, messages: int) -> int:
    """Writes a log in our own format; returns how many messages it has."""
    count = 0
    with path.open("w", encoding="utf-8") as stream:
        for row in rows(messages):
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += len(row["messages"])
    return count


def rows(messages: int, *, first: int = 0) -> Iterator[dict[str, Any]]:
    """Conversations with at least so many messages together.

    Args:
        messages: How many.
        first: Number of the first repetition; another one gives other texts and later times.
    """
    sys.path.insert(0, str(ROOT))
    from data.readers.star import parse

    made, repetition = 0, first
    while True:
        draw = random.Random(repetition)
        names = {name: _made_up(draw) for name in ("Alexis", "Ben", "Mark")}
        with gzip.open(STAR, "rt", encoding="utf-8") as lines:
            for line in lines:
                conversation = parse(json.loads(line))
                if conversation is None:
                    continue
                row = conversation.to_json()
                row["id"] = f"{row['id']}-{repetition}"
                row["messages"] = [_changed(m, draw, names, repetition) for m in row["messages"]]
                yield row
                made += len(row["messages"])
                if made >= messages:
                    return
        repetition += 1


def _changed(message: dict[str, Any], draw: random.Random, names: dict[str, str], repetition: int) -> dict[str, Any]:
    text = _NAME.sub(lambda m: names.setdefault(m.group(), _made_up(draw)), message["text"])
    text = _NUMBER.sub(lambda m: str(int(m.group()) + repetition % 89)[: max(1, len(m.group()))], text)
    if words := _WORD.findall(text):
        text = text.replace(draw.choice(words), _made_up(draw).lower(), 1)
    time_ = message.get("time")
    return {**message, "text": text, **({"time": time_ + 86_400 * 30 * repetition} if time_ else {})}


def _made_up(draw: random.Random) -> str:
    return "".join(draw.choices(_SYLLABLES, k=3)).title()


def build(log: Path, workspace: Path, *options: str) -> tuple[float, float]:
    """Runs `careline data build`; wall seconds, and the most memory its processes held together, in MB (PSS).

    On stderr it says the seconds of processor time too, which tell a slow build from a busy machine.
    """
    command = [sys.executable, str(ROOT / "careline.py"), "data", "build", str(log), "--workspace", str(workspace)]
    workspace.mkdir(exist_ok=True)
    started, used = time.monotonic(), _processor_seconds()
    process = subprocess.Popen([*command, *options], cwd=ROOT, stdout=subprocess.DEVNULL)
    most: list[float] = [0.0]
    watch = threading.Thread(target=_watch, args=(process, most), daemon=True)
    watch.start()
    if process.wait() != 0:
        raise CannotRun(f"careline data build ended with exit code {process.returncode}; its lines are above")
    watch.join()
    seconds = time.monotonic() - started
    print(
        f"{log.name} {' '.join(options)}: {seconds:.1f} s, {_processor_seconds() - used:.1f} s of processor time, "
        f"{most[0]:.0f} MB",
        file=sys.stderr,
    )
    return seconds, most[0]


def _processor_seconds() -> float:
    """Of the processes that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(process: subprocess.Popen[bytes], most: list[float]) -> None:
    import psutil

    parent = psutil.Process(process.pid)
    while process.poll() is None:
        total = 0
        try:
            for each in (parent, *parent.children(recursive=True)):
                total += each.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
        most[0] = max(most[0], total / 1e6)
        time.sleep(0.3)
