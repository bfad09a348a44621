"""Which services a shop connected: `[services]` of careline.toml."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from actions.services.client import ServiceClient
from actions.services.database import Database
from actions.services.http import HttpShop
from actions.services.orders import SAMPLE_ORDERS, LocalOrders, OrderService
from actions.services.sqlite import SqliteOrders
from actions.services.tickets import TicketService
from data.errors import InputError
from data.workspace import SETTINGS, Workspace

SQLITE = "sqlite:"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_EXPECTED = "'none', 'sqlite:orders.db' or an https:// address ('sample' is the demo's)"


def open_orders(
    workspace: Workspace, *, secret: Callable[[str], str], sample: Path = SAMPLE_ORDERS
) -> OrderService | None:
    """The order service of the settings, not yet asked for anything; None where the shop has connected none.

    Args:
        workspace: Whose settings.
        secret: Gives the value of an environment variable by its name; empty if it is not set.
        sample: The demo shop's orders.

    Raises:
        InputError: The settings cannot work.
    """
    name = workspace.settings.services.orders
    if name == "none":
        return None
    if name == "sample":
        return LocalOrders.open(sample, returns=workspace.var / "returns.jsonl", today=date.today())
    if name.startswith(SQLITE):
        return SqliteOrders(Database(database_path(workspace)))
    if name.startswith(("https://", "http://")):
        return HttpShop(_client(workspace, name, secret))
    raise _wrong(workspace, "orders", repr(name), _EXPECTED)


def tickets_of(orders: OrderService | None) -> TicketService | None:
    """The ticket service that comes with an order service, if it brings one."""
    if isinstance(orders, SqliteOrders):
        return orders.requests
    return orders if isinstance(orders, HttpShop) else None


def database_path(workspace: Workspace) -> Path:
    """The file of ``sqlite:FILE``, from the workspace's folder.

    Raises:
        InputError: Orders are not kept in a file of ours here.
    """
    name = workspace.settings.services.orders
    if not name.startswith(SQLITE) or not name.removeprefix(SQLITE).strip():
        step = f'Write `[services]` and `orders = "sqlite:orders.db"` into {workspace.root / SETTINGS}.'
        raise _wrong(workspace, "orders", repr(name), "'sqlite:orders.db'", step)
    return workspace.root / name.removeprefix(SQLITE).strip()


def _client(workspace: Workspace, url: str, secret: Callable[[str], str]) -> ServiceClient:
    settings = workspace.settings.services
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query or parts.fragment or not parts.hostname:
        raise _wrong(workspace, "orders", "an address with more than host and path", "https://HOST/PATH without a key")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise _wrong(workspace, "orders", repr(url), "https://, since addresses and keys travel on it")
    if not 0.1 <= settings.timeout <= 60:
        raise _wrong(workspace, "timeout", repr(settings.timeout), "seconds from 0.1 to 60")
    key = secret(settings.key_env)
    if settings.key_env and not key:
        raise _wrong(
            workspace, "key_env", f"{settings.key_env}, which is not set",
            "a variable that holds the key", f"Set {settings.key_env}, or leave key_env empty.",
        )  # fmt: skip
    if not (key.isascii() and key.isprintable()) or key != key.strip():
        got = f"{settings.key_env}, whose value has blanks around it or more than ASCII"
        raise _wrong(workspace, "key_env", got, "a variable that holds the key", f"Set {settings.key_env} again.")
    return ServiceClient(url, key=key, timeout=settings.timeout)


def _wrong(workspace: Workspace, name: str, got: str, expected: str, step: str = "Mend careline.toml.") -> InputError:
    thing = f"{workspace.root / SETTINGS} [services] {name}"
    return InputError(thing, got=got, expected=expected, next_step=step)
