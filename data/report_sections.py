"""What the report page says, section by section, as blocks that the template only has to lay out.

Every number has its definition beside it, and every share its 95 % interval or the number it was taken from.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

from data.facts import LONGEST, SHOWN_ANSWERS, SHOWN_ROWS, SHOWN_TOPICS, Facts, Tally, interval
from data.report_plots import plot_counts, plot_coverage, plot_volume

NOT_MEASURED = "Not measured in this dataset: it was built by an older version. Build it again to see this."
_NO_ENDINGS = "This log does not say how its conversations ended."


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: What it says.
        low: Start of a bar or an interval, 0..1.
        high: Its end; None where nothing is drawn.
        point: The value within an interval, or None for a bar.
    """

    text: str
    low: float = 0.0
    high: float | None = None
    point: float | None = None


@dataclass(frozen=True)
class Block:
    """A figure (``svg``), a table (``head`` and ``rows``) or a remark (``note`` alone)."""

    note: str = ""
    svg: str = ""
    head: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()


@dataclass(frozen=True)
class Section:
    """A part of the page that can be folded.

    Attributes:
        id: Of its heading.
        title: A few words.
        meaning: What its numbers are.
        blocks: In order.
    """

    id: str
    title: str
    meaning: str
    blocks: tuple[Block, ...] = field(default_factory=tuple)


def sections_of(facts: Facts) -> list[Section]:
    """All sections, in the order in which the page shows them."""
    makers: tuple[Callable[[Facts], Section], ...] = (
        _volume, _lengths, _languages, _splits, _topics, _duplicates, _redactions, _conflicts, _contradictions,
        _answers, _moods, _endings, _groups,
    )  # fmt: skip
    return [make(facts) for make in makers]


def key_figures(facts: Facts) -> list[tuple[str, str, str]]:
    """The row at the top: name, value, definition."""
    report, tally = facts.report, facts.all
    total = sum(facts.support) or 1
    figures = [
        ("conversations", f"{report['conversations']:,}", " to ".join(report["period"]) or "no times in the log"),
        ("messages", f"{report['messages']:,}", f"{report['messages'] / max(1, report['conversations']):.1f} each"),
        ("answers", f"{report['answers']:,}", f"{report['reusable']:,} can be said again"),
        ("reusable", f"{facts.usable / total:.0%}", "of the agents' replies can be said again"),
        ("redacted", f"{report['redacted_values']:,}", "personal values replaced, each once a conversation"),
    ]
    if tally.known:
        share = tally.endings["resolved"] / tally.known
        figures.append(("resolved", f"{share:.0%}", f"of {tally.known:,} conversations whose ending is known"))
    return figures


def _volume(facts: Facts) -> Section:
    meaning = "Conversations by the time of their first message (UTC)."
    if not facts.days:
        return Section("volume", "Volume over time", meaning, (Block("This log has no times."),))
    timed = sum(facts.days.values())
    note = f"{timed:,} of {facts.report['conversations']:,} conversations have a time."
    return Section("volume", "Volume over time", meaning, (Block(note, svg=plot_volume(facts.days)),))


def _lengths(facts: Facts) -> Section:
    blocks = [Block(svg=plot_counts(facts.lengths, most=LONGEST, of="Bars: conversations by number of messages"))]
    if facts.all.waits:
        waits = sorted(facts.all.waits)
        places = (("half within", 0.5), ("9 in 10 within", 0.9), ("99 in 100 within", 0.99))
        row = tuple(Cell(_duration(waits[min(len(waits) - 1, int(share * len(waits)))])) for _, share in places)
        note = "First answer: time from a customer's first message to the first message of an agent."
        blocks.append(Block(note, head=tuple(name for name, _ in places), rows=(row,)))
    return Section("lengths", "Lengths and waiting", "Messages of all sides in a conversation.", tuple(blocks))


