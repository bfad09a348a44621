"""Rasa component: one forward pass gives the intent and the ranked answers."""

from __future__ import annotations

from functools import partial
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.core.constants import DEFAULT_INTENTS
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_NAME_KEY, PREDICTED_CONFIDENCE_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.components.hearing import heard
from bot.components.history import mood_before, slot, turns_before, where_of
from bot.components.judgement import judge
from bot.components.live import LiveSearcher
from bot.components.products import LiveProducts, with_products
from bot.components.several import FLOWS, corrects, with_several
from bot.mentions import only_details
from bot.settings import read_settings

CARELINE = "careline"
"""Attribute of the message that reaches ``tracker.latest_message`` and the action server."""

_NOT_STATIC = {*DEFAULT_INTENTS, "ask"}


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class CarelineUnderstanding(GraphComponent, IntentClassifier):
    """Asks ``retrieval.search.Searcher`` and writes what it says on the message.

    Args:
        searcher: Follows the live model and index of the workspace.
    """

    def __init__(self, searcher: LiveSearcher) -> None:
        self._searcher, self._products = searcher, LiveProducts()

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> CarelineUnderstanding:
        """See parent. Nothing is loaded here: training a Rasa model needs nothing learned."""
        return cls(LiveSearcher(read_settings().find_workspace()))

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> CarelineUnderstanding:
        """See parent.

        Raises:
            InputError: Nothing was learned, or an artefact is broken: the bot must not start without understanding.
        """
        component = cls.create(config, model_storage, resource, execution_context)
        component._searcher.load()
        return component

    def process(
        self, messages: list[Message], tracker: DialogueStateTracker | None = None, domain: Domain | None = None
    ) -> list[Message]:
        """Adds intent and ``careline`` object.

        Args:
            messages: New messages of customers; those that begin with ``/`` are Rasa's own and left alone.
            tracker: The conversation before them; Rasa passes it because the parameter has this name.
            domain: The same; its intents are the static ones.
        """
        static = set(domain.intents) - _NOT_STATIC if domain is not None else set()
        for message in messages:
            text = message.get(TEXT) or ""
            if text.startswith("/"):
                continue
            served = self._searcher.current()
            names = self._products.names(served.searcher.index)
            if entities := with_products(message.get(ENTITIES) or [], text, names, extractor=type(self).__name__):
                message.set(ENTITIES, entities, add_to_output=True)
            search = partial(
                served.searcher.search,
                turns=turns_before(tracker),
                language=_language(message) or slot(tracker, "language"),
                given=slot(tracker, "given") or (),
                where=where_of(tracker),
            )
            thresholds, named = served.searcher.thresholds, _details(message)
            careline = with_several(
                judge(search(text), thresholds, static=static),
                text,
                search=search,
                thresholds=thresholds,
                static=static,
                asked=slot(tracker, "requested_slot"),
                named=bool(named),
            )
            if named and careline["intent"] in FLOWS:  # however strange its other words are, such as an address
                careline |= {"understood": True}
            if only_details(text) or corrects(text, named) or (named and not careline["understood"]):
                careline |= {"intent": "inform", "confidence": 1.0, "understood": True}
            careline |= heard(text, careline, before=mood_before(tracker))
            intent = {INTENT_NAME_KEY: careline["intent"], PREDICTED_CONFIDENCE_KEY: careline["confidence"]}
            message.set(INTENT, intent, add_to_output=True)
            message.set(CARELINE, careline, add_to_output=True)
        return messages


def _details(message: Message) -> list[tuple[int, int]]:
    """Where the message names an order or an address."""
    entities = message.get(ENTITIES) or ()
    return [(e["start"], e["end"]) for e in entities if e["entity"] in ("order_number", "email")]


def _language(message: Message) -> str | None:
    spoken = (entity["value"] for entity in message.get(ENTITIES) or () if entity["entity"] == "language")
    return next(spoken, None)
