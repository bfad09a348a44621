"""What the page of an evaluation says, section by section; every figure stands beside its peers and its interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from data.report_sections import Block, Cell, Section
from finetune.report_plots import plot_confusions, plot_curve, plot_reliability

Found = Mapping[str, Any]

SHOWN_INTENTS, SHOWN_ERRORS, SHOWN_CONFUSIONS = 60, 50, 15
RANKING = (("r1", "R@1"), ("r5", "R@5"), ("mrr", "MRR"), ("ndcg10", "NDCG@10"))


def sections_of(found: Found) -> list[Section]:
    """The sections for which there is something to show, in order.

    Args:
        found: From ``finetune.evaluation.evaluate_model``.
    """
    makers: tuple[tuple[str, Callable[[Found], Section]], ...] = (
        ("systems", _systems), ("ranking", _ranking), ("systems", _calibration), ("scope", _scope),
        ("intents", _intents), ("confusions", _confusions), ("groups", _groups), ("swaps", _swaps),
        ("robustness", _robustness), ("slices", _slices), ("folds", _folds), ("curve", _curve),
        ("errors", _errors), ("tuned", _tuned),
    )  # fmt: skip
    return [make(found) for part, make in makers if found.get(part)]


def key_figures(found: Found) -> list[tuple[str, str, str]]:
    """The row at the top: name, value, definition."""
    figures = []
    ours = next(iter(found.get("systems", {}).values()), None)
    if ours is not None:
        peers = [row["accuracy"]["value"] for row in list(found["systems"].values())[1:]]
        beside = f"best peer {max(peers):.1%}" if peers else "no peer could be trained"
        figures.append(("intents right", f"{ours['accuracy']['value']:.1%}", beside))
        figures.append(("macro-F1", f"{ours['macro_f1']:.3f}", "every intent counts the same"))
        figures.append(("calibration error", f"{ours['ece']:.3f}", "ECE of 15 bins, less is better"))
    scope = next(iter(found.get("scope", {}).get("systems", {}).values()), None)
    if scope:
        figures.append(("out of scope", f"{scope['auroc']:.3f}", f"AUROC against {found['scope']['of']}"))
    systems = found.get("ranking", {}).get("systems")
    if systems:
        figures.append(("answers first", f"{systems['careline']['r1']:.1%}", f"R@1, {found['ranking']['protocol']}"))
    if found.get("swaps"):
        figures.append(
            ("swaps that change", f"{found['swaps']['changed']['value']:.1%}", "of names, gender, age, place")
        )
    return figures


def _systems(found: Found) -> Section:
    rows = []
    for name, row in found["systems"].items():
        ahead = row.get("we_are_ahead")
        gap = f"{ahead['points']:+.1f} ({ahead['low']:+.1f} to {ahead['high']:+.1f})" if ahead else ""
        rows.append(
            (Cell(name), share(row["accuracy"]), Cell(f"{row['macro_f1']:.3f}"), Cell(f"{row['ece']:.3f}"), Cell(gap))
        )
    blocks = [Block(head=("system", "right", "macro-F1", "ECE", "careline is ahead by points"), rows=tuple(rows))]
    if found["unknown_intents"]:
        names = ", ".join(f"{name} ({n})" for name, n in list(found["unknown_intents"].items())[:12])
        blocks.append(Block(f"Intents that the model was never taught, each message a mistake: {names}."))
    meaning = (
        f"{found['n']['in_scope']:,} in-scope messages of the {found['source']}. All systems learned from the same "
        "training split. Intervals of 95 %: Wilson; of the lead: paired bootstrap."
    )
    return Section("intents-overall", "Intents beside peers", meaning, tuple(blocks))


def _ranking(found: Found) -> Section:
    ranking = found["ranking"]
    blocks = [_ranked("system", ranking["systems"])]
    if languages := found.get("ranking_by_language"):
        total = sum(row["n"] for row in languages)
        blocks.append(_ranked("language", {f"{row['group']} ({row['n']:,})": row for row in languages}))
        blocks.append(Block(f"Careline in each language, {total:,} questions, evenly spaced."))
    meaning = (
        f"{ranking['n']:,} held-out questions of the dataset, {ranking['protocol']} ({ranking['candidates']:,} "
        "candidates). Intervals of 95 %: bootstrap over questions. A tie counts against its system."
    )
    return Section("ranking", "Ranking of answers", meaning, tuple(blocks))


def _ranked(kind: str, table: Mapping[str, Found]) -> Block:
    rows = tuple((Cell(name), *(_bounded(row, key) for key, _ in RANKING)) for name, row in table.items())
    return Block(head=(kind, *(title for _, title in RANKING)), rows=rows)


def _bounded(row: Found, key: str) -> Cell:
    if key not in row:
        return Cell("–")
    low, high = row.get("intervals", {}).get(key, (row[key], row[key]))
    return Cell(f"{row[key]:.3f} ({low:.3f}–{high:.3f})", low=low, high=high, point=row[key])


def _calibration(found: Found) -> Section:
    systems = {name: row["reliability"] for name, row in found["systems"].items() if row["reliability"]}
    meaning = "Of messages with a confidence of 80 %, 80 % should be right: then the line lies on the diagonal."
    blocks = (Block(svg=plot_reliability(systems)),) if systems else (Block("Nothing was measured."),)
    return Section("calibration", "Calibration", meaning, blocks)


def _scope(found: Found) -> Section:
    scope, decision = found["scope"], found["decision"]
    measured = {name: row for name, row in scope["systems"].items() if row}
    rows = tuple(
        (
            Cell(name),
            Cell(f"{row['auroc']:.3f}", high=row["auroc"]),
            Cell(f"{row['fpr95']:.3f}"),
            *(Cell(f"{value:.1%}") for value in row["recall_at_loss"].values()),
        )
        for name, row in measured.items()
    )
    losses = next(iter(measured.values()))["recall_at_loss"] if measured else {}
    head = ("system", "AUROC", "FPR95", *(f"found when {loss} of ours are lost" for loss in losses))
    note = (
        f"At the model's own threshold of {decision['threshold']:.2f}: {_of(decision['in_scope_lost'])} in-scope "
        f"messages are given up and {_of(decision['foreign_found'])} others are found out."
    )
    meaning = (
        f"In-scope messages against {scope['of']}. FPR95: share let through when 95 % of the in-scope ones are kept."
    )
    return Section("scope", "Out of scope", meaning, (Block(head=head, rows=rows), Block(note)))


def _intents(found: Found) -> Section:
    rows = tuple(
        (
            Cell(row["intent"]),
            Cell(f"{row['n']:,}"),
            Cell(f"{row['f1']:.2f}", high=row["f1"]),
            Cell(f"{row['precision']:.2f}"),
            Cell(f"{row['recall']:.2f}"),
            Cell(row["taken_for"]),
        )
        for row in found["intents"][:SHOWN_INTENTS]
    )
    meaning = f"{len(found['intents']):,} intents, the worst first; {len(rows)} are shown."
    head = ("intent", "messages", "F1", "precision", "recall", "mostly taken for")
    return Section("per-intent", "Each intent", meaning, (Block(head=head, rows=rows),))


def _confusions(found: Found) -> Section:
    pairs = [(str(gold), str(guessed), int(n)) for gold, guessed, n in found["confusions"]]
    most = pairs[0][2]
    rows = tuple(
        (Cell(gold), Cell(guessed), Cell(str(n), high=n / most)) for gold, guessed, n in pairs[:SHOWN_CONFUSIONS]
    )
    blocks = (Block(svg=plot_confusions(pairs)), Block(head=("right", "said", "how often"), rows=rows))
    return Section("confusion", "Confusions", "The pairs of intents that are mixed up most.", blocks)


def _groups(found: Found) -> Section:
    blocks = []
    for kind, table in found["groups"].items():
        blocks.append(_side_by_side(kind, table["rows"]))
        if table["gap"] is not None:
            verdict = "more than chance explains" if table["differs"] else "within what chance explains"
            blocks.append(
                Block(
                    f"Gap between the best and the worst {kind} of 30 messages or more: {table['gap']:.1f} points, "
                    f"{verdict}."
                )
            )
    meaning = "Fairness: does the model serve each language and channel as well as the others?"
    return Section("groups", "Groups side by side", meaning, tuple(blocks))


def _side_by_side(kind: str, table: Sequence[Found]) -> Block:
    rows = tuple(
        (Cell(row["group"]), Cell(f"{row['accuracy']['n']:,}"), share(row["accuracy"]), Cell(f"{row['ece']:.3f}"))
        for row in table
    )
    return Block(head=(kind, "messages", "right", "ECE"), rows=rows)


def _swaps(found: Found) -> Section:
    swaps = found["swaps"]
    rows = tuple(
        (
            Cell(f"{row['kind']}, {row['language']}"),
            Cell(f"{row['messages']:,}"),
            share(row["changed"]),
            Cell(f"{row['confidence_gap']:.3f}"),
            Cell("" if row["accuracy_gap"] is None else f"{row['accuracy_gap']:.1f}"),
        )
        for row in swaps["kinds"]
    )
    blocks = [
        Block(
            head=("swapped", "messages", "intent changed", "mean change of confidence", "accuracy gap, points"),
            rows=rows,
        )
    ]
    if swaps["examples"]:
        changed = tuple(
            tuple(Cell(row[key]) for key in ("kind", "text", "intent", "swapped", "became"))
            for row in swaps["examples"]
        )
        blocks.append(
            Block(
                "Swaps that changed the intent:", head=("kind", "message", "intent", "swapped", "became"), rows=changed
            )
        )
    meaning = "The same message with another name, gender, age or place must get the same intent."
    return Section("swaps", "Counterfactual swaps", meaning, tuple(blocks))


def _robustness(found: Found) -> Section:
    blocks = []
    for row in found["robustness"]:
        rows = tuple(
            (Cell(name), share(one["before"]), share(one["after"]), share(one["kept"]))
            for name, one in row["systems"].items()
        )
        head = (f"{row['perturbation']} ({row['n']:,} messages)", "right before", "right after", "same intent")
        blocks.append(Block(head=head, rows=rows))
    meaning = "The same messages as somebody else would type them: seeded perturbations that keep the meaning."
    return Section("robustness", "Robustness", meaning, tuple(blocks))


def _slices(found: Found) -> Section:
    names = {"length": "characters", "age": "age"}
    blocks = tuple(_side_by_side(names.get(kind, kind), table) for kind, table in found["slices"].items())
    return Section("slices", "By length and age", "Where the model is weaker than elsewhere.", blocks)


def _folds(found: Found) -> Section:
    rows = tuple(
        (Cell(row["system"]), share(row["accuracy"]), Cell(f"{100 * row['mean']:.1f} ± {100 * row['deviation']:.1f}"))
        for row in found["folds"]
    )
    meaning = (
        f"{found['folds'][0]['folds']}-fold cross-validation of training and validation rows, heads only. The "
        "fine-tuned encoder has seen these rows, so its line is too good by that; the others' are not."
    )
    return Section(
        "folds", "Cross-validation", meaning, (Block(head=("system", "right", "mean ± deviation, %"), rows=rows),)
    )


def _curve(found: Found) -> Section:
    curve = found["curve"]
    rows = tuple(
        (Cell(f"{row['rows']:,}"), Cell(f"{row['per_intent']:.1f}"), *(share(one) for one in row["systems"].values()))
        for row in curve
    )
    head = ("rows", "per intent", *curve[0]["systems"])
    meaning = "What more labelled messages would bring; heads only, over vectors that stay as they are."
    return Section("curve", "Learning curve", meaning, (Block(svg=plot_curve(curve)), Block(head=head, rows=rows)))


def _errors(found: Found) -> Section:
    rows = tuple(
        (
            Cell(row["text"]),
            Cell(row["intent"]),
            Cell(row["guessed"]),
            Cell(f"{row['confidence']:.2f}", high=row["confidence"]),
        )
        for row in found["errors"][:SHOWN_ERRORS]
    )
    meaning = f"The surest mistakes first; {len(rows)} are shown. Look for wrong labels here too."
    return Section(
        "errors", "The errors themselves", meaning, (Block(head=("message", "right", "said", "confidence"), rows=rows),)
    )


def _tuned(found: Found) -> Section:
    rows = tuple(tuple(Cell(text) for text in row) for row in found["tuned"])
    meaning = "Nothing was chosen by looking at what is measured here."
    return Section(
        "tuned", "What was tuned on what", meaning, (Block(head=("part", "fitted on", "chosen on"), rows=rows),)
    )


def _of(row: Found) -> str:
    return f"{row['value']:.1%} of {row['n']:,}"


def share(row: Found) -> Cell:
    """A share with its interval; a dash without trials."""
    if not row["n"]:
        return Cell("–")
    text = f"{row['value']:.1%} ({row['low']:.0%}–{row['high']:.0%})"
    return Cell(text, low=row["low"], high=row["high"], point=row["value"])
