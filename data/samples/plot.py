"""How a whole conversation goes: which questions in which order, how it ends, and when each message was written."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from data.samples.people import AGENTS, draw_customer
from data.samples.phrasebook import Part, Topic
from data.samples.scene import MOST_MESSAGES, Scene, Stage
from data.schema import Conversation, Message

FIRST_DAY = datetime(2025, 11, 17)
DAYS = 370
ZONES = {"en": timezone(timedelta(hours=1)), "zh": timezone(timedelta(hours=8))}
HOURS = {"en": ((9, 18), (10, 16)), "zh": ((9, 21), (10, 18))}
"""Service hours on weekdays and on Saturdays, by language."""

ENDINGS = (("resolved", 0.8), ("escalated", 0.09), ("abandoned", 0.09), (None, 0.02))

FURTHER_QUESTIONS = (0, 0, 0, 1, 1, 1, 1, 2, 2, 3)


@dataclass(frozen=True)
class Opening:
    """What a conversation is begun with."""

    topic: Topic
    part: Part


def deal_openings(rng: random.Random, topics: Sequence[Topic], count: int) -> list[Opening]:
    """Shares ``count`` conversations among all parts by their wordings, so that most come to be used; shuffled."""
    weighted = [
        (Opening(topic, part), len(part.lines["?"]) * (4 + topic.weight)) for topic in topics for part in topic.parts
    ]
    total = sum(weight for _, weight in weighted)
    openings: list[Opening] = []
    owed = 0.0
    for opening, weight in weighted:
        owed += count * weight / total
        while len(openings) < round(owed):
            openings.append(opening)
    rng.shuffle(openings)
    return openings


def play(rng: random.Random, stage: Stage, opening: Opening, name: str) -> Conversation:
    """Writes one conversation.

    Args:
        rng: Of this log.
        stage: Of the language.
        opening: The first question.
        name: The conversation's id.
    """
    begin = _begin(rng, stage.language)
    agents = rng.sample(AGENTS[stage.language], 2)
    scene = Scene(stage, rng, draw_customer(rng, stage.language), agents, begin.date())
    ending = rng.choices([e for e, _ in ENDINGS], [share for _, share in ENDINGS])[0]
    complete = not (ending is None and rng.random() < 0.6)
    answered = _talk(scene, stage, opening, ending)
    if not answered:
        ending = "abandoned"
    _END[ending](scene)
    lines = scene.lines[:MOST_MESSAGES]
    times = _times(rng, begin, len(lines))
    messages = tuple(
        Message(role, text, time=float(time), author=author)
        for (role, text, author), time in zip(lines, times, strict=True)
    )
    tagged = opening.topic.name if rng.random() < 0.6 else None
    return Conversation(name, messages, language=stage.language, topic=tagged, ending=ending, complete=complete)


def _talk(scene: Scene, stage: Stage, opening: Opening, ending: str | None) -> bool:
    """The questions and their answers; False when the customer fell silent."""
    scene.heated = opening.topic.heated
    scene.take(opening.part)
    if scene.chance(0.1):
        scene.customer_says(scene.common("hello"))
        scene.agent_says(scene.common("welcome"))
    beside = _beside(scene, stage, opening) if scene.chance(0.07) else None
    scene.ask_first(opening.part, beside)
    if not scene.reply(opening.part, beside):
        return False
    for _ in range(scene.rng.choice(FURTHER_QUESTIONS) if ending == "resolved" else scene.rng.choice((0, 0, 1))):
        if not scene.follow_up(opening.topic):
            break
    if scene.chance(0.06):
        scene.small_talk()
    if ending == "resolved" and scene.chance(0.1) and len(scene.lines) < 10:
        other = scene.rng.choice(stage.topics)
        scene.other_topic(_plain(scene, other.parts) or opening.part)
    return True


def _beside(scene: Scene, stage: Stage, opening: Opening) -> Part | None:
    """A second question for the same message: half the time of the same topic."""
    topic = opening.topic if scene.chance(0.5) else scene.rng.choice(stage.topics)
    return _plain(scene, [part for part in topic.parts if part is not opening.part])


def _plain(scene: Scene, parts: Sequence[Part]) -> Part | None:
    chosen = [part for part in parts if part.key not in scene.used]
    return scene.rng.choice(chosen) if chosen else None


def _resolve(scene: Scene) -> None:
    if scene.chance(0.78):
        scene.customer_says(scene.common("thanks"))
        if scene.chance(0.52):
            scene.agent_says(scene.common("bye"))


def _escalate(scene: Scene) -> None:
    heated = scene.heated
    scene.customer_says(scene.common("unhappy" if heated else "dig"))
    scene.agent_says(scene.common("escalate" if heated else "specialist"))
    if scene.chance(0.6):
        scene.customer_says(scene.common("contact"))
    if scene.chance(0.6):
        scene.lines.append(("system", scene.common("transfer"), None))
        if scene.chance(0.75):
            scene.agent = scene.agents[1]
            scene.agent_says(scene.common("takeover"))
            if scene.chance(0.4):
                scene.customer_says(scene.common("thanks"))


def _abandon(scene: Scene) -> None:
    if scene.chance(0.55):
        scene.agent_says(scene.common("still_there"))
        if scene.chance(0.6):
            scene.agent_says(scene.common("timeout"))


def _break_off(scene: Scene) -> None:
    agents = [role for role, _, _ in scene.lines].count("agent")
    if agents > 1 and scene.lines[-1][0] == "agent":
        scene.lines.pop()


_END = {"resolved": _resolve, "escalated": _escalate, "abandoned": _abandon, None: _break_off}


def _begin(rng: random.Random, language: str) -> datetime:
    """When somebody writes: within service hours, on Saturdays less often."""
    while True:
        day = FIRST_DAY + timedelta(days=rng.randrange(DAYS))
        if day.weekday() < 6 and (day.weekday() < 5 or rng.random() < 0.6):
            break
    opens, closes = HOURS[language][day.weekday() == 5]
    return day.replace(tzinfo=ZONES[language]) + timedelta(seconds=rng.randrange(opens * 3600, closes * 3600 - 2700))


def _times(rng: random.Random, begin: datetime, count: int) -> list[int]:
    """Unix seconds of ``count`` messages with pauses as in a chat."""
    moment = int(begin.timestamp())
    times = [moment]
    for _ in range(count - 1):
        moment += int(min(900, 12 + rng.lognormvariate(3.9, 0.7)))
        times.append(moment)
    return times
