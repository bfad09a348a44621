"""The one command: mounts the sub-commands of each package and runs the whole way from log to bot.

Only the package whose command was named is imported, so that help is quick.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from data.errors import InputError

if TYPE_CHECKING:
    from data.workspace import Workspace

_COMMANDS: dict[str, tuple[str, str, str]] = {
    "init": ("bot.cli", "init", "Make a workspace for your own shop."),
    "learn": ("learn", "learn", "Learn a bot from support logs: log, dataset, model, index, Rasa model."),
    "serve": ("bot.cli", "serve", "Serve the bot: Redis, actions, Rasa worker and gateway."),
    "shell": ("bot.cli", "shell", "Talk to the bot in the terminal (rasa shell)."),
    "demo": ("learn", "demo", "Learn from the sample log and serve the demo shop."),
    "data": ("data.cli", "app", "Logs to datasets: import, build, report, discover, label, check, suggest."),
    "model": ("finetune.cli", "app", "Train, evaluate and list models."),
    "index": ("retrieval.cli", "app", "Build and search the index of answers."),
    "bot": ("bot.control_cli", "app", "Switch the bot on, off or to suggesting, for all or for one topic."),
    "orders": ("actions.cli", "app", "The shop's orders: import, list, show; what the bot registered."),
    "users": ("bot.cli", "users_app", "Who may sign in as an agent."),
    "export": ("bot.cli", "export", "Write the conversations of this workspace as a log to learn from."),
    "doctor": ("bot.cli", "doctor", "What is installed, reachable, and which versions are live."),
}
_EPILOG = "Start with `careline init my-shop`, then `careline learn my-log.csv`, then `careline serve`."


def build_app(wanted: str | None) -> typer.Typer:
    """The Typer application with every command listed and the wanted one really mounted.

    Args:
        wanted: First word of the command line, or None for help.
    """
    app = typer.Typer(
        name="careline",
        help="Careline learns a customer-service bot from your own support logs.",
        epilog=_EPILOG,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for name, (module, attribute, summary) in _COMMANDS.items():
        if name != wanted:
            app.command(name, help=summary)(_unmounted)
            continue
        target = getattr(importlib.import_module(module), attribute)
        if isinstance(target, typer.Typer):
            app.add_typer(target, name=name, help=summary)
        else:
            app.command(name)(target)
    return app


def _unmounted() -> None:
    """Stands for a command that was not named on this command line."""
    raise AssertionError("a command that was not wanted cannot be called")


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits: 0 done, 1 failed, 2 bad input (one line on stderr), 130 interrupted."""
    words = sys.argv[1:] if arguments is None else arguments
    wanted = next((word for word in words if not word.startswith("-")), None)
    sys.exit(run_guarded(lambda: build_app(wanted)(words, standalone_mode=True, obj=_embedder)))


def _embedder(workspace: Workspace, *, adapt: bool = False) -> Callable[..., Any]:
    """The encoder that `data` commands use: of the live model, else the base model of the workspace's recipe.

    ``data`` may not import what is above it, so it gets this function through the command's context.

    Args:
        workspace: Whose live model, recipe and cache.
        adapt: Draw the base model towards the texts first (minutes) instead of taking the live one.
    """
    from finetune.adapt import AdaptedEncoder
    from finetune.base import open_base
    from finetune.encoder import find_base
    from finetune.recipe import load_recipe
    from retrieval.encoder import OnnxEncoder

    recipe = load_recipe(workspace.settings.learn.recipe)
    if adapt:
        return AdaptedEncoder(find_base(recipe.base_model, expected=recipe.base_sha256))
    if (workspace.var / "live.json").is_file():
        return OnnxEncoder.load(workspace.live_model()).encode
    return open_base(workspace.var / "encoders", recipe=recipe).encode


def run_guarded(command: Callable[[], Any]) -> int:
    """Calls a command and turns what people can cause into one line and an exit code."""
    try:
        command()
    except InputError as error:
        print(f"careline: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("careline: stopped; nothing half-written remains.", file=sys.stderr)
        return 130
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        where = error.filename or os.getcwd()
        print(f"careline: {where}: got a full disk; expected free space. Free some and run it again.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    main()
