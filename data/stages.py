"""The stages of a dataset in their order; see `data.build`, which calls this."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.answering import Makings, write_answers
from data.approvals import Approval, Key
from data.artifacts import DatasetLayout, hash_json
from data.blocks import Block, LogBlocks
from data.correcting import apply_corrections
from data.corrections import merge, read_corrections
from data.dedupe import stock_of
from data.earlier import Decided, Earlier, find_earlier, key_of, save_splits, save_survey, shard_folders, shard_name
from data.engine import Engine
from data.grouping import Groups, Utterances
from data.grown import grow_topics, marks_of, save_topics
from data.intake import Complaints
from data.label import Topics, find_topics
from data.own_patterns import compile_patterns
from data.pairs import ExampleTask, example_shard
from data.parts import notes_of, read_table, split_rows
from data.progress import Progress
from data.rasa_export import static_examples
from data.readers.source import TOLERATED, Problem
from data.records import write_rows
from data.redact import Redactor
from data.refine import RefineTask, refine_block
from data.report import describe
from data.schema import Conversation, Message, Split
from data.shop import SAMPLED, ShopFacts
from data.split import Division, divide
from data.survey import Register, Surveyed, SurveyTask, check_enough, survey_block
from data.weak import Rule
from data.wording import Stock, WordTask, number, word_shard
from data.workspace import Learn

_Codes = NDArray[np.int8]

MANY = 32
"""Blocks after which processes that redacted hold much that is of no use to the stages after it."""


@dataclass(frozen=True)
class Options:
    """What a build was asked for; see `data.build.build_dataset`."""

    paths: tuple[Path, ...]
    format: str | None
    mapping: str | None
    strict: bool
    learn: Learn
    static: Path
    fresh: bool
    corrections: Path
    accepted: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    approvals: Mapping[Key, Approval] = field(default_factory=dict)

    def open(self, progress: Progress) -> Prepared:
        """Opens the logs.

        Raises:
            InputError: One cannot be read at all.
        """
        complaints = Complaints(progress)
        logs = []
        for path in self.paths:
            with progress.step(f"open {path.name}"):
                logs.append(
                    LogBlocks(
                        path, format=self.format, mapping=self.mapping, strict=self.strict, on_problem=complaints,
                        on_mapping=progress.say,
                    )
                )  # fmt: skip
        return Prepared(self, logs, complaints, progress)


@dataclass
class Prepared:
    """Logs that were opened."""

    options: Options
    logs: list[LogBlocks]
    complaints: Complaints
    progress: Progress

    def blocks(self) -> Iterator[Block]:
        """All blocks of all logs, numbered in order."""
        number = 0
        for log in self.logs:
            for block in log.blocks(start=number):
                yield block
                number = block.number + 1


def build(
    layout: DatasetLayout, prepared: Prepared, *, key: bytes, engine: Engine, settings: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Runs all stages; returns the report, and the hashes of the files that an earlier dataset has as well."""
    made = _Build(layout, prepared, key, engine, settings)
    return made.run(), made.earlier.linked


