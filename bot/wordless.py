"""Messages without a word: a picture or a file (which reach the bot as no text), emoji, or punctuation alone."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]")
_SIGNS: tuple[tuple[str, str], ...] = (
    ("complaint", "😠😡🤬😤👿🖕💢🤮"),
    ("deny", "👎❌🙅🚫✖"),
    ("thanks", "🙏❤💕💖😊😘🥰😍🤗💐🌹"),
    ("affirm", "👍👌✅🆗✔👏💯🤝"),
    ("greeting", "👋🙋"),
    ("small_talk", "😀😃😄😁😆😂🤣😅😎😜🙂😉"),
)
"""What signs say. The first that a message has decides: an angry face weighs more than a thumb."""

_WELL = re.compile(r"[\s.…。,，!！]*[?？][\s?？!！.…。]*|[.。]{2,}|…+")


def is_wordless(text: str) -> bool:
    """Whether a text has no letter and no digit of any script."""
    return _WORD.search(text) is None


def intent_of_signs(text: str) -> str | None:
    """What a message of signs alone says; None where it says nothing that can be answered in kind.

    Args:
        text: For which ``is_wordless`` holds. A lone ``?`` asks whether anybody is there.
    """
    if _WELL.fullmatch(text.strip()):
        return "small_talk"
    return next((intent for intent, signs in _SIGNS if any(sign in text for sign in signs)), None)
