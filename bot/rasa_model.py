"""The Rasa model as an artefact: rules, stories and domain in a folder with a manifest, trained when they change."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from bot.settings import rasa_environment
from data.artifacts import Manifest, create, hash_file, hash_json, is_complete
from data.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

CODE_VERSION = 1
"""Raise when the way of training changes without a change of its inputs."""

MODEL = "model.tar.gz"


def rasa_inputs(project: Path) -> list[Path]:
    """Everything that Rasa trains on: nothing that was learned from a log, so all workspaces share one key."""
    return [project / "config.yml", project / "domain.yml", *sorted((project / "data" / "rasa").glob("*.yml"))]


def rasa_key(project: Path) -> str:
    """Key of the Rasa model of a project.

    Raises:
        InputError: An input is missing.
    """
    for path in rasa_inputs(project):
        if not path.is_file():
            raise InputError(
                str(path),
                got="no file",
                expected="config.yml, domain.yml and data/rasa",
                next_step="Run in Careline's folder.",
            )
    hashes = {str(path.relative_to(project)): hash_file(path) for path in rasa_inputs(project)}
    return hash_json([CODE_VERSION, version("rasa"), hashes])


def train_rasa(project: Path, parent: Path, *, console: Console | None = None) -> Path:
    """Trains the Rasa model, or finds it trained.

    Args:
        project: Folder with ``config.yml``, ``domain.yml`` and ``data/rasa``.
        parent: Folder of all Rasa models of the workspace.
        console: Shows that something is at work; None is silent.

    Returns:
        Folder of the artefact, with ``model.tar.gz`` in it.

    Raises:
        InputError: An input is missing, or Rasa refuses; its own last lines are in the error.
    """
    key = rasa_key(project)
    folder = parent / key
    if is_complete(folder, kind="rasa"):
        return folder
    with create(parent, Manifest(kind="rasa", key=key, recipe={"rasa": version("rasa")})) as draft:
        if console is None:
            _run_rasa(project, draft.folder)
        else:
            with console.status("Training rules and stories (Rasa)"):
                _run_rasa(project, draft.folder)
    return folder


def _run_rasa(project: Path, out: Path) -> None:
    command = [sys.executable, "-m", "rasa", "train", "--data", "data/rasa", "--domain", "domain.yml"]
    command += ["--config", "config.yml", "--out", str(out), "--fixed-model-name", MODEL.removesuffix(".tar.gz")]
    result = subprocess.run(
        command, cwd=project, env=rasa_environment(), capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if result.returncode != 0 or not (out / MODEL).is_file():
        said = [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]
        raise InputError(
            "rasa train",
            got=f"exit code {result.returncode}: " + " / ".join(said[-5:]),
            expected="a trained model",
            next_step="Mend domain.yml or data/rasa (`rasa data validate --data data/rasa` says more).",
        )
