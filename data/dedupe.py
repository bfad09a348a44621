"""When two messages of agents are one answer: the same in other words of courtesy, or with a typo.

Messages are compared without salutation, sign-off, stock sentences and case; two that are nearly the same are one
answer when nothing that matters differs: no number, no negation, no word of content.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache

from data.courtesy import is_small_talk, join_sentences, split_sentences, strip_courtesies, words
from data.normalise import fold_chinese

PLACEHOLDER = re.compile(r"<([A-Z]+)_\d+>")
STOCK_REMAINDERS = 5
"""A first or last sentence that comes with at least this many different remainders is stock, not answer."""

_TOKEN = re.compile(r"<[a-z]+>|[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+(?:['’.,:/-][^\W_\u3400-\u9fff]+)*")
_NUMBER = re.compile(r"\d|[零一二两三四五六七八九十百千]")
_NEGATION = words("not no never none nothing without cannot only unless except 不 没 无 别 非 未 仅 只")
_LIGHT = (
    words(
        """a an the and or so then just also too well please kindly of course certainly indeed actually really
        very quite is are be it its that this there here you your we our us i me my will would can
        could to for in on at by with from as if about hello hi thanks thank yes sure great ok okay
        的 了 吗 呢 啊 呀 哦 哈 吧 嘛 请 您 你 我 们 亲 也 就 都 会 可 以 是 在 给 把 一 下 这 那"""
    )
    - _NEGATION
)


def is_light(token: str) -> bool:
    """True for words that carry no content of their own: articles, pronouns, courtesies, particles."""
    return token in _LIGHT


def answer_key(text: str) -> str:
    """What two wordings of the same answer share: tokens in lower case, without punctuation or placeholder numbers.

    Simplified and traditional characters count as the same.
    """
    plain = PLACEHOLDER.sub(lambda m: f"<{m.group(1).lower()}>", text)
    return " ".join(_TOKEN.findall(fold_chinese(unicodedata.normalize("NFKC", plain)).lower()))


def strip_stock(texts: Sequence[str]) -> list[str]:
    """Takes courtesies and stock sentences from the start and the end of each text.

    Stock is found in the texts themselves: a first or last sentence that goes with many different remainders says
    nothing of its own ("Thanks for asking.", "Your Northwind team").
    """
    first, last = (stock_of([edges]) for edges in edges_of(texts))
    return [without_stock(text, first, last) for text in texts]


Edges = Mapping[str, set[str]]
"""Sentences at one end of texts, as keys, each with the keys of the sentences that stood beside it."""


def edges_of(texts: Iterable[str]) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """First sentences of texts, and last ones."""
    first: dict[str, set[str]] = defaultdict(set)
    last: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        parts = split_sentences(strip_courtesies(text))
        if len(parts) > 1:
            first[answer_key(parts[0])].add(answer_key(parts[1]))
            last[answer_key(parts[-1])].add(answer_key(parts[-2]))
    return dict(first), dict(last)


def stock_of(found: Iterable[Edges]) -> frozenset[str]:
    """Sentences that stood beside at least ``STOCK_REMAINDERS`` different ones, in all parts of a log together."""
    beside: dict[str, set[str]] = defaultdict(set)
    for edges in found:
        for edge, others in edges.items():
            if len(beside[edge]) < STOCK_REMAINDERS:
                beside[edge] |= others
    return frozenset(edge for edge, others in beside.items() if len(others) >= STOCK_REMAINDERS)


def without_stock(text: str, first: Collection[str], last: Collection[str]) -> str:
    """A text without courtesies, and without first and last sentences that are stock; never empty."""
    text = strip_courtesies(text)
    parts = split_sentences(text)
    start, end = 0, len(parts)
    while end - start > 1 and answer_key(parts[start]) in first:
        start += 1
    while end - start > 1 and answer_key(parts[end - 1]) in last:
        end -= 1
    if (start, end) == (0, len(parts)) or is_small_talk(join_sentences(parts[start:end])):
        return text
    return join_sentences(parts[start:end])


def shingles(language: str, words: str) -> set[str]:
    """Character 4-grams of an answer's key: a typo in a long answer changes few of them."""
    padded = f"{language} {words} "
    return {padded[i : i + 4] for i in range(max(1, len(padded) - 3))}


def matter_of(words: str) -> str:
    """Numbers, negations and placeholders of an answer's key: two answers that differ in them are two answers."""
    return " ".join(sorted(_matter(words.split())))


def says_same(left: str, right: str) -> bool:
    """True when two keys of one language differ in nothing that matters: no number, no negation, no content word."""
    a, matter_a = _counted(left)
    b, matter_b = _counted(right)
    if matter_a != matter_b:
        return False
    only_a = [word for word, count in a.items() if count > b.get(word, 0)]
    only_b = [word for word, count in b.items() if count > a.get(word, 0)]
    return _explained(only_a, only_b) and _explained(only_b, only_a)


@lru_cache(maxsize=4096)
def _counted(words: str) -> tuple[Mapping[str, int], list[str]]:
    """The words of a key with how often each stands in it, and what matters; the frequent are compared often."""
    tokens = words.split()
    return Counter(tokens), sorted(_matter(tokens))


def _matter(tokens: Iterable[str]) -> list[str]:
    return [t for t in tokens if _NUMBER.search(t) or t in _NEGATION or t.endswith("n't") or t[0] == "<"]


def _explained(words: Sequence[str], others: Sequence[str]) -> bool:
    """True when each word is light, or a typo of one on the other side."""
    return all(word in _LIGHT or any(is_typo(word, other) for other in others) for word in words)


def is_typo(left: str, right: str) -> bool:
    """True when one word of five letters or more is the other with one letter changed, missing, added or swapped."""
    if min(len(left), len(right)) < 5 or abs(len(left) - len(right)) > 1 or left[0] != right[0]:
        return False
    if len(left) == len(right):
        wrong = [i for i, (x, y) in enumerate(zip(left, right, strict=True)) if x != y]
        swapped = len(wrong) == 2 and wrong[1] == wrong[0] + 1 and left[wrong[0]] == right[wrong[1]]
        return len(wrong) <= 1 or (swapped and left[wrong[1]] == right[wrong[0]])
    short, long = sorted((left, right), key=len)
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))
