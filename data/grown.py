"""Topics of a log that has grown: what was labelled stays labelled, and only what is new is looked at.

Finding topics costs the same however little is new. So a large log keeps its topics until a third of it is new, or
``--fresh`` finds them again: a new conversation gets the topic of its tag, or that of the openings it is most like,
where that is sure enough.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from data.dedupe import without_stock
from data.discover import keywords_of
from data.label import (
    COUNTED,
    FEWEST,
    Label,
    Topics,
    evenly,
    examples_of,
    fresh_name,
    least_confidence,
    opening,
    slug,
    tag_of,
)
from data.parts import notes_of, read_table, write_table
from data.schema import Conversation, IntentExample, Split, Topic
from data.settling import settle
from data.wording import number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COMPARED = 100
"""Openings of a topic that tell what it is like, at most; half of them measure how well it is told."""

FEATURES = 1 << 15
"""Of hashed n-grams: no vocabulary has to be learned, or kept."""

LABEL_COLUMNS = pa.schema(
    [
        ("id", pa.string()),
        ("mark", pa.uint64()),
        ("opening", pa.string()),
        ("topic", pa.string()),
        ("source", pa.string()),
        ("confidence", pa.float64()),
    ]
)
"""One row a conversation that opens with something. ``mark`` is a hash of what was labelled."""


@dataclass(frozen=True)
class KnownTopics:
    """What an earlier build decided.

    Attributes:
        marks: Conversation id to a hash of its opening and tag.
        openings: Conversation id to its opening, without stock.
        labels: Conversation id to label.
        topics: By id.
        tags: The log's tag to topic id.
        stock: See `data.label.Topics`.
        settled: See there.
    """

    marks: Mapping[str, int]
    openings: Mapping[str, str]
    labels: Mapping[str, Label]
    topics: Mapping[str, Topic]
    tags: Mapping[str, str]
    stock: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
    settled: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> KnownTopics:
        """Reads what `save_topics` wrote."""
        table = read_table(path)
        notes = notes_of(table)
        rows = list(zip(*(table[name].to_pylist() for name in LABEL_COLUMNS.names), strict=True))
        labels = {i: Label(topic, source, sure) for i, _, _, topic, source, sure in rows if topic is not None}
        first, last = (frozenset(end) for end in notes["stock"])
        return cls(
            marks={row[0]: row[1] for row in rows},
            openings={row[0]: row[2] for row in rows},
            labels=labels,
            topics={row["id"]: Topic.from_json(row) for row in notes["topics"]},
            tags=notes["tags"],
            stock=(first, last),
            settled=notes["settled"],
        )


def marks_of(conversations: Sequence[Conversation]) -> dict[str, int]:
    """Conversation id to a hash of what is labelled: its opening and tag."""
    return {c.id: _mark(c) for c in conversations}


def save_topics(path: Path, conversations: Sequence[Conversation], found: Topics, marks: Mapping[str, int]) -> None:
    """Keeps the labels for the growth of the log.

    Args:
        path: The file.
        conversations: That ``found`` was found in.
        found: The topics.
        marks: From `marks_of`.
    """
    columns: dict[str, list[Any]] = {name: [] for name in LABEL_COLUMNS.names}
    tags: dict[str, str] = {}
    for conversation in conversations:
        text, label = found.openings.get(conversation.id), found.labels.get(conversation.id)
        if text is None:
            continue
        if label and label.source == "log" and (tag := tag_of(conversation)):
            tags[tag] = label.topic
        values = (label.topic, label.source, label.confidence) if label else (None, None, None)
        for name, value in zip(columns, (conversation.id, marks[conversation.id], text, *values), strict=True):
            columns[name].append(value)
    notes = {
        "topics": [topic.to_json() for topic in found.topics],
        "tags": tags,
        "stock": [sorted(end) for end in found.stock],
        "settled": dict(found.settled),
    }
    write_table(path, LABEL_COLUMNS, columns, notes=notes)


def _mark(conversation: Conversation) -> int:
    said = "\0".join(message.text for message in conversation.messages)
    return number(f"{conversation.language}\0{tag_of(conversation)}\0{said}")


def grow_topics(
    known: KnownTopics,
    conversations: Sequence[Conversation],
    splits: Mapping[str, Split],
    static: Sequence[IntentExample],
    marks: Mapping[str, int],
) -> Topics:
    """Labels what is new of a log.

    Args:
        known: From the log before it grew.
        conversations: All, as in `data.label.find_topics`.
        splits: Conversation id to split.
        static: Examples of the domain's own intents.
        marks: From `marks_of`.
    """
    old = {i for i, mark in marks.items() if known.marks.get(i) == mark}
    fresh = [c for c in conversations if c.id not in old]
    said = {c.id: text for c in fresh if (text := opening(c))}
    bare = {i: without_stock(text, *known.stock) for i, text in said.items()}
    openings = {
        c.id: known.openings[c.id] if c.id in old else bare[c.id] for c in conversations if c.id in old or c.id in bare
    }
    languages = {c.id: c.language or "en" for c in conversations}
    own = {example.intent for example in static}
    labels = {i: known.labels[i] for i in openings if i in old and i in known.labels}
    tags = _tags(known, [c for c in fresh if c.id in bare], {*known.topics, *own})
    labels |= {c.id: Label(tags[tag], "log") for c in fresh if c.id in bare and (tag := tag_of(c)) in tags}
    labels |= _most_like([i for i in bare if i not in labels], openings, labels, languages)
    counts = Counter(dict.fromkeys(("tagged", "assigned", "grouped"), 0))
    counts.update(COUNTED[label.source] for label in labels.values())
    counts["without_topic"] = sum(i not in labels for i in openings)
    settled = dict(known.settled)
    examples, kept = settle(examples_of(openings, labels, languages, splits, own), static, counts, settled)
    of = {i: label.topic for i, label in labels.items() if label.topic not in own}
    titles = {topic: tag.replace("_", " ").strip() for tag, topic in tags.items()}
    topics = _topics(known, of, titles, openings, languages)
    return Topics(topics, of, examples, kept, counts, labels, openings, known.stock, settled)


def _tags(known: KnownTopics, fresh: Sequence[Conversation], taken: set[str]) -> dict[str, str]:
    """The log's tags to topics; a new one counts when it is not rare."""
    told = Counter(tag for c in fresh if (tag := tag_of(c)) is not None and tag not in known.tags)
    new = sorted(tag for tag, count in told.items() if count >= FEWEST)
    return {**known.tags, **{tag: fresh_name(slug(tag) or "topic", taken) for tag in new}}


