"""Another delivery address for an order that was not sent yet."""

from __future__ import annotations

import re
from typing import Any

from rasa_sdk import Action, FormValidationAction, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.access import own_order
from actions.answer import language_of
from actions.door import checked
from actions.forms import Slots, asked_for, correction, is_beginning, own_words, text_of
from actions.handoff import Events, offer_person
from actions.keys import key_of
from actions.orders import OrderDetails, not_found, spoken_of
from actions.refusals import OwnOrderFirst, Refusal
from actions.services.orders import Order
from actions.shop import the_shop
from actions.wording import join_items

_NAMED = re.compile(
    r"\baddress\b.*?(?:\bto\b|\bis\b|:)\s*(?P<en>.+)$|\b(?:to|is):?\s+(?P<tail>\d.+)$"
    r"|(?:改成|改到|改为|换成|换到|寄到|送到|新地址是?)[:：]?\s*(?P<zh>.+)$",
    re.IGNORECASE,
)
_PREFACE = re.compile(
    r"(?:it'?s|it is|that'?s|the new address is|new address:?|my new address is|address:?|please (?:send|ship) it to|to"
    r"|新地址是?|地址是?|改成|改到|寄到|送到|是)[\s:：]*",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d")
_PLACE_ZH = re.compile(r"[省市区县镇乡村路街道巷弄号楼室栋]")


def refuse_address(order: Order, language: str) -> Refusal | None:
    """Why an order's address cannot be changed; None where it can."""
    if order.status == "processing":
        return None
    if order.status == "shipped":
        return Refusal.of("utter_address_late", number=order.number, offers_person=True)
    return Refusal.of("utter_address_impossible", number=order.number)


def address_in(text: str) -> str | None:
    """The postal address that a text is, without what introduces it; None where it holds too little for one.

    Countries write addresses in too many ways to check more than this: a few words with a number, or the words that
    Chinese addresses are made of.
    """
    text = _PREFACE.sub("", text, count=1) if _PREFACE.match(text) else text
    text = text.strip(" ,.，。;；")
    words = len(re.findall(r"[^\W\d_]{2,}", text))
    western = bool(_NUMBER.search(text)) and words >= 2
    chinese = len(_PLACE_ZH.findall(text)) >= 2 and len(text) >= 6
    return text if western or chinese else None


class ValidateAddressForm(OwnOrderFirst, OrderDetails, FormValidationAction):
    """Details of an order that goes elsewhere."""

    begins_with = "change_address"
    refuse = staticmethod(refuse_address)

    def name(self) -> str:
        """See parent."""
        return "validate_address_form"

    def extract_new_address(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Slots:
        """Takes the words that were asked for, one named in the first message, and a correction before the yes."""
        if is_beginning(tracker):
            match = _NAMED.search(own_words(tracker))
            named = address_in(match["en"] or match["tail"] or match["zh"]) if match else None
            return {"new_address": named} if named or tracker.slots.get("new_address") else {}
        if asked_for(tracker, "new_address"):
            return {"new_address": words} if (words := own_words(tracker)) else {}
        if asked_for(tracker, "confirmed") and (other := address_in(correction(tracker) or "")):
            return {"new_address": other}
        return {}

    def corrects(self, tracker: Tracker) -> bool:
        """See ``FormParts``. An address in the message counts unless it is the one that was shown."""
        said, shown = address_in(text_of(tracker)), str(tracker.slots.get("new_address") or "")
        other = said is not None and _bare(shown) not in _bare(said)
        return super().corrects(tracker) or other or address_in(correction(tracker) or "") is not None

    def validate_new_address(
        self, value: str | None, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Slots:
        """Accepts what may be an address; says what is missing otherwise."""
        if value is None:
            return {"new_address": None}
        address = address_in(value)
        if address is None:
            dispatcher.utter_message(response="utter_help_new_address")
        return {"new_address": address}


def _bare(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


class ActionAskAddressConfirmed(Action):
    """Shows the new address, and asks for a yes."""

    def name(self) -> str:
        """See parent."""
        return "action_ask_address_form_confirmed"

    @checked
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """See parent."""
        order = await own_order(tracker)
        if order is not None:
            dispatcher.utter_message(
                response="utter_confirm_address",
                number=order.number,
                items=join_items(order.items, language_of(tracker)),
                address=tracker.slots.get("new_address"),
            )
            return []
        return [SlotSet("requested_slot", None)]  # ends the form; what follows it says why


class ActionChangeAddress(Action):
    """Registers the new address that was confirmed."""

    def name(self) -> str:
        """See parent."""
        return "action_change_address"

    @checked
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """See parent."""
        order, service = await own_order(tracker), the_shop().orders()
        forget = [SlotSet("new_address", None), SlotSet("confirmed", None)]
        if order is None or service is None:
            return [*await not_found(dispatcher, tracker), *(forget if service else ())]
        if (refusal := refuse_address(order, language_of(tracker))) is not None:
            return [*spoken_of(order), *forget, *refusal.say(dispatcher)]
        address = tracker.slots.get("new_address")
        if address is None or tracker.slots.get("confirmed") != "yes":  # ended early: nothing may be registered
            dispatcher.utter_message(response="utter_too_many_tries")
            return [*spoken_of(order), *forget, *offer_person(dispatcher)]
        key = key_of(tracker, self.name(), order.number, address)
        reference = await service.change_address(order, address, key=key)
        dispatcher.utter_message(
            response="utter_address_done", number=order.number, address=address, reference=reference
        )
        return [*spoken_of(order), *forget]
