"""Chats and mails: WhatsApp, mbox, Twitter, Rasa's trackers and its training data."""

from __future__ import annotations

import csv
import json
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import pytest

from data.errors import InputError
from data.readers import open_log, recognise
from data.readers.chattimes import choose_order
from data.readers.mailtext import written
from data.schema import Conversation


def read(path: Path, **options: object) -> list[Conversation]:
    return list(open_log(path, **options))  # type: ignore[arg-type]


def said(conversation: Conversation) -> list[tuple[str, str]]:
    return [(m.role, m.text) for m in conversation.messages]


CHAT = [
    ("Anna Berg", "Hello, where is it?\nI wait since Monday: a week!"),
    ("Shop", "It left yesterday."),
    ("Shop", "<Media omitted>"),
    ("Anna Berg", "Thanks 😀 עזרה"),
]


def android(stamps: list[str]) -> str:
    lines = [f"{stamps[0]} - Messages and calls are end-to-end encrypted. Tap to learn more."]
    lines += [f"{stamp} - {name}: {text}" for stamp, (name, text) in zip(stamps, CHAT, strict=True)]
    return "\n".join(lines) + "\n"


def ios(stamps: list[str]) -> str:
    lines = [f"[{stamps[0]}] Shop: \u200eMessages and calls are end-to-end encrypted."]
    lines += [
        f"[{stamp}] {name}: {text.replace('<Media omitted>', chr(0x200E) + 'image omitted')}"
        for stamp, (name, text) in zip(stamps, CHAT, strict=True)
    ]
    return "\r\n".join(lines).replace("\n[", "\n\u200e[", 1)


@pytest.mark.parametrize(
    "text",
    [
        android(["28/02/2024, 21:15", "28/02/2024, 21:16", "28/02/2024, 21:16", "28/02/2024, 21:20"]),
        android(["2/28/24, 9:15\u202fPM", "2/28/24, 9:16\u202fPM", "2/28/24, 9:16\u202fPM", "2/28/24, 9:20\u202fPM"]),
        android(["28.02.24, 21:15", "28.02.24, 21:16", "28.02.24, 21:16", "28.02.24, 21:20"]),
        android(["2024/2/28 21:15", "2024/2/28 21:16", "2024/2/28 21:16", "2024/2/28 21:20"]),
        android(
            ["2024年2月28日 下午9:15", "2024年2月28日 下午9:16", "2024年2月28日 下午9:16", "2024年2月28日 下午9:20"]
        ),
        ios(["28.02.24, 21:15:00", "28.02.24, 21:16:00", "28.02.24, 21:16:30", "28.02.24, 21:20:00"]),
        ios(["2/28/24, 9:15:00 PM", "2/28/24, 9:16:00 PM", "2/28/24, 9:16:30 PM", "2/28/24, 9:20:00 PM"]),
        ios(["2024/2/28 下午9:15:00", "2024/2/28 下午9:16:00", "2024/2/28 下午9:16:30", "2024/2/28 下午9:20:00"]),
    ],
)
def test_whatsapp_of_both_systems_in_many_countries(tmp_path: Path, text: str) -> None:
    path = tmp_path / "WhatsApp Chat with Anna Berg.txt"
    path.write_text(text, encoding="utf-8", newline="")
    assert recognise(path) == "whatsapp"
    (only,) = read(path)
    assert said(only) == [
        ("customer", "Hello, where is it?\nI wait since Monday: a week!"),
        ("agent", "It left yesterday."),
        ("customer", "Thanks 😀 עזרה"),
    ]
    assert [m.time for m in only.messages][0::2] == [1709154900, 1709155200]
    assert only.messages[0].author == "Anna Berg"
    assert "Anna" not in only.id


