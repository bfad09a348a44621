"""Rasa's lock as the turn: it takes the lease, hydrates, and commits at its end or raises.

It must be the lock: Rasa wraps every tracker store in a ``FailSafeTrackerStore`` that swallows errors, so that a
refused save would still send its replies, and a failed retrieve would begin a new session in a live conversation.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from rasa.core.lock import TicketLock
from rasa.core.lock_store import LockStore

from bot.state.connection import LogConnection
from bot.state.entry import StateError
from bot.state.hydrate import read_window
from bot.state.turn import Job, Turn, TurnFailed, current_job, current_turn, given_answers, is_late, recent_turns
from bot.state.work import LEASE_SECONDS, WorkQueue

MAX_TRIES = 3
"""A message whose turn was begun so often without an outcome is given up."""

MAKERS_WAIT = 60.0
"""Seconds that a makers' door waits for a running turn of the same conversation."""


class LeaseLockStore(LockStore):
    """A lock store whose lock is a turn.

    Args:
        endpoint_config: What ``endpoints.yml`` says; its ``url`` names a Redis other than the workspace's.
        url: The same, for those who make it themselves.
        lease_seconds: Lifetime of a lease without renewal.
    """

    def __init__(
        self,
        endpoint_config: Any = None,
        *,
        url: str | None = None,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self.lease_seconds = lease_seconds
        self.connection = LogConnection(url or getattr(endpoint_config, "url", None))
        super().__init__()

    @asynccontextmanager
    async def lock(
        self, conversation_id: str, lock_lifetime: float = 0, wait_time_in_seconds: float = 1
    ) -> AsyncGenerator[Turn, None]:
        """Runs a turn; see parent. The lifetime is the lease's, which is renewed, and waiting is short steps.

        Raises:
            Busy: The worker's message is being answered by another one.
            Refused: The commit was refused; nothing was stored.
            TurnFailed: The turn has no outcome; nothing was stored.
        """
        queue = WorkQueue(await self.connection.log(), lease_seconds=self.lease_seconds)
        job = current_job.get()
        async with self._lease(queue, conversation_id, job) as turn:
            token = current_turn.set(turn)
            if job is not None:
                job.context.update(turns=[list(pair) for pair in recent_turns()], given=given_answers(), late=is_late())
            try:
                yield turn
            finally:
                current_turn.reset(token)
            turn.check()
            if turn.message is not None or turn.events:
                await queue.commit(turn)

    @asynccontextmanager
    async def _lease(self, queue: WorkQueue, conversation: str, job: Job | None) -> AsyncIterator[Turn]:
        seq, wait = (job.message.seq, 0.0) if job else (0, MAKERS_WAIT)
        owner = job.owner if job else f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        async with queue.lease(conversation, owner=owner, seq=seq, wait=wait) as lease:
            if job is not None:
                job.tries = lease.tries
                if lease.tries > MAX_TRIES:
                    raise TurnFailed(f"message {seq} of {conversation}: was tried {MAX_TRIES} times before.")
            elif lease.info.pending:
                raise StateError(f"conversation {conversation}: the worker still answers in it; try again.")
            window = await read_window(queue.log, conversation)
            yield Turn(lease, window, job.message if job else None)

    def get_lock(self, conversation_id: str) -> TicketLock | None:
        """See parent. There are no tickets here: ``lock`` is all that Rasa calls."""
        raise NotImplementedError("LeaseLockStore has leases, not tickets; use lock().")

    def delete_lock(self, conversation_id: str) -> None:
        """See ``get_lock``."""
        raise NotImplementedError("LeaseLockStore has leases, not tickets; use lock().")

    def save_lock(self, lock: TicketLock) -> None:
        """See ``get_lock``."""
        raise NotImplementedError("LeaseLockStore has leases, not tickets; use lock().")
