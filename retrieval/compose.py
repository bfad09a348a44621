"""What was found becomes one reply: as it stands, filled, cut to the passage that matters, or several put together.

Reads texts only, so that the action server can use it: no encoder, no index. Nothing leaves here with a blank in it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log

from data.schema import Answer
from retrieval.answers import has_placeholder, is_sayable
from retrieval.claims import Quantity, claims_of, is_addressed
from retrieval.sentences import content_of, sentences_of

MOST = 700
"""Characters of a reply that is put together; a screen of a telephone shows about so many."""

PASSAGE = 360
"""Characters of what is cut from an article."""

LONG = 480
"""An article up to this length is said whole."""

MOST_PARTS = 3
"""Answers in one reply."""

REPEATED = 0.8
"""Share of a sentence's content words that were said before: it is a repetition."""

_BLANK = re.compile(r"\{\{?\s*([A-Za-z_][\w]*)\s*\}?\}")
_LONGEST_VALUE = 120
_LEANS = re.compile(
    r"(?:it|its|this|that|these|those|they|then|however|but|also|otherwise|instead|in (?:this|that) case)\b"
    r"|它|这|那|此|该|但|否则|另外|同时|此时|其",
    re.IGNORECASE,
)
_VERDICT = re.compile(
    r"(?:yes|yep|no|nope|sure|of course|unfortunately not|i['’]m afraid not|sorry,? no)\s*[.!]+"
    r"|(?:是的|不是|可以|不可以|不行|不能|能|没有|有|会|不会)(?:的|哦|呢|亲)*[。！!]",
    re.IGNORECASE,
)
_SAME_QUESTION = 0.6
"""Share of the content words of two questions that they have in common."""

_Said = tuple[set[str], frozenset[Quantity], bool]
_CHUNK = re.compile(r"(?P<article>.+)#(?P<place>\d+)$")


@dataclass(frozen=True)
class Found:
    """A hit as the composer sees it.

    Attributes:
        answer: What was found.
        score: Probability 0..1 that it is right.
    """

    answer: Answer
    score: float = 1.0


@dataclass(frozen=True)
class Asked:
    """One request of a message and what was found for it.

    Attributes:
        question: The customer's words.
        found: Best first.
    """

    question: str
    found: tuple[Found, ...]


@dataclass(frozen=True)
class Part:
    """What one answer adds to a reply.

    Attributes:
        answer: Where it comes from.
        text: What is said of it; never holds a blank.
    """

    answer: Answer
    text: str


@dataclass(frozen=True)
class Reply:
    """A reply with its sources.

    Attributes:
        text: Plain text. With several sources each paragraph ends with the number of its own: ``[1]``.
        parts: In the order of their numbers, from 1; at least one.
    """

    text: str
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, parts: Sequence[Part]) -> Reply:
        """Puts parts together and numbers them; one part alone has no number."""
        if len(parts) == 1:
            return cls(parts[0].text, tuple(parts))
        said = (f"{part.text}{gap_before_number(part.text)}[{n}]" for n, part in enumerate(parts, start=1))
        return cls("\n".join(said), tuple(parts))


def gap_before_number(text: str) -> str:
    """What stands between a text and the number of its source: nothing after Chinese."""
    return "" if text[-1:] > "\u2e80" else " "


def compose(asked: Sequence[Asked], values: Mapping[str, str], *, least: float = 0.0) -> Reply | None:
    """Composes the reply to a message.

    Each request is answered by the first of its hits that can be said; requests that come to the same answer are
    answered once. A single request that an article answers may go on into the article's neighbouring chunk.

    Args:
        asked: The message's requests, in its order; usually one.
        values: What is known for blanks, by name: the conversation's slots and what services say.
        least: A hit below this probability is not said. It matters where a better one could not be: its blanks
            were not known.

    Returns:
        None when nothing can be said.
    """
    single = len(asked) == 1
    budget = MOST if single else MOST // max(1, min(len(asked), MOST_PARTS))
    parts: list[Part] = []
    for one in asked[:MOST_PARTS]:
        parts += _answered(one, values, least=least, most=None if single else budget - len(" [1]\n"))
    parts = list(_without_repetition(parts))
    if not parts:
        return None
    reply = Reply.of(parts)
    return Reply.of(parts[:1]) if has_placeholder(reply.text) else reply  # two halves can make a blank of their own


