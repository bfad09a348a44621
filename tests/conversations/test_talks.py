from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.rasa

SHIPPED = ("NT-104021", "samir.clarke@example.com")
DELIVERED = ("NT-104035", "tmoretti83@example.com")


def texts(replies: list[dict[str, Any]]) -> str:
    return "\n".join(reply.get("text", "") for reply in replies)


def custom(replies: list[dict[str, Any]]) -> dict[str, Any]:
    return {key: value for reply in replies for key, value in reply.get("custom", {}).items()}


def titles(replies: list[dict[str, Any]]) -> list[str]:
    return [button["title"] for reply in replies for button in reply.get("buttons", ())]


async def test_a_greeting_names_the_shop_and_says_that_a_bot_speaks(bot: Any) -> None:
    replies = await bot.talk("hello")
    assert "Little Shop" in texts(replies)
    assert "bot" in texts(replies)


async def test_a_question_is_answered_with_its_source_and_why(bot: Any) -> None:
    replies = await bot.talk("how long does delivery take")
    assert texts(replies).strip() == "Delivery takes two to four working days within the country."
    assert custom(replies)["source"]["support"] == 3
    why = custom(replies)["why"]
    assert (why["intent"], why["topic"], why["outcome"]) == ("ask", "delivery_time", "sure")
    assert why["evidence"][0]["answer"] == custom(replies)["answer"]
    assert why["model"] == "little"


async def test_an_answer_given_before_is_said_to_be_so_and_a_person_offered(bot: Any) -> None:
    replies = await bot.talk("how long does delivery take", "how long does delivery take")
    assert "As said before" in texts(replies)
    assert any("person" in reply.get("text", "") for reply in replies)


async def test_yes_after_an_answer_is_gladly_heard(bot: Any) -> None:
    assert "Glad" in texts(await bot.talk("hello", "what does shipping cost?", "yes"))


async def test_no_after_an_answer_asks_for_other_words(bot: Any) -> None:
    assert "other words" in texts(await bot.talk("hello", "what does shipping cost?", "no that's not it"))


async def test_a_pressed_suggestion_gives_its_answer(bot: Any) -> None:
    replies = await bot.talk("hello", '/ask{"answer_id": "a2"}')
    assert "PayPal" in texts(replies)


async def test_gibberish_is_asked_about_once_and_then_handed_over(bot: Any) -> None:
    first = await bot.talk("fghjk zzz qqqw")
    assert "other words" in texts(first)
    second = await bot.talk("fghjk zzz qqqw", "xkcd blorf wump")
    assert custom(second)["handoff"]["reason"] == "lost"
    assert (await bot.tracker()).is_paused()


async def test_a_message_without_words_is_not_understood(bot: Any) -> None:
    assert "in words" in texts(await bot.talk("🏔️🏔️"))


async def test_a_person_is_fetched_when_asked_for(bot: Any) -> None:
    replies = await bot.talk("I want to talk to a human")
    assert custom(replies)["handoff"]["reason"] == "asked"
    assert (await bot.tracker()).is_paused()


async def test_a_complaint_offers_a_person_and_a_yes_fetches_one(bot: Any) -> None:
    offer = await bot.talk("I want to complain")
    assert "sorry" in texts(offer)
    assert "Yes, please" in titles(offer)
    assert "handoff" in custom(await bot.talk("I want to complain", "yes please"))
    assert "handoff" not in custom(await bot.talk("I want to complain", "hello", "yes please"))


async def test_an_order_is_told_to_the_one_who_knows_its_address(bot: Any) -> None:
    replies = await bot.talk("where is my order", *SHIPPED)
    assert "NT-104021" in texts(replies)
    assert "is on its way" in texts(replies)


async def test_nothing_about_an_order_is_told_to_another_address(bot: Any) -> None:
    replies = await bot.talk("where is my order", SHIPPED[0], "wrong@example.com")
    assert "does not belong" in texts(replies)
    assert "on its way" not in texts(replies)
    assert "samir" not in json.dumps(replies)


