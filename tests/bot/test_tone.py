"""Tone, sensitive topics and messages of signs: what words say about a customer."""

from __future__ import annotations

import time

import pytest

from bot.components.hearing import heard
from bot.sensitive import TOPICS, sensitive_topic
from bot.tone import tone_of
from bot.wordless import intent_of_signs, is_wordless

BAD, GOOD = {"negative": 0.9, "urgent": 0.0}, {"negative": 0.05, "urgent": 0.0}


@pytest.mark.parametrize(
    ("text", "mood", "upset", "very"),
    [
        ("the zip is broken", BAD, False, False),
        ("拉链坏了", BAD, False, False),
        ("broken again, why does nobody look at it", BAD, True, False),
        ("又坏了", BAD, True, False),
        ("broken again", GOOD, False, False),
        ("this is ridiculous", GOOD, True, False),
        ("this is ridiculous", BAD, True, True),
        ("useless rubbish", None, True, True),
        ("WORST SHOP EVER", None, True, True),
        ("sorry, wrong number again", BAD, False, False),
        ("垃圾袋在哪里买", GOOD, False, False),
        ("气死我了，什么破服务", None, True, True),
        ("", None, False, False),
    ],
)
def test_the_model_and_the_words_decide_together(
    text: str, mood: dict[str, float] | None, upset: bool, very: bool
) -> None:
    tone = tone_of(text, mood)
    assert (tone.upset, tone.very) == (upset, very)


def test_a_second_bad_message_in_a_row_counts_without_a_hint() -> None:
    assert not tone_of("the zip is broken", BAD).upset
    assert not tone_of("the zip is broken", BAD, before=GOOD).upset
    assert tone_of("the zip is broken", BAD, before=BAD).upset


@pytest.mark.parametrize(
    ("text", "urgent"),
    [
        ("please hurry", True), ("no hurry", False), ("it's urgent", True), ("it is not urgent", False),
        ("when do you deliver?", False), ("很急", True), ("不急，慢慢来", False),
        ("尽快处理", True), ("明天能到吗", False),
    ],
)  # fmt: skip
def test_urgency_is_said(text: str, urgent: bool) -> None:
    assert tone_of(text, None).urgent == urgent


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("I’ll sue you", "legal"), ("Sue here, hello", None), ("is camping legal there?", None), ("法院见", "legal"),
        ("发票抬头是律师事务所", None), ("I burned my hand on the stove", "injury"), ("I burned my toast", None),
        ("羽绒会过敏吗", None), ("穿了过敏，起疹子", "injury"), ("the atm swallowed my card", None),
        ("my son swallowed a magnet", "injury"), ("an order I never placed", "fraud"), ("是不是我买的那件", None),
        ("卡被盗刷", "fraud"), ("your driver threatened me", "abuse"), ("我不想活了", "self_harm"),
        ("my lawyer says I might kill myself", "self_harm"), ("where is order 12345", None), ("", None),
    ],
)  # fmt: skip
def test_a_persons_matter_is_told_from_its_neighbours(text: str, topic: str | None) -> None:
    assert sensitive_topic(text) == topic
    assert topic is None or topic in TOPICS


@pytest.mark.parametrize(
    ("text", "wordless", "intent"),
    [
        ("", True, None), ("🏔️", True, None), ("***", True, None), ("👍👍", True, "affirm"), ("👎", True, "deny"),
        ("👍😡", True, "complaint"), ("🙏", True, "thanks"), ("👋", True, "greeting"), ("??", True, "small_talk"),
        ("…", True, "small_talk"), ("😂", True, "small_talk"), ("ok 👍", False, None),
        ("好👍", False, None), ("7", False, None),
    ],
)  # fmt: skip
def test_signs_alone_say_something_or_nothing(text: str, wordless: bool, intent: str | None) -> None:
    assert is_wordless(text) == wordless
    if wordless:
        assert intent_of_signs(text) == intent


def test_what_is_heard_changes_the_intent_only_where_it_is_certain() -> None:
    calm = {"upset": False, "very": False, "urgent": False}
    assert heard("where is my order", {"intent": "order_status"}) == {"tone": calm}
    assert heard("my lawyer will call", {"intent": "ask"})["sensitive"] == "legal"
    assert heard("my lawyer will call", {"intent": "ask"})["intent"] == "ask_person"
    assert heard("👍", {})["intent"] == "affirm"
    assert heard("🏔️", {}) == {"tone": calm, "wordless": True, "understood": False}
    assert heard("this is awful", {"mood": BAD})["tone"] == {"upset": True, "very": True, "urgent": False}


@pytest.mark.parametrize("words", ["used card ", "using bank ", "account ", "hacked ", "fell ", "没经过", "孩子"])
def test_the_longest_message_keeps_nobody_waiting(words: str) -> None:
    text = (words * 4000)[:4000]
    started = time.process_time()
    heard(text, {})
    assert time.process_time() - started < 0.4
