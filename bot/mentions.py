"""What a message mentions that needs no learning: order numbers, e-mail addresses, and the language it is in."""

from __future__ import annotations

import re
from dataclasses import dataclass

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_ORDER = re.compile(r"(?<![A-Za-z0-9@.])(#?)([A-Za-z]{0,4}-?)(\d{4,12})(?![A-Za-z0-9@]|\.\d)")
_ASKED_ORDER = re.compile(r"(?<![A-Za-z0-9@.])#?([A-Za-z]{0,4}[- ]?\d[\d -]{1,14}\d)(?![A-Za-z0-9@])")
_YEAR = re.compile(r"(?:19|20)\d\d")
_CJK = re.compile(r"[一-鿿]")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")
_SMALL_WORDS = re.compile(
    r"\b(?:my|the|is|it['’]?s|it|and|order|orders|number|no|email|e-mail|mail|address|here|this|under|with|ordered|used)\b"
    r"|我的|我|的|是|订单号?|单号|编号|号码|邮箱|电子邮件|和|下单|用",
    re.IGNORECASE,
)
LANGUAGE_WORDS = 3
"""So many Latin words make a message English for certain; fewer ("ok", a product's name) change no language."""


@dataclass(frozen=True)
class Mention:
    """A detail found in a text.

    Attributes:
        kind: ``order_number``, ``email`` or ``language``.
        value: Normalised: numbers without ``#`` and blanks in capitals, addresses in lower case.
        start: First character.
        end: One past the last.
    """

    kind: str
    value: str
    start: int
    end: int


def find_mentions(text: str, *, asked: str | None = None, language: str | None = None) -> list[Mention]:
    """Finds order numbers, an e-mail address and the language.

    Args:
        text: What the customer wrote.
        asked: The slot that was just asked for. An answer to "what is your order number?" may be shorter or hold
            blanks, and may look like a year.
        language: The conversation's so far, kept where the text alone does not tell.

    Returns:
        At most one mention of each kind.
    """
    found = []
    if address := _EMAIL.search(text):
        found.append(Mention("email", address.group().lower(), *address.span()))
    rest = _EMAIL.sub(lambda match: " " * len(match.group()), text)
    if number := _order_number(rest, asked=asked == "order_number"):
        found.append(number)
    if spoken := detect_language(rest, language):
        found.append(Mention("language", spoken, 0, len(text)))
    return found


def _order_number(text: str, *, asked: bool) -> Mention | None:
    for match in _ORDER.finditer(text):
        sign, prefix, digits = match.groups()
        if asked or sign or prefix or not _YEAR.fullmatch(digits):
            return Mention("order_number", (prefix + digits).upper(), *match.span())
    if asked and (loose := _ASKED_ORDER.search(text)):
        return Mention("order_number", re.sub(r"\s", "", loose.group(1)).upper(), *loose.span())
    return None


def detect_language(text: str, before: str | None = None) -> str | None:
    """Tells Chinese from the rest by its script.

    Args:
        text: Without e-mail addresses, which are Latin in every language.
        before: The conversation's language so far.

    Returns:
        ``zh``, ``en``, or None when the text alone does not tell: a number, or a word that any language borrows.
    """
    if _CJK.search(text):
        return "zh"
    words = len(_LATIN_WORD.findall(text))
    if words >= LANGUAGE_WORDS or (words and before in (None, "en")):
        return "en"
    return None


def only_details(text: str) -> bool:
    """True when a text says nothing beside an order number or an e-mail address: it answers or begins a look-up."""
    details = [mention for mention in find_mentions(text) if mention.kind != "language"]
    rest = text
    for mention in sorted(details, key=lambda m: -m.start):
        rest = rest[: mention.start] + " " + rest[mention.end :]
    return bool(details) and not re.search(r"\w", _SMALL_WORDS.sub(" ", rest))
