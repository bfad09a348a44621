"""What was once asked, and what search reads of questions and answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from data.schema import Answer, Example, IntentExample, Record

OUT_OF_SCOPE = "out_of_scope"
"""The static intent whose examples say what is none of the shop's business."""


@dataclass(frozen=True)
class Logged(Record):
    """What was once asked: a context that got an answer, or an example of an intent (then ``answer`` is empty).

    Attributes:
        text: As the encoder reads it.
        answer: Id of the answer given, or empty.
        conversation: Where it was asked.
        language: ``en`` or ``zh`` (or another code).
        time: Unix seconds, or None.
        intent: For examples of intents.
        count: How often this text had this outcome.
        weight: Mean of ``Example.weight`` over these: how the conversations ended.
    """

    text: str
    answer: str = ""
    conversation: str = ""
    language: str = "en"
    time: float | None = None
    intent: str = ""
    count: int = 1
    weight: float = 1.0


def logged_of(examples: Iterable[Example], intents: Iterable[IntentExample] = ()) -> list[Logged]:
    """Contexts and examples of intents as one list; of texts with the same outcome the last is kept and counted."""
    rows = [Logged(e.context, e.answer, e.conversation, e.language, e.time, weight=e.weight) for e in examples]
    rows += [Logged(i.text, language=i.language, intent=i.intent) for i in intents]
    count, weight = Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
    for row in rows:
        key = row.text, row.answer, row.intent
        count[key] += 1
        weight[key] += row.weight  # type: ignore[assignment]  # a Counter sums floats as well
    kept = {(row.text, row.answer, row.intent): row for row in rows if row.text.strip()}
    return [replace(row, count=count[key], weight=weight[key] / count[key]) for key, row in kept.items()]


def message_of(context: str) -> str:
    """What a rendered context asks last, without the speakers' names.

    That is everything after the last agent's turn; where the agent spoke last ("one moment, please"), what the
    customer had said before; the agent's own words when nothing else is there.
    """
    lines = context.split("\n")
    tail: list[str] = []
    for line in reversed(lines):
        if not line.startswith("agent: "):
            tail.insert(0, line)
        elif tail:
            break
    return " ".join(line.split(": ", 1)[-1] if _has_speaker(line) else line for line in tail or lines[-1:])


def _has_speaker(line: str) -> bool:
    return line.startswith(("customer: ", "agent: ", "system: "))


def searched_text(answer: Answer) -> str:
    """What the encoder and BM25 read of an answer: its text, after its title where it is a part of a longer page."""
    if answer.title and answer.source in ("article", "catalogue"):
        return f"{answer.title}\n{answer.text}"
    return answer.text


def written_questions(answer: Answer) -> list[Logged]:
    """The questions of an answer that a person wrote; those of a logged answer stand among the contexts."""
    if answer.source == "log":
        return []
    return [
        Logged(question, answer.id, language=answer.language, time=answer.last_used) for question in answer.questions
    ]
