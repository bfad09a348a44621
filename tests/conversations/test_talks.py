from __future__ import annotations

import json
import re
from typing import Any

import pytest

pytestmark = pytest.mark.rasa

SHIPPED = ("NT-104021", "samir.clarke@example.com")
DELIVERED = ("NT-104035", "tmoretti83@example.com")
WAITING = ("NT-104028", "yilmaz.hannah@example.com")


def texts(replies: list[dict[str, Any]]) -> str:
    return "\n".join(reply.get("text", "") for reply in replies)


def custom(replies: list[dict[str, Any]]) -> dict[str, Any]:
    return {key: value for reply in replies for key, value in reply.get("custom", {}).items()}


def titles(replies: list[dict[str, Any]]) -> list[str]:
    return [button["title"] for reply in replies for button in reply.get("buttons", ())]


def returns(bot: Any, reason: str) -> int:
    """How many returns were registered with this reason."""
    path = bot.workspace.var / "returns.jsonl"
    rows = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(row).get("reason") for row in rows].count(reason)


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


STORY = "the driver threw my parcel over the fence and it broke"


async def test_a_complaint_is_heard_recorded_and_offered_a_person(bot: Any) -> None:
    heard = texts(await bot.talk("I want to complain"))
    assert heard.count("sorry") == 1
    assert "What happened?" in heard
    offer = await bot.talk("I want to complain", STORY)
    assert re.search(r"on record as C-\w{8};", texts(offer))
    assert "Yes, please" in titles(offer)
    assert "handoff" in custom(await bot.talk("I want to complain", STORY, "yes please"))
    assert "handoff" not in custom(await bot.talk("I want to complain", STORY, "hello", "yes please"))
    zh = texts(await bot.talk("我要投诉", "快递员把包裹扔在雨里，东西全坏了"))
    assert re.search(r"编号 C-\w{8}", zh)


async def test_a_complaint_inside_a_form_is_heard_and_a_question_in_it_answered(bot: Any) -> None:
    talk = ("where is my order", "this is terrible service", "how long does delivery take?")
    replies = texts(await bot.talk(*talk))
    assert "two to four working days" in replies
    assert "What happened?" in replies
    assert "on record" in texts(await bot.talk(*talk, STORY))


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


async def test_a_return_is_shown_confirmed_and_registered_once(bot: Any) -> None:
    talk = ("I want to return something", *DELIVERED, "the boots, too small")
    shown = await bot.talk(*talk)
    assert "Shall I register" in texts(shown)
    assert "“the boots, too small”" in texts(shown)
    assert titles(shown) == ["Yes", "No"]
    assert returns(bot, "the boots, too small") == 0
    first, second = texts(await bot.talk(*talk, "yes")), texts(await bot.talk(*talk, "/affirm"))
    assert "registered as R-" in first
    assert first == second
    assert returns(bot, "the boots, too small") == 1


async def test_a_no_registers_nothing_and_a_correction_asks_again(bot: Any) -> None:
    talk = ("I want to return something", *DELIVERED, "much too large")
    assert "registered nothing" in texts(await bot.talk(*talk, "no"))
    assert (await bot.tracker()).active_loop is None
    assert "“it is broken”" in texts(await bot.talk(*talk, "no, because it is broken"))
    assert "yes or no" in texts(await bot.talk(*talk, "hm"))
    assert "does not belong" in texts(await bot.talk(*talk, "yes, but order NT-104021"))
    assert returns(bot, "much too large") == 0
    zh = ("我要退货", *DELIVERED, "太大了")
    assert "“坏了”" in texts(await bot.talk(*zh, "不对，原因是坏了"))
    assert "没有做任何登记" in texts(await bot.talk(*zh, "不"))
    assert "已登记" in texts(await bot.talk(*zh, "不对，原因是坏了", "是的"))


@pytest.mark.parametrize("corrected", ["no, I meant order NT-104021", "不对，是NT-104021"])
async def test_a_number_is_corrected_after_it_was_taken(bot: Any, corrected: str) -> None:
    replies = texts(await bot.talk("where is my order", DELIVERED[0], corrected, SHIPPED[1]))
    assert "NT-104021" in replies
    assert "is on its way" in replies or "已发货" in replies
    replies = texts(await bot.talk("where is my order", *SHIPPED, corrected.replace("104021", "104035"), DELIVERED[1]))
    assert "NT-104035" in replies, "after the form, too"


