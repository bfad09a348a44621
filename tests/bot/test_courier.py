"""Mail and pushes through a real local SMTP server and a real local web hook."""

from __future__ import annotations

import asyncio
import email
import email.policy
import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.gateway.courier import Courier, check_mail
from bot.state.log import ConversationLog
from bot.state.outbox import Outbox
from data.desk_settings import Mail, Push
from data.errors import InputError
from data.workspace import Shop, Workspace, WorkspaceSettings

CONTENT = {"subject": "A customer is waiting", "text": "帐篷漏水", "contact": "jo@mail.example", "link": "http://x/#/c"}


@dataclass
class Post:
    """A little SMTP server (RFC 5321): takes mail, or refuses it the first ``refusals`` times."""

    refusals: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    port: int = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 post\r\n")
        while line := await reader.readline():
            word = line.split()[0].upper() if line.split() else b""
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                raw = await reader.readuntil(b"\r\n.\r\n")
                if self.refusals:
                    self.refusals -= 1
                    writer.write(b"451 later\r\n")
                else:
                    parsed = email.message_from_bytes(raw[:-3], policy=email.policy.default)
                    assert isinstance(parsed, EmailMessage)
                    self.mails.append(parsed)
                    writer.write(b"250 kept\r\n")
            elif word == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        writer.close()


@asynccontextmanager
async def post_office(refusals: int = 0) -> AsyncIterator[Post]:
    post = Post(refusals)
    server = await asyncio.start_server(post.talk, "127.0.0.1", 0)
    post.port = server.sockets[0].getsockname()[1]
    try:
        yield post
    finally:
        server.close()
        await server.wait_closed()


def courier(root: Path, log: ConversationLog, *, port: int = 0, push: str = "", secret_env: str = "") -> Courier:
    mail = Mail(host="127.0.0.1" if port else "", port=port or 25, tls="none", sender="bot@shop.example")
    shop = Shop(name="Zelt & Co", handoff_email="team@shop.example")
    settings = WorkspaceSettings(shop=shop, mail=mail, push=Push(push, secret_env))
    return Courier(Workspace(root, settings), Outbox(log.store))


async def deliver(courier: Courier, *, count: int) -> None:
    """Tries until so many tries were made; jobs that are put off are due at once."""
    for _ in range(count):
        assert await courier.deliver_next(first_pause=0)


async def test_mail_arrives_once_with_words_contact_and_link(tmp_path: Path, log: ConversationLog) -> None:
    async with post_office() as post:
        sender = courier(tmp_path, log, port=post.port)
        await sender.send("waiting:c:1", CONTENT)
        await sender.send("waiting:c:1", CONTENT)
        await deliver(sender, count=1)
        await sender.send("waiting:c:1", CONTENT)
        assert not await sender.deliver_next()
    (mail,) = post.mails
    assert mail["Subject"] == "[Zelt & Co] A customer is waiting"
    assert mail["To"] == "team@shop.example"
    text = mail.get_content()
    assert all(part in text for part in ("帐篷漏水", "jo@mail.example", "http://x/#/c"))


async def test_a_server_that_refuses_or_is_away_gets_it_later(tmp_path: Path, log: ConversationLog) -> None:
    async with post_office(refusals=2) as post:
        sender = courier(tmp_path, log, port=post.port)
        await sender.send("k", CONTENT)
        await deliver(sender, count=3)
        assert len(post.mails) == 1
        await sender.send("later", CONTENT)
    await deliver(sender, count=2)  # nobody listens there now
    assert await sender.outbox.waiting() == 1, "never lost"


async def test_a_job_of_a_sender_that_died_is_taken_again(
    tmp_path: Path, log: ConversationLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(log.store)
    await outbox.put("mail:k", CONTENT)
    monkeypatch.setattr("bot.state.outbox.LEASE_SECONDS", 0)
    first = await outbox.take()
    again = await Outbox(log.store).take()
    assert first is not None
    assert again is not None
    assert (again.key, again.tries) == ("mail:k", 2)


async def test_a_web_hook_gets_signed_json_and_is_tried_again_after_an_error(
    tmp_path: Path, log: ConversationLog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    odd = "message:c:3:消息\r\nX-Evil: 1"
    got: list[tuple[dict[str, Any], bool, str]] = []
    broken = [True]

    async def hook(request: web.Request) -> web.Response:
        if broken and broken.pop():
            return web.Response(status=500)
        body = await request.read()
        signature = "sha256=" + hmac.new(b"key of the hook", body, hashlib.sha256).hexdigest()
        genuine = request.headers["X-Careline-Signature"] == signature
        got.append((await request.json(), genuine, request.headers["Idempotency-Key"]))
        return web.Response()

    monkeypatch.setenv("TEST_HOOK_KEY", "key of the hook")
    app = web.Application()
    app.router.add_post("/hook-secret", hook)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    sender = courier(tmp_path, log, push=f"http://127.0.0.1:{port}/hook-secret", secret_env="TEST_HOOK_KEY")
    await sender.send(odd, CONTENT)
    await deliver(sender, count=2)
    await runner.cleanup()
    ((body, genuine, name),) = got
    assert (body, genuine) == ({"key": f"push:{odd}", **CONTENT}, True)
    assert re.fullmatch("[0-9a-f]{32}", name)
    assert "hook-secret" not in caplog.text, "the address of a web hook is a secret"
    assert "\r\n" not in caplog.messages[0]
    assert not await sender.deliver_next()


async def test_a_job_that_cannot_be_read_stops_no_other(tmp_path: Path, log: ConversationLog) -> None:
    async with post_office() as post:
        sender = courier(tmp_path, log, port=post.port)
        await sender.outbox.put("mail:broken", {"text": "no subject, no link"})
        await sender.send("k", CONTENT)
        running = asyncio.create_task(sender.run(pause=0.05))
        for _ in range(60):
            await asyncio.sleep(0.05)
            if post.mails:
                break
        running.cancel()
    assert [mail["Subject"] for mail in post.mails] == ["[Zelt & Co] A customer is waiting"]


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        (WorkspaceSettings(mail=Mail(tls="maybe")), "tls"),
        (WorkspaceSettings(mail=Mail(host="mail.example")), "to"),
        (WorkspaceSettings(push=Push("ftp://x")), "url"),
    ],
)
def test_settings_that_cannot_work_are_refused(tmp_path: Path, settings: WorkspaceSettings, wrong: str) -> None:
    with pytest.raises(InputError, match=wrong):
        check_mail(Workspace(tmp_path, settings))


async def test_without_mail_and_push_nothing_is_kept(tmp_path: Path, log: ConversationLog) -> None:
    sender = courier(tmp_path, log)
    await sender.send("k", CONTENT)
    assert await sender.outbox.waiting() == 0
