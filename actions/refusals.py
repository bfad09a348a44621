"""What may not be done with an order is told as soon as the order is known, before anything else is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.access import own_order
from actions.answer import language_of
from actions.forms import Slots
from actions.handoff import Events, offer_person
from actions.services.orders import Order


@dataclass(frozen=True)
class Refusal:
    """Why something cannot be done.

    Attributes:
        response: Name of the domain's text.
        blanks: What fills it.
        offers_person: Whether a person may be able to.
    """

    response: str
    blanks: Mapping[str, str] = field(default_factory=dict)
    offers_person: bool = False

    @classmethod
    def of(cls, response: str, *, offers_person: bool = False, **blanks: str) -> Refusal:
        """A refusal with its blanks by name."""
        return cls(response, blanks, offers_person)

    def say(self, dispatcher: CollectingDispatcher) -> Events:
        """Tells the customer; offers a person where one may help."""
        dispatcher.utter_message(response=self.response, **self.blanks)
        return offer_person(dispatcher) if self.offers_person else []


class OwnOrderFirst:
    """Ends a form when the order that its details name is refused; the action after the form says why.

    Stands before ``actions.orders.OrderDetails`` among the parents. Not an action itself.
    """

    refuse: Callable[[Order, str], Refusal | None]

    async def validate_order_number(
        self, value: str, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        """See ``OrderDetails``."""
        found: Slots = await super().validate_order_number(value, dispatcher, tracker, domain)  # type: ignore[misc]
        return await self._checked(found, tracker)

    async def validate_email(
        self, value: str, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        """See ``OrderDetails``."""
        found: Slots = await super().validate_email(value, dispatcher, tracker, domain)  # type: ignore[misc]
        return await self._checked(found, tracker)

    async def _checked(self, found: Slots, tracker: Tracker) -> Slots:
        tracker.slots.update(found)  # as rasa_sdk does after each check
        order = await own_order(tracker)
        refused = order is not None and self.refuse(order, language_of(tracker)) is not None
        return found | {"requested_slot": None} if refused else found
