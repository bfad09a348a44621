"""A million answers for `bench scale`: real agents' answers with seeded changes of names, numbers and words.

`python -m bench.corpus` writes the texts under ``var/bench/scale`` and encodes them; it goes on where it was stopped.

The seeds are STAR agents' messages, TweetSumm agents' messages and the answers of `bank_faqs.csv`. How often one is
varied follows the root of how often agents said it: popular ones have thousands of near-duplicates, most have some
dozens, a few stand alone. Questions are those that customers asked before such an answer, changed the same way.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from bench.printer import ROOT
from bench.shared import place_of
from data.records import write_rows
from data.schema import Answer, Example

FOLDER = ROOT / "var" / "bench" / "scale"
ANSWERS, LOGGED, QUESTIONS = 1_000_000, 20_000, 10_000
_SHARES = {"star": 0.5, "tweetsumm": 0.3, "bank": 0.2}
"""How many of the answers come from each source."""

_LONGEST = 90
"""Characters after which a seed is cut at a sentence: bank FAQs reach 5,500, and most of the time would go into few."""

_WORD = re.compile(r"\b[a-z]{4,}\b")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2,}\b")
_NUMBER = re.compile(r"\d+")
_LINK = re.compile(r"https?://\S+")
_SENTENCE = re.compile(r"(?<=[.!?]) ")
_SYLLABLES = ("ka", "lo", "mi", "ra", "ten", "vo", "sel", "bru", "nor", "dia", "fe", "gus", "hal", "jo", "pim", "wex")


@dataclass(frozen=True)
class Source:
    """Seeds of one kind.

    Attributes:
        name: ``star``, ``tweetsumm`` or ``bank``.
        answers: Distinct texts.
        counts: How often agents gave each.
        asked: (question, row of its answer) pairs.
    """

    name: str
    answers: tuple[str, ...]
    counts: tuple[int, ...]
    asked: tuple[tuple[str, int], ...]


def sources() -> tuple[Source, ...]:
    """The three kinds of seeds.

    Raises:
        CannotRun: A file is missing.
    """
    logs = {"star": place_of("star.jsonl.gz"), "tweetsumm": place_of("tweetsumm_train_valid.jsonl.gz")}
    made = [_source(name, _told(path)) for name, path in logs.items()]
    with place_of("bank_faqs.csv").open(encoding="utf-8", newline="") as stream:
        made.append(_source("bank", ((row["Question"], row["Answer"]) for row in csv.DictReader(stream))))
    return tuple(made)


def _told(path: Path) -> Iterator[tuple[str, str]]:
    """(customer's last message, agent's answer) of each turn."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            asked = ""
            for turn in json.loads(line)["turns"]:
                text = turn.get("text") or ""
                if turn["role"] == "agent" and text:
                    yield asked, text
                asked = text if turn["role"] == "customer" and text else asked


def _source(name: str, pairs: Iterable[tuple[str, str]]) -> Source:
    row_of: dict[str, int] = {}
    counts: Counter[int] = Counter()
    asked: dict[tuple[str, int], None] = {}
    for question, answer in pairs:
        row = row_of.setdefault(_short(answer), len(row_of))
        counts[row] += 1
        if question:
            asked[_short(question), row] = None
    return Source(name, tuple(row_of), tuple(counts[row] for row in range(len(row_of))), tuple(asked))


def _short(text: str) -> str:
    """Without links and addressees, cut after the sentence that reaches the limit."""
    text = " ".join(re.sub(r"@\w+", " ", _LINK.sub(" ", text)).split())
    kept = ""
    for sentence in _SENTENCE.split(text):
        if kept and len(kept) + len(sentence) > _LONGEST:
            break
        kept = f"{kept} {sentence}".strip()
    return kept[: 2 * _LONGEST]


