"""A table of labelled messages without any answer: its labels are taken at their word.

A help desk's tags are noisy and its openings full of courtesies, so `data.label` looks twice at both. Who labels single
messages one by one means each of them: rare labels stay, texts stay as they are, and no message is moved to an intent
of the domain because it is worded alike.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from data.discover import keywords_of
from data.schema import Conversation, IntentExample, Split, Topic

OUT_OF_SCOPE = "out_of_scope"
_OUTSIDE = frozenset({"oos", "ood", "out_of_scope", "out_of_domain", "out_of_scope_intent", "no_intent"})


def label_of(conversation: Conversation) -> str | None:
    """The label of a conversation of one message."""
    return conversation.topic or conversation.messages[0].intent


def labelled_rows(
    conversations: Sequence[Conversation],
    splits: Mapping[str, Split],
    languages: Mapping[str, str],
    names: Mapping[str, str],
    own: set[str],
) -> list[IntentExample]:
    """A row for each labelled message, in the order of the table.

    Args:
        conversations: Of one message each.
        splits: Conversation id to split; one without is trained on.
        languages: Conversation id to language.
        names: Label to intent, from ``intent_names``.
        own: Intents of the domain.
    """
    rows: dict[tuple[str, str], IntentExample] = {}
    for c in conversations:
        label, text = label_of(c), " ".join(c.messages[0].text.split())
        if label is None or not text:
            continue
        intent = names[label]
        static = intent in own or intent == OUT_OF_SCOPE
        row = IntentExample(
            text, intent, "static" if static else "topic", splits.get(c.id, "train"), languages[c.id], "log"
        )
        rows.setdefault((text, intent), row)
    return list(rows.values())


def intent_names(labels: Sequence[str], slugs: Mapping[str, str]) -> dict[str, str]:
    """Label to intent; labels such as ``oos`` mean that a message is out of scope.

    Args:
        labels: As written.
        slugs: Label to the name that a topic of it would have.
    """
    return {label: OUT_OF_SCOPE if slugs[label] in _OUTSIDE else slugs[label] for label in labels}


def labelled_topics(rows: Sequence[IntentExample], titles: Mapping[str, str]) -> list[Topic]:
    """The topics of such a table, the largest first; their titles are the labels as written.

    Args:
        rows: From ``labelled_rows``.
        titles: Intent to label.
    """
    texts: dict[str, list[str]] = defaultdict(list)
    spoken: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row.intent != OUT_OF_SCOPE:
            texts[row.intent].append(row.text)
            spoken[row.intent][row.language] += 1
    languages = {name: counts.most_common(1)[0][0] for name, counts in spoken.items()}
    words = keywords_of(texts, languages)
    topics = [
        Topic(name, titles[name], words[name], len(said), languages[name], labelled=True)
        for name, said in texts.items()
    ]
    return sorted(topics, key=lambda topic: (-topic.size, topic.id))
