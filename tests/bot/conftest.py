from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.embedded import EmbeddedRedis
from bot.state.log import ConversationLog
from data.workspace import Workspace, find_workspace
from tests.fixtures.little_shop import make_little_shop


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A little shop that learned."""
    return make_little_shop(tmp_path_factory.mktemp("taught"))


@pytest.fixture
def shop(taught: Workspace, tmp_path: Path) -> Workspace:
    """A copy that a test may spoil."""
    shutil.copytree(taught.root, tmp_path / "shop")
    return find_workspace(str(tmp_path / "shop"))


@pytest.fixture(scope="session")
def _redis_server() -> Iterator[EmbeddedRedis]:
    folder = Path(tempfile.mkdtemp(prefix="careline-redis-"))
    with EmbeddedRedis(Workspace(folder)) as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture
async def redis_url(_redis_server: EmbeddedRedis) -> str:
    """Address of a real, empty server on a unix socket."""
    async with await ConversationLog.open(_redis_server.url) as log:
        await log.store.redis.flushall()
    return _redis_server.url


@pytest.fixture
async def log(redis_url: str) -> AsyncIterator[ConversationLog]:
    """A conversation log on an empty server."""
    async with await ConversationLog.open(redis_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def rasa_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real, small Rasa model: rules, a form, stories, keywords as NLU, and actions of ``action_server``."""
    from rasa.model_training import train

    folder = Path(__file__).parent.parent / "fixtures" / "small_bot"
    result = train(
        str(folder / "domain.yml"),
        str(folder / "config.yml"),
        str(folder / "data.yml"),
        str(tmp_path_factory.mktemp("rasa")),
        fixed_model_name="model",
    )
    assert result.model is not None
    return Path(result.model)


class ActionServer:
    """A small real action server; tests look at ``calls`` and ``bodies``, and hold or break it."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.go_on = asyncio.Event()
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.json()
        action = body["next_action"]
        self.calls.append(action)
        self.bodies.append(body)
        if action == "action_broken":
            return web.Response(status=500)
        if action == "action_slow":
            await self.go_on.wait()
        reply = {"text": f"{action} was here", "custom": {"handoff": {"reason": "asked"}}}
        events = [{"event": "pause"}] if action == "action_pause" else []
        return web.json_response({"events": events, "responses": [] if action == "action_silent" else [reply]})


@pytest.fixture
async def action_server() -> AsyncIterator[ActionServer]:
    server = ActionServer()
    app = web.Application()
    app.router.add_post("/webhook", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/webhook"  # type: ignore[union-attr]
    yield server
    server.go_on.set()
    await runner.cleanup()
