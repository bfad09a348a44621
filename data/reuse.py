"""Whether an agent's reply can be said to another customer.

Precision counts more than recall here: an answer that is held back costs an agent's minute, one that tells a stranger
about somebody's parcel, or promises money, costs trust.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from data import asides, claims, claims_zh, evidence
from data.automatic import is_automatic
from data.courtesy import is_small_talk, split_sentences
from data.lexicon import lexicon
from data.normalise import detect_language

if TYPE_CHECKING:
    from data.grouping import AnswerGroup

STEADY = 0.5
"""A template whose most frequent wording is rarer than this is filled with a customer's data."""

CANNED = 3
"""An answer that agents gave this often has shown that it can be said again: only plain signs against it count. What
was said once or twice must also look like something that is true of everybody."""

LONGEST = 1200
"""Characters; what is longer is a letter to one customer, and is not searched by expressions."""

_SHORT_ENGLISH, _SHORT_CHINESE = 12, 5
_FEWEST_WORDS = 5
_PLACEHOLDER = re.compile(r"<[A-Z]+_\d+>|__\w+__|@user\b|\*{3}")
_CODE = re.compile(r"\b(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z\d]{6,}\b")
"""Somebody's number; what agents give to everybody is a code of the shop's own."""

_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"'})
_LINK = re.compile(r"https?://\S+|www\.\S+|\b[\w-]+\.(?:com|org|net|co\.uk|cn|de)\b\S*")

_CAPITALISED = re.compile(r"\b[A-Z][a-z]+\b")
_GLUED = re.compile(r"([a-z]{2}[.!?])([A-Z][a-z])")
"""Two sentences without a blank between them: "Sorry for the trouble.Please restart it"."""
_ADVICE_OPENS = re.compile(
    r"^(?:(?:can|could|did|have|do|does) (?:you|u)|are you able to)(?: please| also| just| already)?(?: tr(?:y|ied))?"
    r"(?: to)? ?"
)
_AGREEING = re.compile(r"^(?:yes|no),? ")
_FRAGMENT_WORDS = 9
_LEFT_WORDS = 4
"""What must be left beside a condition: "if your friend has not booked." is half a sentence."""

_Rule = tuple[str, re.Pattern[str], bool]
"""Reason, pattern, and whether conditions ("if it was opened") are left out before it is searched for."""

_ENGLISH: tuple[_Rule, ...] = (
    ("about money for one customer", claims.MONEY, False),
    ("says what somebody did", claims.ACTION, True),
    ("says what somebody will do", claims.PROMISE, False),
    ("asks the customer for something", claims.ASKS, False),
    ("about one customer's case", claims.CASE, True),
    ("about one customer's case", claims.POINTED, False),
    ("holds only at one moment", claims.MOMENT, False),
    ("was looked up for one customer", claims.FOUND, False),
    ("points at a link that is missing, or is cut off", claims.DANGLING, False),
)
_CHINESE: tuple[_Rule, ...] = (
    ("asks the customer for something", claims_zh.ASKS, False),
    ("points at a link that is missing, or is cut off", claims_zh.DANGLING, False),
    ("about money for one customer", claims_zh.MONEY, False),
    ("says what somebody did", claims_zh.ACTION, True),
    ("says what somebody will do", claims_zh.PROMISE, False),
    ("holds only at one moment", claims_zh.MOMENT, False),
    ("about one customer's case", claims_zh.CASE, True),
    ("was looked up for one customer", claims_zh.FOUND, False),
)
_CANNED_ENGLISH: tuple[_Rule, ...] = (
    ("asks the customer for something", claims.ASKS_DATA, False),
    ("asks the customer for something", claims.ASKS, False),
    ("about one customer's case", claims.PLAINLY, False),
    ("says what somebody did", claims.ACTION, True),
    ("says what somebody did", claims.PAST, True),
    ("says what somebody will do", claims.PROMISE, False),
    ("was looked up for one customer", claims.FOUND, False),
)
_CANNED_CHINESE: tuple[_Rule, ...] = (("about one customer's case", claims_zh.PLAINLY, False),)

WAITS = "said once or twice: approve it first"
"""Why an answer is held back that the rules let pass, where the workspace asks a person about such."""

FILLED = "a template filled with data"
UNDERSTOOD = "understood only with what it replies to"
REASONS = (
    *dict.fromkeys(reason for rules in (_ENGLISH, _CHINESE, _CANNED_ENGLISH) for reason, *_ in rules),
    "a question to the customer", "an automatic reply", "holds personal data", "names somebody", "offensive",
    "only courtesies", "said too rarely to be sure", "too long", "too short", UNDERSTOOD,
)  # fmt: skip
"""All that `refusal_of` may answer."""


def refusal(group: AnswerGroup, *, listed: bool = False, ask: bool = False) -> str | None:
    """Why an answer cannot be said to another customer; None when it can.

    Args:
        group: What was said, with how often and how steadily.
        listed: Whether the log is a list of questions and answers: what stands there was written to be said again,
            so that one place counts like many conversations.
        ask: Whether a person is asked about what was said once or twice; such an answer is held back as ``WAITS``.
    """
    if group.label and group.steady < STEADY and not _PLACEHOLDER.search(group.text):
        return FILLED
    support = CANNED if listed else group.support
    why = refusal_of(group.text, support=support)
    return WAITS if why is None and ask and support < CANNED else why


