"""Every state of the screens, each made by what people do; what looks at all of them goes through these."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import Frame, FrameLocator, Page

from bot.handoff import Move
from tests.browser.people import Visitors, open_chat, say
from tests.browser.scripted_site import AGENT, COLLEAGUE, Site


@dataclass(frozen=True)
class State:
    """A state of a screen.

    Attributes:
        name: For people.
        make: Brings a page there; returns the frame to look at.
        options: Of the browser's context: language, size, colours.
    """

    name: str
    make: Callable[[Site, Page], Awaitable[Frame]]
    options: dict[str, object]


DELIVERY = {"en-GB": "How long does delivery take?", "zh-CN": "快递几天能到？"}
SEVERAL = {"en-GB": "Can I return boots and how do I wash my jacket?", "zh-CN": "鞋子能退吗？羽绒服怎么洗？"}


def _frame(page: Page) -> Frame:
    return next(frame for frame in page.frames if "/widget/" in frame.url)


def _chat(page: Page) -> FrameLocator:
    return page.frame_locator("careline-chat iframe")


async def _newest(site: Site) -> str:
    return (await site.log.conversations(limit=1))[0].id


async def _launcher(_site: Site, page: Page) -> Frame:
    await page.locator("careline-chat button").wait_for()
    return page.main_frame


async def _greeting(_site: Site, page: Page) -> Frame:
    await open_chat(page)
    return _frame(page)


async def _asked(page: Page, words: dict[str, str]) -> FrameLocator:
    chat = await open_chat(page)
    locale = "zh-CN" if await page.evaluate("navigator.language") == "zh-CN" else "en-GB"
    await say(chat, words[locale])
    await chat.locator(".message.theirs.kind-bot").first.wait_for()
    return chat


async def _answer(_site: Site, page: Page) -> Frame:
    await _asked(page, DELIVERY)
    return _frame(page)


async def _sources(_site: Site, page: Page) -> Frame:
    chat = await _asked(page, SEVERAL)
    await chat.locator("details.why summary").click()
    return _frame(page)


async def _thumbs(_site: Site, page: Page) -> Frame:
    chat = await _asked(page, DELIVERY)
    await chat.locator(".thumb").nth(1).click()
    await chat.locator(".reason").first.wait_for()
    return _frame(page)


async def _choices(_site: Site, page: Page) -> Frame:
    await _asked(page, {"en-GB": "hmm", "zh-CN": "嗯"})
    return _frame(page)


async def _queued(_site: Site, page: Page) -> Frame:
    chat = await _asked(page, DELIVERY)
    await chat.locator("button.person").click()
    await chat.locator('.notice[data-state="queued"]').wait_for()
    return _frame(page)


async def _with_agent(site: Site, page: Page) -> Frame:
    chat = await _asked(page, DELIVERY)
    conversation = await _newest(site)
    await site.log.move(conversation, Move.TAKE, actor=AGENT)
    await site.log.agent_reply(conversation, agent=AGENT, client_id=os.urandom(6).hex(), text="Hello, this is Anna.")
    await chat.get_by_text("Hello, this is Anna.").first.wait_for()
    return _frame(page)


async def _finished(site: Site, page: Page) -> Frame:
    chat = await _asked(page, DELIVERY)
    await site.log.move(await _newest(site), Move.CLOSE, actor=AGENT)
    await chat.locator(".stars").wait_for()
    return _frame(page)


async def _too_long(_site: Site, page: Page) -> Frame:
    chat = await _asked(page, DELIVERY)
    await chat.locator("textarea").fill("x" * 4100)
    await chat.locator(".over").wait_for()
    return _frame(page)


async def _sign_in(site: Site, page: Page) -> Frame:
    await page.goto(f"{site.url}/console/")
    await page.locator("input").first.wait_for()
    return page.main_frame


async def _console(site: Site, page: Page) -> None:
    """A conversation with everything in it, then the agents' page."""
    await _thumbs(site, page)
    conversation = await _newest(site)
    await site.log.note(conversation, agent=COLLEAGUE, client_id=os.urandom(6).hex(), text="Known customer.")
    await page.context.add_cookies([site.session(AGENT)])  # type: ignore[list-item]
    await page.goto(f"{site.url}/console/")
    await page.locator(".row").first.wait_for()


async def _inbox(site: Site, page: Page) -> Frame:
    await _console(site, page)
    return page.main_frame


async def _transcript(site: Site, page: Page) -> Frame:
    await _console(site, page)
    await page.goto(f"{site.url}/console/#/{await _newest(site)}")
    await page.locator(".said").first.wait_for()
    return page.main_frame


async def _shop(_site: Site, page: Page) -> Frame:
    await page.locator("h1").wait_for()
    return page.main_frame


_LIGHT: dict[str, object] = {"locale": "en-GB", "color_scheme": "light"}
_DARK: dict[str, object] = {"locale": "en-GB", "color_scheme": "dark"}
_CHINESE: dict[str, object] = {"locale": "zh-CN", "color_scheme": "light"}
_PHONE: dict[str, object] = {"locale": "zh-CN", "color_scheme": "dark", "width": 390, "height": 780}

_WIDGET = {
    "greeting": _greeting,
    "answer": _answer,
    "sources unfolded": _sources,
    "thumbs down": _thumbs,
    "choices": _choices,
    "waiting for a person": _queued,
    "with a person": _with_agent,
    "finished": _finished,
    "too long": _too_long,
}

WIDGET_STATES = [
    State("launcher", _launcher, _LIGHT),
    State("shop", _shop, _LIGHT),
    State("shop, dark", _shop, _DARK),
    State("shop, Chinese", _shop, _CHINESE),
    *(State(name, make, _LIGHT) for name, make in _WIDGET.items()),
    *(State(f"{name}, dark", make, _DARK) for name, make in _WIDGET.items()),
    *(State(f"{name}, Chinese, phone, dark", make, _PHONE) for name, make in _WIDGET.items()),
]

CONSOLE_STATES = [
    State(f"{name}{suffix}", make, options)
    for suffix, options in (("", _LIGHT), (", dark", _DARK), (", Chinese", _CHINESE), (", Chinese, phone", _PHONE))
    for name, make in (("sign-in", _sign_in), ("inbox", _inbox), ("transcript", _transcript))
]


async def open_state(site: Site, visitors: Visitors, state: State) -> Frame:
    """A new browser in this state."""
    page = await visitors.page(f"{site.url}/", **state.options)  # type: ignore[arg-type]
    return await state.make(site, page)
