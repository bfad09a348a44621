"""Which Redis a ``REDIS_URL`` means: one server, a primary that Sentinels watch, or a Cluster; and a client for it.

```
redis://[[user:]password@]host:port[/db]              one server (rediss:// with TLS, unix:///path.sock)
redis+sentinel://[…@]host:port,host:port/mymaster     the primary that these Sentinels name (rediss+sentinel://)
redis+cluster://[…@]host:port,host:port               a Cluster; any of its nodes will do (rediss+cluster://)
```
Options behind ``?``: ``wait=N``, ``sentinel_password=…``; for one server also those of redis-py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlencode

from data.errors import InputError

SOCKET_SECONDS = 10.0
"""Longer than any blocking read (``claim`` blocks for two seconds at most)."""

_URL = re.compile(r"(rediss?)\+(cluster|sentinel)://(?:([^@/?]*)@)?([^/?]*)(?:/([^?]*))?(?:\?(.*))?")
_NODE = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+))(?::(\d{1,5}))?")
_PORTS = {"cluster": 6379, "sentinel": 26379}
_FORMS = "redis://host:port/db, unix:///path.sock, redis+sentinel://host:port,…/name or redis+cluster://host:port,…"


@dataclass(frozen=True)
class Servers:
    """What a ``REDIS_URL`` says.

    Attributes:
        kind: What answers there.
        url: For one server: as redis-py reads it.
        nodes: (host, port) of Sentinels or of the Cluster.
        service: The primary's name among the Sentinels.
        user: Name and password, where the URL has them.
        sentinel_password: Of the Sentinels themselves.
        tls: Whether connections are encrypted.
        db: Number of the database; 0 in a Cluster.
        wait: So many replicas have each change before it counts as stored; 0 for none.
    """

    kind: Literal["single", "sentinel", "cluster"]
    url: str = field(default="", repr=False)
    nodes: tuple[tuple[str, int], ...] = ()
    service: str = ""
    user: dict[str, str] = field(default_factory=dict, repr=False)
    sentinel_password: str = field(default="", repr=False)
    tls: bool = False
    db: int = 0
    wait: int = 0

    @classmethod
    def parse(cls, url: str) -> Servers:
        """Reads a URL. No error quotes it: it may hold a password.

        Raises:
            InputError: It is none that we understand.
        """
        bare, _, query = url.partition("?")
        options = dict(parse_qsl(query))
        wait = _wait(options.pop("wait", "0"))
        match = _URL.fullmatch(url)
        if match is None:
            if not bare.startswith(("redis://", "rediss://", "unix://")):
                raise _wrong("an address of another form")
            return cls("single", bare + (f"?{urlencode(options)}" if options else ""), wait=wait)
        scheme, kind, user, hosts, path, _ = match.groups()
        nodes = tuple(_node(host, _PORTS[kind]) for host in hosts.split(","))
        tls, login = scheme == "rediss", _login(user)
        if kind == "cluster":
            if path and path != "0":
                raise _wrong("a database in a Cluster, which has only number 0")
            return cls("cluster", nodes=nodes, user=login, tls=tls, wait=wait)
        service, _, db = (path or "").partition("/")
        if not service or not (db or "0").isdecimal():
            raise _wrong("Sentinels without the name of the primary (…/mymaster)")
        secret = options.get("sentinel_password", "")
        return cls("sentinel", "", nodes, service, login, secret, tls, int(db or 0), wait)

    def client(self) -> Any:
        """A client, not connected yet: ``Redis``, or ``RedisCluster`` for a Cluster."""
        from redis.asyncio import Redis

        if self.kind == "single":
            return Redis.from_url(self.url, **_patience())
        return self._cluster() if self.kind == "cluster" else self._primary()

    def _primary(self) -> Any:
        from redis.asyncio.sentinel import Sentinel

        ssl: dict[str, Any] = {"ssl": True} if self.tls else {}
        own = {**_patience(), **ssl}
        # A Sentinel that is cut off must not cost a turn: there are others to ask.
        asked = {**own, "socket_timeout": 1.0, "socket_connect_timeout": 1.0}
        if self.sentinel_password:
            asked["password"] = self.sentinel_password
        sentinel = Sentinel(list(self.nodes), sentinel_kwargs=asked, **own, **self.user)
        return sentinel.master_for(self.service, db=self.db)

    def _cluster(self) -> Any:
        from redis.asyncio.cluster import ClusterNode, RedisCluster

        nodes = [ClusterNode(host, port) for host, port in self.nodes]
        return RedisCluster(startup_nodes=nodes, ssl=self.tls, **_patience(), **self.user)

    def node_client(self, host: str, port: int) -> Any:
        """A client for one node of a Cluster: what is published there comes from all of them."""
        from redis.asyncio import Redis

        return Redis(host=host, port=port, ssl=self.tls, **_patience(), **self.user)


def _patience() -> dict[str, Any]:
    return {
        "decode_responses": True,
        "socket_timeout": SOCKET_SECONDS,
        "socket_connect_timeout": SOCKET_SECONDS / 2,
    }


def _login(user: str | None) -> dict[str, str]:
    """Name and password as keyword arguments of redis-py; a lone word is the password."""
    if not user:
        return {}
    name, colon, password = user.partition(":")
    found = {"username": unquote(name), "password": unquote(password)} if colon else {"password": unquote(name)}
    return {key: value for key, value in found.items() if value}


def _node(text: str, port: int) -> tuple[str, int]:
    match = _NODE.fullmatch(text.strip())
    if match is None or not 0 < int(match[3] or port) < 65536:
        raise _wrong("a host that is none, or a port above 65535")
    return match[1] or match[2], int(match[3] or port)


def _wait(text: str) -> int:
    if not text.isdecimal() or int(text) > 9:
        raise _wrong("a wait= that is no number of replicas")
    return int(text)


def _wrong(got: str) -> InputError:
    return InputError("REDIS_URL", got=got, expected=_FORMS, next_step="See docs/reference/redis-url.md.")
