"""What an earlier dataset of the same log already holds, so that growth costs only its growth."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.artifacts import DatasetLayout, hash_json, is_complete, load_manifest, write_atomic
from data.errors import InputError
from data.grouping import Known
from data.grown import KnownTopics
from data.parts import notes_of, read_table, write_table
from data.shop import SettledFacts
from data.split import Settled, SplitBy
from data.survey import Surveyed
from data.wording import Stock

ENOUGH = 0.7
"""Share of a log's blocks that an earlier dataset must hold; below it, what it decided of the shop is out of date."""

LARGE = 5_000
"""Conversations from which a log's topics and groups of customers stay as they were decided; fewer are looked at anew
each time, as that takes a second."""

SPLIT_COLUMNS = pa.schema([("id", pa.string()), ("code", pa.int8())])
SURVEY_COLUMNS = pa.schema([("block", pa.int32()), ("id", pa.string()), ("digest", pa.binary(16))])
"""One row a conversation of the log, repeated ones too; ``block`` counts the notes' list of blocks."""


@dataclass(frozen=True)
class Decided:
    """What is decided once about a log, and stays while it grows.

    Attributes:
        facts: About the shop.
        stock: Sentences that say nothing.
        epoch: Names the decision: shards of one epoch fit together.
    """

    facts: SettledFacts
    stock: Stock
    epoch: str

    def save(self, path: Path) -> None:
        """Writes JSON."""
        row = {
            "epoch": self.epoch,
            "facts": self.facts.to_json(),
            "stock": {"first": sorted(self.stock.first), "last": sorted(self.stock.last)},
        }
        write_atomic(path, json.dumps(row, ensure_ascii=False, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Decided:
        """Reads what ``save`` wrote."""
        row = json.loads(path.read_text(encoding="utf-8"))
        stock = Stock(*(frozenset(row["stock"][end]) for end in ("first", "last")))
        return cls(SettledFacts.from_json(row["facts"]), stock, row["epoch"])


@dataclass(frozen=True)
class Earlier:
    """A dataset whose blocks and shards may be used again; one without a folder has none.

    Attributes:
        layout: Of the dataset, which was verified.
        blocks: Key of each block to what its survey found.
        linked: Path of each shard that was linked, inside the new dataset, to its hash.
    """

    layout: DatasetLayout | None = None
    blocks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    linked: dict[str, str] = field(default_factory=dict)

    @cached_property
    def hashes(self) -> Mapping[str, str]:
        """Of its files."""
        return load_manifest(self.layout.folder, kind="dataset", verify=False).files if self.layout else {}

    @cached_property
    def decided(self) -> Decided | None:
        """What it decided."""
        return Decided.load(self.layout.facts) if self.layout else None

    @cached_property
    def settled(self) -> Settled | None:
        """How it split the log; None for a small one, which is split anew in no time."""
        if not self.layout or not self.is_large:
            return None
        table = read_table(self.layout.splits)
        codes = dict(zip(table["id"].to_pylist(), table["code"].to_pylist(), strict=True))
        return Settled(notes_of(table)["by"], codes)

    def topics(self, accepted: str) -> KnownTopics | None:
        """The topics it found; None for a small log, and where people have decided otherwise since.

        Args:
            accepted: Hash of what people accepted by now.
        """
        if not self.layout or not self.is_large:
            return None
        recipe = load_manifest(self.layout.folder, kind="dataset", verify=False).recipe
        return KnownTopics.load(self.layout.labels) if recipe.get("accepted") == accepted else None

    @property
    def is_large(self) -> bool:
        """Whether it is so large that what was decided of its conversations stays."""
        return self.layout is not None and len(read_table(self.layout.survey)) >= LARGE

    @property
    def answers(self) -> Path | None:
        """Its answers."""
        return self.layout.answers if self.layout else None

    @cached_property
    def known(self) -> Known:
        """How it grouped answers."""
        return Known.load(self.layout.groups) if self.layout else Known()

    @cached_property
    def _surveyed(self) -> dict[int, tuple[list[str], list[bytes]]]:
        found: dict[int, tuple[list[str], list[bytes]]] = {}
        if self.layout:
            table = read_table(self.layout.survey)
            columns = (table[name].to_pylist() for name in ("block", "id", "digest"))
            for block, name, digest in zip(*columns, strict=True):
                ids, digests = found.setdefault(block, ([], []))
                ids.append(name)
                digests.append(digest)
        return found

    def surveyed(self, number: int, block: str) -> Surveyed | None:
        """What the survey of a block found, without the facts and the broken lines; None for an unknown block."""
        entry = self.blocks.get(block)
        if entry is None:
            return None
        ids, digests = self._surveyed.get(entry["place"], ([], []))
        return Surveyed(number, block, ids, digests, entry["answered"], None, [], entry["refused"])

    @cached_property
    def _files(self) -> dict[tuple[str, str], Path]:
        """(kind of shard, key) to the file."""
        found: dict[tuple[str, str], Path] = {}
        if self.layout:
            for folder in shard_folders(self.layout):
                for path in folder.iterdir():
                    found[str(folder.relative_to(self.layout.folder)), key_of(path)] = path
        return found

    def link(self, kind: str, place: Path) -> bool:
        """Puts an earlier shard in its place, if there is one of the same key.

        Args:
            kind: Path of the shard's folder inside the dataset.
            place: Where it belongs.
        """
        there = self._files.get((kind, key_of(place)))
        if there is None:
            return False
        try:
            os.link(there, place)
            self.linked[f"{kind}/{place.name}"] = self.hashes[f"{kind}/{there.name}"]
        except OSError:  # another file system, or one without links
            shutil.copyfile(there, place)
        return True


def shard_name(number: int, *parts: object) -> str:
    """``00012-KEY``: the shard's place in the log and the hash of what it is made from."""
    return f"{number:05d}-{hash_json(parts)}"


def key_of(path: Path) -> str:
    """The hash in a shard's name."""
    return path.name.partition("-")[2].partition(".")[0]


def shard_folders(layout: DatasetLayout) -> tuple[Path, ...]:
    """Folders of a dataset that hold a file a shard."""
    return layout.conversations, layout.rows, layout.utterances, layout.words, layout.examples


def find_earlier(parent: Path, settings: Mapping[str, Any], blocks: Sequence[str]) -> Earlier:
    """The dataset that holds most of a log's blocks and was made in the same way.

    Args:
        parent: Folder of all datasets.
        settings: What shaped it besides its logs.
        blocks: Keys of the log's blocks.
    """
    wanted, best, held = set(blocks), Earlier(), 0
    for folder in sorted(parent.glob("[!.]*")):
        found = _blocks_of(folder, settings)
        count = len(wanted & found.keys())
        if count >= ENOUGH * len(wanted) and count > held:
            best, held = Earlier(DatasetLayout(folder), found), count
    if best.layout and not is_complete(best.layout.folder, kind="dataset"):
        return Earlier()
    return best


def _blocks_of(folder: Path, settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    try:
        recipe = dict(load_manifest(folder, kind="dataset", verify=False).recipe)
        for name in ("logs", "corrections", "accepted", "approvals"):
            recipe.pop(name, None)
        if hash_json(recipe) != hash_json(settings):
            return {}
        notes = notes_of(read_table(DatasetLayout(folder).survey))
    except (InputError, OSError, pa.ArrowInvalid):
        return {}  # a dataset of another time, or a broken one: it is not used, and nothing is lost
    blocks: dict[str, dict[str, Any]] = notes["blocks"]
    return blocks


def save_splits(path: Path, tables: Sequence[pa.Table], codes: Sequence[NDArray[np.int8]], by: SplitBy) -> None:
    """Writes the split of each complete conversation, for ``Earlier.settled``."""
    columns: dict[str, list[Any]] = {"id": [], "code": []}
    for table, found in zip(tables, codes, strict=True):
        complete = table["complete"].to_numpy(zero_copy_only=False).astype(bool)
        columns["id"] += table["id"].filter(pa.array(complete)).to_pylist()
        columns["code"] += found[complete].tolist()
    write_table(path, SPLIT_COLUMNS, columns, notes={"by": by})


def save_survey(path: Path, surveys: Sequence[Surveyed]) -> None:
    """Writes what the survey found, for ``Earlier.surveyed``."""
    blocks = {
        s.block: {"place": place, "answered": s.answered, "refused": s.refused} for place, s in enumerate(surveys)
    }
    columns: dict[str, list[Any]] = {"block": [], "id": [], "digest": []}
    for place, survey in enumerate(surveys):
        columns["block"] += [place] * len(survey.ids)
        columns["id"] += survey.ids
        columns["digest"] += survey.digests
    write_table(path, SURVEY_COLUMNS, columns, notes={"blocks": blocks})
