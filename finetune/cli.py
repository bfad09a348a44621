"""``careline model``: train a model, measure it again, list what there is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.errors import InputError
from data.workspace import Workspace, find_workspace
from finetune.evaluate_cli import artefact_of, evaluate, print_ranking
from finetune.explain_cli import explain
from finetune.registry_cli import register
from finetune.tune_cli import recipes, tune

if TYPE_CHECKING:
    from data.artifacts import DatasetLayout, Manifest, ModelLayout
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
    dataset: Annotated[str | None, typer.Option(help="Key of a dataset; the live one, else the newest.")] = None,
    continued: Annotated[
        str | None, typer.Option("--continue", help="Learn on from this model: its key, or `live`.")
    ] = None,
    workspace: _WORKSPACE = None,
    as_json: _JSON = False,
) -> None:
    """Train a model of a dataset beside the one that serves. Skipped when the same was trained before."""
    from rich.console import Console

    from data.artifacts import load_manifest
    from finetune.processes import is_first
    from finetune.recipe import load_recipe
    from finetune.train import train_model

    place = _place(workspace)
    chosen, start = load_recipe(recipe or place.settings.learn.recipe), open_start(place, continued)
    console = Console(stderr=True)
    model = train_model(_dataset(place, dataset), place.folder("model"), recipe=chosen, console=console, start=start)
    if is_first():
        _print(load_manifest(model.folder, kind="model", verify=False), as_json=as_json)


app.command()(tune)
app.command()(recipes)
app.command()(evaluate)
app.command()(explain)


@app.command()
def predict(
    texts: Annotated[list[str] | None, typer.Argument(help="Messages to read.")] = None,
    file: Annotated[Path | None, typer.Option(help="A CSV with a column `text`, or a file with a text a line.")] = None,
    model: Annotated[str | None, typer.Option(help="Key of a model; the live one, else the newest.")] = None,
    workspace: _WORKSPACE = None,
) -> None:
    """Read messages: a JSON object a line with intent, confidence 0..1 and whether the message is in scope."""
    from finetune.predicting import read_texts
    from retrieval.intents import IntentReader

    said = read_texts(texts or (), file)
    reader = IntentReader.open(_model_of(_place(workspace), model))
    for reading in reader.read(said):
        print(json.dumps(reading.to_json(), ensure_ascii=False))


@app.command("list")
def list_models(workspace: _WORKSPACE = None, as_json: _JSON = False) -> None:
    """List the models of the workspace, newest first, with what they reached on held-out conversations."""
    from rich.console import Console
    from rich.table import Table

    place = _place(workspace)
    live, manifests = _live_key(place), _newest(place, "model")
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
    folder = place.live_model().folder if key == "live" else artefact_of(place, "model", key)
    return Start.of(ModelLayout(folder), place.folder("dataset"))


def _place(named: str | None) -> Workspace:
    return find_workspace(named)


def _dataset(place: Workspace, key: str | None) -> DatasetLayout:
    from data.artifacts import DatasetLayout

    if key is None and _live_key(place) is None and (newest := _newest(place, "dataset")):
        key = newest[0].key
    return DatasetLayout(artefact_of(place, "dataset", key)) if key else place.live_dataset()


def _model_of(place: Workspace, key: str | None) -> ModelLayout:
    from data.artifacts import ModelLayout

    if key is None:
        newest = _newest(place, "model")
        key = _live_key(place) or (newest[0].key if newest else None)
    return ModelLayout(artefact_of(place, "model", key)) if key else place.live_model()


def _live_key(place: Workspace) -> str | None:
    try:
        return place.live().model
    except InputError:  # nothing learned yet, which is no reason not to list
        return None


def _newest(place: Workspace, kind: str) -> list[Manifest]:
    """Manifests of all artefacts of a kind, the newest first."""
    from data.artifacts import load_manifest

    folders = [path for path in place.folder(kind).glob("[!.]*") if (path / "manifest.json").is_file()]
    found = [load_manifest(folder, kind=kind, verify=False) for folder in folders]
    return sorted(found, key=lambda manifest: manifest.created, reverse=True)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _print(manifest: Manifest, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"model": manifest.key, **manifest.metrics}))
        return
    if "messages" in manifest.metrics:
        _print_intents(manifest)
        return
    print(f"model {manifest.key}")
    print_ranking(dict(manifest.metrics.get("ranking", {})))


def _print_intents(manifest: Manifest) -> None:
    """Of a model of labelled messages alone."""
    found, accuracy = manifest.metrics, manifest.metrics["intent_accuracy"]
    print(f"model {manifest.key}: {found['intents']} intents from {found['messages']:,} messages")
    if accuracy is not None:
        how = "in a rehearsal without some of them" if found["few"] else "held out"
        print(f"  right {100 * accuracy:.1f} % of {found['held_out']:,} messages {how}")
    for name, share in found.get("scope", {}).items():
        print(f"  scope: {name} {share}")
