"""The whole way on the sample log: every stage real, unchanged stages skipped, bad input changes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from data.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.slow


def tree(folder: Path) -> dict[str, int]:
    return {str(p.relative_to(folder)): p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


def test_four_stages_are_live(learned_workspace: Workspace) -> None:
    from data.artifacts import is_complete

    live = learned_workspace.live()
    for kind in ("dataset", "model", "index", "rasa"):
        assert is_complete(learned_workspace.folder(kind) / getattr(live, kind), kind=kind), kind


def test_learning_the_same_log_again_learns_nothing(learned_workspace: Workspace) -> None:
    from learn import SAMPLE_LOG, run_stages

    before = {
        k: v
        for k, v in tree(learned_workspace.var).items()
        if k.split("/")[0] in ("datasets", "models", "indexes", "rasa")
    }
    live = learned_workspace.live()
    run_stages(learned_workspace, [SAMPLE_LOG])
    after = {
        k: v
        for k, v in tree(learned_workspace.var).items()
        if k.split("/")[0] in ("datasets", "models", "indexes", "rasa")
    }
    assert after == before
    assert learned_workspace.live() == live


def test_report_compares_with_peers_of_the_same_run(learned_workspace: Workspace) -> None:
    from learn import SAMPLE_LOG, run_stages

    report = run_stages(learned_workspace, [SAMPLE_LOG])
    systems = report["model"]["ranking"]["systems"]
    assert {"careline", "bm25", "tfidf + logistic regression"} <= set(systems)
    for row in systems.values():
        assert 0 <= row["r1"] <= row["r5"] <= 1
    assert report["dataset"]["answers"] > 50


BAD_INPUT = {
    "empty.jsonl": b"",
    "binary.csv": bytes(range(256)) * 40,
    "columns.csv": b"colour,height\nred,2\nblue,3\n",
    "broken.jsonl": b'{"id": "a", "messages": [\n',
    "single.jsonl": json.dumps(
        {
            "id": "1",
            "messages": [{"role": "customer", "text": "hi"}, {"role": "agent", "text": "Hello there, how can I help?"}],
        }
    ).encode()
    + b"\n",
}


@pytest.mark.parametrize("name", [*BAD_INPUT, "a-folder", "missing.csv"])
def test_bad_input_is_one_line_and_changes_nothing(name: str, tmp_path: Path) -> None:
    log = tmp_path / name
    if name == "a-folder":
        log.mkdir()
    elif name in BAD_INPUT:
        log.write_bytes(BAD_INPUT[name])
    shop = tmp_path / "shop"
    (shop / "var").mkdir(parents=True)
    (shop / "var" / "live.json").write_text('{"dataset": "a", "model": "b", "index": "c", "rasa": "d"}')
    done = subprocess.run(
        [sys.executable, "careline.py", "learn", str(log), "--workspace", str(shop)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("careline: ")]
    assert len(lines) == 1, done.stderr
    assert name in lines[0]
    assert "expected" in lines[0]
    assert (shop / "var" / "live.json").read_text().startswith('{"dataset": "a"')
    assert not list((shop / "var").glob("*/*"))
