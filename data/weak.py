"""Weak rules: words and patterns that hint at a topic, weighed against each other by a label model.

A rule is quick to write and often wrong. Where several vote, Dawid and Skene's model (1979; from crowd-kit) finds out
which rules to believe from how they agree, without any true label. See docs/how-to/topics.md for the file.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli

from data.errors import InputError
from data.workspace import Workspace

KNOWN = ("topic", "any", "all", "none", "pattern", "language")
LONE = 0.75
"""Belief in a rule that never met another one on a text."""

PRIOR = 4.0
"""Votes that `LONE` weighs as, against the agreement that was seen."""

LEAST = 0.5
"""Confidence from which a label counts; below, the rules contradict each other."""

_HAN = re.compile("[\u3400-\u9fff]")


@dataclass(frozen=True)
class Rule:
    """One rule; all its conditions must hold.

    Attributes:
        name: ``rule 3`` (its place in the file) for messages.
        topic: What it votes for.
        any: At least one of these stands in the text.
        all: Each of these does.
        none: None of these does.
        pattern: And this is found, if given.
        language: Only texts of this language, if given.
    """

    name: str
    topic: str
    any: re.Pattern[str] | None = None
    all: tuple[re.Pattern[str], ...] = ()
    none: re.Pattern[str] | None = None
    pattern: re.Pattern[str] | None = None
    language: str | None = None

    def votes(self, text: str, language: str) -> bool:
        """Whether the rule speaks for its topic."""
        return not (
            (self.language and self.language != language)
            or (self.any and not self.any.search(text))
            or (self.none and self.none.search(text))
            or (self.pattern and not self.pattern.search(text))
            or _misses(self.all, text)
        )


def _misses(patterns: Iterable[re.Pattern[str]], text: str) -> bool:
    """True when one of the patterns is not found."""
    return any(not pattern.search(text) for pattern in patterns)


def read_rules(path: Path) -> list[Rule]:
    """Reads a TOML file of ``[[rule]]`` tables.

    Raises:
        InputError: No such file, broken TOML, an unknown key, a rule without topic or condition, or a bad pattern.
    """
    try:
        content = tomli.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _refusal(str(path), "no such file", "a TOML file of [[rule]] tables") from error
    except (tomli.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise _refusal(str(path), str(error), "valid TOML in UTF-8") from error
    rows = content.get("rule")
    if not isinstance(rows, list) or not rows or set(content) != {"rule"}:
        raise _refusal(str(path), f"the keys {sorted(content)}", "[[rule]] tables and nothing else")
    return [_rule(f"{path} rule {number}", row) for number, row in enumerate(rows, start=1)]


def rules_of(workspace: Workspace) -> list[Rule]:
    """The rules that ``[learn] rules`` of a workspace names; none where it names none.

    Raises:
        InputError: See ``read_rules``.
    """
    return read_rules(workspace.rules) if workspace.rules else []


def _rule(name: str, row: Any) -> Rule:
    if not isinstance(row, dict):
        raise _refusal(name, repr(row), "a table")
    if unknown := sorted(set(row) - set(KNOWN)):
        raise _refusal(name, f"unknown key {unknown[0]!r}", f"one of {', '.join(KNOWN)}")
    topic = row.get("topic")
    if not isinstance(topic, str) or not topic.strip():
        raise _refusal(f"{name} topic", repr(topic), "the name of a topic")
    if not any(row.get(key) for key in ("any", "all", "pattern")):
        raise _refusal(name, "no condition", "any, all or pattern")
    lists = {key: _words(f"{name} {key}", row.get(key, [])) for key in ("any", "all", "none")}
    return Rule(
        name,
        topic.strip(),
        any=_one_of(lists["any"]),
        all=tuple(pattern for word in lists["all"] if (pattern := _one_of([word]))),
        none=_one_of(lists["none"]),
        pattern=_pattern(f"{name} pattern", row.get("pattern")),
        language=_language(f"{name} language", row.get("language")),
    )


def _words(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(word, str) and word.strip() for word in value):
        raise _refusal(name, repr(value), 'a list of words, such as ["refund", "money back"]')
    return [word.strip() for word in value]


def _language(name: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise _refusal(name, repr(value), 'a language, such as "zh"')
    return value


def _pattern(name: str, value: Any) -> re.Pattern[str] | None:
    if value is None:
        return None
    try:
        return re.compile(value, re.IGNORECASE)
    except (re.error, TypeError) as error:
        raise _refusal(name, f"{value!r} ({error})", "a regular expression") from error


def _one_of(words: Sequence[str]) -> re.Pattern[str] | None:
    """Whole words, where a final ``*`` leaves the end open; a Chinese word anywhere, as nothing stands between them."""
    parts = []
    for word in words:
        bare = re.escape(word.removesuffix("*")).replace(r"\ ", r"\s+")
        parts.append(bare if _HAN.search(word) else rf"\b{bare}" + ("" if word.endswith("*") else r"\b"))
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None


def _refusal(thing: str, got: str, expected: str) -> InputError:
    return InputError(thing, got=got, expected=expected, next_step="Mend the file; docs/how-to/topics.md shows one.")


def weak_labels(
    texts: Mapping[str, str], languages: Mapping[str, str], rules: Sequence[Rule]
) -> dict[str, tuple[str, float]]:
    """Labels what the rules speak for.

    Args:
        texts: Id to text.
        languages: Id to language.
        rules: From ``read_rules``.

    Returns:
        Id to (topic, confidence 0..1), only for texts with a confidence of at least ``LEAST``.
    """
    votes = {i: found for i, text in texts.items() if (found := votes_of(text, languages[i], rules))}
    beliefs = _beliefs(votes, rules)
    posterior = _dawid_skene({i: found for i, found in votes.items() if len(found) > 1}, rules)
    labels = {}
    for i, found in votes.items():
        scores = posterior.get(i) or {rules[found[0]].topic: 1.0}
        topic = max(sorted(scores), key=lambda name: scores[name])
        confidence = scores[topic] * _noisy_or([beliefs[rule] for rule in found if rules[rule].topic == topic])
        if confidence >= LEAST:
            labels[i] = (topic, round(float(confidence), 3))
    return labels


def votes_of(text: str, language: str, rules: Sequence[Rule]) -> list[int]:
    """Numbers of the rules that speak."""
    return [number for number, rule in enumerate(rules) if rule.votes(text, language)]


def _noisy_or(beliefs: Sequence[float]) -> float:
    """Chance that not all of them are wrong; 0 for none."""
    wrong = 1.0
    for belief in beliefs:
        wrong *= 1 - belief
    return 1 - wrong


def _beliefs(votes: Mapping[str, Sequence[int]], rules: Sequence[Rule]) -> list[float]:
    """How often each rule agreed with the others that spoke on its texts, drawn towards ``LONE``."""
    agreed, met = Counter[int](), Counter[int]()
    for found in votes.values():
        for rule in found:
            for other in found:
                if other != rule:
                    met[rule] += 1
                    agreed[rule] += rules[other].topic == rules[rule].topic
    return [(agreed[i] + PRIOR * LONE) / (met[i] + PRIOR) for i in range(len(rules))]


def _dawid_skene(votes: Mapping[str, Sequence[int]], rules: Sequence[Rule]) -> dict[str, dict[str, float]]:
    """Chances of each topic where at least two rules spoke."""
    if not votes:
        return {}
    import pandas
    from crowdkit.aggregation import DawidSkene

    rows = [(i, rule, rules[rule].topic) for i, found in votes.items() for rule in found]
    table = pandas.DataFrame(rows, columns=["task", "worker", "label"])
    chances = DawidSkene(n_iter=20).fit_predict_proba(table)
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for topic in chances.columns:
        for i, chance in chances[topic].items():
            found[i][str(topic)] = float(chance)
    return dict(found)
