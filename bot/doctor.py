"""`careline doctor`: what is installed and reachable, and which versions are live."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

from bot.embedded import answers, find_server, redis_address, server_version, socket_path
from bot.serve import check_port
from bot.settings import BotSettings
from bot.users import list_users
from data.errors import InputError
from data.workspace import PROJECT, Workspace

if TYPE_CHECKING:
    from bot.state.store import Store

PACKAGES = ("rasa", "rasa-sdk", "redis", "faiss-cpu", "onnxruntime", "torch", "sentence-transformers", "starlette")
NEEDED_GB = 2.0
"""Free space below which learning may not finish."""

STORES = ("LogTrackerStore", "LeaseLockStore")
_STORES_PROGRAM = """
from rasa.core.lock_store import LockStore
from rasa.core.tracker_store import TrackerStore
from bot.state.lock_store import LeaseLockStore
from bot.state.tracker_store import LogTrackerStore
if not (issubclass(LogTrackerStore, TrackerStore) and issubclass(LeaseLockStore, LockStore)):
    raise SystemExit("the stores are not of Rasa's kinds")
"""
_BASE_PROGRAM = """
from finetune.encoder import PINNED, find_base
print(", ".join(find_base(name).name for name in PINNED))
"""


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        name: What.
        ok: Whether the bot can work with it.
        found: What there is.
        next_step: What to do when it is not ok.
    """

    name: str
    ok: bool
    found: str
    next_step: str = ""


def examine(settings: BotSettings, workspace: Workspace) -> list[Finding]:
    """Looks at everything; a look that fails is a finding, too."""
    looks: list[Callable[[], Iterator[Finding]]] = [
        _python,
        _packages,
        _days,
        lambda: _disk(workspace),
        lambda: _redis(settings, workspace),
        _stores,
        lambda: _live(workspace),
        lambda: _orders(workspace),
        _base_model,
        lambda: _port(settings, workspace),
        lambda: _users(workspace),
        _web,
    ]
    findings: list[Finding] = []
    for look in looks:
        try:
            findings += look()
        except InputError as error:
            findings.append(Finding(error.thing, False, f"{error.got}; expected {error.expected}", error.next_step))
    return findings


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    right = sys.version_info[:2] == (3, 10)
    yield Finding("python", right, version, "Rasa 3.6 needs Python 3.10: run `make setup`.")


