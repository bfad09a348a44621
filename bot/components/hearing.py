"""What a message says beside its question: how its customer feels, a matter that is a person's, signs without words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.sensitive import sensitive_topic
from bot.tone import tone_of
from bot.wordless import intent_of_signs, is_wordless

MOST = 4000
"""Characters that are read: what matters to a customer is said by then."""


def heard(text: str, careline: Mapping[str, Any], *, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What changes in a message's ``careline`` object.

    Args:
        text: What the customer wrote.
        careline: Of the message.
        before: ``mood`` of the customer's message before, or None.

    Returns:
        ``tone`` (``bot.tone``) always; ``sensitive`` with its topic, as if a person had been asked for; the intent of a
        message of signs alone, or ``wordless`` where they say nothing.
    """
    text = text[:MOST]
    found: dict[str, Any] = {"tone": tone_of(text, careline.get("mood"), before=before).to_json()}
    certain = {"confidence": 1.0, "understood": True}
    if is_wordless(text):
        intent = intent_of_signs(text)
        return found | ({"intent": intent, **certain} if intent else {"wordless": True, "understood": False})
    if (topic := sensitive_topic(text)) is not None:
        return found | {"intent": "ask_person", "sensitive": topic, **certain}
    return found
