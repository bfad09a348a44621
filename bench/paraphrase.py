"""Questions said otherwise: words dropped, words swapped, typing errors; three strengths, seeded."""

from __future__ import annotations

import random
from dataclasses import dataclass

_NEAR = {
    "q": "wa", "w": "qes", "e": "wrd", "r": "etf", "t": "ryg", "y": "tuh", "u": "yij", "i": "uok", "o": "ipl",
    "p": "ol", "a": "qsz", "s": "adwx", "d": "sfec", "f": "dgrv", "g": "fhtb", "h": "gjyn", "j": "hkum",
    "k": "jlim", "l": "kop", "z": "xas", "x": "zcs", "c": "xvd", "v": "cbf", "b": "vng", "n": "bmh", "m": "njk",
}  # fmt: skip
"""Keys beside each other."""


@dataclass(frozen=True)
class Strength:
    """How much is changed.

    Attributes:
        name: For people.
        dropped: Chance 0..1 that a word is left out; at least two words stay.
        swapped: Chance that a word changes places with the next.
        mistyped: Chance that a word of four letters or more has a typing error.
    """

    name: str
    dropped: float
    swapped: float
    mistyped: float


STRENGTHS = (Strength("light", 0.1, 0.1, 0.1), Strength("medium", 0.25, 0.2, 0.25), Strength("strong", 0.4, 0.3, 0.4))


def paraphrase(text: str, strength: Strength, seed: int) -> str:
    """The text with words dropped, swapped and mistyped; the same for one seed.

    Args:
        text: A question.
        strength: How much.
        seed: Of this text's changes.
    """
    draw = random.Random(f"{seed} {strength.name} {text}")
    words = text.split()
    kept = [word for word in words if draw.random() >= strength.dropped]
    if len(kept) < 2:
        chosen = sorted(draw.sample(range(len(words)), min(2, len(words))))
        kept = [words[i] for i in chosen]
    for i in range(len(kept) - 1):
        if draw.random() < strength.swapped:
            kept[i], kept[i + 1] = kept[i + 1], kept[i]
    return " ".join(_mistyped(w, draw) if len(w) >= 4 and draw.random() < strength.mistyped else w for w in kept)


def _mistyped(word: str, draw: random.Random) -> str:
    """One error: a letter left out, doubled, swapped with the next, or the key beside it."""
    at = draw.randrange(1, len(word) - 1)
    kind = draw.choice(("left out", "doubled", "swapped", "beside"))
    if kind == "left out":
        return word[:at] + word[at + 1 :]
    if kind == "doubled":
        return word[: at + 1] + word[at:]
    if kind == "swapped":
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + draw.choice(_NEAR.get(word[at].lower(), word[at])) + word[at + 1 :]