def test_whatsapp_in_a_zip_with_pictures_and_a_long_pause(tmp_path: Path) -> None:
    stamps = ["01/02/2024, 21:15", "01/02/2024, 21:16", "03/02/2024, 21:16", "03/02/2024, 21:20"]
    path = tmp_path / "WhatsApp Chat - Shop.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("photo.jpg", b"\xff\xd8\xff\x00" * 100)
        archive.writestr("_chat.txt", android(stamps))
    told: list[str] = []
    first, second = read(
        path, on_mapping=told.append
    )  # the file is named after the shop, who must be the customer then
    assert [m.role for m in first.messages] == ["agent", "customer"]
    assert "named after the customer" in told[0]
    first, second = read(path, mapping="agent=shop")
    assert [m.role for m in first.messages] == ["customer", "agent"]
    assert said(second) == [("customer", "Thanks 😀 עזרה")]
    with pytest.raises(InputError, match="agent=NAME"):
        read(path, mapping="text=body")


def test_the_order_of_dates_is_the_one_that_goes_forward() -> None:
    assert choose_order([(1, 2, 24), (2, 2, 24), (28, 2, 24)]) == "dmy"
    assert choose_order([(1, 2, 24), (1, 28, 24)]) == "mdy"
    assert choose_order([(5, 4, 24), (6, 4, 24), (1, 5, 24)]) == "dmy"  # as months first it would step back
    assert choose_order([(4, 5, 24)], twelve_hours=True) == "mdy"
    assert choose_order([(2024, 5, 4)]) == "ymd"


