"""What the processes of `bot` read from the environment, and nothing else reads it there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.control import Mode
from data.errors import InputError
from data.workspace import SETTINGS, Workspace, find_workspace

ACTIONS_URL = "http://127.0.0.1:5055/webhook"
"""Where ``endpoints.yml`` and ``python -m actions`` meet when nothing else is said."""


@dataclass(frozen=True)
class BotSettings:
    """Settings of one process of `bot`.

    Attributes:
        workspace: Folder of the workspace, or None: found from the current folder.
        redis_url: An external Redis, or None: the embedded one. Never shown: it may hold a password.
        actions_url: Web hook of the action server.
        port: Port of the gateway, or None: the workspace's.
    """

    workspace: str | None = None
    redis_url: str | None = field(default=None, repr=False)
    actions_url: str = ACTIONS_URL
    port: int | None = None

    def find_workspace(self) -> Workspace:
        """The workspace this process serves.

        Raises:
            InputError: The named folder does not exist, or its settings are wrong.
        """
        return find_workspace(self.workspace)


def read_settings(environ: Mapping[str, str] | None = None) -> BotSettings:
    """Reads ``CARELINE_WORKSPACE``, ``REDIS_URL``, ``CARELINE_ACTIONS_URL`` and ``CARELINE_PORT``.

    Args:
        environ: Instead of the process's own environment, for tests.

    Raises:
        InputError: The port is not a number from 1 to 65535.
    """
    env = os.environ if environ is None else environ
    return BotSettings(
        workspace=env.get("CARELINE_WORKSPACE") or None,
        redis_url=env.get("REDIS_URL") or None,
        actions_url=env.get("CARELINE_ACTIONS_URL") or ACTIONS_URL,
        port=_port(env.get("CARELINE_PORT")),
    )


def read_secret(name: str, environ: Mapping[str, str] | None = None) -> str:
    """A secret by the name of its variable, as ``careline.toml`` gives it; empty without a name or a value."""
    env = os.environ if environ is None else environ
    return env.get(name, "") if name else ""


def first_mode(workspace: Workspace) -> Mode:
    """How the switches of a workspace stand before anyone turned one.

    Raises:
        InputError: Its settings name no mode.
    """
    text = workspace.settings.bot.mode
    try:
        return Mode(text)
    except ValueError as error:
        raise InputError(
            f"{workspace.root / SETTINGS} [bot] mode",
            got=repr(text),
            expected="off, suggest or answer",
            next_step="Mend the file.",
        ) from error


def _port(text: str | None) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise InputError(
            "CARELINE_PORT", got=repr(text), expected="a port from 1 to 65535", next_step="Unset it or correct it."
        )
    return int(text)


def rasa_environment() -> dict[str, str]:
    """The environment for processes that run Rasa: this one's, without telemetry, TensorFlow's chatter or a cache."""
    return {
        **os.environ,
        "RASA_TELEMETRY_ENABLED": "false",
        "RASA_MAX_CACHE_SIZE": "0",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONWARNINGS": "ignore",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    }
