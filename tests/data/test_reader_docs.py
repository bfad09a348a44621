"""The examples of docs/reference/log-formats.md are logs that can be read, each as what it is said to be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from data.readers import FORMATS, open_log, packed, recognise, source
from data.readers.columns import FIELDS
from data.readers.jsonstream import LONGEST_RECORD

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "log-formats.md").read_text(encoding="utf-8")
SECTIONS = {part.split("\n", 1)[0]: part for part in PAGE.split("\n## ")[1:]}
EXAMPLES = [
    (name, number, block)
    for name, part in SECTIONS.items()
    for number, block in enumerate(re.findall(r"```\w+\n(.*?)```", part, re.DOTALL))
    if name in FORMATS
]


@pytest.mark.parametrize(("name", "number", "block"), EXAMPLES)
def test_an_example_is_read_as_its_format(tmp_path: Path, name: str, number: int, block: str) -> None:
    path = tmp_path / "log"
    path.write_text(block, encoding="utf-8")
    assert recognise(path) == name
    log = list(open_log(path, strict=True))
    assert 1 <= len(log) <= 2
    if name not in ("nlu", "rasa") and "intent" not in block:
        assert all({m.role for m in c.messages} == {"customer", "agent"} for c in log)
        assert log[0].messages[0].text.lower().rstrip("?.").endswith(("parcel", "since monday", "nt-1042", "norway"))


def test_every_format_and_field_is_described() -> None:
    assert {name for name, _, _ in EXAMPLES} == set(FORMATS) - {"star", "tweetsumm"}
    assert [number for name, number, _ in EXAMPLES if name == "table"] == [0, 1, 2, 3, 4]
    listed = re.findall(r"`(\w+)`", SECTIONS["table"].split("The fields are", 1)[1].split(". A spreadsheet", 1)[0])
    assert set(listed) == set(FIELDS)
    for name in FORMATS:
        assert f"`{name}`" in PAGE


def test_the_limits_are_those_of_the_code() -> None:
    assert source.LONGEST_LINE == 8_000_000
    assert LONGEST_RECORD == 4_000_000
    assert f"{packed.MOST_RATIO} times" in PAGE
    assert f"from {packed.FREE_BYTES >> 20} MB on" in PAGE
