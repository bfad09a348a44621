"""Why a message was understood as it was: words, nearest logged examples, thresholds, in English and Chinese.

``explain_message`` is what ``careline model explain`` prints and what the console may ask for. It runs the served model
only: no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from data.schema import Role
from retrieval.head import LinearHead
from retrieval.index import message_of
from retrieval.match import Match, Query
from retrieval.occlusion import Word, intent_score, occlude
from retrieval.search import Intent, Outcome, Searcher, SearchResult, Thresholds

NEAREST = 5
_LONGEST = 160


@dataclass(frozen=True)
class Neighbour:
    """A logged example that is near.

    Attributes:
        text: What was asked, redacted, at most 160 characters.
        similarity: Cosine with the message, -1..1.
        intent: That it was labelled with, or empty.
        answer: Id of the answer that it got (the first one found), or empty.
        says: The beginning of that answer, else empty.
        count: How often it was logged with this outcome.
    """

    text: str
    similarity: float
    intent: str = ""
    answer: str = ""
    says: str = ""
    count: int = 1


@dataclass(frozen=True)
class Explanation:
    """Why a message got what it got.

    Attributes:
        text: The message.
        language: Of it.
        intent: What it was taken for, or None.
        second: The next most probable intent, or None.
        known: Probability 0..1 that it is in scope.
        outcome: Whether the bot answers, offers or gives up.
        best: Probability of the best answer; 0 for none.
        thresholds: That led from these to the outcome.
        words: With what they did for the intent; empty without an intent head.
        answer_words: With what they did for the best answer; empty unless asked for.
        nearest: Logged examples, the nearest first.
        reasons: Language (``en``, ``zh``) to sentences for people.
        model: Key of the model.
    """

    text: str
    language: str
    intent: Intent | None
    second: Intent | None
    known: float
    outcome: Outcome
    best: float
    thresholds: Thresholds
    words: tuple[Word, ...]
    answer_words: tuple[Word, ...]
    nearest: tuple[Neighbour, ...]
    reasons: dict[str, tuple[str, ...]]
    model: str = ""

    def to_json(self) -> dict[str, Any]:
        """What the console gets."""
        return {
            "text": self.text,
            "language": self.language,
            "intent": asdict(self.intent) if self.intent else None,
            "second": asdict(self.second) if self.second else None,
            "known": round(self.known, 4),
            "outcome": self.outcome,
            "best": round(self.best, 4),
            "thresholds": asdict(self.thresholds),
            "words": [word.to_json() for word in self.words],
            "answer_words": [word.to_json() for word in self.answer_words],
            "nearest": [asdict(row) for row in self.nearest],
            "reasons": {language: list(lines) for language, lines in self.reasons.items()},
            "model": self.model,
        }


def explain_message(
    searcher: Searcher, text: str, *, turns: Sequence[tuple[Role, str]] = (), answers: bool = False
) -> Explanation:
    """Explains what the served model makes of a message; about 3 ms a word, with ``answers`` about 10 ms a word.

    Args:
        searcher: The model and the index that serve.
        text: The message.
        turns: (role, text) of the conversation before it, oldest first.
        answers: Whether to weigh the words for the best answer, too.
    """
    plain = " ".join(text.split())
    result = searcher.search(text, turns=turns, k=3)
    head = searcher.matcher.intent_head
    second: Intent | None = None
    words: tuple[Word, ...] = ()
    if result.intent is not None and head is not None:
        second = _second(head, searcher, plain)
        words = occlude(plain, intent_score(head, searcher.encoder, result.intent.label))
    found = occlude(plain, _answer_score(searcher, result, turns)) if answers and result.hits else ()
    best = result.hits[0].probability if result.hits else 0.0
    nearest = nearest_examples(searcher, plain)
    return Explanation(
        text=plain,
        language=result.language,
        intent=result.intent,
        second=second,
        known=result.known,
        outcome=result.outcome,
        best=best,
        thresholds=searcher.thresholds,
        words=words,
        answer_words=found,
        nearest=nearest,
        reasons=reasons_of(result, searcher.thresholds, second, words, nearest),
        model=result.model,
    )


def nearest_examples(searcher: Searcher, text: str, *, most: int = NEAREST) -> tuple[Neighbour, ...]:
    """The logged contexts and examples of intents whose vectors are nearest to a message's."""
    if not any(character.isalnum() for character in text):
        return ()
    index = searcher.index
    similar, rows = index.dense_logged.search(searcher.encoder.encode([text]), 3 * most)
    found: dict[str, Neighbour] = {}
    for cosine, row in zip(similar[0], rows[0], strict=True):
        if row < 0:
            continue
        logged = index.logged[int(row)]
        asked = message_of(logged.text)
        at = index.row_of.get(logged.answer)
        says = index.answers[at].text[:_LONGEST] if at is not None else ""
        one = Neighbour(asked[:_LONGEST], round(float(cosine), 4), logged.intent, logged.answer, says, logged.count)
        before = found.get(one.text, one)  # the same question, logged once with its intent and once with its answer
        intent = before.intent or one.intent
        found[one.text] = replace(before, intent=intent, answer=before.answer or one.answer, says=before.says or says)
    return tuple(found.values())[:most]


def _second(head: LinearHead, searcher: Searcher, text: str) -> Intent | None:
    shares = head.probabilities(searcher.encoder.encode([text]), [text])[0]
    if len(shares) < 2:
        return None
    at = int(np.argsort(-shares)[1])
    return Intent(head.labels[at], head.kinds[at] if head.kinds else "topic", float(shares[at]))


