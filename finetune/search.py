"""Search for a better recipe with Optuna: trials are judged on the validation split, poor ones are cut short.

The study is a SQLite file, so that a search that was stopped goes on. The test split is never looked at.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli

from data.artifacts import hash_json
from data.errors import InputError
from finetune.examples import TrainingData
from finetune.progress import Progress
from finetune.recipe import RECIPES, TUNE, Recipe, nearest, recipe_of

if TYPE_CHECKING:
    import optuna

Space = dict[str, Any]

DEFAULT_SPACE: Space = {
    "learning_rate": {"low": 2e-5, "high": 1e-3, "log": True},
    "class_learning_rate": {"low": 5e-4, "high": 1e-2, "log": True},
    "scale": {"low": 10.0, "high": 40.0},
    "warmup": {"low": 0.0, "high": 0.2},
    "frozen_layers": [-1, 0, 2, 4],
}
"""What is searched where a recipe has no table ``[tune]``."""


@dataclass(frozen=True)
class Best:
    """What a search came to.

    Attributes:
        recipe: The best one.
        figure: Its best judgement on the validation split, 0..1.
        before: That of the recipe that the search began with; None where it lies outside of the space.
        trials: (number, figure, state) of each, in order.
    """

    recipe: Recipe
    figure: float
    before: float | None
    trials: tuple[tuple[int, float | None, str], ...]


def space_of(named: str) -> Space:
    """The table ``[tune]`` of a recipe, or the default one.

    Raises:
        InputError: A field that no recipe has, bounds that are none, or a value that no recipe may have.
    """
    path = Path(named) if named.endswith(".toml") else RECIPES / f"{named}.toml"
    space: Space = tomli.loads(path.read_text(encoding="utf-8")).get(TUNE, DEFAULT_SPACE)
    known = {f.name: f.default for f in fields(Recipe)}
    for key, wanted in space.items():
        where = f"{path}: [tune] {key}"
        if key not in known:
            raise InputError(
                where, got="an unknown key", expected=nearest(key, known), next_step="Mend the table [tune]."
            )
        for value in _ends(where, wanted):
            recipe_of({key: value}, path=path)
    return space


def _ends(where: str, wanted: Any) -> list[Any]:
    """The values to check: all choices, or both bounds."""
    if isinstance(wanted, list) and wanted:
        return wanted
    if isinstance(wanted, dict) and {"low", "high"} <= set(wanted) <= {"low", "high", "log", "step"}:
        low, high = wanted["low"], wanted["high"]
        if isinstance(low, int | float) and isinstance(high, int | float) and low <= high:
            return [low, high]
    raise InputError(
        where, got=repr(wanted), expected="a list of values, or { low = 1e-5, high = 1e-3, log = true }",
        next_step="Mend the table [tune].",
    )  # fmt: skip


def search(
    data: TrainingData, recipe: Recipe, space: Space, *, trials: int, minutes: float, study: Path, progress: Progress
) -> Best:
    """Tries recipes until so many trials are done, those of earlier runs included, or the time is over.

    Args:
        data: Training and validation splits are used.
        recipe: Where to begin; the first trial.
        space: From ``space_of``.
        trials: In total.
        minutes: At most; 0 for no limit.
        study: SQLite file; goes on with what is in it.
        progress: Told of trials.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        found = optuna.create_study(
            study_name="recipe", storage=f"sqlite:///{study}", direction="maximize", load_if_exists=True,
            sampler=optuna.samplers.TPESampler(seed=recipe.seed), pruner=optuna.pruners.MedianPruner(3, 1),
        )  # fmt: skip
    if not found.trials:
        found.enqueue_trial({key: getattr(recipe, key) for key in space})
    left = trials - len(_done(found))

    def objective(trial: optuna.Trial) -> float:
        progress(trial.number / trials, f"trial {trial.number + 1} of {trials}")
        return _judged(data, replace(recipe, **suggested(trial, space)), trial)

    if left > 0:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Optuna about the first trial, where it lies outside of the space
            found.optimize(objective, n_trials=left, timeout=60 * minutes or None)
    return _best(found, recipe)


