"""`python -m bot.gateway [--host H] [--port N]`: the gateway of a workspace under uvicorn."""

from __future__ import annotations

import argparse
import asyncio

import uvicorn

from bot.embedded import redis_address
from bot.gateway.app import create_app
from bot.protocol import MAX_FRAME
from bot.settings import read_settings
from bot.state.log import ConversationLog
from bot.state.store import Store

PATIENCE_SECONDS = 4.0
"""How long a call waits for a Redis that is away: less than the time after which a widget asks again."""

PING_SECONDS = 20.0
"""Finds sockets that are dead without having been closed, and keeps proxies from closing quiet ones."""


async def serve(host: str | None, port: int | None) -> None:
    """Serves until SIGTERM or SIGINT. A Redis that is away is no reason not to start."""
    settings = read_settings()
    workspace = settings.find_workspace()
    web = workspace.settings.web
    store = Store(redis_address(workspace, settings.redis_url), patience=PATIENCE_SECONDS)
    async with ConversationLog(store) as log:
        config = uvicorn.Config(
            create_app(settings, workspace, log),
            host=host or web.host,
            port=port or settings.port or web.port,
            ws="websockets",
            ws_max_size=4 * MAX_FRAME,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PING_SECONDS,
            server_header=False,
            access_log=False,
            timeout_graceful_shutdown=3,
        )
        await uvicorn.Server(config).serve()


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m bot.gateway", description=__doc__)
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    options = parser.parse_args()
    asyncio.run(serve(options.host, options.port))


if __name__ == "__main__":
    main()