def _answer_score(
    searcher: Searcher, result: SearchResult, turns: Sequence[tuple[Role, str]]
) -> Any:  # fmt: skip
    """How probable the best answer is; 0 where it is no candidate any more."""
    row = searcher.index.row_of[result.hits[0].id]

    def score(texts: Sequence[str]) -> list[float]:
        return [_probability(searcher, text, turns, result.language, row) for text in texts]

    return score


def _probability(
    searcher: Searcher, text: str, turns: Sequence[tuple[Role, str]], language: str, row: int
) -> float:  # fmt: skip
    match: Match = next(searcher.matcher.match([Query.of(text, turns=turns, language=language)]))
    place = np.flatnonzero(match.rows == row)
    return float(searcher.ranker.probabilities(match.features)[place[0]]) if len(place) else 0.0


def reasons_of(
    result: SearchResult,
    thresholds: Thresholds,
    second: Intent | None,
    words: Sequence[Word],
    nearest: Sequence[Neighbour],
) -> dict[str, tuple[str, ...]]:
    """The decision in plain words.

    Args:
        result: Of the message.
        thresholds: Of the model.
        second: The runner-up.
        words: With their weights.
        nearest: Logged examples.

    Returns:
        Sentences by language, in the order in which the model decides.
    """
    best = result.hits[0].probability if result.hits else 0.0
    told = [word.text for word in sorted(words, key=lambda word: -word.weight)[:3] if word.weight > 0.01]
    facts = _Facts(result, thresholds, second, best, told, nearest[0] if nearest else None)
    return {"en": tuple(facts.english()), "zh": tuple(facts.chinese())}


@dataclass(frozen=True)
class _Facts:
    """What the sentences speak of."""

    result: SearchResult
    thresholds: Thresholds
    second: Intent | None
    best: float
    words: list[str]
    nearest: Neighbour | None

    def english(self) -> list[str]:
        result, at, intent = self.result, self.thresholds, self.result.intent
        lines = []
        if intent is not None:
            next_best = f"; next would be “{self.second.label}” ({self.second.confidence:.0%})" if self.second else ""
            lines.append(f"Taken for “{intent.label}” with {intent.confidence:.0%} confidence{next_best}.")
        if self.words:
            lines.append(f"Mainly because of: {', '.join(self.words)}.")
        if self.nearest:
            lines.append(
                f"The nearest logged message is “{self.nearest.text}” (similarity {self.nearest.similarity:.2f})."
            )
        lines.append(_SCOPE_EN[result.known >= at.known].format(known=result.known, limit=at.known))
        if result.known >= at.known:
            sure, unsure = f"{at.sure:.0%}", f"{at.unsure:.0%}"
            chance = f"The best answer is right with probability {self.best:.0%}"
            lines.append(f"{chance}; it is said from {sure} and offered from {unsure}.")
        if intent is not None and self.has_flow:
            return [*lines, f"But “{intent.label}” is an intent of the dialogue, whose own flow comes before answers."]
        return [*lines, _OUTCOME_EN[result.outcome]]

    def chinese(self) -> list[str]:
        result, at, intent = self.result, self.thresholds, self.result.intent
        lines = []
        if intent is not None:
            next_best = f"；其次是“{self.second.label}”（{self.second.confidence:.0%}）" if self.second else ""
            lines.append(f"理解为“{intent.label}”，置信度{intent.confidence:.0%}{next_best}。")
        if self.words:
            lines.append(f"主要依据的词：{'、'.join(self.words)}。")
        if self.nearest:
            lines.append(f"最相近的历史提问是“{self.nearest.text}”（相似度{self.nearest.similarity:.2f}）。")
        lines.append(_SCOPE_ZH[result.known >= at.known].format(known=result.known, limit=at.known))
        if result.known >= at.known:
            lines.append(
                f"最佳答案正确的概率为{self.best:.0%}；达到{at.sure:.0%}才直接回答，达到{at.unsure:.0%}才列为选项。"
            )
        if intent is not None and self.has_flow:
            return [*lines, f"但“{intent.label}”是对话自带的意图，优先走它自己的流程。"]
        return [*lines, _OUTCOME_ZH[result.outcome]]

    @property
    def has_flow(self) -> bool:
        """Whether the message is in scope and of an intent that the dialogue itself has."""
        intent = self.result.intent
        return intent is not None and intent.kind == "static" and self.result.known >= self.thresholds.known


_SCOPE_EN = {
    True: "It is in scope with probability {known:.0%}, and {limit:.0%} are needed.",
    False: "It is in scope with probability {known:.0%} only, and {limit:.0%} are needed: it counts as out of scope.",
}
_SCOPE_ZH = {
    True: "属于业务范围的概率为{known:.0%}，门槛为{limit:.0%}，通过。",
    False: "属于业务范围的概率只有{known:.0%}，低于门槛{limit:.0%}，视为超出范围。",
}
_OUTCOME_EN: dict[Outcome, str] = {
    "sure": "So the bot gives the best answer.",
    "unsure": "So the bot offers the best three answers to choose from.",
    "lost": "So the bot gives no answer of its own: it asks for other words, then hands over to a person.",
}
_OUTCOME_ZH: dict[Outcome, str] = {
    "sure": "因此机器人直接给出最佳答案。",
    "unsure": "因此机器人列出最可能的三个答案供选择。",
    "lost": "因此机器人不作答：先请客户换个说法，仍不明白就转人工。",
}
