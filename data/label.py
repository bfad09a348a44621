"""Topics of a log, and the customers' messages that teach them.

What a person accepted is a conversation's topic, else what the help desk tagged, else what weak rules agree on.
Conversations without any of these are given a topic when a classifier trained on the others is sure; what remains is
grouped by `data.discover`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar

from data.courtesy import is_small_talk, strip_courtesies
from data.dedupe import edges_of, stock_of, strip_stock, without_stock
from data.discover import Cluster, discover
from data.embed import embed_words
from data.labelled import intent_names, label_of, labelled_rows, labelled_topics
from data.schema import Conversation, IntentExample, Split, Topic
from data.settling import settle
from data.weak import Rule, weak_labels

if TYPE_CHECKING:
    from data.embed import Embed

FEWEST = 4
"""Conversations a topic needs; a rarer tag is no tag."""

SURE = 0.85
"""Share of tags that must be right, on tagged conversations left out, above the confidence from which they are given;
people who tag agree about as often."""

MOST_EXAMPLES = 400
"""Training rows of one topic, at most; every conversation still gets its topic."""

LONGEST = 300
"""Characters; a longer opening tells a story of several topics."""

COUNTED = {"log": "tagged", "rules": "ruled", "person": "accepted", "model": "assigned", "cluster": "grouped"}
"""Sources of labels to what conversations that they labelled are counted as."""
Item = TypeVar("Item")
_SLUG = re.compile(r"[^a-z0-9\u00c0-\u024f\u4e00-\u9fff]+")


@dataclass(frozen=True)
class Label:
    """The topic of a conversation, who says so (see `IntentExample.source`) and how sure that is (0..1)."""

    topic: str
    source: str
    confidence: float = 1.0


@dataclass
class Topics:
    """What `find_topics` found.

    Attributes:
        topics: The largest first.
        of: Conversation id to topic id.
        examples: The messages that teach the topics, and those that turned out to teach an intent of the domain.
        static: The domain's examples that remain.
        counts: How many conversations were tagged, accepted, ruled, assigned, grouped or left; how many examples were
            moved or dropped.
        labels: By conversation.
        openings: By conversation, as they were compared.
        stock: Sentences that were left out of them, at the start and at the end.
        settled: What became of examples that were compared with the domain's: text to the intent it teaches, to
            nothing where it teaches none, or to its own topic. Those of ``out_of_scope`` that are in scope here stand
            in it with that and a line feed before them.
    """

    topics: list[Topic]
    of: dict[str, str]
    examples: list[IntentExample]
    static: list[IntentExample]
    counts: Counter[str] = field(default_factory=Counter)
    labels: Mapping[str, Label] = field(default_factory=dict)
    openings: Mapping[str, str] = field(default_factory=dict)
    stock: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
    settled: Mapping[str, str] = field(default_factory=dict)


def find_topics(
    conversations: Sequence[Conversation],
    splits: Mapping[str, Split],
    static: Sequence[IntentExample],
    *,
    embed: Embed | None = None,
    accepted: Mapping[str, str] | None = None,
    rules: Sequence[Rule] = (),
    table: bool = False,
) -> Topics:
    """Finds the topics of a log.

    What a person accepted beats the log's own tag, a tag beats weak rules, and these beat a classifier trained on all
    three; what remains is grouped. Each example keeps which of them labelled it, and how sure that is.

    Args:
        conversations: Redacted, with their language.
        splits: Conversation id to split; only conversations of the train split shape the topics.
        static: Examples of the domain's own intents, which topics must not take.
        embed: An encoder for grouping; TF-IDF without one.
        accepted: Conversation id to topic, from `data.proposals.accepted_labels`.
        rules: From `data.weak.read_rules`.
        table: Whether every conversation is a single message, as in a table of labelled ones; where nine of ten have a
            label, labels are taken at their word (`data.labelled`).
    """
    if table and sum(label_of(c) is not None for c in conversations) >= 0.9 * max(1, len(conversations)):
        return _labelled_table(conversations, splits, static)
    said = {c.id: text for c in conversations if (text := opening(c))}
    stock = stock_of_openings(said.values())
    openings = {i: without_stock(text, *stock) for i, text in said.items()}
    languages = {c.id: c.language or "en" for c in conversations}
    own = {example.intent for example in static}
    labels, titles = _labelled(conversations, openings, languages, accepted or {}, rules)
    counts = Counter({COUNTED[source]: n for source, n in Counter(x.source for x in labels.values()).items()})
    counts["tagged"] += 0
    assigned = _assign({i: label.topic for i, label in labels.items()}, openings, languages, splits)
    labels |= {i: Label(name, "model", chance) for i, (name, chance) in assigned.items()}
    counts["assigned"] = len(assigned)
    clusters = _discovered([i for i in openings if i not in labels], openings, languages, embed)
    taken = set(titles) | own
    keywords: dict[str, tuple[str, ...]] = {}
    for cluster, members in clusters:
        name = fresh_name(slug("_".join(cluster.keywords[:2])) or "topic", taken)
        titles[name], keywords[name] = cluster.title, cluster.keywords
        labels |= dict.fromkeys(members, Label(name, "cluster", round(cluster.stability, 3)))
        counts["grouped"] += len(members)
    counts["without_topic"] = sum(i not in labels for i in openings)
    settled: dict[str, str] = {}
    examples, kept = settle(examples_of(openings, labels, languages, splits, own), static, counts, settled)
    of = {i: label.topic for i, label in labels.items() if label.topic not in own}
    topics = _topics(of, titles, keywords, languages, openings)
    return Topics(topics, of, examples, kept, counts, labels, openings, stock, settled)


def _labelled_table(
    conversations: Sequence[Conversation], splits: Mapping[str, Split], static: Sequence[IntentExample]
) -> Topics:
    languages = {c.id: c.language or "en" for c in conversations}
    labels = sorted({label for c in conversations if (label := label_of(c)) is not None})
    names = intent_names(labels, {label: slug(label) or f"topic_{i}" for i, label in enumerate(labels, start=1)})
    rows = labelled_rows(conversations, splits, languages, names, {example.intent for example in static})
    topics = labelled_topics(rows, {name: label for label, name in names.items()})
    of = {c.id: names[label] for c in conversations if (label := label_of(c)) is not None}
    return Topics(
        topics, of, rows, list(static), Counter(tagged=len(of), assigned=0, without_topic=len(languages) - len(of))
    )


def opening(conversation: Conversation) -> str | None:
    """What the customer came for: the first message that says something, without courtesies; None when none does."""
    for message in conversation.messages[:8]:
        if message.role == "customer" and not is_small_talk(message.text):
            return strip_courtesies(message.text)
    return None


def stock_of_openings(texts: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Sentences that open, and that end, many different questions, as keys."""
    first, last = edges_of(texts)
    return stock_of([first]), stock_of([last])


