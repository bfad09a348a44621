"""A preview says what was recognised, and points at what looks wrong."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from data.preview import Preview
from data.records import write_rows
from data.schema import Conversation, Message, Role

ROOT = Path(__file__).resolve().parents[2]


def preview_of(*conversations: Conversation) -> tuple[Preview, str]:
    preview = Preview()
    for conversation in conversations:
        preview.add(conversation)
    return preview, "\n".join(preview.lines())


def talk(*roles: Role, name: str = "c1", at: float | None = None) -> Conversation:
    return Conversation(name, tuple(Message(role, f"{role} says {i}", time=at) for i, role in enumerate(roles)))


def test_counts_and_an_example_in_which_an_agent_answers() -> None:
    one = talk("customer", name="alone")
    two = Conversation(
        "two",
        (
            Message("customer", "退款\n呢", time=1.7e9),
            Message("agent", "x" * 300, time=1.7e9, author="Anna", label="t"),
        ),
        language="zh", topic="refund", ending="resolved", channel="web",
    )  # fmt: skip
    preview, text = preview_of(one, two, talk("customer", "agent", name="three"))
    assert (preview.conversations, preview.messages, preview.silent) == (3, 5, 1)
    assert "3 conversations, 5 messages: customer 3, agent 2" in text
    assert "40% of the messages, 2023-11-14 to 2023-11-14" in text
    assert "refund 1" in text
    assert "web 1" in text
    assert "for example two:\n  customer: 退款 呢\n  agent: " + "x" * 100 in text
    assert "x" * 101 not in text
    assert "look here" not in text


def test_what_looks_wrong_is_said() -> None:
    assert "no message is an agent's" in preview_of(talk("customer", "customer"))[1]
    assert "no message is a customer's" in preview_of(talk("agent", "agent"))[1]
    assert "no agent answers a customer" in preview_of(talk("agent", "customer"))[1]
    single = [talk("customer" if i % 2 else "agent", name=f"c{i}") for i in range(4)]
    assert "each conversation has one message" in preview_of(*single)[1]
    assert "all messages are one conversation" in preview_of(talk(*(["customer", "agent"] * 30)))[1]
    assert "lie in the future" in preview_of(talk("customer", "agent", at=time.time() + 1e6))[1]
    assert "split by its order" in preview_of(talk("customer", "agent"))[1]


def test_nothing_was_read() -> None:
    preview, text = preview_of()
    assert preview.messages == 0
    assert "0 conversations, 0 messages: nobody" in text


def test_the_command(tmp_path: Path) -> None:
    write_rows(tmp_path / "log.jsonl", [talk("customer", "agent", name=f"c{i}", at=1.7e9 + i) for i in range(20)])
    command = [sys.executable, "careline.py", "data", "import", str(tmp_path / "log.jsonl")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "20 conversations, 40 messages: customer 20, agent 20" in done.stdout
    assert not (tmp_path / "var").exists()
