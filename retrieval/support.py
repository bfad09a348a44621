"""Whether a sentence says nothing but what the retrieved text says: the guard in front of a language model's words.

The check reads words, so that it runs where no encoder is loaded; with an encoder, a cosine is asked for as well. It
is stricter than a reader would be: what it refuses costs a smoother wording, what it lets through reaches a customer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from retrieval.claims import NEEDED, OPPOSITE, Claims, Quantity, before_denial, claims_of, is_addressed, says_quantity
from retrieval.sentences import clauses_of, sentences_of
from retrieval.synonyms import HARMLESS, meaning_in, meaning_of

LEAST_COVERED = 0.9
"""Least share of a clause's content words that one place of a source must have; chosen on one half of the fixtures."""

LEAST_COSINE = 0.55
"""Least cosine of a sentence and the nearest of the sources' sentences, where there is an encoder."""

LEAST_ANCHOR = 0.3
"""Least share of a clause's content words in the one clause of a source that is taken for its like."""

KEPT = 0.34
"""So much of a condition must be said where the sentence it belongs to is said."""

_CONDITION = re.compile(
    r"\b(?:if|unless|only|except|provided|as long as|unused|without)\b|如果|除非|仅|只|限|未使用|除外|的话|前提",
    re.IGNORECASE,
)
_LEADS = re.compile(r"\s*(?:if|unless|except|provided|如果|除非)", re.IGNORECASE)
_YES = re.compile(
    r"^\s*(?:(?:yes|no|sure|of course|certainly)\s*(?:[,.!:]+\s*|$)"
    r"|(?:是的|对的?|不是|不行|没问题|当然)\s*(?:[,，。！]+\s*|$))",
    re.IGNORECASE,
)
_LEAD = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)、])\s*")

Nearness = Callable[[str, Sequence[str]], float]
"""Cosine of a sentence and the nearest of others, -1..1."""


@dataclass(frozen=True)
class Verdict:
    """What the check says of a sentence.

    Attributes:
        sentence: As it was written.
        supported: Whether a source says it.
        source: Position of that source, or None for a courtesy, which needs none.
        reason: Why it is refused, in a few words for a log; empty when supported.
    """

    sentence: str
    supported: bool
    source: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class _Clause:
    """A clause of a source, with the numbers of the source and of its sentence among all sentences."""

    source: int
    sentence: int
    text: str


@dataclass(frozen=True)
class _Place:
    """Where a clause is said: clauses of one sentence of a source."""

    source: int
    sentence: int
    clauses: tuple[str, ...]


