"""Conversations with customers who are upset, in a hurry, in trouble, without words, or just friendly."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conversations.test_talks import SHIPPED, custom, texts, titles

pytestmark = pytest.mark.rasa

REGRET, REGRET_ZH = "giving you trouble", "添麻烦"
PERSON, PERSON_ZH = "fetch a person", "转接人工"


async def test_an_upset_customer_gets_one_sentence_the_answer_and_the_offer_of_a_person(bot: Any) -> None:
    replies = await bot.talk("this is ridiculous, how long does delivery take?")
    said = [reply.get("text", "") for reply in replies]
    assert REGRET in said[0]
    assert "two to four working days" in said[1]
    assert PERSON in said[-1]
    assert "handoff" in custom(await bot.talk("this is ridiculous, how long does delivery take?", "yes please"))


async def test_regret_is_said_once_until_the_mood_has_changed(bot: Any) -> None:
    angry, calm = "your service is awful, what does shipping cost?", "how do I wash my tent?"
    assert REGRET not in texts(await bot.talk(angry, "this is awful, how long does delivery take?"))
    assert REGRET not in texts(await bot.talk(angry, calm, "this is awful, how long does delivery take?"))
    replies = await bot.talk(angry, calm, "how can I pay?", "this is awful, how long does delivery take?")
    assert REGRET in texts(replies)


async def test_bad_news_alone_is_no_bad_mood(bot: Any) -> None:
    for line in ("the zip is broken", "I want to return something", "where is my order"):
        assert REGRET not in texts(await bot.talk(line)), line


async def test_inside_a_form_a_person_is_a_word_away_and_the_form_goes_on(bot: Any) -> None:
    begun = texts(await bot.talk("where the hell is my order"))
    assert REGRET in begun
    assert "person" in begun
    assert "order number" in begun
    replies = await bot.talk("where is my order", SHIPPED[0], "you are useless, how long does delivery take?")
    assert REGRET in texts(replies)
    assert "two to four working days" in texts(replies)
    assert "e-mail address" in texts(replies)
    assert "Yes, please" not in titles(replies)


async def test_a_complaint_hears_one_regret(bot: Any) -> None:
    said = texts(await bot.talk("I want to complain, this is awful"))
    assert REGRET not in said
    assert "sorry" in said


async def test_who_is_in_a_hurry_or_very_upset_is_not_asked_to_rephrase(bot: Any) -> None:
    assert "other words" in texts(await bot.talk("fghjk zzz qqqw"))
    hurried = await bot.talk("fghjk zzz qqqw, please hurry, it is urgent")
    assert custom(hurried)["handoff"]["reason"] == "lost"
    furious = await bot.talk("fghjk zzz qqqw!! USELESS RUBBISH")
    assert custom(furious)["handoff"]["reason"] == "negative"
    assert REGRET in texts(furious)


async def test_no_after_an_answer_of_somebody_upset_fetches_a_person(bot: Any) -> None:
    assert "handoff" in custom(await bot.talk("hello", "what does shipping cost?", "no that's not it, this is useless"))


@pytest.mark.parametrize(
    ("line", "danger"),
    [
        ("my lawyer will call you about the delivery", False),
        ("someone used my card without my permission", False),
        ("the stove exploded and burned my hand", True),
        ("I want to kill myself", True),
    ],
)
async def test_a_persons_matter_goes_to_a_person_at_once(bot: Any, line: str, danger: bool) -> None:
    for before in ([], ["hello"], ["where is my order", SHIPPED[0]], ["I want to return something"]):
        replies = await bot.talk(*before, line)
        assert custom(replies)["handoff"]["reason"] == "sensitive", before
        assert ("emergency" in texts(replies)) == danger
        assert (await bot.tracker()).is_paused()
        assert (await bot.tracker()).active_loop is None


async def test_the_same_in_chinese(bot: Any) -> None:
    replies = await bot.talk("气死了，送货要多久？")
    assert REGRET_ZH in texts(replies)
    assert "工作日" in texts(replies)
    assert PERSON_ZH in texts(replies)
    assert custom(await bot.talk("炉子爆炸了，手烧伤了"))["handoff"]["reason"] == "sensitive"
    assert custom(await bot.talk("不退钱我就起诉你们"))["handoff"]["reason"] == "sensitive"
    assert "handoff" not in custom(await bot.talk("可以在帐篷里生火吗"))


@pytest.mark.parametrize("line", ["", "   ", "🏔️", "***", "👍👍", "👎", "🙏", "😡", "?", "...", "！！"])
async def test_a_message_without_words_is_never_met_with_silence(bot: Any, line: str) -> None:
    for before in ([], ["where is my order"], ["你好"]):
        replies = await bot.talk(*before, line)
        assert texts(replies).strip(), before
        assert "{" not in texts(replies)


async def test_a_picture_is_answered_in_the_language_of_the_conversation(bot: Any) -> None:
    assert "pictures" in texts(await bot.talk(""))
    assert "图片" in texts(await bot.talk("你好", ""))
    assert custom(await bot.talk("", "🏔️"))["handoff"]["reason"] == "lost"


async def test_signs_are_understood(bot: Any) -> None:
    assert "Glad" in texts(await bot.talk("hello", "what does shipping cost?", "👍"))
    assert "handoff" in custom(await bot.talk("this is ridiculous, how long does delivery take?", "👍"))
    assert "welcome" in texts(await bot.talk("hello", "🙏"))
    assert "sorry" in texts(await bot.talk("😡"))


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("how are you?", "I am fine"), ("are you there?", "I am here"), ("you are so smart", "kind"),
        ("sorry, my mistake", "No harm"), ("haha", "Good to hear"), ("??", "I am here"),
        ("在吗", "我在的"), ("最近怎么样", "挺好的"), ("你好厉害", "夸奖"),
        ("不好意思，打扰了", "没关系"), ("哈哈哈", "哈哈"),
        ("辛苦了", "不客气"),
    ],
)  # fmt: skip
async def test_small_talk_is_answered_in_kind(bot: Any, line: str, answer: str) -> None:
    assert answer in texts(await bot.talk(line))


async def test_small_talk_leaves_a_form_where_it_was(bot: Any) -> None:
    replies = await bot.talk("where is my order", "are you there?")
    assert "I am here" in texts(replies)
    assert "order number" in texts(replies)


async def test_a_customer_may_change_the_language_in_the_middle(bot: Any) -> None:
    begun = ["where is my order", SHIPPED[0]]
    assert "邮箱" in texts(await bot.talk("where is my order", f"订单号是{SHIPPED[0]}"))
    assert "已发货" in texts(await bot.talk(*begun, "等一下，我的邮箱是 " + SHIPPED[1]))
    assert "on its way" in texts(await bot.talk("我的订单到哪了", SHIPPED[0], f"the address is {SHIPPED[1]}"))
    assert "工作日" in texts(await bot.talk("how can I pay?", "送货要多久？"))
    assert "working days" in texts(await bot.talk("怎么付款？", "how long does delivery take?"))
    assert "工作日" in texts(await bot.talk("how can I pay?", "送货要多久？", "how can I pay?", "送货要多久？"))
    assert "不客气" in texts(await bot.talk("how can I pay?", "送货要多久？", "谢谢"))
    assert "您好" in texts(await bot.talk("送货要多久？", "ok", "你好"))


async def test_a_word_that_any_language_borrows_changes_nothing(bot: Any) -> None:
    assert "邮箱" in texts(await bot.talk("我的订单到哪了", SHIPPED[0], "ok"))
    assert "很高兴" in texts(await bot.talk("你好", "送货要多久？", "ok"))
