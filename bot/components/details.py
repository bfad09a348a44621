"""Rasa component: order numbers, e-mail addresses and the language of a message, as entities that fill slots."""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.components.history import slot
from bot.mentions import find_mentions


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class CarelineDetails(GraphComponent):
    """Puts what ``bot.mentions`` finds on the message."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> CarelineDetails:
        """See parent."""
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
            found = find_mentions(text, asked=slot(tracker, "requested_slot"), language=slot(tracker, "language"))
            entities = [
                {"entity": m.kind, "value": m.value, "start": m.start, "end": m.end, "extractor": type(self).__name__}
                for m in found
            ]
            message.set(ENTITIES, (message.get(ENTITIES) or []) + entities, add_to_output=True)
        return messages
