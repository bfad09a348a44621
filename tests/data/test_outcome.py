"""What a log or a customer's last words tell of the ending, and what it weighs."""

from __future__ import annotations

import pytest

from data.outcome import ESCALATED, RESOLVED, detect_ending, outcome_weight
from data.schema import Conversation, Message, Role


def talk(*said: tuple[Role, str], ending: str | None = None, satisfaction: float | None = None) -> Conversation:
    return Conversation(
        "c1", tuple(Message(role, text) for role, text in said), ending=ending, satisfaction=satisfaction
    )


OPENING: tuple[tuple[Role, str], ...] = (("customer", "my lamp is dark"), ("agent", "Turn the switch twice."))


@pytest.mark.parametrize(
    ("last", "ending"),
    [
        ("oh it works, thank you so much!", "resolved"),
        ("That’s brilliant, cheers", "resolved"),
        ("好了，谢谢您", "resolved"),
        ("thanks for nothing", "escalated"),
        ("Still not working. This is ridiculous, thanks.", "escalated"),
        ("还是不行，我要投诉", "escalated"),
        ("and which bulb is it", None),
        ("灯泡是什么型号", None),
    ],
)
def test_last_words_tell_the_ending(last: str, ending: str | None) -> None:
    assert detect_ending(talk(*OPENING, ("customer", last))) == ending


def test_the_log_knows_better_than_the_words() -> None:
    assert detect_ending(talk(*OPENING, ("customer", "thank you"), ending="escalated")) == "escalated"


def test_handing_over_is_escalating() -> None:
    assert detect_ending(talk(*OPENING, ("agent", "I am transferring you to a colleague."))) == "escalated"
    assert detect_ending(talk(*OPENING, ("customer", "谢谢"), ("agent", "正在为您转接专员。"))) == "escalated"


def test_thanks_in_a_single_question_are_no_verdict() -> None:
    assert detect_ending(talk(("customer", "how long is delivery? thanks"), ("agent", "Two days."))) is None


def test_weights() -> None:
    assert outcome_weight(talk(*OPENING)) == 1.0
    assert outcome_weight(talk(*OPENING, ending="resolved")) == RESOLVED
    assert outcome_weight(talk(*OPENING, ending="escalated")) == ESCALATED
    assert outcome_weight(talk(*OPENING, ending="escalated", satisfaction=1.0)) == 1.5
    assert outcome_weight(talk(*OPENING, satisfaction=0.0)) == 0.5
    assert outcome_weight(talk(*OPENING, satisfaction=7.0)) == 1.5
