"""The report page shows what is in a dataset, needs nothing else, runs nothing, and holds no text unescaped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from data.artifacts import DatasetLayout, Manifest, create
from data.errors import InputError
from data.facts import SAMPLED, collect_facts, interval
from data.mood import mood_of
from data.records import write_rows
from data.report_page import write_report_page
from data.schema import Answer, Conversation, IntentExample, Message, Topic
from data.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)> {{ 7*7 }} &amp; \"quoted\" 'too'"
ENDINGS = ("resolved", "resolved", "resolved", "escalated", None)


def conversation(number: int) -> Conversation:
    language = "zh" if number % 4 == 0 else "en"
    asked = "退款太慢了，非常失望" if language == "zh" else "this is terrible, where is my refund <NAME_1> and <NAME_1>"
    messages = (
        Message("customer", asked, time=1.7e9 + 86400 * number),
        Message("agent", "Refunds take five days. <EMAIL_1>", time=1.7e9 + 86400 * number + 90),
        Message("customer", "谢谢，很满意" if language == "zh" else "great, thank you, I love it"),
    )
    return Conversation(f"c{number}", messages, language=language, topic="refund", ending=ENDINGS[number % 5])


def dataset(
    folder: Path,
    conversations: list[Conversation],
    labels: Sequence[IntentExample] = (),
    **more: list[dict[str, object]],
) -> DatasetLayout:
    report = {
        "conversations": len(conversations), "messages": sum(len(c.messages) for c in conversations),
        "duplicates": 2, "refused_lines": 1, "period": ["2023-11-14", "2024-01-01"], "answers": 2, "reusable": 1,
        "redacted_values": 7, "held_back": {"only courtesies": 1},
        "split": {"by": "time", "conversations": {"train": 80, "valid": 10, "test": 9}, "dropped": {"near-copy": 1}},
    }  # fmt: skip
    with create(folder, Manifest("dataset", "abc")) as draft:
        layout = DatasetLayout(draft.folder)
        write_rows(layout.conversations, conversations)
        write_rows(layout.answers, [Answer("a", EVIL, "en", support=9), Answer("b", "Bye", "en", reusable=False)])
        write_rows(layout.topics, [Topic("refund", "Refunds", ("refund",), len(conversations), "en", labelled=True)])
        twice = [IntentExample("money back", name, "topic", "train", "en") for name in ("refund", "return_item")]
        write_rows(layout.intents, [*twice, *labels])
        layout.report.write_text(json.dumps(report), encoding="utf-8")
        for name, rows in more.items():
            (draft.folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return DatasetLayout(folder / "abc")


class Page(HTMLParser):
    """Collects what a browser would load or run, and the text it would show."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.outside: list[str] = []
        self.text = ""
        self.in_cell = False
        self.rows: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "action", "data", "xlink:href") and not (value or "").startswith("#"):
                self.outside.append(f"{tag} {name}={value}")
            if name.startswith("on"):
                self.outside.append(f"{tag} {name}")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.in_cell = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.in_cell:
            self.rows[-1][-1] += data.strip()


def page_of(layout: DatasetLayout, out: Path) -> Page:
    return Page(write_report_page(layout, out).read_text(encoding="utf-8"))


def test_the_page_needs_nothing_and_runs_nothing(tmp_path: Path) -> None:
    layout = dataset(tmp_path, [conversation(i) for i in range(99)])
    page = page_of(layout, tmp_path / "new" / "page.html")
    assert page.outside == []
    assert not {"script", "link", "iframe", "object", "img", "base", "form"} & set(page.tags)
    assert EVIL in page.text
    text = (tmp_path / "new" / "page.html").read_text(encoding="utf-8")
    assert "url(http" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text
    assert page.tags.count("svg") == 3
    assert page.tags.count("details") == 13


def test_numbers_are_what_the_dataset_holds(tmp_path: Path) -> None:
    layout = dataset(tmp_path, [conversation(i) for i in range(100)])
    facts = collect_facts(layout)
    assert facts.redactions == {("NAME", "en"): 75, ("EMAIL", "en"): 75, ("EMAIL", "zh"): 25}
    assert facts.all.endings == {"resolved": 60, "escalated": 20}
    assert facts.tallies["topic", "refund"].known == 80
    assert facts.tallies["language", "zh"].conversations == 25
    assert facts.all.moods == {"negative": 100, "positive": 100}
    assert facts.turns == {"better": 100}
    assert facts.all.waits == [90.0] * 100
    assert facts.lengths == {3: 100}
    assert (facts.usable, facts.support) == (9, [9, 1])
    assert facts.openings.most_common(1)[0][1] == 75
    assert facts.conflicts == [("money back", ("refund", "return_item"))]
    page = page_of(layout, tmp_path / "page.html")
    low, high = interval(60, 80)
    assert ["Refunds", "80", f"75% ({low:.0%}–{high:.0%})", "25% (17%–35%)"] in page.rows
    assert ["near-copy", "1 (100%)"] in page.rows
    assert ["half within", "9 in 10 within", "99 in 100 within"] in page.rows
    assert ["90 s", "90 s", "90 s"] in page.rows


