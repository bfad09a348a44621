"""Pairs what was said before with what the agent answered: the rows of response ranking, and the answers themselves.

Everything is taken from the turns *before* an agent's message; nothing later in the conversation reaches its context.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data.context import render_context
from data.courtesy import is_small_talk
from data.dedupe import PLACEHOLDER
from data.normalise import detect_language
from data.records import read_rows, write_rows
from data.schema import Answer, Conversation, Example, Split

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
STEADY = 0.5
"""A template whose most frequent wording is rarer than this is filled with a customer's data."""

_SHORT_ENGLISH, _SHORT_CHINESE = 12, 6
_ASKS_DATA = re.compile(
    r"\b(?:what(?:'s| is| was)|may i have|can i (?:have|get|ask)|could i (?:have|get|ask)|could you (?:please )?"
    r"(?:tell|give|send|share|provide|confirm)|can you (?:please )?(?:tell|give|send|share|provide|confirm)|"
    r"please (?:tell|give|send|share|provide|confirm|enter|specify|dm)|i(?:'ll| will)? need|i(?:'d| would) need|"
    r"let me (?:have|know)|dm (?:us|me)|send (?:us|me)|which|when|what)\b[^.!?]{0,60}?"
    r"\b(?:your|you|the) (?:full |order |customer |account |e-?mail |phone |booking |date of |post(?:al)? ?)*"
    r"(?:name|number|address|code|pin|password|id|order|account|e-?mail|phone|birth|details|reference|date|size)\b",
    re.IGNORECASE,
)
_ASKS_DATA_ZH = re.compile(
    r"(?:请|麻烦|方便|能否|能不能|需要您)[^。！]{0,10}(?:提供|告诉|告知|发|说|留|报|给)[^。！]{0,12}"
    r"(?:订单号?|单号|手机号?|电话|姓名|名字|邮箱|地址|账号|尺码|照片|截图)|"
    r"(?:订单号|单号|手机号|电话|姓名|邮箱|地址)(?:是多少|是什么|多少|呢)"
)
_PERSONAL = re.compile(
    r"\b(?:i(?:'ve| have)(?: just| now| already)? (?:checked|looked|opened|sent|cancelled|canceled|changed|refunded|"
    r"forwarded|escalated|created|reset|updated|booked|noted|added|removed|passed|asked|found)|"
    r"i (?:just |now )?(?:checked|opened|sent|cancelled|canceled|changed|forwarded|escalated|created|booked|see that|"
    r"can see)|"
    r"i(?:'m| am) (?:checking|looking|transferring|forwarding|passing|opening|sending)|let me (?:transfer|pass|check|"
    r"look|see|connect|forward)|i(?:'ll| will) "
    r"(?:transfer|pass|check|look|forward|connect|ask|call|escalate|open|send)|"
    r"your (?:order|parcel|package|refund|booking|ride|account|ticket|balance|reservation|appointment) (?:has been|was|"
    r"will be|is (?:now|on its way|ready|confirmed|booked|being|cancelled|complete|scheduled|"
    r"\W?\d))|will (?:take over|call you)|(?:yesterday|today|tomorrow|this (?:morning|afternoon)))\b",
    re.IGNORECASE,
)
_PERSONAL_ZH = re.compile(
    r"(?:我|这边|这里)(?:已经?|刚刚?|马上|这就|来|先)?(?:帮您|给您|为您)(?:查|看|转|联系|登记|申请|提交|取消|修改|反馈|升级|核实|催)|"
    r"您的(?:订单|包裹|快递|退款|账户|工单)(?:已|在|是|目前|现在|正在|预计)|工作日内把.{1,8}发给您|转接|转给|(?:今天|明天|昨天)"
)


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
        given: (conversation, turn) of a message to the id of the answer it is.
        examples: The file to write.
    """

    conversations: Path
    splits: tuple[Split | None, ...]
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
            yield from examples_of(conversation, number, task.given, split)


def examples_of(
    conversation: Conversation, number: int, given: Mapping[tuple[int, int], str], split: Split
) -> Iterator[Example]:
    """Yields the examples of one conversation.

    Args:
        conversation: Redacted, with its language.
        number: Its row in ``given``.
        given: See ``ExampleTask``.
        split: Of the conversation.
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
        )
        history.append(answer)


def make_answers(
    groups: Groups, ids: Sequence[str], topics: Mapping[str, str], train: NDArray[np.bool_]
) -> Iterator[Answer]:
    """Yields the answers with their provenance, the most frequent first.

    Args:
        groups: Of the log.
        ids: (conversations) of all conversations.
        topics: Conversation id to topic id, where known.
        train: (conversations) whether each is in the train split. Questions are taken from it only: an index that
            holds a held-out question would find it by itself and measure nothing.
    """
    for group in groups:
        yield _answer(group, groups.said, ids, topics, train)


def _answer(
    group: AnswerGroup, said: Utterances, ids: Sequence[str], topics: Mapping[str, str], train: NDArray[np.bool_]
) -> Answer:
    import numpy as np

    times = np.nan_to_num(said.time[group.rows], nan=0.0)
    rows = group.rows[np.argsort(-times, kind="stable")]  # newest first
    where = said.conversation[rows]
    asked = (said.questions[int(row)] for row in rows[train[where]])
    why = refusal(group)
    under = Counter(topics[ids[c]] for c in where if ids[c] in topics)
    return Answer(
        id=group.id,
        text=group.text,
        language=group.language,
        support=group.support,
        conversations=tuple(dict.fromkeys(ids[c] for c in where[: 4 * MOST_CONVERSATIONS]))[:MOST_CONVERSATIONS],
        last_used=float(times.max()) or None,
        topics=tuple(topic for topic, _ in under.most_common()),
        questions=_first_different(asked),
        reusable=why is None,
        held_back=why,
        title=group.label,
    )


def _first_different(asked: Iterable[str | None]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for question in asked:
        if question and not is_small_talk(question):
            found[question] = None
            if len(found) == MOST_QUESTIONS:
                break
    return tuple(found)


def refusal(group: AnswerGroup) -> str | None:
    """Why an answer cannot be said to another customer; None when it can.

    Precision counts more than recall here: an answer that is held back costs an agent's minute, one that tells a
    stranger about somebody's parcel costs trust.
    """
    text = group.text
    if PLACEHOLDER.search(text):
        return "holds personal data"
    if group.label and group.steady < STEADY:
        return "a template filled with data"
    if is_small_talk(text):
        return "only courtesies"
    if len(text) < (_SHORT_CHINESE if detect_language(text) == "zh" else _SHORT_ENGLISH):
        return "too short"
    if text.rstrip().endswith(("?", "？")) and len(text) < 120:
        return "a question to the customer"
    if _ASKS_DATA.search(text) or _ASKS_DATA_ZH.search(text):
        return "asks for the customer's data"
    if _PERSONAL.search(text) or _PERSONAL_ZH.search(text):
        return "about one customer's case"
    return None
