"""Bench `entities`: order numbers, dates, amounts and products in messages that were labelled by hand.

`entities_en.tsv` and `entities_zh.tsv` were written for it before an extractor was chosen, as if said on Friday 20
November 2026: a message a line, then what it mentions as `kind=value`. Lines at even places (from 0) were looked at
while the extractors were made; printed are the others. A mention counts when kind and value are right. The peer is
plain patterns: those that `bot.mentions` had before, and what one would write for dates and amounts.

`moods_en.tsv` and `moods_zh.tsv` are messages with their mood and sensitive topics, made and measured the same way.
All of these were written by one hand, the rules' own: they say that the rules hold, not how customers will write.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench.printer import ROOT, CannotRun, Printer
from bench.replies import learned_shop
from bot.mentions import find_mentions
from bot.sensitive import sensitive_topic
from bot.tone import tone_of
from data.errors import InputError
from retrieval.product_names import ProductNames

TODAY = datetime(2026, 11, 20, 12)
KINDS = ("order_number", "date", "amount", "product")
LANGUAGES = ("en", "zh")
Find = Callable[[str, str], Iterable[tuple[str, str]]]
Says = Callable[[str, str], bool]


@dataclass(frozen=True)
class Row:
    """A labelled message: (kind, value) of what it mentions."""

    text: str
    language: str
    mentions: tuple[tuple[str, str], ...]


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures F1 of each kind and the time of a message; `sensitive` topics; `mood`, which needs a learned bot."""
    if only in (None, "mentions"):
        _mentions(printer)
    if only in (None, "sensitive"):
        _told_apart(printer, "sensitive", lambda text, language: sensitive_topic(text) is not None)
    if quick:
        print("left out: mood", file=sys.stderr)
    elif only in (None, "mood"):
        _mood(printer)


def _mentions(printer: Printer) -> None:
    names = shop_names()
    try:
        find_mentions("warm up on 3 May", now=TODAY, products=names)
    except InputError as error:
        raise CannotRun(str(error)) from error
    for language in LANGUAGES:
        rows = read(language, half=1)
        started = time.monotonic()
        ours = {kind: f1(rows, lambda text, lang: found(text, lang, names), kind) for kind in KINDS}
        seconds = time.monotonic() - started
        for kind in KINDS:
            peer = f1(rows, plain, kind) if kind != "product" else None
            printer.figure(f"{kind}_f1_{language}", ours[kind], n=len(rows), seconds=seconds,
                           peer="plain patterns" if peer is not None else "", peer_value=peer)  # fmt: skip
    _pace(printer, names)


def _mood(printer: Printer) -> None:
    """The model's mood and the words together, and the model alone as the peer."""
    searcher = learned_shop()

    def mood(text: str, language: str) -> dict[str, float] | None:
        found = searcher.search(text, language=language).mood
        return None if found is None else found.to_json()

    _told_apart(
        printer, "negative", lambda text, language: tone_of(text, mood(text, language)).upset,
        peer="the model alone", by_peer=lambda text, language: (mood(text, language) or {}).get("negative", 0) >= 0.5,
    )  # fmt: skip
    _told_apart(
        printer, "urgent", lambda text, language: tone_of(text, mood(text, language)).urgent,
        peer="the model alone", by_peer=lambda text, language: (mood(text, language) or {}).get("urgent", 0) >= 0.5,
    )  # fmt: skip


def _told_apart(printer: Printer, label: str, says: Says, *, peer: str = "", by_peer: Says | None = None) -> None:
    """Precision and recall of a label in `moods_en.tsv` and `moods_zh.tsv`."""
    for language in LANGUAGES:
        rows, started = read_moods(language, half=1), time.monotonic()
        ours = precision_and_recall(rows, label, says)
        seconds = time.monotonic() - started
        theirs = precision_and_recall(rows, label, by_peer) if by_peer is not None else (None, None)
        for place, name in enumerate(("precision", "recall")):
            printer.figure(f"{label}_{name}_{language}", ours[place], n=len(rows), seconds=seconds,
                           peer=peer, peer_value=theirs[place])  # fmt: skip


def read_moods(language: str, *, half: int | None = None) -> list[tuple[str, str, frozenset[str]]]:
    """(text, language, labels) of the labelled messages; labels are `negative`, `urgent` and `sensitive`."""
    lines = Path(__file__).with_name(f"moods_{language}.tsv").read_text(encoding="utf-8").splitlines()
    cells = [line.split("\t") for place, line in enumerate(lines) if half is None or place % 2 == half]
    return [(text, language, frozenset(label.split("=")[0] for label in labels)) for text, *labels in cells]


def precision_and_recall(
    rows: Iterable[tuple[str, str, frozenset[str]]], label: str, says: Says
) -> tuple[float, float]:
    """Of a label; what is said of no message at all has precision 1."""
    pairs = [(label in labels, bool(says(text, language))) for text, language, labels in rows]
    right, said, labelled = sum(a and b for a, b in pairs), sum(b for _, b in pairs), sum(a for a, _ in pairs)
    return (right / said if said else 1.0), right / labelled


