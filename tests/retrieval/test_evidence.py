"""Evidence for candidates only equals evidence for all answers: a plain implementation over a table of everything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from data.schema import Answer, Example, IntentExample
from retrieval.head import LinearHead
from retrieval.index import NO_ROW, OUT_OF_SCOPE, Index, Logged, logged_of, message_of
from retrieval.lexical import words_of
from retrieval.match import Matcher, Query
from retrieval.rank import FEATURES, LOWEST_LOG
from retrieval.testing import HashEncoder

ENCODER = HashEncoder(dim=24)
WORDS = [f"word{i}" for i in range(60)]
POOL, VOTERS, WORDED = 30, 64, 128


def text(random: np.random.Generator, least: int = 2) -> str:
    return " ".join(random.choice(WORDS, size=random.integers(least, 9)))


@pytest.fixture(scope="module")
def shop() -> tuple[list[Answer], list[Example], list[IntentExample]]:
    random = np.random.default_rng(5)
    answers = [
        Answer(
            f"a{i}", text(random), str(random.choice(["en", "zh"], p=[0.8, 0.2])), support=int(random.integers(1, 40)),
            last_used=float(random.integers(0, 10**8)) if i % 3 else None, topics=("t",),
            reusable=bool(i % 6),
        )
        for i in range(150)
    ]  # fmt: skip
    examples = [
        Example(f"c{i}", 1, f"agent: hi\ncustomer: {text(random)}", f"a{random.integers(0, 160)}", "train", "en",
                weight=float(random.choice([0.5, 1.0])))
        for i in range(500)
    ]  # fmt: skip
    strays = [IntentExample(text(random), OUT_OF_SCOPE, "static", "train", "en") for _ in range(5)]
    return answers, examples, strays


class Plain:
    """Every column for every answer, by loops."""

    def __init__(self, answers: list[Answer], logged: list[Logged], head: LinearHead) -> None:
        self.answers, self.logged, self.head = answers, logged, head
        self.row = {a.id: i for i, a in enumerate(answers)}
        self.texts = ENCODER.encode([a.text for a in answers])
        self.asked = ENCODER.encode([q.text for q in logged])
        self.bm25 = Words([words_of(a.text) for a in answers])
        self.bm25_asked = Words([words_of(message_of(q.text)) for q in logged])

    def table(self, query: Query, may: np.ndarray) -> tuple[list[int], np.ndarray, dict[str, float]]:
        context, message = ENCODER.encode([query.context, query.message])
        n, out = len(self.answers), {name: np.zeros(len(self.answers)) for name in FEATURES}
        out["dense"], out["dense_message"] = self.texts @ context, self.texts @ message
        near, near_message = self.asked @ context, self.asked @ message
        words = words_of(query.message)
        out["lexical"] = self.bm25(words)
        known = {word for word in words_of(query.context) if any(word in text for text in self.bm25.documents)}
        out["lexical_context"] = self.bm25(sorted(known, key=lambda word: (-self.bm25.idf(word), word))[:16])
        worded = self.bm25_asked(words)
        self.poll(near, best(near, VOTERS), out["near_max"], out["near_vote"], 0.05)
        self.poll(near_message, best(near_message, VOTERS), out["near_message"], np.zeros(n), 0.05)
        self.poll(
            worded, [i for i in best(worded, WORDED) if worded[i] > 0], out["lexical_near"], out["lexical_vote"], 0.1
        )
        log = np.log(np.maximum(self.head.probabilities(context[None], [query.context])[0], np.exp(LOWEST_LOG)))
        out["head_log"][:] = LOWEST_LOG
        for label, value in zip(self.head.labels, log, strict=True):
            if label in self.row:
                out["head_log"][self.row[label]], out["head"][self.row[label]] = value, np.exp(value)
        lists = [
            [i for i in best(scores, n) if may[i] and (dense or scores[i] > 0)][:POOL]
            for scores, dense in (
                (out["dense"], True), (out["near_vote"], False), (out["lexical"], False), (out["lexical_vote"], False),
                (out["head"], False),
            )
        ]  # fmt: skip
        for ranked in lists:
            for rank, i in enumerate(ranked):
                out["fused"][i] += 11 / (11 + rank) / sum(map(bool, lists))
        self.known(query, out)
        inside = np.array([q.intent != OUT_OF_SCOPE for q in self.logged])
        told = {
            "similarity": max(near[inside].max(), near_message[inside].max()),
            "stray": max(0.0, self.within(near_message, best(near_message, VOTERS), ~inside)),
            "lexical": max(out["lexical"].max(), worded[inside].max()),
            "stray_lexical": worded[~inside].max(),
        }
        return sorted({i for ranked in lists for i in ranked}), np.array([out[name] for name in FEATURES]).T, told

    @staticmethod
    def within(scores: np.ndarray, places: list[int], side: np.ndarray) -> float:
        return max((float(scores[i]) for i in places if side[i]), default=0.0)

    def poll(self, scores: np.ndarray, places: list[int], top: np.ndarray, votes: np.ndarray, sharpness: float) -> None:
        voters = [i for i in places if self.logged[i].answer in self.row]
        weights = np.array([np.exp((scores[i] - scores[voters[0]]) / sharpness) * self.logged[i].count for i in voters])
        for i, weight in zip(voters, weights / weights.sum() if len(weights) else [], strict=True):
            row = self.row[self.logged[i].answer]
            top[row] = max(top[row], scores[i])
            votes[row] += weight

    def known(self, query: Query, out: dict[str, np.ndarray]) -> None:
        newest = max(a.last_used or 0 for a in self.answers)
        most = max(np.log1p(a.support) for a in self.answers)
        given = [self.row[i] for i in query.given]
        for i, answer in enumerate(self.answers):
            out["support"][i] = np.log1p(answer.support) / most
            out["recency"][i] = (
                0.5 if answer.last_used is None else 0.5 ** ((newest - answer.last_used) / (180 * 86400))
            )
            out["language"][i] = answer.language == query.language
            out["given"][i], out["last"][i] = i in given, i == given[-1]
            out["given_near"][i] = max(float(self.texts[i] @ self.texts[g]) for g in given)
            got = [q for q in self.logged if q.answer == answer.id]
            total = sum(q.count for q in got)
            out["outcome"][i] = sum((q.weight - 1) * q.count for q in got) / (total + 5)


def best(scores: np.ndarray, k: int) -> list[int]:
    return sorted(range(len(scores)), key=lambda i: (-scores[i], i))[:k]


class Words:
    """Lucene's formula over lists of words, as a share of the query."""

    def __init__(self, documents: list[list[str]]) -> None:
        self.documents = documents
        self.average = sum(map(len, documents)) / len(documents)

    def idf(self, word: str) -> float:
        df = sum(word in document for document in self.documents)
        return float(np.log(1 + (len(self.documents) - df + 0.5) / (df + 0.5)))

    def __call__(self, words: list[str]) -> np.ndarray:
        weight = {word: self.idf(word) for word in dict.fromkeys(words)}
        return np.array([self.one(document, weight) for document in self.documents])

    def one(self, document: list[str], weight: dict[str, float]) -> float:
        norm = 1.2 * (0.25 + 0.75 * len(document) / self.average)
        found = sum(idf * document.count(w) / (document.count(w) + norm) for w, idf in weight.items())
        return float(found * 2.2 / sum(weight.values()))


