"""A dataset is built whole or not at all, and not twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from data.artifacts import is_complete, load_manifest
from data.build import build_dataset
from data.discover import discover
from data.errors import InputError
from data.label import find_topics
from data.normalise import detect_language, normalise_text
from data.people import KEY_BYTES, KEY_FILE
from data.rasa_export import static_examples
from data.records import read_rows, write_rows
from data.report import read_report
from data.schema import Answer, Conversation, Example, IntentExample, Message, Topic
from data.split import split_conversations
from data.workspace import Learn, Workspace, WorkspaceSettings

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "samples" / "shop.jsonl"
QUESTIONS = {
    "delivery": [
        "how long does delivery take",
        "when will my delivery arrive at home",
        "is delivery slower at christmas",
    ],
    "boots": ["which boots are waterproof", "do the boots run small", "can these boots be resoled"],
    "payment": ["can i pay by bank transfer", "is payment by card safe", "do you take payment in dollars"],
}


def log_of(count: int = 60, *, tagged: bool = False) -> list[Conversation]:
    log = []
    for i in range(count):
        topic = list(QUESTIONS)[i % 3]
        text = QUESTIONS[topic][i // 3 % 3] + (" please" if i % 2 else "")
        messages = (
            Message("customer", f"Hi! {text}?", time=1700000000.0 + 60 * i, author="Anna Berg"),
            Message("agent", f"Hello Anna, all about {topic} stands in our {topic} guide.", time=1700000030.0 + 60 * i),
            Message("customer", "Thanks! mail it to anna.berg@mail.example"),
        )
        log.append(Conversation(f"c{i}", messages, topic=topic if tagged else None))
    return log


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    write_rows(tmp_path / "log.jsonl", log_of())
    return tmp_path / "log.jsonl"


def test_the_dataset_holds_what_its_layout_says(log_file: Path, tmp_path: Path) -> None:
    layout = build_dataset([log_file], Workspace(tmp_path))
    assert is_complete(layout.folder, kind="dataset")
    conversations = list(read_rows(layout.conversations, Conversation))
    examples = list(read_rows(layout.examples, Example))
    answers = {a.id: a for a in read_rows(layout.answers, Answer)}
    topics = {t.id for t in read_rows(layout.topics, Topic)}
    intents = list(read_rows(layout.intents, IntentExample))
    assert len(conversations) == len(examples) == 60
    assert {e.answer for e in examples} == set(answers)
    assert {a.text for a in answers.values()} == {f"all about {t} stands in our {t} guide." for t in QUESTIONS}
    assert {i.intent for i in intents if i.kind == "topic"} <= topics
    assert "greeting" in {i.intent for i in intents if i.kind == "static"}
    everything = "".join(p.read_text("utf-8", "replace") for p in layout.folder.rglob("*") if p.is_file())
    assert "anna.berg" not in everything
    assert "Anna" not in everything
    report = read_report(layout)
    assert report["redacted"] == {"NAME": 60, "EMAIL": 60}
    assert report["split"]["conversations"] == {"train": 48, "valid": 6, "test": 6}
    assert load_manifest(layout.folder, kind="dataset").metrics["conversations"] == 60


def test_the_same_log_is_not_built_twice(log_file: Path, tmp_path: Path) -> None:
    first = build_dataset([log_file], Workspace(tmp_path))
    before = {p: p.stat().st_mtime_ns for p in first.folder.rglob("*")}
    again = build_dataset([log_file], Workspace(tmp_path))
    assert again == first
    assert {p: p.stat().st_mtime_ns for p in again.folder.rglob("*")} == before
    kept = Workspace(tmp_path, WorkspaceSettings(learn=Learn(keep=("Anna",))))
    assert build_dataset([log_file], kept).folder != first.folder


def test_two_builds_are_equal_to_the_byte(log_file: Path, tmp_path: Path) -> None:
    files = []
    for name in ("one", "two"):
        (tmp_path / name / "var").mkdir(parents=True)
        (tmp_path / name / "var" / KEY_FILE).write_bytes(bytes(KEY_BYTES))
        layout = build_dataset([log_file], Workspace(tmp_path / name))
        files.append(load_manifest(layout.folder, kind="dataset").files)
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("count", "options", "expected"),
    [
        (1, {}, "got 1 conversation; expected at least 10"),
        (60, {"format": "star"}, "turns"),
        (60, {"format": "x"}, "--format"),
    ],
)
def test_bad_input_leaves_nothing_behind(tmp_path: Path, count: int, options: dict[str, str], expected: str) -> None:
    write_rows(tmp_path / "log.jsonl", log_of(count))
    with pytest.raises(InputError, match=expected):
        build_dataset([tmp_path / "log.jsonl"], Workspace(tmp_path), **options)  # type: ignore[arg-type]
    assert not list((tmp_path / "var").rglob("*"))


def test_a_log_in_which_nobody_answers(tmp_path: Path) -> None:
    write_rows(tmp_path / "l.jsonl", [Conversation(f"c{i}", (Message("customer", f"hello {i}?"),)) for i in range(20)])
    with pytest.raises(InputError, match="no message of an agent"):
        build_dataset([tmp_path / "l.jsonl"], Workspace(tmp_path))


def test_broken_lines_are_counted_and_strict_refuses_even_a_finished_dataset(log_file: Path, tmp_path: Path) -> None:
    with log_file.open("a", encoding="utf-8") as stream:
        stream.write('{"id": "half"\n')
    layout = build_dataset([log_file], Workspace(tmp_path))
    assert read_report(layout)["refused_lines"] == 1
    with pytest.raises(InputError, match="line 61"):
        build_dataset([log_file], Workspace(tmp_path), strict=True)


def test_two_logs_are_one_and_repetitions_count_once(log_file: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.jsonl"
    other = [Conversation(c.id, (*c.messages, Message("customer", "one more thing"))) for c in log_of(12)]
    write_rows(more, [*log_of(12), *other])
    report = read_report(build_dataset([log_file, more], Workspace(tmp_path)))
    assert (report["conversations"], report["duplicates"]) == (72, 12)


def test_topics_are_found_without_tags_and_kept_with_them() -> None:
    for tagged in (False, True):
        log = log_of(tagged=tagged)
        splits, _ = split_conversations(log)
        found = find_topics(log, splits, [])
        truth = {c.id: list(QUESTIONS)[i % 3] for i, c in enumerate(log)}
        pure = {(truth[i], name) for i, name in found.of.items()}
        assert len(pure) == len(found.topics), "a topic mixes questions about different things"
        assert all(topic.labelled is tagged for topic in found.topics)
        assert len(found.of) == 60


def test_a_topic_does_not_take_an_intent_of_the_domain() -> None:
    log = log_of(tagged=True)
    static = [IntentExample("how long does delivery take?", "order_status", "static", "train", "en")]
    found = find_topics(log, split_conversations(log)[0], static)
    assert "how long does delivery take?" not in {e.text for e in found.examples if e.kind == "topic"}
    assert found.counts["moved_to_intents"] + found.counts["dropped_as_close"] >= 1


def test_chinese_questions_are_grouped() -> None:
    texts = ["运费是多少钱", "运费怎么算的", "偏远地区运费贵吗", "帐篷防水吗", "帐篷怎么搭建", "这款帐篷重不重"] * 5
    groups = {frozenset(i % 6 // 3 for i in cluster.members) for cluster in discover(texts, "zh")}
    assert all(len(group) == 1 for group in groups)


def test_static_examples_lose_their_mark_up(tmp_path: Path) -> None:
    (tmp_path / "nlu.yml").write_text(
        'version: "3.1"\nnlu:\n- intent: order_status\n  examples: |\n    - where is [NT-1](order)?\n'
        '    - where is [it]{"entity": "order", "role": "x"}\n- synonym: x\n  examples: |\n    - y\n',
        encoding="utf-8",
    )
    found = static_examples(tmp_path)
    assert [(e.text, e.intent, e.kind) for e in found] == [
        ("where is NT-1?", "order_status", "static"),
        ("where is it", "order_status", "static"),
    ]
    (tmp_path / "nlu.yml").write_text("nlu: [", encoding="utf-8")
    with pytest.raises(InputError, match=r"nlu\.yml"):
        static_examples(tmp_path)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("@AppleSupport @135060 hi  there https://t.co/m9DPQbkftD", "hi there"),
        ("ask @123456 about it", "ask @user about it"),
        ("a\u200bb\ufeff\r\n\r\n\r\n\r\nc ", "ab\n\nc"),
        ("fish &amp; chips", "fish & chips"),
        ("e\u0301", "é"),
    ],
)
def test_normalise(text: str, clean: str) -> None:
    assert normalise_text(text) == clean
    assert normalise_text(clean) == clean


@pytest.mark.parametrize(
    ("text", "language"),
    [("Where is it?", "en"), ("我的 Kestrel 睡袋呢", "zh"), ("12345 :)", None), ("ありがとう", None)],
)
def test_language(text: str, language: str | None) -> None:
    assert detect_language(text) == language


def test_commands_print_json_and_exit_2_in_one_line(log_file: Path, tmp_path: Path) -> None:
    def careline(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "careline.py", "data", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"})

    built = careline("build", str(log_file), "--workspace", str(tmp_path), "--json")
    report = json.loads(built.stdout)
    assert report["conversations"] == 60
    shown = careline("report", report["dataset"], "--workspace", str(tmp_path))
    assert "60" in shown.stdout
    bad = careline("build", str(tmp_path), "--workspace", str(tmp_path))
    assert bad.returncode == 2
    assert bad.stderr.count("\n") == 1
    converted = careline("import", str(log_file), "--json")
    assert len(converted.stdout.splitlines()) == 60


@pytest.mark.slow
def test_the_sample_log(tmp_path: Path) -> None:
    report = read_report(build_dataset([SAMPLE], Workspace(tmp_path)))
    assert set(report["languages"]) == {"en", "zh"}
    assert report["refused_lines"] == report["duplicates"] == 0
    assert report["reusable"] > 300
    assert 30 <= report["topics"] <= 150
