from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.rasa_model import MODEL, train_rasa
from data.workspace import PROJECT, Workspace
from tests.conftest import free_port
from tests.fixtures.little_shop import make_little_shop


@dataclass
class Bot:
    """A real Rasa agent with a real action server."""

    agent: Any
    workspace: Workspace
    count: int = 0

    async def talk(self, *lines: str) -> list[dict[str, Any]]:
        """Says the lines in a new conversation and returns the replies to the last one."""
        self.count += 1
        sender = f"customer-{self.count}"
        replies: list[dict[str, Any]] = []
        for line in lines:
            replies = await self.agent.handle_text(line, sender_id=sender) or []
        return replies

    async def tracker(self) -> Any:
        """The tracker of the latest conversation."""
        return await self.agent.tracker_store.retrieve(f"customer-{self.count}")


@pytest.fixture(scope="session")
def little_shop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_little_shop(tmp_path_factory.mktemp("little-shop"))


@pytest.fixture(scope="session")
def rasa_model(little_shop: Workspace) -> Path:
    """The project's own rules and stories, really trained."""
    return train_rasa(PROJECT, little_shop.folder("rasa")) / MODEL


@pytest.fixture(scope="session")
def action_server(little_shop: Workspace) -> Iterator[str]:
    port = free_port()
    env = {**os.environ, "CARELINE_WORKSPACE": str(little_shop.root)}
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "actions", "--port", str(port)], cwd=PROJECT, env=env
    )
    try:
        _wait_healthy(f"http://127.0.0.1:{port}/health", server)
        yield f"http://127.0.0.1:{port}/webhook"
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait_healthy(url: str, server: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + 90
    while time.monotonic() < limit:
        assert server.poll() is None, f"the action server ended with {server.returncode}"
        try:
            if httpx.get(url, timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)  # nothing listens yet
    raise AssertionError(f"{url} was not healthy")


@pytest.fixture(scope="session")
def bot(little_shop: Workspace, rasa_model: Path, action_server: str) -> Iterator[Bot]:
    import logging

    import structlog
    from rasa.core.agent import Agent
    from rasa.utils.endpoints import EndpointConfig

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARELINE_WORKSPACE", str(little_shop.root))
        endpoint = EndpointConfig(action_server, enable_selective_domain=True)
        yield Bot(Agent.load(str(rasa_model), action_endpoint=endpoint), little_shop)
