from __future__ import annotations

import dataclasses
import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from data.artifacts import MANIFEST
from data.errors import InputError
from data.workspace import Live, Workspace

pytestmark = pytest.mark.rasa


def understand(workspace: Workspace, text: str, tracker: Any = None) -> Any:
    from rasa.shared.nlu.training_data.message import Message

    from bot.components.abstain import CarelineAbstain
    from bot.components.details import CarelineDetails
    from bot.components.live import LiveSearcher
    from bot.components.understanding import CarelineUnderstanding

    messages = [Message(data={"text": text})]
    messages = CarelineDetails().process(messages, tracker)
    messages = CarelineUnderstanding(LiveSearcher(workspace)).process(messages, tracker)
    return CarelineAbstain().process(messages)[0].as_dict(only_output_properties=True)


def load(config: dict[str, Any] | None = None) -> Any:
    from rasa.engine.graph import ExecutionContext, GraphSchema
    from rasa.engine.storage.resource import Resource

    from bot.components.understanding import CarelineUnderstanding

    return CarelineUnderstanding.load(config or {}, None, Resource("x"), ExecutionContext(GraphSchema({})))


def test_no_component_replaces_one_of_rasas() -> None:
    from rasa.engine.recipes.default_components import DEFAULT_COMPONENTS

    import bot.components.abstain as abstain
    import bot.components.details as details
    import bot.components.understanding as understanding

    ours = {details.CarelineDetails, understanding.CarelineUnderstanding, abstain.CarelineAbstain}
    assert not {c.__name__ for c in ours} & {c.__name__ for c in DEFAULT_COMPONENTS}


def test_a_question_becomes_ask_with_its_topic_and_hits(taught: Workspace) -> None:
    parsed = understand(taught, "how long does delivery take")
    assert parsed["intent"]["name"] == "ask"
    careline = parsed["careline"]
    assert (careline["topic"], careline["outcome"], careline["language"]) == ("delivery_time", "sure", "en")
    assert careline["hits"][0]["id"] == "a0"
    assert careline["model"] == taught.live().model
    assert careline["index"] == taught.live().index


def test_a_message_that_asks_two_things_has_the_hits_of_each(taught: Workspace) -> None:
    careline = understand(taught, "How long does delivery take and how do I wash my tent?")["careline"]
    assert [row["hits"][0]["id"] for row in careline["requests"]] == ["a0", "a3"]
    assert careline["outcome"] == "sure"
    assert "requests" not in understand(taught, "how long does delivery take")["careline"]


def test_where_the_customer_is_comes_from_slots_and_nobody_is_signed_in_by_default() -> None:
    from rasa.shared.core.slots import AnySlot
    from rasa.shared.core.trackers import DialogueStateTracker

    from bot.components.history import where_of
    from retrieval.filters import Where

    names = ("site", "product", "signed_in")
    tracker = DialogueStateTracker("x", [AnySlot(name, mappings=[{}]) for name in names])
    assert where_of(None) == where_of(tracker) == Where()
    for name, value in zip(names, ("uk", "polaris-2", True), strict=True):
        tracker.slots[name].value = value
    assert where_of(tracker) == Where(audience="signed_in", site="uk", products=("polaris-2",))
    tracker.slots["signed_in"].value = "yes, really"
    assert where_of(tracker).audience == "public"


def test_a_static_intent_keeps_its_name_whatever_the_hits_say(taught: Workspace) -> None:
    parsed = understand(taught, "where is my order NT-104021")
    assert parsed["intent"]["name"] == "order_status"
    assert parsed["careline"]["understood"]
    assert {e["entity"]: e["value"] for e in parsed["entities"]} == {"order_number": "NT-104021", "language": "en"}


def test_gibberish_and_messages_without_words_are_abstained_from(taught: Workspace) -> None:
    for text in ("fghjk zzz qqqw", "🏔️", "  ", "***"):
        assert understand(taught, text)["intent"]["name"] == "nlu_fallback", text


def test_details_alone_inform(taught: Workspace) -> None:
    assert understand(taught, "NT-104021")["intent"] == {"name": "inform", "confidence": 1.0}


def test_rasas_own_messages_are_left_alone(taught: Workspace) -> None:
    assert understand(taught, "/greeting") == {"text": "/greeting"}


def test_the_conversation_before_is_what_was_said_without_buttons() -> None:
    from rasa.shared.core.events import BotUttered, UserUttered
    from rasa.shared.core.trackers import DialogueStateTracker

    from bot.components.history import turns_before

    events = [UserUttered("hi"), BotUttered("Hello!"), UserUttered("/order_status"), BotUttered("Which number?")]
    tracker = DialogueStateTracker.from_events("x", events)
    assert turns_before(tracker) == [("customer", "hi"), ("agent", "Hello!"), ("agent", "Which number?")]
    assert turns_before(None) == []