def mail(number: int, sender: str, to: str, subject: str, body: str, **headers: str) -> str:
    lines = [f"From {sender.split()[-1].strip('<>')} Fri Mar 01 10:0{number}:00 2024"]
    lines += [f"From: {sender}", f"To: {to}", f"Subject: {subject}", f"Message-ID: <m{number}@x>"]
    lines += [f"Date: Fri, 01 Mar 2024 10:0{number}:00 +0000"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\n".join([*lines, "", body, "", ""])


HELP = "Shop Help <help@shop.example>"
MAILS = [
    mail(1, "Anna <anna@gmail.com>", HELP, "Parcel", "Where is it?\n\n-- \nAnna Berg\n+47 912 34 567"),
    mail(
        2,
        HELP,
        "anna@gmail.com",
        "Re: Parcel",
        "We got your mail.",
        Auto_Submitted="auto-replied",
        In_Reply_To="<m1@x>",
    ),
    mail(
        3,
        "Tom <tom@shop.example>",
        "anna@gmail.com",
        "Re: Parcel",
        "It left.\n>From Oslo\n\nOn Fri, 1 Mar 2024 at 10:01, Anna <anna@gmail.com>\nwrote:\n> Where is it?",
        References="<m1@x> <m2@x>",
    ),
    mail(
        4,
        "bo@qq.com",
        HELP,
        "=?utf-8?b?6YCA5qy+?=",
        "怎么退款？\n\n发自我的iPhone",
        Content_Type="text/plain; charset=utf-8",
    ),
    mail(5, HELP, "bo@qq.com", "回复：退款", "三天。\n\n在 2024年3月1日，bo <bo@qq.com> 写道：\n> 怎么退款？"),
    mail(6, "Anna <anna@gmail.com>", HELP, "AW: Re: Parcel", "Thanks", In_Reply_To="<lost@x>"),
]


def test_mails_become_threads_without_quotes_and_signatures(tmp_path: Path) -> None:
    path = tmp_path / "in.mbox"
    path.write_text("".join(MAILS), encoding="utf-8")
    assert recognise(path) == "mbox"
    told: list[str] = []
    first, second = read(path, on_mapping=told.append)
    assert said(first) == [
        ("customer", "Where is it?"),
        ("system", "We got your mail."),
        ("agent", "It left.\nFrom Oslo"),
        ("customer", "Thanks"),
    ]
    assert said(second) == [("customer", "怎么退款？"), ("agent", "三天。")]
    assert first.messages[2].author == "Tom"
    assert first.started == 1709287260
    assert "one domain" in told[0]
    assert [m.role for m in read(path, mapping="agent=tom@shop.example")[0].messages][2:] == ["agent", "customer"]


def test_a_mail_in_html_with_an_attachment(tmp_path: Path) -> None:
    body = (
        "--b\nContent-Type: text/html; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n"
        "<p>Sch=F6n</p><blockquote>old</blockquote>\n--b\nContent-Type: text/plain\n"
        "Content-Disposition: attachment; filename=a.txt\n\nsecret\n--b--\n"
    )
    text = mail(1, "anna@gmail.com", HELP, "x", body, Content_Type='multipart/mixed; boundary="b"')
    (tmp_path / "m").write_text(text, encoding="utf-8")
    (only,) = read(tmp_path / "m")
    assert said(only) == [("customer", "Schön")]


def test_forwarded_and_outlook_quotes_are_cut() -> None:
    assert written("Yes.\n\nFrom: Anna\nSent: Friday\nTo: us\n\nold") == "Yes."
    assert written("Yes.\n-----Original Message-----\nold") == "Yes."
    assert written("好的。\n发件人: 安娜\n发送时间: 周五\n旧") == "好的。"
    assert written("From: here on it works") == "From: here on it works"


TWEETS = [
    ["1", "cust1", "True", "Tue Oct 31 22:10:47 +0000 2017", "@shop where is it?", "2,3", ""],
    ["2", "shop", "False", "Tue Oct 31 22:12:47 +0000 2017", "@cust1 It left.", "4", "1"],
    ["3", "cust2", "True", "Tue Oct 31 22:13:00 +0000 2017", "@cust1 mine too", "5", "1"],
    ["5", "shop", "False", "Tue Oct 31 22:14:00 +0000 2017", "@cust2 Yours as well.", "", "3"],
    ["4", "cust1", "True", "Tue Oct 31 22:15:00 +0000 2017", "Thanks", "", "2.0"],
    ["9", "cust3", "True", "Tue Oct 31 23:15:00 +0000 2017", "open?", "10", "8"],
    ["10", "shop", "False", "Tue Oct 31 23:16:00 +0000 2017", "Yes.", "", ""],
]
NAMES = ["tweet_id", "author_id", "inbound", "created_at", "text", "response_tweet_id", "in_response_to_tweet_id"]


def test_tweets_are_joined_by_the_ids_they_reply_to(tmp_path: Path) -> None:
    path = tmp_path / "twcs.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([NAMES, *TWEETS[::-1]])
    assert recognise(path) == "twitter"
    log = {c.id: said(c) for c in read(path)}
    assert log == {
        "tweet-1-cust1": [("customer", "@shop where is it?"), ("agent", "@cust1 It left."), ("customer", "Thanks")],
        "tweet-1-cust2": [("customer", "@cust1 mine too"), ("agent", "@cust2 Yours as well.")],
        "tweet-9": [("customer", "open?"), ("agent", "Yes.")],
    }


def tracker(sender: str) -> dict[str, Any]:
    def event(kind: str, time: float, **more: Any) -> dict[str, Any]:
        return {"event": kind, "timestamp": 1709287200 + time} | more

    events = [
        event("action", 0, name="action_session_start"),
        event("session_started", 1),
        event("user", 2, text="where is it?", parse_data={"intent": {"name": "guessed"}}),
        event("bot", 3, text="What is the number?"),
        event("user", 4, text='/inform{"number": "12"}'),
        event("bot", 5, text=None, data={"custom": {}}),
        event("session_started", 90000),
        event("user", 90001, text="again"),
    ]
    return {"sender_id": sender, "slots": {}, "events": events}


RASA_SAID = [[("customer", "where is it?"), ("system", "What is the number?")], [("customer", "again")]]


def test_rasa_trackers_and_events_as_json(tmp_path: Path) -> None:
    whole = tmp_path / "one.json"
    whole.write_text(json.dumps(tracker("a"), indent=2), encoding="utf-8")
    lines = tmp_path / "lines.jsonl"
    rows = [{"sender_id": "a"} | event for event in tracker("a")["events"]]
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    for path in (whole, lines):
        assert recognise(path) == "rasa"
        log = read(path)
        assert [said(c) for c in log] == RASA_SAID
        assert [c.id for c in log] == ["a", "a#2"]
        assert all(m.intent is None for c in log for m in c.messages)
    assert log[0].messages[1].author == "bot"


def fill(connection: Any, mark: str) -> None:
    for sender in ("b", "a"):
        for event in tracker(sender)["events"]:
            row = (sender, event["event"], event["timestamp"], json.dumps(event))
            connection.execute(
                f"INSERT INTO events (sender_id, type_name, timestamp, data) VALUES ({mark}, {mark}, {mark}, {mark})",
                row,
            )


def test_a_rasa_tracker_store_in_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rasa.db"
    with sqlite3.connect(path) as store:
        store.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id, type_name, timestamp REAL, data TEXT)")
        fill(store, "?")
    store.close()
    monkeypatch.chdir(tmp_path)
    for name in (path, Path("sqlite:///rasa.db"), Path(f"sqlite:///{path}")):
        assert recognise(name) == "rasa"
        log = read(name)
        assert [c.id for c in log] == ["a", "a#2", "b", "b#2"]
        assert [said(c) for c in log] == RASA_SAID * 2
    with pytest.raises(InputError, match="table `events`"):
        read(Path("sqlite:///empty.db"))
    with sqlite3.connect(path) as store:
        store.execute("INSERT INTO events (sender_id, type_name, data) VALUES ('c', 'user', 'no json')")
    store.close()
    with pytest.raises(InputError, match="line 17: got broken JSON at column 1"):
        read(path)


