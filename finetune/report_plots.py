"""Plots of the evaluation's page, in the look of the dataset's: reliability, confusion, learning curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from data.report_plots import INK, SERIES, as_svg, new_axes

SHOWN_INTENTS = 16
"""Intents of the confusion plot: the most confused ones; more cannot be read."""


def plot_reliability(systems: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """Accuracy by confidence; on the diagonal a probability means what it says.

    Args:
        systems: Name to the bins of ``finetune.assess.reliability``.
    """
    figure, axes = new_axes(width=5, height=3.4)
    axes.plot([0, 1], [0, 1], color=SERIES[4], linewidth=1, linestyle=(0, (4, 3)))
    for colour, (name, bins) in reversed(list(zip(SERIES, systems.items(), strict=False))):  # ours on top
        sizes = [8 + 60 * (row["n"] / max(b["n"] for b in bins)) ** 0.5 for row in bins]
        at, accuracy = [row["confidence"] for row in bins], [row["accuracy"] for row in bins]
        axes.plot(at, accuracy, color=colour, linewidth=1.6, label=name)
        axes.scatter(at, accuracy, s=sizes, color=colour, alpha=0.7, linewidths=0)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("confidence", color=INK)
    axes.set_ylabel("right", color=INK)
    _legend(axes)
    return as_svg(figure, "Lines: share of right answers by confidence; larger dots hold more messages")


def plot_confusions(rows: Sequence[tuple[str, str, int]]) -> str:
    """The most confused intents against each other: what was right down, what was said across.

    Args:
        rows: (right, guessed, how often), the most frequent first; at least one.
    """
    names: list[str] = []
    for gold, guessed, _ in rows:
        names += [name for name in (gold, guessed) if name not in names]
        if len(names) >= SHOWN_INTENTS:
            break
    names = sorted(names[:SHOWN_INTENTS])
    most = max(n for *_, n in rows)
    figure, axes = new_axes(width=7, height=0.9 + 0.27 * len(names))
    axes.grid(visible=False)
    for gold, guessed, n in rows:
        if gold in names and guessed in names:
            at = names.index(guessed), names.index(gold)
            axes.bar(at[0], 0.9, width=0.9, bottom=at[1] - 0.45, color=SERIES[0], alpha=0.1 + 0.4 * n / most)
            axes.text(*at, str(n), ha="center", va="center", fontsize=8, color=INK)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xticks(range(len(names)), [_short(name) for name in names], rotation=40, ha="right")
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    return as_svg(figure, "Squares: how often the intent of the row was taken for that of the column")


def plot_curve(curve: Sequence[Mapping[str, Any]]) -> str:
    """Accuracy by training rows, on a logarithmic axis.

    Args:
        curve: From ``finetune.folds.learning_curve``.
    """
    figure, axes = new_axes(height=2.8)
    sizes = [row["rows"] for row in curve]
    for colour, name in zip(SERIES, curve[0]["systems"], strict=False):
        values = [100 * row["systems"][name]["value"] for row in curve]
        axes.plot(sizes, values, color=colour, linewidth=2, marker="o", markersize=4, label=name)
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set_xlabel("training rows", color=INK)
    axes.set_ylabel("% right", color=INK)
    _legend(axes)
    return as_svg(figure, "Lines: accuracy on held-out messages by the number of training rows")


def _legend(axes: Any) -> None:
    axes.legend(frameon=False, ncol=3, loc="lower left", bbox_to_anchor=(0, 1), labelcolor=INK, borderaxespad=0)


def _short(name: str) -> str:
    return name if len(name) <= 26 else f"{name[:25]}…"
