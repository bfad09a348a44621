"""A real Chromium before a real gateway; skipped with a word where either is not there."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Error, async_playwright

from bot.gateway.pages import DIST
from tests.browser.people import Visitors
from tests.browser.scripted_site import Site, scripted_site

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """The system's Chromium, or the one named by ``CHROMIUM``."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def chromium() -> AsyncIterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.skip(f"no Chromium: looked for {', '.join(NAMES)} and for CHROMIUM in the environment")
    if not (DIST / "widget.js").is_file():
        pytest.skip("the web code is not built: run make setup")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with scripted_site(tmp_path_factory.mktemp("site")) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="module")
async def visitors(chromium: Browser, tmp_path: Path) -> AsyncIterator[Visitors]:
    """People; a page that complains fails the test. What their screens showed last is left in ``tmp_path``."""
    people = Visitors(chromium)
    yield people
    for number, page in enumerate(page for context in people.contexts for page in context.pages):
        try:
            await page.screenshot(path=tmp_path / f"page-{number}.png")
        except Error as error:
            print(f"no picture of page {number}: {error}")
    await people.leave()
    assert people.complaints == []
