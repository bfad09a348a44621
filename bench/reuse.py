"""Bench `reuse`: whether an answer that passes as reusable may really be said to another customer.

`bench/reuse_labels.csv` holds judgements by hand of agents' messages drawn from STAR and TweetSumm, as ids only: log,
conversation, turn, half, label. They were committed before any rule was tuned. Rules may be chosen on the half called
``tune``; the figures are of the half called ``report``.

``python -m bench.reuse draw FOLDER`` draws the sample again and writes it with its texts, for those who judge.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.printer import ROOT, CannotRun
from data.courtesy import strip_courtesies
from data.dedupe import answer_key
from data.intake import read_logs
from data.pairs import agent_utterances
from data.redact import Redactor

SHARED = ROOT.parent / "shared" / "data"
LABELS = Path(__file__).with_name("reuse_labels.csv")
LOGS = {"star": "star.jsonl.gz", "tweetsumm": "tweetsumm_train_valid.jsonl.gz"}
DRAWN = {"star": 600, "tweetsumm": 1200}
"""Messages a log. Few can be said again (one in forty in STAR, one in eight in TweetSumm), so the second log, which has
more to find, is judged twice as far."""
SEED = 3


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
    conversations = read_logs([path]).conversations
    redactor = Redactor(conversations)
    said = agent_utterances(redactor.redact(conversation) for conversation in conversations)
    return [Drawn(log, u.conversation, u.turn, strip_courtesies(u.text), u.label) for u in said]


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
        if len(drawn) == DRAWN[log]:
            break
    return drawn


def half(position: int) -> str:
    """Every second message drawn is for choosing rules, the others are for the figures."""
    return "tune" if position % 2 == 0 else "report"


def write_sample(folder: Path) -> None:
    """Writes each log's sample with texts, one numbered line a message. Not for the repository."""
    for log in LOGS:
        with (folder / f"{log}.tsv").open("w", newline="", encoding="utf-8") as out:
            rows = csv.writer(out, delimiter="\t")
            for position, message in enumerate(draw(log)):
                text = message.text.replace("\n", " / ")
                rows.writerow([position, half(position), message.conversation, message.turn, text])


if __name__ == "__main__":
    write_sample(Path(sys.argv[2]))
