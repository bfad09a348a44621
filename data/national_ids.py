"""Numbers that states give to people, told by their shape and, where they have one, their checksum.

Shape alone is enough only where nothing else looks like it (Britain, Italy, India) or where a word leads to it
(passports, driving licences).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_RESIDENT = re.compile(r"(?<!\d)[1-9]\d{5}(?:19|20)\d{2}[01]\d[0-3]\d{4}[\dXx](?![\dA-Za-z])")
_SOCIAL = re.compile(r"(?<![\d\-])(?!000|666)\d{3}[\- ](?!00)\d{2}[\- ](?!0000)\d{4}(?![\d\-])")
_INSURANCE = re.compile(
    r"\b(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ ]?\d{2}[ ]?\d{2}[ ]?\d{2}[ ]?[A-D]\b",
    re.IGNORECASE,
)
_SPANISH = re.compile(r"(?<![\dA-Za-z])[XYZ]?[ \-]?\d{7,8}[ \-]?[A-Z](?![\dA-Za-z])", re.IGNORECASE)
_ITALIAN = re.compile(r"\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b", re.IGNORECASE)
_FRENCH = re.compile(r"(?<!\d)[12][ ]?\d{2}[ ]?[01]\d[ ]?\d{2}[ ]?\d{3}[ ]?\d{3}[ ]?\d{2}(?!\d)")
_INDIAN_TAX = re.compile(r"\b[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]\b")
_AADHAAR = re.compile(r"(?<![\d\-])[2-9]\d{3}[ \-]\d{4}[ \-]\d{4}(?![\d\-]| \d)")
_NAMED = re.compile(
    r"(?:\b(?:passport|driv(?:er|ing)['’]?s? licen[cs]e|national id(?:entity)?|identity card|id card|tax id|nhs)"
    r"(?: (?:no|number|nr|id|card))*\.?|护照|驾驶证|驾照|港澳通行证)(?:号码?)?(?:\s*(?:is|was|:|：|#|是|为))*\s*"
    r"((?=[A-Z\- ]{0,6}\d)[A-Z0-9](?:[A-Z0-9]|[\- ](?=[A-Z]?\d)){5,17})(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_VERHOEFF = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_TURNS = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def national_ids(text: str) -> Iterator[tuple[int, int, str]]:
    """Yields (start, end, value without blanks) of national ids."""
    digits = len(_DIGIT.findall(text))
    for pattern, valid, least in _KINDS:
        for match in pattern.finditer(text) if digits >= least else ():
            value = re.sub(r"[\s\-]", "", match.group()).upper()
            if valid(value):
                yield match.start(), match.end(), value
    for match in _NAMED.finditer(text):
        yield match.start(1), match.end(1), re.sub(r"[\s\-]", "", match.group(1)).upper()


def is_resident_id(value: str) -> bool:
    """China, GB 11643-1999: weights 2^(17-i) modulo 11 give the last character."""
    total = sum(int(c) * (pow(2, 17 - i) % 11) for i, c in enumerate(value[:17]))
    return "10X98765432"[total % 11] == value[17].upper()


def is_dni(value: str) -> bool:
    """Spain: the number modulo 23 gives the letter; X, Y, Z of foreigners stand for 0, 1, 2."""
    digits = value[:-1].translate(str.maketrans("XYZ", "012"))
    return len(digits) == 8 and digits.isdigit() and _DNI[int(digits) % 23] == value[-1]


def is_insee(value: str) -> bool:
    """France: 97 minus the first thirteen digits modulo 97 gives the last two."""
    return len(value) == 15 and 97 - int(value[:13]) % 97 == int(value[13:])


def is_aadhaar(value: str) -> bool:
    """India: Verhoeff's check digit, from the dihedral group D5 (J. Verhoeff, 1969)."""
    check = 0
    for position, digit in enumerate(reversed(value)):
        check = int(_VERHOEFF[check][int(_TURNS[position % 8][int(digit)])])
    return len(value) == 12 and check == 0


def _shape_is_enough(value: str) -> bool:
    return bool(value)


_DIGIT = re.compile(r"\d")
_KINDS: tuple[tuple[re.Pattern[str], Callable[[str], bool], int], ...] = (
    (_RESIDENT, is_resident_id, 17),
    (_FRENCH, is_insee, 15),
    (_AADHAAR, is_aadhaar, 12),
    (_SPANISH, is_dni, 7),
    (_SOCIAL, _shape_is_enough, 9),
    (_INSURANCE, _shape_is_enough, 6),
    (_ITALIAN, _shape_is_enough, 7),
    (_INDIAN_TAX, _shape_is_enough, 4),
)
"""Each with the check of its characters and the digits it has at least."""
