"""What an agent must know at a glance: why the conversation waits, what the customer said, what is collected."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from bot.protocol import Slot, Summary
from bot.state.entry import Entry

SENTENCES = 3
LONGEST = 160
"""Characters of a sentence."""

COLLECTED = (
    *("order_number", "order_before", "email", "return_reason", "new_address", "complaint_text"),
    *("date", "amount", "product"),
)
"""Slots that agents see, and may set when they hand back."""

_SENTENCE = re.compile(r"[^.!?。！？\n]*(?:[.!?](?=\s|$)|[。！？\n]|$|[.!?])+")
_TERM = re.compile(r"[\u4e00-\u9fff]{2}|\w{3,}")


def summary_of(entries: Sequence[Entry]) -> Summary | None:
    """The summary of a conversation; None where no customer said anything.

    Args:
        entries: Oldest first; the end of the log is enough.
    """
    said = [entry.text for entry in entries if entry.kind == "customer" and entry.text]
    if not said:
        return None
    reasons = [str(e.data["reason"]) for e in entries if e.kind == "state" and e.data.get("reason")]
    slots = collected(entries)
    return Summary(
        reason=reasons[-1] if reasons else "",
        sentences=tuple(extract(said)),
        slots=tuple(Slot(name=name, value=value) for name, value in slots.items()),
    )


def collected(entries: Sequence[Entry]) -> dict[str, str]:
    """What the forms collected, as it stands at the end; also from a turn whose replies were kept back."""
    states = [entry.data.get("state") or {} for entry in entries if entry.kind in ("turn", "unsaid")]
    slots: Mapping[str, object] = (states[-1].get("slots") if states else None) or {}
    return {name: str(slots[name])[:500] for name in COLLECTED if slots.get(name)}


def extract(texts: Sequence[str], *, limit: int = SENTENCES) -> list[str]:
    """The sentences that say most, in the order in which they were said.

    A sentence weighs what its terms weigh (rare ones more, and a number twice as much as a word), over the root of its
    number of terms: long sentences do not win by length alone. The first that says anything is always among them.

    Args:
        texts: What the customer said, oldest first.
        limit: Of sentences.
    """
    sentences = list(dict.fromkeys(s.strip() for text in texts for s in _SENTENCE.findall(text) if s.strip()))
    terms = [_TERM.findall(sentence.lower()) for sentence in sentences]
    found = Counter(term for row in terms for term in set(row))

    def weight(row: Sequence[str]) -> float:
        worth = (math.log(1 + len(sentences) / found[t]) * (2 if t.isdigit() else 1) for t in set(row))
        return sum(worth) / math.sqrt(len(row)) if row else 0.0

    ranked = sorted(range(len(sentences)), key=lambda at: -weight(terms[at]))
    first = next((at for at, row in enumerate(terms) if len(row) > 2), None)
    chosen = list(dict.fromkeys([*([first] if first is not None else []), *ranked]))[:limit]
    told = [at for at in chosen if len(terms[at]) > 1] or chosen[:1]  # an "ok" says nothing beside a sentence
    return [sentences[at][:LONGEST] for at in sorted(told)]
