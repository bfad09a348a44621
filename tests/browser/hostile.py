"""Words that try to become markup or script, and a conversation in which they stand everywhere that words can stand."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Iterator, Sequence
from typing import Any

from playwright.async_api import Frame, Page

from bot.handoff import Move
from bot.state import scripts
from bot.state.log import dump
from tests.browser.people import Visitors, open_chat, say
from tests.browser.scripted_site import AGENT, Site

MARK = "window.top.hacked=1"
"""What runs if anything runs; where the top window is another origin's, the policy's event tells."""

_EVENTS = ("onerror", "onload", "onfocus", "onmouseover", "ontoggle", "onanimationstart", "onpointerenter", "onbegin")
_TAGS = (
    "<img src=x {event}={code}>",
    "<svg {event}={code}>",
    "<svg><animate {event}={code} attributeName=x dur=1s>",
    "<details open {event}={code}>",
    "<input autofocus {event}={code}>",
    "<video><source {event}={code}></video>",
    "<body {event}={code}>",
    "<iframe {event}={code} srcdoc='<script>{code}</script>'></iframe>",
    "<math><mtext></p><style><img src=x {event}={code}></style></mtext></math>",
)
_SCRIPTS = (
    "<script>{code}</script>",
    "</textarea></title></style><script>{code}</script>",
    "<scr<script>ipt>{code}</scr</script>ipt>",
    "<script src=data:text/javascript,{code}></script>",
    "<ScRiPt>{code}</sCrIpT>",
    "<noscript><p title='</noscript><img src=x onerror={code}>'>",
    "<template><script>{code}</script></template>",
    "<style>@import 'javascript:{code}';</style>",
    "<link rel=stylesheet href=javascript:{code}>",
    "<base href=javascript:{code}//>",
    "<meta http-equiv=refresh content='0;url=javascript:{code}'>",
    "<form action=javascript:{code}><button autofocus>x</button></form>",
    "<object data=javascript:{code}></object>",
    "<embed src=javascript:{code}>",
    "]]><script>{code}</script>",
    "--><script>{code}</script><!--",
    "{{constructor.constructor('{code}')()}}",
    "${{{code}}}",
    "`;{code}//",
    "';{code};'",
    '";{code};"',
)
_ADDRESSES = (
    "javascript:{code}",
    "JaVaScRiPt:{code}",
    "java\tscript:{code}",
    "\x01javascript:{code}",
    "data:text/html,<script>{code}</script>",
    "vbscript:{code}",
    'https://x.example/" onmouseover={code} x="',
    "https://x.example/'><img src=x onerror={code}>",
    "http://javascript:{code}@x.example/",
    "[click](javascript:{code})",
    '![x](x" onerror="{code})',
    "<https://x.example/ onclick={code}>",
    "//x.example/<script>{code}</script>",
)
_DISGUISES = (
    lambda text: text,
    lambda text: text.replace("<", "&lt;").replace(">", "&gt;"),
    lambda text: text.replace("<", "\\u003c"),
    lambda text: text.replace("<", "%3C").replace(">", "%3E"),
    lambda text: text.replace(" ", "/"),
    lambda text: text.replace("<", "<\u0000"),
    lambda text: text.replace("<", "\uff1c").replace(">", "\uff1e"),
    lambda text: text.upper().replace("WINDOW.TOP.HACKED", "window.top.hacked"),
    lambda text: f"\u202e{text}",
    lambda text: f"<!--{text}",
)


def payloads() -> list[str]:
    """Our own, composed: tags by events, scripts, addresses, each in disguises of encoding and case."""
    plain = [tag.format(event=event, code=MARK) for tag, event in itertools.product(_TAGS, _EVENTS)]
    plain += [text.replace("{code}", MARK) for text in (*_SCRIPTS, *_ADDRESSES)]
    made = [disguise(text) for text in plain for disguise in _DISGUISES[:1]]
    made += [disguise(text) for text in plain[::4] for disguise in _DISGUISES[1:]]
    return [text.replace("\x00", "\ufffd") for text in dict.fromkeys(made)]


def batches(texts: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """In this order, so many at a time."""
    for start in range(0, len(texts), size):
        yield texts[start : start + size]


PLACES = ("customer", "bot", "button", "source title", "source question", "source address", "agent", "note", "why")


async def say_everywhere(site: Site, conversation: str, text: str) -> None:
    """Puts a text in every place of a conversation that shows words."""
    key = os.urandom(6).hex()
    await site.log.accept(conversation, client_id=key, text=text)
    source = {"title": text, "kind": "article", "url": text, "question": text, "support": 3}
    logged = {"title": "", "kind": "log", "question": text, "support": 2}
    why = {"model": text, "intent": text, "topic": text, "evidence": [{"answer": text, "text": text, "score": 0.5}]}
    data: dict[str, Any] = {
        "buttons": [{"title": text, "payload": "x"}],
        "custom": {"sources": [source, logged], "why": why},
    }
    while (info := await site.log.info(conversation)) is None or info.pending:  # the scripted bot answers first
        await asyncio.sleep(0.02)
    async with site.bot.queue.lease(conversation, owner="hostile", wait=5) as lease:
        said = (conversation, lease.token, 0, "", "", "", "0", dump({"events": []}), "", text, dump(data))
        done = await site.log.store.script(scripts.COMMIT, *said)
    assert done[0], done
    await site.log.note(conversation, agent=text[:80], client_id=f"n{key}", text=text)


async def reply_everywhere(site: Site, conversation: str, texts: Sequence[str]) -> None:
    """An agent whose name and words are hostile."""
    for text in texts:
        await site.log.move(conversation, Move.TAKE, actor=text[:80])
        await site.log.agent_reply(conversation, agent=text[:80], client_id=os.urandom(6).hex(), text=text)
        await site.log.move(conversation, Move.HAND_BACK, actor=text[:80])


WATCH = """
for (const kind of ["alert", "confirm", "prompt"]) window[kind] = () => { window.top.hacked = 1; };
addEventListener("securitypolicyviolation", (event) => {
  window.refused = `${event.violatedDirective} ${event.blockedURI}`;
});
"""
"""Runs in every frame before anything else: what a script would do is noticed, also when the policy stops it."""


async def unfold(frame: Frame) -> None:
    """Opens all that is folded and passes over all that can be pointed at."""
    await frame.evaluate(
        """() => {
          document.querySelectorAll("details").forEach((one) => (one.open = true));
          document.querySelectorAll("a, button, .bubble").forEach((one) => {
            for (const kind of ["mouseover", "pointerenter", "focus"]) one.dispatchEvent(new Event(kind));
          });
        }"""
    )


async def executions(page: Page) -> list[str]:
    """What ran, or tried to, in any frame of a page; and anchors that lead anywhere but to the web."""
    found = []
    for frame in page.frames:
        state = await frame.evaluate(
            """() => ({
              hacked: Boolean(window.hacked),
              refused: window.refused ?? "",
              links: [...document.querySelectorAll("a[href]")].map((one) => one.protocol)
                .filter((protocol) => !["http:", "https:"].includes(protocol)),
              made: [...document.querySelectorAll(".bubble *, .why *, .reasons *, .choices *")]
                .map((one) => one.localName)
                .filter((name) => "img script iframe video object embed style form".split(" ").includes(name)),
            })"""
        )
        found += [f"{frame.url}: {name} {value}" for name, value in state.items() if value]
    return found


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
