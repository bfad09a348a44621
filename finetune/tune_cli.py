"""``careline model recipes`` and ``careline model tune``: the recipes there are, and the search for a better one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from data.workspace import find_workspace

_WORKSPACE = Annotated[
    str | None,
    typer.Option("--workspace", envvar="CARELINE_WORKSPACE", help="The shop's folder; found from here by default."),
]
_JSON = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


def recipes(as_json: _JSON = False) -> None:
    """List the recipes and what each is for."""
    from finetune.recipe import recipe_names, recipe_summary

    rows = {name: recipe_summary(name) for name in recipe_names()}
    if as_json:
        print(json.dumps({"recipes": rows}))
        return
    for name, summary in rows.items():
        print(f"{name:12} {summary}")


def tune(
    recipe: Annotated[str | None, typer.Option(help="Where to begin; its [tune] table is the space.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Key of a dataset; the live one by default.")] = None,
    trials: Annotated[int, typer.Option(min=1, help="In total; those of a search that was stopped count.")] = 20,
    minutes: Annotated[float, typer.Option(min=0, help="Begin no further trial after so long; 0 for no limit.")] = 0,
    write: Annotated[Path | None, typer.Option("--write", help="Write the best recipe to this .toml file.")] = None,
    workspace: _WORKSPACE = None,
    as_json: _JSON = False,
) -> None:
    """Search for a better recipe with Optuna, judged on the validation split; run it again to go on."""
    from rich.console import Console

    from data.artifacts import DatasetLayout, load_manifest, write_atomic
    from finetune.examples import TrainingData
    from finetune.progress import Stages
    from finetune.recipe import load_recipe
    from finetune.search import as_toml, plot, search, space_of, study_path

    place = find_workspace(workspace)
    named = recipe or place.settings.learn.recipe
    chosen, space = load_recipe(named), space_of(named)
    layout = DatasetLayout(place.folder("dataset") / dataset) if dataset else place.live_dataset()
    key = load_manifest(layout.folder, kind="dataset").key
    study = study_path(place.var, key, chosen, space)
    with Stages(Console(stderr=True)).part("search") as progress:
        best = search(
            TrainingData.load(layout), chosen, space, trials=trials, minutes=minutes, study=study, progress=progress
        )
    picture = place.var / "reports" / f"tune-{study.stem}.png"
    plot(best, picture)
    if write is not None:
        write_atomic(write, as_toml(best))
    if as_json:
        row = {"figure": best.figure, "before": best.before, "trials": best.trials, "recipe": best.recipe.to_json()}
        print(json.dumps({**row, "study": str(study), "plot": str(picture)}))
    else:
        print(as_toml(best), end="")
