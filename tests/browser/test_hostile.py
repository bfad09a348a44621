"""What people write is never markup and never runs, wherever it stands: in the widget and before agents."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.hostile import MARK, WATCH, batches, executions, payloads, shown
from tests.browser.people import Visitors, open_chat
from tests.browser.scripted_site import Site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


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
