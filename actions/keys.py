"""Idempotency keys: a turn that is done again, after a crash or a time-out, must not register its return twice."""

from __future__ import annotations

import json
from uuid import NAMESPACE_URL, uuid5

from rasa_sdk import Tracker


def key_of(tracker: Tracker, action: str, *arguments: str) -> str:
    """The key of what one message makes one action do: the same again when the turn is repeated.

    Args:
        tracker: The conversation; its latest message has an id that a repeated turn keeps.
        action: Name of the action.
        arguments: What is done, such as the order's number and the reason. Two different things that one message
            causes get two keys.

    Returns:
        A UUID, made from a hash (version 5): what is said in the arguments cannot be read from it.
    """
    message = (tracker.latest_message or {}).get("message_id") or ""
    text = json.dumps([tracker.sender_id, message, action, *arguments], ensure_ascii=False)
    return str(uuid5(NAMESPACE_URL, f"careline:{text}"))
