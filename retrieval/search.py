"""The one door: a question goes in, ranked answers come out with their reasons."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from data.artifacts import IndexLayout, ModelLayout, load_manifest
from data.errors import InputError
from data.schema import Answer, Role
from retrieval.alike import Alike, Choice
from retrieval.bridge import Bridge
from retrieval.encoder import Encoder, OnnxEncoder
from retrieval.filters import Where
from retrieval.follow_up import blend, joined
from retrieval.head import LinearHead
from retrieval.index import NO_ROW, Index
from retrieval.lexical import words_of
from retrieval.match import Match, Matcher, Query
from retrieval.mood import Mood, MoodHead
from retrieval.prefer import is_meant, preferred
from retrieval.rank import FEATURES, Ranker
from retrieval.scope import LEAST_SPELLED, spelled_share
from retrieval.stores import in_store

Outcome = Literal["sure", "unsure", "lost"]

_REASONS = 5
"""So many matched words are named as a reason."""


@dataclass(frozen=True)
class Thresholds:
    """``thresholds.json`` of a model: when to answer, when to offer, when to give up.

    Attributes:
        sure: Least probability of the best answer for saying it.
        unsure: Least probability for offering it as one of three.
        known: Least probability that the message is in scope at all.
    """

    sure: float = 0.6
    unsure: float = 0.15
    known: float = 0.5

    @classmethod
    def load(cls, path: Path) -> Thresholds:
        """Reads the file; the defaults when there is none. Further keys are notes of calibration and are ignored.

        Raises:
            InputError: The file is broken, or a threshold is no probability.
        """
        if not path.is_file():
            return cls()
        try:
            row = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(row, dict):
                raise ValueError(f"a {type(row).__name__}")
            made = cls(**{f.name: float(row[f.name]) for f in fields(cls) if f.name in row})
            if not all(0 <= getattr(made, f.name) <= 1 for f in fields(cls)):
                raise ValueError(f"{made} outside 0..1")
        except (OSError, ValueError, TypeError) as error:
            raise InputError(
                str(path), got=str(error), expected="three probabilities", next_step="Run `careline learn` again."
            ) from error
        return made

    def outcome(self, *, known: float, best: float) -> Outcome:
        """What to do.

        Args:
            known: Probability that the message is in scope.
            best: Probability of the best answer; 0 for none.
        """
        if known < self.known or best < self.unsure:
            return "lost"
        return "sure" if best >= self.sure else "unsure"


@dataclass(frozen=True)
class Scope:
    """How probably a message is about what was ever asked here: a logistic of nearness, words and spelling.

    Nearness to what was logged separates better than a classifier's own confidence, which is high for gibberish too;
    examples of what is out of scope count against it. Where the encoder cannot read a text, its words stand in. The
    weights are rounded from a logistic regression of held-out questions of the sample log against questions about the
    world at large and random letters: AUROC .987 and .998 on the rows it was fitted to.
    """

    similarity: float = 6.0
    stray: float = -4.0
    lexical: float = 1.6
    stray_lexical: float = -1.7
    known_words: float = 3.3
    doubt: float = -5.0
    bias: float = -3.4

    def probability(self, match: Match) -> float:
        """0..1 for a match."""
        weights = [getattr(self, name) for name in SCOPE_EVIDENCE]
        score = self.bias + sum(weight * value for weight, value in zip(weights, scope_evidence(match), strict=True))
        return 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, score))))


SCOPE_EVIDENCE = ("similarity", "stray", "lexical", "stray_lexical", "known_words", "doubt")


def scope_evidence(match: Match) -> tuple[float, ...]:
    """What ``Scope`` weighs, in the order of ``SCOPE_EVIDENCE``."""
    lexical, stray_lexical = min(1.0, match.lexical), min(1.0, match.stray_lexical)
    unread = 1.0 - match.coverage
    return (
        match.similarity + unread * lexical,
        match.stray + unread * stray_lexical,
        lexical,
        stray_lexical,
        match.known_words,
        match.doubt,
    )


@dataclass(frozen=True)
class Intent:
    """What the customer wants.

    Attributes:
        label: A static intent or a topic.
        kind: ``static`` or ``topic``.
        confidence: Calibrated probability 0..1.
    """

    label: str
    kind: str
    confidence: float


@dataclass(frozen=True)
class Hit:
    """An answer that was found.

    Attributes:
        answer: With its provenance.
        probability: That it is the right one, or one of ``variants`` is, 0..1.
        features: The evidence by name.
        words: Words of the message that are in the answer or in ``question``, the rarest first.
        question: The logged question that speaks most for it, or None.
        variants: Ids of answers that say the same; they are no hits of their own.
    """

    answer: Answer
    probability: float
    features: dict[str, float]
    words: tuple[str, ...]
    question: str | None
    variants: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Of the answer."""
        return self.answer.id

    def to_json(self, *, explained: bool = True) -> dict[str, Any]:
        """A small object: id and score, and why when ``explained``."""
        row: dict[str, Any] = {"id": self.id, "score": round(self.probability, 4)}
        if explained:
            named = {name: round(self.features[name], 3) for name in ("dense", "lexical", "near_max", "head")}
            row["why"] = {"words": list(self.words), "question": (self.question or "")[-120:], **named}
        return row


