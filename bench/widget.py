"""Bench `widget`: what the chat weighs, how soon it can be used, and whether it keeps people out or scripts in.

- Weights are of the built files, gzip: the loader, and all that is loaded until the first message is on screen.
- `interactive`: from the click on the launcher until a key arrives in the text field, in headless Chromium at a
  quarter of this machine's speed; the median of fresh browsers.
- axe-core by WCAG 2.2 AA over every state of the screens (``tests/browser/states.py``).
- Hostile words (``tests/browser/hostile.py``) in every place of widget and agent page: what ran, what the policy
  had to stop, and what became an element.

``--only weight|interactive|axe|xss`` runs one part.
"""

from __future__ import annotations

import asyncio
import gzip
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.printer import CannotRun, Printer
from bot.gateway.pages import DIST

STARTS = 15
"""Fresh browsers for the median."""

SLOWER = 4

Part = Callable[["Printer", bool], Awaitable[None]]


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Runs all parts or one; ``quick`` takes a tenth of the payloads and five starts."""
    if not (DIST / "widget.js").is_file():
        raise CannotRun("the web code is not built: run `make setup`")
    parts: dict[str, Part] = {"weight": _weight, "interactive": _interactive, "axe": _axe, "xss": _xss}
    if only is not None and only not in parts:
        raise CannotRun(f"--only {only}: expected one of {', '.join(parts)}")
    for name, part in parts.items():
        if only in (None, name):
            asyncio.run(part(printer, quick))


async def _weight(printer: Printer, _quick: bool) -> None:
    loader = _gzipped(DIST / "widget.js")
    frame = sum(_gzipped(path) for path in (DIST / "widget").rglob("*") if path.is_file())
    printer.figure("loader_gz", loader, n=1, seconds=0)
    printer.figure("all_gz", loader + frame, n=1, seconds=0)


def _gzipped(path: Path) -> float:
    """Kilobytes as a web server sends them."""
    return len(gzip.compress(path.read_bytes(), 9)) / 1024


class _Stage:
    """A site with a scripted bot, and people with browsers before it."""

    async def __aenter__(self) -> _Stage:
        from playwright.async_api import async_playwright

        from tests.browser.conftest import FLAGS, find_chromium
        from tests.browser.people import Visitors
        from tests.browser.scripted_site import scripted_site

        path = find_chromium()
        if path is None:
            raise CannotRun("no Chromium here: install `chromium`")
        self._folder = tempfile.TemporaryDirectory(prefix="careline-bench-")
        self._site = scripted_site(Path(self._folder.name))
        self.site = await self._site.__aenter__()
        self._playwright = async_playwright()
        playwright = await self._playwright.__aenter__()
        self.browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        self.visitors = Visitors(self.browser)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.browser.close()
        await self._playwright.__aexit__(None, None, None)
        await self._site.__aexit__(None, None, None)
        self._folder.cleanup()


async def _interactive(printer: Printer, quick: bool) -> None:
    began, took = time.monotonic(), []
    async with _Stage() as stage:
        for _ in range(5 if quick else STARTS):
            took.append(await _start(stage))
    print(f"interactive: {[round(one) for one in took]} ms", file=sys.stderr)
    printer.figure("interactive", statistics.median(took), n=len(took), seconds=time.monotonic() - began)


async def _start(stage: _Stage) -> float:
    """Milliseconds from the click until a key has arrived in the text field of a browser that never saw the chat."""
    context = await stage.visitors.context()
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    await page.goto(f"{stage.site.url}/")
    launcher = page.locator("careline-chat button")
    await launcher.wait_for()
    await page.wait_for_load_state("networkidle")
    began = time.monotonic()
    await launcher.click()
    field = page.frame_locator("careline-chat iframe").locator("textarea")
    await field.press("a")
    took = (time.monotonic() - began) * 1000
    assert await field.input_value() == "a"
    await context.close()
    stage.visitors.contexts.remove(context)
    return took


async def _axe(printer: Printer, _quick: bool) -> None:
    from tests.browser.axe import AXE, violations
    from tests.browser.states import WIDGET_STATES, open_state

    if not AXE.is_file():
        raise CannotRun("axe-core is not installed: run `make setup`")
    began, found = time.monotonic(), 0
    async with _Stage() as stage:
        for state in WIDGET_STATES:
            wrong = await violations(await open_state(stage.site, stage.visitors, state))
            for line in wrong:
                print(f"{state.name}: {line}", file=sys.stderr)
            found += len(wrong)
            await stage.visitors.leave()
            stage.visitors.contexts.clear()
    printer.figure("axe_violations", found, n=len(WIDGET_STATES), seconds=time.monotonic() - began)


async def _xss(printer: Printer, quick: bool) -> None:
    from tests.browser.hostile import PLACES, batches, payloads, shown

    texts = payloads()[:: 10 if quick else 1]
    began, found = time.monotonic(), 0
    async with _Stage() as stage:
        for done, batch in enumerate(batches(texts, 14), 1):
            ran = await shown(stage.site, stage.visitors, batch)
            for line in ran:
                print(line, file=sys.stderr)
            found += len(ran)
            print(f"\r{min(done * 14, len(texts))} of {len(texts)} texts ", end="", file=sys.stderr)
    print(file=sys.stderr)
    printer.figure("xss_executions", found, n=len(texts) * len(PLACES) * 2, seconds=time.monotonic() - began)
