"""The switches in Redis: one hash that is changed with its history, and a copy in each shard that commits look at.

A commit must see the switches in the same atomic step in which it stores replies, and on a Redis Cluster a script
reaches one shard only. So every shard has a copy, with its version; ``spread`` brings copies up to date after a writer
that died between the two steps, and never puts an older version over a newer one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.control import Change, Control, Mode
from bot.state import keys
from bot.state.entry import Refused
from bot.state.store import Store, pairs

_HISTORY = 1000
"""Changes that are remembered, at least."""

_CHANGE = """
local control, history = KEYS[1], KEYS[2]
local field, mode, actor, only_new = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local before = redis.call('HGET', control, field) or ''
if only_new == '1' and before ~= '' then return redis.call('HGETALL', control) end
if before == mode then return redis.call('HGETALL', control) end
if mode == '' then redis.call('HDEL', control, field) else redis.call('HSET', control, field, mode) end
local version = math.max(tonumber(redis.call('HGET', control, 'version') or '0'), tonumber(ARGV[6])) + 1
redis.call('HSET', control, 'version', version)
local t = redis.call('TIME')
redis.call('XADD', history, 'MAXLEN', '~', ARGV[5], '*', 'time', string.format('%d.%06d', t[1], t[2]),
           'actor', actor, 'field', field, 'mode', mode, 'before', before, 'version', version)
return redis.call('HGETALL', control)
"""
"""field, mode or empty, actor, '1' to leave what is there, length of the history, newest version of a copy → the hash.
A server that failed over may have lost the newest change, which some copies have: the next one must be newer yet."""

_COPY = """
local there = tonumber(redis.call('HGET', KEYS[1], 'version') or '-1')
if there >= tonumber(ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1])
for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
"""
"""version, then names and values → 1, or 0 when the copy is as new."""


class ControlBook:
    """Reads and turns the switches.

    Args:
        store: The connection.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    async def begin(self, mode: Mode) -> Control:
        """Sets the base where it was never set, as a new installation says in its settings; then ``spread``.

        Args:
            mode: From ``careline.toml``.
        """
        return await self._write("base", mode.value, "careline.toml", only_new=True)

    async def read(self) -> Control:
        """How the switches stand."""
        return control_from(await self.store.retry(lambda: self.store.redis.hgetall(keys.CONTROL)))

    async def turn(self, mode: Mode | None, *, actor: str, topic: str | None = None) -> Control:
        """Turns a switch. When it returns, every commit from now on sees it.

        Args:
            mode: To what; None lets a topic follow the base again.
            actor: Who does it, for the history.
            topic: Which topic; None: the base.

        Raises:
            ValueError: No mode for the base, or a topic that cannot be one.
        """
        if topic is None and mode is None:
            raise ValueError("base: got no mode; expected off, suggest or answer.")
        if topic is not None and (not 0 < len(topic) <= keys.MAX_ID or not topic.isprintable()):
            raise ValueError(f"topic: got {topic[:40]!r}; expected the name of a topic.")
        field = "base" if topic is None else f"topic:{topic}"
        return await self._write(field, mode.value if mode else "", actor)

    async def undo(self, *, actor: str) -> Control:
        """Turns the switch that was turned last back to what it was; again: the one before it stays as it is now.

        Raises:
            Refused: Nothing was changed yet.
        """
        last = next(iter(await self.history(limit=1)), None)
        if last is None or (last.topic is None and last.before is None):
            raise Refused("control: got nothing to undo; expected a change in the history.")
        return await self.turn(last.before, actor=actor, topic=last.topic)

    async def history(self, *, limit: int = 20) -> list[Change]:
        """What was changed, newest first."""
        rows = await self.store.retry(lambda: self.store.redis.xrevrange(keys.CONTROL_HISTORY, count=limit))
        return [_change(fields) for _, fields in rows]

    async def spread(self) -> int:
        """Brings the copies of all shards up to date.

        Returns:
            How many were not.
        """
        current = await self.store.retry(lambda: self.store.redis.hgetall(keys.CONTROL))
        return await self._copy(current) if current else 0

    async def _write(self, field: str, mode: str, actor: str, *, only_new: bool = False) -> Control:
        newest = 0 if only_new else max(await self._versions())
        arguments = [field, mode, actor, "1" if only_new else "", _HISTORY, newest]
        flat = await self.store.raw_script(_CHANGE, [keys.CONTROL, keys.CONTROL_HISTORY], arguments)
        current = pairs(flat)
        await self._copy(current)
        return control_from(current)

    async def _copy(self, current: Mapping[str, str]) -> int:
        flat = [part for pair in current.items() for part in pair]
        behind = await self._behind(int(current["version"]))
        for shard in behind:
            await self.store.raw_script(_COPY, [keys.control(shard)], [current["version"], *flat])
        return len(behind)

    async def _behind(self, version: int) -> Sequence[int]:
        return [shard for shard, there in enumerate(await self._versions()) if there < version]

    async def _versions(self) -> list[int]:
        """Of each shard's copy; -1 for none."""

        async def versions() -> list[Any]:
            pipe = self.store.pipeline()
            for shard in range(keys.SHARDS):
                pipe.hget(keys.control(shard), "version")
            return list(await pipe.execute())

        return [int(there or -1) for there in await self.store.retry(versions)]


def control_from(fields: Mapping[str, str]) -> Control:
    """Reads the hash, or a shard's copy of it; what was never set answers."""
    topics = {name[6:]: Mode(mode) for name, mode in fields.items() if name.startswith("topic:")}
    return Control(Mode(fields.get("base", Mode.ANSWER.value)), topics, int(fields.get("version", 0)))


def _change(fields: Mapping[str, str]) -> Change:
    field = fields["field"]
    return Change(
        time=float(fields["time"]),
        actor=fields["actor"],
        topic=field[6:] if field.startswith("topic:") else None,
        mode=Mode(fields["mode"]) if fields["mode"] else None,
        before=Mode(fields["before"]) if fields["before"] else None,
        version=int(fields["version"]),
    )
