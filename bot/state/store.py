"""The one way to Redis or Valkey: time-outs, retries with back-off, scripts as calls, on one server or a Cluster."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    ClusterError,
    ConnectionError,
    MovedError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    TimeoutError,
    TryAgainError,
)

from bot.state import scripts
from bot.state.entry import StateError, StateFull, StateUnavailable
from bot.state.keys import Keys
from bot.state.servers import SOCKET_SECONDS, Servers

_T = TypeVar("_T")

PATIENCE_SECONDS = 8.0
"""How long a call is tried again; an embedded server that was killed is back in one or two seconds."""

WAIT_SECONDS = 1.0
"""How long replicas may take to have a change, where ``wait=N`` is set, before it is tried again."""

_PASSING = (
    ConnectionError,
    TimeoutError,
    BusyLoadingError,
    ReadOnlyError,
    ClusterDownError,
    TryAgainError,
    MovedError,
)
_FAILOVER = ("MASTERDOWN", "NOREPLICAS", "UNBLOCKED", "CLUSTERDOWN", "LOADING")
"""First words of errors that pass when servers have found themselves again."""


class Store:
    """Runs commands and scripts; all are safe to repeat after a lost answer.

    Args:
        url: What ``Servers.parse`` reads.
        patience: Seconds for which a call is tried again before ``StateUnavailable``.

    Raises:
        InputError: It reads no such URL.
    """

    def __init__(self, url: str, *, patience: float | None = None) -> None:
        self.url, self.patience = url, PATIENCE_SECONDS if patience is None else patience
        self.servers = Servers.parse(url)
        self.redis: Any = self.servers.client()
        self._hashes: dict[str, str] = {}

    @property
    def spread(self) -> bool:
        """Whether keys live on several servers: commands on several shards at once go through pipelines only."""
        return self.servers.kind == "cluster"

    async def close(self) -> None:
        """Ends all connections."""
        await _close(self.redis)

    def pipeline(self) -> Any:
        """Commands in one go; each by itself, and in a Cluster each where its key lives."""
        return self.redis.pipeline() if self.spread else self.redis.pipeline(transaction=False)

    async def subscriber(self) -> Any:
        """A client for publish and subscribe, with its own end (``leave``): a Cluster tells any node everything."""
        if not self.spread:
            return self.redis
        await self.redis.initialize()
        node = random.choice(self.redis.get_nodes())
        return self.servers.node_client(node.host, node.port)

    async def leave(self, subscriber: Any) -> None:
        """Ends what ``subscriber`` gave."""
        if subscriber is not self.redis:
            await _close(subscriber)

    async def publish(self, channel: str, text: str) -> None:
        """Tells subscribers."""
        await self.retry(lambda: self.redis.execute_command("PUBLISH", channel, text, **self._anywhere()))

    def _anywhere(self) -> dict[str, Any]:
        return {"target_nodes": self.redis.RANDOM} if self.spread else {}

    async def retry(self, call: Callable[[], Awaitable[_T]], *, patience: float | None = None) -> _T:
        """Makes a call, and again with back-off while the server is away, or another takes over from it.

        Raises:
            StateUnavailable: It stayed away for ``patience`` seconds.
            StateFull: It has no memory left for the change.
            StateError: The server refused the command.
        """
        until = time.monotonic() + (self.patience if patience is None else patience)
        pause = 0.05
        while True:
            try:
                return await call()
            except (RedisError, RedisClusterException, IndexError) as error:
                if not self._passes(error):
                    raise _refusal(error) from error
                if time.monotonic() + pause > until:
                    raise StateUnavailable(f"Redis: got no answer ({error}); expected a running server.") from error
                await self._renew(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)

    def _passes(self, error: Exception) -> bool:
        if isinstance(error, (ClusterError, RedisClusterException)):
            return "CROSSSLOT" not in str(error)
        if isinstance(error, IndexError):
            return self.spread  # redis-py, choosing among the nodes of a Cluster of which it knows none just now
        return isinstance(error, _PASSING) or str(error).startswith(_FAILOVER)

    async def _renew(self, error: Exception) -> None:
        """Begins anew with the nodes of the URL: redis-py forgets those that failed, in the end all of them."""
        if self.spread and isinstance(error, (RedisClusterException, IndexError)):
            old, self.redis = self.redis, self.servers.client()
            await _close(old)

    async def script(self, body: str, conversation: str, *arguments: str | int, kept: bool = False) -> Any:
        """Runs one of ``scripts`` on the keys of a conversation.

        Args:
            body: Which.
            conversation: Whose.
            arguments: See the script.
            kept: Return only when as many replicas as ``wait=N`` says have what it wrote.
        """
        text, names = scripts.PRELUDE + body, Keys(conversation).all()
        if not (kept and self.servers.wait):
            return await self.raw_script(text, names, [conversation, *arguments])
        return await self.retry(lambda: self._kept(text, names, [conversation, *arguments]))

    async def raw_script(self, text: str, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        """Runs a whole script text; it is sent once a server and named by its hash afterwards."""
        return await self.retry(lambda: self._run(text, keys, arguments))

    async def _run(self, text: str, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        try:
            return await self.redis.evalsha(self._hash(text), len(keys), *keys, *arguments)
        except NoScriptError:
            return await self.redis.eval(text, len(keys), *keys, *arguments)

    async def _kept(self, text: str, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        """Runs a script and waits for replicas on the same connection: Redis waits for what that one wrote."""
        pipe = self.pipeline()
        pipe.eval(text, len(keys), *keys, *arguments)
        where: dict[str, Any] = {}
        if self.spread:
            await self.redis.initialize()
            where = {"target_nodes": self.redis.get_node_from_key(keys[0])}
        pipe.execute_command("WAIT", self.servers.wait, int(WAIT_SECONDS * 1000), **where)
        result, replicas = await pipe.execute()
        if replicas < self.servers.wait:
            raise ConnectionError(f"{replicas} replicas have it, of {self.servers.wait}")
        return result

    def _hash(self, text: str) -> str:
        if text not in self._hashes:
            self._hashes[text] = hashlib.sha1(text.encode()).hexdigest()  # Redis names scripts so
        return self._hashes[text]


async def _close(client: Any) -> None:
    pool = getattr(client, "connection_pool", None)
    await (client.close() if pool is None else client.close(close_connection_pool=True))


def _refusal(error: Exception) -> StateError:
    if (
        isinstance(error, OutOfMemoryError)
        or str(error).startswith(("OOM ", "MISCONF "))
        or "OOM command" in str(error)
    ):
        return StateFull(f"Redis takes no more: {error} Give it more memory or disk, or archive closed conversations.")
    return StateError(f"Redis refused a command: {error}")


def pairs(flat: Sequence[str]) -> dict[str, str]:
    """A hash as a script returns it: names and values in turn."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


__all__ = ["PATIENCE_SECONDS", "SOCKET_SECONDS", "Store", "pairs"]