def _most_like(
    ids: Sequence[str], openings: Mapping[str, str], labels: Mapping[str, Label], languages: Mapping[str, str]
) -> dict[str, Label]:
    """The topic whose openings each is most like, where that is as sure as a classifier would have to be."""
    found: dict[str, Label] = {}
    for language in sorted({languages[i] for i in ids}):
        members: dict[str, list[str]] = defaultdict(list)
        for i, label in labels.items():
            if languages[i] == language:
                members[label.topic].append(openings[i])
        texts = {name: evenly(inside, COMPARED) for name, inside in sorted(members.items()) if len(inside) >= FEWEST}
        if len(texts) >= 2:
            asked = [i for i in ids if languages[i] == language]
            told = _told([openings[i] for i in asked], texts)
            found |= {i: label for i, label in zip(asked, told, strict=True) if label is not None}
    return found


def _told(texts: Sequence[str], topics: Mapping[str, Sequence[str]]) -> Iterator[Label | None]:
    import numpy as np

    names = np.array(list(topics))
    half = [_vectors(list(inside[::2])).mean(axis=0) for inside in topics.values()]
    held = [(name, text) for name, inside in topics.items() for text in inside[1::2]]
    best, likeness = _nearest(_vectors([text for _, text in held]), half)
    right = names[best] == np.array([name for name, _ in held])
    least = least_confidence(likeness.tolist(), right.tolist())
    whole = [_vectors(list(inside)).mean(axis=0) for inside in topics.values()]
    best, likeness = _nearest(_vectors(texts), whole)
    for which, sure in zip(names[best].tolist(), likeness.tolist(), strict=True):
        yield Label(which, "model", round(float(sure), 3)) if sure >= least else None


def _vectors(texts: Sequence[str]) -> Any:
    """(texts, FEATURES) hashed character n-grams, sparse, of length 1."""
    from sklearn.feature_extraction.text import HashingVectorizer

    hashing = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 4), n_features=FEATURES, alternate_sign=False)
    return hashing.transform([text.lower() for text in texts])


def _nearest(vectors: Any, centres: Sequence[Any]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(n,) which centre is the nearest to each, and its cosine."""
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.preprocessing import normalize

    middle = normalize(csr_matrix(np.vstack(centres)))  # (topics, FEATURES)
    likeness = (vectors @ middle.T).toarray()  # (n, topics)
    return likeness.argmax(axis=1), likeness.max(axis=1)


def _topics(
    known: KnownTopics,
    of: Mapping[str, str],
    titles: Mapping[str, str],
    openings: Mapping[str, str],
    languages: Mapping[str, str],
) -> list[Topic]:
    members: dict[str, list[str]] = defaultdict(list)
    for i, name in of.items():
        members[name].append(i)
    new = {name: ids for name, ids in members.items() if name not in known.topics}
    spoken = {name: Counter(languages[i] for i in ids).most_common(1)[0][0] for name, ids in new.items()}
    words = keywords_of({name: [openings[i] for i in ids] for name, ids in new.items()}, spoken) if new else {}
    topics = [
        replace(known.topics[name], size=len(ids))
        if name in known.topics
        else Topic(name, titles.get(name, name), words[name], len(ids), spoken[name], labelled=True)
        for name, ids in members.items()
    ]
    return sorted(topics, key=lambda topic: (-topic.size, topic.id))
