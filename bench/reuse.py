"""Bench `reuse`: whether an answer that passes as reusable may really be said to another customer.

`bench/reuse_labels.csv` holds judgements by hand of agents' messages drawn from STAR and TweetSumm, as ids only: log,
conversation, turn, half, reusable, verdict, weight. Three lots were judged:

1. 1,800 messages, yes or no (``reusable``), committed before any rule was written. Rules were chosen on the half called
   ``tune``; the half called ``report`` was measured blind at the commit "reuse: Let facts of a shop pass that only look
   like moments": precision .756 and recall .425 of 900 judged. Its errors were read and mended after that, so both are
   printed as ``seen_*``: they show that nothing is lost, not what to expect of a new log.
2. 1,200 messages drawn after those, 600 a log, judged in three values (``verdict``) by a judge who had seen neither
   the rules nor what passes: those at odd positions are the half ``blind``, those at even ones ``tune2``, for choosing
   rules. ``blind`` was read and learned from since.
3. 2,399 messages (`bench.reuse_lots`), in three values, with weights: ``learn`` for fitting, and ``blind2``, judged and
   committed first. Only ``blind2`` gives the figures that have a floor.

A verdict is, read without the conversation, as another customer would read it who asks the same tomorrow:

- ``answer``: can be said again and tells something: a fact, a rule, how to do something, where to go, whom to write to.
- ``harmless``: can be said again without being false or odd, but answers nothing: an apology, a courtesy, a question
  for details.
- ``no``: claims an action done or being done, promises money or an outcome, names or clearly refers to one customer,
  order, place, moment, device or earlier turn, or makes no sense alone (a placeholder such as ``<NAME_1>``, a rest of a
  sentence, a link that the log has lost and that was all there was). Between ``answer`` and ``no``: ``no``.

The figures of the half ``blind2``, weighted by what each row stands for:

- ``reusable_precision``: the share of what passes that is ``answer`` or ``harmless``: nothing false is said.
- ``reusable_recall``: the share of ``answer`` that passes.
- ``answering_precision``: the share of what passes that is ``answer``: something is told.
- ``approved_tenth``, ``approved_fifth``: the share of ``answer`` that a person has approved after looking at a tenth, a
  fifth of all wordings in the order of ``careline data answers`` (`bench.reuse_fit`).

There was one judge, a language model that read each message; no rule decided. Of 60 random rows judged again, 59 got
the same verdict (kappa .96), but the first verdicts were minutes old and not out of sight: another judge will
agree less.

``python -m bench.reuse draw FOLDER`` draws both lots again and writes them with their texts, for those who judge.
"""

from __future__ import annotations

import csv
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.printer import CannotRun, Printer
from bench.shared import place_of
from data.courtesy import strip_courtesies
from data.dedupe import answer_key
from data.intake import stream_logs
from data.pairs import agent_utterances
from data.redact import Redactor
from data.reuse import STEADY, refusal_of