async def test_what_was_said_before_is_not_asked_again_but_confirmed(bot: Any) -> None:
    replies = texts(await bot.talk("where is NT-104035, tmoretti83@example.com", "I want to return it"))
    assert "why does it go back" in replies
    talk = ("where is NT-104035, tmoretti83@example.com", "I want to return it because the seam is open")
    assert "Order NT-104035 (Ember down jacket), because: “the seam is open”" in texts(await bot.talk(*talk))
    assert returns(bot, "the seam is open") == 0


@pytest.mark.parametrize(
    ("said", "answer", "goes_on"),
    [
        ("where is NT-104021 and do you take credit cards?", "PayPal", "e-mail address"),
        ("I want to return something. What does shipping cost?", "4.90", "order number"),
        ("查一下NT-104021，还有怎么付款？", "支付宝", "邮箱"),
    ],
)
async def test_a_request_and_a_question_in_one_message_are_both_dealt_with(
    bot: Any, said: str, answer: str, goes_on: str
) -> None:
    replies = texts(await bot.talk(said))
    assert answer in replies
    assert goes_on in replies


async def test_a_detail_and_a_question_in_one_message_are_both_taken(bot: Any) -> None:
    replies = texts(await bot.talk("where is my order", "NT-104021, and how long does delivery take?"))
    assert "two to four working days" in replies
    assert "e-mail address" in replies


async def test_another_request_inside_a_form_takes_its_number_along(bot: Any) -> None:
    talk = ("where is my order", "I want to return NT-104035 instead", DELIVERED[1])
    assert "why does it go back" in texts(await bot.talk(*talk))


async def test_the_second_question_is_not_passed_over(bot: Any) -> None:
    replies = texts(await bot.talk("How do I wash my tent? And do you sell insurance for unicorns?"))
    assert "lukewarm" in replies
    assert "insurance for unicorns?”" in replies


async def test_a_follow_up_in_other_words_is_no_repetition(bot: Any) -> None:
    talk = ("how long does delivery take", "delivery time to my town?")
    assert "As said before" not in texts(await bot.talk(*talk))
    assert "As said before" in texts(await bot.talk(*talk, "how long does delivery take"))


async def test_an_address_is_changed_after_a_yes(bot: Any) -> None:
    first = "change the address of NT-104028 to 5 Mill Lane, Leeds LS1 4AB"
    shown = texts(await bot.talk(first, WAITING[1]))
    assert "“5 Mill Lane, Leeds LS1 4AB”" in shown
    corrected = (first, WAITING[1], "no, it's 14 High Street, 45012 Springfield")
    assert "“14 High Street, 45012 Springfield”" in texts(await bot.talk(*corrected)), "a postcode is no order"
    assert "reference of the change is A-" in texts(await bot.talk(*corrected, "yes"))
    talk = ("我要改地址", *WAITING, "杭州市西湖区文三路 100 号 3 栋", "怎么付款？")
    replies = texts(await bot.talk(*talk))
    assert "支付宝" in replies
    assert "杭州市西湖区文三路 100 号 3 栋" in replies
    assert "编号 A-" in texts(await bot.talk(*talk, "是的"))


async def test_an_address_cannot_follow_a_parcel(bot: Any) -> None:
    assert "on its way already" in texts(await bot.talk("change my delivery address", *SHIPPED))
    assert "no address to change" in texts(await bot.talk("change my delivery address", *DELIVERED))


async def test_a_question_is_no_reason_for_a_return(bot: Any) -> None:
    replies = await bot.talk("I want to return something", *DELIVERED, "how long does delivery take?")
    assert "two to four working days" in texts(replies)
    assert "why does it go back" in texts(replies)
    zh = texts(await bot.talk("我要退货", *DELIVERED, "送货要多久？"))
    assert "工作日" in zh
    assert "原因是什么" in zh


async def test_what_has_not_arrived_is_not_registered_as_a_return(bot: Any) -> None:
    replies = texts(await bot.talk("I want to return something", *SHIPPED))
    assert "not been delivered" in replies, "before a reason is asked for"


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