def openings_of(conversations: Sequence[Conversation]) -> dict[str, str]:
    """Openings by conversation, without sentences that open many different questions ("First time customer here.")."""
    found = {c.id: text for c in conversations if (text := opening(c))}
    return dict(zip(found, strip_stock(list(found.values())), strict=True))


def slug(text: str) -> str:
    """A name for a topic: lower case, digits and underscores; empty when nothing of the text can be one."""
    return _SLUG.sub("_", text.lower()).strip("_")


def fresh_name(name: str, taken: set[str]) -> str:
    """A name that is not taken, which it is afterwards."""
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}_{number}", number + 1
    taken.add(candidate)
    return candidate


def _labelled(
    conversations: Iterable[Conversation],
    openings: Mapping[str, str],
    languages: Mapping[str, str],
    accepted: Mapping[str, str],
    rules: Sequence[Rule],
) -> tuple[dict[str, Label], dict[str, str]]:
    """Labels of people, log and rules by conversation, and topic to title."""
    of, titles = _tagged(conversations, openings)
    labels = {i: Label(name, "log") for i, name in of.items()}
    unsaid = {i: text for i, text in openings.items() if i not in labels and i not in accepted}
    for i, (topic, confidence) in (weak_labels(unsaid, languages, rules) if rules else {}).items():
        labels[i] = Label(slug(topic) or topic, "rules", confidence)
        titles.setdefault(labels[i].topic, topic.replace("_", " "))
    for i, topic in accepted.items():
        if i in openings:
            labels[i] = Label(topic, "person")
            titles.setdefault(topic, topic.replace("_", " "))
    return labels, titles


def tag_of(conversation: Conversation) -> str | None:
    """The log's own label: the help desk's tag or disposition, or the intent of a labelled table's only message."""
    if conversation.topic:
        return conversation.topic
    said = [message for message in conversation.messages if message.role == "customer"]
    return said[0].intent if len(said) == 1 else None


