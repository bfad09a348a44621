"""Bench `invariants`: what the log promises (I1 to I8), under kill -9, SIGSTOP, cut and slow sockets and resends.

The whole system runs as real processes. A schedule is drawn from a seed: a few customers who reconnect and send again,
an agent who takes over, and faults; then everything heals, and each conversation's history is checked
(``bench/history.py``). Seeds move on from run to run, and the count is kept in ``var/bench/invariants.json``. ``--only
SEED`` runs one schedule again; ``--only races`` and ``--only stock`` run those parts. Stock Rasa stands before the same
checker, so that one sees that it can fail.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import psutil
from websockets.exceptions import WebSocketException

from bench.fault_proxy import FaultProxy
from bench.history import History, Row, total, violations
from bench.our_server import SHOP, OurServer, learned_shop, our_server
from bench.printer import ROOT, CannotRun, Printer
from bench.stock_history import stock_violations
from bot.gateway.testing import widget
from bot.handoff import IllegalMove, Move
from bot.state import keys
from bot.state.entry import Entry, Refused, StateUnavailable
from bot.state.log import ConversationLog
from data.artifacts import write_atomic
from data.workspace import Workspace

SCHEDULES, RACES, STOCK = 150, 1000, 20
CUSTOMERS, FAULTS = 6, 4
SECONDS = 5.0
"""Within which a schedule's customers, agent and faults act."""

QUIET_SECONDS = 90.0
"""By then everything has healed and every message has its outcome."""

LINES = (
    "hello",
    "where is my order?",
    "NT-104021",
    "samir.clarke@example.com",
    "how long does delivery take?",
    "thanks",
    "i want to return something",
    "never mind",
    "asdkjh qwe",
    "are you a robot?",
)
COUNT = SHOP.parent / "invariants.json"


