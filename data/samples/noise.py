"""How people really type: lower case, missing full stops, swapped letters, and in Chinese the usual sound-alikes."""

from __future__ import annotations

import random
import re

from data.samples.phrasebook import FOLDER, read_words

_WORD = re.compile(r"(?<![\w@.-])[a-z]{5,}(?![\w@.-])")
NAMES = frozenset(read_words(FOLDER / "names.txt")["capital"])
_KEPT = re.compile(r"[@\d]")
SOUND_ALIKES = (
    ("什么时候", "啥时候"),
    ("怎么", "咋"),
    ("可以", "阔以"),
    ("账号", "帐号"),
    ("退货", "退火"),
    ("没有", "没"),
    ("现在", "现再"),
    ("能不能", "可不可以"),
    ("快递", "快第"),
    ("的话", "滴话"),
    ("收到", "收倒"),
    ("一下", "下"),
)


def type_english(rng: random.Random, text: str) -> str:
    """Lower-cases, drops the last stop or an apostrophe, or misspells a word; numbers and addresses stay right."""
    if rng.random() < 0.2:
        text = _lower(text)
    if rng.random() < 0.14 and text[1:].endswith((".", "?")):
        text = text[:-1]
    if rng.random() < 0.08:
        text = text.replace("'", "")
    if rng.random() < 0.13:
        text = misspell(rng, text)
    if rng.random() < 0.03 and text.endswith("?"):
        text += rng.choice(("?", "??", "!"))
    return text


def misspell(rng: random.Random, text: str) -> str:
    """Swaps, drops or doubles a letter in one lower-case word of five letters or more."""
    words = list(_WORD.finditer(text))
    if not words:
        return text
    word = rng.choice(words)
    at = rng.randrange(word.start() + 1, word.end() - 1)
    slip = rng.choice(("swap", "drop", "double"))
    if slip == "swap":
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at + 1 :] if slip == "drop" else text[: at + 1] + text[at] + text[at + 1 :]


def type_chinese(rng: random.Random, text: str) -> str:
    """Drops the last mark, adds a particle or a sound-alike, as on a phone's keyboard."""
    if rng.random() < 0.3:
        text = text.rstrip("？。！") or text
    elif rng.random() < 0.12:
        text = text.replace("，", " ").replace("？", "?")
    if rng.random() < 0.12:
        found = [pair for pair in SOUND_ALIKES if pair[0] in text]
        if found:
            text = text.replace(*rng.choice(found), 1)
    return text


def lower_first(text: str) -> str:
    """Lower-cases the first letter for the middle of a sentence, unless the word is ``I`` or a name or code."""
    first = text.split(" ", 1)[0]
    if first in {"I", "I'm", "I've", "I'd"} or not first[1:].islower() or first in NAMES:
        return text
    return text[:1].lower() + text[1:]


def _lower(text: str) -> str:
    return " ".join(word if _KEPT.search(word) else word.lower() for word in text.split(" "))
