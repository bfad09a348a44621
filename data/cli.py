"""``careline data``: logs to datasets, and what is in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.topics_cli import app as topics_app

if TYPE_CHECKING:
    from data.artifacts import DatasetLayout
    from data.workspace import Workspace

app = typer.Typer(help="Logs to datasets.", no_args_is_help=True)
app.registered_commands += topics_app.registered_commands

Paths = Annotated[list[Path], typer.Argument(help="Support logs: JSONL, CSV, TSV, XLSX, gzip of these.")]
Format = Annotated[str | None, typer.Option("--format", help="careline, star, tweetsumm or table; recognised.")]
Map = Annotated[str | None, typer.Option("--map", help="Columns of a table: text=body,role=from,id=ticket.")]
Strict = Annotated[bool, typer.Option("--strict", help="A broken line is fatal instead of counted.")]
Place = Annotated[
    str | None,
    typer.Option("--workspace", envvar="CARELINE_WORKSPACE", help="The shop's folder; found from here by default."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("import")
def import_(
    paths: Paths, format: Format = None, map: Map = None, strict: Strict = False, as_json: AsJson = False
) -> None:
    """Read logs and say what is in them; nothing is written.

    Shows which format and which columns were recognised, before anything is learned. With ``--json`` the conversations
    are printed in our own format, one a line and **not redacted**, so that any log can be converted.
    """
    from rich.console import Console

    from data.intake import read_logs
    from data.progress import Progress

    with Progress(Console(stderr=True)).shown() as progress:
        intake = read_logs(paths, format=format, mapping=map, strict=strict, progress=progress)
    if as_json:
        for conversation in intake.conversations:
            print(json.dumps(conversation.to_json(), ensure_ascii=False))
        return
    first = intake.conversations[0]
    messages = sum(len(c.messages) for c in intake.conversations)
    print(f"{len(intake.conversations):,} conversations, {messages:,} messages. The first:")
    for message in first.messages[:6]:
        print(f"  {message.role}: {message.text[:100]}")


@app.command()
def build(
    paths: Paths,
    format: Format = None,
    map: Map = None,
    strict: Strict = False,
    workspace: Place = None,
    as_json: AsJson = False,
) -> None:
    """Make a dataset of logs in the workspace; the same logs are not built twice."""
    from rich.console import Console

    from data.build import build_dataset

    place = _workspace(workspace)
    layout = build_dataset(paths, place, format=format, mapping=map, strict=strict, console=Console(stderr=True))
    _show(layout, as_json=as_json)


@app.command()
def report(
    key: Annotated[str | None, typer.Argument(help="Of a dataset; the one that serves by default.")] = None,
    workspace: Place = None,
    as_json: AsJson = False,
) -> None:
    """Show what is in a dataset: counts, splits, answers, topics, what was redacted."""
    from data.artifacts import DatasetLayout, load_manifest

    place = _workspace(workspace)
    layout = DatasetLayout(place.folder("dataset") / key) if key else place.live_dataset()
    load_manifest(layout.folder, kind="dataset")
    _show(layout, as_json=as_json)


def _workspace(named: str | None) -> Workspace:
    from data.workspace import find_workspace

    return find_workspace(named)


def _show(layout: DatasetLayout, *, as_json: bool) -> None:
    from rich.console import Console

    from data.report import print_report, read_report

    found = read_report(layout)
    if as_json:
        print(json.dumps({"dataset": layout.folder.name} | found, ensure_ascii=False))
        return
    console = Console()
    console.print(f"dataset {layout.folder.name}")
    print_report(found, console)
