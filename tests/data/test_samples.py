"""The sample log: counted, well-formed, varied, consistent, harmless, and made again byte for byte."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from data.samples.orders import PINNED
from data.samples.phrasebook import Topic, read_common, read_topics
from data.schema import Conversation

ROOT = Path(__file__).resolve().parents[2]
LOG = ROOT / "data/samples/shop.jsonl"
ORDERS = ROOT / "actions/services/sample_orders.jsonl"
LANGUAGES = ("en", "zh")
ORDERS_AS_OF = "2026-11-25"
RESERVED = re.compile(r"(example\.(com|org|net)|\.example)$")
FICTIONAL = re.compile(
    r"(\+44 7700 900\d{3}|07700 900\d{3}|020 7946 0\d{3}|\+1 202 555 01\d\d|\+44 1632 960 \d{3}|1380000\d{4})"
)


@pytest.fixture(scope="module")
def log() -> list[Conversation]:
    return [Conversation.from_json(json.loads(line)) for line in LOG.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def orders() -> dict[str, dict[str, Any]]:
    rows = [json.loads(line) for line in ORDERS.read_text(encoding="utf-8").splitlines()]
    return {row["number"]: row for row in rows}


def opening(conversation: Conversation) -> str:
    return next(message.text for message in conversation.messages if message.role == "customer")


def texts(log: list[Conversation], language: str, role: str) -> list[str]:
    return [m.text for c in log if c.language == language for m in c.messages if m.role == role]


def test_made_again_byte_for_byte(tmp_path: Path) -> None:
    made, orders = tmp_path / "shop.jsonl", tmp_path / "orders.jsonl"
    script = ROOT / "data/samples/make.py"
    subprocess.run([sys.executable, script, "--out", made, "--orders", orders], check=True, cwd=tmp_path)
    assert made.read_bytes() == LOG.read_bytes()
    assert orders.read_bytes() == ORDERS.read_bytes()
    assert LOG.stat().st_size < 1_200_000


def test_counts_and_ids(log: list[Conversation]) -> None:
    languages = Counter(c.language for c in log)
    assert languages["en"] >= 640
    assert languages["zh"] >= 220
    assert set(languages) == set(LANGUAGES)
    assert len({c.id for c in log}) == len(log)


def test_messages_are_well_formed(log: list[Conversation]) -> None:
    for conversation in log:
        messages = conversation.messages
        assert 2 <= len(messages) <= 14
        assert {"customer", "agent"} <= {m.role for m in messages}, conversation.id
        assert messages[0].role == "customer"
        for message in messages:
            assert message.text == message.text.strip() != ""
            assert not re.search(r"[{}\[\]|]", message.text), message.text
            assert (message.author is None) == (message.role == "system")


def test_times_are_ordered_within_service_hours(log: list[Conversation]) -> None:
    starts = [c.started or 0 for c in log]
    assert starts == sorted(starts)
    assert 330 < (starts[-1] - starts[0]) / 86_400 < 380
    for conversation in log:
        times = [m.time or 0 for m in conversation.messages]
        assert all(earlier < later for earlier, later in pairwise(times))
        hour = (times[0] / 3600 + (8 if conversation.language == "zh" else 1)) % 24
        assert 9 <= hour < 21


def test_agents_topics_and_endings(log: list[Conversation]) -> None:
    for language, agents in (("en", 5), ("zh", 3)):
        assert len({m.author for c in log if c.language == language for m in c.messages if m.role == "agent"}) >= agents
        tags = {c.topic for c in log if c.language == language} - {None}
        assert len(tags) >= 22
        assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", tag or "") for tag in tags)
    assert 0.55 < sum(c.topic is not None for c in log) / len(log) < 0.65
    endings = Counter(c.ending for c in log)
    assert endings["resolved"] > 0.7 * len(log)
    assert min(endings["escalated"], endings["abandoned"]) > 50
    assert 0 < sum(not c.complete for c in log) < 30


@pytest.mark.parametrize("language", LANGUAGES)
def test_openings_vary(log: list[Conversation], language: str) -> None:
    openings = [opening(c) for c in log if c.language == language]
    assert len(set(openings)) >= 0.85 * len(openings)
    assert Counter(openings).most_common(1)[0][1] <= 12
    assert Counter(texts(log, language, "customer")).most_common(1)[0][1] <= 25


@pytest.mark.parametrize("language", LANGUAGES)
def test_agents_paste(log: list[Conversation], language: str) -> None:
    long = Counter(text for text in texts(log, language, "agent") if len(text) > (40 if language == "en" else 18))
    assert sum(count for count in long.values() if count >= 2) > 0.35 * sum(long.values())


@pytest.mark.parametrize(("language", "wordings"), [("en", 14), ("zh", 10)])
def test_every_topic_has_enough_wordings(language: str, wordings: int) -> None:
    for topic in read_topics(language):
        assert len(questions(topic)) >= wordings, topic.name
        assert all(len(part.lines["!"]) >= 2 for part in topic.parts), topic.name
        assert len(set(questions(topic))) == len(questions(topic)), topic.name


def questions(topic: Topic) -> list[str]:
    return [phrase for part in topic.parts for kind in "?+" for phrase in part.lines[kind]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_answer_states_its_fact(language: str) -> None:
    for topic in read_topics(language):
        for part in topic.parts:
            assert part.lines["="], part.key
            for answer in part.lines["!"]:
                assert all(re.search(fact, answer) for fact in part.lines["="]), f"{part.key}: {answer}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_was_answered_in_the_log(log: list[Conversation], language: str) -> None:
    said = "\n".join(texts(log, language, "agent")).lower()
    for topic in read_topics(language):
        for part in topic.parts:
            assert any(fixed(answer) in said for answer in part.lines["!"]), part.key


def fixed(answer: str) -> str:
    """The longest stretch of an answer that no slot or choice interrupts, as it stands after "Hi Anna,"."""
    return max(re.split(r"[\[\]{}|]", answer[1:]), key=len).lower()


def test_the_shop_never_contradicts_itself(log: list[Conversation]) -> None:
    returned = re.compile(r"(?:return(?:ed)?(?: anything unused| period is)?(?: within)?|You have) (\d+) days")
    periods = {found for text in texts(log, "en", "agent") for found in returned.findall(text)}
    assert periods == {"60"}
    assert {d for t in texts(log, "zh", "agent") for d in re.findall(r"(\d+)天(?:无理由|内都可以退|退货)", t)} == {"60"}
    for text in texts(log, "en", "agent") + texts(log, "zh", "agent"):
        if re.search(r"standard (delivery|shipping) takes|普通快递2", text, re.IGNORECASE):
            assert re.search(r"2 to 4 working days|2到4个工作日", text), text


def test_only_reserved_addresses_and_numbers(log: list[Conversation]) -> None:
    for conversation in log:
        for message in conversation.messages:
            for domain in re.findall(r"@([a-z.-]+[a-z])", message.text):
                assert RESERVED.search(domain), message.text
            for digits in re.findall(r"(?<![\w-])\+?\d[\d ]{8,}\d", message.text):
                assert FICTIONAL.fullmatch(digits.strip()), message.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_small_talk_has_a_reply(language: str) -> None:
    assert all(line.count(" => ") == 1 for line in read_common(language)["smalltalk"])


def test_orders(orders: dict[str, dict[str, Any]]) -> None:
    assert len(orders) >= 40
    assert {o["status"] for o in orders.values()} == {"shipped", "processing", "delivered", "cancelled", "returned"}
    for order in orders.values():
        assert RESERVED.search(order["email"])
        assert date.fromisoformat(order["ordered"]).year == 2026
        assert all({"name", "name_zh", "quantity", "price"} == set(item) for item in order["items"])
        assert (order["tracking"] is None) == (order["status"] in ("processing", "cancelled"))
        assert (order["returnable_until"] is not None) == (order["status"] == "delivered")
    wanted = {"NT-104233": "shipped", "NT-104250": "processing", "NT-104199": "delivered"}
    assert {number: orders[number]["status"] for number in wanted} == wanted


def test_pinned_orders_keep_their_address(orders: dict[str, dict[str, Any]]) -> None:
    assert {number: (orders[number]["status"], orders[number]["email"]) for number in PINNED} == PINNED
    for order in orders.values():
        if order["status"] == "delivered":
            assert order["expected"] <= ORDERS_AS_OF <= order["returnable_until"]
        if order["status"] in ("shipped", "processing"):
            assert order["expected"] >= ORDERS_AS_OF
