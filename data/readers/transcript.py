"""A whole conversation in one text: lines such as ``Agent: ...``, ``[10:02] Anna: ...``, ``客服小李 10:02``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from data.readers.chattimes import CLOCK, DATE, Day, choose_order, day_of, seconds_of
from data.readers.roles import role_of

_TIME = rf"(?:{DATE}[ ,T]{{0,3}})?{CLOCK}"
_NAME = r"(?P<name>[^\W\d_][^:：\[\]()（）【】\n|]{0,39}?)"
_FIRST = re.compile(rf"\s*[\[(（【]?\s*{_TIME}\s*[\])）】]?\s*(?:[-–—|]\s*)?{_NAME}\s*[:：]\s*(?P<text>.*)", re.DOTALL)
_AFTER = re.compile(rf"\s*{_NAME}\s*[\[(（【]\s*{_TIME}\s*[\])）】]\s*[:：]?\s*(?P<text>.*)", re.DOTALL)
_ALONE = re.compile(rf"\s*{_NAME}\s+{_TIME}\s*[:：]?\s*(?P<text>)")
_BARE = re.compile(rf"\s*{_NAME}\s*[:：](?!//)\s*(?P<text>.*)", re.DOTALL)
_BREAKS = re.compile(r"<br\s*/?>|\\r\\n|\\n|\s\|{1,2}\s", re.IGNORECASE)
_WORDS = (
    "customer|client|user|visitor|guest|agent|support|representative|rep|advisor|operator|bot|"
    "客服|客户|用户|顾客|买家|卖家|访客"
)
_INLINE = re.compile(rf"(?<=[\s。！？!?.])(?=(?:{_WORDS})(?:[ _-]?\d{{1,3}})?\s?[:：])", re.IGNORECASE)
LONGEST = 2_000_000
"""Characters of a transcript that are read."""


@dataclass(frozen=True)
class Said:
    """A message of a transcript.

    Attributes:
        name: Who spoke, as written there.
        text: What was said, over several lines maybe.
        time: Unix seconds, or None.
    """

    name: str
    text: str
    time: float | None = None


def looks_like_transcript(cells: Sequence[str]) -> bool:
    """Whether most of these texts hold a conversation of two speakers."""
    filled = [cell for cell in cells if cell.strip()]
    good = sum(len({said.name for said in read_transcript(cell)}) > 1 for cell in filled[:50])
    return bool(filled) and good * 2 > min(len(filled), 50)


def looks_prefixed(cells: Sequence[str]) -> bool:
    """Whether most of these texts are one message with the word for its speaker before it."""
    filled = [cell for cell in cells if cell.strip()][:50]
    names = [match["name"] for cell in filled if (match := _heading(cell))]
    sides = {role_of(name) for name in names} - {None}
    return len(names) * 10 > len(filled) * 9 and len(sides) > 1


def read_prefixed(text: str) -> Said | None:
    """One message with its speaker before it; None where there is none."""
    match = _heading(text)
    return Said(match["name"].strip(), match["text"].strip()) if match else None


def read_transcript(text: str, *, started: float | None = None) -> list[Said]:
    """Takes a transcript apart.

    What stands before a colon is a speaker when it is a word for a side, when a time stands beside it, or when it
    comes again; so ``Order number: 12`` inside a message stays in it.

    Args:
        text: The transcript.
        started: Unix seconds when the conversation began, for lines that have only a clock.
    """
    lines = _lines(text[:LONGEST])
    matches = [_heading(line) for line in lines]
    speakers = _speakers(matches)
    order = choose_order(_days(matches), twelve_hours=any(m and _clock(m, "after") for m in matches))
    midnight = None if started is None else started - started % 86400
    said: list[Said] = []
    for line, match in zip(lines, matches, strict=True):
        name = match["name"].strip() if match else ""
        if match and name in speakers:
            time = seconds_of(match, order, midnight=midnight) if _clock(match, "hour") else None
            said.append(Said(name, match["text"].strip(), time))
        elif said:
            said[-1] = Said(said[-1].name, f"{said[-1].text}\n{line.strip()}".strip(), said[-1].time)
    return [message for message in said if message.text]


def _lines(text: str) -> list[str]:
    if "\n" not in text.strip():
        text = _BREAKS.sub("\n", text)
    if "\n" not in text.strip():
        text = _INLINE.sub("\n", text)
    return [line for line in text.splitlines() if line.strip()]


def _heading(line: str) -> re.Match[str] | None:
    return _FIRST.match(line) or _AFTER.match(line) or _ALONE.fullmatch(line) or _BARE.match(line)


def _clock(match: re.Match[str], group: str) -> str | None:
    return match[group] if "hour" in match.re.groupindex else None


def _days(matches: Sequence[re.Match[str] | None]) -> list[Day]:
    return [day for match in matches if match and _clock(match, "hour") and (day := day_of(match))]


def _speakers(matches: Sequence[re.Match[str] | None]) -> set[str]:
    """The names that are speakers, see ``read_transcript``."""
    found = [match for match in matches if match]
    names = Counter(match["name"].strip() for match in found)
    timed = {match["name"].strip() for match in found if _clock(match, "hour")}
    worded = {name for name in names if role_of(name)}
    if timed:
        return timed | worded
    if len({role_of(name) for name in worded}) > 1:
        return worded
    again = {name for name, count in names.items() if count > 1}
    if len(again) > 1:
        return again | worded
    if len(found) == len(matches):
        return set(names)
    first = {found[0]["name"].strip()} if found and found[0] is matches[0] else set()
    return first | worded | again
