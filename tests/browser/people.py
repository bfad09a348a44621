"""People before screens: browsers that do not know each other, and what people do in them."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, FrameLocator, Page, expect

LIMIT_MS = 15_000
"""Milliseconds that anything on a screen may take on a busy machine."""

expect.set_options(timeout=LIMIT_MS)


class Visitors:
    """Opens browsers of people who do not know each other, and keeps what their consoles complain of.

    Attributes:
        browser: Which they use.
        complaints: Errors and warnings of pages, scripts and policies.
        contexts: Those that are open.
    """

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.complaints: list[str] = []
        self.contexts: list[BrowserContext] = []

    async def context(
        self, *, locale: str = "en-GB", width: int = 1280, height: int = 860, **more: Any
    ) -> BrowserContext:
        """A browser of its own: storage and cookies are shared by its pages only."""
        context = await self.browser.new_context(locale=locale, viewport={"width": width, "height": height}, **more)
        context.set_default_timeout(LIMIT_MS)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.contexts.append(context)
        return context

    async def page(self, url: str, **options: Any) -> Page:
        """A page in a browser of its own."""
        page = await (await self.context(**options)).new_page()
        await page.goto(url)
        return page

    def _console(self, message: ConsoleMessage) -> None:
        asked_who_i_am = "401 (Unauthorized)" in message.text
        if message.type in ("error", "warning") and not asked_who_i_am:
            self.complaints.append(f"{message.type}: {message.text}")

    async def leave(self) -> None:
        """Closes everything."""
        for context in self.contexts:
            await context.close()


async def open_chat(page: Page) -> FrameLocator:
    """Opens the chat by its launcher and waits until it greets."""
    await page.locator("careline-chat button").click()
    chat = page.frame_locator("careline-chat iframe")
    await chat.locator(".greeting").wait_for()
    return chat


async def say(chat: FrameLocator | Page, text: str) -> None:
    """Types a message and sends it with Enter."""
    field = chat.locator("textarea")
    await field.fill(text)
    await field.press("Enter")
