"""Pairs what was said before with what the agent answered: the rows of response ranking, and the answers themselves.

Everything is taken from the turns *before* an agent's message; nothing later in the conversation reaches its context.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from data.context import render_context
from data.courtesy import is_small_talk, strip_courtesies
from data.dedupe import PLACEHOLDER, Group, Utterance
from data.normalise import detect_language
from data.outcome import outcome_weight
from data.reuse import STEADY, refusal
from data.schema import Answer, Conversation, Example, Split
from data.templates import Template, find_template

CATALOGUE = 0.5
"""Where at least this share of the agents' messages names its template, the templates are the log's own catalogue of
answers, and only they are ranked; what agents typed themselves still becomes an answer that can be found."""

MOST_CONVERSATIONS = 20
MOST_QUESTIONS = 5


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
    weight = outcome_weight(conversation)
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
            weight=weight,
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
        reusable = refusal(group) is None
        template = None if reusable else template_of(group)
        yield Answer(
            id=group.id,
            text=group.text,
            language=group.language,
            support=len(members),
            conversations=tuple(dict.fromkeys(u.conversation for u in members))[:MOST_CONVERSATIONS],
            last_used=max(times, default=None),
            topics=tuple(topic for topic, _ in under.most_common()),
            questions=tuple(dict.fromkeys(q for q in asked if q and not is_small_talk(q)))[:MOST_QUESTIONS],
            reusable=reusable,
            title=group.label,
            template=template.text if template else None,
            slots=template.slots if template else (),
        )


def template_of(group: Group) -> Template | None:
    """The template behind an answer that is not said as it stands: an agent may fill it in."""
    if group.steady >= STEADY and not PLACEHOLDER.search(group.text):
        return None  # one wording without holes: there is nothing to fill
    if is_small_talk(group.text):
        return None
    return find_template(Counter(strip_courtesies(member.text) for member in group.members))


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