def _pace(printer: Printer, names: ProductNames) -> None:
    rows = [row for language in LANGUAGES for row in read(language)]
    started = time.perf_counter()
    for row in rows:
        found(row.text, row.language, names)
    seconds = time.perf_counter() - started
    printer.figure("message_ms", 1000 * seconds / len(rows), n=len(rows), seconds=seconds)


def shop_names() -> ProductNames:
    """Names of the sample shop's products, in both languages."""
    lines = (ROOT / "data" / "samples" / "items.txt").read_text(encoding="utf-8").splitlines()
    rows = [line[2:].split(" | ") for line in lines if line.startswith("* ")]
    return ProductNames([name for row in rows for name in (row[0], row[2])])


def read(language: str, *, half: int | None = None) -> list[Row]:
    """The labelled messages of a language; ``half`` 0 or 1 takes those at even or odd places."""
    lines = Path(__file__).with_name(f"entities_{language}.tsv").read_text(encoding="utf-8").splitlines()
    rows = []
    for place, line in enumerate(lines):
        text, *cells = line.split("\t")
        pairs = [cell.split("=", 1) for cell in cells]
        if half is None or place % 2 == half:
            rows.append(Row(text, language, tuple((kind, value) for kind, value in pairs)))
    return rows


def found(text: str, language: str, names: ProductNames) -> list[tuple[str, str]]:
    """What the product finds, in a conversation in ``language``."""
    mentions = find_mentions(text, language=language, now=TODAY, products=names)
    return [(mention.kind, mention.value) for mention in mentions]


def f1(rows: Iterable[Row], find: Find, kind: str) -> float:
    """Micro F1 over mentions of a kind; a value said twice counts twice."""
    right = said = labelled = 0
    for row in rows:
        got = Counter(value for k, value in find(row.text, row.language) if k == kind)
        gold = Counter(value for k, value in row.mentions if k == kind)
        right += sum((got & gold).values())
        said += sum(got.values())
        labelled += sum(gold.values())
    return 2 * right / (said + labelled) if said + labelled else 1.0


_ORDER = re.compile(r"(?<![A-Za-z0-9@.])(#?)([A-Za-z]{0,4}-?)(\d{4,12})(?![A-Za-z0-9@]|\.\d)")
_ISO = re.compile(r"\b(20\d\d)[-/.](\d\d?)[-/.](\d\d?)\b|(?:(20\d\d)年)?(\d\d?)月(\d\d?)[日号]")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_NAMED = re.compile(
    rf"\b(\d\d?)(?:st|nd|rd|th)?\s+(?:of\s+)?({'|'.join(_MONTHS)})\w*|\b({'|'.join(_MONTHS)})\w*\s+(\d\d?)", re.I
)
_SIGNS = {
    "$": "USD",
    "€": "EUR",
    "£": "GBP",
    "￥": "CNY",
    "¥": "CNY",
    "eur": "EUR",
    "usd": "USD",
    "元": "CNY",
    "块": "CNY",
}
_WORDS = {"euro": "EUR", "euros": "EUR", "dollars": "USD", "pounds": "GBP"}
_PRICE = re.compile(
    r"([$€£￥¥]|\bEUR|\bUSD)\s?(\d[\d,]*(?:\.\d+)?)|(\d[\d,]*(?:\.\d+)?)\s?(€|EUR|euros?|dollars|pounds|元|块)", re.I
)


def plain(text: str, language: str) -> Iterator[tuple[str, str]]:
    """The peer."""
    for _, prefix, digits in _ORDER.findall(text):
        if prefix or not re.fullmatch(r"(?:19|20)\d\d", digits):
            yield "order_number", (prefix + digits).upper()
    for year, month, day, year_zh, month_zh, day_zh in _ISO.findall(text):
        yield "date", f"{int(year or year_zh or 2026)}-{int(month or month_zh):02}-{int(day or day_zh):02}"
    for day, month, month_first, day_last in _NAMED.findall(text):
        number = _MONTHS.index((month or month_first).lower()) + 1
        yield "date", f"2026-{number:02}-{int(day or day_last):02}"
    for sign, after_sign, before_word, word in _PRICE.findall(text):
        name = (sign or word).lower()
        code = _SIGNS.get(name) or _WORDS.get(name, "")
        yield "amount", f"{float((after_sign or before_word).replace(',', '')):.2f} {code}".strip()


def main(half: int) -> None:
    """Prints what is wrong in one half, for those who work on the extractors: ``python -m bench.entities``."""
    names = shop_names()
    for language in LANGUAGES:
        rows = read(language, half=half)
        for kind in KINDS:
            print(f"{language} {kind} F1 {f1(rows, lambda text, lang: found(text, lang, names), kind):.3f}")
        for row in rows:
            got = Counter(pair for pair in found(row.text, language, names) if pair[0] in KINDS)
            gold = Counter(row.mentions)
            if got != gold:
                print(f"{row.text}\n    missing {sorted(gold - got)}, wrong {sorted(got - gold)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