class Changer:
    """Changes names, numbers and words of a text; other words come from the same kind of texts."""

    def __init__(self, texts: Sequence[str], draw: random.Random) -> None:
        words = Counter(word for text in texts for word in _WORD.findall(text))
        self.words = list(words)
        self._weights = list(accumulate(count**0.5 for count in words.values()))
        self._names = ["".join(draw.choices(_SYLLABLES, k=3)).title() for _ in range(5000)]
        self.draw = draw

    def changed(self, text: str, *, words: int) -> str:
        """The text with other names and numbers and up to ``words`` other words."""
        text = _NAME.sub(lambda found: self.draw.choice(self._names), text)
        text = _NUMBER.sub(self._number, text)
        places = [found.span() for found in _WORD.finditer(text)]
        for start, end in sorted(self.draw.sample(places, min(words, len(places))), reverse=True):
            (other,) = self.draw.choices(self.words, cum_weights=self._weights)
            text = text[:start] + other + text[end:]
        return text

    def _number(self, found: re.Match[str]) -> str:
        digits = len(found.group())
        return str(self.draw.randrange(10 ** (digits - 1), 10**digits))


def answers(count: int = ANSWERS, *, seed: int = 0) -> Iterator[tuple[Answer, str, int]]:
    """Distinct answers, each with its source and the row of its seed in it; a prefix is itself such a corpus."""
    made = sources()
    draw = random.Random(seed)
    changers = {source.name: Changer(source.answers, draw) for source in made}
    weights = {source.name: list(accumulate(n**0.5 for n in source.counts)) for source in made}
    seen: set[str] = set()
    while len(seen) < count:
        (source,) = draw.choices(made, weights=[_SHARES[each.name] for each in made])
        (row,) = draw.choices(range(len(source.answers)), cum_weights=weights[source.name])
        text = source.answers[row]
        if text in seen:  # the first of a popular one is the text itself
            text = changers[source.name].changed(text, words=draw.choice((1, 1, 2, 3, 5)))
        if not text or text in seen:
            continue
        support = min(int(draw.paretovariate(1.2)), 3000)
        yield Answer(f"a{len(seen):07d}", text, "en", support=support), source.name, row
        seen.add(text)


def write(folder: Path = FOLDER, count: int = ANSWERS) -> None:
    """Writes ``answers.jsonl``, ``logged.jsonl`` (contexts that got an answer) and ``questions.jsonl``; last ``done``.

    Half of the questions are as customers asked them; the other half is changed like the answers. None of them is
    among the logged contexts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "done").is_file():
        return
    kept: dict[tuple[str, int], list[str]] = {}

    def noted() -> Iterator[Answer]:
        for answer, source, row in answers(count):
            kept.setdefault((source, row), []).append(answer.id)
            yield answer

    write_rows(folder / "answers.jsonl", noted())
    draw = random.Random(1)
    asked = [(source.name, text, row) for source in sources() for text, row in source.asked if len(text.split()) > 3]
    draw.shuffle(asked)
    asked = list({text: (name, text, row) for name, text, row in asked if (name, row) in kept}.values())
    changer = Changer([text for _, text, _ in asked], draw)
    logged, rest = asked[:LOGGED], asked[LOGGED : LOGGED + QUESTIONS]
    write_rows(folder / "logged.jsonl", _logged(logged, kept, draw))
    with (folder / "questions.jsonl").open("w", encoding="utf-8") as stream:
        for i, (name, text, row) in enumerate(rest):
            text = changer.changed(text, words=2) if i % 2 else text
            row_ = {"text": text, "source": name, "seed": row, "answer": draw.choice(kept[name, row])}
            stream.write(json.dumps(row_, ensure_ascii=False) + "\n")
    (folder / "done").write_text(f"{count}\n", encoding="utf-8")


def _logged(rows: Sequence[tuple[str, str, int]], kept: dict[Any, list[str]], draw: random.Random) -> Iterator[Example]:
    for i, (name, text, row) in enumerate(rows):
        answer = draw.choice(kept[name, row])
        yield Example(f"{name}-{i}", 1, text, answer, "train", "en", time=float(i))


if __name__ == "__main__":
    from bench.vectors import encode_corpus

    print("writing texts", file=sys.stderr)
    write()
    encode_corpus()