@dataclass(frozen=True)
class SearchResult:
    """What one message came to.

    Attributes:
        text: The message.
        language: Of the message.
        intent: The most probable, or None without an intent head or for a message without words.
        topic: The most probable topic when the intent is one, else None.
        known: Probability 0..1 that the message is in scope.
        outcome: Whether to answer, to offer, or to give up.
        hits: Best first; only answers that may be said.
        model: Key of the model, or empty.
        index: Key of the index, or empty.
        mood: How the customer sounds; None without a mood head or for a message without words.
    """

    text: str
    language: str
    intent: Intent | None
    topic: str | None
    known: float
    outcome: Outcome
    hits: tuple[Hit, ...]
    model: str = ""
    index: str = ""
    mood: Mood | None = None

    @property
    def answered(self) -> float:
        """Probability 0..1 that the best hit is right: that of the message being in scope times the hit's own."""
        return self.known * self.hits[0].probability if self.hits else 0.0

    def to_json(self, *, explained: int = 3) -> dict[str, Any]:
        """The object ``careline`` that the Rasa component puts on the message (docs/explain/decisions.md).

        Args:
            explained: How many hits carry their reasons; 20 hits then stay below 2 KB.
        """
        static = self.intent is not None and self.intent.kind == "static"
        mood = {"mood": self.mood.to_json()} if self.mood else {}
        return {
            "intent": self.intent.label if self.intent and static else "ask",
            "topic": self.topic,
            "confidence": round(self.intent.confidence, 4) if self.intent else 0.0,
            "language": self.language,
            "known": round(self.known, 4),
            "outcome": self.outcome,
            **mood,
            "model": self.model,
            "index": self.index,
            "hits": [hit.to_json(explained=i < explained) for i, hit in enumerate(self.hits)],
        }


