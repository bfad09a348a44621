"""Facts about a shop are the same however its log was divided, and hold nobody's data once settled."""

from __future__ import annotations

import json
import pickle
import random

import pytest

from data.redact import Redactor
from data.schema import Conversation, Message
from data.shop import AgentFinder, SettledFacts, ShopFacts, facts_of

KEY = b"k" * 32
AGENTS = ("Anna Berg", "Tom", "林小雨", "Support Team", "Will Vogel")


def log_of(count: int = 40) -> list[Conversation]:
    return [
        Conversation(
            f"c{i}",
            (
                Message("customer", f"Hi, I am person{i}@mail.example, order NT-{10000 + i}, please proceed today"),
                Message("agent", "Write to help@shop.example any time, we will proceed.", author=AGENTS[i % 5]),
                Message("customer", f"ok, call me at +44 7700 9001{i:02d}"),
            ),
        )
        for i in range(count)
    ]


def part_of(log: list[Conversation]) -> ShopFacts:
    facts = ShopFacts(KEY)
    for conversation in log:
        facts.observe_authors(conversation)
        facts.observe(conversation)
    return facts


def test_the_result_does_not_depend_on_how_a_log_is_divided_and_merged() -> None:
    log = log_of()
    whole = facts_of(log, KEY).to_json()
    for seed in range(5):
        shuffled = random.Random(seed).sample(log, len(log))
        parts = [pickle.loads(pickle.dumps(part_of(shuffled[i::3]))) for i in range(3)]
        for part in parts[1:]:
            parts[0].merge(part)
        assert parts[0].settled().to_json() == whole


def test_settled_facts_hold_no_customer_and_no_agent_in_the_clear() -> None:
    facts = facts_of(log_of(), KEY)
    stored = json.dumps(facts.to_json(), ensure_ascii=False)
    for raw in ("person1@", "NT-1", "77009001", "Anna", "anna", "berg", "Tom", "林小雨", "小雨", "vogel"):
        assert raw not in stored
    assert ("EMAIL", "help@shop.example") in facts.public
    assert facts.prefixes == {"NT": "ORDER"}
    assert "proceed" in facts.common
    assert SettledFacts.from_json(json.loads(stored)) == facts


def test_agents_are_found_by_marks_alone() -> None:
    finder = AgentFinder(SettledFacts.from_json(facts_of(log_of(), KEY).to_json()), KEY)
    text = "Anna Berg's note: anna and tom said that Tom will ask 林小雨吗 or Vogel, the team"
    found = [text[start:end] for start, end, _ in finder.find(text)]
    assert found == ["Anna Berg", "anna", "Tom", "Vogel", "林小雨"]
    people = {text[start:end]: person for start, end, person in finder.find(text)}
    assert people["Anna Berg"] == people["anna"] != people["Tom"]
    assert list(AgentFinder(facts_of(log_of(), KEY), b"x" * 32).find(text)) == []


def test_a_log_that_grows_brings_its_new_agents_only() -> None:
    before = facts_of(log_of(), KEY)
    growth = part_of([Conversation("g", (Message("agent", "mail zoe@shop.example", author="Zoë Okafor"),))])
    after = before.with_agents(growth)
    assert (after.public, after.common, after.prefixes) == (before.public, before.common, before.prefixes)
    assert [start for start, _, _ in AgentFinder(after, KEY).find("Okafor wrote, Tom read")] == [0, 14]


def test_facts_of_different_keys_do_not_mix() -> None:
    with pytest.raises(ValueError, match="one key"):
        ShopFacts(KEY).merge(ShopFacts(b"other"))


def test_a_redactor_is_the_same_after_it_was_sent_to_another_process() -> None:
    log = log_of()
    redactor = Redactor(facts_of(log, KEY), key=KEY)
    first = redactor.redact(log[0])
    copy = pickle.loads(pickle.dumps(redactor))
    assert copy.redact(log[0]) == first
    assert copy.counts == redactor.counts + redactor.counts
