"""The settings of the hand-over from bot to people: who answers first, how long one waits, who is told, and how."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bot:
    """What the bot does with its replies.

    Attributes:
        mode: ``off``, ``suggest`` or ``answer``: how the switches of ``careline bot`` stand before anyone turned one.
            A workspace without this setting answers, as all did before there were switches; ``careline init`` writes
            ``suggest``.
    """

    mode: str = "answer"


@dataclass(frozen=True)
class Handoff:
    """How customers wait for a person.

    Attributes:
        timeout: Minutes in the queue after which a customer is told that nobody came yet, and what else they can do.
    """

    timeout: float = 10.0


@dataclass(frozen=True)
class Mail:
    """The server that sends mail to agents when nobody is signed in; none without ``host``.

    Attributes:
        host: Of the SMTP server.
        port: Of the SMTP server.
        tls: ``starttls``, ``tls`` or ``none``.
        user: To sign in with; empty for a server that wants none.
        password_env: Name of the environment variable that holds the password.
        sender: The address that mail comes from.
        to: Who gets it; empty: ``[shop] handoff_email``.
    """

    host: str = ""
    port: int = 587
    tls: str = "starttls"
    user: str = ""
    password_env: str = ""
    sender: str = ""
    to: tuple[str, ...] = ()


@dataclass(frozen=True)
class Push:
    """A web hook that is told when a customer waits and nobody is signed in; none without ``url``.

    Attributes:
        url: Gets a POST with JSON.
        secret_env: Name of the environment variable that holds the key of the signature ``X-Careline-Signature``.
    """

    url: str = ""
    secret_env: str = ""
