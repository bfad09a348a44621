"""Rasa component: what was not understood becomes ``nlu_fallback`` instead of a guess."""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME
from rasa.shared.nlu.constants import INTENT, INTENT_NAME_KEY, PREDICTED_CONFIDENCE_KEY
from rasa.shared.nlu.training_data.message import Message

from bot.components.understanding import CarelineUnderstanding


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class CarelineAbstain(GraphComponent):
    """Abstains where ``CarelineUnderstanding`` did not understand the message."""

    @classmethod
    def required_components(cls) -> list[type]:
        """See parent."""
        return [CarelineUnderstanding]

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> CarelineAbstain:
        """See parent."""
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        """Replaces the intent where it was not understood. The guess stays in the message's ``careline`` object."""
        for message in messages:
            careline = message.get("careline")
            if careline and not careline["understood"]:
                abstained = {
                    INTENT_NAME_KEY: DEFAULT_NLU_FALLBACK_INTENT_NAME,
                    PREDICTED_CONFIDENCE_KEY: round(1.0 - careline["known"], 4),
                }
                message.set(INTENT, abstained, add_to_output=True)
        return messages
