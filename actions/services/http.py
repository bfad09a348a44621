"""A shop's own system over HTTP, as ``docs/reference/orders-service.openapi.yaml`` describes it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from actions.services.client import ServiceClient
from actions.services.errors import ServiceDown, ServiceError
from actions.services.orders import EXAMPLE, Order, normalise_number, order_from
from actions.services.tickets import TicketKind

WORDS = 2000
"""Characters of what is sent, as the OpenAPI file allows."""

LONGEST = 64
"""Characters of an order number; nobody is asked for what is longer."""


class HttpShop:
    """The ``OrderService`` and the ``TicketService`` of a shop.

    Args:
        client: Of the service.
    """

    def __init__(self, client: ServiceClient) -> None:
        self.client = client
        self._example = ""

    async def find(self, number: str) -> Order | None:
        """See ``OrderService``."""
        number = number.strip()
        if not normalise_number(number) or len(number) > LONGEST:
            return None
        reply = await self.client.ask("GET", _path(number))
        if reply.status == 404:
            return None
        try:
            return order_from(reply.data)
        except ValueError as error:
            raise ServiceDown(
                f"{self.client.url}: GET /orders/NUMBER: an order that cannot be read: {error}"
            ) from error

    async def register_return(self, order: Order, reason: str, *, key: str) -> str:
        """See ``OrderService``."""
        return await self._register(f"{_path(order.number)}/returns", {"reason": reason[:WORDS]}, key=key)

    async def change_address(self, order: Order, address: str, *, key: str) -> str:
        """See ``OrderService``."""
        return await self._register(f"{_path(order.number)}/address", {"address": address[:WORDS]}, key=key)

    async def open(self, kind: TicketKind, text: str, contact: str, *, key: str) -> str:
        """See ``TicketService``."""
        return await self._register(
            "/tickets", {"kind": kind, "text": text[: 2 * WORDS], "contact": contact[:200]}, key=key
        )

    async def example(self) -> str:
        """See ``OrderService``. A service that cannot tell is no reason to stop."""
        if not self._example:
            try:
                self._example = (await self.greet())["example"]
            except ServiceError:
                return EXAMPLE
        return self._example

    async def close(self) -> None:
        """See ``OrderService``."""
        await self.client.close()

    async def greet(self) -> dict[str, str]:
        """Asks for nothing but whether the service is there and takes the key.

        Returns:
            ``name`` and ``example`` of the service.

        Raises:
            ServiceDown: It is away, or another one than expected.
        """
        data = (await self.client.ask("GET", "/shop")).data
        told = {name: data.get(name) for name in ("name", "example")}
        if not all(isinstance(value, str) and 0 < len(value) <= LONGEST for value in told.values()):
            raise ServiceDown(f"{self.client.url}: GET /shop: an answer without name and example")
        return {name: str(value) for name, value in told.items()}

    async def _register(self, path: str, body: dict[str, Any], *, key: str) -> str:
        reply = await self.client.ask("POST", path, body=body, key=key)
        reference = reply.data.get("reference")
        if not isinstance(reference, str) or not 0 < len(reference) <= LONGEST:
            raise ServiceDown(f"{self.client.url}: POST: an answer without a reference", unsure=True)
        return reference


def _path(number: str) -> str:
    """An order's path. A slash becomes a hyphen: many servers end the number there, even where it is quoted."""
    return f"/orders/{quote(number.replace('/', '-'), safe='')}"
