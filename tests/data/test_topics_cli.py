"""The commands around topics and labels, run as a person runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from data.build import build_dataset
from data.proposals import read_proposals
from data.records import write_rows
from data.schema import Conversation, Message
from data.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
ASKED = {
    "refund": ("money refund paid back", "We refund within 5 days."),
    "parcel": ("parcel courier late lost", "The courier takes 3 days."),
    "login": ("password login locked reset", "Reset it on the sign-in page."),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shop")
    log = []
    for i in range(90):
        topic = list(ASKED)[i % 3]
        words, answer = ASKED[topic]
        some = " ".join(words.split()[j] for j in (i % 4, (i + 1 + i // 7) % 4, (i + 2) % 4))
        said = (Message("customer", f"{some} {topic}", time=60.0 * i), Message("agent", answer, time=60.0 * i + 9))
        log.append(Conversation(f"c{i}", said, "en", topic=topic if i % 2 else None))
    write_rows(root / "log.jsonl", log)
    build_dataset([root / "log.jsonl"], Workspace(root))
    return root


def careline(place: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "careline.py"), "data", *words, "--workspace", str(place)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_discover_writes_the_file_and_keeps_decisions(place: Path) -> None:
    rows = [json.loads(line) for line in careline(place, "discover", "--words", "--json").stdout.splitlines()]
    path = place / "var" / "proposals.yml"
    proposals, members = read_proposals(path)
    assert [row["name"] for row in rows] == [p.name for p in proposals]
    assert set(members) <= {f"c{i}" for i in range(0, 90, 2)}, "a tagged conversation was grouped"
    assert {p.typical_answer for p in proposals} <= {answer for _, answer in ASKED.values()}
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("decision: undecided\n", "decision: accept\n", 1), encoding="utf-8")
    careline(place, "discover", "--words")
    again, _ = read_proposals(path)
    assert [p.decision for p in again].count("accept") == 1
    path.write_text(text.replace("decision: undecided\n", "decision: maybe\n", 1), encoding="utf-8")
    told = careline(place, "discover", "--words", code=2)
    assert "maybe" in told.stderr
    assert "maybe" in path.read_text(encoding="utf-8"), "a person's file was overwritten in spite of the mistake"
    path.unlink()


def test_suggest_check_and_label_print_rows(place: Path) -> None:
    rows = [
        json.loads(line) for line in careline(place, "suggest", "--n", "2", "--words", "--json").stdout.splitlines()
    ]
    assert len(rows) == 2
    assert {"conversation", "language", "text"} == set(rows[0])
    assert "no doubt" in careline(place, "check", "--words").stdout
    (place / "rules.toml").write_text('[[rule]]\ntopic = "refund"\nany = ["refund"]\n', encoding="utf-8")
    rules = careline(place, "label", "--rules", str(place / "rules.toml"), "--json")
    row = json.loads(rules.stdout)
    assert (row["topic"], row["openings"]) == ("refund", 30)
    assert row["tag agrees"] == row["tagged"] == 15


def test_mistakes_are_one_line(place: Path, tmp_path: Path) -> None:
    assert "number of weeks" in careline(place, "discover", "--words", "--since", "soon", code=2).stderr
    assert "no such file" in careline(place, "label", "--rules", str(tmp_path / "none.toml"), code=2).stderr
    assert "careline data build" in careline(tmp_path, "suggest", code=2).stderr
