"""A yes counts for what was shown when it was said, and for nothing that was shown after it."""

from __future__ import annotations

from typing import Any

from bot.handoff import State
from bot.state.entry import ConversationInfo, Entry, Lease
from bot.state.hydrate import Window, without_context
from bot.state.turn import Turn, current_turn, is_late


def confirm(seq: int, text: str, *, kind: Any = "bot") -> Entry:
    return Entry(seq, kind, 0.0, "bot", text, {"response": "utter_confirm_return"})


def said(seq: int, **data: str) -> Entry:
    return Entry(seq, "customer", 0.0, "customer", "yes", data)


def late(message: Entry, *others: Entry) -> bool:
    entries = tuple(sorted([*others, message], key=lambda entry: entry.seq))
    turn = Turn(Lease("c", "w", 1, ConversationInfo("c", State.BOT, 9)), Window(entries), message)
    token = current_turn.set(turn)
    try:
        return is_late()
    finally:
        current_turn.reset(token)


def test_a_yes_after_what_was_shown_is_in_time() -> None:
    assert not is_late()
    assert not late(said(2))
    assert not late(said(5), confirm(4, "Order A?"))
    assert not late(said(5), confirm(4, "Order A?"), Entry(6, "bot", 0.0, "bot", "It costs 5."))


def test_a_yes_that_waited_while_something_else_was_shown_is_late() -> None:
    assert late(said(5), confirm(6, "Order B?"))
    assert late(said(5), confirm(3, "Order A?"), confirm(6, "Order B?"))
    assert not late(said(5), confirm(3, "Order A?"), confirm(6, "Order A?")), "the same was shown before"


def test_a_button_says_yes_to_its_own_question() -> None:
    two = confirm(3, "Order A?"), confirm(6, "Order B?")
    assert late(said(8, button="3.0"), *two)
    assert not late(said(8, button="6.0"), *two)
    assert late(said(8, button="1.0"), Entry(1, "bot", 0.0, "bot", "A person?"), *two)


def test_what_only_agents_saw_was_not_shown() -> None:
    assert late(said(5), confirm(4, "Order A?", kind="suggested"))


def test_nothing_of_it_is_kept_with_the_message() -> None:
    assert without_context({"late": True, "language": "en"}) == {"language": "en"}
