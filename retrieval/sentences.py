"""A text in its sentences, clauses and content words: what composing a reply and checking one look at.

Light on purpose: the action server reads it, so that no segmenter's dictionary and no encoder is loaded here.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from retrieval.lexical import words_of

_HAN = "\u3400-\u9fff\uf900-\ufaff"
_HAN_RUN = re.compile(rf"[{_HAN}]+")
_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*(?=\s)|(?<=[。！？；…])[”’」）]*|\n+")
_SHORT = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|approx|incl|excl|nr|mr|mrs|ms|dr|st|vs)|\b[A-Za-z]|(?:^|\n)\s*\d{1,2})\.$", re.IGNORECASE
)
_ITEM = re.compile(r"\s*(?:[-*•·–]|\(?\d{1,2}[.)、])\s+\S|\s*[（(]?[一二三四五六七八九十][)）、]")
_CLAUSE = re.compile(
    r"[;:—–]\s+|[，；：]|\s[-–—]\s"
    r"|,\s+(?=(?:and|but|or|so|which|who|then|we|you|they|it|he|she|usually|counted|below|above|after|before|until)\b)"
    r"|,?\s+and\s+(?=(?:can(?:not)?|could|may|must|should|will|would|is|are|was|were|does|do|did|has|have|not)\b)"
    r"|,?\s+(?=(?:but|while|whereas|although|though|however|unless|except|if)\b)"
    r"|(?=但是|但(?!是)|不过(?!期)|然而|而且|除非|如果)",
    re.IGNORECASE,
)
_FIRST = re.compile(r"(?:if|when|once|unless|until|after|before|as soon as|with|on|for)\b", re.IGNORECASE)
_SILENT_ZH = frozenset("的了吗呢吧啊呀哦哟嘛我你您在就也这那请是们个，。")


def sentences_of(text: str) -> list[str]:
    """Splits a text at the ends of its sentences and lines; abbreviations and decimals end none.

    A list belongs to the line that announces it with a colon: steps are not told apart.

    Args:
        text: English, Chinese, or both.

    Returns:
        In order, stripped, none empty.
    """
    pieces: list[str] = []
    start = 0
    for match in _END.finditer(text):
        piece = text[start : match.end()]
        if "\n" not in match.group() and _SHORT.search(piece.rstrip()):
            continue
        pieces.append(piece)
        start = match.end()
    pieces.append(text[start:])
    found: list[str] = []
    for piece in (piece.strip() for piece in pieces):
        if found and _ITEM.match(piece) and (found[-1].endswith((":", "：")) or "\n" in found[-1]):
            found[-1] += "\n" + piece
        elif piece:
            found.append(piece)
    return found


def clauses_of(sentence: str) -> list[str]:
    """Parts of a sentence that say something of their own, split at commas and at words such as ``but`` and ``if``."""
    found = []
    for part in (part.strip() for part in _CLAUSE.split(sentence) if part and part.strip()):
        head, comma, rest = part.partition(", ")
        found += [head, rest] if comma and rest and _FIRST.match(part) else [part]
    return found


def content_of(text: str) -> list[str]:
    """Content words: English as BM25 counts them, Chinese as pairs of neighbouring characters.

    Returns:
        In order, with repetitions; empty for a text of function words only.
    """
    plain = unicodedata.normalize("NFKC", text)
    latin = [word for word in words_of(_HAN_RUN.sub(" ", plain)) if not word.isdigit()]
    pairs = (a + b for run in _HAN_RUN.findall(plain) for a, b in pairwise(run) if not {a, b} & _SILENT_ZH)
    return [*latin, *pairs]
