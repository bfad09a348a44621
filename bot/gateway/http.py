"""What the gateway's HTTP doors share: one shape of error, bodies read within limits, how often."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.gateway.auth import Bucket, Clock
from bot.handoff import IllegalMove
from bot.state.entry import Refused, StateUnavailable
from bot.wire import WireError

LONGEST_BODY = 32 * 1024
"""Bytes of a request; the longest message takes half."""

STATUS = {
    "bad_message": 422,
    "too_long": 422,
    "too_fast": 429,
    "foreign": 401,
    "identity": 401,
    "busy": 429,
    "unavailable": 503,
}
"""HTTP status of a code of the wire; the others are 409."""

Handler = Callable[[Request], Awaitable[Response]]


class ApiError(Exception):
    """An answer other than success: HTTP status, code for programs, message for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message
        super().__init__(message)


def answered(handler: Handler) -> Handler:
    """Turns what goes wrong in a handler into one shape of answer: ``{code, message}`` and the status."""

    @functools.wraps(handler)
    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except ApiError as error:
            return failure(error.status, error.code, error.message)
        except WireError as error:
            return failure(STATUS.get(error.code, 409), error.code, error.message)
        except (IllegalMove, Refused) as error:
            return failure(409, "conflict", str(error))
        except StateUnavailable:
            return failure(503, "unavailable", "The conversations are not reachable just now. Try again.")

    return guarded


def failure(status: int, code: str, message: str) -> Response:
    """``{code, message}``; who is too fast or too early is told when to come back."""
    headers = {"Retry-After": "2"} if status in (429, 503) else {}
    return JSONResponse({"code": code, "message": message}, status, headers=headers)


async def no_such_way(request: Request, error: Exception) -> Response:
    """What an address that does not exist, or not for this method, answers: programs get the shape of all failures."""
    assert isinstance(error, HTTPException)
    if request.url.path.startswith("/api/"):
        code = "unknown" if error.status_code == 404 else "refused"
        answer = failure(error.status_code, code, f"{error.detail}: there is no such operation.")
        answer.headers.update(error.headers or {})
        return answer
    return PlainTextResponse(error.detail, error.status_code, headers=error.headers)


async def read_json(request: Request, *, longest: int = LONGEST_BODY) -> dict[str, Any]:
    """The JSON object of a request.

    Raises:
        ApiError: It is too long, not JSON, or no object.
    """
    raw = b""
    async for piece in request.stream():
        raw += piece
        if len(raw) > longest:
            raise ApiError(413, "too_long", f"A request may have {longest} bytes.")
    try:
        body: Any = json.loads(raw, parse_float=_number)
    except (ValueError, RecursionError) as error:
        raise ApiError(422, "bad_message", "The request is not JSON.") from error
    if not isinstance(body, dict):
        raise ApiError(422, "bad_message", "Expected a JSON object.")
    return body


def _number(text: str) -> int | float:
    """To JSON, 3.0 is as whole as 3."""
    value = float(text)
    return int(value) if value.is_integer() else value


class Limits:
    """Token buckets by name, such as an address or a conversation.

    Args:
        per_second: How fast each fills.
        burst: How much each holds.
        clock: Monotonic seconds.
    """

    def __init__(self, per_second: float, burst: float, clock: Clock = time.monotonic) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._buckets: dict[str, Bucket] = {}

    def take(self, name: str) -> bool:
        """Takes one from a bucket if there is one."""
        if len(self._buckets) > 10_000:  # strangers choose names: keep only those that are still counting
            self._buckets = {key: bucket for key, bucket in self._buckets.items() if not bucket.full}
        return self._buckets.setdefault(name, Bucket(self._per_second, self._burst, self._clock)).take()


def address_of(request: Request) -> str:
    """Who asks, for limits: the address that the server saw, or the one a trusted proxy names."""
    return request.client.host if request.client else "unknown"
