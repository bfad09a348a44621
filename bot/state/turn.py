"""One turn while it runs: what was hydrated, what Rasa staged, and who looks at it. Imports no Rasa.

Rasa calls lock, tracker store, components and actions without telling them of each other; the context variables here
are how they meet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from bot.control import FLOWS
from bot.state.entry import Entry, Lease, StateError
from bot.state.hydrate import Window, without_context
from bot.state.log import said
from data.schema import Role

CONFIRMS = "utter_confirm_"
"""How responses are named that show what a yes registers."""

RECENT = 8
"""So many utterances a message's context has at most."""


class TurnFailed(StateError):
    """A turn ended without an outcome: an action failed, or the bot said nothing. Nothing of it was committed."""


@dataclass
class Job:
    """A customer's message that the worker has Rasa answer.

    Attributes:
        message: From the log.
        owner: Holder of the lease: a worker and its lane.
        context: Metadata that goes with the message; the lock adds ``turns`` and ``given`` when it has hydrated.
        tries: How often it was tried, this time included; set when the lease is taken.
    """

    message: Entry
    owner: str
    context: dict[str, Any] = field(default_factory=dict)
    tries: int = 0


@dataclass
class Turn:
    """A turn under a lease.

    Attributes:
        lease: The right to commit it.
        window: What was hydrated.
        message: The customer's message, or None at a makers' door (``rasa shell``), where it comes through Rasa.
        events: Staged by ``save``: Rasa's new events as dicts.
        state: Staged by ``save``: the dialogue's state after them (see ``hydrate.snapshot``), or None.
        hydrated: How many events the tracker had before Rasa added its own; set by ``retrieve``.
        failures: What went wrong in places whose errors Rasa swallows; a turn with any is not committed.
    """

    lease: Lease
    window: Window
    message: Entry | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    state: dict[str, Any] | None = None
    hydrated: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def conversation(self) -> str:
        """Id of the conversation."""
        return self.lease.conversation

    def check(self) -> None:
        """Looks whether this turn is an outcome.

        Raises:
            TurnFailed: It is not.
        """
        if self.message is None:
            return
        if self.failures:
            raise TurnFailed(f"turn of {self.conversation}: {'; '.join(self.failures)}")
        if self.state is None:
            raise TurnFailed(f"turn of {self.conversation}: got no save from Rasa; expected one.")
        action = self.state.get("action")
        if not self.state.get("paused") and action != "action_listen":  # Rasa's circuit breaker, and it would stay so
            raise TurnFailed(f"turn of {self.conversation}: got an end after {action}; expected action_listen.")
        if not self.state.get("paused") and not replies_of(self.events):
            raise TurnFailed(f"turn of {self.conversation}: got no reply; expected one, or a hand-off.")


current_turn: ContextVar[Turn | None] = ContextVar("current_turn", default=None)
"""The turn that runs in this task, set by the lock."""

current_job: ContextVar[Job | None] = ContextVar("current_job", default=None)
"""The message that the worker has answered in this task."""


def recent_turns(*, limit: int = RECENT) -> list[tuple[Role, str]]:
    """What was said before the message that is being answered, agents' replies included; oldest first.

    Outside of a turn it is empty. The bot's replies count as the agent's, as in ``data.context.render_context``.
    """
    turn = current_turn.get()
    if turn is None:
        return []
    before = turn.message.seq if turn.message else None
    return said([e for e in turn.window.entries if before is None or e.seq < before])[-limit:]


def given_answers() -> list[str]:
    """Ids of the answers that the bot gave within the window, oldest first; empty outside of a turn."""
    turn = current_turn.get()
    customs = [e.data.get("custom") or {} for e in turn.window.entries if e.kind == "bot"] if turn else []
    return [str(custom["answer"]) for custom in customs if custom.get("answer")]


def is_late() -> bool:
    """Whether the message that is being answered says yes or no to something else than what was asked last for one.

    It was written before the bot showed what it would register, or presses the button of an older question.
    """
    turn = current_turn.get()
    if turn is None or turn.message is None:
        return False
    asked = [e for e in turn.window.entries if str(e.data.get("response", "")).startswith(CONFIRMS)]
    pressed = str(turn.message.data.get("button") or "").partition(".")[0]
    shown = [e for e in asked if e.kind == "bot"]
    seen = [e for e in shown if (e.seq == int(pressed) if pressed else e.seq < turn.message.seq)]
    return bool(asked) and asked[-1].text not in [e.text for e in seen]


def replies_of(events: Sequence[Mapping[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """(text, data) of what the bot says in Rasa's events."""
    replies = []
    for event in events:
        if event.get("event") != "bot":
            continue
        data = {name: value for name, value in (event.get("data") or {}).items() if value}
        name = (event.get("metadata") or {}).get("utter_action")
        if event.get("text") or data:
            replies.append((event.get("text") or "", data | ({"response": name} if name else {})))
    return replies


def handoff_reason(events: Sequence[Mapping[str, Any]]) -> str:
    """Why the turn handed over, as the action said it in its reply's custom data."""
    reasons = [((data.get("custom") or {}).get("handoff") or {}).get("reason") for _, data in replies_of(events)]
    return next((str(reason) for reason in reversed(reasons) if reason), "bot")


def topics_of(turn: Turn) -> list[str]:
    """What a turn is about, as the switches know it (``bot.control``): never empty.

    The topic of a question, else the intent; and the flow of each form that was open before or during the turn.
    """
    topics = []
    for event in turn.events:
        if event.get("event") == "user":
            parsed = event.get("parse_data") or {}
            topic = (parsed.get("careline") or {}).get("topic")
            intent = (parsed.get("intent") or {}).get("name")
            topics.append(str(topic if topic and intent == "ask" else intent or "ask"))
        elif event.get("event") == "active_loop" and event.get("name"):
            topics.append(flow_of(str(event["name"])))
    loop = turn.window.loop
    names = [*topics, *([flow_of(loop)] if loop else [])]
    return list(dict.fromkeys(names)) or ["ask"]


def flow_of(form: str) -> str:
    """The topic of a form."""
    return FLOWS.get(form, form.removesuffix("_form"))


def lean(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event without the context that the worker put into the message's metadata: the log has it already."""
    event = dict(event)
    if event.get("event") == "user":
        event["metadata"] = without_context(event.get("metadata"))
        parse_data = event.get("parse_data")
        if isinstance(parse_data, Mapping) and "metadata" in parse_data:
            event["parse_data"] = {**parse_data, "metadata": without_context(parse_data["metadata"])}
    elif event.get("event") == "slot" and event.get("name") == "session_started_metadata":
        event["value"] = without_context(event.get("value"))
    return event