@dataclass
class _Build:
    layout: DatasetLayout
    prepared: Prepared
    key: bytes
    engine: Engine
    settings: dict[str, Any]
    earlier: Earlier = field(default_factory=Earlier)

    def __post_init__(self) -> None:
        self.progress = self.prepared.progress
        for folder in shard_folders(self.layout):
            folder.mkdir(parents=True, exist_ok=True)

    def run(self) -> dict[str, Any]:
        surveys, register, names = self._survey()
        decided = self._refine(surveys, names)
        with ThreadPoolExecutor(1) as beside:  # the workers have the words, this process the splits
            divided = beside.submit(self._split)
            self._words(decided)
            division, codes = divided.result()
        groups = self._group()
        examples = self._examples(groups, codes)
        self.engine.rest()
        found = self._topics(division)
        write_rows(self.layout.intents, [*found.static, *found.examples])
        write_rows(self.layout.topics, found.topics)
        train = np.concatenate(codes) == 0 if codes else np.zeros(0, dtype=bool)
        with self.progress.step("answers"):
            ids = self._table["id"].to_pylist()
            options = self.prepared.options
            listed = division.by == "question"
            makings = Makings(groups, ids, found.of, train, listed, options.learn.ask, options.approvals)
            held_back = write_answers(self.layout, makings, self.earlier.answers)
        save_survey(self.layout.survey, surveys)
        groups.save(self.layout.groups, makings.hashes)
        corrected = self._correct(division)
        report = describe(
            self.layout, self._table, refused=self._refused(surveys), duplicates=register.duplicates,
            redacted=self._redacted(), division=division, examples=examples, found=found,
            counted=None if corrected else (held_back, [*found.static, *found.examples]),
        )  # fmt: skip
        report |= corrected
        self.layout.report.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return report

    def _correct(self, division: Division) -> dict[str, Any]:
        """Lets what agents corrected win over what the log says."""
        folder = self.prepared.options.corrections
        rows, torn = read_corrections(folder)
        if torn:
            self.progress.say(f"{torn} broken lines of corrections skipped.")
        if not rows:
            return {}
        with self.progress.step("corrections"):
            now = max(path.stat().st_mtime for path in folder.glob("*.jsonl"))  # the same in every build
            merged = merge(rows, now=now)
            static = frozenset(e.intent for e in static_examples(self.prepared.options.static))
            return {"corrections": apply_corrections(self.layout, merged, division.splits, static)}

    # Survey ---------------------------------------------------------------------------------------------------

    def _survey(self) -> tuple[list[Surveyed], Register, list[tuple[str | None, ...]]]:
        keys, lines = [], 0
        self._logs: list[str] = []
        for block in self.prepared.blocks():
            keys.append(block.key)
            self._logs.append(block.path.name)
            lines += block.data.count(b"\n")
        options = self.prepared.options
        if not (options.fresh or options.strict):
            self.earlier = find_earlier(self.layout.folder.parent, self.settings, keys)
        self._facts = ShopFacts(self.key)
        surveys = self._surveys(keys, every=max(1, lines // SAMPLED))
        register = Register()
        ids = [register.enter(s.ids, s.digests) for s in surveys]
        thing = ", ".join(log.shown for log in self.prepared.logs)
        self._judge(surveys)
        check_enough(thing, register.conversations, answered=any(s.answered for s in surveys))
        self._every = max(1, register.conversations // SAMPLED)
        return surveys, register, ids

    def _surveys(self, keys: Sequence[str], *, every: int) -> list[Surveyed]:
        known = [self.earlier.surveyed(number, key) for number, key in enumerate(keys)]
        fresh = (b for b in self.prepared.blocks() if known[b.number] is None)
        tasks = (SurveyTask(block, self.key, every) for block in fresh)
        for found in self.progress.stream("survey", self.engine.map(survey_block, tasks)):
            assert found.facts is not None
            self._facts.merge(found.facts)
            found.facts = None
            known[found.number] = found
            for problem in found.problems:
                self._complain(problem)
        return [survey for survey in known if survey is not None]

    def _complain(self, problem: Problem) -> None:
        if self.prepared.options.strict:
            raise problem.error("Mend the line, or leave out --strict to skip it.")
        self.prepared.complaints(problem)

    def _judge(self, surveys: Sequence[Surveyed]) -> None:
        """Refuses a log of which nothing, or too little, was readable."""
        self.prepared.complaints.sum_up()
        first = next((problem for s in surveys for problem in s.problems), None)
        broken, read = sum(s.refused for s in surveys), sum(len(s.ids) for s in surveys)
        if first is not None and not read:
            raise first.error("Mend the file, or name its format with --format.")
        if first is not None and broken > TOLERATED * (read + broken):
            raise first.error(f"{broken} of {read + broken} lines are broken, too many to skip: mend the file.")

    def _refused(self, surveys: Sequence[Surveyed]) -> Counter[str]:
        at_once = {log.path.name for log in self.prepared.logs if log.at_once}
        counts = Counter({name: n for name, n in self.prepared.complaints.counts.items() if name in at_once})
        for survey, name in zip(surveys, self._logs, strict=True):
            counts[name] += survey.refused
        return +counts

    # Redaction ------------------------------------------------------------------------------------------------

    def _refine(self, surveys: Sequence[Surveyed], ids: Sequence[tuple[str | None, ...]]) -> Decided:
        before = self.earlier.decided
        facts = before.facts.with_agents(self._facts) if before else self._facts.settled()
        epoch = before.epoch if before else hash_json([facts.to_json(), self.settings])
        learn = self.prepared.options.learn
        patterns = compile_patterns(learn.redact, thing="[learn] redact")
        redactor = Redactor(facts, keep=learn.keep, patterns=patterns, surrogates=learn.surrogates, key=self.key)
        self._shards = [shard_name(s.number, s.block, ids[s.number], epoch) for s in surveys]
        tasks = (
            RefineTask(block, ids[block.number], self._every, redactor, *self._places(name))
            for block in self.prepared.blocks()
            if not self._is_refined(name := self._shards[block.number])
        )
        done = sum(1 for _ in self.progress.stream("redact", self.engine.map(refine_block, tasks)))
        if done >= MANY:
            self.engine.rest()
        self._prune(self._shards, self.layout.conversations, self.layout.rows, self.layout.utterances)
        stock = before.stock if before else self._stock()
        decided = Decided(facts, stock, epoch)
        decided.save(self.layout.facts)
        return decided

    def _places(self, name: str) -> tuple[Path, Path, Path]:
        layout = self.layout
        return (
            layout.conversations / f"{name}.jsonl",
            layout.rows / f"{name}.arrow",
            layout.utterances / f"{name}.arrow",
        )

    def _is_refined(self, name: str) -> bool:
        """Whether a shard is there: from an interrupted run, or from an earlier dataset."""
        conversations, *columns = self._places(name)
        if conversations.exists():  # written last, so that the others are there too
            return True
        return all(self.earlier.link(self._kind(path), path) for path in (*columns, conversations))

    def _kind(self, path: Path) -> str:
        return str(path.parent.relative_to(self.layout.folder))

    def _prune(self, names: Sequence[str], *folders: Path) -> None:
        """Removes what an interrupted run left that is not wanted any more."""
        wanted = set(names)
        for path in (path for folder in folders for path in folder.iterdir()):
            if path.name.partition(".")[0] not in wanted:
                path.unlink()

    def _stock(self) -> Stock:
        edges = [notes_of(read_table(self._places(name)[1]))["edges"] for name in self._shards]
        first, last = (
            stock_of({edge: set(others) for edge, others in pair[end].items()} for pair in edges) for end in (0, 1)
        )
        return Stock(first, last)

    def _redacted(self) -> Counter[tuple[str, str]]:
        counts: Counter[tuple[str, str]] = Counter()
        for name in self._shards:
            for kind, language, count in notes_of(read_table(self._places(name)[1]))["redacted"]:
                counts[kind, language] += count
        return counts

    # Columns --------------------------------------------------------------------------------------------------

    def _words(self, decided: Decided) -> None:
        stock = hash_json([sorted(decided.stock.first), sorted(decided.stock.last)])
        self._wordings = [shard_name(i, key_of(Path(name)), stock) for i, name in enumerate(self._shards)]
        tasks = [
            WordTask(self._places(shard)[2], decided.stock, place)
            for shard, name in zip(self._shards, self._wordings, strict=True)
            if not self._is_there(place := self.layout.words / f"{name}.arrow")
        ]
        for _ in self.progress.stream("words", self.engine.map(word_shard, tasks)):
            pass
        self._prune(self._wordings, self.layout.words)

    def _is_there(self, place: Path) -> bool:
        return place.exists() or self.earlier.link(self._kind(place), place)

    @cached_property
    def _tables(self) -> list[pa.Table]:
        """The conversations' columns, a table a shard."""
        return [read_table(self._places(name)[1]) for name in self._shards]

    @cached_property
    def _table(self) -> pa.Table:
        return pa.concat_tables(self._tables)

    def _split(self) -> tuple[Division, list[_Codes]]:
        """How the log is split, and for each shard the code of each conversation: 0 train, 1 valid, 2 test, -1 none."""
        with self.progress.step("split"):
            rows = (row for table in self._tables for row in split_rows(table))
            division = divide(rows, self.earlier.settled)
        code: dict[Split | None, int] = {"train": 0, "valid": 1, "test": 2, None: -1}
        codes = [
            np.array([code[division.splits.get(name)] for name in table["id"].to_pylist()], dtype=np.int8)
            for table in self._tables
        ]
        save_splits(self.layout.splits, self._tables, codes, division.by)
        return division, codes

    def _group(self) -> Groups:
        with self.progress.step("group"):
            said = Utterances(
                [self._places(name)[2] for name in self._shards],
                [self.layout.words / f"{name}.arrow" for name in self._wordings],
                [len(table) for table in self._tables],
            )
            return Groups(said, self.earlier.known)

    # Pairs ----------------------------------------------------------------------------------------------------

    def _examples(self, groups: Groups, codes: Sequence[_Codes]) -> Counter[str]:
        names: list[str] = []
        tasks = self._example_tasks(groups, codes, names)
        for _ in self.progress.stream("examples", self.engine.map(example_shard, tasks)):
            pass
        self._prune(names, self.layout.examples)
        given = np.isin(groups.of, groups.ranked)
        told = np.concatenate(codes)[groups.said.conversation[given]] if codes else np.zeros(0, dtype=np.int8)
        return +Counter({split: int((told == code).sum()) for code, split in enumerate(("train", "valid", "test"))})

    def _example_tasks(self, groups: Groups, codes: Sequence[_Codes], names: list[str]) -> Iterator[ExampleTask]:
        ids = {int(leader): groups.id_of(int(leader)) for leader in groups.ranked}
        said, start = groups.said, 0
        answer_of = groups.ids_hashed(ids)
        splits: tuple[Split | None, ...] = ("train", "valid", "test", None)
        for place_of, (shard, code, end) in enumerate(zip(self._shards, codes, said.ends.tolist(), strict=True)):
            rows = slice(start, end)
            start = end
            made_from = np.stack([said.own_conversation[rows], said.turn[rows], answer_of[rows].view(np.int64)])
            name = shard_name(place_of, key_of(Path(shard)), code.tobytes().hex(), number(made_from.tobytes()))
            names.append(name)
            place = self.layout.examples / f"{name}.jsonl"
            if not self._is_there(place):
                where = zip(*(column[rows].tolist() for column in (said.own_conversation, said.turn)), strict=True)
                leaders = groups.of[rows].tolist()
                given = {spot: ids[leader] for spot, leader in zip(where, leaders, strict=True) if leader in ids}
                split_of = tuple(splits[value] for value in code.tolist())
                weights = tuple(self._tables[place_of]["weight"].to_pylist())
                yield ExampleTask(self._places(shard)[0], split_of, weights, given, place)

    def _topics(self, division: Division) -> Topics:
        with self.progress.step("topics"):
            options, openings = self.prepared.options, list(self._openings())
            marks = marks_of(openings)
            static = static_examples(options.static)
            table = set(self._table["messages"].to_pylist()) == {1}
            known = None if options.rules or table else self.earlier.topics(hash_json(options.accepted))
            if known is not None:
                found = grow_topics(known, openings, division.splits, static, marks)
            else:
                found = find_topics(
                    openings, division.splits, static, accepted=options.accepted, rules=options.rules, table=table
                )
            save_topics(self.layout.labels, openings, found, marks)
            return found

    def _openings(self) -> Iterator[Conversation]:
        """Each conversation as far as its topic matters: what it opens with."""
        names = ("id", "opening", "language", "topic", "label")
        for name, text, language, topic, label in zip(*(self._table[n].to_pylist() for n in names), strict=True):
            if text is not None:
                yield Conversation(name, (Message("customer", text, intent=label),), language, topic)
