"""What people write is never markup and never runs, wherever it stands: in the widget and before agents."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from playwright.async_api import expect

from tests.browser.hostile import (
    MARK,
    WATCH,
    batches,
    executions,
    payloads,
    reply_everywhere,
    say_everywhere,
    unfold,
)
from tests.browser.people import Visitors, open_chat, say
from tests.browser.scripted_site import AGENT, Site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def shown(site: Site, visitors: Visitors, texts: Sequence[str]) -> list[str]:
    """What ran of these texts, in the widget and on the agents' page."""
    context = await visitors.context()
    await context.add_init_script(WATCH)
    page = await context.new_page()
    await page.goto(f"{site.url}/")
    chat = await open_chat(page)
    await say(chat, "hmm")
    await chat.locator(".choices").wait_for()
    conversation = (await site.log.conversations(limit=1))[0].id
    for text in texts:
        await say_everywhere(site, conversation, text)
    await reply_everywhere(site, conversation, texts)
    await site.log.accept(conversation, client_id="last", text="that was all")
    await chat.get_by_text("that was all").first.wait_for()
    await unfold(next(frame for frame in page.frames if "/widget/" in frame.url))
    found = await executions(page)
    await context.add_cookies([site.session(AGENT)])  # type: ignore[list-item]
    desk = await context.new_page()
    await desk.goto(f"{site.url}/console/#/{conversation}")
    await desk.get_by_text("that was all").last.wait_for()
    await unfold(desk.main_frame)
    found += await executions(desk)
    await context.close()
    visitors.contexts.remove(context)
    return found


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_no_words_ever_run(site: Site, visitors: Visitors, part: int):
    for texts in batches(payloads()[part::12], 14):
        assert await shown(site, visitors, texts) == []


async def test_the_watch_notices_what_runs(site: Site, visitors: Visitors):
    context = await visitors.context()
    await context.add_init_script(WATCH)
    page = await context.new_page()
    await page.goto(f"{site.url}/")
    await open_chat(page)
    await page.main_frame.evaluate(f"document.body.insertAdjacentHTML('beforeend', '<img src=x onerror={MARK}>')")
    await expect(page.locator("img[src=x]")).to_have_count(1)
    await page.wait_for_function("window.refused || window.hacked")
    assert await executions(page)
    visitors.complaints.clear()  # the policy's own words about it
