"""What the action server reads from the environment, and nothing else in `actions` reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from data.workspace import Workspace, find_workspace


@dataclass(frozen=True)
class ActionSettings:
    """Settings of the action server.

    Attributes:
        workspace: Folder of the workspace, or None: found from the current folder.
    """

    workspace: str | None = None

    def find_workspace(self) -> Workspace:
        """The workspace whose answers and orders are served.

        Raises:
            InputError: The named folder does not exist, or its settings are wrong.
        """
        return find_workspace(self.workspace)


def read_settings(environ: Mapping[str, str] | None = None) -> ActionSettings:
    """Reads ``CARELINE_WORKSPACE``.

    Args:
        environ: Instead of the process's own environment, for tests.
    """
    env = os.environ if environ is None else environ
    return ActionSettings(workspace=env.get("CARELINE_WORKSPACE") or None)


def read_secret(name: str, environ: Mapping[str, str] | None = None) -> str:
    """A secret by the name of its variable, as ``careline.toml`` gives it; empty without a name or a value.

    Args:
        name: For instance ``CARELINE_REPHRASE_KEY``.
        environ: Instead of the process's own environment, for tests.
    """
    env = os.environ if environ is None else environ
    return env.get(name, "") if name else ""
