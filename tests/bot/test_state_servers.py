"""The log on a real Redis Cluster and behind real Sentinels, and what is left of it when a primary dies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.control import Mode
from bot.handoff import Move, State
from bot.state import keys
from bot.state.control import ControlBook
from bot.state.entry import Lease, StateError
from bot.state.hydrate import Window
from bot.state.log import ConversationLog
from bot.state.servers import Servers as Address
from bot.state.spread import SpreadQueues
from bot.state.store import Store
from bot.state.turn import Turn
from bot.state.work import WorkQueue
from data.errors import InputError
from tests.fixtures.redis_servers import Servers, start_cluster, start_sentinels


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    started = Servers(tmp_path)
    yield started
    started.stop()


@pytest.mark.parametrize(
    ("url", "kind", "nodes", "wait"),
    [
        ("redis://:p@h:1/2?wait=1", "single", (), 1),
        ("unix:///tmp/x.sock", "single", (), 0),
        ("redis+cluster://u:p%40@a:7001,[::1]:7002,c?wait=2", "cluster", (("a", 7001), ("::1", 7002), ("c", 6379)), 2),
        ("rediss+sentinel://:p@a,b:26380/shop/3", "sentinel", (("a", 26379), ("b", 26380)), 0),
    ],
)
def test_what_a_url_means(url: str, kind: str, nodes: tuple[tuple[str, int], ...], wait: int) -> None:
    read = Address.parse(url)
    assert (read.kind, read.nodes, read.wait) == (kind, nodes, wait)
    if kind == "cluster":
        assert read.user == {"username": "u", "password": "p@"}
    if kind == "sentinel":
        assert (read.service, read.db, read.tls) == ("shop", 3, True)


@pytest.mark.parametrize(
    "url",
    ["http://h", "redis+cluster://:secret@a/3", "redis+sentinel://:secret@a,b", "redis+cluster://", "redis://h?wait=x"],
)
def test_a_wrong_url_is_one_line_that_tells_no_secret(url: str) -> None:
    with pytest.raises(InputError) as raised:
        Address.parse(url)
    assert "REDIS_URL" in str(raised.value)
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


async def test_every_call_works_on_a_cluster(servers: Servers) -> None:
    ports = start_cluster(servers)
    url = "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in ports)
    async with await ConversationLog.open(url) as log:
        heard: list[str | None] = []
        listener = asyncio.ensure_future(_listen(log, heard))
        await _until(lambda: heard == [None])
        queue = WorkQueue(log)
        await queue.prepare()
        names = [f"c{n}" for n in range(30)]
        for name in names:
            assert (await log.accept(name, client_id="1", text=name)).seq == 1
            assert (await log.accept(name, client_id="1", text=name)).duplicate
        assert await queue.waiting() == 30
        for name in names:
            await _until(lambda name=name: name in heard)
        await _answer_all(queue, names)
        assert await queue.waiting() == 0
        assert {info.id for info in await log.conversations(limit=50)} == set(names)
        assert sorted([c async for ids in log.ids() for c in ids]) == sorted(names)
        await log.move("c3", Move.ESCALATE, actor="customer")
        assert [info.id for info in await log.conversations(state=State.QUEUED)] == ["c3"]
        assert await log.bind("c3", identity="u", record="{}") == "c3"
        await log.typing("c3", "bot")
        assert await queue.take_over("w2", idle=0) == []
        assert await queue.unfinished("w") == []
        await queue.retire("w")
        listener.cancel()
        await queue.close()
    told = await asyncio.to_thread(_doctor, url)
    assert len(told) == 3
    assert all("master, appendfsync always, eviction noeviction" in text for text in told)
    holders = [int(servers.ask(port, "DBSIZE")) for port in ports]
    assert all(count > 20 for count in holders), holders


async def test_a_cluster_wakes_who_waits_and_gives_back_what_a_dead_worker_claimed(servers: Servers) -> None:
    ports = start_cluster(servers)
    async with await ConversationLog.open(f"redis+cluster://127.0.0.1:{ports[1]}") as log:
        queue = WorkQueue(log)
        await queue.prepare()
        assert await queue.claim("w", block=0.05) == []
        waiting = asyncio.ensure_future(queue.claim("w", block=2))
        await asyncio.sleep(0.2)
        await log.accept("c", client_id="1", text="hi")
        assert [work.conversation for work in await waiting] == ["c"]
        assert [work.conversation for work in await queue.unfinished("w")] == ["c"]
        assert [work.conversation for work in await queue.take_over("other", idle=0)] == ["c"]
        assert await queue.sweep(older=-1) == 1
        await queue.close()


async def test_nothing_acknowledged_is_lost_when_a_primary_of_a_cluster_dies(servers: Servers) -> None:
    ports = start_cluster(servers, replicas=1)
    url = "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in ports) + "?wait=1"
    names = [f"c{n}" for n in range(12)]  # on all three primaries
    await _survives(url, names, lambda: servers.kill(ports[0]))


async def test_nothing_acknowledged_is_lost_when_sentinels_make_a_replica_the_primary(servers: Servers) -> None:
    (primary, replica), sentinels = start_sentinels(servers)
    url = "redis+sentinel://" + ",".join(f"127.0.0.1:{port}" for port in sentinels) + "/shop"
    async with await ConversationLog.open(url) as log:
        assert (await log.accept("first", client_id="1", text="hi")).seq == 1
    await _survives(url + "?wait=1", [f"c{n}" for n in range(6)], lambda: servers.kill(primary), replicas_after=False)
    assert "role:master" in servers.ask(replica, "INFO", "replication")


async def _survives(url: str, names: list[str], strike: object, *, replicas_after: bool = True) -> None:
    """Customers write and are answered while a primary dies; all that was acknowledged is there, once, in order.

    Where one replica less is left than ``wait`` asks for, nothing more is acknowledged: what was stays.
    """
    acknowledged: dict[str, list[str]] = {name: [] for name in names}
    async with await ConversationLog.open(url, patience=30) as log:
        queue = WorkQueue(log)
        await queue.prepare()
        for turn in range(3):
            for name in names:
                await log.accept(name, client_id=str(turn), text=str(turn))
                acknowledged[name].append(str(turn))
            await _answer_all(queue, names)
        strike()  # type: ignore[operator]
        if replicas_after:
            # The shard that lost its primary has no replica for wait=1 now; the other two go on.
            log.store.patience = 4
        results = await asyncio.gather(
            *(log.accept(name, client_id="late", text="late") for name in names), return_exceptions=True
        )
        for name, result in zip(names, results, strict=True):
            if not isinstance(result, BaseException):
                acknowledged[name].append("late")
        await queue.close()
    assert replicas_after == any("late" in texts for texts in acknowledged.values())
    async with await ConversationLog.open(url.partition("?")[0], patience=30) as log:
        for name in names:
            entries = await log.read(name)
            said = [entry.text for entry in entries if entry.kind == "customer"]
            assert said[: len(acknowledged[name])] == acknowledged[name]
            assert [entry.text for entry in entries if entry.kind == "bot"] == ["re 0", "re 1", "re 2"]
            assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
        queue = WorkQueue(log)
        await queue.prepare()
        late = [name for name in names if (await log.accept(name, client_id="late", text="late")).seq]
        await _answer_all(queue, late)
        assert await queue.waiting() == 0
        await queue.close()


async def _answer_all(queue: WorkQueue, names: list[str]) -> None:
    """A worker without Rasa: claims, leases, commits."""
    left = set(names)
    while left:
        for work in await queue.claim("w", block=1):
            info = await queue.log.info(work.conversation)
            assert info is not None
            if info.pending:
                async with queue.lease(work.conversation, owner="w.0", seq=info.customer, wait=20) as lease:
                    await queue.commit(await _turn(queue.log, lease))
            await queue.done(work)
            left.discard(work.conversation)


async def _turn(log: ConversationLog, lease: Lease) -> Turn:
    message = (await log.read(lease.conversation, after=lease.info.customer - 1, limit=1))[0]
    state = {"slots": {}, "loop": None, "action": "action_listen", "followup": None, "paused": False}
    events = [{"event": "bot", "text": f"re {message.text}", "data": json.loads("{}")}]
    return Turn(lease, Window(), message, events=events, state=state)


def _doctor(url: str) -> list[str]:
    from bot.doctor import _external_redis

    return [finding.found for finding in asyncio.run(_external_redis(url)) if finding.ok]


async def _listen(log: ConversationLog, heard: list[str | None]) -> None:
    async for change in log.subscribe():
        heard.append(change)


async def _until(condition: object) -> None:
    async def poll() -> None:
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.01)

    await asyncio.wait_for(poll(), 10)


async def test_switches_reach_every_node_of_a_cluster(servers: Servers) -> None:
    url = f"redis+cluster://127.0.0.1:{start_cluster(servers)[0]}"
    async with await ConversationLog.open(url) as log:
        book = ControlBook(log.store)
        await book.turn(Mode.OFF, actor="ann", topic="delivery")
        copies = [await log.store.redis.hget(keys.control(shard), "topic:delivery") for shard in range(keys.SHARDS)]
        assert copies == ["off"] * keys.SHARDS
        assert (await book.undo(actor="bo")).topics == {}


async def test_a_listener_that_was_refused_listens_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the lanes of a worker would hear of work only when they look by themselves."""
    tries = 0
    again = asyncio.Event()

    async def listen(_: SpreadQueues) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise StateError("Redis refused a command: no permission just now")
        again.set()
        await asyncio.sleep(60)

    monkeypatch.setattr(SpreadQueues, "_listen_once", listen)
    task = asyncio.create_task(SpreadQueues(Store("redis://127.0.0.1:1"), [])._listen())
    await asyncio.wait_for(again.wait(), 5)
    task.cancel()
