"""What is new in a dataset is shown, and what is the same is not."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from data.artifacts import DatasetLayout, Manifest, create
from data.diff import compare_datasets, print_diff
from data.records import write_rows
from data.schema import Answer, Topic

ROOT = Path(__file__).resolve().parents[2]


def dataset(folder: Path, key: str, topics: list[Topic], answers: list[Answer], *, messages: int) -> DatasetLayout:
    with create(folder, Manifest("dataset", key)) as draft:
        layout = DatasetLayout(draft.folder)
        write_rows(layout.topics, topics)
        write_rows(layout.answers, answers)
        layout.report.write_text(json.dumps({"messages": messages, "topics": len(topics)}), encoding="utf-8")
    return DatasetLayout(folder / key)


def two(folder: Path) -> tuple[DatasetLayout, DatasetLayout]:
    old = dataset(
        folder,
        "old",
        [Topic("a_b", "Delivery", ("a", "b"), 9, "en"), Topic("gone", "Fax", ("fax",), 2, "en")],
        [
            Answer("1", "Five days.", "en", support=4),
            Answer("2", "Call [us].", "en", support=2, reusable=False),
            Answer("3", "By fax.", "en", support=1),
            Answer("4", "It is free.", "en", support=3),
        ],
        messages=100,
    )
    new = dataset(
        folder,
        "new",
        [Topic("b_a", "Delivery", ("b", "a"), 12, "en"), Topic("refund", "退款", ("退款",), 5, "zh")],
        [
            Answer("1", "Six days.", "en", support=9),
            Answer("2", "Call [us]!", "en", support=3),
            Answer("4", "It is free.", "en", support=3, reusable=False, held_back="only courtesies"),
            Answer("5", "Write <to> [bold]us[/bold].", "en", support=1),
            Answer("6", "两天到账。", "zh", support=7),
        ],
        messages=130,
    )
    return old, new


def test_what_is_new_gone_and_changed(tmp_path: Path) -> None:
    diff = compare_datasets(*two(tmp_path)).to_json()
    assert diff == {
        "counts": {"messages": [100, 130]},
        "new_topics": ["refund"],
        "gone_topics": ["gone"],
        "new_answers": ["6", "5"],
        "gone_answers": ["3"],
        "reworded": ["1"],
        "released": ["2"],
        "held_back": ["4"],
    }


def test_texts_are_printed_as_they_are(tmp_path: Path) -> None:
    out = io.StringIO()
    print_diff(compare_datasets(*two(tmp_path)), Console(file=out, width=120))
    text = out.getvalue()
    assert "1 × Write <to> [bold]us[/bold]." in text
    assert "Five days. → Six days." in text
    assert "3 × It is free. (only courtesies)" in text
    assert "+30" in text


def test_a_dataset_does_not_differ_from_itself(tmp_path: Path) -> None:
    old, _ = two(tmp_path)
    diff = compare_datasets(old, old)
    assert not any(diff.to_json().values())
    out = io.StringIO()
    print_diff(diff, Console(file=out))
    assert out.getvalue() == "The counts are the same.\n"


def test_the_command(tmp_path: Path) -> None:
    two(tmp_path / "var" / "datasets")
    command = [sys.executable, "careline.py", "data", "diff", "--workspace", str(tmp_path)]
    done = subprocess.run([*command, "old", "new", "--json"], cwd=ROOT, capture_output=True, text=True)
    assert json.loads(done.stdout)["new_topics"] == ["refund"]
    done = subprocess.run(
        [*command, "old", "new"], cwd=ROOT, capture_output=True, text=True, env=os.environ | {"COLUMNS": "120"}
    )
    assert "new topics (1)" in done.stdout
    done = subprocess.run([*command, "old", "none"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
