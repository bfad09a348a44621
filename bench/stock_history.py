"""Stock Rasa before the checker of bench `invariants`: clients whose connection is cut send again, as clients do."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Sequence

import aiohttp

from bench import stock_rasa
from bench.fault_proxy import FaultProxy
from bench.history import History, Row, violations
from bench.our_server import SHOP
from data.workspace import Workspace


async def stock_violations(shop: Workspace, count: int, lines: Sequence[str]) -> list[str]:
    """What is wrong with stock Rasa behind the same proxy.

    Args:
        shop: Whose examples and actions it gets.
        count: Schedules, each three messages in one conversation.
        lines: What may be said.
    """
    folder = SHOP.parent / "stock"
    model = stock_rasa.stock_model(shop, folder)
    wrong: list[str] = []
    with (
        stock_rasa.tcp_redis(folder / "redis") as redis_port,
        stock_rasa.action_server(shop, folder) as (actions_url, _),
        stock_rasa.stock_server(model, folder, redis_port=redis_port, actions_url=actions_url) as (address, _),
    ):
        for seed in range(count):
            history = await _schedule(address, seed, lines)
            wrong += [f"stock, seed {seed}: {line}" for line in violations(history)]
    return wrong


async def _schedule(address: str, seed: int, lines: Sequence[str]) -> History:
    chance, proxy = random.Random(seed), FaultProxy(address)
    url = f"http://{await proxy.start()}/webhooks/rest/webhook"
    history = History(f"stock-{seed}-{os.urandom(3).hex()}")
    async with aiohttp.ClientSession() as session:
        for number in range(3):
            client_id, text = str(number), f"{chance.choice(lines)} {seed}.{number}"
            history.sent[client_id] = text
            body = {"sender": history.conversation, "message": text}
            sending = asyncio.create_task(_post(session, url, body))
            await asyncio.sleep(chance.uniform(0.005, 0.03))
            proxy.cut()
            if not await sending:
                await _post(session, url, body)
        await proxy.stop()
        await asyncio.sleep(1.0)
    history.log = await _log(address, history)
    return history


async def _post(session: aiohttp.ClientSession, url: str, body: dict[str, str]) -> bool:
    try:
        async with session.post(url, json=body) as answer:
            await answer.json()
            return True
    except (aiohttp.ClientError, OSError):
        return False


async def _log(address: str, history: History) -> list[Row]:
    """What its tracker holds: each user event as a customer's row under the id of the text that was sent."""
    ids = {text: client_id for client_id, text in history.sent.items()}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{address}/conversations/{history.conversation}/tracker?include_events=ALL") as answer,
    ):
        answer.raise_for_status()
        events = (await answer.json())["events"]
    rows: list[Row] = []
    for event in events:
        if event["event"] == "user":
            text = event["text"]
            rows.append(Row(len(rows) + 1, "customer", text, {"client_id": ids.get(text)}))
            rows.append(Row(len(rows) + 1, "turn", data={"answers": len(rows)}))
    return rows
