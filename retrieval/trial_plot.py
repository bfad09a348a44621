"""A picture of an evaluation: what is found, how sure it is, where the time goes."""

from __future__ import annotations

from pathlib import Path

from data.errors import InputError
from retrieval.trial import Trial

_FOUND = {"r1": "R@1", "r5": "R@5", "r10": "R@10", "mrr": "MRR", "map": "MAP", "ndcg10": "NDCG"}


def draw(trial: Trial, path: Path) -> None:
    """Writes a PNG.

    Raises:
        InputError: The place cannot be written to.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figures = trial.figures()
    plot, (found, said, times) = pyplot.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
    values = [figures[name] for name in _FOUND]
    errors = [
        [v - figures["intervals"][n][0], figures["intervals"][n][1] - v] for n, v in zip(_FOUND, values, strict=True)
    ]
    found.bar(list(_FOUND.values()), values, yerr=[list(side) for side in zip(*errors, strict=True)], capsize=3)
    found.set(title=f"What is found, {figures['n']:,} questions", ylim=(0, 1))
    rows = figures["outcomes"]
    right, wrong = ([row[side] for row in rows.values()] for side in ("right", "wrong"))
    said.bar(list(rows), right, label="right", color="tab:green")
    said.bar(list(rows), wrong, bottom=right, label="wrong", color="tab:red")
    said.set(title="How sure it is")
    said.legend()
    steps = {name: row for name, row in figures["ms"].items() if name != "whole"}
    times.barh(list(steps), [row["p50"] for row in steps.values()])
    times.set(title="Median time of each step", xlabel="ms")
    try:
        plot.savefig(path, dpi=120, format="png")
    except OSError as error:
        raise InputError(
            str(path), got=str(error), expected="a file that can be written", next_step="Name another place."
        ) from error
    finally:
        pyplot.close(plot)