async def test_a_wrong_number_is_asked_for_again_and_then_a_person_offered(bot: Any) -> None:
    wrong = ["NT-1111111", "NT-2222222", "NT-3333333"]
    assert "cannot find" in texts(await bot.talk("where is my order", wrong[0]))
    replies = await bot.talk("where is my order", *wrong)
    assert "Yes, please" in titles(replies)
    assert (await bot.tracker()).active_loop is None


async def test_a_number_out_of_the_blue_begins_a_look_up(bot: Any) -> None:
    assert "e-mail address" in texts(await bot.talk("NT-104021"))


async def test_a_question_inside_a_form_is_answered_and_the_form_goes_on(bot: Any) -> None:
    replies = await bot.talk("where is my order", SHIPPED[0], "how long does delivery take?")
    assert "two to four working days" in texts(replies)
    assert "e-mail address" in texts(replies)
    replies = await bot.talk("where is my order", SHIPPED[0], "how long does delivery take?", SHIPPED[1])
    assert "is on its way" in texts(replies)


async def test_what_fills_no_slot_gets_help(bot: Any) -> None:
    replies = await bot.talk("where is my order", "banana")
    assert "NT-000000" in texts(replies)


@pytest.mark.parametrize("line", ["forget it", "no", "bye"])
async def test_a_form_can_be_stopped(bot: Any, line: str) -> None:
    await bot.talk("where is my order", line)
    assert (await bot.tracker()).active_loop is None


async def test_a_person_can_be_asked_for_inside_a_form(bot: Any) -> None:
    assert "handoff" in custom(await bot.talk("where is my order", "talk to a person"))


async def test_a_return_is_registered_once(bot: Any) -> None:
    talk = ("I want to return something", *DELIVERED, "the boots, too small")
    first, second = texts(await bot.talk(*talk)), texts(await bot.talk(*talk))
    assert "registered as R-" in first
    assert first == second
    rows = (bot.workspace.var / "returns.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(row)["reason"] for row in rows].count("the boots, too small") == 1


async def test_a_question_is_no_reason_for_a_return(bot: Any) -> None:
    before = (bot.workspace.var / "returns.jsonl").read_text(encoding="utf-8")
    replies = await bot.talk("I want to return something", *DELIVERED, "how long does delivery take?")
    assert "two to four working days" in texts(replies)
    assert "reason" in texts(replies).casefold() or "why" in texts(replies).casefold()
    zh = await bot.talk("我要退货", *DELIVERED, "送货要多久？")
    assert "工作日" in texts(zh)
    assert (bot.workspace.var / "returns.jsonl").read_text(encoding="utf-8") == before


async def test_what_has_not_arrived_is_not_registered_as_a_return(bot: Any) -> None:
    assert "not been delivered" in texts(await bot.talk("I want to return something", *SHIPPED, "too small"))


async def test_one_form_can_turn_into_the_other(bot: Any) -> None:
    replies = await bot.talk("where is my order", DELIVERED[0], "I want to return it", DELIVERED[1])
    assert "why does it go back" in texts(replies)


async def test_chinese_customers_are_answered_in_chinese(bot: Any) -> None:
    assert "欢迎" in texts(await bot.talk("你好"))
    assert "工作日" in texts(await bot.talk("送货要多久？"))
    assert "已发货" in texts(await bot.talk("我的订单到哪了", *SHIPPED))
    assert custom(await bot.talk("转人工"))["handoff"]["reason"] == "asked"


async def test_no_reply_has_an_unfilled_placeholder(bot: Any) -> None:
    for talk in (
        ["hello"],
        ["are you a robot?"],
        ["bye"],
        ["where is my order", "NT-9999999"],
        ["where is my order", "banana"],
        ["where is my order", SHIPPED[0], "wrong@example.com"],
        ["你是机器人吗"],
    ):
        said = texts(await bot.talk(*talk))
        assert said
        assert "{" not in said
        assert "None" not in said


async def test_a_reply_survives_a_switch_of_the_live_version_between_turns(bot: Any) -> None:
    before = await bot.talk("what does shipping cost?")
    bot.workspace.go_live(bot.workspace.live())
    assert texts(await bot.talk("what does shipping cost?")) == texts(before)
