"""Bench `replies`: what the check of a language model's sentences is worth, and follow-ups read in both ways.

The pairs of the check and the follow-ups were written for it (`tests/fixtures`). Lists and thresholds were chosen on
the sources at even places; printed are the others. Follow-ups are asked of the sample log, learned with the `demo`
recipe into `var/bench/replies`; an answer is right when it says what the fixture's pattern asks for.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.printer import ROOT, Printer
from data.schema import Role
from retrieval.match import Query
from retrieval.support import Support

if TYPE_CHECKING:
    from retrieval.search import Searcher

FIXTURES = ROOT / "tests" / "fixtures"


@dataclass(frozen=True)
class Pair:
    """A source and a sentence of which is known whether the source supports it.

    Attributes:
        place: Of the source: thresholds were chosen at even places and are measured at odd ones.
        language: ``en`` or ``zh``.
        kind: What is wrong with the sentence; empty where the source supports it.
    """

    place: int
    language: str
    kind: str
    source: str
    sentence: str

    @property
    def supported(self) -> bool:
        """Whether the source says it."""
        return not self.kind


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``quick`` leaves out the follow-ups, which need a learned bot."""
    if only in (None, "support"):
        _support(printer)
    if quick:
        print("left out: follow-ups", file=sys.stderr)
    elif only in (None, "follow_ups"):
        _follow_ups(printer, learned_shop())


def read_pairs() -> Iterator[Pair]:
    """The pairs of ``tests/fixtures/support.txt``."""
    place, language, source = -1, "", ""
    for line in (FIXTURES / "support.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# lang "):
            language = line.removeprefix("# lang ")
        elif line.startswith("= "):
            place, source = place + 1, line[2:]
        elif line[0] in "+-":
            kind, sentence = line[1:].split(" ", 1)
            yield Pair(place, language, kind, source, sentence)


def _support(printer: Printer) -> None:
    for language in ("en", "zh"):
        started = time.monotonic()
        rows = [pair for pair in read_pairs() if pair.language == language and pair.place % 2]
        precision, recall = measured(rows)
        seconds = time.monotonic() - started
        printer.figure(f"support_precision_{language}", precision, n=len(rows), seconds=seconds)
        printer.figure(f"support_recall_{language}", recall, n=len(rows), seconds=seconds)


def measured(pairs: Sequence[Pair]) -> tuple[float, float]:
    """(precision, recall) 0..1 of "supported", as the check says it."""
    let = [pair for pair in pairs if all(v.supported for v in Support([pair.source]).check(pair.sentence))]
    right = sum(pair.supported for pair in let)
    return right / len(let), right / sum(pair.supported for pair in pairs)


def learned_shop() -> Searcher:
    """The sample log, learned with the `demo` recipe and opened; kept in ``var/bench/replies``."""
    from data.workspace import Learn, Shop, WorkspaceSettings, find_workspace, write_settings
    from learn import SAMPLE_LOG, run_stages
    from retrieval.living import open_live

    root = ROOT / "var" / "bench" / "replies"
    root.mkdir(parents=True, exist_ok=True)
    write_settings(root, WorkspaceSettings(shop=Shop(name="Northwind Trail"), learn=Learn(recipe="demo")))
    workspace = find_workspace(str(root))
    run_stages(workspace, [SAMPLE_LOG])
    return open_live(workspace)


def _follow_ups(printer: Printer, searcher: Searcher) -> None:
    lines = (FIXTURES / "follow_ups.tsv").read_text(encoding="utf-8").splitlines()
    for language in ("en", "zh"):
        started = time.monotonic()
        rows = [row for row in (line.split("\t") for line in lines) if row[0] == language]
        bare = context = both = 0
        for _, question, text, right in rows:
            first = searcher.search(question, language=language).hits[0].answer
            turns: list[tuple[Role, str]] = [("customer", question), ("agent", first.text)]
            query = Query.of(text, turns=turns, language=language, given=(first.id,))
            (once,) = searcher.matcher.match([query])
            found = searcher.search(text, turns=turns, language=language, given=(first.id,))
            bare += _is_right(searcher.search(text, language=language).hits[0].answer.text, right)
            context += _is_right(searcher.result(once).hits[0].answer.text, right)
            both += _is_right(found.hits[0].answer.text, right)
        seconds, n = time.monotonic() - started, len(rows)
        printer.figure(f"follow_up_r1_{language}", both / n, n=n, seconds=seconds,
                       peer="in context alone", peer_value=context / n)  # fmt: skip
        print(f"{language}: bare message {bare / n:.3f}", file=sys.stderr)


def _is_right(text: str, pattern: str) -> bool:
    return re.search(pattern, text) is not None
