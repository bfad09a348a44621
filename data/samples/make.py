"""Writes the sample log and the demo shop's orders anew: ``python data/samples/make.py``.

Everything follows from the phrase books and the seed; the same run gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from data.samples.orders import make_orders
from data.samples.people import read_items
from data.samples.phrasebook import Decks, read_common, read_topics
from data.samples.plot import deal_openings, play
from data.samples.scene import Stage
from data.schema import Conversation

ROOT = Path(__file__).resolve().parents[2]
SEED = 20251117
COUNTS = {"en": 800, "zh": 420}
ORDERS_AS_OF = date(2026, 11, 25)


def make_log(seed: int = SEED) -> list[Conversation]:
    """All conversations of both languages, oldest first."""
    log: list[Conversation] = []
    for language, count in COUNTS.items():
        rng = random.Random(f"{seed}-{language}")
        topics = read_topics(language)
        stage = Stage(language, topics, read_common(language), read_items(), Decks(rng))
        openings = deal_openings(rng, topics, count)
        log += [play(rng, stage, opening, f"{language}-{at:04d}") for at, opening in enumerate(openings)]
    log.sort(key=lambda conversation: (conversation.started, conversation.id))
    return [_renamed(conversation, f"C{at:05d}") for at, conversation in enumerate(log, start=1)]


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Writes one JSON object a line and returns the number of bytes."""
    lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows]
    return path.write_bytes("".join(lines).encode())


def conversation_row(conversation: Conversation) -> dict[str, Any]:
    """The conversation as JSON; its messages without the fields that are None, which keeps the log small."""
    return {
        **conversation.to_json(),
        "messages": [_message_row(message.to_json()) for message in conversation.messages],
    }


def _message_row(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "time": int(row["time"])}


def _renamed(conversation: Conversation, name: str) -> Conversation:
    return Conversation(**{**vars(conversation), "id": name})


def main() -> None:
    """Writes both files and says how large they became."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "data/samples/shop.jsonl", help="the log")
    parser.add_argument("--orders", type=Path, default=ROOT / "actions/services/sample_orders.jsonl", help="the orders")
    options = parser.parse_args()
    orders = make_orders(SEED, read_items(), today=ORDERS_AS_OF)
    print(f"{options.out}: {write_lines(options.out, map(conversation_row, make_log())):,} bytes", file=sys.stderr)
    print(f"{options.orders}: {write_lines(options.orders, orders):,} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
