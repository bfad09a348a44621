"""`careline serve`, `shell`, `init`, `users`, `export`, `doctor`: options and printing; the work is in modules."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.settings import BotSettings, read_settings
from data.workspace import Workspace

if TYPE_CHECKING:
    from rich.console import Console

    from bot.supervise import Child, Say

WorkspaceOption = Annotated[str | None, typer.Option(help="The shop's folder; found from here by default.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

users_app = typer.Typer(no_args_is_help=True, help="Who may sign in as an agent.")


def serve(
    workspace: WorkspaceOption = None,
    port: Annotated[int | None, typer.Option(help="Port of the pages and the widget.", min=1, max=65535)] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = None,
    workers: Annotated[
        str, typer.Option(help="Worker processes: 2, 1-4, or auto (by the queue, up to the cores).")
    ] = "1",
    open_browser: Annotated[bool, typer.Option("--open", help="Open the shop page when all is ready.")] = False,
) -> None:
    """Serve the bot: Redis, actions, Rasa workers and gateway. Ctrl-C stops all."""
    from rich.console import Console

    from bot.serve import check_port, only_server, plan, run, served_model
    from bot.supervise import Supervisor
    from bot.workers import Range

    settings, place = _settings(workspace)
    Range.parse(workers, cores=os.cpu_count() or 1)
    web = place.settings.web
    at_host, at_port = host or web.host, port or settings.port or web.port
    served_model(place)  # that nothing was learned yet is said before anything starts
    check_port(at_host, at_port)
    console = Console(stderr=True)
    address = f"http://{'127.0.0.1' if at_host in ('0.0.0.0', '::') else at_host}:{at_port}"

    def when_ready() -> None:
        _print_ready(console, place, address)
        if open_browser:
            import webbrowser

            webbrowser.open(address)

    with only_server(place):
        stages = plan(place, os.environ, host=at_host, port=at_port, redis_url=settings.redis_url, workers=workers)
        code = run(Supervisor(stages, say=_teller(console)), console, when_ready=when_ready)
    if code:
        raise typer.Exit(code)


def shell(
    arguments: Annotated[list[str] | None, typer.Argument(help="More options for `rasa shell`, after `--`.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Talk to the bot in the terminal (rasa shell). `/stop` ends it."""
    from rich.console import Console

    from bot.serve import print_failure
    from bot.shell import run_shell
    from bot.supervise import ChildError

    settings, place = _settings(workspace)
    console = Console(stderr=True)
    try:
        code = run_shell(place, os.environ, console, redis_url=settings.redis_url, arguments=arguments or [])
    except ChildError as error:
        print_failure(console, error)
        code = 1
    if code:
        raise typer.Exit(code)


