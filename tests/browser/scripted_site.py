"""The real gateway over a real Valkey with a scripted bot in Rasa's place, for tests of the screens and for looking.

``python tests/browser/scripted_site.py --port 8099`` serves it until Ctrl-C; agents sign in as anna / tent-peg-42.
"""

from __future__ import annotations

import asyncio
import re
import socket
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from bot.embedded import EmbeddedRedis
from bot.gateway.app import create_app
from bot.gateway.auth import COOKIE, Signer, load_secret
from bot.gateway.testing import Server
from bot.handoff import State
from bot.settings import BotSettings
from bot.state.entry import Busy, Entry, Lease, Refused, Work
from bot.state.hydrate import Window
from bot.state.log import ConversationLog
from bot.state.turn import Turn
from bot.state.work import WorkQueue
from bot.users import UserBook, add_user
from data.workspace import Services, Shop, Web, Workspace, WorkspaceSettings

AGENT, COLLEAGUE, PASSWORD = "anna", "bo", "tent-peg-42"

DELIVERY: dict[str, Any] = {
    "text": "Delivery takes two to four working days. You get a tracking link as soon as the parcel leaves: "
    "https://northwind-trail.example/track (it works without signing in).",
    "data": {
        "custom": {
            "source": {
                "title": "Delivery times",
                "conversations": 14,
                "support": 37,
                "last_used": 1_790_000_000.0,
                "question": "hi, how many days until my tent gets here?",
            },
            "why": {
                "model": "m-3f9a1c",
                "index": "i-77d0e2",
                "intent": "ask",
                "topic": "delivery_time",
                "confidence": 0.93,
                "outcome": "sure",
                "answers": [
                    {"id": "a1", "text": "Delivery takes two to four working days.", "score": 0.81},
                    {"id": "a2", "text": "We deliver on Saturdays in larger towns.", "score": 0.44},
                ],
            },
        }
    },
}
SEVERAL: dict[str, Any] = {
    "en": {
        "text": "You can return unused items within 30 days. [1]\nWash the jacket at 30 degrees with down soap. [2]",
        "data": {
            "custom": {
                "sources": [
                    {"title": "", "conversations": 9, "support": 21, "question": "can I send my boots back?"},
                    {
                        "title": "Care › Down jackets",
                        "kind": "article",
                        "url": "https://northwind-trail.example/help/care#down",
                    },
                ]
            }
        },
    },
    "zh": {
        "text": "未使用的商品签收后30天内可以退货。[1]\n羽绒服请用专用洗涤剂，30度水洗。[2]",
        "data": {
            "custom": {
                "sources": [
                    {"title": "", "conversations": 9, "support": 21, "question": "鞋子可以退吗？"},
                    {"title": "保养 › 羽绒服", "kind": "article", "url": "https://northwind-trail.example/help/zh"},
                ]
            }
        },
    },
}
for said in SEVERAL.values():
    said["data"]["custom"]["why"] = DELIVERY["data"]["custom"]["why"]
UNSURE = {
    "text": "I am not sure I got that. Did you mean one of these?",
    "data": {
        "buttons": [
            {"title": "How long does delivery take?", "payload": "delivery"},
            {"title": "How do I return something?", "payload": "return"},
            {"title": "None of these", "payload": "person"},
        ]
    },
}


def script(text: str) -> list[dict[str, Any]]:
    """What the bot says to a message; nothing means that it fetches a person."""
    if re.search(r"return.*wash|退.*洗", text, re.IGNORECASE):
        return [SEVERAL["en" if text.isascii() else "zh"]]
    if re.search(r"deliver|多久|几天|delivery", text, re.IGNORECASE):
        return [DELIVERY]
    if order := re.search(r"NT-\d{6}", text):
        said = f"Order {order[0]} has been shipped. It travels with ParcelNord and should arrive by Monday."
        return [{"text": said}, {"text": "Anything else?"}]
    if re.search(r"\bperson\b|人工", text, re.IGNORECASE):
        return []
    if text.startswith("echo "):
        return [{"text": text.removeprefix("echo ")}]
    return [UNSURE]


