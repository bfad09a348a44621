"""The peer of bench `turns`: Rasa 3.6 as it comes, with its default pipeline and policies and its own Redis stores.

It gets our domain, rules and stories, our action server, and as NLU examples those of our own NLU files and of the
dataset, whose topics are its one intent `ask`. Its trained model is kept under ``var/bench`` for the next run.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from bench.printer import ROOT
from bot.embedded import find_server
from bot.serve import free_port
from bot.settings import rasa_environment
from data.artifacts import hash_file, hash_json
from data.records import read_rows
from data.schema import IntentExample
from data.workspace import Workspace

MOST_ASKED = 400
"""So many examples of `ask`, spread evenly over the dataset's: DIET's time grows with them."""

START_SECONDS = 240.0

CONFIG: dict[str, Any] = {
    "recipe": "default.v1",
    "assistant_id": "stock",
    "language": "en",
    "pipeline": [
        {"name": "WhitespaceTokenizer"},
        {"name": "RegexFeaturizer"},
        {"name": "LexicalSyntacticFeaturizer"},
        {"name": "CountVectorsFeaturizer"},
        {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
        {"name": "DIETClassifier", "epochs": 100, "constrain_similarities": True},
        {"name": "EntitySynonymMapper"},
        {"name": "ResponseSelector", "epochs": 100, "constrain_similarities": True},
        {"name": "FallbackClassifier", "threshold": 0.3, "ambiguity_threshold": 0.1},
    ],
    "policies": [
        {"name": "MemoizationPolicy"},
        {"name": "RulePolicy"},
        {"name": "UnexpecTEDIntentPolicy", "max_history": 5, "epochs": 100},
        {"name": "TEDPolicy", "max_history": 5, "epochs": 100, "constrain_similarities": True},
    ],
}
"""What ``rasa init`` of 3.6 suggests in its comments and uses when nothing is configured."""

_DETAILS = """
  - intent: inform
    examples: |
      - [NT-104203](order_number)
      - it is [NT-104210](order_number)
      - my order number is [NT-104217](order_number)
      - [anna.meier@example.com](email)
      - my address is [li.wei@example.org](email)
"""
"""Its entity extractor learns from examples; ours needs none."""


def stock_model(workspace: Workspace, folder: Path) -> Path:
    """Trains the peer, or finds it trained.

    Args:
        workspace: Whose dataset gives the examples of `ask`.
        folder: Where models are kept.

    Returns:
        ``model.tar.gz``.
    """
    project = folder / "project"
    shutil.rmtree(project, ignore_errors=True)
    (project / "data").mkdir(parents=True)
    for source in (ROOT / "data" / "rasa").glob("*.yml"):
        shutil.copy(source, project / "data" / source.name)
    shutil.copy(ROOT / "domain.yml", project)
    (project / "config.yml").write_text(yaml.safe_dump(CONFIG, sort_keys=False), encoding="utf-8")
    (project / "data" / "asked.yml").write_text(_asked(workspace), encoding="utf-8")
    inputs = sorted(path for path in project.rglob("*") if path.is_file())
    key = hash_json([hash_file(path) for path in inputs])
    model = folder / f"stock-{key}.tar.gz"
    if not model.is_file():
        print(f"training stock Rasa into {model.relative_to(ROOT)} (minutes; kept)", file=sys.stderr)
        command = [sys.executable, "-m", "rasa", "train", "--out", str(folder), "--fixed-model-name", model.name[:-7]]
        subprocess.run(command, cwd=project, env=rasa_environment(), check=True, stdout=sys.stderr)
    return model


def _asked(workspace: Workspace) -> str:
    rows = [
        " ".join(row.text.split())
        for row in read_rows(workspace.live_dataset().intents, IntentExample)
        if row.kind == "topic" and row.split == "train" and row.language == "en" and not set(row.text) & set("[]{}")
    ]
    chosen = rows[:: max(1, len(rows) // MOST_ASKED)]
    lines = "".join(f"      - {row}\n" for row in dict.fromkeys(chosen))
    return f'version: "3.1"\nnlu:\n  - intent: ask\n    examples: |\n{lines}{_DETAILS}'


@contextmanager
def tcp_redis(folder: Path) -> Iterator[int]:
    """A server on loopback with the same durability as our embedded one: the stock stores know no unix sockets.

    Yields:
        Its port.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port(0)
    options = ["--port", str(port), "--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync", "always"]
    with (folder / "redis.log").open("wb") as log:
        server = subprocess.Popen([find_server(), *options, "--dir", str(folder), "--save", ""], stdout=log)
    try:
        _wait(partial(_connect, port), server)
        yield port
    finally:
        server.terminate()
        server.wait(20)


@contextmanager
def stock_server(model: Path, folder: Path, *, redis_port: int, actions_url: str) -> Iterator[tuple[str, int]]:
    """``rasa run`` with the REST channel.

    Yields:
        ``HOST:PORT`` and its process id.
    """
    port = free_port(0)
    store = {"type": "redis", "url": "127.0.0.1", "port": redis_port, "db": 0}
    endpoints = {
        "action_endpoint": {"url": actions_url},
        "tracker_store": store,
        "lock_store": {**store, "db": 1},
    }
    (folder / "endpoints.yml").write_text(yaml.safe_dump(endpoints), encoding="utf-8")
    (folder / "credentials.yml").write_text("rest:\n", encoding="utf-8")
    command = [sys.executable, "-m", "rasa", "run", "--model", str(model), "--port", str(port), "-i", "127.0.0.1"]
    command += [
        "--enable-api",
        "--endpoints",
        str(folder / "endpoints.yml"),
        "--credentials",
        str(folder / "credentials.yml"),
    ]
    with (folder / "rasa.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=rasa_environment(), stdout=log, stderr=log)
    try:
        _wait(partial(_get, f"http://127.0.0.1:{port}/"), server)
        yield f"127.0.0.1:{port}", server.pid
    finally:
        server.terminate()
        server.wait(30)


@contextmanager
def action_server(workspace: Workspace, folder: Path) -> Iterator[tuple[str, int]]:
    """Our action server.

    Yields:
        Its web hook and its process id.
    """
    port = free_port(0)
    environ = {**os.environ, "CARELINE_WORKSPACE": str(workspace.root), "PYTHONWARNINGS": "ignore"}
    with (folder / "actions.log").open("wb") as log:
        command = [sys.executable, "-m", "actions", "--port", str(port)]
        server = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
    try:
        _wait(partial(_get, f"http://127.0.0.1:{port}/health"), server)
        yield f"http://127.0.0.1:{port}/webhook", server.pid
    finally:
        server.terminate()
        server.wait(20)


def _wait(reach: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    """Waits until what a process serves can be reached.

    Raises:
        RuntimeError: It ended, or took too long.
    """
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            reach()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{process.args!r} is not ready: exit code {process.poll()}") from None
            time.sleep(0.1)


def _connect(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), 1).close()


def _get(url: str) -> None:
    urllib.request.urlopen(url, timeout=2).close()
