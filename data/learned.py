"""Puts what agents corrected into the training rows: the right intent, the right answer, new answers.

The corrections name a reply; what the customer asked and what was said before stand in the conversation. So nothing is
learned from a conversation that is no longer in the dataset.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from data.context import render_context
from data.corrections import PRIVATE, Key, Merged, Ruling
from data.courtesy import is_small_talk, strip_courtesies
from data.dedupe import PLACEHOLDER, answer_key
from data.schema import Answer, Conversation, Example, IntentExample, Split

MOST_QUESTIONS = 5


@dataclass(frozen=True)
class Moment:
    """Where a corrected reply stands.

    Attributes:
        key: Conversation and sequence number.
        turn: Position of the reply in the conversation, from 0.
        question: The customer's last message before it, without courtesies; empty where there is none.
        context: What the encoder reads there.
        language: Of the conversation.
        split: Of the conversation; None where it is in none and teaches nothing.
    """

    key: Key
    turn: int
    question: str
    context: str
    language: str
    split: Split | None


@dataclass
class Lessons:
    """What the rulings come to; small, whatever the size of the dataset.

    Attributes:
        intents: (language, key of a question) to the right intent, with the question and its split.
        replies: (conversation, turn) to the right answer's id.
        moments: By conversation and turn, those of ``replies``.
        answers: New answers, and existing ones with what was added, by id.
        disagreeing: Questions in the same words that were corrected to different intents; the newest counts.
        counts: ``gone`` (conversation not in the dataset), ``private``, ``unknown_answer``, ``repeats_an_answer``,
            ``new_answers``, ``intents``, ``replies``.
    """

    intents: dict[tuple[str, str], IntentExample] = field(default_factory=dict)
    replies: dict[tuple[str, int], str] = field(default_factory=dict)
    moments: dict[tuple[str, int], Moment] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    disagreeing: list[tuple[str, str, str]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def find_moments(conversation: Conversation, merged: Merged, splits: Mapping[str, Split]) -> list[Moment]:
    """Finds where the corrected replies of one conversation stand; pure.

    A message of our own log carries its sequence number; in other logs the first message has the number 1.
    """
    found = []
    turns = [(m.role, m.text) for m in conversation.messages]
    for turn, message in enumerate(conversation.messages):
        key = conversation.id, turn + 1 if message.seq is None else message.seq
        if key not in merged.rulings or message.role == "customer":
            continue
        asked = [text for role, text in turns[:turn] if role == "customer" and not is_small_talk(text)]
        found.append(
            Moment(
                key,
                turn,
                strip_courtesies(asked[-1]) if asked else "",
                render_context(turns[:turn]),
                conversation.language or "en",
                splits.get(conversation.id),
            )
        )
    return found


def draw_lessons(
    merged: Merged, moments: Iterable[Moment], answers: Iterable[Answer], static: Container[str]
) -> Lessons:
    """Turns rulings into lessons.

    Args:
        merged: From `data.corrections.merge`.
        moments: From `find_moments`, of all conversations.
        answers: Those of the dataset.
        static: Intents of the domain; others are topics.
    """
    lessons = Lessons()
    known = {answer.id: answer for answer in answers}
    by_words = {(answer.language, answer_key(answer.text)): answer.id for answer in known.values()}
    places = {moment.key: moment for moment in moments}
    lessons.counts["gone"] = sum(key not in places for key in merged.rulings)
    for moment in sorted(places.values(), key=lambda m: (merged.rulings[m.key].time, m.key)):  # the newest last
        ruling = merged.rulings[moment.key]
        if PRIVATE in ruling.tags:
            lessons.counts["private"] += 1
            continue
        if ruling.intent is not None:
            _learn_intent(lessons, ruling.intent, moment, static)
        if ruling.text is not None or ruling.answer is not None:
            _learn_reply(lessons, ruling, moment, known, by_words)
    return lessons


def _learn_intent(lessons: Lessons, intent: str, moment: Moment, static: Container[str]) -> None:
    if not moment.question or moment.split is None:
        return
    key = moment.language, answer_key(moment.question)
    before = lessons.intents.get(key)
    if before and before.intent != intent:
        lessons.disagreeing.append((moment.question, before.intent, intent))
    kind = "static" if intent in static else "topic"
    lessons.intents[key] = IntentExample(moment.question, intent, kind, moment.split, moment.language)  # type: ignore[arg-type]
    lessons.counts["intents"] += 1


def _learn_reply(
    lessons: Lessons,
    ruling: Ruling,
    moment: Moment,
    known: Mapping[str, Answer],
    by_words: dict[tuple[str, str], str],
) -> None:
    if ruling.text is None or not ruling.text.strip():
        name = ruling.answer or ""
        if name not in known:
            lessons.counts["unknown_answer"] += 1
            return
    else:
        words = moment.language, answer_key(strip_courtesies(ruling.text))
        lessons.counts["repeats_an_answer"] += words in by_words
        name = by_words.setdefault(words, _answer_id(*words))
    answer = lessons.answers.get(name) or known.get(name)
    if answer is None:
        lessons.counts["new_answers"] += 1
        answer = _new_answer(name, ruling, moment, known)
    lessons.answers[name] = _given_again(answer, ruling, moment)
    lessons.counts["replies"] += 1
    lessons.replies[moment.key[0], moment.turn] = name
    lessons.moments[moment.key[0], moment.turn] = moment


def _answer_id(language: str, key: str) -> str:
    """The same id that the log's own answers get (`data.dedupe`), so that a text is one answer wherever it is from."""
    return hashlib.sha256(f"{language}\n{key}".encode()).hexdigest()[:12]


