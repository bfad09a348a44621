"""`careline bot`: how the switches stand, turning them, undoing, and who turned what."""

from __future__ import annotations

import asyncio
import getpass
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any, TypeVar

import typer

from bot.control import Change, Control, Mode
from bot.embedded import redis_address
from bot.settings import first_mode, read_settings
from bot.state.control import ControlBook
from bot.state.entry import Refused, StateUnavailable
from bot.state.log import ConversationLog
from data.errors import InputError

_T = TypeVar("_T")

PATIENCE_SECONDS = 3.0
"""A person waits for the switch."""

app = typer.Typer(no_args_is_help=True, help="Switch the bot on, off or to suggesting, for all or for one topic.")
WorkspaceOption = Annotated[str | None, typer.Option(help="The shop's folder; found from here by default.")]
TopicOption = Annotated[
    str | None, typer.Option(help="Only this topic (delivery_time) or flow (order_status, return_item).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("status")
def status(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Say how the switches stand."""
    _print(_with_book(workspace, lambda book: book.read()), as_json)


@app.command("on")
def on(
    workspace: WorkspaceOption = None, topic: TopicOption = None, follow: bool = False, as_json: JsonOption = False
) -> None:
    """Let the bot answer customers. With --follow, a topic gives up its own switch."""
    if follow and topic is None:
        raise InputError("--follow", got="no topic", expected="--topic T", next_step="Name the topic.")
    _turn(workspace, None if follow else Mode.ANSWER, topic, as_json)


@app.command("off")
def off(workspace: WorkspaceOption = None, topic: TopicOption = None, as_json: JsonOption = False) -> None:
    """Stop the bot at once; people answer. Without --topic it stops everywhere, whatever the topics say."""
    _turn(workspace, Mode.OFF, topic, as_json)


@app.command("suggest")
def suggest(workspace: WorkspaceOption = None, topic: TopicOption = None, as_json: JsonOption = False) -> None:
    """Show what the bot would say to agents only; people answer."""
    _turn(workspace, Mode.SUGGEST, topic, as_json)


@app.command("undo")
def undo(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Turn the switch that was turned last back to what it was."""
    actor = _actor()
    _print(_with_book(workspace, lambda book: book.undo(actor=actor)), as_json)


@app.command("history")
def history(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List who turned which switch, and when; newest first."""
    changes: list[Change] = _with_book(workspace, lambda book: book.history(limit=50))
    if as_json:
        typer.echo(json.dumps([change_json(change) for change in changes]))
        return
    for change in changes:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(change.time))
        to = change.mode.value if change.mode else "as everything else"
        typer.echo(f"{when}\t{change.actor}\t{change.topic or 'everything'}\t{to}")


def control_json(control: Control) -> dict[str, Any]:
    """The switches as JSON."""
    topics = {topic: mode.value for topic, mode in sorted(control.topics.items())}
    return {"mode": control.base.value, "topics": topics, "version": control.version}


def change_json(change: Change) -> dict[str, Any]:
    """A change as JSON."""
    return {
        "time": change.time,
        "actor": change.actor,
        "topic": change.topic,
        "mode": change.mode.value if change.mode else None,
        "before": change.before.value if change.before else None,
        "version": change.version,
    }


def _turn(workspace: str | None, mode: Mode | None, topic: str | None, as_json: bool) -> None:
    actor = _actor()
    try:
        control = _with_book(workspace, lambda book: book.turn(mode, actor=actor, topic=topic))
    except InputError:
        raise
    except ValueError as error:
        raise InputError("--topic", got=repr(topic), expected="a topic's name", next_step="Correct it.") from error
    _print(control, as_json)


def _print(control: Control, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(control_json(control)))
        return
    said = {Mode.OFF: "off: people answer", Mode.SUGGEST: "suggests to agents", Mode.ANSWER: "answers"}
    typer.echo(f"The bot {said[control.base] if control.base is not Mode.OFF else 'is ' + said[Mode.OFF]}.")
    for topic, mode in sorted(control.topics.items()):
        idle = " (no effect while the bot is off)" if control.base is Mode.OFF else ""
        typer.echo(f"  {topic}: {mode.value}{idle}")


def _actor() -> str:
    return f"{getpass.getuser()} (command line)"


def _with_book(workspace: str | None, call: Callable[[ControlBook], Awaitable[_T]]) -> _T:
    """Calls something with the switches of a workspace that is being served.

    Raises:
        InputError: Its Redis does not answer, or there is nothing to undo.
    """
    settings = read_settings()
    place = replace(settings, workspace=workspace or settings.workspace).find_workspace()
    url = redis_address(place, settings.redis_url)

    async def run() -> _T:
        async with await ConversationLog.open(url, patience=PATIENCE_SECONDS) as log:
            book = ControlBook(log.store)
            await book.begin(first_mode(place))
            return await call(book)

    try:
        return asyncio.run(run())
    except StateUnavailable as error:
        raise InputError(
            f"the bot of {place.root}",
            got="no answer from its Redis",
            expected="a bot that is being served",
            next_step="Run `careline serve`; before that, [bot] mode in careline.toml counts.",
        ) from error
    except Refused as error:
        raise InputError(
            "undo", got="nothing to undo", expected="a change in `careline bot history`", next_step="Turn a switch."
        ) from error
