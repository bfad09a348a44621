"""What is told beside a question, an invitation or a lost link is judged by itself."""

from __future__ import annotations

import pytest

from data.asides import without_asides
from data.reuse import CANNED, refusal_of


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("we match prices of shops in town. which shop do you mean?", "we match prices of shops in town."),
        ("we only rent helmets for adults, are you looking for a size?", "we only rent helmets for adults."),
        ("you can wash the cover at 30 degrees. please dm us.", "you can wash the cover at 30 degrees."),
        ("you can wash the cover at 30 degrees. see more at:", "you can wash the cover at 30 degrees."),
        ("oil the chain and try once more:", "oil the chain and try once more."),
    ],
)
def test_what_stands_beside_is_left_out(text: str, told: str) -> None:
    assert without_asides(text) == told


@pytest.mark.parametrize(
    "text",
    [
        "which shop do you mean?",
        "thanks a lot. which shop do you mean?",
        "please follow the steps in the next link:",
        "the chain needs oil once a month. did you have it oiled?",
    ],
)
def test_a_message_is_whole_where_little_is_told_or_the_question_is_about_one_case(text: str) -> None:
    assert without_asides(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "We only offer price matching for shops in our town. Which shop do you mean?",
        "Have you tried oiling both the chain and the gears?",
        "Are you able to unplug the charger and plug it in at another outlet?",
        "Yes, children are able to join our tours with a parent.",
        "We don't currently ship tents to islands.",
        "Loosening the strap at the back makes the helmet wider.",
        "Muddy tents should be dried before they go into the bag.",
        "We use steel bolts since the rack was designed to carry a child.",
        "It's possible to hire a trailer without a bike.",
    ],
)
def test_passes_though_said_once(text: str) -> None:
    assert refusal_of(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "If the train is late on that journey, you can claim the fare.",
        "You have a 12 month warranty, so please contact the maker.",
        "The taxi can take you when it arrives in 8 minutes.",
        "Let's take that a step further and unplug the charger.",
        "Did you want the seat by the window? From there you can see the sea.",
        "Please oil the chain. Was the wheel still stuck?",
        "We ship to islands. Could you send us your order number?",
    ],
)
def test_stays_held_back(text: str) -> None:
    assert refusal_of(text) is not None


def test_how_a_flow_ended_is_not_said_again_however_often_it_was() -> None:
    assert refusal_of("I am sorry, but the table request was not successful.", support=CANNED) is not None
    assert refusal_of("Successful! The lamp was recovered.", support=CANNED) is not None