class Searcher:
    """Searches an index with the model that it was made for.

    Args:
        matcher: Draws candidates and their evidence.
        ranker: Orders them.
        thresholds: When to answer, to offer, to give up.
        model: Key of the model, for provenance.
        index: Key of the index, for provenance.
    """

    def __init__(
        self,
        matcher: Matcher,
        *,
        ranker: Ranker | None = None,
        thresholds: Thresholds | None = None,
        scope: Scope | None = None,
        model: str = "",
        index: str = "",
    ) -> None:
        self.matcher, self.ranker = matcher, ranker or Ranker.default()
        self.thresholds, self.scope = thresholds or Thresholds(), scope or Scope()
        self.model, self.index_key, self.alike = model, index, Alike(matcher.index)

    @classmethod
    def open(cls, index: IndexLayout, model: ModelLayout, *, threads: int = 0, store: str = "") -> Searcher:
        """Loads and verifies both artefacts. Needs no torch.

        Args:
            index: Made by ``retrieval.build.build_index``.
            model: The one it was made with.
            threads: Of the encoder within a pass; 0 lets it take all cores.
            store: Where the answers' vectors are searched, ``[index] store`` of the settings; empty: here, by FAISS. A
                relative file is meant from the workspace that holds ``var/indexes``.

        Raises:
            InputError: An artefact is missing or damaged, or the index was made with another model.
        """
        made = load_manifest(index.folder, kind="index")
        key = load_manifest(model.folder, kind="model").key
        if made.parents.get("model") != key:
            raise InputError(
                str(index.folder),
                got=f"an index made with model {made.parents.get('model')}",
                expected=f"one made with {key}",
                next_step="Run `careline index build`.",
            )
        matcher = Matcher(
            Index.load(index),
            OnnxEncoder.load(model, threads=threads),
            intent_head=_head(model.intent_head),
            answer_head=_head(model.answer_head),
            mood_head=MoodHead.load(model.mood_head) if model.mood_head.is_file() else None,
            bridge=Bridge.load(model.bridge) if model.bridge.is_file() else None,
        )
        if "zh" in matcher.index.columns.names["language"]:
            words_of("你好")  # reads jieba's dictionary: a second that the first customer should not wait
        if store:
            root = index.folder.resolve().parents[2]
            matcher.index.dense = in_store(store, matcher.index.dense, name=made.key, root=root)
        ranker = Ranker.load(model.ranker) if model.ranker.is_file() else None
        thresholds = Thresholds.load(model.thresholds)
        return cls(matcher, ranker=ranker, thresholds=thresholds, model=key, index=made.key)

    @property
    def index(self) -> Index:
        """What is searched in."""
        return self.matcher.index

    @property
    def encoder(self) -> Encoder:
        """What reads the messages."""
        return self.matcher.encoder

    def search(
        self,
        text: str,
        *,
        turns: Sequence[tuple[Role, str]] = (),
        k: int = 20,
        language: str | None = None,
        given: Sequence[str] = (),
        where: Where | None = None,
        explained: int = 5,
    ) -> SearchResult:
        """Searches for answers to a customer's message: one forward pass of at most three texts.

        Args:
            text: The message.
            turns: (role, text) of the conversation before it, oldest first.
            k: Hits at most.
            language: Of the message; detected when None.
            given: Ids of the answers given earlier in the conversation, oldest first.
            where: Which answers may be found; None: what anybody may see now, on any site.
            explained: How many hits get their matched words; the others' stay empty.
        """
        query = Query.of(text, turns=turns, language=language, given=given)
        if not any(character.isalnum() for character in text):
            return SearchResult(text, query.language, None, None, 0.0, "lost", (), self.model, self.index_key)
        second = joined(query.message, turns) if query.context != query.message else None
        readings = [query] if second is None else [query, replace(query, context=second, message=second)]
        match, *again = self.matcher.match(readings, where=where)
        return self.result(match, k=k, explained=explained, again=next(iter(again), None))

    def result(self, match: Match, *, k: int = 20, explained: int = 5, again: Match | None = None) -> SearchResult:
        """Ranks a match.

        Args:
            match: Of a message in its context.
            k: Hits at most.
            explained: How many hits get their matched words.
            again: Of the same message joined with the question it leans on (``retrieval.follow_up``).
        """
        known = 0.0 if self._is_noise(match) else self.scope.probability(match)
        intent = self._intent(match)
        hits = self._hits(match, k, explained, again)
        best = hits[0].probability if hits else 0.0
        return SearchResult(
            text=match.query.message,
            language=match.query.language,
            intent=intent,
            topic=intent.label if intent and intent.kind == "topic" else None,
            known=known,
            outcome=self.thresholds.outcome(known=known, best=best),
            hits=hits,
            model=self.model,
            index=self.index_key,
            mood=match.mood,
        )

    def _is_noise(self, match: Match) -> bool:
        """Whether neither the index knows a word of the message nor the encoder's vocabulary can spell one."""
        if match.known_words > 0:
            return False
        return bool(spelled_share(self.encoder, [match.query.message])[0] < LEAST_SPELLED)

    def _intent(self, match: Match) -> Intent | None:
        head = self.matcher.intent_head
        if head is None or not len(match.intents):
            return None
        best = int(match.intents.argmax())
        kind = head.kinds[best] if head.kinds else "topic"
        return Intent(head.labels[best], kind, float(match.intents[best]))

    def _hits(self, match: Match, k: int, explained: int, again: Match | None) -> tuple[Hit, ...]:
        probability = self.ranker.probabilities(match.features)  # (n,)
        if again is not None:
            probability = blend(match.rows, probability, again.rows, self.ranker.probabilities(again.features))
        choices = self.alike.choices(match.rows, probability)
        meant = is_meant(self.index, match)
        choices = preferred(choices, meant, least=self.thresholds.sure)[:k]
        rarity = self.index.lexical.weights(match.words)
        words = sorted(rarity, key=lambda word: (-rarity[word], word))
        return tuple(self._hit(match, choice, words if i < explained else ()) for i, choice in enumerate(choices))

    def _hit(self, match: Match, choice: Choice, told: Sequence[str]) -> Hit:
        """A hit that names those of the ``told`` words which stand in the answer or its question."""
        i = choice.place
        row, asked = int(match.rows[i]), int(match.asked[i])
        answer = self.index.answers[row]
        question = None if asked == NO_ROW else self.index.logged[asked].text
        found = self.alike.words(row).union(words_of(question or "")) if told else frozenset[str]()
        words = [word for word in told if word in found]
        features = dict(zip(FEATURES, match.features[i].tolist(), strict=True))
        variants = tuple(self.index.answers[int(match.rows[other])].id for other in choice.others)
        return Hit(answer, choice.probability, features, tuple(words[:_REASONS]), question, variants)


def _head(path: Path) -> LinearHead | None:
    return LinearHead.load(path) if path.is_file() else None