def suggested(trial: optuna.Trial, space: Mapping[str, Any]) -> dict[str, Any]:
    """A value of each field of the space."""
    values: dict[str, Any] = {}
    for key, wanted in space.items():
        if isinstance(wanted, list):
            values[key] = trial.suggest_categorical(key, wanted)
        elif isinstance(getattr(Recipe(), key), int):
            values[key] = trial.suggest_int(key, wanted["low"], wanted["high"], log=wanted.get("log", False))
        else:
            step = wanted.get("step")
            values[key] = trial.suggest_float(
                key, wanted["low"], wanted["high"], log=wanted.get("log", False), step=step
            )
    return values


def _judged(data: TrainingData, recipe: Recipe, trial: optuna.Trial) -> float:
    """The best figure of a run; the run ends where it falls behind the others."""
    import optuna

    from finetune.encoder import extend_vocabulary, find_base, load_encoder
    from finetune.trainer import train_encoder

    def watch(step: int, figure: float) -> None:
        trial.report(figure, step)
        if step and trial.should_prune():
            raise optuna.TrialPruned

    model = load_encoder(find_base(recipe.base_model, expected=recipe.base_sha256), max_length=recipe.max_length)
    new = extend_vocabulary(model, data.texts(), least=recipe.unknown_characters, seed=recipe.seed)
    outcome = train_encoder(model, data, recipe, new_tokens=new, progress=lambda done, words: None, watch=watch)
    return max(figure for _, figure in outcome.judgements) if outcome.judgements else 0.0


def _done(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return [trial for trial in study.trials if trial.state.is_finished()]


def _best(study: optuna.Study, recipe: Recipe) -> Best:
    rows = tuple((trial.number, trial.value, trial.state.name.lower()) for trial in _done(study))
    if not any(state == "complete" for _, _, state in rows):
        raise InputError(
            "tune", got="no finished trial", expected="at least one", next_step="Allow more trials or minutes."
        )
    first = study.trials[0]
    return Best(replace(recipe, **study.best_params), study.best_value, first.value, rows)


def study_path(var: Path, dataset: str, recipe: Recipe, space: Space) -> Path:
    """One study a dataset, recipe and space: ``var/tune/KEY.db``."""
    return var / "tune" / f"{hash_json(['tune', dataset, recipe.to_json(), space])}.db"


def as_toml(best: Best) -> str:
    """The best recipe as a file: what differs from the defaults."""
    import tomli_w

    defaults = Recipe().to_json()
    table = {key: value for key, value in best.recipe.to_json().items() if key != "name" and value != defaults[key]}
    tried = f"{len(best.trials)} trials; validation figure {best.figure:.4f}"
    before = "" if best.before is None else f", {best.before:.4f} before"
    return (
        f"# Found by `careline model tune` from the recipe {best.recipe.name}: {tried}{before}.\n{tomli_w.dumps(table)}"
    )


def plot(best: Best, path: Path) -> None:
    """Each trial's figure and the best so far, as a PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    done = [(number, figure) for number, figure, state in best.trials if state == "complete" and figure is not None]
    cut = [(number, figure) for number, figure, state in best.trials if state == "pruned" and figure is not None]
    figure, axes = pyplot.subplots(figsize=(7, 4))
    axes.plot(*zip(*done, strict=True), "o", label="finished")
    if cut:
        axes.plot(*zip(*cut, strict=True), "x", label="cut short")
    highest = [max(value for _, value in done[: i + 1]) for i in range(len(done))]
    axes.step([number for number, _ in done], highest, where="post", label="best so far")
    axes.set(
        xlabel="trial", ylabel="figure on the validation split", title=f"Search from the recipe {best.recipe.name}"
    )
    axes.grid(alpha=0.3)
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120, bbox_inches="tight")
    pyplot.close(figure)
