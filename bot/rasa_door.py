"""The worker's door to Rasa: an agent on our stores, a channel that sends nothing, and a patient action endpoint."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Any

import aiohttp
from rasa.core.agent import Agent
from rasa.core.channels.channel import OutputChannel
from rasa.core.tracker_store import FailSafeTrackerStore
from rasa.engine.exceptions import GraphComponentException
from rasa.utils.endpoints import ClientResponseError, EndpointConfig
from rasa.utils.log_utils import configure_structlog

from bot.action_results import prove_schema_once
from bot.state.lock_store import LeaseLockStore
from bot.state.tracker_store import LogTrackerStore
from bot.state.turn import current_turn
from data.errors import InputError

PATIENCE_SECONDS = 10.0
"""An action server that was killed is back in a few seconds."""

_REJECTED = 400
"""With this status an action says that it does not apply (a form's way out); it is no failure."""


class SilentChannel(OutputChannel):
    """Sends nothing: what the bot says is taken from the committed events."""

    @classmethod
    def name(cls) -> str:
        """See parent."""
        return "careline"

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """See parent."""


class PatientActions(EndpointConfig):
    """The action server. A failure, which Rasa would log and pass over, is noted on the turn, which then fails.

    Args:
        url: Its web hook.
        patience: Seconds for which a server that is away is tried again.
    """

    def __init__(self, url: str, *, patience: float = PATIENCE_SECONDS) -> None:
        super().__init__(url, enable_selective_domain=True)
        self.patience = patience

    async def request(self, *arguments: Any, **keywords: Any) -> Any:
        """See parent."""
        try:
            return await self._patiently(*arguments, **keywords)
        except ClientResponseError as error:
            if error.status != _REJECTED:
                self._note(f"action server answered {error.status}")
            raise
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            self._note(f"action server at {self.url} did not answer ({error or type(error).__name__})")
            raise

    async def _patiently(self, *arguments: Any, **keywords: Any) -> Any:
        until = time.monotonic() + self.patience
        while True:
            try:
                return await super().request(*arguments, **keywords)
            except aiohttp.ClientConnectorError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.2)

    @staticmethod
    def _note(failure: str) -> None:
        turn = current_turn.get()
        if turn is not None:
            turn.failures.append(failure)


def load_agent(model: Path, *, redis_url: str, actions_url: str, lease_seconds: float) -> Agent:
    """Loads a Rasa model over the log of a workspace.

    Args:
        model: ``model.tar.gz``.
        redis_url: Where the log is.
        actions_url: Web hook of the action server.
        lease_seconds: Lifetime of a lease without renewal.

    Raises:
        InputError: There is no such model, what was learned cannot be opened, or Rasa put other stores in place of
            ours.
    """
    if not model.is_file():
        raise InputError(
            str(model), got="no such file", expected="a Rasa model", next_step="Run `careline learn LOG` first."
        )
    prove_schema_once()
    configure_structlog(logging.WARNING)  # or Rasa prints what customers say, at level debug
    try:
        agent = Agent.load(
            model,
            tracker_store=LogTrackerStore(host=redis_url),
            lock_store=LeaseLockStore(url=redis_url, lease_seconds=lease_seconds),
            action_endpoint=PatientActions(actions_url),
        )
    except GraphComponentException as error:
        if isinstance(error.__cause__, InputError):  # one of our components said what is wrong, in one line
            raise error.__cause__ from error
        raise
    check_stores(agent)
    return agent


async def close_agent(agent: Agent) -> None:
    """Ends the connections of an agent's stores; turns that still run open them again."""
    for store in _stores(agent):
        await store.connection.close()


def _stores(agent: Agent) -> tuple[Any, Any]:
    tracker_store = agent.tracker_store
    if isinstance(tracker_store, FailSafeTrackerStore):
        tracker_store = tracker_store._tracker_store
    return tracker_store, agent.lock_store


def check_stores(agent: Agent) -> None:
    """Looks whether an agent really runs on the log: Rasa replaces a store that it cannot import by one in memory.

    Raises:
        InputError: It does not.
    """
    for store, wanted in zip(_stores(agent), (LogTrackerStore, LeaseLockStore), strict=True):
        if not isinstance(store, wanted):
            raise InputError(
                "Rasa's stores",
                got=type(store).__name__,
                expected=wanted.__name__,
                next_step="Look at endpoints.yml: a type that cannot be imported is replaced without a word.",
            )
