"""Who may sign in to the agent page: `var/users.json` of a workspace, passwords as Argon2 hashes."""

from __future__ import annotations

import fcntl
import json
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

from data.artifacts import write_atomic
from data.errors import InputError

if TYPE_CHECKING:
    from data.workspace import Workspace

Role = Literal["agent", "lead", "admin"]
"""An agent answers conversations; a lead may also switch the bot; an admin may do all that changes it."""

SHORTEST_PASSWORD = 8
_NAME = re.compile(r"[\w][\w.@+-]{0,59}")


@dataclass(frozen=True)
class User:
    """A person who may sign in.

    Attributes:
        name: Shown to customers as the author of replies.
        role: What they may do.
        hash: Argon2id, with its parameters and salt.
        created: Unix seconds.
    """

    name: str
    role: Role
    hash: str
    created: float


def list_users(workspace: Workspace) -> list[User]:
    """All users by name.

    Raises:
        InputError: The file is not what `careline users` writes.
    """
    return sorted(_read(_file(workspace)).values(), key=lambda user: user.name)


def add_user(workspace: Workspace, name: str, *, password: str, role: Role = "agent", replace: bool = False) -> User:
    """Adds a user, or changes one with ``replace``.

    Args:
        workspace: Whose agent page.
        name: Letters, digits and ``. @ + - _``, at most 60.
        password: At least ``SHORTEST_PASSWORD`` characters.
        role: What the person may do.
        replace: Whether a user of that name is changed instead of refused. Signed-in sessions of theirs end.

    Raises:
        InputError: A bad name, role or password, or a name that is taken.
    """
    _check(name, password, role)
    with _changing(workspace) as users:
        if name in users and not replace:
            raise InputError(
                f"user {name}", got="a name that is taken", expected="a new name", next_step="Choose another name."
            )
        users[name] = User(name, role, _hash(password), round(time.time(), 3))
        return users[name]


def remove_user(workspace: Workspace, name: str) -> None:
    """Removes a user; their sessions end at the next request.

    Raises:
        InputError: There is no such user.
    """
    with _changing(workspace) as users:
        if name not in users:
            raise InputError(
                f"user {name}",
                got="no such user",
                expected=f"one of {', '.join(sorted(users)) or 'none yet'}",
                next_step="See `careline users list`.",
            )
        del users[name]


def new_password() -> str:
    """A random password of 16 characters that can be read out."""
    return secrets.token_urlsafe(12)


class UserBook:
    """The users as a serving process sees them: read again when the file changes."""

    def __init__(self, workspace: Workspace) -> None:
        self._path = _file(workspace)
        self._stamp: tuple[int, int] | None = None
        self._users: dict[str, User] = {}
        self._decoy = ""

    def find(self, name: str) -> User | None:
        """The user of that name, or None."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        stamp = (status.st_mtime_ns, status.st_ino)
        if stamp != self._stamp:
            self._users, self._stamp = _read(self._path), stamp
        return self._users.get(name)

    def verify(self, name: str, password: str) -> User | None:
        """The user if the password is theirs. Takes some 50 ms, also for a name that does not exist."""
        from argon2 import PasswordHasher
        from argon2.exceptions import Argon2Error, InvalidHashError

        user = self.find(name)
        if user is None and not self._decoy:
            self._decoy = _hash(new_password())
        try:
            PasswordHasher().verify(user.hash if user else self._decoy, password)
        except (Argon2Error, InvalidHashError):
            return None
        return user


def _check(name: str, password: str, role: str) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(
            "user name",
            got=repr(name[:60]),
            expected="letters, digits and . @ + - _, at most 60",
            next_step="Choose another name.",
        )
    if role not in get_args(Role):
        raise InputError("--role", got=repr(role), expected="agent, lead or admin", next_step="Correct it.")
    if len(password) < SHORTEST_PASSWORD:
        raise InputError(
            "password",
            got=f"{len(password)} characters",
            expected=f"at least {SHORTEST_PASSWORD}",
            next_step="Choose a longer one.",
        )


def _hash(password: str) -> str:
    from argon2 import PasswordHasher

    return PasswordHasher().hash(password)


def _file(workspace: Workspace) -> Path:
    return workspace.var / "users.json"


def _read(path: Path) -> dict[str, User]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {row["name"]: User(**row) for row in rows}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            str(path),
            got=f"unreadable ({error})",
            expected="what `careline users` writes",
            next_step="Remove the file and add the users again.",
        ) from error


@contextmanager
def _changing(workspace: Workspace) -> Iterator[dict[str, User]]:
    """Yields the users to change; written whole, readable by the owner only, one writer at a time."""
    path = _file(workspace)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        users = _read(path)
        yield users
        rows = [asdict(user) for user in users.values()]
        write_atomic(path, json.dumps(rows, indent=2, ensure_ascii=False) + "\n", mode=0o600)


def as_role(text: str) -> Role:
    """A role from the command line; checked when the user is added."""
    return cast(Role, text)
