"""``python -m actions.services.look``: the configured order service, and whether it answers; for `careline doctor`."""

from __future__ import annotations

import asyncio
import sys

from actions.services.configure import open_orders
from actions.services.errors import ServiceError
from actions.services.http import HttpShop
from actions.services.sqlite import SqliteOrders
from actions.settings import read_secret, read_settings
from data.errors import InputError
from data.workspace import Workspace


async def look(workspace: Workspace) -> str:
    """Says in one line what there is.

    Raises:
        InputError: The settings cannot work.
        ServiceError: It does not answer as it should.
    """
    name, orders = workspace.settings.services.orders, open_orders(workspace, secret=read_secret)
    if orders is None:
        return "none: the bot takes no orders up itself (docs/how-to/connect-orders.md)"
    if isinstance(orders, SqliteOrders):
        await orders.example()  # opens the file
        return f"{name}, {await asyncio.to_thread(orders.count)} orders"
    if isinstance(orders, HttpShop):
        try:
            shop = await orders.greet()
        finally:
            await orders.close()
        key = "with a key" if workspace.settings.services.key_env else "without a key"
        return f"{name} ({shop['name']}) answers, {key}"
    return "sample: the demo shop's orders"


def main() -> int:
    """Prints the line; 1 and the reason on stderr where something is wrong."""
    try:
        print(asyncio.run(look(read_settings().find_workspace())))
    except (InputError, ServiceError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
