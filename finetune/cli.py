"""``careline model``: train a model, measure it again, list what there is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data.errors import InputError
from data.workspace import Workspace, find_workspace
from finetune.registry_cli import register

if TYPE_CHECKING:
    from data.artifacts import DatasetLayout, Manifest
    from finetune.continual import Start

app = typer.Typer(no_args_is_help=True, help="Train, evaluate, compare and promote models.")
register(app)

_WORKSPACE = Annotated[
    str | None,
    typer.Option("--workspace", envvar="CARELINE_WORKSPACE", help="The shop's folder; found from here by default."),
]
_JSON = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


@app.command()
def train(
    recipe: Annotated[str | None, typer.Option(help="finetune/recipes/NAME.toml, or a .toml file.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Key of a dataset; the live one by default.")] = None,
    continued: Annotated[
        str | None, typer.Option("--continue", help="Learn on from this model: its key, or `live`.")
    ] = None,
    workspace: _WORKSPACE = None,
    as_json: _JSON = False,
) -> None:
    """Train a model of a dataset beside the one that serves. Skipped when the same was trained before."""
    from rich.console import Console

    from data.artifacts import load_manifest
    from finetune.recipe import load_recipe
    from finetune.train import train_model

    place = _place(workspace)
    chosen, start = load_recipe(recipe or place.settings.learn.recipe), open_start(place, continued)
    console = Console(stderr=True)
    model = train_model(_dataset(place, dataset), place.folder("model"), recipe=chosen, console=console, start=start)
    _print(load_manifest(model.folder, kind="model", verify=False), as_json=as_json)


@app.command()
def evaluate(
    model: Annotated[str | None, typer.Argument(help="Key of a model; the live one by default.")] = None,
    most: Annotated[int, typer.Option(help="Held-out questions at most, evenly spaced; 0 takes all.")] = 0,
    workspace: _WORKSPACE = None,
    as_json: _JSON = False,
) -> None:
    """Rank the held-out newest tenth again: the model beside TF-IDF and BM25 in the same run."""
    from rich.console import Console

    from data.artifacts import ModelLayout, load_manifest
    from finetune.stored import evaluate_stored

    place = _place(workspace)
    layout = ModelLayout(_artefact(place, "model", model) if model else place.live_model().folder)
    dataset = _dataset(place, load_manifest(layout.folder, kind="model").parents["dataset"])
    ranking = evaluate_stored(layout, dataset, most=most, console=Console(stderr=True))
    if as_json:
        print(json.dumps({"model": layout.folder.name, "ranking": ranking}))
    else:
        _print_ranking(layout.folder.name, ranking)


@app.command("list")
def list_models(workspace: _WORKSPACE = None, as_json: _JSON = False) -> None:
    """List the models of the workspace, newest first, with what they reached on held-out conversations."""
    from rich.console import Console
    from rich.table import Table

    place = _place(workspace)
    live, manifests = _live_key(place), _manifests(place)
    if as_json:
        rows = [{"key": m.key, "live": m.key == live, "created": m.created, "metrics": m.metrics} for m in manifests]
        print(json.dumps({"models": rows}))
        return
    table = Table()
    for title in ("model", "made", "recipe", "dataset", "R@1", "R@5", "MRR", "intents"):
        table.add_column(title)
    for manifest in manifests:
        ours = manifest.metrics.get("ranking", {}).get("systems", {}).get("careline", {})
        figures = [_figure(ours.get(name)) for name in ("r1", "r5", "mrr")]
        key = f"{manifest.key} (live)" if manifest.key == live else manifest.key
        recipe, dataset = str(manifest.recipe.get("name", "")), manifest.parents.get("dataset", "")
        intents = _figure(manifest.metrics.get("intent_accuracy"))
        table.add_row(key, manifest.created[:16], recipe, dataset, *figures, intents)
    Console().print(table)


def open_start(place: Workspace, key: str | None) -> Start | None:
    """The model to learn on from: by key, or ``live``; None for none.

    Raises:
        InputError: There is none, or it is damaged.
    """
    from data.artifacts import ModelLayout
    from finetune.continual import Start

    if key is None:
        return None
    folder = place.live_model().folder if key == "live" else _artefact(place, "model", key)
    return Start.of(ModelLayout(folder), place.folder("dataset"))


def _place(named: str | None) -> Workspace:
    return find_workspace(named)


def _dataset(place: Workspace, key: str | None) -> DatasetLayout:
    from data.artifacts import DatasetLayout

    return DatasetLayout(_artefact(place, "dataset", key)) if key else place.live_dataset()


def _artefact(place: Workspace, kind: str, key: str) -> Path:
    folder = place.folder(kind) / key
    if not folder.is_dir():
        there = sorted(path.name for path in place.folder(kind).glob("[!.]*")) or ["none yet"]
        raise InputError(f"{kind} {key}", got="no such key", expected=f"one of {', '.join(there)}",
                         next_step="Run `careline model list`.")  # fmt: skip
    return folder


def _live_key(place: Workspace) -> str | None:
    try:
        return place.live().model
    except InputError:  # nothing learned yet, which is no reason not to list
        return None


def _manifests(place: Workspace) -> list[Manifest]:
    from data.artifacts import load_manifest

    folders = [path for path in place.folder("model").glob("[!.]*") if (path / "manifest.json").is_file()]
    found = [load_manifest(folder, kind="model", verify=False) for folder in folders]
    return sorted(found, key=lambda manifest: manifest.created, reverse=True)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _print(manifest: Manifest, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"model": manifest.key, **manifest.metrics}))
        return
    _print_ranking(manifest.key, dict(manifest.metrics.get("ranking", {})))


def _print_ranking(key: str, ranking: dict[str, Any]) -> None:
    if not ranking:
        print(f"model {key}: too little held-out data to measure response ranking")
        return
    print(
        f"model {key}: {ranking['n']:,} held-out questions, {ranking['protocol']} ({ranking['candidates']} candidates)"
    )
    for name, row in ranking["systems"].items():
        print(f"  {name:28} R@1 {row['r1']:.3f}  R@5 {row['r5']:.3f}  MRR {row['mrr']:.3f}")
