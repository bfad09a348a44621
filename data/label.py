"""Topics of a log, and the customers' messages that teach them.

Where the help desk tagged a conversation, the tag is its topic. Conversations without one are given a tag when a
classifier trained on the tagged ones is sure; what remains is grouped by `data.discover`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from data.courtesy import is_small_talk
from data.schema import Conversation, IntentExample, Split, Topic


@dataclass
class Topics:
    """What `find_topics` found.

    Attributes:
        topics: The largest first.
        of: Conversation id to topic id.
        examples: The messages that teach the topics.
        counts: How many conversations were tagged, assigned, grouped or left; how many examples were dropped.
    """

    topics: list[Topic]
    of: dict[str, str]
    examples: list[IntentExample]
    counts: Counter[str] = field(default_factory=Counter)


def find_topics(
    conversations: Sequence[Conversation], splits: Mapping[str, Split], static: Sequence[IntentExample]
) -> Topics:
    """Finds the topics of a log.

    Args:
        conversations: Redacted, with their language.
        splits: Conversation id to split.
        static: Examples of the domain's own intents, which topics must not take.
    """
    of = {c.id: c.topic for c in conversations if c.topic}
    sizes = Counter(of.values())
    topics = [Topic(name, name.replace("_", " "), (), size, "en", labelled=True) for name, size in sizes.most_common()]
    examples = []
    for conversation in conversations:
        text = opening(conversation)
        if text and conversation.id in of and conversation.id in splits:
            examples.append(
                IntentExample(
                    text, of[conversation.id], "topic", splits[conversation.id], conversation.language or "en"
                )
            )
    return Topics(topics, of, examples)


def opening(conversation: Conversation) -> str | None:
    """The customer's first message that says something; None when there is none."""
    for message in conversation.messages[:6]:
        if message.role == "customer" and not is_small_talk(message.text):
            return message.text
    return None
