"""``python -m actions --port 5055``: the action server, on loopback only."""

from __future__ import annotations

import argparse
import logging
import sys

HOST = "127.0.0.1"
"""rasa_sdk's own command listens on all interfaces; actions tell about orders, so this one does not."""


def main() -> None:
    """Serves until it is told to stop. ``GET /health`` answers when it is ready."""
    parser = argparse.ArgumentParser(prog="python -m actions", description=main.__doc__)
    parser.add_argument("--port", type=int, default=5055, help="port on 127.0.0.1 (default: 5055)")
    port = parser.parse_args().port
    from actions.shop import the_shop
    from data.errors import InputError

    logging.basicConfig(level=logging.WARNING, format="actions: %(levelname)s %(message)s", stream=sys.stderr)
    try:
        the_shop().rephraser()
        the_shop().orders()  # a broken workspace is told now, not to the first customer
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    serve(port)


def serve(port: int) -> None:
    """Runs rasa_sdk's application on ``127.0.0.1:port`` in this thread."""
    from rasa_sdk.endpoint import create_app

    async def close(*_: object) -> None:
        from actions.shop import the_shop

        await the_shop().close()

    app = create_app("actions", cors_origins="")
    app.register_listener(close, "after_server_stop")
    app.run(HOST, port, motd=False, access_log=False)


if __name__ == "__main__":
    main()
