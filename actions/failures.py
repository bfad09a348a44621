"""What is said and done when a service fails: the truth, and a person."""

from __future__ import annotations

import logging

from rasa_sdk import Tracker
from rasa_sdk.events import ActiveLoop, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.handoff import Events, hand_over, offer_person
from actions.services.errors import ServiceDown, ServiceError

logger = logging.getLogger(__name__)


def tell_failure(dispatcher: CollectingDispatcher, tracker: Tracker, error: ServiceError) -> Events:
    """Ends a form that runs, says what happened, and fetches a person; after a refusal, offers one.

    The slots stay as they are: the person who takes over sees what was collected.

    Args:
        dispatcher: Takes the replies.
        tracker: The conversation.
        error: Of the service.

    Returns:
        Events for Rasa.
    """
    logger.error("a service failed: %s", error)
    ends: Events = [ActiveLoop(None), SlotSet("requested_slot", None)] if tracker.active_loop_name else []
    if not isinstance(error, ServiceDown):
        dispatcher.utter_message(response="utter_service_refused")
        return [*ends, *offer_person(dispatcher)]
    dispatcher.utter_message(response="utter_service_unsure" if error.unsure else "utter_service_down")
    return [*ends, *hand_over(dispatcher, tracker, reason="service")]