def _languages(facts: Facts) -> Section:
    counts = {name: tally.conversations for (kind, name), tally in facts.tallies.items() if kind == "language"}
    meaning = "As the log says, else by the script of most messages."
    return Section("languages", "Languages", meaning, (_bars(("language", "conversations"), counts),))


def _splits(facts: Facts) -> Section:
    split = facts.report["split"]
    meaning = f"What a model is trained on, chosen by and measured on; split by {split['by']}."
    known = split["conversations"]
    blocks = [_bars(("split", "conversations"), {s: known.get(s, 0) for s in ("train", "valid", "test")}, sort=False)]
    dropped = split.get("dropped")
    if dropped is None:
        blocks.append(Block(f"Leak check: {NOT_MEASURED}"))
    elif dropped:
        blocks.append(_bars(("left out of the measurement, as a", "conversations"), dropped))
    else:
        blocks.append(Block("Leak check: no held-out conversation repeats one that is trained on."))
    return Section("splits", "Splits and leaks", meaning, tuple(blocks))


def _topics(facts: Facts) -> Section:
    if not facts.topics:
        return Section("topics", "Intents and topics", "Topics learned from the log.", (Block("None were found."),))
    sizes = [topic.size for topic in facts.topics]
    total = sum(sizes)
    even = math.exp(-sum(n / total * math.log(n / total) for n in sizes if n))
    largest, middle = sizes[0], median(sizes)
    note = (
        f"{len(sizes):,} topics. Balance: they are as varied as {even:.0f} equally large ones; the largest has "
        f"{largest / total:.0%} of the conversations with a topic, and {largest / middle:.1f} times the middle one."
    )
    rows = tuple(
        (
            Cell(topic.title),
            Cell(f"{topic.size:,}", high=topic.size / largest),
            Cell(f"{facts.intents[topic.id]:,}"),
            Cell("tag" if topic.labelled else "found"),
        )
        for topic in facts.topics[:SHOWN_TOPICS]
    )
    head = ("topic", "conversations", "training examples", "from")
    blocks = [Block(note, head=head, rows=rows)]
    own = {intent: n for intent, n in facts.intents.items() if intent not in {t.id for t in facts.topics}}
    if own:
        blocks.append(_bars(("intent of the domain", "training examples"), own))
    shown = min(SHOWN_TOPICS, len(sizes))
    meaning = f"What customers come for, the {shown} most frequent; from the help desk's tags, or found by grouping."
    return Section("topics", "Intents and topics", meaning, tuple(blocks))


def _duplicates(facts: Facts) -> Section:
    report = facts.report
    repeated = sum(n for n in facts.openings.values() if n > 1)
    looked = sum(facts.openings.values())
    rows = (
        (Cell("whole conversations, removed"), Cell(f"{report['duplicates']:,}"), Cell("same words at the same time")),
        (
            Cell("openings that others share"),
            Cell(f"{repeated:,} of {looked:,}"),
            Cell("same words without courtesies; kept, as customers do ask the same"),
        ),
        (Cell("broken lines, skipped"), Cell(f"{report['refused_lines']:,}"), Cell("could not be read")),
    )
    block = Block(_sample_note(facts), head=("what", "how many", "meaning"), rows=rows)
    return Section("duplicates", "Duplicates", "What stands in the log more than once.", (block,))


def _redactions(facts: Facts) -> Section:
    meaning = "Personal values that were replaced by placeholders, each once a conversation."
    if not facts.redactions:
        return Section("redactions", "Redactions", meaning, (Block("Nothing was found to redact."),))
    languages = [name for name, _ in _totals(facts.redactions, 1).most_common(6)]
    kinds = _totals(facts.redactions, 0)
    most = max(kinds.values())
    rows = tuple(
        (
            Cell(kind),
            Cell(f"{count:,}", high=count / most),
            *(Cell(f"{facts.redactions[kind, language]:,}") for language in languages),
        )
        for kind, count in kinds.most_common()
    )
    return Section("redactions", "Redactions", meaning, (Block(head=("kind", "all", *languages), rows=rows),))


