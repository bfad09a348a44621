"""Bench `turns`: a whole turn through gateway, worker, actions and Redis, beside stock Rasa 3.6.21.

The peer (``bench/stock_rasa.py``) gets the same domain, rules, stories and action server, NLU examples of our dataset,
and a Redis with the same durability. The same client says the same twelve lines to both (``bench/chat_load.py``), on
the same machine in the same run. ``--only`` is ``stock``, ``long``, ``start``, ``workers`` or ``burst``.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import numpy as np
import psutil
from aiohttp import web
from numpy.typing import NDArray

from bench import stock_rasa
from bench.chat_load import Door, Load, RestDoor, WidgetDoor, load, long_talk
from bench.our_server import SHOP, OurServer, cpu_seconds, learned_shop, our_server
from bench.printer import ROOT, Printer
from bot.gateway.testing import widget
from bot.serve import free_port
from bot.state.store import Store
from bot.supervise import Child, ProcessChild
from data.workspace import Workspace

Floats = NDArray[np.float64]

CROWD = 50
LOAD_SECONDS = 40.0
LONG_TURNS, LONG_TALKS = 506, 4
EARLY, LATE = slice(2, 11), slice(495, 504)
"""Turns 3 to 11, and 496 to 504: nine each, since one turn is one sample."""
LONG_LINES = ("hello", "thanks", "are you a robot?")
BURST = 5
ACTION_SECONDS = 0.1
QUESTION = "how long does delivery take?"


@dataclass(frozen=True)
class Measured:
    """Ours or the peer's under load: one client, then a crowd.

    Attributes:
        alone: One client.
        crowd: ``CROWD`` clients.
        cpu: Seconds of processor a turn, under the crowd, of all processes.
    """

    alone: Load
    crowd: Load
    cpu: float


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``quick`` loads for a quarter of the time and talks one long conversation instead of four."""
    shop = learned_shop()
    seconds = LOAD_SECONDS / 4 if quick else LOAD_SECONDS
    if quick:
        print(f"quick: {seconds:.0f} s of load each, one long conversation", file=sys.stderr)
    if only in (None, "stock"):
        _beside_stock(printer, shop, seconds)
    if only in (None, "long"):
        _long(printer, shop, 1 if quick else LONG_TALKS)
    if only in (None, "start"):
        _start(printer, shop)
    if only in (None, "workers"):
        _workers(printer, shop, seconds)
    if only in (None, "burst"):
        _burst(printer, shop)


def _beside_stock(printer: Printer, shop: Workspace, seconds: float) -> None:
    began = time.monotonic()
    with our_server(shop) as server:
        ours = asyncio.run(_under_load(WidgetDoor(server.address), server.cpu_seconds, seconds))
    folder = SHOP.parent / "stock"
    model = stock_rasa.stock_model(shop, folder)
    with (
        stock_rasa.tcp_redis(folder / "redis") as redis_port,
        stock_rasa.action_server(shop, folder) as (actions_url, actions_pid),
        stock_rasa.stock_server(model, folder, redis_port=redis_port, actions_url=actions_url) as (address, pid),
    ):

        def cpu() -> float:
            return cpu_seconds(psutil.Process(pid)) + cpu_seconds(psutil.Process(actions_pid))

        stock = asyncio.run(_under_load(RestDoor(address), cpu, seconds))
    _tell("ours", ours)
    _tell("stock Rasa", stock)
    peer, took = "stock Rasa 3.6.21", time.monotonic() - began
    printer.figure(
        "throughput_over_stock",
        ours.crowd.rate / stock.crowd.rate,
        n=ours.crowd.turns + stock.crowd.turns,
        seconds=took,
        peer=f"{peer}, turns/s",
        peer_value=stock.crowd.rate,
    )
    for name, share in (("p50_over_stock", 0.5), ("p95_over_stock", 0.95)):
        value, theirs = ours.alone.quantile(share), stock.alone.quantile(share)
        printer.figure(
            name, value / theirs, n=ours.alone.turns, seconds=took, peer=f"{peer}, ms", peer_value=theirs * 1e3
        )


