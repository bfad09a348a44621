"""The page of figures holds what the benches printed last."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import page, printer
from bench.page import read_runs, write_page
from bench.printer import Printer


def test_the_last_whole_run_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = tmp_path / "figures.jsonl"
    monkeypatch.setattr(printer, "RUNS", runs)
    Printer("intents", as_json=False).figure("banking77_accuracy", 93.0, n=3080, seconds=1.0)
    whole = Printer("intents", as_json=False)
    whole.figure("banking77_accuracy", 94.16, n=3080, seconds=1.0, peer="TF-IDF", peer_value=91.59)
    Printer("intents", as_json=False, quick=True).figure("banking77_accuracy", 12.0, n=10, seconds=1.0)
    assert len(runs.read_text().splitlines()) == 3
    assert read_runs(runs)["intents", "banking77_accuracy"]["value"] == 94.16
    text = write_page(runs, tmp_path / "figures.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if "`banking77_accuracy`" in line)
    assert "| 94.16 | % | 93.8 | 94.5 | floor | TF-IDF: 91.59 | 3,080 |" in row
    assert "| intents | `int8_loss` | no run on record |" in text


def test_a_figure_without_a_run_here_keeps_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, where = tmp_path / "figures.jsonl", tmp_path / "figures.md"
    monkeypatch.setattr(printer, "RUNS", runs)
    Printer("intents", as_json=False).figure("banking77_accuracy", 94.16, n=3080, seconds=1.0)
    before = write_page(runs, where).read_text(encoding="utf-8")
    runs.unlink()
    Printer("intents", as_json=False).figure("int8_loss", 0.1, n=3080, seconds=1.0)
    after = write_page(runs, where).read_text(encoding="utf-8")
    line = next(line for line in before.splitlines() if "`banking77_accuracy`" in line)
    assert line in after.splitlines()
    assert "| intents | `int8_loss` | 0.1 |" in after


def test_every_bench_of_the_page_can_be_run() -> None:
    from bench.__main__ import BENCHES

    known = {row.split(" | ")[0].strip("| ") for row in page.page_of({}).splitlines() if "`" in row and "|" in row}
    assert known - {"NAME"} <= set(BENCHES), "a table of figures.toml without a bench"
