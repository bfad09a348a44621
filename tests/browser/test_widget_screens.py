"""The widget as a customer meets it, before the real gateway and log, with a scripted bot."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import FrameLocator, Page, WebSocketRoute, expect

from bot.handoff import Move
from tests.browser.people import Visitors, open_chat, say
from tests.browser.scripted_site import Site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

HOSTILE = '<img src=x onerror="parent.hacked=1;window.hacked=1"><script>window.hacked=1</script>'


def bubbles(chat: FrameLocator | Page, text: str):
    return chat.locator(".bubble", has_text=text)


async def test_an_answer_comes_with_its_source_and_is_there_again_after_a_reload(site: Site, visitors: Visitors):
    page = await visitors.page(f"{site.url}/")
    chat = await open_chat(page)
    await expect(chat.get_by_text("You are talking to a bot.")).to_be_visible()
    await chat.get_by_role("button", name="How long does delivery take?").click()
    await bubbles(chat, "two to four working days").wait_for()
    await chat.get_by_text("Why this answer?").click()
    await expect(chat.get_by_text("Our team gave this answer 37 times.")).to_be_visible()
    await expect(chat.get_by_text("how many days until my tent gets here?")).to_be_visible()
    await page.reload()
    chat = page.frame_locator("careline-chat iframe")
    await expect(bubbles(chat, "two to four working days")).to_be_visible()
    await expect(bubbles(chat, "How long does delivery take?")).to_have_count(1)


@pytest.mark.parametrize(
    ("locale", "ask", "summary", "kind", "link"),
    [
        ("en-GB", "Can I return boots and how do I wash my jacket?", "Sources (2)", "Help article", "Read it there"),
        ("zh-CN", "鞋子能退吗？羽绒服怎么洗？", "2 个来源", "帮助文章", "查看原文"),
    ],
)
async def test_several_sources_unfold_with_the_numbers_of_the_text(
    site: Site, visitors: Visitors, locale: str, ask: str, summary: str, kind: str, link: str
):
    page = await visitors.page(f"{site.url}/", locale=locale)
    chat = await open_chat(page)
    await say(chat, ask)
    await chat.get_by_text(summary).click()
    items = chat.locator(".why-body.numbered > li")
    await expect(items).to_have_count(2)
    await expect(items.nth(1)).to_contain_text(kind)
    address = items.nth(1).get_by_role("link", name=link)
    await expect(address).to_have_attribute("href", re.compile("^https://northwind-trail.example/help/"))
    await expect(address).to_have_attribute("rel", re.compile("noopener"))


async def test_a_choice_is_pressed_once_and_answered(site: Site, visitors: Visitors):
    page = await visitors.page(f"{site.url}/")
    chat = await open_chat(page)
    await say(chat, "hmm")
    await chat.locator(".choices").get_by_role("button", name="How long does delivery take?").click()
    await bubbles(chat, "two to four working days").wait_for()
    await expect(chat.locator(".choices")).to_have_count(0)
    await expect(bubbles(chat, "How long does delivery take?")).to_have_count(1)


async def test_words_are_never_markup_and_only_web_addresses_are_links(site: Site, visitors: Visitors):
    page = await visitors.page(f"{site.url}/")
    chat = await open_chat(page)
    words = f"{HOSTILE} javascript:alert(1) https://good.example/a?b=1."
    await say(chat, f"echo {words}")
    await expect(chat.locator(".theirs .bubble", has_text="onerror")).to_have_text(words)
    frame = page.frames[1]
    assert await frame.evaluate(
        "[window.hacked, parent.hacked, document.querySelectorAll('.bubble img, .bubble script').length]"
    ) == [None, None, 0]
    link = chat.locator(".theirs .bubble a")
    await expect(link).to_have_attribute("href", "https://good.example/a?b=1")
    await expect(link).to_have_attribute("rel", re.compile("noopener"))
    await expect(link).to_have_count(1)


async def test_two_tabs_keep_step(site: Site, visitors: Visitors):
    context = await visitors.context()
    one, other = await context.new_page(), await context.new_page()
    await one.goto(f"{site.url}/")
    chat = await open_chat(one)
    await say(chat, "echo first")
    await bubbles(chat, "first").nth(1).wait_for()
    await other.goto(f"{site.url}/")
    second = await open_chat(other)
    await expect(second.locator(".theirs .bubble", has_text="first")).to_be_visible()
    await say(second, "echo second")
    for tab in (chat, second):
        await expect(tab.locator(".theirs .bubble", has_text="second")).to_have_count(1)
        await expect(tab.locator(".own .bubble", has_text="second")).to_have_count(1)


async def test_news_while_closed_shows_on_the_launcher(site: Site, visitors: Visitors):
    page = await visitors.page(f"{site.url}/")
    chat = await open_chat(page)
    site.bot.thinks = 0.3
    try:
        await say(chat, "echo later")
        await chat.locator("textarea").press("Escape")
        launcher = page.locator("careline-chat button")
        await expect(launcher).to_be_focused()
        await expect(launcher).to_have_attribute("aria-expanded", "false")
        await expect(page.locator("careline-chat .badge")).to_have_text("1")
        await expect(launcher).to_have_accessible_name("Open the chat (1 unread)")
    finally:
        site.bot.thinks = 0.0
    await launcher.click()
    await expect(page.locator("careline-chat .badge")).to_be_hidden()
    await expect(chat.locator("textarea")).to_be_focused()


async def test_enter_that_picks_characters_does_not_send(site: Site, visitors: Visitors):
    page = await visitors.page(f"{site.url}/", locale="zh-CN")
    chat = await open_chat(page)
    field = chat.locator("textarea")
    await field.fill("ni hao")
    await field.evaluate(
        "e => e.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))"
    )
    await field.press("Shift+Enter")
    await expect(chat.locator(".own")).to_have_count(0)
    await expect(field).to_have_value("ni hao\n")
    await field.press("Enter")
    await expect(bubbles(chat, "ni hao")).to_have_count(1)


async def test_what_is_new_is_announced_once_and_history_is_not(site: Site, visitors: Visitors):
    page = await visitors.page(f"{site.url}/")
    chat = await open_chat(page)
    await say(chat, "echo news")
    region = chat.locator("[aria-live=polite]")
    await expect(region).to_have_text("Bot: news")
    await page.reload()
    chat = page.frame_locator("careline-chat iframe")
    await bubbles(chat, "news").nth(1).wait_for()
    await expect(chat.locator("[aria-live=polite]")).to_have_text("")


async def test_a_person_is_one_click_away(site: Site, visitors: Visitors):
    page = await visitors.page(f"{site.url}/")
    chat = await open_chat(page)
    await chat.get_by_role("button", name="Talk to a person").click()
    await expect(chat.locator(".notice", has_text="You are waiting for a person")).to_be_visible()
    await expect(chat.get_by_text("A person has been asked for")).to_be_visible()


async def test_a_lost_connection_is_said_and_nothing_is_lost_or_doubled(site: Site, visitors: Visitors):
    context = await visitors.context()
    page = await context.new_page()
    lines: list[WebSocketRoute] = []
    refuse = False

    async def line(socket: WebSocketRoute) -> None:
        if refuse:
            await socket.close(code=1013)
            return
        server = socket.connect_to_server()
        lines.append(socket)
        # The first line swallows acknowledgements and entries: the widget cannot know that its message is stored.
        first = len(lines) == 1
        server.on_message(lambda frame: None if first and '"welcome"' not in str(frame) else socket.send(frame))

    await page.route_web_socket(re.compile("/ws/widget"), line)
    await page.goto(f"{site.url}/")
    chat = await open_chat(page)
    await say(chat, "echo only once")
    await expect(chat.locator(".delivery-sending")).to_be_visible()
    refuse = True
    await lines[0].close()
    await expect(chat.get_by_text("Connection lost.")).to_be_visible()
    refuse = False
    await chat.get_by_role("button", name="Try now").or_(chat.locator(".theirs .bubble")).first.click()
    await expect(chat.locator(".theirs .bubble", has_text="only once")).to_have_count(1)
    await expect(chat.locator(".own .bubble", has_text="only once")).to_have_count(1)
    await expect(chat.locator(".pending")).to_have_count(0)
    await expect(chat.get_by_text("Connection lost.")).to_have_count(0)


async def test_the_page_and_the_frame_listen_to_each_other_only(site: Site, visitors: Visitors):
    page = await visitors.page(f"{site.url}/")
    before = await page.evaluate("Object.keys(window)")
    assert [name for name in before if "care" in name.lower()] == ["Careline"]
    chat = await open_chat(page)
    await page.evaluate("postMessage({careline: 'close'}, '*'); postMessage({careline: 'unread', count: 7}, '*')")
    await page.frames[1].evaluate("postMessage({careline: 'draft', text: 'planted'}, '*')")
    await page.evaluate("Careline.draft('from the shop')")
    await expect(chat.locator("textarea")).to_have_value("from the shop")
    await expect(page.locator("careline-chat button")).to_have_attribute("aria-expanded", "true")
    await expect(page.locator("careline-chat .badge")).to_be_hidden()


async def test_a_visitor_who_does_not_open_the_chat_makes_no_connection(site: Site, visitors: Visitors):
    context = await visitors.context()
    page = await context.new_page()
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    await page.goto(f"{site.url}/")
    await page.locator("careline-chat button").wait_for()
    assert len(page.frames) == 1
    assert sockets == []


async def test_it_speaks_chinese_and_changes_language(site: Site, visitors: Visitors):
    page = await visitors.page(f"{site.url}/", locale="zh-CN")
    await expect(page.get_by_role("heading", level=1)).to_have_text("为绕远路的人，备好行装。")
    chat = await open_chat(page)
    await expect(chat.get_by_role("button", name="转人工客服")).to_be_visible()
    await page.get_by_role("button", name="English").click()
    await expect(chat.get_by_role("button", name="Talk to a person")).to_be_visible()
    await expect(chat.locator(".greeting")).to_have_text(re.compile("^Hello"))
    await chat.get_by_role("button", name="语言").or_(chat.locator(".language")).first.click()
    await expect(chat.locator(".greeting")).to_have_text(re.compile("^您好"))
    await expect(page.locator("careline-chat button")).to_have_accessible_name("关闭在线客服")


async def test_it_fills_a_phone_and_fits(site: Site, visitors: Visitors):
    page = await visitors.page(f"{site.url}/", width=360, height=700)
    chat = await open_chat(page)
    await say(chat, "echo " + "verylongword" * 30)
    await bubbles(chat, "verylongword").nth(1).wait_for()
    box = await page.locator("careline-chat iframe").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 360, "height": 700}
    assert await page.frames[1].evaluate("document.documentElement.scrollWidth") == 360
    assert await chat.locator(".scroll").evaluate("e => e.scrollWidth - e.clientWidth") == 0
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    await chat.get_by_role("button", name="Close the chat").click()
    await expect(page.locator("careline-chat iframe")).to_be_hidden()


async def test_a_long_conversation_keeps_its_order(site: Site, visitors: Visitors):
    page = await visitors.page(f"{site.url}/")
    chat = await open_chat(page)
    for number in range(6):
        await say(chat, f"echo number {number}")
    await bubbles(chat, "number 5").nth(1).wait_for()
    await expect(chat.locator(".theirs .bubble")).to_have_text([f"number {n}" for n in range(6)])
    frame = page.frames[1]
    await expect(chat.locator(".pending")).to_have_count(0)
    seqs = await frame.evaluate("[...document.querySelectorAll('[data-seq]')].map(e => +e.dataset.seq)")
    assert seqs == sorted(set(seqs))


async def test_a_shop_on_another_site_embeds_it_with_one_line(site: Site, visitors: Visitors):
    page = await visitors.page(site.partner)
    chat = await open_chat(page)
    await expect(page.locator("careline-chat iframe")).to_have_attribute("sandbox", re.compile("allow-scripts"))
    await say(chat, "echo from afar")
    await expect(chat.locator(".theirs .bubble")).to_have_text("from afar")
    await expect(chat.locator(".own .bubble")).to_have_css("background-color", "rgb(255, 212, 0)")
    await expect(chat.locator(".own .bubble")).to_have_css("color", "rgb(0, 0, 0)")
    await chat.locator("textarea").press("Escape")
    await expect(page.locator("careline-chat button")).to_be_focused()


async def test_a_site_that_is_not_named_cannot_embed_it(site: Site, visitors: Visitors):
    context = await visitors.context()
    page = await context.new_page()
    await page.goto(site.stranger)
    async with context.expect_event("console", lambda message: "frame-ancestors" in message.text):
        await page.locator("careline-chat button").click()
    await expect(page.frame_locator("careline-chat iframe").locator("#app")).to_have_count(0)
    visitors.complaints.clear()


async def test_where_sockets_are_blocked_the_conversation_goes_on_over_plain_http(site: Site, visitors: Visitors):
    page = await visitors.page(f"{site.url}/")
    await page.context.add_init_script(
        "window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.({ code: 1006 })); } close() {} };"
    )
    await page.reload()
    chat = await open_chat(page)
    await say(chat, "How long does delivery take?")
    await bubbles(chat, "two to four working days").wait_for()
    await expect(bubbles(chat, "How long does delivery take?")).to_have_count(1)


async def test_thumbs_and_stars_are_kept_and_agents_see_them(site: Site, visitors: Visitors):
    page = await visitors.page(f"{site.url}/")
    chat = await open_chat(page)
    await say(chat, "How long does delivery take?")
    thumbs = chat.get_by_role("group", name="Did this answer help?")
    await thumbs.get_by_role("button", name="This answer did not help").click()
    await thumbs.get_by_role("button", name="Not right").click()
    await expect(thumbs.get_by_text("Thank you!")).to_be_visible()
    await page.reload()
    chat = page.frame_locator("careline-chat iframe")
    thumbs = chat.get_by_role("group", name="Did this answer help?")
    await expect(thumbs.get_by_role("button", name="This answer did not help")).to_have_attribute(
        "aria-pressed", "true"
    )
    (info,) = await site.log.conversations(limit=1)
    await site.log.move(info.id, Move.CLOSE, actor="anna")
    await chat.get_by_role("button", name="4 of 5").click()
    await expect(chat.locator(".star.full")).to_have_count(4)
    feedback = [entry.data for entry in await site.log.read(info.id) if entry.kind == "feedback"]
    assert [(row["rating"], row["reason"]) for row in feedback] == [("down", ""), ("down", "wrong"), ("4", "")]
