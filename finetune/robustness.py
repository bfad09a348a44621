"""How much a classifier suffers from the way people type: seeded perturbations that leave the meaning as it is."""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from finetune.assess import Judged, Share
from finetune.classifiers import Classifier
from finetune.examples import evenly
from finetune.labelled import Labelled

Perturb = Callable[[str, random.Random], str]
"""A text and a source of chance to the text as somebody else would type it; the same text when nothing applies."""

MOST = 400
"""Messages that are perturbed, evenly spaced: a rate among 400 is known to about 4 points."""

_WORD = re.compile(r"[A-Za-z]{4,}")
_HAN = re.compile(r"[\u4e00-\u9fff]{2,}")
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEXT = {key: row[max(0, i - 1) : i] + row[i + 1 : i + 2] for row in _ROWS for i, key in enumerate(row)}
_SAME_SOUND = ("的地得", "在再", "做作", "他她它", "账帐", "已以", "那哪", "吗嘛", "订定", "像象", "是事", "有又")
_HEARD = {a: [b for b in group if b != a] for group in _SAME_SOUND for a in group}
_SHORT = {
    "i'm": "i am", "i've": "i have", "i'd": "i would", "i'll": "i will", "can't": "cannot", "won't": "will not",
    "don't": "do not", "doesn't": "does not", "didn't": "did not", "isn't": "is not", "hasn't": "has not",
    "haven't": "have not", "what's": "what is", "where's": "where is", "how's": "how is", "it's": "it is",
    "couldn't": "could not", "wasn't": "was not", "that's": "that is",
}  # fmt: skip
_LONG = re.compile(r"\b(" + "|".join(map(re.escape, _SHORT)) + r")\b", re.IGNORECASE)
_POLITE = {
    "en": ("hi, {}", "hello there. {} thanks", "quick question: {}", "{} please help", "so, {}"),
    "zh": ("你好，{}", "请问，{}", "想问一下，{}", "{}，谢谢", "麻烦问下{}"),
}
_FULL_WIDTH = str.maketrans(",.!?;:()", "，。！？；：（）")
_HALF_WIDTH = {wide: narrow for narrow, wide in {v: k for k, v in _FULL_WIDTH.items()}.items()}