def _packages() -> Iterator[Finding]:
    for name in PACKAGES:
        try:
            yield Finding(name, True, metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Finding(name, False, "not installed", "Run `make setup`.")


def _days() -> Iterator[Finding]:
    """What reads dates and amounts has wheels for two kinds of machines; elsewhere the bot serves without."""
    try:
        found = f"Duckling, pyduckling-native-phihos {metadata.version('pyduckling-native-phihos')}"
    except metadata.PackageNotFoundError:
        found = "no Duckling for this machine: the bot finds no dates and no amounts of money"
    yield Finding("dates", True, found)


def _disk(workspace: Workspace) -> Iterator[Finding]:
    free = shutil.disk_usage(workspace.root).free / 1e9
    yield Finding("disk", free >= NEEDED_GB, f"{free:.1f} GB free", f"Free {NEEDED_GB:.0f} GB for learning.")


def _redis(settings: BotSettings, workspace: Workspace) -> Iterator[Finding]:
    if settings.redis_url is None:
        binary = find_server()
        version = ".".join(map(str, server_version(binary)))
        runs = "running" if answers(socket_path(workspace)) else "started by `careline serve`"
        yield Finding("redis", True, f"embedded {binary.name} {version}, appendfsync always, {runs}")
        return
    yield from asyncio.run(_external_redis(redis_address(workspace, settings.redis_url)))


async def _external_redis(address: str) -> list[Finding]:
    """Every server that REDIS_URL leads to: one, or all nodes of a Cluster."""
    from bot.state.entry import StateError
    from bot.state.log import ConversationLog

    try:
        async with await ConversationLog.open(address, patience=3) as log:
            if not log.store.spread:
                return [await _server(log.store, log.store.redis, "redis")]
            found = []
            for node in log.store.redis.get_nodes():
                client = log.store.servers.node_client(node.host, node.port)
                found.append(await _server(log.store, client, f"redis {node.host}:{node.port}"))
                await log.store.leave(client)
            return found
    except StateError as error:
        return [Finding("redis", False, str(error), "Start it, or unset REDIS_URL for the embedded one.")]


async def _server(store: Store, client: Any, name: str) -> Finding:
    """Version, role, how it keeps what it acknowledged, and what it does when its memory is full."""
    from bot.state.entry import StateError

    info = await store.retry(client.info)
    version = info.get("valkey_version") or info.get("redis_version", "?")
    try:
        kept = await store.retry(lambda: client.config_get("append*"))
    except StateError:
        kept = {}  # hosted servers do not tell
    sync = kept.get("appendfsync", "unknown") if kept.get("appendonly", "yes") == "yes" else "no append-only file"
    policy = str(info.get("maxmemory_policy", "unknown"))
    hint = "" if sync == "always" else "; acknowledged messages may be lost when it is killed"
    found = f"REDIS_URL, version {version}, {info.get('role', '?')}, appendfsync {sync}, eviction {policy}{hint}"
    keeps_all = policy in ("noeviction", "unknown")
    return Finding(name, keeps_all, found, "Set maxmemory-policy noeviction: others throw conversations away.")


def _stores() -> Iterator[Finding]:
    """Rasa replaces a store that it cannot import by one in memory, silently: look at the classes themselves."""
    good, last = _ask(_STORES_PROGRAM)
    yield Finding("stores", good, ", ".join(STORES) if good else last, "Run `make setup`; see endpoints.yml.")


def _orders(workspace: Workspace) -> Iterator[Finding]:
    """Which order service there is; asked as actions do, in their own process."""
    command = [sys.executable, "-W", "ignore", "-m", "actions.services.look"]
    env = {**os.environ, "CARELINE_WORKSPACE": str(workspace.root)}
    done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, check=False)
    said = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines() or ["no word"]
    yield Finding("orders", done.returncode == 0, said[-1], "Look at [services] in careline.toml.")


def _base_model() -> Iterator[Finding]:
    """The packaged base models have the weights that they must have; looked at as training does."""
    good, last = _ask(_BASE_PROGRAM)
    yield Finding("base model", good, f"{last}, SHA-256 as pinned" if good else last, "Run `make setup`.")


def _ask(program: str) -> tuple[bool, str]:
    """Runs a few lines in a process of their own (other packages, heavy imports): (success, last line said)."""
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    said = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines() or ["no word"]
    return done.returncode == 0, said[-1]


def _live(workspace: Workspace) -> Iterator[Finding]:
    from data.artifacts import load_manifest

    live = workspace.live()
    for kind in ("dataset", "model", "index", "rasa"):
        key = getattr(live, kind)
        manifest = load_manifest(workspace.folder(kind) / key, kind=kind)
        yield Finding(f"live {kind}", True, f"{key}, made {manifest.created}, files verified")


def _port(settings: BotSettings, workspace: Workspace) -> Iterator[Finding]:
    web = workspace.settings.web
    port = settings.port or web.port
    try:
        check_port(web.host, port)
    except InputError as error:
        yield Finding("port", True, f"{port}: {error.got} (by `careline serve`, or choose another with --port)")
    else:
        yield Finding("port", True, f"{port} is free on {web.host}")


def _users(workspace: Workspace) -> Iterator[Finding]:
    users = list_users(workspace)
    found = ", ".join(f"{user.name} ({user.role})" for user in users)
    yield Finding("agents", True, found or "nobody may sign in yet: `careline users add NAME`")


def _web() -> Iterator[Finding]:
    built = (PROJECT / "web" / "dist" / "widget.js").is_file()
    yield Finding("web pages", built, "built" if built else "not built", "Run `make setup`.")
