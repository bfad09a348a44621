"""A shop's system as the OpenAPI file asks for it, and one that fails on purpose: it does the work, then answers badly.

It checks what it is asked against the file, so that the file, the client and a real server cannot drift apart.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import uvicorn
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from actions.services.orders import SAMPLE_ORDERS, bare_number, normalise_number, read_orders, row_of
from data.workspace import PROJECT

DESCRIPTION = PROJECT / "docs/reference/orders-service.openapi.yaml"
DOCUMENT: dict[str, Any] = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
KEY = "secret-of-the-shop"


@dataclass
class ReferenceShop:
    """What the shop knows, and how it shall fail.

    Attributes:
        faults: Taken one a request: ``ok``, ``500``, ``slow``, ``cut``, ``garbage``, ``list``, ``huge``, ``empty``,
            ``moved``, ``html404``, ``409``, ``429``, ``twice``.
        key: What it lets in.
    """

    faults: deque[str] = field(default_factory=deque)
    key: str = KEY
    registered: dict[str, str] = field(default_factory=dict)
    works: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0
    most_waiting: int = 0
    loop: asyncio.AbstractEventLoop = field(init=False)

    def __post_init__(self) -> None:
        self.orders = {normalise_number(order.number): row_of(order) for order in read_orders(SAMPLE_ORDERS)}
        self.bare = {bare_number(key): row for key, row in self.orders.items()}

    def app(self) -> Starlette:
        posts = [
            ("/orders/{number}/returns", "Return", "R"),
            ("/orders/{number}/address", "Address", "A"),
            ("/tickets", "Ticket", "T"),
        ]
        routes = [
            Route("/shop", self._guarded(self._shop)),
            Route("/orders/{number}", self._guarded(self._find)),
            *(Route(path, self._guarded(self._register(*rest)), methods=["POST"]) for path, *rest in posts),
        ]
        return Starlette(routes=routes)

    def _guarded(self, handler: Any) -> Any:
        async def endpoint(request: Request) -> Response:
            self.asked.append((request.method, request.headers.get("idempotency-key", "")))
            if request.headers.get("authorization") != f"Bearer {self.key}":
                return JSONResponse({"reason": "no key"}, 401)
            fault = self.faults.popleft() if self.faults else "ok"
            answer: Response = await handler(request)
            return await self._spoil(answer, fault)

        return endpoint

    async def _spoil(self, answer: Response, fault: str) -> Response:
        if fault == "slow":
            self.waiting, self.loop = self.waiting + 1, asyncio.get_running_loop()
            self.most_waiting = max(self.most_waiting, self.waiting)
            await self.released.wait()
            self.waiting -= 1
        spoilt: dict[str, Response] = {
            "500": JSONResponse({"reason": "broken"}, 500),
            "429": JSONResponse({"reason": "too fast"}, 429),
            "409": JSONResponse({"reason": "our rules"}, 409),
            "cut": Torn(bytes(answer.body), 1),
            "twice": Torn(bytes(answer.body), 2),
            "garbage": Response("<html>Bad gateway</html>", media_type="application/json"),
            "list": JSONResponse(["an", "array"]),
            "empty": JSONResponse({}),
            "huge": JSONResponse({"number": "x" * 2_000_000}),
            "moved": Response(status_code=307, headers={"location": "/elsewhere"}),
            "html404": Response("<html>Not found</html>", 404),
        }
        return spoilt.get(fault, answer)

    async def _shop(self, request: Request) -> Response:
        return JSONResponse({"name": "Northwind Trail", "example": "NT-000000"})

    async def _find(self, request: Request) -> Response:
        row = self._row(request)
        return JSONResponse(row) if row else JSONResponse({"reason": "no such order"}, 404)

    def _row(self, request: Request) -> dict[str, Any] | None:
        number = normalise_number(request.path_params["number"])
        return self.orders.get(number) or self.bare.get(number)

    def _register(self, schema: str, letter: str) -> Any:
        async def register(request: Request) -> Response:
            if "number" in request.path_params and self._row(request) is None:
                return JSONResponse({"reason": "no such order"}, 404)
            try:
                key = str(UUID(request.headers["idempotency-key"]))
                body = await request.json()
                check(schema, body)
            except (KeyError, ValueError, jsonschema.ValidationError) as error:
                return JSONResponse({"reason": f"not as described: {error!r}"[:500]}, 422)
            if key not in self.registered:
                self.works.append((request.url.path, key, body))
                self.registered[key] = f"{letter}-{len(self.works)}"
            return JSONResponse({"reference": self.registered[key]})

        return register


class Torn(Response):
    """An answer that ends in the middle (``times`` 1), or that comes twice on one connection.

    ASGI allows neither, so the bytes are written to the socket behind its back.
    """

    def __init__(self, content: bytes, times: int) -> None:
        super().__init__(content)
        self.times = times

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(self.body)}\r\n\r\n"
        whole = head.encode() + bytes(self.body)
        transport.write(whole[: -len(self.body) // 2] if self.times == 1 else whole * self.times)
        transport.close()


def check(schema: str, value: object) -> None:
    """Checks a value against a schema of the OpenAPI file."""
    where = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(where, format_checker=jsonschema.FormatChecker()).validate(value)


@contextmanager
def served(shop: ReferenceShop, *, port: int = 0, **options: Any) -> Iterator[str]:
    """Serves a shop on loopback, in a thread, and gives its URL."""
    server = uvicorn.Server(
        uvicorn.Config(shop.app(), port=port, log_level="critical", lifespan="off", ws="none", **options)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    limit = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < limit
        time.sleep(0.01)  # uvicorn tells by this attribute only
    at = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"{'https' if options else 'http'}://127.0.0.1:{at}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(20)


def certificate(folder: Path) -> dict[str, Any]:
    """Options of ``served`` for a certificate that nobody signed."""
    import subprocess

    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    paths = {"ssl_keyfile": folder / "key.pem", "ssl_certfile": folder / "cert.pem"}
    subprocess.run(
        [*command, "-keyout", str(paths["ssl_keyfile"]), "-out", str(paths["ssl_certfile"])],
        check=True,
        capture_output=True,
    )
    return {name: str(path) for name, path in paths.items()}
