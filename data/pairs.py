"""Pairs what was said before with what the agent answered: the rows of response ranking, and the answers themselves.

Everything is taken from the turns *before* an agent's message; nothing later in the conversation reaches its context.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data.context import render_context
from data.courtesy import is_small_talk
from data.normalise import detect_language
from data.records import read_rows, write_rows
from data.reuse import refusal
from data.schema import Answer, Conversation, Example, Split
from data.templates import find_template

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from data.grouping import AnswerGroup, Groups, Utterances


@dataclass(frozen=True)
class Utterance:
    """A message of an agent that may be an answer.

    Attributes:
        turn: Position in its conversation, from 0.
        text: Redacted and normalised.
        label: The log's template, if named.
        language: Of the message.
        time: Unix seconds, or None.
        question: The customer's message before it.
    """

    turn: int
    text: str
    label: str | None
    language: str
    time: float | None = None
    question: str | None = None


MOST_CONVERSATIONS = 20
MOST_QUESTIONS = 5


def agent_utterances(conversation: Conversation) -> Iterator[Utterance]:
    """Yields messages of agents that something of the customer came before, of a complete conversation."""
    if not conversation.complete:
        return
    language = conversation.language or "en"
    question: str | None = None
    for turn, message in enumerate(conversation.messages):
        if message.role == "customer":
            question = message.text
        elif message.role == "agent" and question is not None:
            spoken = detect_language(message.text) or language
            yield Utterance(turn, message.text, message.label, spoken, message.time, question)


@dataclass(frozen=True)
class ExampleTask:
    """A shard whose examples are to be written.

    Attributes:
        conversations: The shard.
        splits: (conversations) split of each, None for one that is in none.
        weights: (conversations) how much each counts (`data.outcome`).
        given: (conversation, turn) of a message to the id of the answer it is.
        examples: The file to write.
    """

    conversations: Path
    splits: tuple[Split | None, ...]
    weights: tuple[float, ...]
    given: Mapping[tuple[int, int], str]
    examples: Path


def example_shard(task: ExampleTask) -> Counter[str]:
    """Writes one row for each answer given, in the order of the conversations; returns how many by split."""
    temporary = task.examples.with_name(f".{task.examples.name}.{os.getpid()}.tmp")
    counts: Counter[str] = Counter()
    write_rows(temporary, _counted(_examples(task), counts))
    os.replace(temporary, task.examples)
    return counts


def _counted(examples: Iterable[Example], counts: Counter[str]) -> Iterator[Example]:
    for example in examples:
        counts[example.split] += 1
        yield example


def _examples(task: ExampleTask) -> Iterator[Example]:
    rows = read_rows(task.conversations, Conversation)
    for number, (conversation, split) in enumerate(zip(rows, task.splits, strict=True)):
        if split is not None:
            yield from examples_of(conversation, number, task.given, split, weight=task.weights[number])


def examples_of(
    conversation: Conversation,
    number: int,
    given: Mapping[tuple[int, int], str],
    split: Split,
    *,
    weight: float = 1.0,
) -> Iterator[Example]:
    """Yields the examples of one conversation.

    Args:
        conversation: Redacted, with its language.
        number: Its row in ``given``.
        given: See ``ExampleTask``.
        split: Of the conversation.
        weight: Of the conversation.
    """
    history: list[str] = []
    turns = [(message.role, message.text) for message in conversation.messages]
    for turn, message in enumerate(conversation.messages):
        answer = given.get((number, turn))
        if answer is None:
            continue
        yield Example(
            conversation=conversation.id,
            turn=turn,
            context=render_context(turns[:turn]),
            answer=answer,
            split=split,
            language=conversation.language or "en",
            history=tuple(history),
            time=message.time,
            weight=weight,
        )
        history.append(answer)


def make_answers(
    groups: Groups,
    ids: Sequence[str],
    topics: Mapping[str, str],
    train: NDArray[np.bool_],
    *,
    listed: bool = False,
    ask: bool = False,
) -> Iterator[Answer]:
    """Yields the answers with their provenance, the most frequent first.

    Args:
        groups: Of the log.
        ids: (conversations) of all conversations.
        topics: Conversation id to topic id, where known.
        train: (conversations) whether each is in the train split. Questions are taken from it only: an index that
            holds a held-out question would find it by itself and measure nothing.
        listed: Whether the log is a list of questions and answers, which were written to be said again.
        ask: Whether what was said once or twice waits for a person; see `data.reuse.refusal`.
    """
    return answers_of(groups, groups, ids, topics, train, listed=listed, ask=ask)


def answers_of(
    chosen: Iterable[AnswerGroup],
    groups: Groups,
    ids: Sequence[str],
    topics: Mapping[str, str],
    train: NDArray[np.bool_],
    *,
    listed: bool = False,
    ask: bool = False,
) -> Iterator[Answer]:
    """Yields some of the answers; see ``make_answers``."""
    import numpy as np

    times = np.nan_to_num(groups.said.time, nan=0.0)
    for group in chosen:
        yield _answer(group, groups.said, times, ids, topics, train, refusal(group, listed=listed, ask=ask))


def _answer(
    group: AnswerGroup,
    said: Utterances,
    times: NDArray[np.float64],
    ids: Sequence[str],
    topics: Mapping[str, str],
    train: NDArray[np.bool_],
    why: str | None,
) -> Answer:
    import numpy as np

    rows = group.rows
    if len(rows) > 1:
        rows = rows[np.argsort(-times[rows], kind="stable")]  # newest first
    inside = said.conversation[rows]
    where = inside.tolist()
    asked = (said.questions[row] for row in rows[train[inside]].tolist())
    under = Counter(map(topics.get, map(ids.__getitem__, where)))  # an answer may have been given 10,000 times
    under.pop(None, None)
    varies = len(group.wordings) > 1 or "<" in group.text
    template = find_template(dict(group.wordings)) if why and varies else None
    return Answer(
        id=group.id,
        text=group.text,
        language=group.language,
        support=group.support,
        conversations=tuple(dict.fromkeys(ids[c] for c in where[: 4 * MOST_CONVERSATIONS]))[:MOST_CONVERSATIONS],
        last_used=float(times[rows[0]]) or None,
        topics=tuple(topic for topic, _ in under.most_common() if topic),
        questions=_first_different(asked),
        reusable=why is None,
        held_back=why,
        title=group.label,
        template=template.text if template else None,
        slots=template.slots if template else (),
    )


def _first_different(asked: Iterable[str | None]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for question in asked:
        if question and not is_small_talk(question):
            found[question] = None
            if len(found) == MOST_QUESTIONS:
                break
    return tuple(found)
