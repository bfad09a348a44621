"""The list of answers that wait for a person: which, and in what order; see `data.approvals`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from data.approvals import Approval, Key
from data.dedupe import PLACEHOLDER, answer_key
from data.likely import likely
from data.reuse import FILLED
from data.schema import Answer

NEVER = frozenset({FILLED, "offensive", "only courtesies", "too short", "too long", "an automatic reply"})
"""What nobody is asked about: too little is right among it to be worth a person's time."""

LOOKED_AT = 20_000
"""Of a large log, the answers given most often: with one given once more or less, nobody gains."""


@dataclass(frozen=True)
class Waiting:
    """An answer that waits.

    Attributes:
        answer: As the dataset has it.
        probability: 0..1 that a person would approve it.
    """

    answer: Answer
    probability: float

    @property
    def gain(self) -> float:
        """How much customers would gain: how often it was needed, times the probability that it is right."""
        return max(1, self.answer.support) * self.probability


def waiting(answers: Iterable[Answer], approvals: Mapping[Key, Approval]) -> list[Waiting]:
    """The undecided answers that are held back, where customers would gain most first.

    Args:
        answers: Of a dataset.
        approvals: What was decided since it was made as well.
    """
    open_ = [answer for answer in answers if _waits(answer) and key_of(answer) not in approvals]
    chosen = sorted(open_, key=lambda answer: -answer.support)[:LOOKED_AT]
    decided = [(approval.said, approval.verdict != "reject") for approval in approvals.values()]
    chances: Sequence[float] = likely([answer.text for answer in chosen], decided).tolist()
    found = [Waiting(answer, chance) for answer, chance in zip(chosen, chances, strict=True)]
    return sorted(found, key=lambda one: (-one.gain, one.answer.id))


def key_of(answer: Answer) -> Key:
    """What a decision about an answer is kept under."""
    return answer.language, answer_key(answer.text)


def _waits(answer: Answer) -> bool:
    return (
        not answer.reusable
        and answer.decided is None
        and answer.superseded_by is None
        and answer.source == "log"
        and answer.held_back not in NEVER
        and not PLACEHOLDER.search(answer.text)
    )
