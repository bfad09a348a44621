"""Pairs what was said before with what the agent answered: the rows of response ranking, and the answers themselves.

Everything is taken from the turns *before* an agent's message; nothing later in the conversation reaches its context.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from data.context import render_context
from data.courtesy import is_small_talk
from data.dedupe import PLACEHOLDER, Group, Utterance
from data.normalise import detect_language
from data.schema import Answer, Conversation, Example, Split

CATALOGUE = 0.5
"""Where at least this share of the agents' messages names its template, the templates are the log's own catalogue of
answers, and only they are ranked; what agents typed themselves still becomes an answer that can be found."""

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


def agent_utterances(conversations: Iterable[Conversation]) -> list[Utterance]:
    """Messages of agents that something of the customer came before, in complete conversations."""
    found = []
    for conversation in conversations:
        if not conversation.complete:
            continue
        language = conversation.language or "en"
        asked = False
        for turn, message in enumerate(conversation.messages):
            asked = asked or message.role == "customer"
            if message.role == "agent" and asked:
                spoken = detect_language(message.text) or language
                found.append(Utterance(conversation.id, turn, message.text, message.label, spoken, message.time))
    return found


def make_examples(
    conversations: Iterable[Conversation], groups: Sequence[Group], splits: Mapping[str, Split]
) -> Iterator[Example]:
    """Yields one row for each answer given, in the order of the conversations.

    Args:
        conversations: Redacted, with their language.
        groups: The answers.
        splits: Conversation id to split; conversations that are not in it are left out.
    """
    only_labelled = has_catalogue(groups)
    given = {
        (member.conversation, member.turn): group.id
        for group in groups
        if group.label or not only_labelled
        for member in group.members
    }
    for conversation in conversations:
        if conversation.id in splits:
            yield from _examples_of(conversation, given, splits[conversation.id])


def _examples_of(conversation: Conversation, given: Mapping[tuple[str, int], str], split: Split) -> Iterator[Example]:
    history: list[str] = []
    turns = [(message.role, message.text) for message in conversation.messages]
    for turn, message in enumerate(conversation.messages):
        answer = given.get((conversation.id, turn))
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


def has_catalogue(groups: Sequence[Group]) -> bool:
    """True when the log names the templates of most agent messages."""
    total = sum(len(group.members) for group in groups)
    return sum(len(group.members) for group in groups if group.label) >= CATALOGUE * max(1, total)


def make_answers(
    conversations: Iterable[Conversation],
    groups: Sequence[Group],
    topics: Mapping[str, str],
    splits: Mapping[str, Split],
) -> Iterator[Answer]:
    """Yields the answers with their provenance, the most frequent first.

    Args:
        conversations: Redacted.
        groups: The answers.
        topics: Conversation id to topic id, where known.
        splits: Conversation id to split. Questions are taken from the train split only: an index that holds a
            held-out question would find it by itself and measure nothing.
    """
    questions = _questions(c for c in conversations if splits.get(c.id) == "train")
    for group in groups:
        members = sorted(group.members, key=lambda u: -(u.time or 0.0))
        asked = (questions.get((u.conversation, u.turn), "") for u in members)
        under = Counter(topics[u.conversation] for u in members if u.conversation in topics)
        times = [u.time for u in members if u.time is not None]
        yield Answer(
            id=group.id,
            text=group.text,
            language=group.language,
            support=len(members),
            conversations=tuple(dict.fromkeys(u.conversation for u in members))[:MOST_CONVERSATIONS],
            last_used=max(times, default=None),
            topics=tuple(topic for topic, _ in under.most_common()),
            questions=tuple(dict.fromkeys(q for q in asked if q and not is_small_talk(q)))[:MOST_QUESTIONS],
            reusable=refusal(group) is None,
            title=group.label,
        )


def _questions(conversations: Iterable[Conversation]) -> dict[tuple[str, int], str]:
    """(conversation, turn of an agent's message) to the customer's message before it."""
    found: dict[tuple[str, int], str] = {}
    for conversation in conversations:
        last = ""
        for turn, message in enumerate(conversation.messages):
            if message.role == "customer":
                last = message.text
            elif message.role == "agent" and last:
                found[conversation.id, turn] = last
    return found


def refusal(group: Group) -> str | None:
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
