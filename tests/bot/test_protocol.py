"""The wire: frames in and out, limits, and the schema and types made from it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import jsonschema
import pytest

from bot import protocol
from bot.protocol import Entry, Hello, Send, Typing, WireError, encode, parse_client, parse_console
from bot.protocol_export import json_schema, typescript, wire_classes

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = ROOT / "web" / "shared" / "protocol.ts"


def test_a_frame_becomes_the_dataclass_of_its_type():
    assert parse_client('{"type":"hello","last_seq":3,"language":"zh"}') == Hello(last_seq=3, language="zh")
    assert parse_client('{"type":"send","client_id":"a","text":"你好"}') == Send(client_id="a", text="你好")
    assert parse_client('{"type":"typing"}') == Typing()


def test_what_is_encoded_is_parsed_again():
    message = Hello(conversation="c", token="t", last_seq=7, page="https://shop.example/tents")
    assert parse_client(encode(message)) == message


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("", "bad_message"),
        ("null", "bad_message"),
        ("[" * 8000, "bad_message"),
        ('{"type":"entry"}', "bad_message"),
        ('{"type":["send"]}', "bad_message"),
        ('{"type":"send","client_id":"a"}', "bad_message"),
        ('{"type":"send","client_id":"a","text":null}', "bad_message"),
        ('{"type":"send","client_id":"a","text":"b","seq":1}', "bad_message"),
        ('{"type":"send","client_id":"a","text":"\\ud800"}', "bad_message"),
        ('{"type":"hello","last_seq":-1}', "bad_message"),
        ('{"type":"hello","last_seq":true}', "bad_message"),
        ('{"type":"hello","last_seq":1e400}', "bad_message"),
        (json.dumps({"type": "send", "client_id": "a", "text": "x" * 4001}), "too_long"),
        (json.dumps({"type": "send", "client_id": "x" * 81, "text": "a"}), "too_long"),
        ('{"type":"send","client_id":"a","text":"' + "龍" * 6000 + '"}', "too_long"),
    ],
)
def test_a_frame_that_is_not_expected_is_refused(frame: str, code: str):
    with pytest.raises(WireError) as caught:
        parse_client(frame)
    assert caught.value.code == code


def test_a_refusal_names_the_message_it_is_about():
    with pytest.raises(WireError) as caught:
        parse_client(json.dumps({"type": "send", "client_id": "mine", "text": "x" * 4001}))
    assert caught.value.client_id == "mine"


def test_the_console_does_not_speak_the_widgets_language():
    with pytest.raises(WireError):
        parse_console('{"type":"hello"}')


def test_the_longest_chinese_message_fits_a_frame():
    message = Send(client_id="x" * 80, text="龍" * protocol.MAX_TEXT)
    assert parse_client(encode(message)) == message


def test_the_schema_accepts_what_is_encoded_and_refuses_what_is_not():
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    author = protocol.Author(kind="bot", name="Bot")
    entry = Entry(
        seq=1, kind="bot", text="Hi", time=1.5, author=author, buttons=(protocol.Button(id="1.0", title="A"),)
    )
    validator = jsonschema.Draft202012Validator(schema | {"$ref": "#/$defs/ServerMessage"})
    validator.validate(json.loads(encode(entry)))
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(asdict(entry) | {"kind": "shout"})


def test_every_class_of_the_wire_is_in_the_typescript():
    written = typescript()
    assert all(f"export interface {name} {{" in written for name in wire_classes())


@pytest.mark.skipif(not COMMITTED.exists(), reason="web/shared/protocol.ts is not there yet")
def test_the_committed_typescript_is_current():
    assert COMMITTED.read_text(encoding="utf-8") == typescript(), (
        "run: python -m bot.protocol --typescript > web/shared/protocol.ts"
    )


def test_the_module_prints_both():
    for option, begins in ((["--typescript"], "// Made from"), ([], "{")):
        done = subprocess.run(
            [sys.executable, "-m", "bot.protocol", *option], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert done.stdout.startswith(begins)
