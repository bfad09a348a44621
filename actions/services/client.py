"""How a shop's service is asked over HTTP: again where that may help, and never longer than a customer waits."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import httpx
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from actions.services.breaker import Breaker, CircuitOpen
from actions.services.errors import ServiceDown, ServiceRefused

TRIES = 3
POOL = httpx.Limits(max_connections=20, max_keepalive_connections=10)
LARGEST = 1_000_000
"""Bytes of an answer; a real one has a few hundred."""

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_REFUSED = frozenset({404, 409, 422})
_NO_ENTRY = frozenset({401, 403})
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True)
class Reply:
    """What a service answered.

    Attributes:
        status: 200..299, or 404.
        data: The JSON object; with 404, ``reason``.
    """

    status: int
    data: dict[str, Any]


class _Failed(Exception):
    """One try failed, and another may not."""

    def __init__(self, what: str, *, sent: bool) -> None:
        self.sent = sent
        super().__init__(what)


class ServiceClient:
    """One service. Certificates are verified, redirects are not followed, the key is in no message and no log.

    Args:
        url: Of the service; paths are appended.
        key: Sent as ``Authorization: Bearer KEY``; empty for none.
        timeout: Seconds that a call may take with all its tries; one try has half of it.
        breaker: Instead of a new one, for tests.
    """

    def __init__(self, url: str, *, key: str = "", timeout: float = 5.0, breaker: Breaker | None = None) -> None:
        self.url, self.timeout = url.rstrip("/"), timeout
        self.breaker = breaker or Breaker()
        self._key = key
        self._client: httpx.AsyncClient | None = None

    async def ask(self, method: str, path: str, *, body: dict[str, Any] | None = None, key: str | None = None) -> Reply:
        """Asks, and asks again where that may help.

        Args:
            method: ``GET``, or ``POST`` with a key.
            path: From the service's URL, quoted.
            body: Sent as JSON.
            key: Idempotency key: by it the service knows that a second try is none.

        Raises:
            ServiceDown: No answer that can be used; ``unsure`` when something that was to be registered was sent.
            ServiceRefused: The service said no.
        """
        headers = {"Idempotency-Key": key} if key is not None else {}
        sent = [False]
        try:
            with self.breaker.call():
                work = self._tries(method, path, sent=sent, json=body, headers=headers)
                reply = await asyncio.wait_for(work, self.timeout)
        except CircuitOpen:
            raise ServiceDown(f"{self.url}: failed again and again; not asked for now") from None
        except asyncio.TimeoutError as error:
            raise self._down(method, path, f"no answer in {self.timeout} s", key, sent) from error
        except _Failed as error:
            raise self._down(method, path, str(error), key, sent) from error
        return self._judge(reply, method, path)

    async def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _down(self, method: str, path: str, what: str, key: str | None, sent: list[bool]) -> ServiceDown:
        return ServiceDown(f"{self.url}: {method} {_kind(path)}: {what}", unsure=key is not None and sent[0])

    async def _tries(self, method: str, path: str, *, sent: list[bool], **request: Any) -> Reply:
        tries = AsyncRetrying(
            stop=stop_after_attempt(TRIES),
            wait=wait_random_exponential(multiplier=self.timeout / 25, max=self.timeout / 10),
            retry=retry_if_exception_type(_Failed),
            reraise=True,
        )
        async for attempt in tries:
            with attempt:
                before, sent[0] = sent[0], True  # until a try says that it never left
                try:
                    return await asyncio.wait_for(self._once(method, path, **request), self.timeout / 2)
                except asyncio.TimeoutError as error:
                    raise _Failed(f"no answer in {self.timeout / 2} s", sent=True) from error
                except _Failed as error:
                    sent[0] = before or error.sent
                    raise
        raise AssertionError("a try returns or raises")

    async def _once(self, method: str, path: str, **request: Any) -> Reply:
        try:
            async with self._open().stream(method, self.url + path, **request) as response:
                content = b""
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > LARGEST:
                        raise _Failed(f"more than {LARGEST} bytes", sent=True)
        except httpx.HTTPError as error:
            raise _Failed(type(error).__name__, sent=not isinstance(error, _NEVER_SENT)) from error
        if response.status_code in _AGAIN:
            raise _Failed(f"status {response.status_code}", sent=True)
        return Reply(response.status_code, _object(content) if response.is_success else _reason(content))

    def _judge(self, reply: Reply, method: str, path: str) -> Reply:
        reason = reply.data.get("reason")  # without one it is not the service that speaks, but a proxy or another site
        if 200 <= reply.status < 300 or (reply.status == 404 and method == "GET" and reason):
            return reply
        where = f"{self.url}: {method} {_kind(path)}"
        if reply.status in _REFUSED and reason and method != "GET":  # a look-up asks for nothing that can be refused
            raise ServiceRefused(f"{where}: status {reply.status}, {reason}")
        hint = "; look at [services] key_env and its variable" if reply.status in _NO_ENTRY else ""
        raise ServiceDown(f"{where}: status {reply.status}{hint}")

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            headers = {"Accept": "application/json", "User-Agent": "Careline"}
            headers |= {"Authorization": f"Bearer {self._key}"} if self._key else {}
            self._client = httpx.AsyncClient(headers=headers, limits=POOL, timeout=_times(self.timeout))
        return self._client


def _times(timeout: float) -> httpx.Timeout:
    """Of one try. Connecting has less: that nobody listens should be known before the try's own time is over."""
    return httpx.Timeout(timeout / 2, connect=timeout / 4)


def _kind(path: str) -> str:
    """A path for the log, without the order's number."""
    parts = path.split("/")
    return "/".join("NUMBER" if place == 2 and parts[1] == "orders" else part for place, part in enumerate(parts))


def _object(content: bytes) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except ValueError as error:
        raise _Failed("an answer that is no JSON", sent=True) from error
    if not isinstance(data, dict):
        raise _Failed("an answer that is no JSON object", sent=True)
    return data


def _reason(content: bytes) -> dict[str, Any]:
    """Why a service refused, as one short line for the operator; it may answer anything here."""
    try:
        data = json.loads(content)
    except ValueError:
        return {}
    reason = data.get("reason") if isinstance(data, dict) else None
    return {"reason": " ".join(str(reason).split())[:200]} if reason else {}
