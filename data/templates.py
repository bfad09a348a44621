"""Canned answers recovered as templates: wordings that differ only in a span or two are one text with named slots.

"Your order <ORDER_1> ships on Monday." and "Your order <ORDER_4> ships on Friday." are "Your order {order} ships on
{day}." Such an answer is not sent by the bot, which does not know the values; agents get it as a suggestion.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from data.schema import Record

MOST_SLOTS = 4
"""A text with more holes than this is no wording any more."""

MOST_WORDINGS = 40
"""Wordings compared, the most frequent ones: what is rarer changes no template and costs time."""

COVERED = 0.6
"""Share of the utterances that the template must explain."""

LONGEST_VALUE = 6
"""Tokens in one slot; more is another sentence."""

FIXED = 3
"""Words that a template keeps at least; "{amount} {unit}" says nothing."""

_TOKEN = re.compile(
    r"<[A-Z]+_\d+>|[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+(?:['’.,:/-][^\W_\u3400-\u9fff]+)*|\s+|[^\w\s]|"
    r"_"
)
_WORD = re.compile(r"[^\W\d_]")
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("amount", r"(?:[$£€¥￥]\s?\d[\d.,]*|\d[\d.,]*\s?(?:[$£€¥￥]|dollars?|euros?|pounds?|usd|eur|元|块|塊))"),
        (
            "time",
            r"\d{1,2}(?::\d\d)?\s?(?:[ap]\.?m\.?)|\d{1,2}:\d\d|(?:上午|下午|晚上|"
            r"中午)?[\d一二三四五六七八九十]+(?:点|點)半?",
        ),
        (
            "day",
            r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|today|tomorrow|(?:周|週|星期)[一二三四五六日天]|今天|"
            r"明天|后天|後天",
        ),
        (
            "date",
            r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}(?:[-/.]\d{2,4})?|\d{1,2}(?:st|nd|rd|"
            r"th)?(?: of)? (?:jan|feb|"
            r"mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|"
            r"dec)[a-z]* "
            r"\d{1,2}(?:st|nd|rd|th)?|[\d一二三四五六七八九十]+月[\d一二三四五六七八九十]+(?:日|号|號)?",
        ),
        ("number", r"[\d.,]+%?|[零一二两三四五六七八九十百千万]+"),
    )
)
_PLACEHOLDER = re.compile(r"<([A-Z]+)_\d+>")
_VARIABLE = re.compile(
    r"<[A-Z]+_\d+>|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:today|tomorrow)\b|(?:周|週|"
    r"星期)[一二三四五六日天]|"
    r"今天|明天|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:[a-z]*)(?= \d)|[$£€¥]?\d[\d.,:/]*%?(?:st|"
    r"nd|rd|th|am|pm)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Template(Record):
    """A wording with slots.

    Attributes:
        text: With slots in braces: ``Your order {order} ships on {date}.``
        slots: Their names in the order of the text; a second one of a kind has a number (``date_2``).
        share: Share of the utterances that it explains, 0..1.
    """

    text: str
    slots: tuple[str, ...]
    share: float

    def values(self, text: str) -> dict[str, str] | None:
        """What stands in the slots of a text made from this template; None when it was not."""
        pattern = re.escape(self.text)
        for slot in self.slots:
            pattern = pattern.replace(re.escape("{" + slot + "}"), f"(?P<{slot}>.{{1,80}}?)", 1)
        match = re.fullmatch(pattern, text, re.IGNORECASE | re.DOTALL)
        return match.groupdict() if match else None


def find_template(wordings: Mapping[str, int]) -> Template | None:
    """The template behind the wordings of one answer.

    Args:
        wordings: Text, as redacted and without courtesies, to how often it was said.

    Returns:
        None when nothing varies, when too much does, or when one wording is all there is and has no placeholder.
    """
    ordered = sorted(wordings, key=lambda text: (-wordings[text], text))[:MOST_WORDINGS]
    if not ordered:
        return None
    base = _TOKEN.findall(ordered[0])
    spans = {(i, i + 1): [token] for i, token in enumerate(base) if _PLACEHOLDER.fullmatch(token)}
    explained = wordings[ordered[0]]
    for text in ordered[1:]:
        changes = _changes(base, _TOKEN.findall(text))
        if changes is None:
            continue
        explained += wordings[text]
        for span, value in changes.items():
            spans.setdefault(span, ["".join(base[slice(*span)])]).append(value)
    share = explained / sum(wordings.values())
    merged = _merge(spans, base)
    if not merged or share < COVERED:
        return None
    return _write(base, merged, share)


def _changes(base: list[str], other: list[str]) -> dict[tuple[int, int], str] | None:
    """Spans of the base that differ, with what the other has there; None when it is another text."""
    matcher = SequenceMatcher(None, base, other, autojunk=False)
    found: dict[tuple[int, int], str] = {}
    for kind, i, j, k, m in matcher.get_opcodes():
        if kind == "equal":
            continue
        if kind == "replace" and j - i <= LONGEST_VALUE and m - k <= LONGEST_VALUE:
            found[i, j] = "".join(other[k:m])
        elif not "".join(base[i:j] + other[k:m]).strip(" .!,~。！，"):
            continue  # a full stop or a blank more
        else:
            return None
    return found if len(found) <= MOST_SLOTS else None


def _merge(spans: Mapping[tuple[int, int], list[str]], base: list[str]) -> list[tuple[int, int, list[str]]]:
    """Joins spans that overlap, or that only a blank or a sign keeps apart inside one value ("3" ":" "15")."""
    merged: list[tuple[int, int, list[str]]] = []
    for (start, end), values in sorted(spans.items()):
        if merged and start < merged[-1][1]:
            before = merged.pop()
            start, end, values = before[0], max(before[1], end), [*before[2], *values]
        merged.append((start, end, values))
    return merged


def _write(base: list[str], spans: list[tuple[int, int, list[str]]], share: float) -> Template | None:
    kept = [base[i] for i in range(len(base)) if not any(start <= i < end for start, end, _ in spans)]
    if len(spans) > MOST_SLOTS or sum(bool(_WORD.match(token)) for token in kept) < FIXED:
        return None
    names: Counter[str] = Counter()
    pieces, slots, position = [], [], 0
    for start, end, values in spans:
        kind = _kind(values)
        names[kind] += 1
        slot = kind if names[kind] == 1 else f"{kind}_{names[kind]}"
        pieces += [*base[position:start], "{" + slot + "}"]
        slots.append(slot)
        position = end
    return Template("".join([*pieces, *base[position:]]), tuple(slots), share)


def _kind(values: list[str]) -> str:
    """A slot's name: the placeholder's kind, what most values look like, or ``text``."""
    votes: Counter[str] = Counter()
    for value in values:
        placeholder = _PLACEHOLDER.search(value)
        if placeholder:
            votes[placeholder.group(1).lower()] += 1
        else:
            plain = value.strip()
            named = next((name for name, pattern in _KINDS if pattern.fullmatch(plain)), None)
            votes[named or ("name" if plain[:1].isupper() else "text")] += 1
    return votes.most_common(1)[0][0]


def template_key(text: str) -> str:
    """Equal for texts that differ only in numbers, days, dates and placeholders.

    Answers with different numbers are never one group (`data.dedupe`), yet may be one template: this brings them
    together in one pass, without comparing pairs.
    """
    from data.dedupe import answer_key

    return answer_key(_VARIABLE.sub("#", text))


def find_families(wordings: Iterable[tuple[str, int]]) -> Iterator[tuple[Template, tuple[str, ...]]]:
    """Templates across groups: answers that are the same but for numbers, days, dates and placeholders.

    Args:
        wordings: Text and how often it was said, of answers that their log names no template for.

    Yields:
        A template with its texts, the most frequent first. Texts without a family are left out.
    """
    families: dict[str, dict[str, int]] = defaultdict(dict)
    for text, count in wordings:
        if _VARIABLE.search(text):
            family = families[template_key(text)]
            family[text] = family.get(text, 0) + count
    for family in families.values():
        template = find_template(family) if len(family) > 1 or _PLACEHOLDER.search(next(iter(family))) else None
        if template is not None:
            yield template, tuple(sorted(family, key=lambda text: (-family[text], text)))
