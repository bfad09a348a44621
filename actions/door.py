"""The last door: what an action says is looked at once more before it leaves the action server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.services.errors import ServiceError
from retrieval.answers import has_placeholder

logger = logging.getLogger(__name__)

_Run = TypeVar("_Run", bound=Callable[..., Any])
_RASAS_OWN = frozenset({"text", "buttons", "elements", "custom", "template", "response", "image", "attachment"})

INSTEAD = "utter_rephrase"
"""Said where nothing whole is left to say."""


def checked(run: _Run) -> _Run:
    """Decorates an action's ``run``, and is the last to see what it says.

    Messages with an open blank are taken out of the dispatcher. Where a service is down or refuses, the customer is
    told so, and a person takes over (``actions.failures``); an upset customer hears regret and is offered a person
    (``actions.mood``): no action has to think of it.
    """
    if asyncio.iscoroutinefunction(run):

        @wraps(run)
        async def run_later(self: Any, dispatcher: CollectingDispatcher, tracker: Tracker, *arguments: Any) -> Any:
            try:
                events = await run(self, dispatcher, tracker, *arguments)
            except ServiceError as error:
                from actions.failures import tell_failure

                events = tell_failure(dispatcher, tracker, error)
            return _last_look(self, dispatcher, tracker, events)

        return run_later  # type: ignore[return-value]

    @wraps(run)
    def run_now(self: Any, dispatcher: CollectingDispatcher, tracker: Tracker, *arguments: Any) -> Any:
        return _last_look(self, dispatcher, tracker, run(self, dispatcher, tracker, *arguments))

    return run_now  # type: ignore[return-value]


def _last_look(action: Any, dispatcher: CollectingDispatcher, tracker: Tracker, events: Any) -> Any:
    from actions.mood import attended

    events = attended(dispatcher, tracker, events, action=action.name())
    keep_whole(dispatcher)
    return events


def keep_whole(dispatcher: CollectingDispatcher) -> None:
    """Takes out messages with an open blank; asks for other words where no message is left."""
    kept = [message for message in dispatcher.messages if is_whole(message)]
    if len(kept) == len(dispatcher.messages):
        return
    logger.error("%d messages with an open blank were not sent.", len(dispatcher.messages) - len(kept))
    dispatcher.messages[:] = kept
    if not kept:
        dispatcher.utter_message(response=INSTEAD)


def is_whole(message: Mapping[str, Any]) -> bool:
    """Whether a message has no open blank: not in its text or buttons, nor in what fills a response of the domain."""
    said = [message.get("text") or "", *(str(button.get("title", "")) for button in message.get("buttons") or ())]
    filled = [value for name, value in message.items() if name not in _RASAS_OWN]
    return not any(value is None or has_placeholder(str(value)) for value in [*said, *filled])
