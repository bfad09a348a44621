"""What stands beside an answer in one message: a question back, a pointer to a link that the log lost, an invitation.

"We only match prices of shops in town. Which shop do you mean?" tells something to everybody, and asks this customer
something. `data.reuse` judges such a message by what it tells. Texts arrive in lower case with straight apostrophes.
English only: Chinese agents seldom put both into one message.
"""

from __future__ import annotations

import re

from data.courtesy import split_sentences

FEWEST_LEFT = 5
"""Words that must be left, or the whole message is judged: what is said beside a question is often a courtesy."""

_ASKED_ON = re.compile(
    r", (?=(?:(?:are|is|do|did|does|can|could|would|have|has|was|were) (?:you|your|it|we)|what|which|how|when|where)\b"
    r"[^.!?,]*\?)"
)
"""A question that goes on from a statement after a comma."""

_TIED = re.compile(
    r"\b(?:this|that|these|those|it|they|them|still|was|were|did|had|been|i|me|my|already|again|dm|send|share|"
    r"let us know)\b"
)
"""A question that goes on about one case: with it, what is told beside it belongs to that case too."""

_POINTS = re.compile(
    r"^(?:please |kindly |just |also |you can |you may |then |and |so |for |to )*"
    r"(?:check(?: it)? out|see|visit|find|(?:take|have) a look|look|head|read|learn|know|go|click|more|details|further|"
    r"info(?:rmation)?|here(?:'s| is| are))\b[^.!?]*(?::|\b(?:at|here|via|link|below))[\s.:!]*$|"
    r"^(?:please |kindly |just |also |you can |you may )*(?:follow|visit|see|use|check|click|tap)(?: on| out)? "
    r"(?:this|the) "
    r"(?:link|page|article|guide)\b[^.!?:]*[.!]?$"
)
"""A sentence that only points: "check out our website:", "find out more at."."""

_INVITES = re.compile(
    r"^(?:please |kindly )*(?:dm|message|pm) us(?: the results| if [^,]*)?[\s.!]*$|^(?:please )?(?:keep us posted|"
    r"report back|let us know)\b[^,]*$"
)
_POINTS_ON = re.compile(r"(?:,|;)? (?:here's how|more (?:details|info(?:rmation)?) (?:are |is )?(?:here|at))[\s.:!]*$")
_COLON = re.compile(r"\s*:[\s.]*$")
_NEEDS_LINK = re.compile(
    r"\b(?:this|these|those|following|next|link|here|steps?|page|article|guide|documentation|below|tutorial)\b|"
    r"\b(?:at|on|via|to|for|with|by|is|are|from|and|or|in|of|the|a)\s*:[\s.]*$"
)
"""What leads up to the lost link: without it nothing is told."""


def without_asides(text: str) -> str:
    """Leaves out what stands beside the answer; the text itself when too little else is told.

    Args:
        text: One message, lower case, links replaced, advice that is worded as a question already turned into advice.
    """
    sentences = split_sentences(_ASKED_ON.sub(". ", text))
    told = [_without_pointer(s) for s in sentences if not _beside(s)]
    rest = " ".join(told)
    return rest if len(rest.split()) >= FEWEST_LEFT else text


def _beside(sentence: str) -> bool:
    if sentence.endswith("?"):
        return not _TIED.search(sentence)
    return bool(_POINTS.match(sentence) or _INVITES.match(sentence))


def _without_pointer(sentence: str) -> str:
    shorter = _POINTS_ON.sub(".", sentence)
    return shorter if _NEEDS_LINK.search(shorter) else _COLON.sub(".", shorter)
