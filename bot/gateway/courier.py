"""Brings what waits in the outbox to agents: by mail, and to a web hook. Tries until it is delivered."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit

from bot.settings import read_secret
from bot.state.entry import StateError
from bot.state.outbox import Job, Outbox
from data.errors import InputError
from data.workspace import SETTINGS, Workspace

_LOG = logging.getLogger(__name__)

SECONDS = 20.0
"""That a server may take."""

LONGEST_PAUSE = 3600.0
FIRST_PAUSE = 5.0


class Courier:
    """Delivers the jobs of an outbox.

    Args:
        workspace: Whose mail server and web hook.
        outbox: Where jobs wait.
    """

    def __init__(self, workspace: Workspace, outbox: Outbox) -> None:
        self.mail, self.push = workspace.settings.mail, workspace.settings.push
        self.shop, self.outbox = workspace.settings.shop, outbox
        self.to = self.mail.to or ((self.shop.handoff_email,) if self.shop.handoff_email else ())
        check_mail(workspace)

    @property
    def ways(self) -> list[str]:
        """The ways that the settings name: ``mail``, ``push``."""
        return [*(["mail"] if self.mail.host and self.to else []), *(["push"] if self.push.url else [])]

    async def send(self, key: str, content: Mapping[str, Any]) -> None:
        """Keeps a message for each way; the same key is delivered once by each."""
        for way in self.ways:
            await self.outbox.put(f"{way}:{key}", content)

    async def run(self, *, pause: float = 1.0) -> None:
        """Delivers for ever."""
        while True:
            try:
                if not self.ways or not await self.deliver_next():
                    await asyncio.sleep(pause)
            except StateError:
                _LOG.warning("the outbox is away", exc_info=True)
                await asyncio.sleep(pause)
            except (
                ValueError,
                TypeError,
                LookupError,
            ):  # a job that cannot be read comes again after its lease; the others go on
                _LOG.exception("a message was not delivered")

    async def deliver_next(self, *, first_pause: float = FIRST_PAUSE) -> bool:
        """Tries one job that is due; False when none is."""
        job = await self.outbox.take()
        if job is None:
            return False
        try:
            if job.key.startswith("push:"):
                await self._push(job)
            else:
                await asyncio.to_thread(self._send, job)
        except (OSError, ValueError) as error:  # SMTP errors are OSErrors, too
            _LOG.warning("%r: not delivered, try %d: %s", job.key, job.tries, error)
            await self.outbox.later(job, min(first_pause * 2 ** min(job.tries - 1, 12), LONGEST_PAUSE))
        else:
            await self.outbox.delivered(job)
        return True

    def _send(self, job: Job) -> None:
        """Sends mail. Its Message-ID comes from the key, so that one sent twice is recognised."""
        message = self._message(job)
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if self.mail.tls == "tls":
            server = smtplib.SMTP_SSL(self.mail.host, self.mail.port, timeout=SECONDS, context=context)
        else:
            server = smtplib.SMTP(self.mail.host, self.mail.port, timeout=SECONDS)
        with server:
            if self.mail.tls == "starttls":
                server.starttls(context=context)
            if self.mail.user:
                server.login(self.mail.user, read_secret(self.mail.password_env))
            server.send_message(message)

    def _message(self, job: Job) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = f"[{self.shop.name}] {job.content['subject']}"
        message["From"] = self.mail.sender or self.to[0]
        message["To"] = ", ".join(self.to)
        message["Date"] = formatdate()
        domain = message["From"].rpartition("@")[2].strip(">") or "localhost"
        message["Message-ID"] = f"<{_name(job)}@{domain}>"
        parts = [job.content.get("text"), job.content.get("contact") and f"Contact: {job.content['contact']}"]
        message.set_content("\n\n".join([*filter(None, parts), str(job.content["link"])]) + "\n")
        return message

    async def _push(self, job: Job) -> None:
        import httpx

        body = json.dumps({"key": job.key, **job.content}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": _name(job)}
        secret = read_secret(self.push.secret_env)
        if secret:
            headers["X-Careline-Signature"] = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            try:
                (await client.post(self.push.url, content=body, headers=headers)).raise_for_status()
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise OSError(f"the web hook at {urlsplit(self.push.url).hostname}: {_reason(error)}") from error


def _name(job: Job) -> str:
    """The key as a header may carry it: a customer's program chose a part of it."""
    return hashlib.sha256(job.key.encode()).hexdigest()[:32]


def _reason(error: Exception) -> str:
    """What went wrong, without the address: that of a web hook is often its secret."""
    answer = getattr(error, "response", None)
    return f"status {answer.status_code}" if answer is not None else type(error).__name__


def check_mail(workspace: Workspace) -> None:
    """Looks whether the settings of mail and push can work.

    Raises:
        InputError: They cannot.
    """
    mail, push, place = workspace.settings.mail, workspace.settings.push, workspace.root / SETTINGS
    wrong = ""
    if mail.tls not in ("starttls", "tls", "none"):
        wrong, got, expected = "[mail] tls", mail.tls, "starttls, tls or none"
    elif mail.host and not (mail.to or workspace.settings.shop.handoff_email):
        wrong, got, expected = "[mail] to", "nobody", "addresses, or [shop] handoff_email"
    elif push.url and not push.url.startswith(("http://", "https://")):
        wrong, got, expected = "[push] url", push.url, "an http or https address"
    if wrong:
        raise InputError(f"{place} {wrong}", got=repr(got), expected=expected, next_step="Mend the file.")