def _tagged(
    conversations: Iterable[Conversation], openings: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Conversation id to the topic of its tag, and topic to title, for tags that are not rare."""
    tags = {c.id: tag for c in conversations if c.id in openings and (tag := tag_of(c))}
    common = {tag for tag, count in Counter(tags.values()).items() if count >= FEWEST}
    names = {tag: slug(tag) or f"topic_{i}" for i, tag in enumerate(sorted(common), start=1)}
    titles = {name: tag.replace("_", " ").strip() for tag, name in names.items()}
    return {i: names[tag] for i, tag in tags.items() if tag in names}, titles


def _assign(
    of: Mapping[str, str], openings: Mapping[str, str], languages: Mapping[str, str], splits: Mapping[str, Split]
) -> dict[str, tuple[str, float]]:
    """Gives conversations without a tag the one of which a classifier is sure enough."""
    assigned: dict[str, tuple[str, float]] = {}
    for language in sorted(set(languages.values())):
        known = [i for i in openings if i in of and languages[i] == language and splits.get(i) == "train"]
        unknown = [i for i in openings if i not in of and languages[i] == language]
        sizes = Counter(of[i] for i in known)
        known = _capped([i for i in known if sizes[of[i]] >= FEWEST], of)
        if len(known) >= 40 and len({of[i] for i in known}) >= 2 and unknown:
            assigned |= _classify(known, unknown, of, openings, language)
    return assigned


def _classify(
    known: Sequence[str], unknown: Sequence[str], of: Mapping[str, str], openings: Mapping[str, str], language: str
) -> dict[str, tuple[str, float]]:
    import warnings

    import numpy as np
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    vectors = embed_words([openings[i] for i in (*known, *unknown)], language)
    train, rest = vectors[: len(known)], vectors[len(known) :]
    tags = np.array([of[i] for i in known])
    model = LogisticRegression(C=10, max_iter=200)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last digits of the weights are of no use here
        held = cross_val_predict(model, train, tags, cv=folds, method="predict_proba")  # (known, tags)
        chances = model.fit(train, tags).predict_proba(rest)
    least = least_confidence(held.max(axis=1), np.unique(tags)[held.argmax(axis=1)] == tags)
    best = zip(unknown, chances.argmax(axis=1), chances.max(axis=1), strict=True)
    return {i: (str(model.classes_[which]), round(float(chance), 3)) for i, which, chance in best if chance >= least}


def _capped(ids: Sequence[str], of: Mapping[str, str]) -> list[str]:
    """At most ``MOST_EXAMPLES`` of each topic, evenly spaced in the order of the log."""
    members: dict[str, list[str]] = defaultdict(list)
    for i in ids:
        members[of[i]].append(i)
    kept = {i for inside in members.values() for i in evenly(inside, MOST_EXAMPLES)}
    return [i for i in ids if i in kept]


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many of the items, evenly spaced."""
    if len(items) <= most:
        return list(items)
    return [items[i * len(items) // most] for i in range(most)]


def least_confidence(confidence: Sequence[float], right: Sequence[bool]) -> float:
    """The lowest confidence above which the share of right tags is at least ``SURE``; at least 0.3."""
    ranked = sorted(zip(confidence, right, strict=True), reverse=True)
    least, hits = 1.01, 0
    for rank, (chance, hit) in enumerate(ranked, start=1):
        hits += bool(hit)
        if rank >= 10 and hits >= SURE * rank:
            least = float(chance)
    return max(0.3, least)


def _discovered(
    ids: Sequence[str], openings: Mapping[str, str], languages: Mapping[str, str], embed: Embed | None
) -> list[tuple[Cluster, list[str]]]:
    """Clusters of what has no topic, by language; where some topics exist, a few leftovers make no new one."""
    found = []
    for language in sorted({languages[i] for i in ids}):
        mine = [i for i in ids if languages[i] == language]
        for cluster in discover([openings[i] for i in mine], language, embed=embed):
            if len(cluster.members) >= FEWEST:
                found.append((cluster, [mine[position] for position in cluster.members]))
    return found


def examples_of(
    openings: Mapping[str, str],
    labels: Mapping[str, Label],
    languages: Mapping[str, str],
    splits: Mapping[str, Split],
    own: set[str],
) -> list[IntentExample]:
    """One row for each opening of a known topic; an opening that is repeated teaches once a split.

    At most ``MOST_EXAMPLES`` of a topic train: more of the same would teach nothing and take minutes. A hash of the
    text says which, so that a log that has grown by little has nearly the same.
    """
    rows: dict[tuple[str, str, Split], IntentExample] = {}
    for i, text in openings.items():
        if i in labels and i in splits and len(text) <= LONGEST:
            label = labels[i]
            kind: Literal["static", "topic"] = "static" if label.topic in own else "topic"
            row = IntentExample(text, label.topic, kind, splits[i], languages[i], label.source, label.confidence)
            rows.setdefault((text, label.topic, splits[i]), row)
    grouped: dict[tuple[str, Split], list[IntentExample]] = defaultdict(list)
    for row in rows.values():
        grouped[row.intent, row.split].append(row)
    return [row for members in grouped.values() for row in _drawn(members)]


def _drawn(rows: list[IntentExample]) -> list[IntentExample]:
    """At most ``MOST_EXAMPLES`` of the rows, in their order."""
    from data.wording import number

    if len(rows) <= MOST_EXAMPLES:
        return rows
    places = sorted(range(len(rows)), key=lambda place: number(rows[place].text))
    return [rows[place] for place in sorted(places[:MOST_EXAMPLES])]


def _topics(
    of: Mapping[str, str],
    titles: Mapping[str, str],
    keywords: Mapping[str, tuple[str, ...]],
    languages: Mapping[str, str],
    openings: Mapping[str, str],
) -> list[Topic]:
    from data.discover import keywords_of

    members: dict[str, list[str]] = defaultdict(list)
    for i, name in of.items():
        members[name].append(i)
    spoken = {name: Counter(languages[i] for i in ids).most_common(1)[0][0] for name, ids in members.items()}
    tagged = {name: [openings[i] for i in ids] for name, ids in members.items() if name not in keywords}
    words = keywords_of(tagged, spoken) | dict(keywords)
    topics = [
        Topic(name, titles[name], words[name], len(ids), spoken[name], labelled=name not in keywords)
        for name, ids in members.items()
    ]
    return sorted(topics, key=lambda topic: (-topic.size, topic.id))