def _totals(counts: Mapping[tuple[str, str], int], part: int) -> Counter[str]:
    totals: Counter[str] = Counter()
    for key, count in counts.items():
        totals[key[part]] += count
    return totals


def _conflicts(facts: Facts) -> Section:
    meaning = "Training examples whose labels contradict each other, or look wrong to a model of the others."
    rows = tuple((Cell(text), Cell(", ".join(names))) for text, names in facts.conflicts[:SHOWN_ROWS])
    note = f"{len(facts.conflicts):,} texts stand under more than one intent."
    blocks = [Block(note, head=("text", "intents"), rows=rows) if rows else Block(note)]
    blocks.append(_loose_rows("label errors and outliers", facts.issues))
    return Section("conflicts", "Label conflicts", meaning, tuple(blocks))


def _contradictions(facts: Facts) -> Section:
    meaning = "Answers to one question that differ in a number, a price or a time; the newest wins until you decide."
    return Section("contradictions", "Contradictions", meaning, (_loose_rows("contradictions", facts.contradictions),))


def _loose_rows(name: str, rows: Sequence[Mapping[str, Any]] | None) -> Block:
    """The first rows of a file whose columns are its writer's business."""
    if rows is None:
        return Block(f"{name.capitalize()}: {NOT_MEASURED}")
    if not rows:
        return Block(f"No {name} were found.")
    head = tuple(dict.fromkeys(key for row in rows[:SHOWN_ROWS] for key in row))
    table = tuple(tuple(Cell(_plain(row.get(key))) for key in head) for row in rows[:SHOWN_ROWS])
    shown = f"; the first {SHOWN_ROWS}:" if len(rows) > SHOWN_ROWS else ":"
    return Block(f"{len(rows):,} {name}{shown}", head=tuple(key.replace("_", " ") for key in head), rows=table)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_plain(part)}" for key, part in value.items())
    if isinstance(value, (list, tuple)):
        return " · ".join(_plain(part) for part in value)
    return f"{value:.2f}" if isinstance(value, float) else "" if value is None else str(value)


def _answers(facts: Facts) -> Section:
    meaning = "Support: how many times agents gave the answer. Only what can be said to anybody is given by the bot."
    if not facts.answers:
        return Section("answers", "Answers by support", meaning, (Block("No answers were found."),))
    titles = {topic.id: topic.title for topic in facts.topics}
    rows = tuple(
        (
            Cell(answer.text),
            Cell(f"{answer.support:,}", high=answer.support / facts.answers[0].support),
            Cell("yes" if answer.reusable else f"no: {answer.held_back}" if answer.held_back else "no"),
            Cell(", ".join(titles.get(name, name) for name in answer.topics[:2])),
        )
        for answer in facts.answers
    )
    table = Block(
        f"The {min(SHOWN_ANSWERS, len(rows))} most frequent:",
        head=("answer", "support", "can be said again", "topics"),
        rows=rows,
    )
    reasons = _bars(("not said again, as it", "answers"), facts.report["held_back"])
    return Section("answers", "Answers by support", meaning, (Block(svg=plot_coverage(facts.support)), table, reasons))


def _moods(facts: Facts) -> Section:
    meaning = (
        "A rough lexicon: VADER for English, a short list of our own for Chinese. It compares groups and is often "
        "wrong about one message."
    )
    blocks = [_bars(("customers' messages", "how many"), facts.all.moods)]
    if facts.turns:
        blocks.append(_bars(("from the first message to the last", "conversations"), facts.turns))
    topics = sorted(_of_kind(facts, "topic"), key=lambda item: -_share(item[1].moods["negative"], item[1].moods))
    rows = tuple(
        (Cell(name), _estimate(tally.moods["negative"], sum(tally.moods.values())))
        for name, tally in topics
        if sum(tally.moods.values()) >= 30
    )[:SHOWN_ROWS]
    if rows:
        blocks.append(Block("Topics with the most negative messages:", head=("topic", "negative"), rows=rows))
    return Section("moods", "Sentiment", f"{meaning} {_sample_note(facts)}", tuple(blocks))