async def _under_load(door: Door, cpu: Callable[[], float], seconds: float) -> Measured:
    await load(door, clients=1, seconds=3.0)  # first turns load what is loaded late
    alone = await load(door, clients=1, seconds=seconds / 2)
    await load(door, clients=CROWD, seconds=3.0)
    before = cpu()
    crowd = await load(door, clients=CROWD, seconds=seconds)
    return Measured(alone, crowd, (cpu() - before) / crowd.turns)


def _tell(who: str, measured: Measured) -> None:
    alone, crowd = measured.alone, measured.crowd
    print(
        f"{who}: {alone.rate:.1f} turns/s alone (p50 {alone.quantile(0.5) * 1e3:.0f} ms, "
        f"p95 {alone.quantile(0.95) * 1e3:.0f} ms), {crowd.rate:.1f} turns/s with {CROWD} clients "
        f"(p50 {crowd.quantile(0.5) * 1e3:.0f} ms, p95 {crowd.quantile(0.95) * 1e3:.0f} ms), "
        f"{measured.cpu * 1e3:.1f} ms of processor a turn",
        file=sys.stderr,
    )


def _long(printer: Printer, shop: Workspace, talks: int) -> None:
    began = time.monotonic()
    with our_server(shop) as server:
        times, traffic = asyncio.run(_long_talks(server, talks))
    early = float(np.median(np.concatenate([row[EARLY] for row in times])))
    late = float(np.median(np.concatenate([row[LATE] for row in times])))
    print(
        f"long: {early * 1e3:.1f} ms at turn 5, {late * 1e3:.1f} ms at turn 500; "
        f"{traffic[0] / 1e3:.1f} and {traffic[1] / 1e3:.1f} kB through Redis a turn",
        file=sys.stderr,
    )
    took, n = time.monotonic() - began, talks * 9
    printer.figure("turn500_over_turn5", late / early, n=n, seconds=took)
    printer.figure("bytes500_over_bytes5", traffic[1] / traffic[0], n=n, seconds=took)


async def _long_talks(server: OurServer, talks: int) -> tuple[list[Floats], tuple[float, float]]:
    """Seconds of each turn of each talk; bytes through Redis a turn, early and late, less what flows at rest."""
    door, store = WidgetDoor(server.address), Store(server.redis_url)

    async def through() -> tuple[float, float]:
        stats = await store.redis.info("stats")
        return float(stats["total_net_input_bytes"] + stats["total_net_output_bytes"]), time.monotonic()

    async def rate(lines: int, at: int) -> float:
        """Bytes a turn over as many turns of one conversation that has ``at`` turns already."""
        async with door.talk() as talk:
            for turn in range(at):
                await talk.rest()
                await talk.say(LONG_LINES[turn % len(LONG_LINES)])
            before = await through()
            for turn in range(lines):
                await talk.rest()
                await talk.say(LONG_LINES[turn % len(LONG_LINES)])
            after = await through()
        return (after[0] - before[0] - at_rest * (after[1] - before[1])) / lines

    await long_talk(door, turns=6, lines=LONG_LINES)
    start = await through()
    await asyncio.sleep(5)
    end = await through()
    at_rest = (end[0] - start[0]) / (end[1] - start[1])
    traffic = (await rate(30, 6), await rate(30, 485))  # thirty turns, a multiple of the lines
    times = [np.array(await long_talk(door, turns=LONG_TURNS, lines=LONG_LINES)) for _ in range(talks)]
    await store.close()
    return times, traffic


def _start(printer: Printer, shop: Workspace) -> None:
    """From `careline serve` in a cold shell to the first reply; the message waits for the worker."""
    port, times = free_port(0), []
    command = [sys.executable, "careline.py", "serve", "--workspace", str(shop.root), "--port", str(port)]
    for _ in range(3):
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            asyncio.run(_first_reply(f"127.0.0.1:{port}", began))
            times.append(time.monotonic() - began)
        finally:
            process.terminate()
            process.wait(60)
    print(f"start: {', '.join(f'{seconds:.1f}' for seconds in times)} s", file=sys.stderr)
    printer.figure("first_turn", float(np.median(times)), n=len(times), seconds=sum(times))


