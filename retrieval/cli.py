"""``careline index``: build the index and search in it; `retrieval.curate_cli` has what changes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from data.workspace import Workspace, find_workspace
from retrieval import curate_cli
from retrieval.evaluate_cli import mount, print_reasons, reasons
from retrieval.sources_cli import app as sources_app

if TYPE_CHECKING:
    from retrieval.search import SearchResult

app = typer.Typer(no_args_is_help=True, help="Build and search the index of answers, and change what is in it.")
curate_cli.register(app)
mount(app)
app.registered_commands += sources_app.registered_commands

_WORKSPACE = Annotated[
    str | None,
    typer.Option("--workspace", envvar="CARELINE_WORKSPACE", help="The shop's folder; found from here by default."),
]
_JSON = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


@app.command()
def build(workspace: _WORKSPACE = None, as_json: _JSON = False) -> None:
    """Build the index of the live dataset and model, and switch to it. Skipped when nothing changed."""
    from rich.console import Console

    from data.artifacts import load_manifest
    from retrieval.compact import rebuild_live

    index = rebuild_live(_place(workspace), console=Console(stderr=True))
    metrics = dict(load_manifest(index.folder, kind="index", verify=False).metrics)
    if as_json:
        print(json.dumps({"index": index.folder.name, **metrics}))
    else:
        counts = ", ".join(f"{value:,} {name}" for name, value in metrics.items())
        print(f"index {index.folder.name}: {counts}")


@app.command()
def search(
    question: Annotated[str, typer.Argument(help="What a customer might ask.")],
    hits: Annotated[int, typer.Option("-k", "--hits", min=1, help="How many answers.")] = 5,
    language: Annotated[str | None, typer.Option(help="en or zh; detected by default.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="All evidence, with the ranker's weights.")] = False,
    workspace: _WORKSPACE = None,
    as_json: _JSON = False,
) -> None:
    """Search for answers to a question, and show why each was found."""
    from retrieval.living import open_live

    searcher = open_live(_place(workspace))
    result = searcher.search(question, k=hits, language=language, explained=hits)
    if as_json:
        row = _full(result)
        print(json.dumps(row | reasons(result, searcher) if explain else row, ensure_ascii=False))
    elif explain:
        print_reasons(result, searcher)
    else:
        _print(result)


def _place(workspace: str | None) -> Workspace:
    return find_workspace(workspace)


def _full(result: SearchResult) -> dict[str, object]:
    row = result.to_json(explained=len(result.hits))
    for shown, hit in zip(row["hits"], result.hits, strict=True):
        shown["text"] = hit.answer.text
        shown["conversations"] = list(hit.answer.conversations)
        shown["features"] = {name: round(value, 4) for name, value in hit.features.items()}
    return row


def _print(result: SearchResult) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    intent = f"{result.intent.label} ({result.intent.confidence:.2f})" if result.intent else "no intent"
    console.print(f"{result.outcome}: {intent}, in scope {result.known:.2f}, language {result.language}", markup=False)
    if not result.hits:
        console.print("No answer was found.")
        return
    table = Table(show_lines=True)
    for column in ("", "prob.", "dense", "bm25", "given"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("answer", overflow="fold")
    for rank, hit in enumerate(result.hits, start=1):
        values = (hit.probability, hit.features["dense"], hit.features["lexical"])
        source = f"{hit.id} from {', '.join(hit.answer.conversations[:3]) or hit.answer.source}"
        matched = f"; matched: {', '.join(hit.words)}" if hit.words else ""
        table.add_row(
            str(rank),
            *(f"{value:.2f}" for value in values),
            f"{hit.answer.support} x",
            f"{_plain(hit.answer.text)}\n[dim]{_plain(source + matched)}[/dim]",
        )
    console.print(table)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
