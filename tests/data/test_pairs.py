"""Examples hold the past only; answers are grouped by what they say, and held back when they are somebody's."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.courtesy import is_small_talk, split_sentences, strip_courtesies
from data.dedupe import answer_key, is_typo, says_same, strip_stock
from data.grouping import Known
from data.pairs import agent_utterances, examples_of, make_answers
from data.schema import Conversation, Example, Message, Role, Split
from data.split import split_conversations, split_lines
from tests.data.shards import group_log, groups_of

TURNS = st.lists(
    st.tuples(st.sampled_from(["customer", "agent", "system"]), st.integers(0, 5)), min_size=1, max_size=14
)


def talk(number: int, turns: list[tuple[Role, int]], *, time: float | None = None) -> Conversation:
    """Each text carries its conversation and position, so that a leak shows."""
    messages = tuple(
        Message(role, f"mark{number}x{turn} {role} says sentence number {kind} of the book", time=time)
        for turn, (role, kind) in enumerate(turns)
    )
    return Conversation(f"c{number}", messages, language="en")


def pair(conversation: Conversation, split: Split) -> list[Example]:
    """The examples of a conversation each of whose messages is an answer of its own."""
    given = {(0, u.turn): u.text for u in agent_utterances(conversation)}
    return list(examples_of(conversation, 0, given, split))


@settings(max_examples=80, deadline=None)
@given(logs=st.lists(TURNS, min_size=1, max_size=12))
def test_contexts_hold_nothing_said_later(logs: list[list[tuple[Role, int]]]) -> None:
    log = [talk(i, turns, time=float(i)) for i, turns in enumerate(logs)]
    splits, _ = split_conversations(log)
    by_id = {c.id: c for c in log}
    rows = [row for c in log for row in pair(c, splits[c.id])]
    for row in rows:
        before = by_id[row.conversation].messages[: row.turn]
        assert any(m.role == "customer" for m in before)
        said = {m.text.split()[0] for m in before}
        assert {word for word in row.context.replace(":", " ").split() if word.startswith("mark")} <= said
        assert len(row.history) == sum(r.conversation == row.conversation and r.turn < row.turn for r in rows)
        assert row.split == splits[row.conversation]


@settings(max_examples=60, deadline=None)
@given(times=st.lists(st.floats(0, 1e9) | st.none(), min_size=10, max_size=60))
def test_no_training_conversation_is_newer_than_a_held_out_one(times: list[float | None]) -> None:
    log = [talk(i, [("customer", 1), ("agent", 2), ("customer", 3)], time=t) for i, t in enumerate(times)]
    splits, by = split_conversations(log)
    assert by == ("time" if 2 * sum(t is not None for t in times) > len(times) else "order")
    if by == "time":
        oldest = [t for t, c in zip(times, log, strict=True) if splits[c.id] == "train" and t is not None]
        newest = [t for t, c in zip(times, log, strict=True) if splits[c.id] == "test" and t is not None]
        assert not oldest or not newest or max(oldest) <= min(newest)
    assert sum(s == "train" for s in splits.values()) == int(len(log) * 0.8)


def test_conversations_broken_off_are_not_trained_on() -> None:
    whole = talk(1, [("customer", 1), ("agent", 2)])
    broken = Conversation("c2", whole.messages, complete=False)
    assert set(split_conversations([whole, broken])[0]) == {"c1"}
    assert len(list(agent_utterances(whole))) == 1
    assert not list(agent_utterances(broken))


def test_single_questions_are_split_by_question_not_by_place() -> None:
    log = [
        Conversation(f"r{i}", (Message("customer", f"question {i % 200}"), Message("agent", "yes"))) for i in range(400)
    ]
    splits, by = split_conversations(log)
    assert by == "question"
    assert all(splits[f"r{i}"] == splits[f"r{i + 200}"] for i in range(200))
    assert len(set(splits.values())) == 3


def test_lines_are_split_alike_every_time() -> None:
    texts = [f"line {i}" for i in range(40)]
    assert split_lines(texts) == split_lines(texts)
    assert [split_lines(texts).count(s) for s in ("train", "valid", "test")] == [32, 4, 4]


def answered(*texts: str) -> list[Conversation]:
    """A log in which agents said these."""
    ask = Message("customer", "how is it")
    return [Conversation(f"c{i}", (ask, Message("agent", t)), language="en") for i, t in enumerate(texts)]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("Delivery takes 3 days.", "Hi <NAME_1>, delivery takes 3 days. Best, <NAME_2>", True),
        ("Delivery takes 3 days.", "Delivery takes 5 days.", False),
        ("You can return it within the whole year.", "You can not return it within the whole year.", False),
        (
            "Delivery to all countries takes about three days.",
            "Delivery to all countires takes about three days!",
            True,
        ),
        ("The store in Northhaven is open on Saturday.", "The store in Fellbridge is open on Saturday.", False),
        ("Order <ORDER_1> was sent to you.", "Order <ORDER_7> was sent to you.", True),
        ("We ship it for free, of course, from 60 euros on.", "We ship it for free from 60 euros on.", True),
    ],
)
def test_what_counts_as_the_same_answer(left: str, right: str, same: bool) -> None:
    assert (len(groups_of(left, right)) == 1) is same


def test_a_label_decides_where_there_is_one() -> None:
    assert len(groups_of("It is sunny.", "It will rain on Monday in Oslo.", label="forecast")) == 1


def test_the_most_frequent_wording_without_placeholders_is_canonical() -> None:
    texts = ["Your code <NUMBER_1> works once."] * 3 + ["Your code works once."] * 2
    (group,) = groups_of(*texts, label="code")
    assert (group.id, group.text) == ("code", "Your code works once.")


def test_answer_ids_do_not_depend_on_the_rest_of_the_log() -> None:
    (alone,) = groups_of("Delivery takes 3 days.")
    among = groups_of("Delivery takes 3 days.", "We are closed.")
    assert alone.id in {group.id for group in among}


def test_what_was_grouped_stays_grouped_when_the_log_grows(tmp_path: Path) -> None:
    old = answered("Delivery takes about three days.", "We are closed on Sunday.")
    grown = [*old, *answered(*["Delivery takes about trhee days."] * 3)]
    fresh = {group.text: group for group in group_log(grown)}
    before_growth = group_log(old)
    before_growth.save(tmp_path / "groups.arrow", before_growth.made_from(np.zeros(4, dtype=np.uint64)))
    known = {group.text: group for group in group_log(grown, Known.load(tmp_path / "groups.arrow"))}
    (before,) = (group.id for group in group_log(old) if group.text.startswith("Delivery"))
    assert {g.support for g in fresh.values()} == {g.support for g in known.values()} == {4, 1}
    assert before == known["Delivery takes about trhee days."].id != fresh["Delivery takes about trhee days."].id


def test_groups_are_those_of_comparing_every_pair() -> None:
    words = ["delivery", "delivrey", "takes", "about", "three", "four", "days", "not", "please", "9", "10"]
    draw = random.Random(5)
    texts = [" ".join(draw.choices(words, k=draw.randint(4, 8))) for _ in range(300)]
    texts += [f"{text}!" for text in texts[:50]]
    found = {frozenset(w for w, _ in group.wordings) for group in groups_of(*texts)}
    for group in found:
        for text in group:
            assert any(text == other or says_same(answer_key(text), answer_key(other)) for other in group)
    assert sum(len(group) for group in found) == len(set(texts))


def test_stock_sentences_are_found_in_the_log() -> None:
    facts = ["It is red.", "It weighs 2 kg.", "We open at ten.", "Paint it blue.", "Wash it cold.", "Fold it twice."]
    bare = strip_stock([f"Your Northwind team is listening. {fact}" for fact in facts])
    assert bare == facts


@pytest.mark.parametrize(
    "text",
    ["Hello!", "thx a lot", "You're welcome, <NAME_1>! Have a great day.", "好的，谢谢", "请稍等", "👍", "您好，在吗"],
)
def test_small_talk(text: str) -> None:
    assert is_small_talk(text)


@pytest.mark.parametrize(
    "text", ["Where is my parcel?", "Hello, do you ship to Norway?", "您好，运费多少", "No refund yet"]
)
def test_not_small_talk(text: str) -> None:
    assert not is_small_talk(text)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Hi <NAME_1>, Yes, keep the box. Hope that helps! Best, <NAME_2>", "Yes, keep the box."),
        ("亲，您好！一般三到五天送达。还有什么可以帮您的吗？", "一般三到五天送达。"),
        ("<NAME_1>先生您好，运费是8元。", "运费是8元。"),
        ("Please restart it. ^AB", "Please restart it."),
        ("I gave it to <NAME_1>", "I gave it to <NAME_1>"),
        ("Thank you and goodbye.", "Thank you and goodbye."),
    ],
)
def test_courtesies_are_stripped(text: str, bare: str) -> None:
    assert strip_courtesies(text) == bare


def test_abbreviations_end_no_sentence() -> None:
    assert split_sentences("Dr. Morgan is in. It is 3.5 km.") == ["Dr. Morgan is in.", "It is 3.5 km."]


def test_answers_know_where_they_come_from() -> None:
    def told(when: float) -> Message:
        return Message("agent", "Delivery takes 3 days.", time=when)

    log = [
        Conversation(f"c{i}", (Message("customer", f"how long, number {i}", time=i), told(i)), language="en")
        for i in range(30)
    ]
    splits, _ = split_conversations([*log])
    train = np.array([splits[c.id] == "train" for c in log])
    (answer,) = make_answers(group_log(log), [c.id for c in log], {"c1": "delivery"}, train)
    assert (answer.support, answer.last_used, answer.topics, answer.reusable) == (30, 29, ("delivery",), True)
    assert answer.conversations[0] == "c29"
    assert len(answer.conversations) == 20
    held_out = {m.text for c in log if splits[c.id] != "train" for m in c.messages if m.role == "customer"}
    assert not held_out & set(answer.questions)


def test_in_a_log_with_a_catalogue_only_templates_are_ranked() -> None:
    ask = Message("customer", "how warm is it")
    log = [Conversation(f"c{i}", (ask, Message("agent", "7 degrees", label="inform"))) for i in range(5)]
    log.append(Conversation("c9", (ask, Message("agent", "No idea, honestly, my thermometer fell down."))))
    groups = group_log(log)
    assert groups.has_catalogue
    assert [groups.id_of(int(leader)) for leader in groups.ranked] == ["inform"]
    assert len(list(groups)) == 2


def test_typos() -> None:
    assert is_typo("delivery", "delivrey")
    assert is_typo("delivery", "delivry")
    assert not is_typo("delivery", "deliver_at")
    assert not is_typo("cold", "gold")
