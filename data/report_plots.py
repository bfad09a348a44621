"""Plots of the report page as SVG that stands in the page itself: no file, no font, no script from elsewhere.

Colours are names that the page's style resolves, so that the plots follow light and dark.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from itertools import accumulate
from typing import Any

_DAY = 86400
_MOST_BUCKETS = 60
INK, GRID = "#0a0b0c", "#0d0e0f"
SERIES = ("#10b001", "#10b002", "#10b003", "#10b004", "#10b005")
_NAMES = {INK: "var(--soft)", GRID: "var(--line)"} | {
    colour: f"var(--series-{i})" for i, colour in enumerate(SERIES, 1)
}
"""Matplotlib wants real colours: these are nowhere else, and are replaced by the page's own in the SVG."""

_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_HEAD = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_STYLE = re.compile(r"<defs>\s*<style.*?</defs>", re.DOTALL)
_SIZE = re.compile(r' (?:width|height)="[\d.]+pt"')
_IDS = re.compile(r' id="(?!p[0-9a-f]{10}")[^"]*"')
_FONT = re.compile(r"font: [\d.]+px [^;\"]*")


def plot_volume(days: Mapping[tuple[int, str], int]) -> str:
    """Conversations over time, stacked by language; days, weeks or months, whichever gives at most 60 bars.

    Args:
        days: (days since 1970, language) to conversations; at least one.
    """
    known = [day for day, _ in days]
    step = next(step for step in (1, 7, 30, 91, 365, 10**6) if (max(known) - min(known)) // step < _MOST_BUCKETS)
    first = min(known)
    size = (max(known) - first) // step + 1
    totals: Counter[str] = Counter()
    for (_, language), count in days.items():
        totals[language] += count
    shown = [language for language, _ in totals.most_common(len(SERIES) - 1)]
    series = {name: [0] * size for name in (*shown, "other")}
    for (day, language), count in days.items():
        series[language if language in shown else "other"][(day - first) // step] += count
    at = [datetime.fromtimestamp((first + i * step) * _DAY, tz=timezone.utc) for i in range(size)]
    figure, axes = new_axes()
    below = [0] * size
    for colour, (name, values) in zip(SERIES, series.items(), strict=False):
        if any(values):
            axes.bar(at, values, width=step * 0.9, bottom=below, color=colour, label=name)
            below = [low + value for low, value in zip(below, values, strict=True)]
    _date_axis(axes)
    if len(totals) > 1:
        axes.legend(frameon=False, ncol=5, loc="lower left", bbox_to_anchor=(0, 1), labelcolor=INK, borderaxespad=0)
    return as_svg(figure, f"Bars: conversations per {_step_name(step)}, by language")


def _step_name(step: int) -> str:
    return {1: "day", 7: "week", 30: "30 days", 91: "quarter", 365: "year"}.get(step, "period")


def plot_counts(counts: Mapping[int, int], *, most: int, of: str) -> str:
    """A histogram of small whole numbers; ``most`` stands for itself and all above it."""
    figure, axes = new_axes()
    numbers = range(1, most + 1)
    axes.bar(list(numbers), [counts.get(n, 0) for n in numbers], width=0.9, color=SERIES[0])
    ticks = [n for n in (1, 5, 10, 15, 20, 25, 30, 35, 40) if n <= most]
    axes.set_xticks(ticks)
    axes.set_xticklabels([f"{n}+" if n == most else str(n) for n in ticks])
    axes.set_xlabel("messages in a conversation", color=INK)
    return as_svg(figure, of)


def plot_coverage(support: Sequence[int]) -> str:
    """How much of what agents said the most frequent answers cover; answers on a logarithmic axis.

    Args:
        support: How often each answer was given, most frequent first; at least one.
    """
    total = sum(support)
    shares = [100 * covered / total for covered in accumulate(support)]
    numbers = range(1, len(shares) + 1)
    kept = sorted({min(len(shares), round(1.15**k)) for k in range(120)})
    figure, axes = new_axes()
    axes.plot([numbers[k - 1] for k in kept], [shares[k - 1] for k in kept], color=SERIES[0], linewidth=2)
    axes.set_xscale("log")
    ticks = [n for n in (1, 10, 100, 1000, 10_000, 100_000, 1_000_000) if n <= len(shares)]
    axes.set_xticks(ticks)
    axes.set_xticklabels([f"{n:,}" for n in ticks])
    axes.minorticks_off()
    axes.set_ylim(0, 101)
    axes.set_xlabel("most frequent answers", color=INK)
    axes.set_ylabel("% of messages", color=INK)
    return as_svg(figure, "Line: share of the agents' messages that the N most frequent answers make up")


def new_axes(*, width: float = 7, height: float = 2.4) -> tuple[Any, Any]:
    """A figure (inches) without pyplot's global state, with quiet axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    axes = figure.subplots()
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    axes.tick_params(colors=INK, length=0, labelsize=9)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def _date_axis(axes: Any) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def as_svg(figure: Any, description: str) -> str:
    """A figure of ``new_axes`` as an element of a page, its colours by name, with a text for screen readers."""
    import matplotlib

    out = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": description, "font.family": "sans-serif"}):
        figure.savefig(out, format="svg", transparent=True, bbox_inches="tight", pad_inches=0.05)
    text = _METADATA.sub("", _STYLE.sub("", _HEAD.sub("", out.getvalue()), count=1))
    text = _FONT.sub("font: 10px sans-serif", _IDS.sub("", _SIZE.sub("", text, count=2)))
    for colour, name in _NAMES.items():
        text = text.replace(colour, name)
    return text.replace("<svg ", f'<svg role="img" aria-label="{description}" ', 1)
