"""Rasa NLU YAML: each example of an intent is a customer's message with that label."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from data.errors import InputError
from data.readers.checks import checked
from data.readers.source import Problems, Source
from data.schema import Conversation, Message

LARGEST = 32 << 20
"""Characters: YAML has to be read whole."""

_ENTITY = re.compile(r"\[([^\[\]]{1,500})\](?:\([^()]{1,500}\)|\{[^{}]{1,500}\})")
_BULLET = re.compile(r"^\s*-\s+(.*\S)\s*$", re.MULTILINE)
_EXPECTED = "an intent with examples, one '- example' a line"


def read(source: Source, problems: Problems) -> Iterator[Conversation]:
    """Streams the examples, in the order of the file.

    Raises:
        InputError: No YAML, too large, or without the list ``nlu``.
    """
    document = _load(source)
    items = document.get("nlu") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise InputError(
            str(source.path),
            got="YAML without a list `nlu`",
            expected="Rasa NLU training data",
            next_step="Check the file.",
        )
    return _examples(items, problems)


def _load(source: Source) -> Any:
    import yaml

    with source.text() as stream:
        text = stream.read(LARGEST + 1).replace("\x00", "")
    if len(text) > LARGEST:
        got = f"YAML of more than {LARGEST >> 20} million characters"
        raise InputError(str(source.path), got=got, expected="less", next_step="Split the file.")
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        raise InputError(
            f"{source.path}{where}", got="broken YAML", expected="Rasa NLU training data", next_step="Mend the file."
        ) from error


def _examples(items: list[Any], problems: Problems) -> Iterator[Conversation]:
    number = 0
    for place, item in enumerate(items, start=1):
        if not isinstance(item, dict) or "intent" not in item:
            continue  # synonyms, lookup tables, regular expressions
        texts = _texts(item.get("examples"))
        if not isinstance(item["intent"], str) or not texts:
            problems.report(place, "an intent without name or examples", _EXPECTED)
            continue
        for text in texts:
            number += 1
            message = Message("customer", _ENTITY.sub(r"\1", text), intent=item["intent"])
            yield checked(Conversation(f"example-{number}", (message,)))


def _texts(examples: Any) -> list[str]:
    """The examples of an intent: a block of lines with dashes, or a list of texts or of objects with ``text``."""
    if isinstance(examples, str):
        return _BULLET.findall(examples)
    rows = examples if isinstance(examples, list) else []
    texts = [row.get("text") if isinstance(row, dict) else row for row in rows]
    return [text.strip().removeprefix("- ").strip() for text in texts if isinstance(text, str) and text.strip()]