@pytest.mark.parametrize(("sayable", "one_language"), [(True, True), (False, False)])
def test_candidates_and_their_evidence_are_those_of_a_plain_table(shop: Any, sayable: bool, one_language: bool) -> None:
    answers, examples, strays = shop
    labels = ("a1", "a2", "gone", "a7")
    random = np.random.default_rng(8)
    head = LinearHead(
        labels, random.standard_normal((4, 24)).astype(np.float32) * 4, None, np.zeros(4, dtype=np.float32)
    )
    plain = Plain(answers, logged_of(examples, strays), head)
    matcher = Matcher(Index.from_parts(answers, examples, ENCODER, intents=strays), ENCODER, answer_head=head)
    may = np.array([(a.reusable or not sayable) and (a.language == "en" or not one_language) for a in answers])
    for _ in range(12):
        query = Query.of(
            text(random), turns=[("customer", text(random, 3)), ("agent", "hi")], language="en", given=("a5", "a9")
        )
        (match,) = matcher.match([query], sayable_only=sayable, language_only=one_language)
        pool, table, told = plain.table(query, may)
        assert match.rows.tolist() == pool
        for i, name in enumerate(FEATURES):
            np.testing.assert_allclose(match.features[:, i], table[pool, i], atol=2e-5, err_msg=name)
        for name, value in told.items():
            assert getattr(match, name) == pytest.approx(value, abs=1e-5), name
        for row, place in zip(match.rows.tolist(), match.asked.tolist(), strict=True):
            assert place == NO_ROW or plain.logged[place].answer == answers[row].id
