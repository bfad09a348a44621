"""`careline orders`: the orders that the bot knows, and what it registered for customers."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from actions.services.configure import database_path
from actions.services.database import Database
from actions.services.orders import STATUSES, Order, row_of
from actions.services.requests import LocalRequests, Request
from actions.services.sqlite import Import, SqliteOrders
from actions.settings import read_settings
from data.errors import InputError
from data.workspace import Workspace, find_workspace

WorkspaceOption = Annotated[str | None, typer.Option(help="The shop's folder; found from here by default.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
LimitOption = Annotated[int, typer.Option(help="So many at most.", min=1)]

app = typer.Typer(no_args_is_help=True, help="Orders in the shop's own file, and what the bot registered.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV with number, email and status; or JSON lines.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add the orders of a table; those with the same number are replaced, others stay."""
    from actions.services.table import read_table

    done = _orders(_workspace(workspace)).add(read_table(file), file=file.name)
    _say(done, f"Imported {file.name}: {_counts(done)}. `careline orders undo` takes it back.", as_json=as_json)


@app.command("undo")
def undo(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Take the newest import back. What was registered for customers stays."""
    done = _orders(_workspace(workspace)).undo()
    if done is None:
        raise InputError("orders", got="no import to undo", expected="an earlier import", next_step="Import a file.")
    _say(done, f"Took back {done.file} ({_counts(done)}): all orders are as they were before it.", as_json=as_json)


@app.command("list")
def list_(
    workspace: WorkspaceOption = None,
    status: Annotated[str | None, typer.Option(help=f"Only these: {', '.join(STATUSES)}.")] = None,
    limit: LimitOption = 20,
    as_json: JsonOption = False,
) -> None:
    """List orders, the highest number first."""
    if status is not None and status not in STATUSES:
        raise InputError("--status", got=repr(status), expected=", ".join(STATUSES), next_step="Choose one of them.")
    orders = _orders(_workspace(workspace))
    for order in orders.newest(limit, status=status):
        typer.echo(json.dumps(row_of(order), ensure_ascii=False) if as_json else _line(order))
    if not as_json:
        typer.echo(f"{orders.count()} orders in all.", err=True)


@app.command("show")
def show(number: str, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show one order, as the bot finds it."""
    order = _orders(_workspace(workspace)).look_up(number)
    if order is None:
        step = "Look at `careline orders list`."
        raise InputError(f"order {number}", got="no such order", expected="an imported one", next_step=step)
    row = row_of(order)
    if as_json:
        typer.echo(json.dumps(row, ensure_ascii=False))
        return
    for name, value in row.items():
        typer.echo(f"{name:17} {_items(order) if name == 'items' else value}")


@app.command("requests")
def requests(workspace: WorkspaceOption = None, limit: LimitOption = 20, as_json: JsonOption = False) -> None:
    """List what the bot registered in files of ours, newest first: returns, addresses, complaints, messages."""
    place = _workspace(workspace)
    paths = [place.var / "services.db"]
    if place.settings.services.orders.startswith("sqlite:"):
        paths.append(database_path(place))
    rows: list[Request] = []
    for path in paths:
        rows += LocalRequests(Database(path)).newest(limit) if path.is_file() else []
    for row in sorted(rows, key=lambda row: row.at, reverse=True)[:limit]:
        at = datetime.fromtimestamp(row.at).strftime("%Y-%m-%d %H:%M")
        told = "  ".join(part for part in (row.reference, at, row.kind, row.number, row.contact, row.text) if part)
        typer.echo(json.dumps(asdict(row), ensure_ascii=False) if as_json else told)


def _workspace(named: str | None) -> Workspace:
    return find_workspace(named or read_settings().workspace)


def _orders(workspace: Workspace) -> SqliteOrders:
    return SqliteOrders(Database(database_path(workspace)))


def _say(done: Import, text: str, *, as_json: bool) -> None:
    typer.echo(json.dumps(asdict(done), ensure_ascii=False) if as_json else text)


def _counts(done: Import) -> str:
    return f"{done.new} new, {done.changed} changed, {done.same} as before"


def _line(order: Order) -> str:
    day = order.ordered.isoformat() if order.ordered else "-"
    return f"{order.number:14} {order.status:11} {day:11} {order.email:30} {_items(order)}"


def _items(order: Order) -> str:
    return "; ".join(f"{item.quantity} x {item.name}" if item.quantity > 1 else item.name for item in order.items)
