"""Bench `hybrid`: the product's search beside BM25 alone and vectors alone.

- `bank_faqs.csv`: a help centre of 1,440 answers and the questions they stand under. Asked are those questions, said
  otherwise by `bench.paraphrase` at three strengths. The hybrid is `Matcher` with `Ranker.default()`: nothing is fitted
  to this file but the hand-set weights, which were chosen on its first half; figures are of its second half. BM25 and
  vectors are each given what suits them best: questions, answers, or both as one text, whichever is best on what is
  measured. A question that stands there several times has several right answers.
- STAR: the agent's answer among all, with context, beside the best of BM25, vectors, nearest contexts and TF-IDF with
  logistic regression (`bench.ranking`).
"""

from __future__ import annotations

import csv
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.corpus import FOLDER
from bench.paraphrase import STRENGTHS, Strength, paraphrase
from bench.printer import Printer
from bench.shared import place_of

SEED = 5
Right = NDArray[np.bool_]


@dataclass(frozen=True)
class Faqs:
    """A help centre.

    Attributes:
        questions: Distinct, in the file's order.
        answers: Distinct.
        pairs: (row of the question, row of its answer).
    """

    questions: tuple[str, ...]
    answers: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...]

    @property
    def right(self) -> dict[int, set[int]]:
        """Rows of the answers that a question stands over."""
        out: dict[int, set[int]] = defaultdict(set)
        for question, answer in self.pairs:
            out[question].add(answer)
        return out


def run(printer: Printer, *, quick: bool, only: str | None) -> None:
    """Measures; ``only`` is ``bank`` or ``star``; ``quick`` trains STAR's encoder for one minute."""
    if only in (None, "bank"):
        _bank(printer)
    if only in (None, "star"):
        _star(printer, quick=quick)


def bank_faqs() -> Faqs:
    """The file; white space and letter case set no questions apart.

    Raises:
        CannotRun: It is not here.
    """
    questions: dict[str, str] = {}
    answers: dict[str, int] = {}
    pairs: dict[tuple[int, int], None] = {}
    with place_of("bank_faqs.csv").open(encoding="utf-8", newline="") as stream:
        rows = [(" ".join(row["Question"].split()), " ".join(row["Answer"].split())) for row in csv.DictReader(stream)]
    for question, _ in rows:
        questions.setdefault(question.lower(), question)
    number = {key: i for i, key in enumerate(questions)}
    for question, answer in rows:
        pairs[number[question.lower()], answers.setdefault(answer, len(answers))] = None
    return Faqs(tuple(questions.values()), tuple(answers), tuple(pairs))


