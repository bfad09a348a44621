"""Composes one conversation from the phrase books: greeting, questions, asking back, answers and an ending."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from data.samples.noise import lower_first, type_chinese, type_english
from data.samples.people import Customer, Item, draw_slots
from data.samples.phrasebook import Decks, Part, Topic, expand
from data.schema import Role

MOST_MESSAGES = 14
SHORT = {True: 4, False: 11}
"""From this length on, by ``chinese``, what comes before a question may be a message of its own."""

PLAIN_ANSWERS = 2
"""So often a question gets its plain answer before an agent asks back: whatever can be asked can be learned."""


@dataclass(frozen=True)
class Stage:
    """What all conversations of a language share; ``answered`` counts the plain answers by part."""

    language: str
    topics: Sequence[Topic]
    common: Mapping[str, Sequence[str]]
    items: Sequence[Item]
    decks: Decks
    answered: Counter[str] = field(default_factory=Counter)

    def items_of(self, section: str) -> list[str]:
        """Names of the products of a section, in the stage's language."""
        chosen = [item for item in self.items if section in ("any", item.section)]
        return [item.name_zh if self.language == "zh" else item.name for item in chosen]


@dataclass
class Scene:
    """A conversation while it is being written.

    Attributes:
        lines: (role, text, author), oldest first.
    """

    stage: Stage
    rng: random.Random
    customer: Customer
    agents: Sequence[str]
    day: date
    lines: list[tuple[Role, str, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.slots = draw_slots(self.rng, self.stage.language, self.customer, self.agents, self.day)
        self.agent = self.agents[0]
        self.chinese = self.stage.language == "zh"
        self.used: set[str] = set()
        self.heated = False

    def chance(self, share: float) -> bool:
        """True in ``share`` (0..1) of all calls."""
        return self.rng.random() < share

    def fill(self, phrase: str) -> str:
        """See ``phrasebook.expand``."""
        return expand(self.rng, phrase, self.slots)

    def common(self, name: str) -> str:
        """A filled phrase of ``common.txt``."""
        return self.fill(self.stage.decks.draw(f"common.{name}", self.stage.common[name]))

    def customer_says(self, text: str) -> None:
        """Adds a customer's message, typed the way people type."""
        typed = type_chinese(self.rng, text) if self.chinese else type_english(self.rng, text)
        self.lines.append(("customer", typed.rstrip(" ，,"), self.customer.full))

    def agent_says(self, text: str) -> None:
        """Adds the present agent's message."""
        self.lines.append(("agent", text, self.agent))

    def join(self, *texts: str) -> str:
        """Puts sentences together as the language does."""
        if not self.chinese:
            return " ".join(text for text in texts if text)
        joined = ""
        for text in filter(None, texts):
            joined += text if not joined or joined[-1] in "，。？！~ ,?!" else "，" + text
        return joined

    def take(self, part: Part) -> None:
        """Makes ``part`` the one talked about: ``{item}`` is drawn once for all parts with the same items."""
        if self.slots.get("section") != [part.items]:
            self.slots["section"] = [part.items]
            self.slots["item"] = [self.rng.choice(self.stage.items_of(part.items))]
        self.used.add(part.key)

    def question(self, part: Part, kind: str = "?") -> str:
        """A filled question of the part; the same wording comes again only when all have been used."""
        self.take(part)
        return self.fill(self.stage.decks.draw(part.key + kind, part.lines[kind]))

    def ask_first(self, part: Part, beside: Part | None) -> None:
        """Adds the opening message, with what people put around a question."""
        text = self.question(part)
        bare = not any(character.isdigit() for character in text) and self.slots["item"][0] not in text
        before: list[str] = []
        if not self.lines and self.chance(0.42):
            before.append(self.common("greeting"))
        if self.chance(0.14):
            before.append(self.common("opener"))
        elif bare and part.items != "any" and self.chance(0.2):
            before.append(self.common("context"))
        if before and before[-1].endswith((",", ":", "-")):
            text = lower_first(text)
        after = [self.join(self.common("also"), lower_first(self.question(beside)))] if beside else []
        if self.chance(0.13):
            after.append(self.common("tail"))
        if before and len(before[0]) > SHORT[self.chinese] and self.chance(0.15):
            self.customer_says(before.pop(0))
        self.customer_says(self.join(*before, text, *after))
        if self.chance(0.03):
            self.customer_says(self.common("nudge"))

    def answer(self, part: Part) -> str:
        """An answer of the part. Agents have a favourite wording that they paste; others come in between."""
        answers = part.lines["!"]
        self.stage.answered[part.key] += 1
        if self.chance(0.6):
            names = self.agent + part.key
            return self.fill(answers[sum(map(ord, names)) % len(answers)])
        return self.fill(self.stage.decks.draw(part.key + "!", answers))

    def reply(self, part: Part, beside: Part | None = None) -> bool:
        """Adds what the agent does about the question, asking back first where the part has it.

        Returns:
            False if the customer never gave what was asked for.
        """
        lines, personal = part.lines, bool(part.lines[">"])
        known = self.stage.answered[part.key] >= PLAIN_ANSWERS
        asks = known and bool(lines["~"]) and not beside and self.chance(0.6 if personal else 0.35)
        if asks and personal and self.slots["order"][0] in self.lines[-1][1]:
            self.agent_says(self.fill(self.stage.decks.draw(part.key + ">", lines[">"])))
            return True
        if asks:
            self.agent_says(self.fill(self.stage.decks.draw(part.key + "~", lines["~"])))
            if self.chance(0.06):
                return False
            self.customer_says(self.fill(self.stage.decks.draw(part.key + "<", lines["<"])))
            if self.chance(0.2):
                self.agent_says(self.common("moment"))
            if personal:
                self.agent_says(self.fill(self.stage.decks.draw(part.key + ">", lines[">"])))
                return True
        elif self.chance(0.06):
            self.agent_says(self.common("moment"))
        self.agent_says(self.wrapped(self.answer(part)))
        if beside and self.chance(0.8):
            self.agent_says(self.answer(beside))
        elif beside:
            role, text, author = self.lines.pop()
            self.lines.append((role, self.join(text, self.answer(beside)), author))
        return True

    def wrapped(self, text: str) -> str:
        """The answer as it is pasted, or with a word before or after it."""
        if self.chance(0.22):
            text = self.led(text)
        return self.join(text, self.common("closer")) if self.chance(0.16) else text

    def led(self, text: str) -> str:
        """The answer after "Hi Anna," or the like, where that reads well."""
        lead = self.common("lead")
        if self.chinese:
            return lead + text.removeprefix("亲，").removeprefix("您好，")
        if text.startswith(("Yes", "No", "Sure", "Sorry", "I'm")):
            return text
        return f"{lead} {lower_first(text) if lead.endswith(',') else text}"

    def follow_up(self, topic: Topic) -> bool:
        """Adds a further question of the same topic and its answer; False if there is none left."""
        parts = [part for part in topic.parts if part.lines["+"] and part.key not in self.used]
        if not parts:
            return False
        part = self.rng.choice(parts)
        text = self.question(part, "+")
        self.customer_says(self.join(self.common("ack"), text) if self.chance(0.35) else text)
        return self.reply(part)

    def other_topic(self, part: Part) -> bool:
        """Adds a question about something else, and its answer."""
        text = self.join(self.common("more"), lower_first(self.question(part)))
        self.customer_says(text)
        return self.reply(part)

    def small_talk(self) -> None:
        """Adds a line of small talk and the agent's reply."""
        said, back = self.common("smalltalk").split(" => ")
        self.customer_says(said)
        self.agent_says(back)
