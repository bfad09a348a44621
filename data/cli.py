"""``careline data``: logs to datasets, and what is in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.answers_cli import app as answers_app
from data.commands import AsJson, Place
from data.readers import FORMATS
from data.topics_cli import app as topics_app

if TYPE_CHECKING:
    from data.artifacts import DatasetLayout
    from data.workspace import Workspace

app = typer.Typer(help="Logs to datasets.", no_args_is_help=True)
app.registered_commands += topics_app.registered_commands
app.add_typer(answers_app, name="answers")

Paths = Annotated[list[Path], typer.Argument(help="Support logs, also packed (gzip, zstd, zip), or a database.")]
Format = Annotated[
    str | None, typer.Option("--format", help=f"Recognised by content; to force one: {', '.join(FORMATS)}.")
]
Map = Annotated[
    str | None,
    typer.Option("--map", help="Columns of a table: text=body,role=from,id=ticket; in chats and mails agent=NAME."),
]
Strict = Annotated[bool, typer.Option("--strict", help="A broken line is fatal instead of counted.")]
Engine = Annotated[
    str | None,
    typer.Option("--engine", help="Processes to use, or a Dask scheduler (tcp://host:8786); all cores by default."),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Use nothing of earlier datasets; decide everything anew.")]


@app.command("import")
def import_(
    paths: Paths, format: Format = None, map: Map = None, strict: Strict = False, as_json: AsJson = False
) -> None:
    """Read logs and say what is in them; nothing is written.

    Shows which format and which columns were recognised, before anything is learned. With ``--json`` the conversations
    are printed in our own format, one a line and **not redacted**, so that any log can be converted.
    """
    from rich.console import Console

    from data.intake import stream_logs
    from data.preview import Preview
    from data.progress import Progress

    preview = Preview()
    with Progress(Console(stderr=True)).shown() as progress:
        for conversation in stream_logs(paths, format=format, mapping=map, strict=strict, progress=progress):
            if as_json:
                print(json.dumps(conversation.to_json(), ensure_ascii=False))
            else:
                preview.add(conversation)
    if not as_json:
        for line in preview.lines():
            print(line)


@app.command()
def build(
    paths: Paths,
    format: Format = None,
    map: Map = None,
    strict: Strict = False,
    engine: Engine = None,
    fresh: Fresh = False,
    workspace: Place = None,
    as_json: AsJson = False,
) -> None:
    """Make a dataset of logs in the workspace; the same logs are not built twice, and growth costs its growth.

    An interrupted build goes on where it was. Examples: `careline data build tickets.csv`,
    `careline data build old.jsonl new.jsonl --engine 4`.
    """
    from rich.console import Console

    from data.build import build_dataset

    place = _workspace(workspace)
    layout = build_dataset(
        paths,
        place,
        format=format,
        mapping=map,
        strict=strict,
        engine=engine,
        fresh=fresh,
        console=Console(stderr=True),
    )
    _show(layout, as_json=as_json)


@app.command()
def report(
    key: Annotated[str | None, typer.Argument(help="Of a dataset; the one that serves by default.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where the page goes; var/reports by default.")] = None,
    open_: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
    workspace: Place = None,
    as_json: AsJson = False,
) -> None:
    """Show what is in a dataset, and write it as one HTML page that can be sent to others.

    With ``--json`` the counts are printed, and the page is only written when ``--out`` or ``--open`` ask for it.
    """
    from data.artifacts import DatasetLayout, load_manifest

    place = _workspace(workspace)
    layout = DatasetLayout(place.folder("dataset") / key) if key else place.live_dataset()
    load_manifest(layout.folder, kind="dataset")
    _show(layout, as_json=as_json)
    if not as_json or out or open_:
        _write_page(layout, out or place.var / "reports" / f"dataset-{layout.folder.name}.html", show=open_)


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="Key of the older dataset.")],
    new: Annotated[str | None, typer.Argument(help="Key of the newer one; the one that serves by default.")] = None,
    workspace: Place = None,
    as_json: AsJson = False,
) -> None:
    """Show what a dataset has that an older one lacks: counts, topics, answers."""
    from rich.console import Console

    from data.artifacts import DatasetLayout, load_manifest
    from data.diff import compare_datasets, print_diff

    place = _workspace(workspace)
    before = DatasetLayout(place.folder("dataset") / old)
    after = DatasetLayout(place.folder("dataset") / new) if new else place.live_dataset()
    for layout in (before, after):
        load_manifest(layout.folder, kind="dataset")
    found = compare_datasets(before, after)
    if as_json:
        print(json.dumps({"old": old, "new": after.folder.name} | found.to_json(), ensure_ascii=False))
    else:
        print_diff(found, Console())


def _write_page(layout: DatasetLayout, out: Path, *, show: bool) -> None:
    from data.report_page import write_report_page

    page = write_report_page(layout, out)
    typer.echo(f"page: {page}", err=True)
    if show:
        typer.launch(page.resolve().as_uri())


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