def init(
    folder: Annotated[Path, typer.Argument(help="The workspace to make; it may exist.")],
    name: Annotated[str | None, typer.Option(help="Name of the shop.")] = None,
    languages: Annotated[str | None, typer.Option(help="Codes, comma-separated: en,zh.")] = None,
    hours: Annotated[str | None, typer.Option(help="When people answer: 'Mon-Fri 09:00-17:00'.")] = None,
    email: Annotated[str | None, typer.Option(help="Address for hand-offs outside these hours.")] = None,
    origin: Annotated[list[str] | None, typer.Option(help="A site that shows the widget; may be repeated.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: take the defaults.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace settings that exist.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a workspace for your own shop: its settings, and the place of all that it learns."""
    from bot.init import ShopAnswers, make_workspace

    def ask(question: str, default: str) -> str:
        return str(typer.prompt(question, default=default, show_default=bool(default), err=True))

    may_ask = not yes and not as_json and sys.stdin.isatty()
    answers = ShopAnswers(name, languages, hours, email, origin)
    path = make_workspace(folder, answers, ask=ask if may_ask else None, force=force)
    if as_json:
        typer.echo(json.dumps({"workspace": str(folder.resolve()), "settings": str(path.resolve())}))
        return
    typer.echo(f"Wrote {path}")
    typer.echo("Next: put your support log there and learn from it:")
    typer.echo(f"  careline learn LOG.csv --workspace {folder}")
    typer.echo(f"  careline users add YOUR-NAME --workspace {folder}")
    typer.echo(f"  careline serve --workspace {folder}")
    typer.echo("The bot begins by suggesting replies to agents. Let it answer customers: `careline bot on`.")


@users_app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Shown to customers as the author of replies.")],
    role: Annotated[str, typer.Option(help="agent, lead (may switch the bot) or admin.")] = "agent",
    password: Annotated[
        str | None, typer.Option(help="Asked for if not given; without a terminal, made up and printed.")
    ] = None,
    generate: Annotated[bool, typer.Option("--generate", help="Make a password up and print it.")] = False,
    replace_user: Annotated[bool, typer.Option("--replace", help="Change a user that exists.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a person who may sign in to the agent page."""
    from bot.users import add_user, as_role, new_password

    place = _settings(workspace)[1]
    made = generate or (password is None and not sys.stdin.isatty())
    if password is None:
        password = new_password() if made else _ask_password()
    user = add_user(place, name, password=password, role=as_role(role), replace=replace_user)
    shown = {"password": password} if made else {}
    if as_json:
        typer.echo(json.dumps({"name": user.name, "role": user.role, **shown}))
        return
    typer.echo(f"Added {user.name} ({user.role})." + (f" Password: {password}" if made else ""))


@users_app.command("list")
def list_all(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List who may sign in."""
    from bot.users import list_users

    users = list_users(_settings(workspace)[1])
    if as_json:
        typer.echo(json.dumps([{"name": u.name, "role": u.role, "created": u.created} for u in users]))
        return
    for user in users:
        typer.echo(f"{user.name}\t{user.role}\tsince {time.strftime('%Y-%m-%d', time.localtime(user.created))}")
    if not users:
        typer.echo("Nobody yet. Add someone: `careline users add NAME`.", err=True)


@users_app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="As listed.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a person; their session ends at once."""
    from bot.users import remove_user

    remove_user(_settings(workspace)[1], name)
    typer.echo(json.dumps({"removed": name}) if as_json else f"Removed {name}.")


def export(
    file: Annotated[Path, typer.Argument(help="JSON lines to write; - is the standard output.")],
    questions: Annotated[
        bool, typer.Option("--questions", help="Instead: what was asked of the bot, for `careline index gaps`.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the conversations of this workspace as a log to learn from; **not redacted**.

    `careline learn FILE` reads it. What the bot said is kept as context and never becomes an answer.
    """
    from bot.export import export_workspace

    settings, place = _settings(workspace)
    count = export_workspace(place, file, redis_url=settings.redis_url, questions=questions)
    thing = "question" if questions else "conversation"
    if as_json:
        typer.echo(json.dumps({f"{thing}s": count, "file": str(file)}), err=str(file) == "-")
        return
    typer.echo(f"Wrote {count:,} {thing}{'' if count == 1 else 's'} to {file}, not redacted.", err=True)


def doctor(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Say what is installed and reachable, and which versions are live. Exits 1 when something is wrong."""
    from bot.doctor import examine

    settings, place = _settings(workspace)
    findings = examine(settings, place)
    if as_json:
        rows = [{"name": f.name, "ok": f.ok, "found": f.found, "next_step": f.next_step} for f in findings]
        typer.echo(json.dumps({"workspace": str(place.root), "ok": all(f.ok for f in findings), "checks": rows}))
    else:
        typer.echo(f"workspace {place.root}")
        width = max(len(f.name) for f in findings)
        for f in findings:
            typer.echo(f"{'ok ' if f.ok else 'NO '} {f.name.ljust(width)}  {f.found}")
            if not f.ok:
                typer.echo(f"    {' ' * width}  -> {f.next_step}")
    if not all(f.ok for f in findings):
        raise typer.Exit(1)


def _settings(workspace: str | None) -> tuple[BotSettings, Workspace]:
    settings = read_settings()
    settings = replace(settings, workspace=workspace or settings.workspace)
    return settings, settings.find_workspace()


def _ask_password() -> str:
    from bot.users import SHORTEST_PASSWORD

    return str(
        typer.prompt(f"Password (at least {SHORTEST_PASSWORD} characters)", hide_input=True, confirmation_prompt=True)
    )


def _teller(console: Console) -> Say:
    """Tells what starts (by a spinner, on a terminal) and prints a line when it is ready, restarted or stopped."""
    starting: list[str] = []
    status = console.status("")

    def tell(child: Child, what: str) -> None:
        if what == "starting":
            starting.append(child.name)
            status.start()
        elif child.name in starting:
            starting.remove(child.name)
        status.update(f"starting {', '.join(starting)} ...")
        if what == "ready":
            what = f"ready after {time.monotonic() - child.started:.1f} s"
        if what != "starting":
            console.print(f"  {child.name:<8} {what}", style="dim", highlight=False)
        if not starting:
            status.stop()

    return tell


def _print_ready(console: Console, place: Workspace, address: str) -> None:
    console.print(f"\n[bold green]Ready:[/bold green] [bold]{address}/[/bold]", highlight=False, soft_wrap=True)
    console.print(f"Agent page: {address}/console/", highlight=False)
    line = f'<script src="{address}/widget.js" async></script>'
    console.print(f"For your page: {line}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"Logs: {place.var / 'logs'}   Stop: Ctrl-C", style="dim", highlight=False, soft_wrap=True)
