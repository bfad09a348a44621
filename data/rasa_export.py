"""The static intents' examples, read from Rasa's own files, so that they are written in one place only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.errors import InputError
from data.normalise import detect_language
from data.schema import IntentExample
from data.split import split_lines

_ENTITY = re.compile(r"\[([^\]]*)\](?:\([^)]*\)|\{[^}]*\})")


def static_examples(folder: Path) -> list[IntentExample]:
    """Reads ``nlu*.yml`` of Rasa's data folder.

    Entity mark-up (``[NT-1](order)``) is taken out; a retrieval intent keeps its full name; repeated lines count once.
    Of each intent's lines in each language, one in ten is held out for choosing and one for measuring.

    Args:
        folder: Such as ``data/rasa``. Without such files the list is empty.

    Raises:
        InputError: A file that is not Rasa's NLU format.
    """
    found: dict[tuple[str, str], dict[str, None]] = {}
    for path in nlu_files(folder):
        for intent, line in _lines(path):
            text = _ENTITY.sub(r"\1", line).strip()
            if text:
                language = detect_language(text) or ("zh" if path.stem.endswith("_zh") else "en")
                found.setdefault((intent, language), {})[text] = None
    examples = []
    for (intent, language), texts in found.items():
        for text, split in zip(texts, split_lines(list(texts)), strict=True):
            examples.append(IntentExample(text, intent, "static", split, language, "file"))
    return examples


def nlu_files(folder: Path) -> list[Path]:
    """The files that hold static examples, in the order of their names."""
    return sorted([*folder.glob("nlu*.yml"), *folder.glob("nlu*.yaml")])


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    for item in _read(path).get("nlu") or []:
        if not isinstance(item, dict) or "intent" not in item:
            continue  # synonyms, look-up tables and regular expressions hold no examples
        for line in str(item.get("examples") or "").splitlines():
            if line.lstrip().startswith("- "):
                yield str(item["intent"]), line.lstrip()[2:].strip()


def _read(path: Path) -> dict[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise InputError(
            str(path), got=" ".join(str(error).split()), expected="Rasa's NLU YAML", next_step="Mend the file."
        ) from error
    if not isinstance(content, dict):
        raise InputError(str(path), got="no mapping", expected="Rasa's NLU YAML", next_step="Mend the file.")
    return content
