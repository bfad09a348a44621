"""Who may do what at the gateway: conversation tokens, agents' sessions, origins, and how often."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from bot.users import User, UserBook
    from data.workspace import Workspace

COOKIE = "careline_agent"
SESSION_SECONDS = 12 * 3600
"""One working day with its breaks."""

_KNOWN_ID = 25
"""Characters of the conversation id of a customer whom the shop knows."""

Clock = Callable[[], float]


def load_secret(workspace: Workspace) -> bytes:
    """The workspace's secret of 32 bytes, made at the first call; only its owner may read the file.

    Losing it signs agents out and makes browsers begin new conversations; nothing stored is lost.
    """
    path = workspace.var / "secret"
    if path.is_file():
        return path.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".secret.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(32))
            stream.flush()
            os.fsync(stream.fileno())
        os.link(draft, path)  # atomic, so that what is there is whole
    except FileExistsError:
        pass  # another process was first
    finally:
        draft.unlink()
    return path.read_bytes()


class Signer:
    """Makes and checks everything that clients hold and the gateway must recognise again.

    Args:
        secret: From ``load_secret``.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def _sign(self, purpose: str, text: str) -> str:
        mac = hmac.new(self._secret, f"{purpose}:{text}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(mac.digest()).decode().rstrip("=")

    def new_conversation(self) -> tuple[str, str]:
        """Id (96 random bits) and token of a conversation that nobody else can name."""
        conversation = secrets.token_urlsafe(12)
        return conversation, self.conversation_token(conversation)

    def conversation_of(self, customer: str) -> str:
        """Id of the conversation that a customer whom the shop knows begins, the same on every device."""
        return "k" + self._sign("customer", customer)[: _KNOWN_ID - 1]

    def known(self, conversation: str) -> bool:
        """Whether it is one of ``conversation_of``: a stranger's id is shorter."""
        return conversation.startswith("k") and len(conversation) == _KNOWN_ID

    def conversation_token(self, conversation: str) -> str:
        """The token that goes with a conversation: nothing of it is stored."""
        return self._sign("conversation", conversation)

    def owns(self, conversation: str, token: str) -> bool:
        """Whether the token is the conversation's; takes the same time for right and wrong ones."""
        return hmac.compare_digest(self.conversation_token(conversation).encode(), token.encode())

    def seal(self, user: User, *, now: float) -> str:
        """An agent's session as a cookie's value."""
        claims = {"name": user.name, "until": int(now + SESSION_SECONDS), "key": self._key(user)}
        text = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
        return f"{text}.{self._sign('session', text)}"

    def open(self, cookie: str, users: UserBook, *, now: float) -> User | None:
        """The user whose session it is; None if it is not ours, is over, or user or password changed since."""
        text, _, mac = cookie.rpartition(".")
        if not hmac.compare_digest(self._sign("session", text).encode(), mac.encode()):
            return None
        claims = json.loads(base64.urlsafe_b64decode(text))
        user = users.find(claims["name"])
        if user is None or now > claims["until"] or claims["key"] != self._key(user):
            return None
        return user

    def _key(self, user: User) -> str:
        return self._sign("user", user.hash)[:16]


def same_site(origin: str | None, host: str | None) -> bool:
    """Whether a browser's ``Origin`` is the site it talks to, as named by ``Host``."""
    return bool(origin and host) and urlsplit(origin or "").netloc.lower() == (host or "").lower()


def may_connect(origin: str | None, host: str | None, origins: tuple[str, ...]) -> bool:
    """Whether a widget's socket may open: our own pages, the sites in ``web.origins``, and what is no browser.

    Browsers always send ``Origin``; a program without one could send any and holds no cookie of a customer.
    """
    return origin is None or same_site(origin, host) or origin.lower() in origins


@dataclass
class Bucket:
    """A token bucket: ``burst`` at once, then ``per_second``.

    Attributes:
        per_second: How fast it fills.
        burst: How much it holds.
        clock: Monotonic seconds.
    """

    per_second: float
    burst: float
    clock: Clock = time.monotonic

    def __post_init__(self) -> None:
        self._left, self._at = self.burst, self.clock()

    def take(self) -> bool:
        """Takes one if there is one."""
        now = self.clock()
        self._left = min(self.burst, self._left + (now - self._at) * self.per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    @property
    def full(self) -> bool:
        """Whether it would be as new by now."""
        return self._left + (self.clock() - self._at) * self.per_second >= self.burst


class LoginGate:
    """Slows guessing: five tries at once for each address and for each name, then one in ten seconds.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def admits(self, address: str, name: str) -> bool:
        """Whether a try from this address for this name may be checked now; counts it."""
        if len(self._buckets) > 10_000:  # an attacker chooses names: keep only those that are still counting
            self._buckets = {key: bucket for key, bucket in self._buckets.items() if not bucket.full}
        keys = (f"address:{address}", f"name:{name}")
        taken = [self._buckets.setdefault(key, Bucket(0.1, 5, self._clock)).take() for key in keys]
        return all(taken)