def test_nothing_learned_is_no_bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARELINE_WORKSPACE", str(tmp_path))
    with pytest.raises(InputError, match="nothing learned yet"):
        load()


def test_a_damaged_model_is_no_bot(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop.live_model().encoder.open("ab") as stream:
        stream.write(b"x")
    monkeypatch.setenv("CARELINE_WORKSPACE", str(shop.root))
    with pytest.raises(InputError, match=r"encoder\.onnx"):
        load()


def test_a_new_live_version_serves_from_the_next_message_on(shop: Workspace) -> None:
    from bot.components.live import LiveSearcher

    searcher = LiveSearcher(shop)
    first = searcher.current()
    assert searcher.current() is first
    index = shop.live_index().folder
    shutil.copytree(index, index.with_name("second"))
    shop.go_live(dataclasses.replace(shop.live(), index="second"))
    assert searcher.current().live.index == "second"
    assert searcher.current().searcher is not first.searcher


def test_a_new_rasa_model_alone_loads_nothing_again(shop: Workspace) -> None:
    from bot.components.live import LiveSearcher

    searcher = LiveSearcher(shop)
    first = searcher.current()
    shop.go_live(dataclasses.replace(shop.live(), rasa="other"))
    assert searcher.current().searcher is first.searcher


def test_a_new_version_that_is_damaged_leaves_the_old_one_serving(
    shop: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    from bot.components.live import LiveSearcher

    searcher = LiveSearcher(shop)
    first = searcher.current()
    index = shop.live_index().folder
    shutil.copytree(index, index.with_name("second"))
    os.remove(index.with_name("second") / MANIFEST)
    shop.go_live(dataclasses.replace(shop.live(), index="second"))
    assert searcher.current() is first
    assert "old one serves on" in caplog.text
    shop.go_live(Live(**dataclasses.asdict(first.live)))
    assert searcher.current().live == first.live


def test_days_and_amounts_are_entities_and_a_slot_is_filled_by_the_first_of_a_kind(taught: Workspace) -> None:
    text = "orders 33104 and 33110 of 2026-11-03 cost 49.90 EUR"
    entities = [e for e in understand(taught, text)["entities"] if e["entity"] != "language"]
    assert [(e["entity"], e["value"], e.get("role")) for e in entities] == [
        ("order_number", "33104", None), ("order_number", "33110", "other"),
        ("date", "2026-11-03", None), ("amount", "49.90 EUR", None),
    ]  # fmt: skip
    assert text[entities[0]["start"] : entities[0]["end"]] == "33104"


def test_without_duckling_order_numbers_are_found_still(monkeypatch: pytest.MonkeyPatch) -> None:
    from rasa.shared.nlu.training_data.message import Message

    import bot.duckling_door
    from bot.components.details import CarelineDetails

    def missing() -> None:
        raise InputError("Duckling", got="nothing", expected="it", next_step="-")

    monkeypatch.setattr(bot.duckling_door, "the_duckling", missing)
    component = CarelineDetails.load({}, None, None, None)
    (message,) = component.process([Message(data={"text": "NT-104021 yesterday"})])
    assert [e["entity"] for e in message.get("entities")] == ["order_number", "language"]


def test_yesterday_is_the_day_before_the_message_was_written() -> None:
    from rasa.shared.nlu.training_data.message import Message

    from bot.components.details import CarelineDetails
    from bot.state.entry import Entry
    from bot.state.turn import Job, current_job

    written = datetime(2026, 3, 5, 23, 59).timestamp()
    token = current_job.set(Job(Entry(1, "customer", written), owner="x"))
    try:
        (message,) = CarelineDetails().process([Message(data={"text": "I ordered it yesterday"})])
    finally:
        current_job.reset(token)
    assert [e["value"] for e in message.get("entities") if e["entity"] == "date"] == ["2026-03-04"]


def test_products_are_those_of_the_catalogue_and_their_numbers_are_no_orders() -> None:
    from bot.components.products import LiveProducts, with_products
    from data.schema import Answer
    from retrieval.index import Index
    from retrieval.testing import HashEncoder

    def answer(number: int, title: str, source: str = "catalogue") -> Answer:
        return Answer(f"p{number}", f"About {title}.", "en", source=source, title=title, products=(f"x{number}",))

    encoder = HashEncoder()
    index = Index.from_parts([answer(1, "Stove 1000 Pro"), answer(2, "Cleaning", "article")], [], encoder)
    live = LiveProducts()
    names = live.names(index)
    assert names.names == ("Stove 1000 Pro",)
    assert live.names(index) is names
    number = {"entity": "order_number", "value": "1000", "start": 9, "end": 13}
    entities = with_products([number], "my Stove 1000 Pro leaks", names, extractor="x")
    assert [(e["entity"], e["value"]) for e in entities] == [("product", "Stove 1000 Pro")]
    assert with_products([number], "order 1000", names, extractor="x") == [number]
