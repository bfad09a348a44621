"""Bench `reuse`: whether an answer that passes as reusable may really be said to another customer.

`bench/reuse_labels.csv` holds judgements by hand of agents' messages drawn from STAR and TweetSumm, as ids only: log,
conversation, turn, half, label. They were committed before any rule was written.

Rules were chosen on the half called ``tune``. The half called ``report`` was measured blind at the commit "reuse: Let
facts of a shop pass that only look like moments": precision .756 and recall .425 of 900 judged. Its errors were read
and mended after that, so both halves are printed as ``seen_*``: they show that nothing is lost, not what to expect of
a new log. The figures that have a floor, ``reusable_*``, are printed only of a half called ``blind``.

``python -m bench.reuse draw FOLDER`` draws the sample again and writes it with its texts, for those who judge; the
messages after those that were judged are marked ``blind``. Judge them before you look at what passes.
"""

from __future__ import annotations

import csv
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.printer import ROOT, CannotRun, Printer
from data.courtesy import strip_courtesies
from data.dedupe import answer_key
from data.intake import stream_logs
from data.pairs import agent_utterances
from data.redact import Redactor
from data.reuse import STEADY, refusal_of

SHARED = ROOT.parent / "shared" / "data"
LABELS = Path(__file__).with_name("reuse_labels.csv")
LOGS = {"star": "star.jsonl.gz", "tweetsumm": "tweetsumm_train_valid.jsonl.gz"}
DRAWN = {"star": 600, "tweetsumm": 1200}
"""Messages a log. Few can be said again (one in forty in STAR, one in eight in TweetSumm), so the second log, which has
more to find, is judged twice as far."""
MORE = 600
"""Messages a log that are drawn after those, for a blind figure."""
SEED = 3


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``only`` is a half: ``tune``, ``report`` (both were read) or ``blind``; ``quick`` changes nothing."""
    started = time.monotonic()
    blind = any(_labels(log, "blind") for log in LOGS)
    for half_of, name in (("report", "seen"), ("tune", "seen"), ("blind", "reusable")):
        if (half_of == only) if only else half_of == ("blind" if blind else "report"):
            _measure(printer, half_of, name, started)
    if not blind:
        print("no message is judged blind: the floors are not measured (see bench/reuse.py)", file=sys.stderr)


def _measure(printer: Printer, wanted: str, name: str, started: float) -> None:
    right: Counter[tuple[bool, bool]] = Counter()
    for log in LOGS:
        judged = _labels(log, wanted)
        said = said_in(log)
        filled, often = _filled(said), Counter(answer_key(message.text) for message in said)
        for message in said:
            label = judged.pop((message.conversation, message.turn), None)
            if label is not None:
                support = often[answer_key(message.text)]
                passes = message.template not in filled and refusal_of(message.text, support=support) is None
                right[passes, label] += 1
        if judged:
            raise CannotRun(f"{len(judged)} judged messages of {log} are not in the log; draw and judge again")
    if not right:
        raise CannotRun(f"no message of the half {wanted!r} is judged in {LABELS.name}")
    passed = right[True, True] + right[True, False]
    wanted_ones = right[True, True] + right[False, True]
    n, seconds = sum(right.values()), time.monotonic() - started
    print(f"{wanted} half: {n} judged, {wanted_ones} can be said again,", file=sys.stderr)
    print(f"{passed} pass, {right[True, False]} of them wrongly", file=sys.stderr)
    printer.figure(f"{name}_precision", right[True, True] / max(1, passed), n=n, seconds=seconds)
    printer.figure(f"{name}_recall", right[True, True] / max(1, wanted_ones), n=n, seconds=seconds)


def _labels(log: str, wanted: str) -> dict[tuple[str, int], bool]:
    with LABELS.open(newline="", encoding="utf-8") as rows:
        return {
            (row["conversation"], int(row["turn"])): row["reusable"] == "1"
            for row in csv.DictReader(rows)
            if row["log"] == log and row["half"] == wanted
        }


def _filled(said: Sequence[Drawn]) -> set[str]:
    """Templates whose wordings differ: held back as a whole, as `data.reuse.refusal` does for a group."""
    wordings: dict[str, Counter[str]] = defaultdict(Counter)
    for message in said:
        if message.template:
            wordings[message.template][answer_key(message.text)] += 1
    return {template for template, keys in wordings.items() if max(keys.values()) < STEADY * sum(keys.values())}


@dataclass(frozen=True)
class Drawn:
    """A message of an agent that was drawn.

    Attributes:
        log: ``star`` or ``tweetsumm``.
        conversation: Its id in the log.
        turn: Position in it, from 0.
        text: Normalised, redacted, without courtesies: what would be said again.
        template: The log's template, if it names one.
    """

    log: str
    conversation: str
    turn: int
    text: str
    template: str | None


def said_in(log: str) -> list[Drawn]:
    """All messages of agents in one log, as they reach the answers."""
    path = SHARED / LOGS[log]
    if not path.is_file():
        raise CannotRun(f"{path.name} is not here; expected in ../shared/data, which holds the measurement data")
    conversations = list(stream_logs([path]))
    redactor = Redactor.of(conversations)
    redacted = (redactor.redact(conversation) for conversation in conversations)
    return [Drawn(log, c.id, u.turn, strip_courtesies(u.text), u.label) for c in redacted for u in agent_utterances(c)]


def draw(log: str) -> list[Drawn]:
    """Draws distinct answers: messages in random order, the first of each template or wording."""
    said = said_in(log)
    random.Random(SEED).shuffle(said)
    seen: set[str] = set()
    drawn = []
    for message in said:
        key = message.template or answer_key(message.text)
        if key and key not in seen:
            seen.add(key)
            drawn.append(message)
        if len(drawn) == DRAWN[log] + MORE:
            break
    return drawn


def half(log: str, position: int) -> str:
    """Every second message drawn was for choosing rules, the others for the figures; what comes after is blind."""
    if position >= DRAWN[log]:
        return "blind"
    return "tune" if position % 2 == 0 else "report"


def write_sample(folder: Path) -> None:
    """Writes each log's sample with texts, one numbered line a message. Not for the repository."""
    for log in LOGS:
        with (folder / f"{log}.tsv").open("w", newline="", encoding="utf-8") as out:
            rows = csv.writer(out, delimiter="\t")
            for position, message in enumerate(draw(log)):
                text = message.text.replace("\n", " / ")
                rows.writerow([position, half(log, position), message.conversation, message.turn, text])


if __name__ == "__main__":
    write_sample(Path(sys.argv[2]))
