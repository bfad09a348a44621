"""Rasa component: order numbers, addresses, days, amounts and the language of a message, as entities."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.components.history import slot
from bot.mentions import Mention, find_mentions
from bot.state.turn import current_job
from data.errors import InputError

logger = logging.getLogger(__name__)

REPEATED = "other"
"""Role of the second and later mentions of a kind: a slot is filled by the first, and by one value."""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class CarelineDetails(GraphComponent):
    """Puts what ``bot.mentions`` finds on the message; what the shop calls its products comes later.

    Args:
        reads_days: Whether days and amounts are looked for; they need Duckling.
    """

    def __init__(self, *, reads_days: bool = True) -> None:
        self._reads_days = reads_days

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> CarelineDetails:
        """See parent. Nothing is loaded here: Duckling must be loaded after the worker was forked."""
        return cls()

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> CarelineDetails:
        """See parent. Without Duckling the bot serves, but knows no days and amounts; `careline doctor` says so."""
        from bot.duckling_door import TooSlow, the_duckling

        try:
            the_duckling().read("today", "en", datetime.now())  # it is loaded before the first customer waits for it
        except InputError as error:
            logger.warning("%s", error)
            return cls(reads_days=False)
        except TooSlow as error:
            logger.warning("Duckling is slow to start: %s", error)
        return cls()

    def process(self, messages: list[Message], tracker: DialogueStateTracker | None = None) -> list[Message]:
        """Adds entities.

        Args:
            messages: New messages of customers; those that begin with ``/`` are Rasa's own and left alone.
            tracker: The conversation before them; Rasa passes it because the parameter has this name.
        """
        for message in messages:
            text = message.get(TEXT) or ""
            if text.startswith("/"):
                continue
            found = find_mentions(
                text,
                asked=asked_of(tracker),
                language=slot(tracker, "language"),
                now=said_at() if self._reads_days else None,
            )
            entities = as_entities(found, extractor=type(self).__name__)
            message.set(ENTITIES, (message.get(ENTITIES) or []) + entities, add_to_output=True)
        return messages


def asked_of(tracker: DialogueStateTracker | None) -> str | None:
    """The slot that was asked for last. Where an address is shown for a yes, a correction may hold a postcode, too."""
    asked: str | None = slot(tracker, "requested_slot")
    loop = tracker.active_loop_name if tracker is not None else None
    return "new_address" if asked == "confirmed" and loop == "address_form" else asked


def said_at() -> datetime:
    """When the message was written, in the shop's own time: it may have waited over midnight."""
    job = current_job.get()
    return datetime.now() if job is None else datetime.fromtimestamp(job.message.time)


def as_entities(found: Iterable[Mention], *, extractor: str) -> list[dict[str, Any]]:
    """Mentions as Rasa's entities."""
    kinds: set[str] = set()
    entities = []
    for m in found:
        entity = {"entity": m.kind, "value": m.value, "start": m.start, "end": m.end, "extractor": extractor}
        entities.append(entity | ({"role": REPEATED} if m.kind in kinds else {}))
        kinds.add(m.kind)
    return entities
