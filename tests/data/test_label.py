"""Who labelled a conversation, which labels are doubtful, and which are missing most."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from data import label, settling
from data.label import find_topics
from data.label_check import check_labels
from data.schema import Conversation, Message
from data.suggest import linear_model, suggest
from data.weak import read_rules

WORDS = {
    "refund": "money refund paid back account days waiting",
    "parcel": "parcel courier late lost tracking door neighbour",
    "login": "password login locked reset mail code phone",
    "size": "boots wide small narrow fit socks foot",
}


def questions(each: int, *, seed: int = 0) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(seed)
    kinds = [kind for kind in WORDS for _ in range(each)]
    return [" ".join([*rng.choice(WORDS[k].split(), 3, replace=False), k]) for k in kinds], kinds


def log_of(each: int = 30) -> list[Conversation]:
    texts, kinds = questions(each)
    return [Conversation(f"{k}-{i}", (Message("customer", f"{t} {i}"),), "en") for i, (t, k) in enumerate(zip(texts, kinds, strict=True))]  # fmt: skip # noqa: E501


def test_each_label_keeps_its_source(tmp_path: Path) -> None:
    log = log_of()
    log = [c if i % 30 >= 15 or not c.id.startswith("parcel") else Conversation(c.id, c.messages, "en", "lost_parcel")
           for i, c in enumerate(log)]  # fmt: skip
    accepted = {c.id: "fits" for i, c in enumerate(log) if c.id.startswith("size") and i % 2}
    rules = tmp_path / "rules.toml"
    rules.write_text("[[rule]]\ntopic = 'sign in'\nany = ['login']\n", encoding="utf-8")
    splits = dict.fromkeys((c.id for c in log), "train")
    found = find_topics(log, splits, [], accepted=accepted, rules=read_rules(rules))  # type: ignore[arg-type]
    by_source = Counter((e.source, e.intent) for e in found.examples)
    assert by_source["person", "fits"] == len(accepted)
    assert by_source["log", "lost_parcel"] == 15
    assert by_source["rules", "sign_in"] == 30
    assert {found.of[c.id] for c in log if c.id.startswith("login")} == {"sign_in"}
    assert all(e.confidence == 1 for e in found.examples if e.source in ("log", "person"))
    assert all(e.confidence == 0.75 for e in found.examples if e.source == "rules")
    assert all(0 < e.confidence <= 1 and e.source in ("model", "cluster", "log", "person", "rules")
               for e in found.examples)  # fmt: skip
    assert found.counts["tagged"] == 15
    assert found.counts["accepted"] == len(accepted)
    assert found.counts["ruled"] == 30


def test_a_labelled_table_is_a_tag() -> None:
    texts, kinds = questions(10)
    log = [Conversation(f"q{i}", (Message("customer", t, intent=k),), "en") for i, (t, k) in enumerate(zip(texts, kinds, strict=True))]  # fmt: skip # noqa: E501
    found = find_topics(log, dict.fromkeys((c.id for c in log), "train"), [])  # type: ignore[arg-type]
    assert {t.id for t in found.topics} == set(WORDS)
    assert {e.source for e in found.examples} == {"log"}


def test_examples_of_a_topic_are_capped_but_not_its_conversations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label, "MOST_EXAMPLES", 7)
    log = [Conversation(c.id, c.messages, "en", c.id.split("-")[0]) for c in log_of()]
    found = find_topics(log, dict.fromkeys((c.id for c in log), "train"), [])  # type: ignore[arg-type]
    assert Counter(e.intent for e in found.examples) == dict.fromkeys(WORDS, 7)
    assert len(found.of) == len(log)


def test_a_topic_that_grows_by_little_keeps_nearly_all_its_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label, "MOST_EXAMPLES", 20)
    log = [Conversation(f"c{i}", (Message("customer", f"my parcel {i} is lost"),), "en", "lost") for i in range(300)]
    few, all_ = (find_topics(log[:n], dict.fromkeys((c.id for c in log), "train"), []) for n in (297, 300))
    before, after = ([e.text for e in found.examples] for found in (few, all_))
    assert len(before) == len(after) == 20
    assert len(set(before) & set(after)) >= 17, "each of the three new ones takes the place of one at most"
    numbers = [int(text.split()[2]) for text in after]
    assert numbers == sorted(numbers), "in the order of the log"
    assert numbers[0] < 100 < 200 < numbers[-1], "from all of it"


def test_comparing_in_pieces_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from data.schema import IntentExample

    rows = [IntentExample(t, k, "topic", "train", "en") for t, k in zip(*questions(12), strict=True)]
    whole = settling._nearest(rows[:30], rows[30:])
    monkeypatch.setattr(settling, "COMPARED", 7)
    assert settling._nearest(rows[:30], rows[30:]) == whole


def test_wrong_labels_are_listed_first() -> None:
    texts, right = questions(60, seed=2)
    rng = np.random.default_rng(0)
    wrong = set(rng.choice(len(texts), len(texts) // 20, replace=False).tolist())
    labels = [next(k for k in WORDS if k != kind) if i in wrong else kind for i, kind in enumerate(right)]
    doubts = [d for d in check_labels(texts, labels, ["en"] * len(texts)) if d.kind == "label"]
    first = doubts[: len(wrong)]
    hits = [d for d in first if d.row in wrong]
    assert len(hits) >= 0.9 * len(wrong)
    assert all(d.suggested == right[d.row] and d.given == labels[d.row] for d in hits)
    assert [d.score for d in doubts] == sorted(d.score for d in doubts)
    clean = [d for d in check_labels(texts, right, ["en"] * len(texts)) if d.kind == "label"]
    assert len(clean) <= 2


def test_one_question_with_two_labels_is_a_conflict() -> None:
    texts, labels = questions(20, seed=3)
    texts[5], texts[70] = "Where is it?!", "where is it"
    found = [d for d in check_labels(texts, labels, ["en"] * len(texts)) if d.kind == "conflict" and d.row in (5, 70)]
    assert [(d.row, d.other) for d in found] in ([(5, 70)], [(70, 5)])
    assert {found[0].given, found[0].suggested} == {labels[5], labels[70]}


def test_an_outlier_is_listed() -> None:
    texts, labels = questions(50, seed=4)
    texts[3] = "quantum chromodynamics lectures tonight"
    doubts = check_labels(texts, labels, ["en"] * len(texts))
    assert 3 in {d.row for d in doubts if d.kind in ("outlier", "label")}


def vectors_of(sizes: list[int], *, dim: int = 24) -> tuple[np.ndarray, list[str]]:  # type: ignore[type-arg]
    rng = np.random.default_rng(5)
    centres = rng.normal(size=(len(sizes), dim))
    truth = [f"k{i}" for i, size in enumerate(sizes) for _ in range(size)]
    rows = np.vstack([c + 0.9 * rng.normal(size=(n, dim)) for c, n in zip(centres, sizes, strict=True)])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), truth


def test_the_first_labels_cover_what_random_ones_miss() -> None:
    vectors, truth = vectors_of([400, 300, 20, 20, 20, 15, 15, 10])
    chosen = suggest(vectors, [], [], count=16)
    assert len(set(chosen)) == 16
    drawn = [len({truth[i] for i in np.random.default_rng(s).choice(800, 16, replace=False)}) for s in range(20)]
    assert len({truth[i] for i in chosen}) > np.mean(drawn) + 1


def test_chosen_labels_teach_more_than_random_ones() -> None:
    vectors, truth = vectors_of([200, 200, 60, 60, 30, 30, 20, 20], dim=16)
    held = np.arange(0, len(vectors), 2)
    pool = np.arange(1, len(vectors), 2)
    chosen = suggest(vectors[pool], [], [], count=12)
    for _ in range(3):
        chosen += suggest(vectors[pool], chosen, [truth[pool[i]] for i in chosen], count=12)
    assert len(set(chosen)) == 48

    def accuracy(rows: list[int]) -> float:
        model = linear_model().fit(vectors[pool[rows]], [truth[pool[i]] for i in rows])
        return float(model.score(vectors[held], [truth[i] for i in held]))

    random = [accuracy(np.random.default_rng(s).choice(len(pool), 48, replace=False).tolist()) for s in range(10)]
    assert accuracy(chosen) > np.mean(random)


def test_suggestions_end_when_all_is_labelled() -> None:
    vectors, truth = vectors_of([5, 5])
    assert suggest(vectors, list(range(10)), truth, count=3) == []
    assert len(suggest(vectors, [0, 9], [truth[0], truth[9]], count=50)) == 8
