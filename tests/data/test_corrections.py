"""An agent's correction beats a label, the newest beats the older, and a crash loses at most the line being written."""

from __future__ import annotations

import json
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.corrections import WITHIN, Merged, append_correction, merge, read_corrections, remove_conversations
from data.errors import InputError
from data.learned import correct_answers, correct_examples, correct_intents, draw_lessons, find_moments
from data.schema import Answer, Conversation, Correction, Example, IntentExample, Message, Split
from tests.data.shards import group_log

NOW = 2e9


def correction(
    at: float, *, agent: str = "anna", intent: str | None = None, answer: str | None = None, text: str | None = None,
    name: str = "c1", seq: int = 2, tags: tuple[str, ...] = (),
) -> Correction:  # fmt: skip
    return Correction(name, seq, agent, at, intent, answer, text, tags)


def test_the_newest_wins_field_by_field() -> None:
    rows = [
        correction(10, intent="refund"),
        correction(20, intent="exchange", text="Write to us."),
        correction(30, answer="a1"),
    ]
    ruling = merge(rows, now=NOW).rulings["c1", 2]
    assert (ruling.intent, ruling.answer, ruling.text) == ("exchange", "a1", None)
    assert ruling.lost == (rows[0],)


def test_of_equal_times_the_one_appended_last_wins() -> None:
    merged = merge([correction(10, intent="a"), correction(10, intent="b", agent="bo")], now=NOW)
    assert merged.rulings["c1", 2].intent == "b"
    assert [c.against.intent for c in merged.conflicts] == ["a"]


def test_a_clock_behind_does_not_undo_the_order_and_one_ahead_does_not_win_for_ever() -> None:
    behind = merge([correction(1000, intent="old"), correction(400, intent="new")], now=NOW)
    assert behind.rulings["c1", 2].intent == "new"
    assert behind.counts["late_clock"] == 1
    ahead = merge([correction(NOW + 9e6, intent="old", agent="bo"), correction(NOW - 5, intent="new")], now=NOW)
    assert ahead.rulings["c1", 2].intent == "new"
    assert ahead.counts["future"] == 1
    assert ahead.rulings["c1", 2].time <= NOW


def test_only_other_agents_disagree_and_only_for_a_while() -> None:
    assert not merge([correction(1, intent="a"), correction(2, intent="b")], now=NOW).conflicts
    assert not merge([correction(1, intent="a"), correction(2, intent="a", agent="bo")], now=NOW).conflicts
    long_ago = [correction(1, intent="a"), correction(2 + WITHIN, intent="b", agent="bo")]
    assert not merge(long_ago, now=NOW).conflicts
    agreed = [correction(1, intent="a", agent="bo"), correction(2, intent="b"), correction(3, intent="b", agent="bo")]
    assert not merge(agreed, now=NOW).conflicts
    texts = [correction(1, text="Five days."), correction(2, text=" five  DAYS.", agent="bo")]
    assert not merge(texts, now=NOW).conflicts
    differing = merge([correction(1, text="Five days."), correction(2, answer="a1", agent="bo")], now=NOW)
    assert [(c.about, c.kept.agent, c.against.agent) for c in differing.conflicts] == [("reply", "bo", "anna")]


def test_sent_twice_counts_once_and_a_tag_alone_is_a_ruling() -> None:
    merged = merge([correction(1, tags=("private",)), correction(1, tags=("private",))], now=NOW)
    assert merged.counts["repeated"] == 1
    assert merged.rulings["c1", 2].tags == ("private",)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(
        st.builds(
            correction,
            st.integers(0, 50),
            agent=st.sampled_from("xy"),
            intent=st.none() | st.sampled_from("abc"),
            answer=st.none() | st.sampled_from("pq"),
            name=st.sampled_from(["c1", "c2"]),
        ),
        max_size=12,
    )
)
def test_with_good_clocks_the_merge_is_the_last_word_by_time(rows: list[Correction]) -> None:
    ordered = sorted(rows, key=lambda c: c.time)
    merged = merge(ordered, now=NOW)
    for key, ruling in merged.rulings.items():
        mine = [c for c in ordered if (c.conversation, c.seq) == key]
        first_seen = list(dict.fromkeys(mine))
        assert ruling.intent == next((c.intent for c in reversed(first_seen) if c.intent), None)
        assert ruling.answer == next((c.answer for c in reversed(first_seen) if c.answer), None)
    assert len(merged.rulings) == len({c.conversation for c in rows})
    half = len(ordered) // 2
    assert set(merge(ordered[:half], now=NOW).rulings) <= set(merged.rulings)


