"""Surrogates look real, stay the same within a conversation, and lead to nobody."""

from __future__ import annotations

import pytest

from data.errors import InputError
from data.own_patterns import compile_patterns
from data.patterns import is_luhn
from data.redact import Redactor
from data.schema import Conversation, Message
from data.shop import SettledFacts
from data.surrogates import PLACEHOLDER, fill, surrogate
from data.workspace import SETTINGS, read_settings

KEY = b"k" * 32
KINDS = (
    "NAME",
    "EMAIL",
    "PHONE",
    "CARD",
    "IBAN",
    "IP",
    "URL",
    "ID",
    "BIRTHDATE",
    "PASSWORD",
    "ORDER",
    "ADDRESS",
    "NUMBER",
)


def conversation(*texts: str, language: str = "en", id: str = "c1") -> Conversation:
    return Conversation(id, tuple(Message("customer", text) for text in texts), language=language)


def test_every_placeholder_is_filled_and_stays_the_same_within_a_conversation() -> None:
    texts = [f"it is <{kind}_1>, not <{kind}_2>" for kind in KINDS]
    filled = fill(conversation(*texts, *texts), KEY)
    assert not any(PLACEHOLDER.search(message.text) for message in filled.messages)
    half = len(texts)
    assert [m.text for m in filled.messages[:half]] == [m.text for m in filled.messages[half:]]
    assert fill(conversation(*texts, *texts), KEY) == filled
    first = [m.text.removeprefix("it is ").split(", not ") for m in filled.messages[:half] if ", not " in m.text]
    assert all(one != two for one, two in first)


def test_other_conversations_and_other_keys_give_other_values() -> None:
    one = fill(conversation("<NAME_1> <PHONE_1>"), KEY)
    assert fill(conversation("<NAME_1> <PHONE_1>", id="c2"), KEY).messages != one.messages
    assert fill(conversation("<NAME_1> <PHONE_1>"), b"x" * 32).messages != one.messages


def test_surrogates_speak_the_conversations_language() -> None:
    filled = fill(conversation("我叫<NAME_1>，<NAME_1>先生，住<ADDRESS_1>", language="zh"), KEY).messages[0].text
    whole = filled.removeprefix("我叫").split("，")[0]
    assert all("\u4e00" <= c <= "\u9fff" for c in whole)
    assert f"，{whole[0]}先生，" in filled
    assert fill(conversation("<NAME_1>"), KEY).messages[0].text.isascii()


def test_surrogates_lead_to_nobody() -> None:
    for number in range(50):
        made = {kind: surrogate(kind, str(number), chinese=False) for kind in KINDS}
        assert made["EMAIL"].rpartition("@")[2] in ("example.com", "example.org", "example.net")
        assert made["PHONE"].startswith("07700 900")
        assert made["IBAN"].startswith("ZZ")  # no country
        assert made["IP"].startswith("203.0.113.")
        assert not is_luhn(made["CARD"].replace(" ", ""))


def test_a_redactor_can_fill_at_once() -> None:
    redactor = Redactor(SettledFacts(), surrogates=True, key=KEY)
    filled = redactor.redact(conversation("My name is Anna Berg, anna@mail.example")).messages[0].text
    assert "Anna" not in filled
    assert "<" not in filled
    assert redactor.counts == {("NAME", "en"): 1, ("EMAIL", "en"): 1}


def test_a_shops_own_patterns_are_replaced() -> None:
    patterns = compile_patterns([r"(?P<CUSTOMER>K[a-z]\d)", r"zz-\w+"])
    redactor = Redactor(SettledFacts(), patterns=patterns, key=KEY)
    out = redactor.redact(conversation("I am Kx7 of zz-top", "Kx7!")).messages
    assert [m.text for m in out] == ["I am <CUSTOMER_1> of <PRIVATE_1>", "<CUSTOMER_1>!"]


@pytest.mark.parametrize("written", ['"["', '"a*"', '"(?P<customer>K1)"', "7"])
def test_a_wrong_pattern_is_refused_when_settings_are_read(written: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / SETTINGS).write_text(f"[learn]\nredact = [{written}]\n", encoding="utf-8")
    with pytest.raises(InputError, match="redact"):
        read_settings(tmp_path)