@dataclass
class Customer:
    """Says its lines in order, each until it is acknowledged, over as many connections as it takes.

    Attributes:
        lines: (client id, text), in order.
        pauses: Seconds before each.
        again: How often a line is sent a second time although it was acknowledged.
        history: What it was told.
    """

    lines: list[tuple[str, str]]
    pauses: list[float]
    again: float
    history: History = field(default_factory=lambda: History(""))
    keys: dict[str, str] = field(default_factory=dict)

    async def run(self, address: str, chance: random.Random) -> None:
        """Talks until all is acknowledged."""
        shown: list[tuple[int, str, str]] = []
        self.history.shown.append(shown)
        waiting = list(zip(self.lines, self.pauses, strict=True))
        while waiting:
            try:
                await self._connected(address, waiting, shown, chance)
            except (OSError, WebSocketException, asyncio.TimeoutError, EOFError):
                await asyncio.sleep(0.1)

    async def _connected(
        self,
        address: str,
        waiting: list[tuple[tuple[str, str], float]],
        shown: list[tuple[int, str, str]],
        chance: random.Random,
    ) -> None:
        last = shown[-1][0] if shown else 0
        resume: dict[str, Any] = {**self.keys, "last_seq": last} if self.keys else {}
        async with widget(address, **resume) as (one, welcome):
            if self.keys and welcome["conversation"] != self.keys["conversation"]:
                raise RuntimeError(f"conversation {self.keys['conversation']} was refused")
            self.keys = {name: welcome[name] for name in ("conversation", "token")}
            self.history.conversation = welcome["conversation"]
            while waiting:
                (client_id, text), pause = waiting[0]
                await self._read(one, shown, seconds=pause)
                self.history.sent[client_id] = text
                for _ in range(1 + (chance.random() < self.again)):
                    await one.say(type="send", client_id=client_id, text=text)
                await self._read(one, shown, until=client_id)
                waiting.pop(0)
            await self._read(one, shown, seconds=0.5)

    async def _read(
        self, one: Any, shown: list[tuple[int, str, str]], *, seconds: float = 10.0, until: str | None = None
    ) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                frame = json.loads(await asyncio.wait_for(one.socket.recv(), left))
            except asyncio.TimeoutError:
                break
            if frame["type"] == "entry":
                shown.append((frame["seq"], frame["kind"], frame["text"]))
            elif frame["type"] == "ack":
                self.history.acknowledged.setdefault(frame["client_id"], frame["seq"])
                if self.history.acknowledged[frame["client_id"]] != frame["seq"]:
                    raise RuntimeError(f"{frame['client_id']} was acknowledged under two numbers")
                if frame["client_id"] == until:
                    return
        if until is not None:
            raise asyncio.TimeoutError


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Runs the schedules, the races and the peer; ``quick`` runs a tenth of each."""
    shop = learned_shop()
    part = 10 if quick else 1
    if only is not None and only.isdecimal():
        _report(asyncio.run(_schedules(shop, [int(only)])))
        return
    if only not in (None, "schedules", "races", "stock"):
        raise CannotRun(f"--only {only}: expected a seed, schedules, races or stock")
    if only in (None, "schedules"):
        _figure_schedules(printer, shop, SCHEDULES // part)
    if only in (None, "races"):
        began = time.monotonic()
        late = asyncio.run(_races(shop, RACES // part))
        printer.figure("replies_after_takeover", late, n=RACES // part, seconds=time.monotonic() - began)
    if only in (None, "stock"):
        began = time.monotonic()
        wrong = asyncio.run(stock_violations(shop, STOCK, LINES))
        _report(wrong)
        printer.figure("stock_violations", len(wrong), n=STOCK, seconds=time.monotonic() - began)


def _figure_schedules(printer: Printer, shop: Workspace, count: int) -> None:
    began = time.monotonic()
    kept = json.loads(COUNT.read_text(encoding="utf-8")) if COUNT.is_file() else {"schedules": 0, "violations": 0}
    wrong = asyncio.run(_schedules(shop, range(kept["schedules"], kept["schedules"] + count)))
    _report(wrong)
    kept = {"schedules": kept["schedules"] + count, "violations": kept["violations"] + len(wrong)}
    write_atomic(COUNT, json.dumps(kept))
    print(f"over all runs: {kept['violations']} violations in {kept['schedules']} schedules", file=sys.stderr)
    printer.figure("violations", len(wrong), n=count, seconds=time.monotonic() - began)


def _report(wrong: Sequence[str]) -> None:
    for line in wrong:
        print(line, file=sys.stderr)


async def _schedules(shop: Workspace, seeds: Sequence[int]) -> list[str]:
    """Runs schedules one after another on one system; what is wrong, with the seed."""
    running = our_server(shop, workers="2")
    server = await asyncio.to_thread(running.__enter__)
    wrong: list[str] = []
    try:
        for done, seed in enumerate(seeds, 1):
            histories = await _schedule(server, seed)
            wrong += [f"seed {seed}: {line}" for line in total(histories)]
            print(f"\r{done} of {len(seeds)} schedules, {len(wrong)} violations ", end="", file=sys.stderr)
    finally:
        print(file=sys.stderr)
        await asyncio.to_thread(running.__exit__, None, None, None)
    return wrong


async def _schedule(server: OurServer, seed: int) -> list[History]:
    chance = random.Random(seed)
    proxy = FaultProxy(server.address)
    address = await proxy.start()
    customers = [_customer(chance, f"{seed}-{number}") for number in range(CUSTOMERS)]
    plan = sorted((chance.uniform(0.2, SECONDS), chance.choice(_KINDS)) for _ in range(FAULTS))
    async with await ConversationLog.open(server.redis_url, patience=60) as log:
        talks = [asyncio.create_task(one.run(address, random.Random(chance.random()))) for one in customers]
        others = [
            asyncio.create_task(_agent(log, customers, random.Random(chance.random()))),
            asyncio.create_task(_faults(server, proxy, plan, random.Random(chance.random()))),
        ]
        await asyncio.wait_for(asyncio.gather(*talks, *others), QUIET_SECONDS)
        await proxy.stop()
        for one in customers:
            await _complete(log, one.history, server.redis_url)
            if one.history.pending:
                await _print_state(log, one.history.conversation, server)
    return [one.history for one in customers]


def _customer(chance: random.Random, name: str) -> Customer:
    count = chance.randint(2, 6)
    lines = [(f"{name}-{turn}", chance.choice(LINES)) for turn in range(count)]
    return Customer(lines, [chance.choice((0.0, 0.05, 0.5, 1.0)) for _ in lines], again=0.2)


_KINDS = (
    "kill worker",
    "kill worker",
    "kill workers",
    "kill actions",
    "kill gateway",
    "kill redis",
    "stop worker",
    "stop gateway",
    "stop redis",
    "cut",
    "cut",
    "slow",
)


async def _faults(
    server: OurServer, proxy: FaultProxy, plan: Sequence[tuple[float, str]], chance: random.Random
) -> None:
    began = time.monotonic()
    for when, kind in plan:
        await asyncio.sleep(max(0.0, began + when - time.monotonic()))
        verb, _, whom = kind.partition(" ")
        if verb == "cut":
            proxy.cut()
        elif verb == "slow":
            proxy.delay = 0.2
            await asyncio.sleep(1.0)
            proxy.delay = 0.0
        else:
            with suppress(psutil.NoSuchProcess, IndexError):  # it is dead already, or has no child yet
                victim = _victim(server, whom, chance)
                await _hit(victim, verb)


def _victim(server: OurServer, whom: str, chance: random.Random) -> psutil.Process:
    if whom == "worker":
        return chance.choice(server.process("worker").children())
    return server.process("worker" if whom == "workers" else whom)


async def _hit(victim: psutil.Process, verb: str) -> None:
    if verb == "kill":
        victim.send_signal(signal.SIGKILL)
        return
    victim.send_signal(signal.SIGSTOP)
    await asyncio.sleep(1.0)
    victim.send_signal(signal.SIGCONT)


async def _agent(log: ConversationLog, customers: Sequence[Customer], chance: random.Random) -> None:
    """Takes two conversations over, says something, and hands one of them back."""
    for _ in range(2):
        await asyncio.sleep(chance.uniform(0.3, 2.0))
        known = [one.history.conversation for one in customers if one.history.conversation]
        if not known:
            continue
        conversation = chance.choice(known)
        with suppress(IllegalMove, Refused, StateUnavailable):
            await log.move(conversation, Move.TAKE, actor="Mia")
            await log.agent_reply(conversation, agent="Mia", client_id=os.urandom(6).hex(), text="I am here.")
            await asyncio.sleep(chance.uniform(0.0, 1.0))
            if chance.random() < 0.6:
                await log.move(conversation, Move.HAND_BACK, actor="Mia")


async def _quiet(log: ConversationLog, conversation: str) -> bool:
    """Waits until every message of a conversation has its outcome; False when that takes too long."""
    end = time.monotonic() + QUIET_SECONDS
    while (info := await log.info(conversation)) is None or info.pending:
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.05)
    return True


async def _complete(log: ConversationLog, history: History, redis_url: str) -> None:
    """Waits until every message has its outcome, then adds the log and the states to a history."""
    history.pending = not await _quiet(log, history.conversation)
    history.log = rows_of(await log.read_all(history.conversation))
    history.hydrated = await _states(history.conversation, redis_url)


async def _print_state(log: ConversationLog, conversation: str, server: OurServer) -> None:
    """Why a message may wait: who lives, and who has claimed what."""
    print(f"\n{conversation} waits: {await log.info(conversation)}", file=sys.stderr)
    for child in server.supervisor.children:
        lived = time.monotonic() - child.started
        print(f"{child.name}: {child.alive=}, {child.restarts=}, started {lived:.0f} s ago", file=sys.stderr)
    print(f"workers: {server.process('worker').children()}", file=sys.stderr)
    redis = log.store.redis
    for shard in range(keys.SHARDS):
        if claimed := await redis.xpending_range(keys.turns(shard), keys.GROUP, min="-", max="+", count=20):
            print(f"claimed in {shard}: {claimed}", file=sys.stderr)
        if rows := await redis.xrange(keys.turns(shard), count=20):
            print(f"queue {shard}: {rows}", file=sys.stderr)


def rows_of(entries: Sequence[Entry]) -> list[Row]:
    """The log as the checker reads it."""
    return [Row(entry.seq, entry.kind, entry.text, entry.data) for entry in entries]


async def _states(conversation: str, redis_url: str) -> tuple[Any, Any]:
    """The dialogue's state by the window and by full replay."""
    from bot.state.hydrate import snapshot
    from bot.state.tracker_store import LogTrackerStore

    store = LogTrackerStore(_domain(), host=redis_url)
    window, full = await store.retrieve(conversation), await store.retrieve_full_tracker(conversation)
    await store.connection.close()
    return tuple(tracker and _seen(snapshot(tracker)) for tracker in (window, full))  # type: ignore[return-value]


