from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.embedded import EmbeddedRedis
from bot.state.log import ConversationLog
from data.workspace import Workspace


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