@lru_cache(maxsize=16384)
def refusal_of(text: str, *, support: int = 1) -> str | None:
    """Why a text cannot be said to another customer; None when it can.

    Args:
        text: Normalised, redacted, without courtesies.
        support: How many times agents said it.
    """
    if _PLACEHOLDER.search(text) or (support < CANNED and _CODE.search(text)):
        return "holds personal data"
    if is_small_talk(text):
        return "only courtesies"
    if len(text) > LONGEST:
        return "too long"
    reason = _refusal_zh(text, support) if detect_language(text) == "zh" else _refusal_en(text, support)
    if reason is None and is_automatic(text):
        return "an automatic reply"
    return "offensive" if reason is None and is_offensive(text) else reason


def plain_english(text: str) -> str:
    """Lower case, straight apostrophes, one name for every link: what the English patterns are written for."""
    return _LINK.sub("www.link.com", _GLUED.sub(r"\1 \2", text.translate(_QUOTES)).lower())


def is_offensive(text: str) -> bool:
    """True when a text insults somebody, or a group of people: no bot says such a thing, whoever did."""
    plain = text.lower().translate(_QUOTES)
    return bool(claims.OFFENSIVE.search(plain) or claims_zh.OFFENSIVE.search(plain))


def _refusal_en(text: str, support: int) -> str | None:
    if len(text) < _SHORT_ENGLISH:
        return "too short"
    straight = text.translate(_QUOTES)
    plain = plain_english(text)
    if "?" in plain:
        plain = evidence.ADVICE.sub(_as_advice, plain)
    if support < CANNED:
        plain = asides.without_asides(evidence.AS_YET.sub("", plain))
    if "?" in plain or evidence.BARE_QUESTION.match(plain):
        return "a question to the customer"
    sentences = [s for s in split_sentences(plain) if not evidence.FILLER.match(s)]
    if not sentences:
        return "only courtesies"
    plain = " ".join(s for s in split_sentences(plain) if not evidence.PURE.match(s))
    unconditional = evidence.CONDITION.sub("if so", plain)
    if len(unconditional.split()) < _LEFT_WORDS and len(plain.split()) < _FRAGMENT_WORDS:
        return "points at a link that is missing, or is cut off"
    if support >= CANNED:
        reason = _first(plain, unconditional, _CANNED_ENGLISH) or _fragment(sentences)
    else:
        reason = _unclear(sentences) or _first(plain, unconditional, _ENGLISH)
        if reason is None and not evidence.GENERAL.search(" ".join(sentences)):
            reason = "said too rarely to be sure"
    if reason is None and evidence.CUT.match(straight):
        return "points at a link that is missing, or is cut off"
    return "names somebody" if reason is None and _names_somebody(straight) else reason


def _names_somebody(text: str) -> bool:
    """Whether somebody is called by name; a country is nobody. Their list is read only where it is needed."""
    if not claims.PERSON.search(text):
        return False
    lands = lexicon().lands
    plain = _CAPITALISED.sub(lambda word: word[0].lower() if word[0].lower() in lands else word[0], text)
    return claims.PERSON.search(plain) is not None


def _as_advice(match: re.Match[str]) -> str:
    """Turns "Could you try another browser?" into "another browser."."""
    return _ADVICE_OPENS.sub("please try ", match.group().replace("?", "."))


def _fragment(sentences: list[str]) -> str | None:
    said = " ".join(sentences)
    return "too short" if len(said.split()) < _FRAGMENT_WORDS and not evidence.SENTENCE.search(said) else None


def _unclear(sentences: list[str]) -> str | None:
    said = " ".join(sentences)
    if len(said.split()) < _FEWEST_WORDS or _fragment(sentences):
        return "too short"
    first = _AGREEING.sub("", sentences[0])
    agrees = first != sentences[0] and evidence.STANDS.match(first)
    alone = agrees or (not evidence.OPENS.match(sentences[0]) and not evidence.UNNAMED.match(first))
    return None if alone else UNDERSTOOD


def _refusal_zh(text: str, support: int) -> str | None:
    if len(text) < _SHORT_CHINESE:
        return "too short"
    if claims_zh.QUESTION.search(text):
        return "a question to the customer"
    sentences = [s for s in split_sentences(text) if not claims_zh.FILLER.match(s) and not is_small_talk(s)]
    if not sentences:
        return "only courtesies"
    said = claims_zh.CONDITION.sub("如此", text)
    if support >= CANNED:
        return _first(said, said, _CANNED_CHINESE)
    reason = _first(said, said, _CHINESE)
    if reason is None and claims_zh.OPENS.match(sentences[0]):
        return UNDERSTOOD
    return reason


def _first(text: str, unconditional: str, rules: tuple[_Rule, ...]) -> str | None:
    """The first rule that matches; those about facts look only at what is said without a condition."""
    return next((why for why, pattern, facts in rules if pattern.search(unconditional if facts else text)), None)
