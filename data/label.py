"""Topics of a log, and the customers' messages that teach them.

Where the help desk tagged a conversation, the tag is its topic. Conversations without one are given a tag when a
classifier trained on the tagged ones is sure; what remains is grouped by `data.discover`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from data.courtesy import is_small_talk, strip_courtesies
from data.dedupe import strip_stock
from data.discover import Cluster, discover
from data.embed import embed_words
from data.schema import Conversation, IntentExample, Split, Topic

FEWEST = 4
"""Conversations a topic needs; a rarer tag is no tag."""

SURE = 0.85
"""Share of tags that must be right, on tagged conversations left out, above the confidence from which they are given;
people who tag agree about as often."""

SAME, CLOSE = 0.8, 0.62
"""Cosine of character n-grams from which a topic's example is an example of the domain's own intent, and from which it
is too close to one to teach anything else."""

LONGEST = 300
"""Characters; a longer opening tells a story of several topics."""

OUT_OF_SCOPE = "out_of_scope"
_SLUG = re.compile(r"[^a-z0-9\u00c0-\u024f\u4e00-\u9fff]+")


@dataclass
class Topics:
    """What `find_topics` found.

    Attributes:
        topics: The largest first.
        of: Conversation id to topic id.
        examples: The messages that teach the topics, and those that turned out to teach an intent of the domain.
        static: The domain's examples that remain.
        counts: How many conversations were tagged, assigned, grouped or left; how many examples were moved or dropped.
    """

    topics: list[Topic]
    of: dict[str, str]
    examples: list[IntentExample]
    static: list[IntentExample]
    counts: Counter[str] = field(default_factory=Counter)


def find_topics(
    conversations: Sequence[Conversation], splits: Mapping[str, Split], static: Sequence[IntentExample]
) -> Topics:
    """Finds the topics of a log.

    Args:
        conversations: Redacted, with their language.
        splits: Conversation id to split; only conversations of the train split shape the topics.
        static: Examples of the domain's own intents, which topics must not take.
    """
    openings = _openings(conversations)
    languages = {c.id: c.language or "en" for c in conversations}
    own = {example.intent for example in static}
    of, titles = _tagged(conversations, openings)
    counts = Counter(tagged=len(of))
    assigned = _assign(of, openings, languages, splits)
    of |= assigned
    counts["assigned"] = len(assigned)
    clusters = _discovered([i for i in openings if i not in of], openings, languages)
    taken = set(titles) | own
    keywords: dict[str, tuple[str, ...]] = {}
    for cluster, members in clusters:
        name = _fresh(_slug("_".join(cluster.keywords[:2])) or "topic", taken)
        titles[name], keywords[name] = cluster.title, cluster.keywords
        of |= dict.fromkeys(members, name)
        counts["grouped"] += len(members)
    counts["without_topic"] = sum(i not in of for i in openings)
    examples = _examples(openings, of, languages, splits, own)
    examples, kept = _settle(examples, list(static), counts)
    of = {i: name for i, name in of.items() if name not in own}
    return Topics(_topics(of, titles, keywords, languages, openings), of, examples, kept, counts)


def opening(conversation: Conversation) -> str | None:
    """What the customer came for: the first message that says something, without courtesies; None when none does."""
    for message in conversation.messages[:8]:
        if message.role == "customer" and not is_small_talk(message.text):
            return strip_courtesies(message.text)
    return None


def _openings(conversations: Sequence[Conversation]) -> dict[str, str]:
    """Openings by conversation, without sentences that open many different questions ("First time customer here.")."""
    found = {c.id: text for c in conversations if (text := opening(c))}
    return dict(zip(found, strip_stock(list(found.values())), strict=True))


def _slug(text: str) -> str:
    return _SLUG.sub("_", text.lower()).strip("_")


def _fresh(name: str, taken: set[str]) -> str:
    """A name that is not taken, which it is afterwards."""
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}_{number}", number + 1
    taken.add(candidate)
    return candidate


def _tagged(
    conversations: Iterable[Conversation], openings: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Conversation id to the topic of its tag, and topic to title, for tags that are not rare."""
    tags = {c.id: c.topic for c in conversations if c.topic and c.id in openings}
    common = {tag for tag, count in Counter(tags.values()).items() if count >= FEWEST}
    names = {tag: _slug(tag) or f"topic_{i}" for i, tag in enumerate(sorted(common), start=1)}
    titles = {name: tag.replace("_", " ").strip() for tag, name in names.items()}
    return {i: names[tag] for i, tag in tags.items() if tag in names}, titles


def _assign(
    of: Mapping[str, str], openings: Mapping[str, str], languages: Mapping[str, str], splits: Mapping[str, Split]
) -> dict[str, str]:
    """Gives conversations without a tag the one of which a classifier is sure enough."""
    assigned: dict[str, str] = {}
    for language in sorted(set(languages.values())):
        known = [i for i in openings if i in of and languages[i] == language and splits.get(i) == "train"]
        unknown = [i for i in openings if i not in of and languages[i] == language]
        sizes = Counter(of[i] for i in known)
        known = [i for i in known if sizes[of[i]] >= FEWEST]
        if len(known) >= 40 and len({of[i] for i in known}) >= 2 and unknown:
            assigned |= _classify(known, unknown, of, openings, language)
    return assigned