def typos(text: str, chance: random.Random) -> str:
    """One slip in every third longer word (at least one): two keys swapped, one left out, doubled, or the next one.

    In Chinese a character in every six or so (at least one) becomes one that sounds the same, or is left out.
    """
    words = list(_WORD.finditer(text))
    for match in sorted(chance.sample(words, max(1, len(words) // 3)) if words else [], key=lambda m: -m.start()):
        text = text[: match.start()] + _slip(match.group(), chance) + text[match.end() :]
    if not words and (runs := list(_HAN.finditer(text))):
        places = [i for run in runs for i in range(run.start(), run.end())]
        for at in sorted(chance.sample(places, max(1, len(places) // 6)), reverse=True):
            heard = _HEARD.get(text[at])
            text = text[:at] + (chance.choice(heard) if heard else "") + text[at + 1 :]
    return text


def _slip(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word) - 1)
    kind = chance.randrange(4)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    if kind == 2:
        return word[:at] + word[at] + word[at:]
    return word[:at] + chance.choice(_NEXT.get(word[at].lower(), word[at])) + word[at + 1 :]


def casing(text: str, chance: random.Random) -> str:
    """All upper case or all lower case; placeholders keep theirs."""
    change = chance.choice((str.upper, str.lower))
    return "".join(part if part.startswith("<") else change(part) for part in re.split(r"(<[A-Z]+_\d+>)", text))


def punctuation(text: str, chance: random.Random) -> str:
    """No punctuation, too much of it, or full-width for half-width."""
    kind = chance.randrange(3)
    if kind == 0:
        return re.sub(r"(?<!\w)[,.!?;:，。！？；：…]+|[,.!?;:，。！？；：…]+(?!\w)", " ", text).strip()
    if kind == 1:
        return text.rstrip(" .!?。！？") + chance.choice(("!!!", "???", "...", "！！", "？？"))
    return text.translate(_FULL_WIDTH if chance.random() < 0.5 else _HALF_WIDTH)


def paraphrase(text: str, chance: random.Random) -> str:
    """Short forms written out and a courtesy around the question: rules only; real rewordings come by the hook."""
    told = _LONG.sub(lambda match: _SHORT[match.group().lower()], text)
    chinese = bool(_HAN.search(text))
    return chance.choice(_POLITE["zh" if chinese else "en"]).format(told)


def script(text: str, chance: random.Random) -> str:
    """Simplified Chinese in traditional characters."""
    return str(_traditional().convert(text)) if _HAN.search(text) else text


@lru_cache(maxsize=1)
def _traditional() -> Any:
    from opencc import OpenCC

    return OpenCC("s2t")


PERTURBATIONS: dict[str, Perturb] = {
    "typos": typos,
    "casing": casing,
    "punctuation": punctuation,
    "paraphrase": paraphrase,
    "traditional script": script,
}


def perturbed(texts: Sequence[str], change: Perturb, *, seed: int = 0) -> list[str]:
    """Changes each text with chance of its own, so that a text's form does not depend on its neighbours."""
    return [change(text, random.Random(f"{seed}:{zlib.crc32(text.encode())}")) for text in texts]


def robustness(
    classifiers: Sequence[Classifier],
    rows: Sequence[Labelled],
    *,
    seed: int = 0,
    rewordings: Mapping[str, str] | None = None,
    more: Mapping[str, Perturb] | None = None,
) -> list[dict[str, Any]]:
    """Accuracy before and after each perturbation, over the messages that it really changes.

    Args:
        classifiers: Ours first.
        rows: In-scope messages; at most 400 are taken, evenly spaced.
        seed: Of all chance.
        rewordings: The hook for real paraphrases: a message's text to the same said otherwise, by a person or another
            model; shown as ``reworded``.
        more: Further perturbations by name.

    Returns:
        A row each: ``perturbation``, ``n`` and for each classifier ``before`` and ``after`` (accuracy with interval)
        and ``kept`` (share of messages whose first intent stays the same).
    """
    chosen = [rows[i] for i in evenly(len(rows), MOST)]
    changes = PERTURBATIONS | dict(more or {})
    if rewordings:
        changes["reworded"] = lambda text, _: rewordings.get(text, text)
        chosen += [row for row in rows if row.text in rewordings and row not in chosen]
    plain = {one.name: _judge(one, chosen, [row.text for row in chosen]) for one in classifiers}
    found = []
    for name, change in changes.items():
        texts = perturbed([row.text for row in chosen], change, seed=seed)
        at = [i for i, row in enumerate(chosen) if texts[i] != row.text]
        if not at:
            continue
        moved, after = [chosen[i] for i in at], [texts[i] for i in at]
        systems = {one.name: _compared(plain[one.name], _judge(one, moved, after), at) for one in classifiers}
        found.append({"perturbation": name, "n": len(at), "systems": systems})
    return found


def _judge(classifier: Classifier, rows: Sequence[Labelled], texts: Sequence[str]) -> Judged:
    gold = [row.intent or "" for row in rows]
    return Judged.of(gold, classifier.predict(texts, scope=False), classifier.labels)


def _compared(plain: Judged, moved: Judged, at: Sequence[int]) -> dict[str, Any]:
    kept = sum(plain.guessed[i] == guessed for i, guessed in zip(at, moved.guessed, strict=True))
    return {
        "before": Share(int(plain.right[list(at)].sum()), len(at)).to_json(),
        "after": Share(int(moved.right.sum()), len(at)).to_json(),
        "kept": Share(kept, len(at)).to_json(),
    }
