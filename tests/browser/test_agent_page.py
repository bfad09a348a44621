"""The agents' page before the real gateway: sign in, read, take over, reply, note, hand back."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.people import Visitors, say
from tests.browser.scripted_site import AGENT, COLLEAGUE, PASSWORD, Site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def sign_in(visitors: Visitors, site: Site, *, name: str = AGENT, **options: object) -> Page:
    context = await visitors.context(**options)
    await context.add_cookies([site.session(name)])
    page = await context.new_page()
    await page.goto(f"{site.url}/console/")
    await page.locator(".inbox").wait_for()
    return page


async def customer(visitors: Visitors, site: Site, text: str, *, waits: bool = True) -> Page:
    page = await visitors.page(f"{site.url}/widget/", width=420)
    await page.locator(".greeting").wait_for()
    await say(page, text)
    await page.locator(".theirs .bubble").first.wait_for()
    if waits:
        await page.get_by_role("button", name="Talk to a person").click()
        await page.locator(".notice").wait_for()
    return page


async def open_talk(agent: Page, text: str) -> None:
    await agent.get_by_role("button", name=re.compile("^All")).click()
    await agent.locator(".row", has_text=text).click()
    await agent.locator(".talk .entries").wait_for()


async def test_a_wrong_password_is_said_and_signing_out_works(site: Site, visitors: Visitors):
    page = await visitors.page(f"{site.url}/console/")
    await page.get_by_label("Name").fill(AGENT)
    await page.get_by_label("Password").fill("not it, not it")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.locator(".inbox").wait_for()
    await page.reload()
    await page.locator(".inbox").wait_for()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Name")).to_be_visible()


async def test_a_waiting_customer_is_taken_over_and_answered(site: Site, visitors: Visitors):
    agent = await sign_in(visitors, site)
    shopper = await customer(visitors, site, "echo shelf one")
    row = agent.locator(".row", has_text="shelf one")
    await expect(row.locator(".state-queued")).to_be_visible()
    await expect(agent).to_have_title(re.compile(r"^\(\d+\) "))
    await row.click()
    await expect(agent.get_by_label("Your reply")).to_be_disabled()
    await agent.get_by_role("button", name="Take over").click()
    await expect(shopper.locator(".notice", has_text="anna joined the conversation")).to_be_visible()
    await agent.get_by_label("Your reply").fill("Hello, I am here. <b>Really</b>")
    await expect(shopper.locator(".typing")).to_be_visible()
    await agent.get_by_label("Your reply").press("Enter")
    bubble = shopper.locator(".kind-agent .bubble")
    await expect(bubble).to_have_text("Hello, I am here. <b>Really</b>")
    await expect(shopper.get_by_text("anna · a person")).to_be_visible()
    await say(shopper, "good to hear")
    await expect(agent.locator(".said-customer .bubble", has_text="good to hear")).to_be_visible()
    await agent.get_by_role("button", name="Hand back to the bot").click()
    await expect(shopper.locator(".notice", has_text="You are talking to the bot again")).to_be_visible()
    await say(shopper, "echo bot again")
    await expect(shopper.locator(".kind-bot .bubble", has_text="bot again")).to_be_visible()


async def test_a_note_is_for_agents_only(site: Site, visitors: Visitors):
    shopper = await customer(visitors, site, "echo shelf two")
    agent = await sign_in(visitors, site)
    await open_talk(agent, "shelf two")
    await agent.get_by_role("button", name="Note", exact=True).click()
    await agent.get_by_label("Your note").fill("called before")
    await agent.get_by_label("Your note").press("Enter")
    await expect(agent.locator(".said-note .bubble")).to_have_text("called before")
    await agent.get_by_role("button", name="Take over").click()
    await shopper.locator(".notice", has_text="anna joined").wait_for()
    await expect(shopper.get_by_text("called before")).to_have_count(0)


async def test_the_page_says_why_the_bot_answered(site: Site, visitors: Visitors):
    await customer(visitors, site, "How long is delivery? shelf three", waits=False)
    agent = await sign_in(visitors, site)
    await agent.get_by_role("button", name=re.compile("^All")).click()
    await agent.locator(".row", has_text="Delivery takes two to four").first.click()
    await agent.get_by_text("Why the bot said this").click()
    reasons = agent.locator(".reasons")
    for fact in ("delivery_time", "0.93", "m-3f9a1c", "Given 37 times, in 14 conversations", "0.81"):
        await expect(reasons).to_contain_text(fact)


async def test_a_colleague_takes_a_conversation_from_another(site: Site, visitors: Visitors):
    shopper = await customer(visitors, site, "echo shelf four")
    anna = await sign_in(visitors, site)
    bo = await sign_in(visitors, site, name=COLLEAGUE)
    await open_talk(anna, "shelf four")
    await anna.get_by_role("button", name="Take over").click()
    await shopper.locator(".notice", has_text="anna joined").wait_for()
    await open_talk(bo, "shelf four")
    await bo.get_by_role("button", name="Take over from anna").click()
    await expect(shopper.locator(".notice", has_text="bo joined")).to_be_visible()
    await expect(anna.get_by_text("bo has this conversation.")).to_be_visible()
    await expect(anna.get_by_label("Your reply")).to_be_disabled()


async def test_a_closed_conversation_goes_on_when_its_customer_writes(site: Site, visitors: Visitors):
    shopper = await customer(visitors, site, "echo shelf five")
    agent = await sign_in(visitors, site)
    await open_talk(agent, "shelf five")
    await agent.get_by_role("button", name="Close", exact=True).click()
    await expect(shopper.locator(".notice", has_text="This conversation is finished")).to_be_visible()
    await expect(shopper.get_by_role("button", name="Start a new conversation")).to_be_visible()
    await say(shopper, "echo one more thing")
    await expect(shopper.locator(".kind-bot .bubble", has_text="one more thing")).to_be_visible()


async def test_it_works_by_keyboard_on_a_phone_and_in_chinese(site: Site, visitors: Visitors):
    await customer(visitors, site, "echo shelf six")
    await customer(visitors, site, "echo shelf seven")
    agent = await sign_in(visitors, site, width=375, height=720, locale="zh-CN")
    await expect(agent.get_by_role("button", name="退出登录")).to_be_visible()
    await agent.get_by_role("button", name=re.compile("^全部")).click()
    await agent.locator(".row").first.wait_for()
    await agent.keyboard.press("Alt+ArrowDown")
    await expect(agent.locator(".talk h2")).to_have_text(re.compile("^客户 "))
    await expect(agent.locator(".inbox")).to_be_hidden()
    assert await agent.evaluate("document.documentElement.scrollWidth") == 375
    await agent.get_by_role("button", name="返回列表").click()
    await expect(agent.locator(".inbox")).to_be_visible()