def halves(faqs: Faqs) -> tuple[list[int], list[int]]:
    """Rows of the first and second half of the questions; an answer's questions may stand in both, their words not."""
    rows = list(range(len(faqs.questions)))
    return rows[: len(rows) // 2], rows[len(rows) // 2 :]


class Systems:
    """The three searches over one help centre."""

    def __init__(self, faqs: Faqs, encoder: Any) -> None:
        from retrieval.lexical import Lexical

        self.faqs, self.encoder = faqs, encoder
        self.searcher = hybrid(faqs, encoder)
        both = [f"{faqs.questions[q]}\n{faqs.answers[a]}" for q, a in faqs.pairs]
        self._of_pair = np.array([a for _, a in faqs.pairs], dtype=np.int64)
        self._first = np.array([min(faqs.right[q]) for q in range(len(faqs.questions))], dtype=np.int64)
        texts = {"questions": list(faqs.questions), "answers": list(faqs.answers), "both": both}
        self._row = {"questions": self._first, "answers": np.arange(len(faqs.answers)), "both": self._of_pair}
        self._bm25 = {name: Lexical.build(rows) for name, rows in texts.items()}
        self._vectors = {name: encoder.encode(rows) for name, rows in texts.items()}

    def bm25(self, asked: Sequence[str]) -> dict[str, NDArray[np.int64]]:
        """Row of the best answer for each question, by what BM25 reads."""
        from retrieval.lexical import words_of

        words = [words_of(text) for text in asked]
        return {
            name: self._row[name][[int(index.scores(each).argmax()) for each in words]]
            for name, index in self._bm25.items()
        }

    def dense(self, asked: Sequence[str]) -> dict[str, NDArray[np.int64]]:
        """The same by vectors."""
        vectors = self.encoder.encode(asked, batch_size=1)
        return {name: self._row[name][(vectors @ rows.T).argmax(axis=1)] for name, rows in self._vectors.items()}

    def hybrid(self, asked: Sequence[str]) -> NDArray[np.int64]:
        """The same by the product's search; -1 where it finds nothing."""
        best = []
        for text in asked:
            hits = self.searcher.search(text, k=1, language="en").hits
            best.append(int(hits[0].id) if hits else -1)
        return np.array(best, dtype=np.int64)


def hybrid(faqs: Faqs, encoder: Any) -> Any:
    """The product's search over a help centre: answers under the questions that they stand under."""
    from data.schema import Answer, Example
    from retrieval.index import Index
    from retrieval.match import Matcher
    from retrieval.search import Searcher

    asked: dict[int, list[str]] = defaultdict(list)
    for question, answer in faqs.pairs:
        asked[answer].append(faqs.questions[question])
    answers = [
        Answer(str(i), text, "en", questions=tuple(asked[i][:5]), source="article")
        for i, text in enumerate(faqs.answers)
    ]
    examples = [Example(f"f{i}", 1, faqs.questions[q], str(a), "train", "en") for i, (q, a) in enumerate(faqs.pairs)]
    return Searcher(Matcher(Index.from_parts(answers, examples, encoder), encoder))


def share_right(found: NDArray[np.int64], rows: Sequence[int], faqs: Faqs) -> float:
    """R@1: share of the questions whose first answer is one that they stand over."""
    right = faqs.right
    return float(np.mean([int(answer) in right[row] for answer, row in zip(found, rows, strict=True)]))


def measure(systems: Systems, rows: Sequence[int], strength: Strength) -> dict[str, float]:
    """R@1 of ``hybrid``, ``bm25 ...`` and ``dense ...`` on paraphrases of these questions."""
    asked = [paraphrase(systems.faqs.questions[row], strength, SEED) for row in rows]
    found = {f"bm25 {name}": best for name, best in systems.bm25(asked).items()}
    found |= {f"dense {name}": best for name, best in systems.dense(asked).items()}
    found["hybrid"] = systems.hybrid(asked)
    return {name: share_right(best, rows, systems.faqs) for name, best in found.items()}


def _bank(printer: Printer) -> None:
    from bench.vectors import base_encoder
    from data.artifacts import ModelLayout
    from retrieval.encoder import OnnxEncoder

    started = time.monotonic()
    faqs = bank_faqs()
    systems = Systems(faqs, OnnxEncoder.load(ModelLayout(base_encoder(FOLDER / "encoder")), threads=1))
    rows = halves(faqs)[1]
    gains = []
    for strength in STRENGTHS:
        seen = measure(systems, rows, strength)
        peer = max((name for name in seen if name != "hybrid"), key=seen.__getitem__)
        gains.append(100 * (seen["hybrid"] - seen[peer]))
        told = ", ".join(f"{name} {value:.3f}" for name, value in seen.items())
        print(f"{strength.name}: {told}; gain {gains[-1]:+.1f} points over {peer}", file=sys.stderr)
    seconds, n = time.monotonic() - started, len(rows)
    printer.figure("bank_faqs_gain", float(np.mean(gains)), n=3 * n, seconds=seconds, peer="better of BM25 and vectors")
    printer.figure("bank_faqs_least", min(gains), n=n, seconds=seconds, peer="the same, worst of the strengths")


def _star(printer: Printer, *, quick: bool) -> None:
    from bench.ranking import star_ranking

    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="careline-bench-") as folder:
        dataset, model, ranking = star_ranking(Path(folder) / "star", quick=quick)
        systems = {name: row["r1"] for name, row in ranking["systems"].items()}
        systems |= single_lists(dataset, model)
    print(", ".join(f"{name} {value:.3f}" for name, value in systems.items()), file=sys.stderr)
    ours = systems.pop("careline")
    peer = max(systems, key=systems.__getitem__)
    seconds, n = time.monotonic() - started, ranking["n"]
    printer.figure("star_r1_over_best", ours / systems[peer], n=n, seconds=seconds, peer=peer, peer_value=1.0)


def single_lists(dataset: Any, model: Any) -> dict[str, float]:
    """R@1 on the test split of what the trained encoder finds alone: answers by text, and the nearest context's answer.

    The nearest context is looked for by vectors and by BM25.
    """
    from finetune.evaluate import candidate_answers, contest
    from finetune.examples import TrainingData
    from retrieval.build import indexed_contexts
    from retrieval.encoder import OnnxEncoder
    from retrieval.lexical import Lexical, words_of

    data, encoder = TrainingData.load(dataset), OnnxEncoder.load(model)
    asked = contest(data, "test", "all answers", most=0, seed=0).examples
    answers = candidate_answers(data, "all answers")
    logged = indexed_contexts(data.of("train"))
    vectors = encoder.encode([example.context for example in asked])  # (asked, dim)
    by_text = vectors @ encoder.encode([answer.text for answer in answers]).T
    by_context = vectors @ encoder.encode([example.context for example in logged]).T
    words = Lexical.build([example.context for example in logged])
    by_words = [int(words.scores(words_of(example.context)).argmax()) for example in asked]
    gold = [example.answer for example in asked]
    return {
        "vectors": _agree([answers[i].id for i in by_text.argmax(axis=1)], gold),
        "nearest context": _agree([logged[i].answer for i in by_context.argmax(axis=1)], gold),
        "nearest context by BM25": _agree([logged[i].answer for i in by_words], gold),
    }


def _agree(found: Sequence[str], gold: Sequence[str]) -> float:
    return float(np.mean([a == b for a, b in zip(found, gold, strict=True)]))