@lru_cache(maxsize=1)
def _domain() -> Any:
    from rasa.shared.core.domain import Domain

    return Domain.load(ROOT / "domain.yml")


def _seen(state: dict[str, Any]) -> dict[str, Any]:
    """What predictions see of a state: what once triggered a loop is only kept for its rules' sake."""
    loop = state["loop"]
    return {**state, "loop": loop and {name: value for name, value in loop.items() if name != "trigger_message"}}


async def _races(shop: Workspace, count: int) -> int:
    """An agent takes over while the bot computes, so often; how many bot replies came after the take-over."""
    chance = random.Random(11)
    running = our_server(shop, workers="2")
    server = await asyncio.to_thread(running.__enter__)
    late, overtaken = 0, 0
    try:
        async with await ConversationLog.open(server.redis_url) as log:

            async def race(number: int) -> History:
                history = History(f"race-{number}", sent={"1": LINES[4]})
                await log.accept(history.conversation, client_id="1", text=LINES[4])
                await asyncio.sleep(chance.expovariate(1 / 0.15))
                with suppress(IllegalMove):  # the bot may have handed over by itself
                    await log.move(history.conversation, Move.TAKE, actor="Mia")
                await _settled(log, history)
                return history

            for start in range(0, count, 10):
                for history in await asyncio.gather(*(race(start + i) for i in range(min(10, count - start)))):
                    late += sum(line.startswith("I7", line.index(": ") + 2) for line in violations(history))
                    overtaken += any(row.kind == "suppressed" for row in history.log)
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)
    print(f"races: in {overtaken} of {count} the bot had a reply that was overtaken", file=sys.stderr)
    return late


async def _settled(log: ConversationLog, history: History) -> None:
    if not await _quiet(log, history.conversation):
        raise RuntimeError(f"{history.conversation} has no outcome")
    await asyncio.sleep(0.2)  # a turn that was overtaken may still run
    history.log = rows_of(await log.read_all(history.conversation))
