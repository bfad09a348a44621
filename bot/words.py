"""What customers are told without Rasa: while a person is awaited, or while the switches keep the bot silent."""

from __future__ import annotations

_WORDS = {
    "control": {
        "en": "Thank you. A person from our team will answer you here.",
        "zh": "谢谢您的留言，我们的同事会在这里回复您。",
    },
}


def words(name: str, language: str, **values: str) -> str:
    """A text in the customer's language; English where we have no words in it."""
    texts = _WORDS[name]
    return texts.get(language[:2], texts["en"]).format(**values)


def control_notice(language: str) -> str:
    """Said instead of a reply that the switches keep back."""
    return words("control", language)
