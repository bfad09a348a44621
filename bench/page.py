"""The page of figures: what each bench printed last, beside floor, goal and peer.

`python -m bench page` writes ``docs/reference/figures.md`` from the runs of this checkout; a figure without one keeps
the line that the page had, with its commit and day. Figures that were never measured are listed as such.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli

from bench.printer import FIGURES, ROOT, RUNS

PAGE = ROOT / "docs" / "reference" / "figures.md"

_NO_RUN = "no run on record"

_HEAD = """# Figures
Written by `python -m bench page` from the last whole run of each bench (`python -m bench NAME`) on one machine. A floor
must be met, a goal is what we are after. Peers were measured in the same run. Runs are on record since November 2026;
earlier figures stand in the pages that explain each part.

| bench | figure | value | unit | floor | goal | met | peer | n | commit, day |
|---|---|---|---|---|---|---|---|---|---|
"""


def write_page(runs: Path = RUNS, page: Path = PAGE) -> Path:
    """Writes the page; returns where it lies."""
    from data.artifacts import write_atomic

    write_atomic(page, page_of(read_runs(runs), lines_of(page)))
    return page


def lines_of(page: Path) -> dict[tuple[str, str], str]:
    """The lines of figures that a page holds, by (bench, figure), without those that say that there was no run."""
    lines = page.read_text(encoding="utf-8").splitlines(keepends=True) if page.is_file() else []
    cells = [(line, [cell.strip(" `") for cell in line.split("|")]) for line in lines if line.startswith("| ")]
    return {(row[1], row[2]): line for line, row in cells if len(row) > 3 and row[3] != _NO_RUN}


def read_runs(runs: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The last whole run's row of each (bench, figure)."""
    lines = runs.read_text(encoding="utf-8").splitlines() if runs.is_file() else []
    rows = [json.loads(line) for line in lines]
    return {(row["bench"], row["name"]): row for row in rows if not row.get("quick")}


def page_of(rows: dict[tuple[str, str], dict[str, Any]], before: Mapping[tuple[str, str], str] | None = None) -> str:
    """The page as Markdown.

    Args:
        rows: From ``read_runs``.
        before: From ``lines_of`` the page as it was.
    """
    kept = before or {}
    known = tomli.loads(FIGURES.read_text(encoding="utf-8"))
    machines = sorted({row["machine"].rpartition(",")[0] for row in rows.values()})
    lines = [
        kept[bench, name] if (bench, name) not in rows and (bench, name) in kept
        else _line(bench, name, row, rows.get((bench, name)))
        for bench in known for name, row in known[bench].items()
    ]  # fmt: skip
    return _HEAD + "".join(lines) + (f"\nMachine: {'; '.join(machines)}.\n" if machines else "")


def _line(bench: str, name: str, known: dict[str, Any], row: dict[str, Any] | None) -> str:
    bars = f"{known['floor']:g} | {known['goal']:g}"
    if row is None:
        return f"| {bench} | `{name}` | {_NO_RUN} | {known['unit']} | {bars} | | | | |\n"
    peer = "" if row["peer_value"] is None else f"{row['peer']}: {row['peer_value']:g}"
    peer = peer or row["peer"]
    met = {"goal": "goal", "floor": "floor", "no": "**no**"}[row["met"]]
    when = f"{row['commit']}, {row.get('measured', '')}"
    value = f"{row['value']:g} | {known['unit']}"
    return f"| {bench} | `{name}` | {value} | {bars} | {met} | {peer} | {row['n']:,} | {when} |\n"
