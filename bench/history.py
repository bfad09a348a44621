"""What a history of a conversation must satisfy (design, section 3): pure functions, so that tests can break each.

A history is what the log holds at the end, what clients were acknowledged and shown meanwhile, and what was asked of
whom. Each check returns what is wrong, in words with the conversation's id and numbers; nothing is wrong with an empty
list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One entry of the log.

    Attributes:
        seq: Its number.
        kind: As in ``bot.state.entry``.
        text: What people read.
        data: As in ``bot.state.entry``.
    """

    seq: int
    kind: str
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class History:
    """One conversation.

    Attributes:
        conversation: Its id.
        sent: Client id to the text sent under it, each perhaps many times.
        acknowledged: Client id to the number that was acknowledged.
        shown: For each client, in order, (seq, kind, text) of the entries it was shown, over all its connections.
        log: Everything in the end, oldest first.
        pending: Whether the log says that a message has no outcome.
        hydrated: State of the dialogue by the bounded window and by full replay; None when not compared.
    """

    conversation: str
    sent: dict[str, str] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)
    shown: list[list[tuple[int, str, str]]] = field(default_factory=list)
    log: list[Row] = field(default_factory=list)
    pending: bool = False
    hydrated: tuple[Any, Any] | None = None


VISIBLE = frozenset({"customer", "bot", "agent", "state", "failure"})
"""What a customer is shown."""


def violations(history: History) -> list[str]:
    """All that is wrong with a history, each beginning with the invariant's name."""
    checks = (_stored_once, _has_outcome, _one_reply, _one_order, _no_gap, _not_crossed, _silent_after_takeover, _state)
    return [f"{history.conversation}: {wrong}" for check in checks for wrong in check(history)]


def _stored_once(history: History) -> list[str]:
    """I1: an acknowledged message is stored exactly once, under its number, as it was sent; others at most once."""
    wrong = []
    stored = Counter(row.data.get("client_id") for row in history.log if row.kind == "customer")
    rows = {row.seq: row for row in history.log}
    for client_id, seq in history.acknowledged.items():
        row = rows.get(seq)
        if row is None or row.data.get("client_id") != client_id or row.text != history.sent[client_id]:
            wrong.append(f"I1 message {client_id} was acknowledged as {seq}, where there is {row}")
    wrong += [f"I1 message {key} is stored {times} times" for key, times in stored.items() if times > 1]
    return wrong


def _has_outcome(history: History) -> list[str]:
    """I2: every stored message has an outcome: a turn, a failure, or it came while (or before) a person had it."""
    if history.pending:
        return ["I2 a message waits although everything is quiet"]
    answered, open_, state = _answered(history), list[int](), "bot"
    for row in history.log:
        if row.kind == "state":
            state = str(row.data.get("to"))
            open_ = open_ if state == "bot" else []  # people have seen what was said before
        elif row.kind == "customer" and state == "bot" and row.seq not in answered:
            open_.append(row.seq)
    return [f"I2 messages {open_} have no outcome"] if open_ else []


def _answered(history: History) -> Counter[int]:
    return Counter(
        row.data["answers"] for row in history.log if row.kind in ("turn", "failure") and row.data.get("answers")
    )


def _one_reply(history: History) -> list[str]:
    """I3: one set of replies for a message."""
    return [f"I3 message {seq} was answered {times} times" for seq, times in _answered(history).items() if times > 1]


def _one_order(history: History) -> list[str]:
    """I4: whoever looked saw what the log holds, in its order."""
    rows = {row.seq: row for row in history.log}
    wrong = []
    for watcher, shown in enumerate(history.shown):
        numbers = [seq for seq, _, _ in shown]
        if numbers != sorted(set(numbers)):
            wrong.append(f"I4 client {watcher} saw the order {numbers}")
        for seq, kind, text in shown:
            row = rows.get(seq)
            if row is None or (row.kind, row.text) != (kind, text):
                wrong.append(f"I4 client {watcher} saw {kind} {text!r} as {seq}, where there is {row}")
    return wrong


def _no_gap(history: History) -> list[str]:
    """I5: a client that resumes misses nothing up to the last it saw."""
    wrong = []
    for watcher, shown in enumerate(history.shown):
        seen, last = {seq for seq, _, _ in shown}, max((seq for seq, _, _ in shown), default=0)
        missed = [row.seq for row in history.log if row.kind in VISIBLE and row.seq <= last and row.seq not in seen]
        if missed:
            wrong.append(f"I5 client {watcher} saw {last} but not {missed}")
    numbers = [row.seq for row in history.log]
    if numbers != list(range(1, len(numbers) + 1)):
        wrong.append(f"I5 the log's numbers are {numbers[:20]}…")
    return wrong


def _not_crossed(history: History) -> list[str]:
    """I6: a turn's events hold the words of the message that it answers, and of no other conversation."""
    rows = {row.seq: row for row in history.log}
    wrong = []
    for row in history.log:
        said = [event.get("text") for event in row.data.get("events", ()) if event.get("event") == "user"]
        asked = rows.get(row.data.get("answers", 0))
        if row.kind == "turn" and asked is not None and said and said[-1] != asked.text:
            wrong.append(f"I6 turn {row.seq} answers {asked.text!r} with the events of {said[-1]!r}")
    foreign = [row.seq for row in history.log if row.kind == "customer" and row.text not in history.sent.values()]
    return wrong + ([f"I6 messages {foreign} were never sent here"] if foreign else [])


def _silent_after_takeover(history: History) -> list[str]:
    """I7: no bot reply while a person has the conversation or is waited for."""
    wrong, state = [], "bot"
    for row in history.log:
        if row.kind == "state":
            state = str(row.data.get("to"))
        elif row.kind == "bot" and state != "bot":
            wrong.append(f"I7 the bot spoke at {row.seq} in state {state}")
    return wrong


def _state(history: History) -> list[str]:
    """I8: the bounded window gives the state that full replay gives."""
    if history.hydrated is None or history.hydrated[0] == history.hydrated[1]:
        return []
    return [f"I8 the window gives {history.hydrated[0]}, full replay {history.hydrated[1]}"]


def total(histories: Sequence[History]) -> list[str]:
    """All violations of all histories, and messages that two conversations share."""
    wrong = [one for history in histories for one in violations(history)]
    owners: dict[str, set[str]] = {}
    for history in histories:
        for row in history.log:
            if row.kind == "customer" and row.data.get("client_id"):
                owners.setdefault(str(row.data["client_id"]), set()).add(history.conversation)
    return wrong + [f"I6 message {key} is in {sorted(names)}" for key, names in owners.items() if len(names) > 1]
