"""Makes texts comparable without changing what they say: Unicode, white space, the cruft of channels; language."""

from __future__ import annotations

import html
import re
import unicodedata

_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n ?")
_BLANK_LINES = re.compile(r"\n{3,}")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MENTIONS = re.compile(r"^(?:[.\s]*@\w{1,20}(?=\s)\s*)+")
_NUMBERED_MENTION = re.compile(r"@\d{3,}\b")
_SHORT_LINK = re.compile(r"\s*https?://t\.co/\w*…?")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_KANA_HANGUL = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]+")


def normalise_text(text: str) -> str:
    """Cleans one message for reading and training.

    Unicode NFC; control and invisible characters out; runs of blanks to one, line ends kept; mentions at the start,
    numbered mentions (anonymised accounts) and short links of Twitter out; HTML entities become
    characters. Case and punctuation stay.
    """
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    elif not text.isprintable():
        text = _INVISIBLE.sub("", text.replace("\r\n", "\n"))
    if "&" in text and ";" in text:
        text = html.unescape(text).replace("\xa0", " ")
    if "@" in text:
        text = _NUMBERED_MENTION.sub("@user", _MENTIONS.sub("", text))
    if "t.co/" in text:
        text = _SHORT_LINK.sub("", text)
    if "\n" not in text:
        return " ".join(text.split())
    return _BLANK_LINES.sub("\n\n", _LINES.sub("\n", _SPACES.sub(" ", text))).strip()


def detect_language(text: str) -> str | None:
    """Tells the language by script: ``zh`` or ``en``.

    A Chinese character carries about as much as a Latin word, so the two are counted against each other. Product
    names leave a Chinese sentence Chinese.

    Returns:
        ``zh``, ``en`` (any Latin text), or None when there are no letters, or Japanese or Korean.
    """
    if text.isascii():
        return "en" if _LATIN.search(text) else None
    if _KANA_HANGUL.search(text):
        return None
    han, words = len(_HAN.findall(text)), len(_LATIN.findall(text))
    if not han and not words:
        return None
    return "zh" if han >= words else "en"