LABELS = Path(__file__).with_name("reuse_labels.csv")
LOGS = {"star": "star.jsonl.gz", "tweetsumm": "tweetsumm_train_valid.jsonl.gz"}
DRAWN = {"star": 600, "tweetsumm": 1200}
"""Messages a log. Few can be said again (one in forty in STAR, one in eight in TweetSumm), so the second log, which has
more to find, is judged twice as far."""
MORE = 600
"""Messages a log that are drawn after those, for a blind figure and for choosing rules again."""
SEED = 3
ANSWER, HARMLESS, NO = "answer", "harmless", "no"
BLIND = "blind2"
"""The half of the third lot (`bench.reuse_lots`) that nothing was chosen on."""


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``only`` is a half: ``blind2`` (the default), or one that was read or learned from.

    ``quick`` changes nothing.
    """
    _measure(printer, only or BLIND, time.monotonic())


def _measure(printer: Printer, wanted: str, started: float) -> None:
    judged = judged_in((wanted,))
    if not judged.texts:
        raise CannotRun(f"no message of the half {wanted!r} is judged in {LABELS.name}")
    weight, passed, answer = judged.weight, judged.passes, judged.answer
    kinds = {ANSWER: answer, HARMLESS: judged.sayable & ~answer, NO: ~judged.sayable}
    told = ", ".join(f"{int((passed & kind).sum())} {name}" for name, kind in kinds.items())
    print(f"{wanted} half: {len(passed)} judged, {int(answer.sum())} answers. Passed: {told}", file=sys.stderr)
    all_passed, right = max(1.0, weight[passed].sum()), weight[passed & answer].sum()
    n, seconds = len(passed), time.monotonic() - started
    name = "reusable" if wanted == BLIND else "seen"
    printer.figure(f"{name}_precision", weight[passed & judged.sayable].sum() / all_passed, n=n, seconds=seconds)
    printer.figure(f"{name}_recall", right / max(1.0, weight[answer].sum()), n=n, seconds=seconds)
    if wanted == BLIND:
        printer.figure("answering_precision", right / all_passed, n=n, seconds=seconds)
        _approvals(printer, judged, started)


def _approvals(printer: Printer, judged: Judged, started: float) -> None:
    """Which share of the answers a person has approved after looking at a tenth and a fifth of the wordings."""
    from bench.reuse_fit import approvals_curve, recall_after, whole

    curve, minutes = approvals_curve(judged), whole(judged)
    for name, share in (("approved_tenth", 0.1), ("approved_fifth", 0.2)):
        found = recall_after(curve, share * minutes)
        printer.figure(name, found, n=len(judged.texts), seconds=time.monotonic() - started)


@dataclass(frozen=True)
class Judged:
    """Judged messages as columns, all of length n.

    Attributes:
        texts: What was said.
        answer: Whether it is an answer that can be said again.
        sayable: The same, or harmless; in the first lot, which knew yes and no, the same.
        passes: Whether the rules let it pass.
        weight: How many messages it stands for; 1 where all were drawn alike.
        log: Which log.
        conversation: Which conversation.
    """

    texts: list[str]
    answer: NDArray[np.bool_]
    sayable: NDArray[np.bool_]
    passes: NDArray[np.bool_]
    weight: NDArray[np.float64]
    log: NDArray[np.str_]
    conversation: NDArray[np.str_]


@dataclass(frozen=True)
class Label:
    """A row of the judgements.

    Attributes:
        log: ``star`` or ``tweetsumm``.
        place: Conversation and turn.
        verdict: ``answer``, ``harmless`` or ``no``; the first lot knew only yes (``answer``) and no.
        weight: How many messages it stands for; 1 where all were drawn alike.
    """

    log: str
    place: tuple[str, int]
    verdict: str
    weight: float


def labels_of(halves: Sequence[str]) -> list[Label]:
    """The judgements of some halves of both logs."""
    with LABELS.open(newline="", encoding="utf-8") as stream:
        return [
            Label(
                row["log"],
                (row["conversation"], int(row["turn"])),
                row["verdict"] or (ANSWER if row["reusable"] == "1" else NO),
                float(row["weight"] or 1),
            )
            for row in csv.DictReader(stream)
            if row["half"] in halves
        ]


def judged_in(halves: Sequence[str]) -> Judged:
    """The judged messages of some halves of both logs.

    Raises:
        CannotRun: The logs are not here, or lack a judged message.
    """
    rows = labels_of(halves)
    wanted = {(row.log, row.place) for row in rows}
    places = {
        (log, (message.conversation, message.turn)): (message.text, passed)
        for log in sorted({row.log for row in rows})
        for message, passed in passes(said_in(log), wanted={row.place for row in rows if row.log == log})
    }
    if missing := len(wanted - places.keys()):
        raise CannotRun(f"{missing} judged messages are not in the logs; draw and judge again")
    found = [places[row.log, row.place] for row in rows]
    verdicts = [row.verdict for row in rows]
    return Judged(
        [text for text, _ in found],
        np.array([verdict == ANSWER for verdict in verdicts]),
        np.array([verdict != NO for verdict in verdicts]),
        np.array([passed for _, passed in found]),
        np.array([row.weight for row in rows]),
        np.array([row.log for row in rows]),
        np.array([row.place[0] for row in rows]),
    )


def passes(said: Sequence[Drawn], *, wanted: Collection[tuple[str, int]] | None = None) -> Iterator[tuple[Drawn, bool]]:
    """Each message, or those wanted (conversation, turn), and whether it passes as reusable."""
    filled, often = _filled(said), Counter(answer_key(message.text) for message in said)
    for message in said:
        if wanted is None or (message.conversation, message.turn) in wanted:
            support = often[answer_key(message.text)]
            yield message, message.template not in filled and refusal_of(message.text, support=support) is None


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

    @property
    def key(self) -> str:
        """What messages that say the same share."""
        return self.template or answer_key(self.text)


def said_in(log: str) -> list[Drawn]:
    """All messages of agents in one log, as they reach the answers."""
    conversations = list(stream_logs([place_of(LOGS[log])]))
    redactor = Redactor.of(conversations)
    redacted = (redactor.redact(conversation) for conversation in conversations)
    return [Drawn(log, c.id, u.turn, strip_courtesies(u.text), u.label) for c in redacted for u in agent_utterances(c)]


def draw(log: str) -> list[Drawn]:
    """Draws distinct answers: messages in random order, the first of each template or wording."""
    said = said_in(log)
    random.Random(SEED).shuffle(said)
    return list(islice(first_wordings(said), DRAWN[log] + MORE))


def first_wordings(said: Iterable[Drawn], known: Collection[str] = ()) -> Iterator[Drawn]:
    """The first message of each template or wording whose key is not known."""
    seen = set(known)
    for message in said:
        if message.key and message.key not in seen:
            seen.add(message.key)
            yield message


def half(log: str, position: int) -> str:
    """Every second message drawn is for choosing rules, the others for the figures, in either lot."""
    first, even = position < DRAWN[log], position % 2 == 0
    if first:
        return "tune" if even else "report"
    return "tune2" if even else "blind"


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
