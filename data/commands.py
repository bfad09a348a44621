"""What sub-commands have in common: options, the dataset that is meant, and how rows are printed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from data.artifacts import DatasetLayout
    from data.workspace import Workspace

Key = Annotated[str | None, typer.Argument(help="Of a dataset; the one that serves, else the newest, by default.")]
Place = Annotated[
    str | None,
    typer.Option("--workspace", envvar="CARELINE_WORKSPACE", help="The shop's folder; found from here by default."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def find_dataset(place: Workspace, key: str | None) -> DatasetLayout:
    """The dataset named, the one that serves, or the newest that was built."""
    from data.artifacts import DatasetLayout, load_manifest
    from data.errors import InputError

    folder = place.folder("dataset")
    if key is None and (place.var / "live.json").is_file():
        return place.live_dataset()
    built = sorted(folder.glob("[!.]*/manifest.json"), key=lambda path: path.stat().st_mtime)
    if key is None and not built:
        raise InputError(
            str(folder), got="no dataset", expected="one that was built", next_step="Run `careline data build LOG`."
        )
    layout = DatasetLayout(folder / key if key else built[-1].parent)
    load_manifest(layout.folder, kind="dataset")
    return layout


def print_rows(rows: Sequence[dict[str, Any]], *, title: str, as_json: bool) -> None:
    """A table for people, or one JSON object a line."""
    if as_json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title), title_justify="left")
    for column in rows[0] if rows else ():
        table.add_column(column)
    for row in rows:
        table.add_row(*(escape(str(value)) for value in row.values()))
    Console().print(table if rows else escape(title))
