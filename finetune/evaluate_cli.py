"""``careline model evaluate``: everything about a model, as a table, as JSON and as a page."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data.errors import InputError
from data.workspace import Workspace, find_workspace

if TYPE_CHECKING:
    from data.artifacts import ModelLayout
    from finetune.recipe import Recipe
    from retrieval.encoder import Encoder


def evaluate(
    model: Annotated[str | None, typer.Argument(help="Key of a model; the live one by default.")] = None,
    on: Annotated[
        Path | None, typer.Option("--on", help="Labelled messages: a table with text and intent, or any labelled log.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Where the page goes; var/reports by default.")] = None,
    paraphrases: Annotated[
        Path | None, typer.Option("--paraphrases", help="A table with text and paraphrase, for robustness.")
    ] = None,
    most: Annotated[int, typer.Option(help="Ranked questions at most, evenly spaced; 0 takes all.")] = 0,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out robustness, swaps, folds, learning curve, frozen encoder.")
    ] = False,
    workspace: Annotated[
        str | None,
        typer.Option("--workspace", envvar="CARELINE_WORKSPACE", help="The shop's folder; found from here by default."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Measure a model on held-out data beside TF-IDF and the frozen encoder, and write a page about it.

    With ``--json`` the figures are printed, and the page is only written when ``--html`` asks for it.
    """
    from rich.console import Console

    from data.artifacts import DatasetLayout, load_manifest
    from finetune.evaluation import evaluate_model, recipe_of
    from finetune.report import write_evaluation_page

    check_page(html)
    place = find_workspace(workspace)
    layout = model_of(place, model)
    manifest = load_manifest(layout.folder, kind="model")
    found = evaluate_model(
        layout,
        DatasetLayout(artefact_of(place, "dataset", manifest.parents["dataset"])),
        frozen=None if quick else _frozen(place, recipe_of(manifest)),
        on=on,
        rewordings=read_rewordings(paraphrases) if paraphrases else None,
        most=most,
        quick=quick,
        console=Console(stderr=True),
    )
    if quick:
        found["left_out"].append("frozen encoder")
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        _print(found)
    if html or not as_json:
        page = write_evaluation_page(found, html or place.var / "reports" / f"model-{found['model']}.html")
        typer.echo(f"page: {page}", err=True)


def check_page(path: Path | None) -> None:
    """Refuses a page that could not be written, before minutes are spent on what it shows.

    Raises:
        InputError: A folder stands in its place.
    """
    if path is not None and path.is_dir():
        raise InputError(f"--html {path}", got="a folder", expected="a file", next_step=f"Name {path}/report.html.")


def model_of(place: Workspace, key: str | None) -> ModelLayout:
    """The model with a key; the live one for None.

    Raises:
        InputError: No such model, or nothing learned yet.
    """
    from data.artifacts import ModelLayout

    return ModelLayout(artefact_of(place, "model", key)) if key else place.live_model()


def artefact_of(place: Workspace, kind: str, key: str) -> Path:
    """The folder of an artefact.

    Raises:
        InputError: There is none with this key.
    """
    folder = place.folder(kind) / key
    if not folder.is_dir():
        there = sorted(path.name for path in place.folder(kind).glob("[!.]*")) or ["none yet"]
        raise InputError(f"{kind} {key}", got="no such key", expected=f"one of {', '.join(there)}",
                         next_step="Run `careline model list`.")  # fmt: skip
    return folder


def read_rewordings(path: Path) -> dict[str, str]:
    """Reads ``text,paraphrase`` rows.

    Raises:
        InputError: No such file, or no such columns.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            str(path), got=str(error), expected="a table in UTF-8", next_step="Check --paraphrases."
        ) from error
    if not rows or not {"text", "paraphrase"} <= rows[0].keys():
        raise InputError(
            str(path), got="other columns or no row", expected="the columns text and paraphrase",
            next_step="Name them so.",
        )  # fmt: skip
    return {row["text"]: row["paraphrase"] for row in rows if row["text"] and row["paraphrase"]}


def _frozen(place: Workspace, recipe: Recipe) -> Encoder:
    from finetune.base import open_base

    return open_base(place.var / "encoders", recipe=recipe)


def _print(found: dict[str, Any]) -> None:
    print(f"model {found['model']}, measured on the {found['source']}")
    for name, row in found.get("systems", {}).items():
        accuracy = row["accuracy"]
        interval = f"({100 * accuracy['low']:.1f}-{100 * accuracy['high']:.1f} of {accuracy['n']:,})"
        line = f"  {name:38} intents {100 * accuracy['value']:.1f} % {interval}  F1 {row['macro_f1']:.3f}"
        scope = found["scope"]["systems"].get(name) or {}
        told = f"  AUROC {scope['auroc']:.3f}  FPR95 {scope['fpr95']:.3f}" if scope else ""
        print(f"{line}  ECE {row['ece']:.3f}{told}")
    for row in found.get("robustness", ()):
        ours = next(iter(row["systems"].values()))
        print(f"  {row['perturbation']:38} {100 * ours['before']['value']:.1f} -> {100 * ours['after']['value']:.1f} %")
    if found.get("swaps"):
        print(f"  swaps that change the intent{'':10} {100 * found['swaps']['changed']['value']:.1f} %")
    print_ranking(found.get("ranking", {}))


def print_ranking(ranking: dict[str, Any]) -> None:
    """Prints response ranking, a system a line."""
    if not ranking:
        print("  too little held-out data to measure response ranking")
        return
    print(f"  {ranking['n']:,} held-out questions, {ranking['protocol']} ({ranking['candidates']} candidates)")
    for name, row in ranking["systems"].items():
        print(f"  {name:38} R@1 {row['r1']:.3f}  R@5 {row['r5']:.3f}  MRR {row['mrr']:.3f}")