def _new_answer(name: str, ruling: Ruling, moment: Moment, known: Mapping[str, Answer]) -> Answer:
    """An answer that an agent wrote; an edited one keeps the topics of the one it was made from."""
    text = strip_courtesies(" ".join((ruling.text or "").split()))
    personal = bool(PLACEHOLDER.search(text))
    edited = known.get(ruling.answer or "")
    return Answer(
        name,
        text,
        moment.language,
        support=0,
        topics=(ruling.intent,) if ruling.intent else edited.topics if edited else (),
        reusable=not personal,
        held_back="holds personal data" if personal else None,
        source="curated",
    )


def _given_again(answer: Answer, ruling: Ruling, moment: Moment) -> Answer:
    """Adds one use. Held-out questions are not added: an index that holds them finds them by themselves."""
    question = (moment.question,) if moment.question and moment.split == "train" else ()
    return replace(
        answer,
        support=answer.support + 1,
        conversations=tuple(dict.fromkeys((moment.key[0], *answer.conversations)))[:20],
        last_used=max(ruling.time, answer.last_used or 0.0),
        questions=tuple(dict.fromkeys((*question, *answer.questions)))[:MOST_QUESTIONS],
    )


def correct_examples(rows: Iterable[Example], lessons: Lessons) -> Iterator[Example]:
    """Streams examples with the right answers; replies that were no example become one, at the end.

    Args:
        rows: All, or a shard: then only those of the shard's conversations may be in ``lessons.replies``.
        lessons: From `draw_lessons`.
    """
    left = dict(lessons.replies)
    for row in rows:
        right = left.pop((row.conversation, row.turn), None)
        yield row if right is None or right == row.answer else replace(row, answer=right)
    for place, answer in left.items():
        moment = lessons.moments[place]
        if moment.split is not None and moment.context:
            yield Example(*place, moment.context, answer, moment.split, moment.language)


def correct_intents(rows: Iterable[IntentExample], lessons: Lessons) -> Iterator[IntentExample]:
    """Streams intent examples: a label in the words of a corrected question is replaced, else the question is added."""
    left = dict(lessons.intents)
    for row in rows:
        key = row.language, answer_key(row.text)
        right = lessons.intents.get(key)
        left.pop(key, None)
        yield row if right is None else replace(row, intent=right.intent, kind=right.kind)
    yield from left.values()


def correct_answers(rows: Iterable[Answer], lessons: Lessons) -> Iterator[Answer]:
    """Streams answers with what was added to them, then the new ones."""
    left = dict(lessons.answers)
    for row in rows:
        yield left.pop(row.id, row)
    yield from left.values()
