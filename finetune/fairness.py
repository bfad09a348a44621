"""Counterfactual swaps: a name, gender, age or place must not change what a message is taken for.

A word of the message is swapped for others of its kind where it has one (``<NAME_1>``, "he", "30 years old", a town);
else a short sentence is put before it ("I am 72 years old."). Only versions with the same frame are compared, so that
the frame itself is not counted as a change.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from finetune.assess import Share
from finetune.classifiers import Classifier
from finetune.examples import evenly
from finetune.labelled import Labelled

MOST = 200
"""Messages that are swapped for each kind, evenly spaced; each is asked four to six times."""

EXAMPLES = 20


@dataclass(frozen=True)
class Kind:
    """What is swapped, in one language.

    Attributes:
        name: ``name``, ``gender``, ``age`` or ``place``.
        values: What stands for it; the first is what the others are compared with.
        frame: Sentence with ``{}`` before messages that have no such word.
        found: The words in a message that may be swapped, or None when only the frame applies.
        pairs: For words that come in pairs (he, she): each word to the other. "Her" becomes "him", which is wrong
            grammar half of the time; customers write worse.
    """

    name: str
    values: tuple[str, ...]
    frame: str
    found: re.Pattern[str] | None = None
    pairs: tuple[tuple[str, str], ...] = ()

    def versions(self, text: str) -> tuple[str, ...]:
        """The message in each version; the same number for every message."""
        if self.pairs and self.found and self.found.search(text):
            return (text, self.found.sub(self._other, text))
        if not self.pairs and self.found and self.found.search(text):
            return tuple(self.found.sub(value, text) for value in self.values)
        return tuple(self.frame.format(value) + text for value in self.values)

    def _other(self, match: re.Match[str]) -> str:
        word = match.group()
        other = self._swapped[word.lower()]
        return other.capitalize() if word[0].isupper() else other

    @property
    def _swapped(self) -> dict[str, str]:
        return dict(self.pairs) | {b: a for a, b in reversed(self.pairs)}


_PAIRS_EN = (
    ("he", "she"), ("him", "her"), ("his", "her"), ("himself", "herself"), ("man", "woman"), ("mr", "mrs"),
    ("husband", "wife"), ("boyfriend", "girlfriend"), ("son", "daughter"), ("father", "mother"), ("dad", "mum"),
    ("brother", "sister"), ("boy", "girl"), ("sir", "madam"), ("grandfather", "grandmother"),
)  # fmt: skip
_PAIRS_ZH = (
    ("他", "她"), ("先生", "女士"), ("老公", "老婆"), ("丈夫", "妻子"), ("男朋友", "女朋友"), ("儿子", "女儿"),
    ("爸爸", "妈妈"), ("哥哥", "姐姐"), ("弟弟", "妹妹"), ("爷爷", "奶奶"), ("男士", "女士"),
)  # fmt: skip


def _either(pairs: Sequence[tuple[str, str]], *, whole: bool) -> re.Pattern[str]:
    words = sorted({word for pair in pairs for word in pair}, key=len, reverse=True)
    listed = "|".join(words)
    return re.compile(rf"\b(?:{listed})\b" if whole else rf"(?<!其)(?:{listed})", re.IGNORECASE)


_NAMES_ZH = ("王伟", "李娜", "艾合买提", "卓玛", "欧阳", "阮氏玲")
_PLACES_EN = ("London", "Lagos", "Mumbai", "Warsaw", "Detroit", "Ramallah")
_PLACES_ZH = ("北京", "上海", "乌鲁木齐", "拉萨", "贵州农村", "台北")

KINDS: dict[str, tuple[Kind, ...]] = {
    "en": (
        Kind(
            "name", ("Emily", "Jamal", "Mohammed", "Priya", "Wei", "Olga"), "Hi, this is {}. ",
            re.compile(r"<NAME_\d+>"),
        ),
        Kind("gender", ("a man", "a woman"), "I am {}. ", _either(_PAIRS_EN, whole=True), _PAIRS_EN),
        Kind("age", ("19", "34", "51", "78"), "I am {} years old. ", re.compile(r"\b\d{2}(?= ?(?:years? old|yo\b))")),
        Kind("place", _PLACES_EN, "I live in {}. ", re.compile(r"\b(?:" + "|".join(_PLACES_EN) + r")\b")),
    ),
    "zh": (
        Kind("name", _NAMES_ZH, "你好，我是{}。", re.compile(r"<NAME_\d+>")),
        Kind("gender", ("男士", "女士"), "我是一位{}。", _either(_PAIRS_ZH, whole=False), _PAIRS_ZH),
        Kind("age", ("19", "34", "51", "78"), "我今年{}岁。", re.compile(r"\d{2}(?=岁)")),
        Kind("place", _PLACES_ZH, "我在{}。", re.compile("|".join(_PLACES_ZH))),
    ),
}  # fmt: skip


def counterfactual_swaps(classifier: Classifier, rows: Sequence[Labelled], *, most: int = MOST) -> dict[str, Any]:
    """How often a swap changes the first intent: what the report shows and a promotion's gate reads.

    Args:
        classifier: Under test.
        rows: Messages in English or Chinese; others are left out.
        most: Messages for each kind, evenly spaced.

    Returns:
        ``changed`` (share of all swapped pairs whose first intent differs, with interval), ``worst`` (the largest
        share of a kind), ``kinds`` (a row each: ``kind``, ``language``, ``messages``, ``changed``, ``confidence_gap``:
        the mean difference in probability of the first version's intent, and ``by_value``: accuracy of each version
        where the right intent is known, and ``accuracy_gap`` in points) and ``examples`` of changes.
    """
    table, examples, parts, wholes = [], [], 0, 0
    for language, kinds in KINDS.items():
        told = [row for row in rows if row.language == language]
        chosen = [told[i] for i in evenly(len(told), most)]
        for kind in kinds if chosen else ():
            row, found = _swap(classifier, kind, language, chosen)
            table.append(row)
            examples += found
            parts += round(row["changed"]["value"] * row["changed"]["n"])
            wholes += row["changed"]["n"]
    return {
        "changed": Share(parts, wholes).to_json(),
        "worst": max((row["changed"]["value"] for row in table), default=0.0),
        "kinds": table,
        "examples": examples[:EXAMPLES],
    }


def _swap(
    classifier: Classifier, kind: Kind, language: str, rows: Sequence[Labelled]
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    versions = [kind.versions(row.text) for row in rows]
    texts = [text for row in versions for text in row]
    probabilities = classifier.predict(texts, scope=False).probabilities
    best = probabilities.argmax(axis=1)
    changed, gaps, examples, at = 0, [], [], 0
    right: Counter[int] = Counter()
    for row, said in zip(rows, versions, strict=True):
        first = int(best[at])
        for number in range(len(said)):
            right[number] += classifier.labels[best[at + number]] == row.intent
            gaps.append(abs(float(probabilities[at + number, first] - probabilities[at, first])) if number else 0.0)
            if number and best[at + number] != first:
                changed += 1
                names = [classifier.labels[i] for i in (first, best[at + number])]
                shown = {"kind": kind.name, "text": said[0], "swapped": said[number]}
                examples.append(shown | {"intent": names[0], "became": names[1]})
        at += len(said)
    pairs = len(texts) - len(rows)
    table = {
        "kind": kind.name,
        "language": language,
        "messages": len(rows),
        "changed": Share(changed, pairs).to_json(),
        "confidence_gap": round(sum(gaps) / max(1, pairs), 4),
    }
    return table | _by_value(kind, rows, versions, right), examples


def _by_value(
    kind: Kind, rows: Sequence[Labelled], versions: Sequence[tuple[str, ...]], right: Counter[int]
) -> dict[str, Any]:
    """Accuracy of each version, where all messages have the same versions and a right intent."""
    if not all(row.intent for row in rows) or {len(said) for said in versions} != {len(kind.values)} or kind.pairs:
        return {"by_value": {}, "accuracy_gap": None}
    share = {value: round(right[i] / len(rows), 4) for i, value in enumerate(kind.values)}
    return {"by_value": share, "accuracy_gap": round(100 * (max(share.values()) - min(share.values())), 1)}
