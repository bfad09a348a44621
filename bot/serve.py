"""`careline serve`: Redis, actions, worker and gateway of a workspace, started in order and kept alive."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.embedded import EmbeddedRedis
from bot.supervise import Child, ChildError, ProcessChild, Supervisor
from data.errors import InputError
from data.workspace import PROJECT, Workspace

if TYPE_CHECKING:
    from rich.console import Console

ACTIONS_PORT = 5055
"""Where ``endpoints.yml`` of the project looks for actions; another free port is taken when it is not free."""

WORKER_READY = b"careline worker: ready"
"""See ``bot.worker.READY``; not imported, since the supervisor stays small."""

Probe = Callable[[ProcessChild], bool]

_QUIET = {
    "RASA_TELEMETRY_ENABLED": "false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # a child forks, answers short texts, or waits: threads that wait for each other would only spin
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"), "1"),
    "HF_HUB_OFFLINE": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONWARNINGS": "ignore",
}


class RedisChild(Child):
    """The embedded server of a workspace.

    Args:
        workspace: Whose conversations.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.server = EmbeddedRedis(workspace)
        super().__init__("redis", log=self.server.folder / "redis.log")

    def launch(self) -> None:
        """See parent."""
        self.server.start()

    def stop(self) -> None:
        """See parent."""
        self.server.stop()

    @property
    def alive(self) -> bool:
        """See parent."""
        return self.server.pid is not None

    def healthy(self) -> bool:
        """See parent; ``launch`` has waited for its answer."""
        return self.alive


def check_port(host: str, port: int) -> None:
    """Refuses a port that cannot be listened on.

    Raises:
        InputError: It is in use, not allowed, or the host is not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except (OSError, OverflowError) as error:
        in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        raise InputError(
            f"port {port}",
            got=f"a port in use on {host}" if in_use else f"{error} on {host}",
            expected="a free port",
            next_step="Stop what uses it, or choose another: `--port 8090` (`make demo PORT=8090`).",
        ) from error


def served_model(workspace: Workspace) -> Path:
    """The Rasa model that serves.

    Raises:
        InputError: Nothing was learned yet, or the file is gone.
    """
    model = workspace.live_rasa()
    if not model.is_file():
        raise InputError(
            str(model), got="no such file", expected="the live Rasa model", next_step="Run `careline learn LOG`."
        )
    return model


def free_port(preferred: int) -> int:
    """The preferred port of loopback if nothing listens there, else any free one."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise InputError("ports", got="none free on 127.0.0.1", expected="one", next_step="Stop some servers.")


def child_environment(
    environ: Mapping[str, str], workspace: Workspace, *, actions_port: int, redis_url: str | None
) -> dict[str, str]:
    """What every child finds in its environment: where the workspace, Redis and actions are, and quiet libraries."""
    environment = {**environ, **_QUIET}
    environment["CARELINE_WORKSPACE"] = str(workspace.root)
    environment["CARELINE_ACTIONS_URL"] = f"http://127.0.0.1:{actions_port}/webhook"
    if redis_url:
        environment["REDIS_URL"] = redis_url
    else:
        environment.pop("REDIS_URL", None)
    return environment


def http_ready(url: str) -> bool:
    """Whether an address answers 200 now."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return int(answer.status) == 200
    except (urllib.error.URLError, OSError):
        return False


def redis_stage(workspace: Workspace, redis_url: str | None) -> list[Child]:
    """The embedded Redis, or nothing where an external one is named."""
    return [] if redis_url else [RedisChild(workspace)]


def actions_child(workspace: Workspace, environment: Mapping[str, str], port: int) -> Child:
    """The action server on loopback."""
    return _child(
        workspace,
        "actions",
        ["actions", "--port", str(port)],
        environment,
        lambda _: http_ready(f"http://127.0.0.1:{port}/health"),
    )


def plan(
    workspace: Workspace,
    environ: Mapping[str, str],
    *,
    host: str,
    port: int,
    redis_url: str | None,
    workers: str = "1",
) -> list[list[Child]]:
    """All children of ``careline serve``, stage by stage.

    Args:
        workspace: What is served.
        environ: Of this process.
        host: Of the gateway.
        port: Of the gateway.
        redis_url: Of an external server, or None.
        workers: As ``bot.workers.Range`` reads it.
    """
    actions_port = free_port(ACTIONS_PORT)
    environment = child_environment(environ, workspace, actions_port=actions_port, redis_url=redis_url)
    name = f"{socket.gethostname()}-{port}"
    seen_from_here = f"http://{_reachable(host)}:{port}/healthz"
    work = ["bot.workers", "--name", name, "--workers", workers]
    gateway = ["bot.gateway", "--host", host, "--port", str(port)]
    return [
        redis_stage(workspace, redis_url),
        [
            actions_child(workspace, environment, actions_port),
            _child(workspace, "gateway", gateway, environment, lambda _: http_ready(seen_from_here)),
            _child(workspace, "worker", work, environment, lambda c: c.said(WORKER_READY)),
        ],
    ]


def _child(
    workspace: Workspace, name: str, module: list[str], environment: Mapping[str, str], probe: Probe
) -> ProcessChild:
    return ProcessChild(
        name,
        [sys.executable, "-m", *module],
        log=workspace.var / "logs" / f"{name}.log",
        environment=environment,
        folder=PROJECT,
        probe=probe,
        start_seconds=180.0,  # importing Rasa takes 5 s, and a minute on a machine that is busy or cold
    )


def _reachable(host: str) -> str:
    """A name under which this machine reaches what listens on ``host``."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"[{host}]" if ":" in host else host


@contextmanager
def only_server(workspace: Workspace) -> Iterator[None]:
    """Keeps a second ``careline serve`` out of the workspace, and finds a full disk before anything is started.

    Raises:
        InputError: Another one is at work.
        OSError: No space is left.
    """
    workspace.var.mkdir(parents=True, exist_ok=True)
    with (workspace.var / "serve.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise InputError(
                str(workspace.root),
                got=f"another `careline serve` at work (process {lock.read().strip() or 'unknown'})",
                expected="one for each workspace",
                next_step="Stop that one first.",
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        probe = workspace.var / ".space"
        try:
            with probe.open("wb") as stream:
                stream.write(bytes(1 << 20))
                stream.flush()
                os.fsync(stream.fileno())
        finally:
            probe.unlink(missing_ok=True)
        yield


def run(supervisor: Supervisor, console: Console, *, when_ready: Callable[[], None]) -> int:
    """Starts everything, calls ``when_ready``, keeps it alive until Ctrl-C or SIGTERM, and stops it in order.

    Returns:
        0, or 1 when a child did not start: its last lines are shown then.
    """
    with _stop_on_signals(supervisor):
        try:
            supervisor.start()
            if not supervisor.stopping.is_set():
                when_ready()
                supervisor.keep()
        except ChildError as error:
            print_failure(console, error)
            return 1
        finally:
            supervisor.stop()
    return 0


def print_failure(console: Console, error: ChildError) -> None:
    """Says which child did not start, and the last lines of its log."""
    console.print(error.child.tail(), style="dim", markup=False, highlight=False, soft_wrap=True)
    console.print(f"careline: {error}", style="red", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _stop_on_signals(supervisor: Supervisor) -> Iterator[None]:
    def stop(_number: int, _frame: object) -> None:
        supervisor.stopping.set()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, stop) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
