"""The checker of bench `invariants` finds each kind of wrong, and nothing in a history that is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.history import History, Row, total, violations


def right() -> History:
    """A message that is answered, one that a person answers, one after the bot has it again."""
    log = [
        Row(1, "customer", "hello", {"client_id": "a"}),
        Row(2, "turn", data={"answers": 1, "events": [{"event": "user", "text": "hello"}]}),
        Row(3, "bot", "Hello!"),
        Row(4, "customer", "a person", {"client_id": "b"}),
        Row(5, "state", data={"to": "agent"}),
        Row(6, "suppressed", "Do you mean …"),
        Row(7, "agent", "I am here."),
        Row(8, "state", data={"to": "bot"}),
        Row(9, "customer", "thanks", {"client_id": "c"}),
        Row(10, "failure", "Sorry", {"answers": 9}),
    ]
    visible = [(row.seq, row.kind, row.text) for row in log if row.kind not in ("turn", "suppressed")]
    return History(
        "x",
        sent={"a": "hello", "b": "a person", "c": "thanks"},
        acknowledged={"a": 1, "b": 4, "c": 9},
        shown=[visible, visible[:3]],
        log=log,
        hydrated=({"slots": {}}, {"slots": {}}),
    )


def test_a_right_history_is_not_complained_of() -> None:
    assert violations(right()) == []
    assert total([right(), replace(right(), conversation="y", log=[], acknowledged={}, shown=[])]) == []


def test_what_is_said_while_a_person_has_it_is_that_persons() -> None:
    log = [
        Row(1, "state", data={"to": "agent"}),
        Row(2, "customer", "hello", {"client_id": "a"}),
        Row(3, "state", data={"to": "bot"}),
    ]
    assert violations(History("x", sent={"a": "hello"}, acknowledged={"a": 2}, log=log)) == []


def put(history: History, place: int, row: Row) -> None:
    history.log[place] = row


WRONG: list[tuple[str, Callable[[History], object]]] = [
    ("I1", lambda h: h.acknowledged.update(a=4)),
    ("I1", lambda h: put(h, 3, Row(4, "note"))),
    ("I1", lambda h: put(h, 8, Row(9, "customer", "hello", {"client_id": "a"}))),
    ("I2", lambda h: put(h, 9, Row(10, "bot", "unasked"))),
    ("I2", lambda h: setattr(h, "pending", True)),
    ("I3", lambda h: put(h, 6, Row(7, "turn", data={"answers": 1, "events": []}))),
    ("I4", lambda h: h.shown[0].reverse()),
    ("I4", lambda h: h.shown.append([(1, "customer", "something else")])),
    ("I4", lambda h: h.shown.append([(1, "customer", "hello"), (1, "customer", "hello")])),
    ("I5", lambda h: h.shown[0].pop(1)),
    ("I5", lambda h: h.log.pop(5)),
    ("I6", lambda h: put(h, 1, Row(2, "turn", data={"answers": 1, "events": [{"event": "user", "text": "bye"}]}))),
    ("I6", lambda h: h.sent.update(a="hullo")),
    ("I7", lambda h: put(h, 5, Row(6, "bot", "Do you mean …"))),
    ("I8", lambda h: setattr(h, "hydrated", ({"slots": {}}, {"slots": {"lost": 1}}))),
]


@pytest.mark.parametrize(("name", "break_it"), WRONG, ids=[f"{name}-{i}" for i, (name, _) in enumerate(WRONG)])
def test_each_kind_of_wrong_is_found(name: str, break_it: Callable[[History], object]) -> None:
    history = right()
    break_it(history)
    assert any(line.startswith(f"x: {name} ") for line in violations(history)), violations(history)


def test_one_message_in_two_conversations_is_found() -> None:
    assert any("I6 message a is in" in line for line in total([right(), replace(right(), conversation="y")]))