@dataclass
class ScriptedBot:
    """Answers what customers write, through the same queue, lease and commit as the worker.

    Attributes:
        log: Where the conversations are.
        thinks: Seconds before each answer.
    """

    log: ConversationLog
    thinks: float = 0.0
    queue: WorkQueue = field(init=False)

    def __post_init__(self) -> None:
        self.queue = WorkQueue(self.log)

    async def run(self) -> None:
        """Answers for ever."""
        await self.queue.prepare()
        while True:
            for work in await self.queue.claim("scripted", block=1.0):
                await self._drain(work)

    async def _drain(self, work: Work) -> None:
        while (info := await self.log.info(work.conversation)) is not None and info.pending:
            if info.state is not State.BOT:
                await self.queue.settle(work.conversation, info.customer)
                continue
            entries = await self.log.read(work.conversation, after=info.answered)
            message = next(entry for entry in entries if entry.kind == "customer")
            try:
                async with self.queue.lease(work.conversation, owner="scripted", seq=message.seq, wait=5) as lease:
                    await self._answer(lease, message)
            except (Busy, Refused):
                continue  # someone was faster: look again
        await self.queue.done(work)

    async def _answer(self, lease: Lease, message: Entry) -> None:
        if lease.info.state is not State.BOT:
            return
        await self.log.typing(lease.conversation, "bot")
        await asyncio.sleep(self.thinks)
        payload = message.data.get("payload")
        said = script(payload if isinstance(payload, str) else message.text)
        turn = Turn(lease, Window(), message)
        turn.events = [{"event": "bot", **reply} for reply in said]
        rest = {"slots": {}, "loop": None, "action": "action_listen", "followup": None}
        turn.state = {**rest, "paused": not said}
        await self.queue.commit(turn)


@dataclass(frozen=True)
class Site:
    """A served site.

    Attributes:
        url: Without a slash at the end.
        log: Its conversations.
        bot: Its bot.
        workspace: Its shop.
        partner: Another site, with our one line on its page; it may embed the widget.
        stranger: The same page at an address that may not.
    """

    url: str
    log: ConversationLog
    bot: ScriptedBot
    workspace: Workspace
    partner: str
    stranger: str

    def session(self, name: str) -> dict[str, str]:
        """The cookie of an agent who has signed in, for Playwright; the form itself admits few tries a minute."""
        user = UserBook(self.workspace).find(name)
        assert user is not None
        value = Signer(load_secret(self.workspace)).seal(user, now=time.time())
        return {"name": COOKIE, "value": value, "url": self.url}


@asynccontextmanager
async def scripted_site(root: Path, *, port: int = 0, thinks: float = 0.0) -> AsyncIterator[Site]:
    """Serves a new workspace in ``root`` until the block ends."""
    door = socket.create_server(("127.0.0.1", 0))
    partner = f"http://127.0.0.1:{door.getsockname()[1]}"
    shop = Shop(name="Northwind Trail", hours="Mon-Fri 09:00-17:00", handoff_email="help@northwind-trail.example")
    workspace = Workspace(
        root, WorkspaceSettings(shop=shop, web=Web(origins=(partner,)), services=Services(orders="sample"))
    )
    for name in (AGENT, COLLEAGUE):
        add_user(workspace, name, password=PASSWORD, replace=True)
    with EmbeddedRedis(workspace) as redis:
        async with await ConversationLog.open(redis.url) as log:
            app = create_app(BotSettings(), workspace, log)
            bot = ScriptedBot(log, thinks)
            working = asyncio.create_task(bot.run())
            async with _running(app, port=port) as url, _running(_partner_page(url), sockets=[door]):
                yield Site(url, log, bot, workspace, partner, partner.replace("127.0.0.1", "localhost"))
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


@asynccontextmanager
async def _running(app: Starlette, *, port: int = 0, sockets: list[socket.socket] | None = None) -> AsyncIterator[str]:
    """Serves an application for the length of the block; its address, without a slash at the end."""
    server = Server(uvicorn.Config(app, port=port, ws="websockets", log_level="warning"))
    serving = asyncio.create_task(server.serve(sockets=sockets))
    while not server.started:
        assert not serving.done(), "the server did not start"
        await asyncio.sleep(0.01)
    host, bound = (sockets or server.servers[0].sockets)[0].getsockname()[:2]
    try:
        yield f"http://{host}:{bound}"
    finally:
        server.should_exit = True
        await serving


def _partner_page(url: str) -> Starlette:
    line = f'<script async src="{url}/widget.js" data-accent="#ffd400" data-side="start"></script>'
    page = f'<!doctype html><html lang="en"><title>Socks</title><link rel="icon" href="data:,"><h1>Socks</h1>{line}'
    return Starlette(routes=[Route("/", lambda _: HTMLResponse(page))])


async def _serve(port: int) -> None:
    with tempfile.TemporaryDirectory(prefix="careline-site-") as folder:
        async with scripted_site(Path(folder), port=port, thinks=1.2) as site:
            print(f"{site.url}/ and {site.url}/console/ (anna / {PASSWORD}); Ctrl-C ends it", flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    import argparse

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=8099)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(options.parse_args().port))
