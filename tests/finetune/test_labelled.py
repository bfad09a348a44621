"""Labelled messages from tables and logs: what is right, what is out of scope; nothing personal is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data.errors import InputError
from data.schema import Conversation, Message, Topic
from finetune.labelled import held_out, intent_names, named, read_labelled
from finetune.testing import little_shop, write_dataset


def test_a_table_with_out_of_scope_rows(tmp_path: Path) -> None:
    table = tmp_path / "new.csv"
    table.write_text(
        "text,intent,channel,time\nwhere is my parcel,Order Status,web,2024-05-01T10:00:00Z\n"
        "who won the cup,,,\nis it raining,OOS,mail,17\n我要退货,tuihuo,,\n,,,\n",
        encoding="utf-8",
    )
    rows = named(read_labelled(table), intent_names(["tuihuo"], [Topic("order_status", "Order status", (), 1, "en")]))
    assert [row.intent for row in rows] == ["order_status", None, None, "tuihuo"]
    assert [row.language for row in rows] == ["en", "en", "en", "zh"]
    assert rows[0].channel == "web"
    assert rows[0].time == 1714557600.0
    assert (rows[2].time, rows[2].channel, rows[1].channel) == (17.0, "mail", None)


def test_what_is_shown_holds_nothing_personal(tmp_path: Path) -> None:
    table = tmp_path / "new.tsv"
    text = "My name is Quirina Obermoser, mail quirina@mail.example or call +44 7700 900175"
    table.write_text(f"text\tcategory\n{text}\taccount\n", encoding="utf-8")
    (row,) = read_labelled(table)
    assert row.text == text
    assert not any(planted in row.shown for planted in ("Quirina", "Obermoser", "quirina@", "900175"))


def test_any_log_with_labels(tmp_path: Path) -> None:
    talks = [
        Conversation("a", (Message("customer", "where is my tent", intent="order"), Message("agent", "Hi"))),
        Conversation("b", (Message("customer", "hello"), Message("customer", "I want my money back")), topic="refund"),
        Conversation("c", (Message("customer", "no label at all"),)),
    ]
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(talk.to_json()) + "\n" for talk in talks), encoding="utf-8")
    assert [(row.text, row.intent) for row in read_labelled(log)] == [
        ("where is my tent", "order"), ("I want my money back", "refund")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "text,colour\nhello,red\n", "expected"),
        ("a.csv", "text,intent\n", "no labelled message"),
        ("a.csv", "", "expected"),
        ("none.csv", None, "no such file"),
    ],
)
def test_what_cannot_be_measured_on_is_one_line(tmp_path: Path, name: str, content: str | None, told: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=told) as caught:
        read_labelled(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_held_out_rows_know_where_they_come_from(tmp_path: Path) -> None:
    shop = little_shop()
    layout = write_dataset(tmp_path, shop)
    text = shop.intents_of("test")[0].text
    talk = Conversation("c", (Message("customer", text, time=9.0), Message("agent", "Hi")), channel="mail")
    layout.conversations.write_text(json.dumps(talk.to_json()) + "\n", encoding="utf-8")
    rows = held_out(shop, layout)
    assert len(rows) == len(shop.intents_of("test"))
    assert any((row.channel, row.time) == ("mail", 9.0) for row in rows)
    assert any(row.channel is None for row in rows)