def test_lines_are_appended_and_read_again(tmp_path: Path) -> None:
    rows = [correction(1, text="退款五天到账"), correction(2, intent="refund", tags=("a", "b"))]
    for row in rows:
        append_correction(tmp_path / "new" / "console.jsonl", row)
    assert read_corrections(tmp_path / "new") == (rows, 0)
    assert read_corrections(tmp_path / "nowhere") == ([], 0)


def test_files_of_several_processes_are_merged_by_time_and_each_keeps_its_order(tmp_path: Path) -> None:
    for row in (correction(10, intent="a1"), correction(50, intent="a2")):
        append_correction(tmp_path / "a.jsonl", row)
    for row in (correction(30, intent="b1"), correction(20, intent="b2"), correction(9e9, intent="b3", seq=9)):
        append_correction(tmp_path / "b.jsonl", row)  # the clock went back, then far ahead
    rows, _ = read_corrections(tmp_path)
    assert [c.intent for c in rows] == ["a1", "b1", "b2", "a2", "b3"]
    assert merge(rows, now=NOW).rulings["c1", 2].intent == "a2"


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_torn_line_is_counted_and_the_next_one_is_whole(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "console.jsonl"
    first, torn, last = correction(1, intent="a"), correction(2, text="五天"), correction(3, intent="b")
    append_correction(path, first)
    size = path.stat().st_size
    append_correction(path, torn)
    path.write_bytes(path.read_bytes()[: size + cut])
    assert read_corrections(tmp_path) == ([first], 1)
    append_correction(path, last)
    assert read_corrections(tmp_path) == ([first, last], 1)


def test_a_whole_line_is_not_torn_although_its_end_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "console.jsonl"
    append_correction(path, correction(1, intent="a"))
    path.write_bytes(path.read_bytes()[:-1])
    append_correction(path, correction(2, intent="b"))
    assert [c.intent for c in read_corrections(tmp_path)[0]] == ["a", "b"]


@pytest.mark.parametrize(
    "row",
    [
        '{"conversation": "c"}',
        '{"conversation": "c", "seq": "2", "agent": "a", "time": 1}',
        '{"conversation": "c", "seq": 2, "agent": "a", "time": NaN}',
        '{"conversation": "c", "seq": 2, "agent": "a", "time": 1, "intent": {"raw": "secret"}}',
        '{"conversation": "c", "seq": 2, "agent": "a", "time": 1, "colour": "red"}',
        "[1]",
    ],
)
def test_a_whole_line_that_is_no_correction_is_refused(tmp_path: Path, row: str) -> None:
    (tmp_path / "a.jsonl").write_text(row + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.jsonl line 1") as refused:
        read_corrections(tmp_path)
    assert "secret" not in str(refused.value)


def _append_many(path: str, agent: str) -> None:
    for number in range(40):
        append_correction(Path(path), correction(number, agent=agent, text="x" * 3000, seq=number))


def test_several_processes_append_while_a_conversation_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "console.jsonl"
    append_correction(path, correction(0, name="forgotten"))
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_append_many, args=(str(path), agent)) for agent in ("a", "b", "c")]
    for worker in workers:
        worker.start()
    removed = remove_conversations(tmp_path, ["forgotten"])
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    rows, torn = read_corrections(tmp_path)
    assert (removed, torn, len(rows)) == (1, 0, 120)
    assert "forgotten" not in path.read_text()


TALK = Conversation(
    "c1",
    (
        Message("customer", "Hi! I want my money back"),
        Message("agent", "We ship worldwide."),
        Message("customer", "thanks"),
        Message("agent", "Bye"),
    ),
    language="en",
)
ANSWERS = [Answer("ship", "We ship worldwide.", "en", support=5), Answer("fee", "A return is free.", "en", support=2)]
EXAMPLES = [Example("c1", 1, "Hi! I want my money back", "ship", "train", "en")]
INTENTS = [IntentExample("I want my money back", "delivery", "topic", "train", "en")]


def learned(
    *rows: Correction, talk: Conversation = TALK, splits: dict[str, Split] | None = None
) -> tuple[list[Example], list[IntentExample], list[Answer], dict[str, int]]:
    merged = merge(rows, now=NOW)
    moments = find_moments(talk, merged, {"c1": "train"} if splits is None else splits)
    lessons = draw_lessons(merged, moments, ANSWERS, {"greeting", "return_item"})
    counts = {name: count for name, count in lessons.counts.items() if count}
    examples, intents = list(correct_examples(EXAMPLES, lessons)), list(correct_intents(INTENTS, lessons))
    return examples, intents, list(correct_answers(ANSWERS, lessons)), counts