class Support:
    """The sources of one reply, ready to be compared with.

    Args:
        sources: Retrieved texts, as the customer could be told them.
        least: See ``LEAST_COVERED``.
        nearness: Compares with an encoder; None where there is none.
        least_cosine: See ``LEAST_COSINE``.
    """

    def __init__(
        self,
        sources: Sequence[str],
        *,
        least: float = LEAST_COVERED,
        nearness: Nearness | None = None,
        least_cosine: float = LEAST_COSINE,
    ) -> None:
        self.least, self._nearness, self._least_cosine = least, nearness, least_cosine
        told = [
            (number, sentence)
            for number, source in enumerate(sources)
            for sentence in sentences_of(source)
            if not is_addressed(sentence)  # an instruction to us is no fact
        ]
        kept = [" ".join(sentence for n, sentence in told if n == number) for number in range(len(sources))]
        self._sentences = [sentence for _, sentence in told]
        self._clauses = [
            _Clause(number, n, clause) for n, (number, said) in enumerate(told) for clause in clauses_of(said)
        ]
        self._claims = claims_of("\n".join(f". {source}" for source in kept))
        self._lower = unicodedata.normalize("NFKC", "\n".join(kept)).lower()

    def check(self, text: str) -> list[Verdict]:
        """A verdict for each sentence of a text, in order."""
        return [self.sentence(sentence) for sentence in sentences_of(text)]

    def sentence(self, sentence: str) -> Verdict:
        """The verdict on one sentence: every clause of it must be said in one place of one source."""
        bare = _LEAD.sub("", _YES.sub("", sentence))
        used: list[_Place] = []
        for clause in clauses_of(bare):
            if _is_courtesy(clause):
                continue
            place, reason = self._support(clause, used)
            if place is None:
                return Verdict(sentence, supported=False, reason=f"{reason}: {clause}")
            used.append(place)
        if not used:
            lone = bool(_YES.match(sentence)) or not bare.strip()
            return Verdict(sentence, supported=not lone, reason="a bare yes or no" if lone else "")
        if dropped := self._dropped_condition(used, bare):
            return Verdict(sentence, supported=False, reason=f"without its condition: {dropped}")
        if self._nearness is not None and self._nearness(sentence, self._sentences) < self._least_cosine:
            return Verdict(sentence, supported=False, reason="far from every source")
        return Verdict(sentence, supported=True, source=used[0].source)

    def _support(self, clause: str, used: Sequence[_Place]) -> tuple[_Place | None, str]:
        """The place that says a clause, or why there is none.

        A clause of few words leans on the ones before it: it must be said where they are said.
        """
        claims, words = claims_of(clause), meaning_of(clause)
        if missing := self._missing(claims):
            return None, missing
        leans = {place.sentence for place in used} if len(words) <= 2 else set()
        scored = [
            (_covered(words, meaning_in(row.text)), i)
            for i, row in enumerate(self._clauses)
            if not leans or row.sentence in leans
        ]
        best = max((score for score, _ in scored), default=0.0)
        reasons = []
        for i in (i for score, i in scored if score == best and score >= LEAST_ANCHOR):
            place, reason = self._place(clause, claims, words, i)
            if place is not None:
                return place, ""
            reasons.append(reason)
        return None, next(iter(reasons), "no source says it")

    def _missing(self, claims: Claims) -> str:
        """What no source has at all."""
        if not claims.references <= self._claims.references:
            return "a link or address of its own"
        if not all(says_quantity(quantity, self._claims.quantities) for quantity in claims.quantities):
            return "a number of its own"
        if not all(name in self._lower for name in claims.names):
            return "a name of its own"
        if claims.relations & NEEDED - self._claims.relations:
            return "a claim of its own"
        return ""

    def _place(self, clause: str, claims: Claims, words: frozenset[str], i: int) -> tuple[_Place | None, str]:
        """The clause ``i`` of the sources as the place that says a clause, with its neighbours where needed."""
        row = self._clauses[i]
        anchor = claims_of(row.text)
        if anchor.denies != claims.denies:
            return None, "a denial turned round"
        for relation in claims.relations:
            other = OPPOSITE.get(relation)
            if other in anchor.relations - claims.relations and relation not in anchor.relations:
                return None, "a relation turned round"
        here = _matched(words, meaning_in(row.text))
        lent = {j: _lent(clause, words, self._clauses[j].text) - here for j in self._around(i)}
        if len(here.union(*lent.values())) < self.least * len(words):
            return None, "no source says it"
        helpers = [j for j in lent if j == i or (lent[j] and self._clauses[j].sentence == row.sentence)]
        texts = tuple(self._clauses[j].text for j in helpers)
        known = frozenset[Quantity]().union(*(claims_of(text).quantities for text in texts))
        if not all(says_quantity(quantity, known) for quantity in claims.quantities):
            return None, "a number of another place"
        said = frozenset[str]().union(*(claims_of(text).relations for text in texts))
        if claims.relations & NEEDED - said:
            return None, "a claim of another place"
        return _Place(row.source, row.sentence, texts), ""

    def _around(self, i: int) -> list[int]:
        """Places of a clause and of its two neighbours on either side in the same source."""
        near = range(max(0, i - 2), min(len(self._clauses), i + 3))
        return [j for j in near if self._clauses[j].source == self._clauses[i].source]

    def _dropped_condition(self, used: Sequence[_Place], sentence: str) -> str:
        """A condition of the sentences used that the reply leaves out; empty when there is none."""
        words, claims = meaning_of(sentence), claims_of(sentence)
        sentences = {place.sentence for place in used}
        told = {clause for place in used for clause in place.clauses}
        for row in (row for row in self._clauses if row.sentence in sentences and _CONDITION.search(row.text)):
            inner = meaning_of(row.text)
            if row.text in told and "only" in claims_of(row.text).relations - claims.relations:
                return row.text
            if row.text not in told and _LEADS.match(row.text) and len(_matched(inner, words)) < KEPT * len(inner):
                return row.text
        return ""


def _lent(clause: str, words: frozenset[str], neighbour: str) -> frozenset[str]:
    """Words of a clause that a neighbouring clause of the source says; of opposite polarity, only what it speaks of."""
    if claims_of(clause).denies == claims_of(neighbour).denies:
        return _matched(words, meaning_in(neighbour))
    spoken_of = _matched(meaning_of(before_denial(clause)) & words, meaning_in(before_denial(neighbour)))
    return spoken_of


def _is_courtesy(clause: str) -> bool:
    """Whether a clause only is polite: nothing in it could be wrong."""
    claims = claims_of(clause)
    bare = not (claims.quantities or claims.references or claims.relations & NEEDED or claims.denies)
    return bare and not (meaning_of(clause) or claims.names - HARMLESS)


def _matched(words: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    return frozenset(word for word in words if word in others or any(_alike(word, other) for other in others))


def _covered(words: frozenset[str], others: frozenset[str]) -> float:
    """Share 0..1 of words that are among others, in one form or another."""
    return len(_matched(words, others)) / len(words) if words else 1.0


def _alike(one: str, two: str) -> bool:
    """Whether two English words are forms of one: they share all but their endings."""
    if not (one.isascii() and two.isascii()):
        return False
    short, long = sorted((one, two), key=len)
    return len(short) >= 4 and len(long) - len(short) <= 3 and long.startswith(short[: max(4, len(short) - 1)])
