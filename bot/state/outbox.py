"""Mail and pushes that must not get lost: kept in Redis until they are delivered, each key once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.state.log import dump
from bot.state.store import Store

_DUE, _JOBS, _DONE = "outbox:{outbox}:due", "outbox:{outbox}:jobs", "outbox:{outbox}:done"

LEASE_SECONDS = 60.0
"""A job that was taken and is neither done nor put back by then is taken again: its sender died."""

_REMEMBERED = 30 * 86400
"""Seconds that a delivered key is remembered."""

_PUT = """
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 or redis.call('ZSCORE', KEYS[3], ARGV[1]) then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[1], redis.call('TIME')[1], ARGV[1])
return 1
"""

_TAKE = """
local now = tonumber(redis.call('TIME')[1])
local key = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 1)[1]
if not key then return false end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[1]), key)
return {key, redis.call('HGET', KEYS[2], key), redis.call('HINCRBY', KEYS[2], 'tries ' .. key, 1)}
"""

_DELIVERED = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1], 'tries ' .. ARGV[1])
redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - tonumber(ARGV[2]))
return 1
"""

_LATER = """
return redis.call('ZADD', KEYS[1], 'XX', tonumber(redis.call('TIME')[1]) + tonumber(ARGV[2]), ARGV[1])
"""


@dataclass(frozen=True)
class Job:
    """Something to deliver.

    Attributes:
        key: Its name; a receiver that sees it twice may drop the second.
        content: What is delivered.
        tries: How often it was taken, this time included.
    """

    key: str
    content: Mapping[str, Any]
    tries: int


class Outbox:
    """The queue of jobs.

    Args:
        store: The connection.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    async def put(self, key: str, content: Mapping[str, Any]) -> bool:
        """Keeps a job; False when one of that key waits or was delivered."""
        return bool(await self._run(_PUT, key, dump(content)))

    async def take(self) -> Job | None:
        """A job that is due; it comes again after ``LEASE_SECONDS`` unless it is done or put off."""
        got = await self._run(_TAKE, int(LEASE_SECONDS))
        return Job(got[0], json.loads(got[1]), got[2]) if got else None

    async def delivered(self, job: Job) -> None:
        """The job is done: its key is never delivered again."""
        await self._run(_DELIVERED, job.key, _REMEMBERED)

    async def later(self, job: Job, seconds: float) -> None:
        """Puts a job off."""
        await self._run(_LATER, job.key, int(seconds))

    async def waiting(self) -> int:
        """How many jobs wait."""
        return int(await self.store.retry(lambda: self.store.redis.zcard(_DUE)))

    async def _run(self, script: str, *arguments: str | int) -> Any:
        return await self.store.raw_script(script, [_DUE, _JOBS, _DONE], list(arguments))
