"""Examples hold the past only; answers are grouped by what they say, and held back when they are somebody's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.courtesy import is_small_talk, split_sentences, strip_courtesies
from data.dedupe import Utterance, group_answers, is_typo, strip_stock
from data.pairs import agent_utterances, has_catalogue, make_answers, make_examples
from data.schema import Conversation, Message, Role
from data.split import split_conversations, split_lines

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


@settings(max_examples=80, deadline=None)
@given(logs=st.lists(TURNS, min_size=1, max_size=12))
def test_contexts_hold_nothing_said_later(logs: list[list[tuple[Role, int]]]) -> None:
    log = [talk(i, turns, time=float(i)) for i, turns in enumerate(logs)]
    splits, _ = split_conversations(log)
    groups = group_answers(agent_utterances(log))
    by_id = {c.id: c for c in log}
    rows = list(make_examples(log, groups, splits))
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
    assert {u.conversation for u in agent_utterances([whole, broken])} == {"c1"}


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


def groups_of(*texts: str, label: str | None = None) -> list[list[str]]:
    said = [Utterance(f"c{i}", 1, text, label, "en") for i, text in enumerate(texts)]
    return sorted(sorted(m.text for m in g.members) for g in group_answers(said))


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
    said = [Utterance(f"c{i}", 1, t, "code", "en") for i, t in enumerate(texts)]
    (group,) = group_answers(said)
    assert (group.id, group.text) == ("code", "Your code works once.")


def test_answer_ids_do_not_depend_on_the_rest_of_the_log() -> None:
    alone = group_answers([Utterance("c1", 1, "Delivery takes 3 days.", None, "en")])[0].id
    among = group_answers(
        [Utterance("c1", 1, "Delivery takes 3 days.", None, "en"), Utterance("c2", 1, "We are closed.", None, "en")]
    )
    assert alone in {group.id for group in among}


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
    groups = group_answers(agent_utterances(log))
    splits, _ = split_conversations([*log])
    (answer,) = make_answers(log, groups, {"c1": "delivery"}, splits)
    assert (answer.support, answer.last_used, answer.topics, answer.reusable) == (30, 29, ("delivery",), True)
    assert answer.conversations[0] == "c29"
    assert len(answer.conversations) == 20
    held_out = {m.text for c in log if splits[c.id] != "train" for m in c.messages if m.role == "customer"}
    assert not held_out & set(answer.questions)


def test_in_a_log_with_a_catalogue_only_templates_are_ranked() -> None:
    ask = Message("customer", "how warm is it")
    log = [Conversation(f"c{i}", (ask, Message("agent", "7 degrees", label="inform"))) for i in range(5)]
    log.append(Conversation("c9", (ask, Message("agent", "No idea, honestly, my thermometer fell down."))))
    groups = group_answers(agent_utterances(log))
    assert has_catalogue(groups)
    rows = list(make_examples(log, groups, {c.id: "train" for c in log}))
    assert {row.answer for row in rows} == {"inform"}
    assert len(groups) == 2


def test_an_answer_filled_with_data_keeps_its_template() -> None:
    log = [
        Conversation(
            f"c{i}", (Message("customer", "where is it"), Message("agent", f"Order <ORDER_{i}> ships on {day}."))
        )
        for i, day in enumerate(["Monday", "Friday", "Monday", "Friday"])
    ]
    groups = group_answers(agent_utterances(log))
    answers = list(make_answers(log, groups, {}, {c.id: "train" for c in log}))
    assert {answer.reusable for answer in answers} == {False}
    assert "Order {order} ships on Monday." in {answer.template for answer in answers}


def test_examples_carry_the_weight_of_the_outcome() -> None:
    said = (Message("customer", "the lamp is dark"), Message("agent", "Turn the switch twice, it has two steps."))
    log = [Conversation("good", said, ending="resolved"), Conversation("bad", said, ending="escalated")]
    groups = group_answers(agent_utterances(log))
    weights = {row.conversation: row.weight for row in make_examples(log, groups, {"good": "train", "bad": "train"})}
    assert weights["good"] > 1 > weights["bad"]


def test_typos() -> None:
    assert is_typo("delivery", "delivrey")
    assert is_typo("delivery", "delivry")
    assert not is_typo("delivery", "deliver_at")
    assert not is_typo("cold", "gold")
