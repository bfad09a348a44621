"""Questions to candidates with their evidence: what training of the ranker, evaluation and search all call."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from data.context import render_context
from data.schema import Role
from retrieval.bridge import Bridge
from retrieval.dense import VectorIndex
from retrieval.encoder import Encoder, Vectors, coverage
from retrieval.evidence import DEEP, Evidence, Floats, Mask, Rows, Sight
from retrieval.filters import Allowed, Where
from retrieval.head import LinearHead, head_text
from retrieval.index import OUT_OF_SCOPE, Index, message_of
from retrieval.lexical import language_of, words_of
from retrieval.mood import Mood, MoodHead
from retrieval.rank import LOWEST_LOG, Features
from retrieval.spelling import Speller

_NEIGHBOURS = 64
_SAME = 0.8


@dataclass(frozen=True)
class Query:
    """What is asked, in its context.

    Attributes:
        context: From ``data.context.render_context``, the message included.
        message: What is asked last, bare.
        language: ``en`` or ``zh`` (or another code).
        given: Ids of the answers given earlier in the conversation, oldest first.
    """

    context: str
    message: str
    language: str
    given: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        text: str,
        *,
        turns: Sequence[tuple[Role, str]] = (),
        language: str | None = None,
        given: Sequence[str] = (),
    ) -> Query:
        """A customer's message after the turns before it.

        Who asks the same again has the same right answer again: the message then stands alone, as the first time, and
        what was given since does not count against it.

        Args:
            text: The message.
            turns: (role, text) before it, oldest first, without the message.
            language: Detected from the message when None.
            given: Ids of the answers given so far.
        """
        if _asked_before(text, [said for role, said in turns if role == "customer"]):
            turns, given = (), ()
        return cls(
            context=render_context([*turns, ("customer", text)]),
            message=" ".join(text.split()),
            language=language or language_of(text),
            given=tuple(given),
        )

    @classmethod
    def of_context(cls, context: str, *, language: str, given: Sequence[str] = ()) -> Query:
        """A rendered context, as in an ``Example``."""
        return cls(context, message_of(context), language, tuple(given))


@dataclass(frozen=True, eq=False)
class Match:
    """The candidates of one query with their evidence.

    Attributes:
        query: What was asked.
        rows: (n,) rows of the candidate answers in the index, in no particular order.
        features: (n, F) columns as in ``retrieval.rank.FEATURES``.
        asked: (n,) the logged question that speaks most for each candidate, or ``NO_ROW``.
        intents: (labels,) probabilities of the intent head; empty without one.
        similarity: Cosine of the nearest logged text that is in scope, times ``coverage``, 0..1.
        stray: The same for examples of what is out of scope.
        lexical: BM25 share of the best thing ever asked or answered, 0 to about 1.
        stray_lexical: The same among examples of what is out of scope.
        doubt: Probability of ``out_of_scope`` by the intent head, 0..1; 0 without one.
        known_words: Share 0..1 of the message's words, weighted by rarity, that occur in the index.
        coverage: Share 0..1 of the message that the encoder can read.
        words: Of the message, as BM25 counts them.
        mood: How the customer sounds; None without a mood head.
    """

    query: Query
    rows: Rows
    features: Features
    asked: Rows
    intents: Floats
    similarity: float
    stray: float
    lexical: float
    stray_lexical: float
    doubt: float
    known_words: float
    coverage: float
    words: tuple[str, ...]
    mood: Mood | None = None


class Matcher:
    """Draws candidates from five lists and gathers the evidence for each.

    Args:
        index: Where candidates come from.
        encoder: The one that made the index's vectors.
        intent_head: For topics and intents; None without.
        answer_head: For answers with enough examples; None without.
        mood_head: For how the customer sounds; None without.
        bridge: From contexts to answers; None without.
        pool: Candidates taken from each list.
    """

    def __init__(
        self,
        index: Index,
        encoder: Encoder,
        *,
        intent_head: LinearHead | None = None,
        answer_head: LinearHead | None = None,
        mood_head: MoodHead | None = None,
        bridge: Bridge | None = None,
        pool: int = 30,
    ) -> None:
        self.index, self.encoder, self.pool = index, encoder, pool
        self.intent_head, self.answer_head, self.mood_head = intent_head, answer_head, mood_head
        self.bridge = bridge
        self.speller = Speller(self._frequencies)
        self._doubt = [i for i, label in enumerate(_labels(intent_head)) if label == OUT_OF_SCOPE]
        self._labels = {label: i for i, label in enumerate(_labels(intent_head))}
        self._classes: tuple[int, Rows] = (-1, np.zeros(0, dtype=np.int64))

    def match(
        self,
        queries: Sequence[Query],
        *,
        where: Where | None = None,
        sayable_only: bool = True,
        language_only: bool = True,
        among: Sequence[Rows] | None = None,
        chunk: int = 256,
    ) -> Iterator[Match]:
        """Yields a match for each query, in order.

        Args:
            queries: What is asked.
            where: Which answers may be candidates; None: what anybody may see now. The language is each query's own
                where it names none.
            sayable_only: Whether answers that the bot may not say are left out; training ranks them too.
            language_only: Whether answers in another language are left out where there are any in the right one.
            among: For each query, the rows that are its candidates, all of them and no others ("1 of 100"); None draws
                candidates from the lists.
            chunk: Queries encoded and searched at once.
        """
        for start in range(0, len(queries), chunk):
            part = queries[start : start + chunk]
            if among is not None:
                allowed = [Allowed()] * len(part)
            else:
                allowed = self._allowed(part, where or Where(), sayable_only=sayable_only, language_only=language_only)
            sights = self._see(part, allowed, depth=self.pool if among is None else DEEP)
            for i, (query, sight) in enumerate(zip(part, sights, strict=True)):
                yield self._match(query, sight, allowed[i], among=None if among is None else among[start + i])

    def _allowed(
        self, queries: Sequence[Query], where: Where, *, sayable_only: bool, language_only: bool
    ) -> list[Allowed]:
        found = {
            language: self.index.filters.allowed(
                replace(where, language=language), sayable_only=sayable_only, language_only=language_only
            )
            for language in {where.language or query.language for query in queries}
        }
        return [found[where.language or query.language] for query in queries]

    def _see(self, queries: Sequence[Query], allowed: Sequence[Allowed], *, depth: int) -> Iterator[Sight]:
        """One forward pass for all contexts and bare messages, and everything else that is quicker in a batch."""
        texts = list(dict.fromkeys([q.context for q in queries] + [q.message for q in queries]))
        place = {text: i for i, text in enumerate(texts)}
        read = [self.speller.corrected(text, version=self.index.version) for text in texts]
        vectors, shares = self.encoder.encode(read), coverage(self.encoder, texts)
        context, message = ([place[text] for text in column] for column in _columns(queries))
        by_context, by_message = vectors[context], vectors[message]  # (n, dim) each
        answers = _search(self.index.dense, by_context, depth, [each.answers for each in allowed])
        heard = [each.logged for each in allowed]
        near = _search(self.index.dense_logged, by_context, _NEIGHBOURS, heard)
        apart = context != message  # a first message is its own context: it is looked up once
        near_message = _search(self.index.dense_logged, by_message, _NEIGHBOURS, heard) if apart else near
        intents = self._intents(by_message, queries)
        logs = self._answer_logs(by_context, queries)
        for i in range(len(queries)):
            yield Sight(
                by_context[i],
                by_message[i],
                (float(shares[context[i]]), float(shares[message[i]])),
                answers[i],
                near[i],
                near_message[i],
                intents[i],
                logs[i],
                (read[context[i]], read[message[i]]),
            )

    def _frequencies(self, words: Collection[str]) -> dict[str, int]:
        """In how many answers and logged questions each word stands."""
        told = self.index.lexical.frequencies(words)
        for word, count in self.index.lexical_logged.frequencies(words).items():
            told[word] = told.get(word, 0) + count
        return told

    def _intents(self, vectors: Vectors, queries: Sequence[Query]) -> Floats:
        if self.intent_head is None:
            return np.zeros((len(queries), 0), dtype=np.float32)
        return self.intent_head.probabilities(vectors, [query.message for query in queries])

    def _answer_logs(self, vectors: Vectors, queries: Sequence[Query]) -> Floats:
        head = self.answer_head
        if head is None:
            return np.zeros((len(queries), 0), dtype=np.float32)
        texts = [head_text(q.context, q.given) if head.reads_history else q.context for q in queries]
        probabilities = head.probabilities(vectors, texts)  # (n, classes)
        return np.asarray(np.log(np.maximum(probabilities, np.exp(LOWEST_LOG))), dtype=np.float32)

    def _mood(self, query: Query, sight: Sight) -> Mood | None:
        return None if self.mood_head is None else self.mood_head.of(sight.message, query.message, query.language)

    def _rows_of_classes(self) -> Rows:
        """(classes,) row of the answer that each class of the head is, or ``NO_ROW``; looked up after each change."""
        version = self.index.version
        if self._classes[0] != version:
            self._classes = version, self.index.row_of.rows_of(_labels(self.answer_head))
        return self._classes[1]

    def _match(self, query: Query, sight: Sight, allowed: Allowed, *, among: Rows | None) -> Match:
        context, message = sight.read
        words = words_of(message)
        written = words if message == query.message else words_of(query.message)
        classes = self._rows_of_classes()
        evidence = Evidence(self.index, sight, words, allowed, depth=self.pool, classes=classes, among=among)
        evidence.dense_answers()
        evidence.dense_logged()
        lexical, (asked, stray) = evidence.lexical_answers(words), evidence.lexical_logged(words)
        near, far = evidence.similarity()
        evidence.head()
        pool = evidence.pool()
        evidence.lexical_context(words if context == message else words_of(context), pool)
        evidence.complete(pool, language=query.language, given=query.given, labels=self._labels)
        if self.bridge is not None:
            evidence.bridge(pool, self.bridge)
        heard = (
            self.index.in_scope
            if allowed.logged is None
            else self.index.in_scope[: len(allowed.logged)] & allowed.logged
        )
        known = max(
            self.index.lexical.known_share(written), self.index.lexical_logged.known_share(written, among=heard)
        )
        return Match(
            query=query,
            rows=pool,
            features=evidence.of(pool),
            asked=evidence.spokesmen(pool),
            intents=sight.intents,
            similarity=near,
            stray=far,
            lexical=max(lexical, asked),
            stray_lexical=stray,
            doubt=float(sight.intents[self._doubt].sum()),
            known_words=known,
            coverage=sight.coverage[1],
            words=tuple(words),
            mood=self._mood(query, sight),
        )


def _asked_before(text: str, earlier: Sequence[str]) -> bool:
    """Whether a message of at least two words has nearly the same words (Jaccard .8) as one before it."""
    words = set(words_of(text)) if earlier else set()
    before = [set(words_of(said)) for said in earlier] if len(words) >= 2 else []
    return any(len(words & others) >= _SAME * len(words | others) for others in before)


def _columns(queries: Sequence[Query]) -> tuple[list[str], list[str]]:
    return [query.context for query in queries], [query.message for query in queries]


def _labels(head: LinearHead | None) -> tuple[str, ...]:
    return head.labels if head is not None else ()


def _search(index: VectorIndex, vectors: Vectors, k: int, among: Sequence[Mask | None]) -> list[tuple[Floats, Rows]]:
    """For each query the nearest rows under its mask; queries under one mask are searched together."""
    groups: dict[int, list[int]] = {}
    for i, mask in enumerate(among):
        groups.setdefault(id(mask), []).append(i)
    found: dict[int, tuple[Floats, Rows]] = {}
    for members in groups.values():
        scores, rows = index.search(vectors[members], k, among=among[members[0]])
        found |= {i: (scores[place], rows[place]) for place, i in enumerate(members)}
    return [found[i] for i in range(len(vectors))]