def _given(text: str, intent: str) -> IntentExample:
    return IntentExample(text, intent, "topic", "train", "en", source="person")


def test_doubtful_labels_are_listed(tmp_path: Path) -> None:
    refunds = [_given(f"I want my money back for order {word}", "refund") for word in "abcdefgh"]
    parcels = [_given(f"Where is the parcel with the {word} shoes", "parcel") for word in "abcdefgh"]
    odd = _given("I want my money back for order z", "parcel")
    page = page_of(dataset(tmp_path, [conversation(1)], labels=[*refunds, *parcels, odd]), tmp_path / "page.html")
    assert any(odd.text in row and "parcel" in row and "refund" in row for row in page.rows)


def test_what_an_older_dataset_lacks_is_not_measured(tmp_path: Path) -> None:
    page = page_of(dataset(tmp_path, [conversation(i) for i in range(10)]), tmp_path / "page.html")
    assert page.text.count("Not measured in this dataset") == 2
    newer = dataset(
        tmp_path / "newer",
        [conversation(1)],
        contradictions=[{"question": "how long", "answers": ["five days", EVIL], "newest": 1.0}],
        labels=[_given(f"refund number {i}", "refund") for i in range(6)],
    )
    page = page_of(newer, tmp_path / "page.html")
    assert "Not measured" not in page.text
    assert "No label errors and outliers were found." in page.text
    assert ["how long", f"five days · {EVIL}", "1.00"] in page.rows


def test_a_log_without_times_endings_or_topics(tmp_path: Path) -> None:
    bare = [
        Conversation(f"c{i}", tuple(replace(m, time=None) for m in conversation(i).messages), channel="e-mail")
        for i in range(10)
    ]
    page = page_of(dataset(tmp_path, bare), tmp_path / "page.html")
    assert "This log has no times." in page.text
    assert "does not say how its conversations ended" in page.text
    assert any(row[0] == "e-mail" and row[3] == "no times" for row in page.rows if len(row) == 7)


def test_large_datasets_are_sampled_and_the_page_says_so(tmp_path: Path) -> None:
    count = 3 * SAMPLED
    one = conversation(1)
    layout = dataset(tmp_path, [replace(one, id=f"c{i}") for i in range(count)])
    facts = collect_facts(layout)
    assert facts.sampled == SAMPLED
    assert facts.all.conversations == count
    assert len(facts.all.waits) == 20000
    page = page_of(layout, tmp_path / "page.html")
    assert f"From a sample of {SAMPLED:,} of {count:,} conversations, every 3rd." in page.text


def test_a_dataset_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no manifest"):
        write_report_page(DatasetLayout(tmp_path), tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_the_command_writes_the_page_and_prints_the_table(tmp_path: Path) -> None:
    told = Message(
        "customer", "I am Quirina Obermoser, quirina@mail.example, +44 7700 900175", author="Quirina Obermoser"
    )
    log = [replace(conversation(i), id=f"c{i}", messages=(told, *conversation(i).messages)) for i in range(30)]
    write_rows(tmp_path / "log.jsonl", log)
    from data.build import build_dataset

    key = build_dataset([tmp_path / "log.jsonl"], Workspace(tmp_path)).folder.name
    command = [sys.executable, "careline.py", "data", "report", key, "--workspace", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"})
    assert done.returncode == 0, done.stderr
    assert "conversations" in done.stdout
    assert f"dataset-{key}.html" in done.stderr
    page = (tmp_path / "var" / "reports" / f"dataset-{key}.html").read_text(encoding="utf-8")
    assert "What is in this dataset" in page
    assert not any(planted in page for planted in ("Quirina", "Obermoser", "quirina@", "900175"))
    out = tmp_path / "elsewhere.html"
    done = subprocess.run([*command, "--json", "--out", str(out)], cwd=ROOT, capture_output=True, text=True)
    assert json.loads(done.stdout)["conversations"] == 30
    assert out.is_file()


@pytest.mark.parametrize(
    ("text", "language", "mood"),
    [
        ("I am very unhappy, this is awful", "en", "negative"),
        ("thank you so much, wonderful", "en", "positive"),
        ("the parcel has number <ORDER_1>", "en", "neutral"),
        ("差评，再也不来了", "zh", "negative"),
        ("质量很好，谢谢", "zh", "positive"),
        ("我对这个不满意", "zh", "negative"),
        ("什么时候营业", "zh", "neutral"),
        ("", "en", "neutral"),
        ("", "zh", "neutral"),
    ],
)
def test_moods(text: str, language: str, mood: str) -> None:
    assert mood_of(text, language) == mood


def test_intervals_are_wilsons() -> None:
    assert interval(0, 0) == (0.0, 1.0)
    assert interval(10, 10)[1] == 1.0
    low, high = interval(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.49, 0.943)