def test_a_correction_beats_the_label() -> None:
    examples, intents, answers, counts = learned(correction(9, intent="return_item", answer="fee"))
    assert [e.answer for e in examples] == ["fee"]
    assert [(i.text, i.intent, i.kind) for i in intents] == [("I want my money back", "return_item", "static")]
    assert [(a.id, a.support) for a in answers] == [("ship", 5), ("fee", 3)]
    assert answers[1].questions == ("I want my money back",)
    assert answers[1].last_used == 9
    assert counts == {"intents": 1, "replies": 1}


def test_a_new_text_becomes_an_answer_with_the_id_that_the_log_would_give_it() -> None:
    text = "You have the money within five days of sending it back."
    examples, _, answers, counts = learned(correction(9, text=text, answer="ship", intent="refund"))
    said = Conversation("x", (Message("customer", "Hm?"), Message("agent", text)), language="en")
    assert answers[2].id == examples[0].answer == next(iter(group_log([said], shards=1))).id
    assert (answers[2].text, answers[2].source, answers[2].support, answers[2].topics) == (
        text,
        "curated",
        1,
        ("refund",),
    )
    assert answers[2].reusable
    assert counts == {"intents": 1, "replies": 1, "new_answers": 1}


def test_a_text_that_repeats_an_answer_is_that_answer() -> None:
    examples, _, answers, counts = learned(correction(9, text="a return is FREE"))
    assert examples[0].answer == "fee"
    assert len(answers) == 2
    assert counts["repeats_an_answer"] == 1
    assert learned(correction(9, text="Hello <NAME_1>! A return is free."))[0][0].answer == "fee"
    twice = [correction(1, text="Quite new words."), correction(2, text="quite new words", seq=4)]
    examples, _, answers, counts = learned(*twice)
    assert len(answers) == 3
    assert answers[2].support == 2
    assert {e.answer for e in examples} == {answers[2].id}
    assert [e.turn for e in examples] == [1, 3]


def test_a_text_with_somebodys_data_is_learned_but_never_said() -> None:
    _, _, answers, _ = learned(correction(9, text="It is paid to <IBAN_1>."))
    assert not answers[2].reusable
    assert answers[2].held_back


def test_what_is_not_learned() -> None:
    untouched = (EXAMPLES, INTENTS, ANSWERS)
    assert learned(correction(9, name="deleted", text="Secret words.")) == (*untouched, {"gone": 1})
    assert learned(correction(9, seq=77, text="Words.")) == (*untouched, {"gone": 1})
    assert learned(correction(9, answer="no_such")) == (*untouched, {"unknown_answer": 1})
    assert learned(correction(9, intent="x", text="New.", tags=("private",))) == (*untouched, {"private": 1})
    assert learned(correction(9, tags=("seen",))) == (*untouched, {})


def test_a_held_out_conversation_is_measured_rightly_and_not_put_into_the_index() -> None:
    _, intents, answers, _ = learned(correction(9, intent="refund", answer="fee"), splits={"c1": "test"})
    assert intents[0].intent == "refund"
    assert answers[1].questions == ()
    examples, intents, _, _ = learned(correction(9, intent="refund", text="New words.", seq=4), splits={})
    assert (examples, intents) == (EXAMPLES, INTENTS)


def test_our_own_log_is_found_by_its_sequence_numbers() -> None:
    talk = replace(TALK, messages=tuple(replace(m, seq=10 + 3 * i) for i, m in enumerate(TALK.messages)))
    examples, _, _, _ = learned(correction(9, seq=13, answer="fee"), talk=talk)
    assert examples[0].answer == "fee"
    assert learned(correction(9, seq=2, answer="fee"), talk=talk)[3] == {"gone": 1}


def test_the_same_words_corrected_to_two_intents_are_listed() -> None:
    merged = merge([correction(1, intent="a"), correction(2, intent="b", name="c2")], now=NOW)
    other = replace(TALK, id="c2")
    moments = [m for talk in (other, TALK) for m in find_moments(talk, merged, {"c1": "train", "c2": "train"})]
    lessons = draw_lessons(merged, moments, ANSWERS, ())
    assert lessons.disagreeing == [("I want my money back", "a", "b")]
    assert [i.intent for i in correct_intents(INTENTS, lessons)] == ["b"]


def test_no_corrections_change_nothing() -> None:
    assert merge([], now=NOW) == Merged()
    assert learned() == (EXAMPLES, INTENTS, ANSWERS, {})
    assert json.loads(json.dumps(TALK.to_json()))["messages"][0].keys() == {"role", "text"}