def _answered(one: Asked, values: Mapping[str, str], *, least: float, most: int | None) -> list[Part]:
    """The part that answers a request, and where it goes on."""
    for hit in one.found:
        if hit.score < least:
            break
        text = say(hit.answer, values, question=one.question, most=most)
        if text is not None:
            part = Part(hit.answer, text)
            return [part] if most is not None else _continued(part, one, values)
    return []


def say(answer: Answer, values: Mapping[str, str], *, question: str = "", most: int | None = None) -> str | None:
    """What is said of an answer: itself, filled where it has blanks, of a long article the passage that matters.

    Args:
        answer: From the index.
        values: What is known for blanks.
        question: What the passage should match.
        most: Characters at most; None cuts only long articles.

    Returns:
        None when it may not be said, or a blank stays open.
    """
    text = fill(answer, values) if _BLANK.search(template_of(answer)) else answer.text
    if text is None or not answer.reusable or not text.strip() or has_placeholder(text):
        return None
    if answer.source == "article" and is_addressed(text):  # an order to us is nothing to say to a customer
        text = _join([sentence for sentence in sentences_of(text) if not is_addressed(sentence)])
        if not text or has_placeholder(text):
            return None
    text = _without_verdict(answer, text, question)
    if most is not None and len(text) > most:
        return passage(text, question, most=most)
    if answer.source == "article" and len(text) > LONG:
        return passage(text, question)
    return text


def _without_verdict(answer: Answer, text: str, question: str) -> str:
    """The text without a bare "No." at its head where that was the verdict on another question.

    "Do I pay duties? - No. Duties are settled at checkout." also serves "do you ship to Norway?", without its "No."
    """
    first, *rest = sentences_of(text) or [""]
    if not rest or not _VERDICT.fullmatch(first) or not question:
        return text
    words = set(content_of(question))
    for asked in (set(content_of(logged)) for logged in answer.questions):
        if len(words & asked) >= _SAME_QUESTION * max(1, len(words | asked)):
            return text
    return _join(rest)


def template_of(answer: Answer) -> str:
    """The wording whose blanks may be filled: a curated text may simply hold ``{shop_hours}``.

    What agents said has none: its blanks are somebody else's order and dates, and a sentence such as "{order} was
    cancelled" is true of that order only.
    """
    return "" if answer.source == "log" else answer.template or answer.text


def fill(answer: Answer, values: Mapping[str, str]) -> str | None:
    """The answer's template with every blank filled; None when a value is not known or holds a blank itself."""
    template = template_of(answer)
    wanted = set(_BLANK.findall(template)) | set(answer.slots)
    known = {name: " ".join(str(values.get(name) or "").split()) for name in wanted}
    if not all(_is_value(value) for value in known.values()):
        return None
    text = _BLANK.sub(lambda blank: known[blank[1]], template)
    return None if has_placeholder(text) else text


def is_fillable(answer: Answer) -> bool:
    """Whether an answer may be said once its blanks are filled: search may find it although it is not sayable yet."""
    template = template_of(answer)
    return answer.reusable and bool(_BLANK.search(template)) and not has_placeholder(_BLANK.sub("x", template))


def may_be_found(answer: Answer) -> bool:
    """Whether search may offer an answer to customers: it is sayable, or will be when its blanks are filled."""
    return is_sayable(answer) or is_fillable(answer)


