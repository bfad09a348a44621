"""The whole way, nothing in anyone's place: `careline serve` on a learned shop, a customer, an agent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import FrameLocator, expect

from tests.browser.people import Visitors, open_chat, say

if TYPE_CHECKING:
    from tests.conftest import ServedShop

pytestmark = [
    pytest.mark.browser,
    pytest.mark.rasa,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
]

ORDER, EMAIL = "NT-104233", "quist.emma@example.com"
START_MS = 120_000
"""Milliseconds to the first answer: pages are there seconds before the worker has loaded Rasa."""

HOSTILE = '<img src=x onerror="window.hacked=1">'


async def replied(chat: FrameLocator, text: str, *, timeout: float | None = None) -> None:
    """Says something and waits until the bot has answered it with words."""
    before = await chat.locator(".kind-bot").count()
    await say(chat, text)
    await expect(chat.locator(".kind-bot .bubble").nth(before)).to_have_text(re.compile("."), timeout=timeout)


async def test_a_customer_asks_comes_back_and_is_answered_by_a_person(served_shop: ServedShop, visitors: Visitors):
    page = await visitors.page(f"{served_shop.url}/")
    chat = await open_chat(page)

    await replied(chat, "Where is my order?", timeout=START_MS)
    await replied(chat, ORDER)
    await replied(chat, EMAIL)
    answer = chat.locator(".kind-bot .bubble", has_text=f"Order {ORDER} ")
    await expect(answer.first).to_be_visible()

    await page.reload()
    chat = page.frame_locator("careline-chat iframe")
    await expect(chat.locator(".own .bubble")).to_have_text(["Where is my order?", ORDER, EMAIL])
    await expect(chat.locator(".kind-bot .bubble", has_text=f"Order {ORDER} ").first).to_be_visible()
    await replied(chat, "How long does delivery take?")

    await say(chat, f"I want to talk to a person {HOSTILE}")
    await expect(chat.locator(".notice[data-state=queued]")).to_be_visible()
    await expect(chat.locator(".own .bubble", has_text="onerror")).to_be_visible()

    agent = await visitors.page(f"{served_shop.url}/console/")
    await agent.get_by_label("Name").fill(served_shop.agent)
    await agent.get_by_label("Password").fill(served_shop.password)
    await agent.get_by_role("button", name="Sign in").click()
    await agent.locator(".row", has=agent.locator(".state-queued")).first.click()
    await expect(agent.locator(".said-customer .bubble", has_text="onerror")).to_be_visible()
    await expect(agent.locator(".said-customer .bubble", has_text=ORDER)).to_be_visible()
    await agent.get_by_role("button", name="Take over").click()
    await agent.get_by_label("Your reply").fill("A person here: your parcel arrives today.")
    await agent.get_by_label("Your reply").press("Enter")

    await expect(chat.locator(".kind-agent .bubble")).to_have_text("A person here: your parcel arrives today.")
    await expect(chat.locator(".notice[data-state=agent]")).to_have_text(f"{served_shop.agent} joined the conversation")
    for frame in (*page.frames, *agent.frames):
        assert await frame.evaluate("window.hacked") is None
