"""The one printer of all benches: a figure beside its peer, with floor, goal, machine and commit."""

from __future__ import annotations

import json
import platform
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli

ROOT = Path(__file__).resolve().parent.parent
FIGURES = Path(__file__).with_name("figures.toml")
RUNS = ROOT / "var" / "reports" / "figures.jsonl"
"""Every figure that was measured here, a line each; `bench.page` makes the page of the last ones."""


class CannotRun(Exception):
    """The bench misses something it needs; printed, and exit code 3."""


@dataclass
class Printer:
    """Collects the figures of one run and prints them as a table or as JSON lines.

    Attributes:
        bench: Name of the bench; its floors and goals are that table of ``figures.toml``.
        as_json: One JSON object a line instead of a table for people.
        quick: Whether the run leaves something out; such figures get no place on the page.
    """

    bench: str
    as_json: bool
    quick: bool = False

    def __post_init__(self) -> None:
        self.started = time.monotonic()
        self.known: dict[str, Any] = tomli.loads(FIGURES.read_text(encoding="utf-8"))[self.bench]
        self.rows: list[dict[str, Any]] = []

    def figure(
        self, name: str, value: float, *, n: int, seconds: float, peer: str = "", peer_value: float | None = None
    ) -> None:
        """Adds a figure.

        Args:
            name: As in ``figures.toml``.
            value: Ours, in the unit given there.
            n: Number of trials behind it.
            seconds: Wall time it took to measure.
            peer: Who stands beside us in the same run.
            peer_value: The peer's value in the same unit.
        """
        known = self.known[name]
        row: dict[str, Any] = {
            "bench": self.bench,
            "name": name,
            "value": round(value, 4),
            "unit": known["unit"],
            "better": known["better"],
            "peer": peer,
            "peer_value": None if peer_value is None else round(peer_value, 4),
            "ratio": round(value / peer_value, 4) if peer_value else None,
            "floor": known["floor"],
            "goal": known["goal"],
            "met": _met(value, known),
            "n": n,
            "seconds": round(seconds, 1),
            "machine": machine(),
            "commit": commit(),
            "measured": time.strftime("%Y-%m-%d", time.gmtime()),
            "quick": self.quick,
        }
        self.rows.append(row)
        RUNS.parent.mkdir(parents=True, exist_ok=True)
        with RUNS.open("a", encoding="utf-8") as runs:
            runs.write(json.dumps(row, ensure_ascii=False) + "\n")
        if self.as_json:
            print(json.dumps(row, ensure_ascii=False), flush=True)

    def finish(self) -> None:
        """Prints the table, when JSON lines were not asked for."""
        if self.as_json:
            return
        from rich.console import Console
        from rich.table import Table

        table = Table(title=f"bench {self.bench}: {machine()}, commit {commit()}", title_justify="left")
        for column in ("figure", "value", "unit", "peer", "peer's", "ratio", "floor", "goal", "met", "n"):
            table.add_column(column)
        for row in self.rows:
            keys = ("name", "value", "unit", "peer", "peer_value", "ratio", "floor", "goal", "met", "n")
            table.add_row(*("" if row[key] is None else str(row[key]) for key in keys))
        Console().print(table)


def _met(value: float, known: dict[str, Any]) -> str:
    sign = 1 if known["better"] == "higher" else -1
    if sign * value >= sign * known["goal"]:
        return "goal"
    return "floor" if sign * value >= sign * known["floor"] else "no"


def machine() -> str:
    """Cores and processor, with the seconds of a fixed loop: absolute times differ from machine to machine."""
    started = time.process_time()
    total = 0
    for number in range(2_000_000):
        total += number & 7
    loop = time.process_time() - started
    import os

    return f"{os.cpu_count()} cores {platform.machine()} {platform.system()}, loop {loop:.2f} s"


def commit() -> str:
    """The commit that was measured, with ``+`` when the tree differs from it."""
    head = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    dirty = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=False)
    return (head.stdout.strip() or "unknown") + ("+" if dirty.stdout.strip() else "")