@pytest.mark.rasa
async def test_what_rasas_own_store_writes(tmp_path: Path) -> None:
    from rasa.core.tracker_store import SQLTrackerStore
    from rasa.shared.core.domain import Domain
    from rasa.shared.core.events import BotUttered, SessionStarted, UserUttered
    from rasa.shared.core.trackers import DialogueStateTracker

    store = SQLTrackerStore(domain=Domain.empty(), dialect="sqlite", db=str(tmp_path / "rasa.db"))
    for sender in ("b", "a"):
        events = [SessionStarted(), UserUttered("where is it? 你好"), BotUttered("Which number?"), UserUttered("/stop")]
        await store.save(DialogueStateTracker.from_events(sender, events))
    store.engine.dispose()
    log = read(tmp_path / "rasa.db")
    assert [c.id for c in log] == ["a", "b"]
    assert said(log[0]) == [("customer", "where is it? 你好"), ("system", "Which number?")]


def test_a_database_that_does_not_answer_is_one_line_without_its_password() -> None:
    for address in (
        "user:hunter2@127.0.0.1:1/rasa",
        "u:a/hunter2@b@127.0.0.1:1/rasa",
        "127.0.0.1:1/r?password=hunter2",
    ):
        with pytest.raises(InputError, match="tracker store") as caught:
            read(Path(f"postgresql://{address}"))
        assert "hunter2" not in str(caught.value)
    with pytest.raises(InputError, match="no driver of the database"):
        read(Path("mssql://user:hunter2@127.0.0.1/rasa"))


def test_rasa_training_data_are_labelled_messages(tmp_path: Path) -> None:
    path = tmp_path / "nlu.yml"
    path.write_text(
        'version: "3.1"\nnlu:\n- intent: order_status\n  examples: |\n    - where is [NT-1](order_number)?\n'
        '    - [two](n){"entity": "n"} parcels - when?\n- synonym: x\n  examples: |\n    - y\n- intent: greet\n'
        "  examples:\n  - text: |\n      - 你好\n    metadata: {sentiment: 1}\n",
        encoding="utf-8",
    )
    assert recognise(path) == "nlu"
    assert [(m.text, m.intent) for c in read(path) for m in c.messages] == [
        ("where is NT-1?", "order_status"),
        ('two{"entity": "n"} parcels - when?', "order_status"),
        ("你好", "greet"),
    ]
    path.write_text("nlu:\n- intent: [\n- intent: x\n", encoding="utf-8")
    with pytest.raises(InputError, match="broken YAML"):
        read(path)


def test_the_projects_own_training_data() -> None:
    log = read(Path(__file__).resolve().parents[2] / "data" / "rasa" / "nlu_zh.yml")
    assert len({m.intent for c in log for m in c.messages}) > 5