def _classify(
    known: Sequence[str], unknown: Sequence[str], of: Mapping[str, str], openings: Mapping[str, str], language: str
) -> dict[str, str]:
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    vectors = embed_words([openings[i] for i in (*known, *unknown)], language)
    train, rest = vectors[: len(known)], vectors[len(known) :]
    tags = np.array([of[i] for i in known])
    model = LogisticRegression(C=10, max_iter=200)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    held = cross_val_predict(model, train, tags, cv=folds, method="predict_proba")  # (known, tags)
    least = _least_confidence(held.max(axis=1), np.unique(tags)[held.argmax(axis=1)] == tags)
    chances = model.fit(train, tags).predict_proba(rest)
    best = zip(unknown, chances.argmax(axis=1), chances.max(axis=1), strict=True)
    return {i: str(model.classes_[which]) for i, which, chance in best if chance >= least}


def _least_confidence(confidence: Sequence[float], right: Sequence[bool]) -> float:
    """The lowest confidence above which the share of right tags is at least ``SURE``; at least 0.3."""
    ranked = sorted(zip(confidence, right, strict=True), reverse=True)
    least, hits = 1.01, 0
    for rank, (chance, hit) in enumerate(ranked, start=1):
        hits += bool(hit)
        if rank >= 10 and hits >= SURE * rank:
            least = float(chance)
    return max(0.3, least)


def _discovered(
    ids: Sequence[str], openings: Mapping[str, str], languages: Mapping[str, str]
) -> list[tuple[Cluster, list[str]]]:
    """Clusters of what has no topic, by language; where some topics exist, a few leftovers make no new one."""
    found = []
    for language in sorted({languages[i] for i in ids}):
        mine = [i for i in ids if languages[i] == language]
        for cluster in discover([openings[i] for i in mine], language):
            if len(cluster.members) >= FEWEST:
                found.append((cluster, [mine[position] for position in cluster.members]))
    return found


def _examples(
    openings: Mapping[str, str],
    of: Mapping[str, str],
    languages: Mapping[str, str],
    splits: Mapping[str, Split],
    own: set[str],
) -> list[IntentExample]:
    """One row for each opening of a known topic; an opening that is repeated teaches once a split."""
    rows: dict[tuple[str, str, Split], IntentExample] = {}
    for name, text in openings.items():
        if name in of and name in splits and len(text) <= LONGEST:
            kind = "static" if of[name] in own else "topic"
            row = IntentExample(text, of[name], kind, splits[name], languages[name])  # type: ignore[arg-type]
            rows.setdefault((text, of[name], splits[name]), row)
    return list(rows.values())


def _settle(
    examples: list[IntentExample], static: list[IntentExample], counts: Counter[str]
) -> tuple[list[IntentExample], list[IntentExample]]:
    """Ends quarrels between topics and the domain's intents.

    What is nearly an example of an intent becomes one; what is close to one is dropped. Towards ``out_of_scope`` it is
    the other way round: what this shop's customers ask is in scope.
    """
    topical = [e for e in examples if e.kind == "topic"]
    rivals = [e for e in static if e.intent != OUT_OF_SCOPE]
    if not topical or not rivals:
        return examples, static
    settled = [e for e in examples if e.kind == "static"]
    for example, (likeness, nearest) in zip(topical, _nearest(topical, rivals), strict=True):
        if likeness >= SAME:
            counts["moved_to_intents"] += 1
            settled.append(replace(example, intent=rivals[nearest].intent, kind="static"))
        elif likeness >= CLOSE:
            counts["dropped_as_close"] += 1
        else:
            settled.append(example)
    outside = [e for e in static if e.intent == OUT_OF_SCOPE]
    near = _nearest(outside, topical) if outside else []
    in_scope = {e.text for e, (likeness, _) in zip(outside, near, strict=True) if likeness >= CLOSE}
    counts["in_scope_here"] = len(in_scope)
    return settled, [e for e in static if e.intent != OUT_OF_SCOPE or e.text not in in_scope]


def _nearest(queries: Sequence[IntentExample], others: Sequence[IntentExample]) -> list[tuple[float, int]]:
    """Cosine of character n-grams to the nearest other text, and its position."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    features = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True)
    matrix = features.fit_transform([e.text.lower() for e in (*others, *queries)])
    likeness = (matrix[len(others) :] @ matrix[: len(others)].T).tocsr()  # (queries, others)
    found = []
    for row in range(likeness.shape[0]):
        values = likeness[row]
        found.append((float(values.data.max()), int(values.indices[values.data.argmax()])) if values.nnz else (0.0, 0))
    return found


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
