"""Groups what agents said into answers: the same answer in other words of courtesy, or with a typo, is one answer.

Where the log names the template of a message, its label is the answer. Otherwise messages are compared without
salutation, sign-off and case; near-duplicates found by MinHash are merged when nothing that matters differs: no
number, no negation, no word of content.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from data.courtesy import is_small_talk, join_sentences, split_sentences, strip_courtesies, words
from data.normalise import fold_chinese

PLACEHOLDER = re.compile(r"<([A-Z]+)_\d+>")
STOCK_REMAINDERS = 5
"""A first or last sentence that comes with at least this many different remainders is stock, not answer."""

SIMILAR = 0.7
"""Jaccard similarity of word shingles above which two answers are compared word by word."""

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


@dataclass(frozen=True)
class Utterance:
    """A message of an agent, as it is grouped.

    Attributes:
        conversation: Id of the conversation.
        turn: Position in it, from 0.
        text: Redacted and normalised.
        label: The log's template, if named.
        language: Of the message.
        time: Unix seconds, or None.
    """

    conversation: str
    turn: int
    text: str
    label: str | None
    language: str
    time: float | None = None


@dataclass
class Group:
    """Utterances that are one answer.

    Attributes:
        id: The label, or a hash of the canonical text's key.
        text: The most frequent wording, one without placeholders if there is one that is not rare.
        language: Of most utterances.
        label: The log's template, if any.
        steady: Share of utterances that have the canonical wording; low for a template filled with data.
        members: The utterances.
    """

    id: str
    text: str
    language: str
    label: str | None
    steady: float
    members: list[Utterance] = field(default_factory=list)


def group_answers(utterances: Sequence[Utterance]) -> list[Group]:
    """Groups the messages of agents into answers, the most frequent first."""
    labelled: dict[str, list[Utterance]] = defaultdict(list)
    free: list[Utterance] = []
    for utterance in utterances:
        if utterance.label:
            labelled[utterance.label].append(utterance)
        else:
            free.append(utterance)
    groups = [_make_group(members, [strip_courtesies(u.text) for u in members]) for members in labelled.values()]
    groups.extend(_group_free(free))
    return sorted(groups, key=lambda group: (-len(group.members), group.id))


def _group_free(utterances: list[Utterance]) -> Iterator[Group]:
    bare = dict(zip(utterances, strip_stock([u.text for u in utterances]), strict=True))
    by_key: dict[tuple[str, str], list[Utterance]] = defaultdict(list)
    for utterance, text in bare.items():
        by_key[utterance.language, answer_key(text)].append(utterance)
    merged: dict[tuple[str, str], list[Utterance]] = defaultdict(list)
    leaders = merge_similar({key: len(members) for key, members in by_key.items()})
    for key, members in by_key.items():
        merged[leaders[key]].extend(members)
    for members in merged.values():
        yield _make_group(members, [bare[u] for u in members])


def _make_group(members: list[Utterance], texts: list[str]) -> Group:
    variants = Counter(texts)
    most = max(variants.values())
    text = min(variants, key=lambda t: (4 * variants[t] < most, bool(PLACEHOLDER.search(t)), -variants[t], len(t), t))
    language = Counter(u.language for u in members).most_common(1)[0][0]
    label = members[0].label
    digest = hashlib.sha256(f"{language}\n{answer_key(text)}".encode()).hexdigest()[:12]
    same = sum(count for t, count in variants.items() if answer_key(t) == answer_key(text))
    return Group(label or digest, text, language, label, same / len(members), members)


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
    bare = [strip_courtesies(text) for text in texts]
    sentences = [split_sentences(text) for text in bare]
    first, last = _stock(sentences, first=True), _stock(sentences, first=False)
    return [_without(text, parts, first, last) for text, parts in zip(bare, sentences, strict=True)]


def _stock(sentences: Sequence[list[str]], *, first: bool) -> set[str]:
    remainders: dict[str, set[str]] = defaultdict(set)
    for parts in sentences:
        if len(parts) > 1:
            edge, rest = (parts[0], parts[1]) if first else (parts[-1], parts[-2])
            remainders[answer_key(edge)].add(answer_key(rest))
    return {edge for edge, rests in remainders.items() if len(rests) >= STOCK_REMAINDERS}


def _without(text: str, parts: list[str], first: set[str], last: set[str]) -> str:
    start, end = 0, len(parts)
    while end - start > 1 and answer_key(parts[start]) in first:
        start += 1
    while end - start > 1 and answer_key(parts[end - 1]) in last:
        end -= 1
    if (start, end) == (0, len(parts)) or is_small_talk(join_sentences(parts[start:end])):
        return text
    return join_sentences(parts[start:end])


Key = tuple[str, str]


def merge_similar(counts: dict[Key, int]) -> dict[Key, Key]:
    """Finds near-duplicates among answer keys.

    Args:
        counts: (language, key) to how often it was said.

    Returns:
        Each key to its leader: the most frequent one that says the same. A leader leads itself; chains do not form,
        because each key is compared with leaders only.
    """
    leaders: dict[Key, Key] = {key: key for key in counts}
    ordered = sorted(counts, key=lambda key: (-counts[key], key))
    led: set[Key] = set()
    for key, candidates in _candidates(ordered):
        if key in led:
            continue
        for other in candidates:
            if other not in led and other != key and counts[other] <= counts[key] and _same(key, other):
                leaders[other] = key
                led.add(other)
    return leaders


def _candidates(ordered: list[Key]) -> Iterator[tuple[Key, list[Key]]]:
    """Yields each key with the later ones that share most of its shingles."""
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(threshold=SIMILAR, num_perm=64, num_bands=16)
    sketches = []
    for number, (language, text) in enumerate(ordered):
        sketch = RMinHash(num_perm=64, seed=42)
        sketch.update(list(_shingles(language, text)))
        index.insert(number, sketch)
        sketches.append(sketch)
    for number, key in enumerate(ordered):
        yield key, [ordered[i] for i in sorted(index.query(sketches[number])) if i > number]


def _shingles(language: str, text: str) -> set[str]:
    """Character 4-grams: a typo in a long answer changes few of them."""
    padded = f"{language} {text} "
    return {padded[i : i + 4] for i in range(max(1, len(padded) - 3))}


def _same(left: Key, right: Key) -> bool:
    """True when two keys differ in nothing that matters."""
    if left[0] != right[0]:
        return False
    a, b = left[1].split(), right[1].split()
    if _matter(a) != _matter(b):
        return False
    only_a, only_b = Counter(a) - Counter(b), Counter(b) - Counter(a)
    return _explained(only_a, only_b) and _explained(only_b, only_a)


def _matter(tokens: Iterable[str]) -> Counter[str]:
    return Counter(t for t in tokens if _NUMBER.search(t) or t in _NEGATION or t.endswith("n't") or t[0] == "<")


def _explained(words: Iterable[str], others: Iterable[str]) -> bool:
    """True when each word is light, or a typo of one on the other side."""
    others = list(others)
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
