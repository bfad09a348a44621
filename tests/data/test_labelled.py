"""A table of labelled messages keeps every label and every message."""

from collections import Counter
from pathlib import Path

from data.build import build_dataset
from data.records import read_rows
from data.schema import IntentExample, Topic
from data.workspace import Workspace

_ROWS = [
    ("hello, I want to cancel my order please", "Order.Cancel"),
    ("hi, cancel the order", "Order.Cancel"),
    ("thanks, where do I see exchange rates?", "rates"),
    ("tell me a joke", "oos"),
    *((f"what is the rate of {name}", "rates") for name in ("euros", "yen", "francs", "pesos", "rupees", "zloty")),
]


def test_labels_are_taken_at_their_word(tmp_path: Path) -> None:
    table = tmp_path / "labelled.csv"
    table.write_text("text,intent\n" + "".join(f'"{text}",{label}\n' for text, label in _ROWS), encoding="utf-8")
    layout = build_dataset([table], Workspace(tmp_path))
    rows = [row for row in read_rows(layout.intents, IntentExample) if row.source == "log"]
    assert Counter((row.text, row.intent) for row in rows) == Counter(
        (text, {"Order.Cancel": "order_cancel", "oos": "out_of_scope"}.get(label, label)) for text, label in _ROWS
    )
    titles = {topic.id: topic.title for topic in read_rows(layout.topics, Topic)}
    assert titles == {"order_cancel": "Order.Cancel", "rates": "rates"}


def test_conversations_with_answers_are_no_such_table(tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text(
        "question,answer\n" + "".join(f"how much is item {i}?,It is {i} pounds.\n" for i in range(12)), "utf-8"
    )
    layout = build_dataset([table], Workspace(tmp_path))
    assert not [row for row in read_rows(layout.intents, IntentExample) if row.source == "log"]
