"""Bench `learn`: what `careline learn` makes of real logs, and how long a newcomer waits for the first answer."""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from bench.printer import ROOT, CannotRun, Printer
from bench.shared import place_of

SPREADSHEET_CONVERSATIONS = 3000
START_LIMIT = 1800.0
"""Seconds to wait for a server before the bench gives up."""


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``only`` is ``star``, ``demo`` or ``spreadsheet``; ``quick`` leaves the fresh clone and STAR out."""
    if quick:
        print("quick: STAR (half an hour) and the fresh clone (demo_first_answer) are left out", file=sys.stderr)
    wanted = {only} if only else ({"spreadsheet"} if quick else {"star", "demo", "spreadsheet"})
    with tempfile.TemporaryDirectory(prefix="careline-bench-") as folder:
        if "star" in wanted:
            _star(printer, Path(folder))
        if "demo" in wanted:
            _demo(printer, Path(folder))
        if "spreadsheet" in wanted:
            _spreadsheet(printer, Path(folder))


def _learn(workspace: Path, log: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, str(ROOT / "careline.py"), "learn", str(log), "--workspace", str(workspace), "--json"]
    done = subprocess.run([*command, *options], cwd=ROOT, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise CannotRun(f"careline learn {log.name} ended with exit code {done.returncode}; its lines are above")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _star(printer: Printer, folder: Path) -> None:
    workspace = folder / "star"
    workspace.mkdir()
    started = time.monotonic()
    ranking = _learn(workspace, place_of("star.jsonl.gz"))["model"]["ranking"]
    seconds, n = time.monotonic() - started, ranking["n"]
    ours, peer = ranking["systems"]["careline"], ranking["systems"]["tfidf + logistic regression"]
    name = "TF-IDF + logistic regression"
    for system, row in ranking["systems"].items():
        print(f"{system}: R@1 {row['r1']:.3f}, R@5 {row['r5']:.3f}, MRR {row['mrr']:.3f}", file=sys.stderr)
    printer.figure("star_r1", ours["r1"], n=n, seconds=seconds, peer=name, peer_value=peer["r1"])
    printer.figure("star_r5", ours["r5"], n=n, seconds=seconds, peer=name, peer_value=peer["r5"])
    points = 100 * (ours["r1"] - peer["r1"])
    printer.figure("star_r1_over_tfidf", points, n=n, seconds=seconds, peer=name)


def _demo(printer: Printer, folder: Path) -> None:
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    for figure in ("demo_first_answer", "demo_again"):
        started = time.monotonic()
        with _serving(["make", "demo", f"PORT={_free_port()}"], cwd=clone) as address:
            _ask(address, "how long does delivery take?")
            seconds = time.monotonic() - started
        printer.figure(figure, seconds, n=1, seconds=seconds)


def _spreadsheet(printer: Printer, folder: Path) -> None:
    sheet = folder / "tickets.csv"
    _write_spreadsheet(place_of("star.jsonl.gz"), sheet)
    started = time.monotonic()
    shop = folder / "shop"
    careline = [sys.executable, str(ROOT / "careline.py")]
    subprocess.run([*careline, "init", str(shop), "--yes", "--name", "My Shop"], cwd=ROOT, check=True)
    _learn(shop, sheet)
    command = [*careline, "serve", "--workspace", str(shop), "--port", str(_free_port())]
    with _serving(command, cwd=ROOT) as address:
        _ask(address, "I would like to book a hotel room")
    seconds = time.monotonic() - started
    printer.figure("spreadsheet_to_bot", seconds, n=1, seconds=seconds)


def _write_spreadsheet(star: Path, sheet: Path) -> None:
    """Writes the first 3,000 complete conversations as the CSV a help desk would export: a message a row."""
    with gzip.open(star, "rt", encoding="utf-8") as lines, sheet.open("w", newline="", encoding="utf-8") as out:
        table = csv.writer(out)
        table.writerow(["conversation_id", "created_at", "sender", "message"])
        written = 0
        for line in lines:
            row = json.loads(line)
            if row["completion"] != "Complete":
                continue
            for turn in row["turns"]:
                if turn["role"] in ("customer", "agent") and turn.get("text"):
                    when = datetime.fromtimestamp(turn["t"], timezone.utc).isoformat()
                    table.writerow([row["id"], when, turn["role"], turn["text"]])
            written += 1
            if written == SPREADSHEET_CONVERSATIONS:
                return


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _serving(command: list[str], *, cwd: Path) -> Iterator[str]:
    """Starts a server in a process group of its own, waits until it is healthy, stops it with Ctrl-C."""
    port = next(word for word in reversed(command) if word.removeprefix("PORT=").isdigit()).removeprefix("PORT=")
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        _wait_healthy(f"http://127.0.0.1:{port}/healthz", process)
        yield f"127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _wait_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    import httpx

    limit = time.monotonic() + START_LIMIT
    while time.monotonic() < limit:
        if process.poll() is not None:
            raise CannotRun(f"the server ended with exit code {process.returncode}; its lines are above")
        try:
            if httpx.get(url, timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)  # nothing listens yet
    raise CannotRun(f"{url} was not healthy within {START_LIMIT:.0f} s")


def _ask(address: str, question: str) -> dict[str, Any]:
    """Asks through the widget's socket and returns the first entry that the bot wrote after it."""
    return asyncio.run(asyncio.wait_for(_converse(address, question), timeout=120))


async def _converse(address: str, question: str) -> dict[str, Any]:
    from websockets.client import connect

    async with connect(f"ws://{address}/ws/widget", origin=f"http://{address}") as socket:  # type: ignore[arg-type]
        hello = {"type": "hello", "conversation": None, "token": None, "last_seq": 0, "language": "en"}
        await socket.send(json.dumps(hello))
        client_id = str(uuid.uuid4())
        await socket.send(json.dumps({"type": "send", "client_id": client_id, "text": question}))
        asked = None
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if message["type"] == "ack" and message["client_id"] == client_id:
                asked = message["seq"]
            if message["type"] == "entry" and message["kind"] == "bot" and asked and message["seq"] > asked:
                return message