async def _first_reply(address: str, began: float) -> None:
    while time.monotonic() - began < 120:
        try:
            async with WidgetDoor(address).talk() as talk:
                await talk.say(QUESTION)
                return
        except OSError:
            await asyncio.sleep(0.05)  # nothing listens yet
    raise RuntimeError("careline serve gave no answer within 120 s")


def _workers(printer: Printer, shop: Workspace, seconds: float) -> None:
    rates, cpus = [], []
    began = time.monotonic()
    for workers in ("1", "2"):
        with our_server(shop, workers=workers) as server:
            measured = asyncio.run(_under_load(WidgetDoor(server.address), server.cpu_seconds, seconds))
            _tell(f"{workers} worker(s)", measured)
            rates.append(measured.crowd.rate)
            cpus.append(measured.cpu)
            if workers == "2":
                memory = _memory(server)
    took = time.monotonic() - began
    printer.figure("worker_memory", memory, n=1, seconds=took)
    printer.figure("two_workers", rates[1] / rates[0], n=2, seconds=took)
    printer.figure("cpu_per_turn_2_over_1", cpus[1] / cpus[0], n=2, seconds=took)


def _memory(server: OurServer) -> float:
    """MB: proportional share of parent and two workers, over two."""
    parent = server.process("worker")
    family = [parent, *parent.children()]
    parts = [one.memory_full_info().pss / 1e6 for one in family]
    print(f"memory: {', '.join(f'{part:.0f}' for part in parts)} MB (parent, workers)", file=sys.stderr)
    return sum(parts) / 2


def _burst(printer: Printer, shop: Workspace) -> None:
    times = asyncio.run(_bursts(shop))
    print(f"burst: {', '.join(f'{seconds:.2f}' for seconds in times)} s", file=sys.stderr)
    printer.figure("burst_of_five", float(np.median(times)), n=len(times), seconds=sum(times))


async def _bursts(shop: Workspace) -> list[float]:
    """Seconds until the last of five questions, sent at once, has its reply; each calls one action of 100 ms."""
    times = []
    async with _slow_actions() as (proxy, ask):

        def change(child: Child) -> None:
            if isinstance(child, ProcessChild) and child.name == "worker":
                ask.append(child.environment["CARELINE_ACTIONS_URL"])
                child.environment["CARELINE_ACTIONS_URL"] = proxy

        running = our_server(shop, change=change)
        server = await asyncio.to_thread(running.__enter__)
        try:
            for _ in range(12):
                times.append(await _one_burst(server.address))
        finally:
            await asyncio.to_thread(running.__exit__, None, None, None)
    return times[2:]


async def _one_burst(address: str) -> float:
    async with widget(address) as (one, _):
        await one.say(type="send", client_id="first", text="hello")
        await one.until(lambda frame: frame["type"] == "entry" and frame["kind"] == "bot")
        began, open_ = time.perf_counter(), set[int]()
        for _ in range(BURST):
            await one.say(type="send", client_id=os.urandom(8).hex(), text=QUESTION)
        answered = 0
        while answered < BURST or open_:
            frame = await one.next()
            if frame["type"] == "ack":
                open_.add(frame["seq"])
            if frame["type"] == "entry" and frame["kind"] == "bot" and frame.get("source"):
                answered += 1
                open_.discard(min(open_, default=0))
        return time.perf_counter() - began


@asynccontextmanager
async def _slow_actions() -> AsyncIterator[tuple[str, list[str]]]:
    """A web hook that waits 100 ms before it passes a call on; the target is appended to the list."""
    target: list[str] = []
    session = aiohttp.ClientSession()

    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        await asyncio.sleep(ACTION_SECONDS)
        async with session.post(target[0], data=body, headers={"Content-Type": "application/json"}) as answer:
            return web.json_response(json.loads(await answer.read()), status=answer.status)

    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/webhook", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", free_port(0))
    await site.start()
    try:
        yield f"{site.name}/webhook", target
    finally:
        await runner.cleanup()
        await session.close()
