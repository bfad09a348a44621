"""What a customer's rating says, from 0 (not at all satisfied) to 1 (fully), in the forms that logs give it."""

from __future__ import annotations

import re

_WORDS = {
    "good": 1.0, "great": 1.0, "satisfied": 1.0, "very satisfied": 1.0, "positive": 1.0, "happy": 1.0,
    "ok": 0.5, "neutral": 0.5, "average": 0.5,
    "bad": 0.0, "poor": 0.0, "unsatisfied": 0.0, "dissatisfied": 0.0, "very dissatisfied": 0.0, "negative": 0.0,
    "unhappy": 0.0,
    "非常满意": 1.0, "满意": 1.0, "好评": 1.0, "很满意": 1.0, "一般": 0.5, "中评": 0.5,
    "不满意": 0.0, "差评": 0.0, "非常不满意": 0.0, "很不满意": 0.0,
}  # fmt: skip
_OF = re.compile(r"(\d{1,3}(?:[.,]\d+)?)\s*(?:/|of|out of)\s*(\d{1,3})", re.IGNORECASE)
_SHARE = re.compile(r"(\d{1,3}(?:[.,]\d+)?)\s*%")
_NUMBER = re.compile(r"[1-5](?:[.,]\d+)?(?:\s*(?:stars?|星|分))?", re.IGNORECASE)
_STARS = re.compile("[★⭐☆\ufe0f]{1,10}")


def read_rating(value: object) -> float | None:
    """Satisfaction 0..1, or None for what is no rating or one whose scale nobody can know.

    A bare number from 1 to 5 counts as stars; 7 or 0 may be of any scale and says nothing.

    Args:
        value: ``"good"``, ``4``, ``"4/5"``, ``"80 %"``, ``"★★★☆☆"``, ``"满意"``.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    text = re.sub(r"[\s_]+", " ", str(value)).strip().lower()
    if text in _WORDS:
        return _WORDS[text]
    if _STARS.fullmatch(text):
        return _of_stars(text.count("★") + text.count("⭐"))
    if found := _OF.fullmatch(text):
        most = float(found[2])
        return _share(_number(found[1]) / most) if most else None
    if found := _SHARE.fullmatch(text):
        return _share(_number(found[1]) / 100)
    if _NUMBER.fullmatch(text):
        return _of_stars(_number(re.split(r"[^\d.,]", text)[0]))
    return None


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _of_stars(stars: float) -> float | None:
    return _share((stars - 1) / 4) if stars >= 1 else None


def _share(value: float) -> float | None:
    return round(value, 4) if 0 <= value <= 1 else None