def _endings(facts: Facts) -> Section:
    meaning = "Shares of the conversations whose ending the log tells, with 95 % intervals (Wilson)."
    if not facts.all.known:
        return Section("endings", "Resolution and escalation by topic", meaning, (Block(_NO_ENDINGS),))
    ranked = sorted(_of_kind(facts, "topic"), key=lambda item: -item[1].known)
    rows = [("all", facts.all), *((n, t) for n, t in ranked if t.known >= 5)][: SHOWN_TOPICS + 1]
    table = tuple((Cell(name), Cell(f"{tally.known:,}"), *_rates(tally)) for name, tally in rows)
    block = Block(_sample_note(facts), head=("topic", "known", "resolved", "escalated"), rows=table)
    return Section("endings", "Resolution and escalation by topic", meaning, (block,))


def _groups(facts: Facts) -> Section:
    meaning = "Where intervals do not overlap, the groups differ by more than chance."
    blocks = []
    for kind in ("language", "channel"):
        found = sorted(_of_kind(facts, kind), key=lambda item: -item[1].conversations)[:SHOWN_ROWS]
        if not found:
            blocks.append(Block(f"This log does not tell a {kind}."))
            continue
        head = (kind, "conversations", "messages each", "first answer", "resolved", "escalated", "negative")
        blocks.append(Block(head=head, rows=tuple(_group_row(name, tally) for name, tally in found)))
    return Section("groups", "Groups side by side", meaning, tuple(blocks))


def _group_row(name: str, tally: Tally) -> tuple[Cell, ...]:
    return (
        Cell(name),
        Cell(f"{tally.conversations:,}"),
        Cell(f"{tally.messages / tally.conversations:.1f}"),
        Cell(_duration(median(tally.waits)) if tally.waits else "no times"),
        *_rates(tally),
        _estimate(tally.moods["negative"], sum(tally.moods.values())),
    )


def _rates(tally: Tally) -> tuple[Cell, Cell]:
    return _estimate(tally.endings["resolved"], tally.known), _estimate(tally.endings["escalated"], tally.known)


def _estimate(successes: int, trials: int) -> Cell:
    """A share with its interval; a dash without trials."""
    if not trials:
        return Cell("–")
    low, high = interval(successes, trials)
    return Cell(f"{successes / trials:.0%} ({low:.0%}–{high:.0%})", low=low, high=high, point=successes / trials)


def _share(part: int, counts: Mapping[Any, int]) -> float:
    return part / max(1, sum(counts.values()))


def _of_kind(facts: Facts, kind: Literal["topic", "language", "channel"]) -> Iterable[tuple[str, Tally]]:
    """Groups by the name that people know: a topic's title."""
    titles = {topic.id: topic.title for topic in facts.topics} if kind == "topic" else {}
    return [(titles.get(name, name), tally) for (found, name), tally in facts.tallies.items() if found == kind]


def _bars(head: tuple[str, str], counts: Mapping[Any, int], *, sort: bool = True) -> Block:
    """A bar a row, the longest first; in their own order where that means something."""
    total, most = sum(counts.values()) or 1, max(counts.values(), default=1) or 1
    rows = tuple(
        (Cell(name), Cell(f"{count:,} ({count / total:.0%})", high=count / most))
        for name, count in sorted(counts.items(), key=lambda item: -item[1] if sort else 0)[: 2 * SHOWN_ROWS]
    )
    return Block(head=head, rows=rows)


def _sample_note(facts: Facts) -> str:
    total = int(facts.report["conversations"])
    if facts.sampled >= total:
        return f"From all {total:,} conversations."
    return f"From a sample of {facts.sampled:,} of {total:,} conversations, every {_ordinal(total // facts.sampled)}."


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number}{ending}"


def _duration(seconds: float) -> str:
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"
