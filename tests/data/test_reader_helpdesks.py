"""Exports of help desks: Zendesk, Intercom, Chatwoot, in the forms in which their interfaces give them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from data.errors import InputError
from data.readers import Problem, jsonstream, open_log, recognise
from data.readers.htmltext import html_to_text
from data.schema import Conversation


def write(path: Path, *documents: Any, indent: int | None = None) -> Path:
    texts = (json.dumps(document, ensure_ascii=False, indent=indent) for document in documents)
    path.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
    return path


def read(path: Path, **options: object) -> list[Conversation]:
    return list(open_log(path, **options))  # type: ignore[arg-type]


def said(conversation: Conversation) -> list[tuple[str, str]]:
    return [(m.role, m.text) for m in conversation.messages]


def ticket(number: int, **more: Any) -> dict[str, Any]:
    comments = [
        {"id": 2, "author_id": 20, "plain_body": "It left.", "public": True, "created_at": "2024-03-01T10:05:00Z"},
        {"id": 1, "author_id": 10, "body": "Where is it?", "public": True, "created_at": "2024-03-01T10:00:00Z"},
        {"id": 3, "author_id": 20, "body": "VIP, be nice", "public": False, "created_at": "2024-03-01T10:06:00Z"},
        {"id": 4, "author_id": 11, "html_body": "<p>I&nbsp;ask too</p>", "created_at": "2024-03-01T10:07:00Z"},
    ]
    row = {"id": number, "requester_id": 10, "submitter_id": 10, "status": "solved", "tags": ["delivery"]}
    return row | {"subject": "Parcel", "description": "Where is it?", "comments": comments} | more


USERS = [
    {"id": 10, "name": "Anna", "role": "end-user"},
    {"id": 11, "name": "Bo", "role": "end-user"},
    {"id": 20, "name": "Tom", "role": "agent"},
]
TICKET_SAID = [("customer", "Where is it?"), ("agent", "It left."), ("customer", "I ask too")]


@pytest.mark.parametrize("form", ["pages", "pretty", "lines", "array"])
def test_zendesk_tickets_in_every_form(tmp_path: Path, form: str) -> None:
    tickets = [ticket(1), ticket(2)]
    if form in ("pages", "pretty"):
        pages = [{"tickets": [t], "users": USERS, "count": 1, "next_page": "https://x.example"} for t in tickets]
        path = write(tmp_path / "t.json", *pages, indent=2 if form == "pretty" else None)
    else:
        people = {"requester": USERS[0], "assignee": USERS[2]}
        for t in tickets:
            t["comments"][3]["author"] = USERS[1]
        rows = [t | people for t in tickets]
        path = write(tmp_path / "t.json", *(rows if form == "lines" else [rows]))
    assert recognise(path) == "zendesk"
    log = read(path)
    assert [c.id for c in log] == ["zendesk-1", "zendesk-2"]
    assert said(log[1]) == TICKET_SAID
    assert (log[0].topic, log[0].ending, log[0].started) == ("delivery", "resolved", 1709287200.0)


def test_a_zendesk_ticket_without_comments_is_its_description(tmp_path: Path) -> None:
    (only,) = read(write(tmp_path / "t.json", {"tickets": [ticket(1, comments=None)]}))
    assert said(only) == [("customer", "Where is it?")]


def test_zendesk_ticket_events(tmp_path: Path) -> None:
    def event(number: int, time: int, *children: dict[str, Any]) -> dict[str, Any]:
        return {"id": number, "ticket_id": 7, "timestamp": time, "updater_id": 10, "child_events": list(children)}

    events = [
        event(2, 1709287500, {"event_type": "Comment", "author_id": 20, "body": "It left.", "public": True}),
        event(
            1,
            1709287200,
            {"event_type": "Create", "requester_id": 10, "status": "new"},
            {"event_type": "Comment", "author_id": 10, "body": "Where is it?", "public": True},
        ),
        event(3, 1709287600, {"event_type": "Comment", "author_id": 20, "body": "secret", "public": False}),
        event(4, 1709287700, {"event_type": "Change", "status": "solved"}),
    ]
    path = write(tmp_path / "e.json", {"ticket_events": events[:2]}, {"ticket_events": events[2:]})
    assert recognise(path) == "zendesk"
    (only,) = read(path)
    assert said(only) == TICKET_SAID[:2]
    assert (only.ending, only.started) == ("resolved", 1709287200.0)


def intercom(number: str) -> dict[str, Any]:
    def part(kind: str, body: str | None, who: str) -> dict[str, Any]:
        author = {"type": who, "id": "1", "name": who.title()}
        return {
            "type": "conversation_part",
            "part_type": kind,
            "body": body,
            "created_at": 1709287300,
            "author": author,
        }

    parts = [
        part("comment", "<p>One moment, I am a bot.</p>", "bot"),
        part("assignment", None, "admin"),
        part("note", "<p>rude customer</p>", "admin"),
        part("comment", "<p>It left <b>today</b>.</p><p>Bye</p>", "admin"),
        part("close", None, "admin"),
    ]
    return {
        "type": "conversation",
        "id": number,
        "created_at": 1709287200,
        "state": "closed",
        "source": {"body": "<p>Where is it?</p>", "author": {"type": "user", "name": "Anna"}},
        "tags": {"type": "tag.list", "tags": [{"name": "delivery"}]},
        "conversation_parts": {"conversation_parts": parts, "total_count": 5},
    }


def test_intercom(tmp_path: Path) -> None:
    page = {"type": "conversation.list", "conversations": [intercom("1"), intercom("2")], "pages": {"type": "pages"}}
    for path in (write(tmp_path / "p.json", page), write(tmp_path / "l.json", intercom("1"), intercom("2"))):
        assert recognise(path) == "intercom"
        log = read(path)
        assert [c.id for c in log] == ["intercom-1", "intercom-2"]
        assert said(log[0]) == [
            ("customer", "Where is it?"),
            ("system", "One moment, I am a bot."),
            ("agent", "It left today.\n\nBye"),
        ]
        assert (log[0].topic, log[0].ending, log[0].started) == ("delivery", "resolved", 1709287200)


def chatwoot(number: int, kind: int | str, text: str | None, **more: Any) -> dict[str, Any]:
    row = {"id": number, "content": text, "message_type": kind, "conversation_id": 5, "private": False}
    return row | {"created_at": 1709287200 + number, "sender": {"name": "Anna"}} | more


MESSAGES = [
    chatwoot(1, 0, "Where is it?"),
    chatwoot(2, 3, "We will be with you soon."),
    chatwoot(3, 1, "I am a robot", sender={"name": "Robo", "type": "agent_bot"}),
    chatwoot(4, 2, "Tom self-assigned this conversation"),
    chatwoot(5, 1, "call her boss", private=True),
    chatwoot(6, "outgoing", "It left.", sender={"name": "Tom", "type": "user"}),
    chatwoot(7, 1, "gone", content_attributes={"deleted": True}),
    chatwoot(8, 1, None),
]
CHATWOOT_SAID = [
    ("customer", "Where is it?"),
    ("system", "We will be with you soon."),
    ("system", "I am a robot"),
    ("agent", "It left."),
]


def test_chatwoot_conversations_and_messages_join(tmp_path: Path) -> None:
    row = {"id": 5, "inbox_id": 1, "status": "resolved", "labels": ["delivery"], "messages": [MESSAGES[5]]}
    listed = {"data": {"meta": {"all_count": 1}, "payload": [row]}}
    messages = {"meta": {"contact": {"name": "Anna"}}, "payload": MESSAGES}
    path = write(tmp_path / "c.json", listed, messages)
    assert recognise(path) == "chatwoot"
    (only,) = read(path)
    assert only.id == "chatwoot-5"
    assert said(only) == CHATWOOT_SAID
    assert (only.topic, only.ending) == ("delivery", "resolved")


def test_chatwoot_conversations_alone(tmp_path: Path) -> None:
    rows = [{"id": i, "inbox_id": 1, "status": "open", "messages": MESSAGES} for i in range(3)]
    log = read(write(tmp_path / "c.json", *rows))
    assert [said(c) for c in log] == [CHATWOOT_SAID] * 3


def test_a_page_larger_than_what_is_held_is_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonstream, "LONGEST_RECORD", 20_000)
    monkeypatch.setattr(jsonstream, "_FIRST_READ", 777)
    page = {"count": 300, "users": USERS, "tickets": [ticket(i) for i in range(300)], "end_time": 1}
    log = read(write(tmp_path / "t.json", page, page | {"tickets": [ticket(300)]}))
    assert [c.id for c in log] == [f"zendesk-{i}" for i in range(301)]
    assert all(said(c) == TICKET_SAID for c in log)


def test_one_broken_record_in_an_array_is_skipped(tmp_path: Path) -> None:
    path = write(tmp_path / "t.json", [intercom(str(i)) for i in range(60)], indent=1)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"id": "30"', '"id": 30"', 1), encoding="utf-8")
    problems: list[Problem] = []
    assert len(read(path, on_problem=problems.append)) == 59
    (only,) = problems  # what is left of the record is no record
    assert only.got.startswith("broken JSON")
    assert only.line == text[: text.index('"id": "30"')].count("\n") - 1  # where the record begins
    array = "[" + ",\n".join(json.dumps(intercom(str(i))) for i in range(60)) + "]\n"
    path.write_text(array.replace('"id": "30"', '"id": 30"', 1), encoding="utf-8")
    assert len(read(path)) == 59


def test_html_becomes_what_a_person_sees() -> None:
    html = "<style>p{}</style><p>Hi&nbsp;Anna,</p><ul><li>a &lt; b</li><li>c</li></ul><blockquote>old</blockquote>new"
    assert html_to_text(html, quotes=False) == "Hi Anna,\n\na < b\n\nc\n\nnew"
    assert html_to_text("1 < 2 and 3 > 2") == "1 < 2 and 3 > 2"


def test_help_desks_tell_the_channel(tmp_path: Path) -> None:
    for number, (via, channel) in enumerate(
        [({"channel": "email"}, "email"), ({"channel": "anna@mail.example"}, None), ("chat", "chat"), (7, None)]
    ):
        path = write(tmp_path / f"z{number}.json", {"tickets": [ticket(1, via=via)], "users": USERS})
        assert [c.channel for c in read(path)] == [channel]
    message = {"id": 1, "message_type": 0, "content": "hello", "created_at": 1709287200}
    for number, (more, channel) in enumerate(
        [({"meta": {"channel": "Channel::WebWidget"}}, "webwidget"), ({"channel": "Channel::Api"}, "api"), ({}, None)]
    ):
        path = write(tmp_path / f"c{number}.json", {"id": 5, "messages": [message], "status": "open"} | more)
        assert [c.channel for c in read(path, format="chatwoot")] == [channel]
    source = {"type": "email", "body": "hello", "author": {"type": "user"}}
    path = write(tmp_path / "i.json", {"id": "9", "source": source, "conversation_parts": [], "created_at": 1709287200})
    assert [c.channel for c in read(path, format="intercom")] == ["email"]


def test_our_own_format_refuses_an_address_as_channel_and_a_text_as_number(tmp_path: Path) -> None:
    row = {"id": "c", "messages": [{"role": "customer", "text": "hi", "seq": 3}], "channel": "微信"}
    good = read(write(tmp_path / "good.jsonl", row), format="careline")[0]
    assert (good.channel, good.messages[0].seq) == ("微信", 3)
    assert read(write(tmp_path / "a.jsonl", row | {"channel": "a@b.example"}), format="careline")[0].channel is None
    bad = {"id": "d", "messages": [{"role": "customer", "text": "hi", "seq": "three"}]}
    with pytest.raises(InputError, match="seq 'three'"):
        read(write(tmp_path / "b.jsonl", bad), format="careline")
