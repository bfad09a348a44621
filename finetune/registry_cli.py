"""``careline model compare | promote | rollback | history``: which model serves, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from data.workspace import PROJECT, Workspace, find_workspace

if TYPE_CHECKING:
    from finetune.compare import Comparison
    from finetune.registry import Promotion, Registry

_WORKSPACE = Annotated[
    str | None,
    typer.Option("--workspace", envvar="CARELINE_WORKSPACE", help="The shop's folder; found from here by default."),
]
_JSON = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
_REASON = Annotated[str, typer.Option(help="Why, for the log.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to ``careline model``."""
    for command in (compare, promote, rollback, history):
        app.command()(command)


def compare(
    before: Annotated[str, typer.Argument(help="Key of a model.")],
    after: Annotated[str, typer.Argument(help="Key of the candidate.")],
    workspace: _WORKSPACE = None,
    as_json: _JSON = False,
) -> None:
    """Ask two models the same held-out rows: overall, by language and by large topic."""
    comparison = open_registry(find_workspace(workspace)).compared(before, after)
    if as_json:
        print(json.dumps(comparison.to_json(), ensure_ascii=False))
    else:
        print_comparison(comparison)


def promote(
    key: Annotated[str, typer.Argument(help="Key of the model that shall serve.")],
    force: Annotated[bool, typer.Option("--force", help="Even if it is worse; needs --reason.")] = False,
    reason: _REASON = "",
    workspace: _WORKSPACE = None,
    as_json: _JSON = False,
) -> None:
    """Make a model serve, with the index that belongs to it, unless it is worse than the present one."""
    made = open_registry(find_workspace(workspace)).promote(key, reason=reason, force=force)
    _tell(made, as_json=as_json)


def rollback(reason: _REASON = "", workspace: _WORKSPACE = None, as_json: _JSON = False) -> None:
    """Take the last promotion back; again takes back the one before."""
    _tell(open_registry(find_workspace(workspace)).rollback(reason=reason), as_json=as_json)


def history(workspace: _WORKSPACE = None, as_json: _JSON = False) -> None:
    """List all promotions, oldest first."""
    from dataclasses import asdict

    log = open_registry(find_workspace(workspace)).log()
    if as_json:
        print(json.dumps({"promotions": [asdict(row) for row in log]}, ensure_ascii=False))
        return
    for row in log:
        before = row.before.model if row.before else "nothing"
        marks = " (forced)" if row.forced else ""
        print(f"{row.at}  {row.move:8}  {before} -> {row.after.model}{marks}  {row.who}  {row.reason}".rstrip())


def open_registry(place: Workspace) -> Registry:
    """The registry of a workspace, with the static intents of this project's domain."""
    from data.rasa_export import static_examples
    from finetune.registry import Registry, intents_of_domain

    exampled = frozenset(row.intent for row in static_examples(PROJECT / "data" / "rasa"))
    return Registry(place, exampled, intents_of_domain(PROJECT / "domain.yml"))


def print_comparison(comparison: Comparison) -> None:
    """The slices as a table, for people."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{comparison.before} -> {comparison.after}, margin {comparison.margin} points")
    for title in ("rows", "n", "before", "after", "points lost", "95 %", ""):
        table.add_column(title, justify="left" if title == "rows" else "right")
    for part in comparison.slices:
        low, high = part.interval
        row = (
            str(part.n),
            f"{part.before:.3f}",
            f"{part.after:.3f}",
            f"{part.lost:+.1f}",
            f"{low:+.1f} .. {high:+.1f}",
        )
        table.add_row(part.name, *row, "worse" if part.worse else "")
    Console().print(table)


def _tell(made: Promotion, *, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        print(json.dumps(asdict(made), ensure_ascii=False))
        return
    before = made.before.model if made.before else "nothing"
    print(f"{made.move}: model {before} -> {made.after.model}, index {made.after.index}; served from now on")
