"""What actions say must be in the domain, in both languages, with every blank filled."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from actions.forms import HELPED
from actions.services.orders import STATUSES
from data.workspace import PROJECT

DOMAIN: dict[str, Any] = yaml.safe_load((PROJECT / "domain.yml").read_text(encoding="utf-8"))
CODE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((PROJECT / "actions").glob("*.py")))


def test_every_response_that_an_action_names_is_in_the_domain() -> None:
    named = set(re.findall(r'"(utter_[a-z_]+)"', CODE))
    named |= {f"utter_order_{status}" for status in STATUSES}
    named |= {f"utter_help_{slot}" for slot in HELPED}
    assert named <= set(DOMAIN["responses"])


@pytest.mark.parametrize("name", sorted(DOMAIN["responses"]))
def test_every_response_is_there_in_chinese_and_for_everybody_else_with_the_same_blanks(name: str) -> None:
    chinese, other = DOMAIN["responses"][name]
    assert chinese["condition"] == [{"type": "slot", "name": "language", "value": "zh"}]
    assert "condition" not in other
    assert re.search(r"[一-鿿]", chinese["text"])
    assert set(re.findall(r"{(\w+)}", chinese["text"])) == set(re.findall(r"{(\w+)}", other["text"]))
    payloads = [[b["payload"] for b in row.get("buttons", ())] for row in (chinese, other)]
    assert payloads[0] == payloads[1]


@pytest.mark.parametrize("name", sorted(DOMAIN["responses"]))
def test_every_blank_is_a_filled_slot_or_a_word_that_an_action_passes(name: str) -> None:
    filled = {slot for slot, row in DOMAIN["slots"].items() if row.get("initial_value") is not None}
    for blank in re.findall(r"{(\w+)}", DOMAIN["responses"][name][1]["text"]):
        assert blank in filled or f"{blank}=" in CODE, blank


def test_every_intent_has_varied_examples_in_both_languages() -> None:
    learned = {"ask"}
    for language, least in (("en", 18), ("zh", 10)):
        nlu = yaml.safe_load((PROJECT / "data" / "rasa" / f"nlu_{language}.yml").read_text(encoding="utf-8"))["nlu"]
        lines = {block["intent"]: block["examples"].splitlines() for block in nlu}
        assert set(lines) == {next(iter(intent)) for intent in DOMAIN["intents"]} - learned
        for intent, examples in lines.items():
            assert len(set(examples)) == len(examples) >= least, intent
