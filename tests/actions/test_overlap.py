"""The real action server and a shop over HTTP: requests overlap, and a system that is away is told honestly."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx

from data.workspace import PROJECT, Services, Workspace, write_settings
from tests.actions.conftest import MakeShop, a_tracker
from tests.actions.services.reference_shop import KEY, ReferenceShop, served
from tests.conftest import free_port


@contextmanager
def acting(workspace: Workspace, services: Services) -> Iterator[str]:
    """The action server of a workspace; gives its web hook."""
    write_settings(workspace.root, replace(workspace.settings, services=services))
    port = free_port()
    env = {**os.environ, "CARELINE_WORKSPACE": str(workspace.root), "SHOP_KEY": KEY}
    command = [sys.executable, "-W", "ignore", "-m", "actions", "--port", str(port)]
    server = subprocess.Popen(command, cwd=PROJECT, env=env, stderr=subprocess.PIPE, text=True)
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(server.stderr or ()), daemon=True)
    reader.start()
    try:
        wait_until(lambda: is_healthy(port))
        yield f"http://127.0.0.1:{port}/webhook"
    finally:
        server.terminate()
        server.wait(timeout=20)
        reader.join(20)
    assert KEY not in "".join(lines), "the key must be in no log"


def is_healthy(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
    except httpx.HTTPError:
        return False


def wait_until(condition: Any) -> None:
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def ask(url: str, number: str, email: str) -> dict[str, Any]:
    """What Rasa posts for ``action_order_status``, and its answer."""
    tracker = a_tracker(order_number=number, email=email)
    state = {"sender_id": number, "slots": tracker.slots, "latest_message": tracker.latest_message, "paused": False}
    state |= {"events": tracker.events, "followup_action": None, "active_loop": {}, "latest_action_name": None}
    body = {"next_action": "action_order_status", "sender_id": number, "tracker": state, "domain": {}}
    answer: dict[str, Any] = httpx.post(url, json=body, timeout=60).json()
    return answer


def test_two_customers_are_served_at_the_same_time(make_shop: MakeShop) -> None:
    """The shop's system answers neither before it has been asked for both: a blocked loop would never get there."""
    shop, workspace = ReferenceShop(), make_shop()
    shop.faults.extend(["slow", "slow"])
    with served(shop) as url, acting(workspace, Services(url, "SHOP_KEY", 50.0)) as hook, ThreadPoolExecutor() as pool:
        first = pool.submit(ask, hook, "NT-104021", "samir.clarke@example.com")
        second = pool.submit(ask, hook, "NT-104028", "yilmaz.hannah@example.com")
        wait_until(lambda: shop.waiting == 2)
        shop.faults.clear()
        shop.loop.call_soon_threadsafe(shop.released.set)
        said = [done.result(60)["responses"][0]["response"] for done in (first, second)]
    assert said == ["utter_order_shipped", "utter_order_processing"]


def test_a_system_that_is_away_is_told_honestly_and_a_person_takes_over(make_shop: MakeShop) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    with acting(make_shop(), Services(away, "SHOP_KEY", 1.0)) as hook:
        said = ask(hook, "NT-104021", "samir.clarke@example.com")
    assert [reply["response"] for reply in said["responses"]] == ["utter_service_down", "utter_handoff"]
    assert said["events"][-1]["event"] == "pause"
    assert not [e for e in said["events"] if e.get("name") in ("order_number", "email")], "what was collected stays"


def test_a_slow_system_is_not_waited_for_longer_than_the_settings_say(make_shop: MakeShop) -> None:
    shop = ReferenceShop()
    shop.faults.extend(["slow"] * 9)
    with served(shop) as url, acting(make_shop(), Services(url, "SHOP_KEY", 1.0)) as hook:
        began = time.monotonic()
        said = ask(hook, "NT-104021", "samir.clarke@example.com")
        assert time.monotonic() - began < 6.0
    assert said["responses"][0]["response"] == "utter_service_down"