def passage(text: str, question: str, *, most: int = PASSAGE) -> str:
    """The consecutive sentences of a text that match a question best; its beginning when nothing matches.

    A sentence weighs the words it shares with the question, each once and by its rarity among the sentences. A
    passage does not begin with a sentence that leans on the one before ("It ...") where that one still fits.

    Args:
        text: An article.
        question: The customer's words.
        most: Characters at most.
    """
    sentences = sentences_of(text)
    wanted = set(content_of(question))
    found = [wanted & set(content_of(sentence)) for sentence in sentences]
    rare = Counter(word for words in found for word in words)
    weight = {word: log(1 + len(sentences) / count) for word, count in rare.items()}
    best, best_score = (0, 0), 0.0
    for start, end in _windows([len(sentence) for sentence in sentences], most):
        score = sum(weight[word] for word in set().union(*found[start:end]))
        score -= 0.002 * sum(len(sentence) for sentence in sentences[start:end])
        if score > best_score:
            best, best_score = (start, end), score
    if best == (0, 0):
        best = max(_windows([len(s) for s in sentences], most), key=lambda w: (-w[0], w[1]), default=(0, 0))
    start, end = best
    if start and _LEANS.match(sentences[start]) and len(_join(sentences[start - 1 : end])) <= most:
        start -= 1
    return _join(sentences[start:end]) or _cut(sentences[0] if sentences else text, most)


def _windows(lengths: Sequence[int], most: int) -> Iterator[tuple[int, int]]:
    """(start, end) of every run of sentences that fits."""
    for start in range(len(lengths)):
        total = -1
        for end in range(start, len(lengths)):
            total += lengths[end] + 1
            if total > most:
                break
            yield start, end + 1


def _join(sentences: Sequence[str]) -> str:
    text = ""
    for sentence in sentences:
        tight = not text or (text[-1] > "\u2e80" and sentence[0] > "\u2e80")
        text += ("" if tight else " ") + sentence
    return text


def _cut(text: str, most: int) -> str:
    """At most so many characters, cut between words, with a mark that it goes on."""
    if len(text) <= most:
        return text
    head = text[: most - 1]
    space = head.rfind(" ")
    return (head[:space] if space > most // 2 else head).rstrip(" ,;:，；：、") + "…"


def _continued(part: Part, one: Asked, values: Mapping[str, str]) -> list[Part]:
    """A part of an article, and the neighbouring chunk where it was found too and says more of what was asked."""
    here = _CHUNK.match(part.answer.id)
    if part.answer.source != "article" or here is None:
        return [part]
    wanted = set(content_of(one.question))
    said = wanted & set(content_of(part.text))
    for hit in one.found:
        there = _CHUNK.match(hit.answer.id)
        if there is None or there["article"] != here["article"] or abs(int(there["place"]) - int(here["place"])) != 1:
            continue
        text = say(hit.answer, values, question=one.question, most=min(PASSAGE, MOST - len(part.text) - 10))
        if text is not None and (wanted & set(content_of(text))) - said and len(part.text) + len(text) + 10 <= MOST:
            pair = [part, Part(hit.answer, text)]
            return sorted(pair, key=lambda p: _CHUNK.match(p.answer.id)["place"].zfill(9))  # type: ignore[index]
    return [part]


def _without_repetition(parts: Sequence[Part]) -> Iterator[Part]:
    """Leaves out sentences that were said before, and parts of which nothing is left."""
    said: list[_Said] = []
    for part in parts:
        kept = [s for s in sentences_of(part.text) if not _is_repeated(s, said)]
        said += [_said(s) for s in kept]
        if len(kept) == len(sentences_of(part.text)):
            yield part
        elif kept:
            yield replace(part, text=_join(kept))


def _said(sentence: str) -> _Said:
    claims = claims_of(sentence)
    return set(content_of(sentence)), claims.quantities, claims.denies


def _is_repeated(sentence: str, said: Sequence[_Said]) -> bool:
    """Whether an earlier sentence says this: its quantities, its denial and nearly all of its words."""
    words, quantities, denies = _said(sentence)
    return any(
        len(words & others) >= REPEATED * len(words) and quantities <= known and denies == denied
        for others, known, denied in said
        if words
    )


def _is_value(value: str) -> bool:
    return bool(value) and len(value) <= _LONGEST_VALUE and not has_placeholder(value) and not set(value) & set("{}<>")
