"""Held-out response ranking: ours beside BM25 and TF-IDF, over the same candidates, in the same run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from data.schema import Answer, Example, Split
from finetune.examples import TrainingData, evenly
from finetune.linear import fit_linear
from finetune.progress import Progress, Stages
from finetune.ranker import Ranked
from retrieval.build import indexed_contexts
from retrieval.encoder import Encoder
from retrieval.evaluate import Ranking, queries_of
from retrieval.head import LinearHead
from retrieval.index import Index
from retrieval.lexical import words_of
from retrieval.match import Match, Matcher
from retrieval.metrics import NOT_FOUND
from retrieval.rank import Ranker

Protocol = Literal["all answers", "1 of 100"]
Ranks = NDArray[np.int64]

SEEN = 0.6
"""Share of the test answers that training must have seen for ranking among all of them."""

OTHERS = 99


@dataclass(frozen=True)
class Contest:
    """What is ranked for a split.

    Attributes:
        protocol: ``all answers``: every answer known from training, an unseen right one is a miss. ``1 of 100``: the
            right answer among 99 others that were given in the same split.
        examples: The questions.
        candidates: (examples, 100) ids for ``1 of 100``, the right one first; None for all.
    """

    protocol: Protocol
    examples: tuple[Example, ...]
    candidates: tuple[tuple[str, ...], ...] | None


def choose_protocol(data: TrainingData) -> Protocol:
    """By the data: all answers where at least ``SEEN`` of the test answers were seen in training."""
    test = data.of("test") or data.of("valid")
    seen = sum(example.answer in data.support for example in test)
    return "all answers" if not test or seen >= SEEN * len(test) else "1 of 100"


def contest(data: TrainingData, split: Split, protocol: Protocol, *, most: int, seed: int) -> Contest:
    """The questions of a split with their candidates.

    Args:
        data: The dataset.
        split: ``valid`` or ``test``.
        protocol: From ``choose_protocol``.
        most: Questions at most, evenly spaced over time; 0 takes all.
        seed: Of the drawing of the others.
    """
    rows = data.of(split)
    examples = tuple(rows[i] for i in evenly(len(rows), most))
    if protocol == "all answers":
        return Contest(protocol, examples, None)
    ids = sorted({example.answer for example in rows})
    random = np.random.default_rng(seed)
    drawn = []
    for example in examples:
        order = (ids[i] for i in random.permutation(len(ids)))
        others = [answer for answer in order if answer != example.answer][:OTHERS]
        drawn.append((example.answer, *others))
    return Contest(protocol, examples, tuple(drawn))


def candidate_answers(data: TrainingData, protocol: Protocol) -> list[Answer]:
    """The answers as training knows them: support counted there, without questions and times of later use.

    ``1 of 100`` also holds the answers of the other splits, for their text may be a candidate.
    """
    wanted = data.support if protocol == "all answers" else dict.fromkeys([*data.support, *data.answers])
    return [
        replace(data.answers[a], support=data.support.get(a, 1), last_used=None, questions=(), conversations=())
        for a in wanted
    ]


def training_matcher(
    data: TrainingData,
    encoder: Encoder,
    protocol: Protocol,
    *,
    intent_head: LinearHead | None,
    answer_head: LinearHead | None,
    vectors: Encoder | None = None,
) -> Matcher:
    """A matcher that knows the training split and nothing else.

    Args:
        data: The dataset.
        encoder: As it serves.
        protocol: Says which answers are candidates.
        intent_head: Of the model.
        answer_head: Of the model.
        vectors: Encodes what is indexed; by default ``encoder``.
    """
    index = Index.from_parts(
        candidate_answers(data, protocol),
        indexed_contexts(data.of("train")),
        vectors or encoder,
        intents=data.intents_of("train"),
    )
    return Matcher(index, encoder, intent_head=intent_head, answer_head=answer_head)


def held_out_ranking(
    data: TrainingData, matcher: Matcher, ranker: Ranker, *, most: int, seed: int, stages: Stages
) -> dict[str, Any]:
    """Ranks the newest tenth by our model and by the peers.

    Args:
        data: The dataset.
        matcher: From ``training_matcher``.
        ranker: Of the model.
        most: Questions at most; 0 takes all.
        seed: Of the drawing of other answers.
        stages: Shows and times.

    Returns:
        ``protocol``, ``n``, ``candidates`` and ``systems`` with ``r1``, ``r5`` and ``mrr`` of each; empty without a
        test split.
    """
    protocol = choose_protocol(data)
    given = contest(data, "test", protocol, most=most, seed=seed)
    if not given.examples:
        return {}
    with stages.part("evaluate") as progress:
        ours = [ranked for _, ranked in ranked_by(matcher, given, progress=progress)]
        systems = {"careline": our_ranking(ranker, ours).to_json()}
    with stages.part("peers"):
        name, peer = tfidf_ranking(data, given)
        systems |= {name: peer.to_json(), "bm25": lexical_ranking(matcher, given).to_json()}
    candidates = len(matcher.index.answers) if given.candidates is None else len(given.candidates[0])
    return {"protocol": protocol, "n": len(given.examples), "candidates": candidates, "systems": systems}


def ranked_by(matcher: Matcher, given: Contest, *, progress: Progress | None = None) -> Iterator[tuple[Match, Ranked]]:
    """Matches every question of a contest, with the right candidate marked."""
    row_of = matcher.index.row_of
    among = None
    if given.candidates is not None:
        among = [np.array([row_of[a] for a in ids if a in row_of], dtype=np.int64) for ids in given.candidates]
    matches = matcher.match(queries_of(given.examples), sayable_only=False, language_only=False, among=among)
    for i, (match, example) in enumerate(zip(matches, given.examples, strict=True)):
        if progress and i % 50 == 0:
            progress(i / len(given.examples), f"{i:,} of {len(given.examples):,} questions")
        yield match, Ranked.of(match, row_of.get(example.answer, -1), weight=example.weight)


def our_ranking(ranker: Ranker, queries: Sequence[Ranked]) -> Ranking:
    """Figures of our ranker; a right answer that is no candidate is a miss, a tie counts against us."""
    ranks = [
        int((scores >= scores[query.right]).sum()) if query.right >= 0 else NOT_FOUND
        for query in queries
        for scores in (ranker.scores(query.features),)
    ]
    return Ranking.of(np.array(ranks, dtype=np.int64))


def lexical_ranking(matcher: Matcher, given: Contest) -> Ranking:
    """BM25 over the answers' texts, asked with the whole context."""
    scores = (matcher.index.lexical.scores(words_of(example.context)) for example in given.examples)
    return _ranking(scores, matcher.index.row_of, given)


def tfidf_ranking(data: TrainingData, given: Contest) -> tuple[str, Ranking]:
    """The peer that any learned system must beat, and its name.

    TF-IDF of the context's words and pairs of words with multinomial logistic regression over all answers; where most
    right answers are new, so that there is no class for them, the cosine of context and answer. The regression is
    fitted by stochastic gradient descent: scikit-learn's L-BFGS keeps 20 copies of its weights, 7 GB and more for the
    thousand answers of a small log.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [example.context for example in given.examples]
    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2),
        min_df=1 if len(data.of("train")) < 2000 else 2,
        sublinear_tf=True,
        token_pattern=r"(?u)[\u3400-\u9fff]|[^\W\u3400-\u9fff]+",  # a Chinese character is a word
    )
    if given.protocol == "1 of 100":
        answers = sorted(data.answers)
        vectorizer.fit([e.context for e in data.of("train")] + [data.answers[a].text for a in data.support])
        table = vectorizer.transform([data.answers[a].text for a in answers]).T.tocsr()
        scores = (np.asarray((row @ table).toarray()[0]) for row in vectorizer.transform(texts))
        return "tfidf", _ranking(scores, {answer: i for i, answer in enumerate(answers)}, given)
    train = data.of("train")
    place = {answer: i for i, answer in enumerate(data.support)}
    features = vectorizer.fit_transform([e.context for e in train]).astype(np.float32)
    gold = np.array([place[e.answer] for e in train], dtype=np.int64)
    nothing = np.zeros((len(train), 1), dtype=np.float32)
    fit = fit_linear(nothing, features, gold, classes=len(place), passes=6, steps=800, seed=0)
    asked = vectorizer.transform(texts).astype(np.float32)
    weights = fit.ngrams.T.tocsr()  # once: a product with a transposed view turns it round for each question
    rows = (np.asarray((row @ weights).toarray()[0]) + fit.bias for row in asked)
    return "tfidf + logistic regression", _ranking(rows, place, given)


def _ranking(scores: Iterator[NDArray[Any]], row_of: Mapping[str, int], given: Contest) -> Ranking:
    """Ranks from full rows of scores; in ``1 of 100`` among the drawn candidates only."""
    ranks = []
    for i, (row, example) in enumerate(zip(scores, given.examples, strict=True)):
        right = row_of.get(example.answer, -1)
        if given.candidates is not None:
            row = row[[row_of[answer] for answer in given.candidates[i] if answer in row_of]]
            right = 0 if right >= 0 else -1  # the right one is drawn first
        ranks.append(int((row >= row[right]).sum()) if right >= 0 else NOT_FOUND)
    return Ranking.of(np.array(ranks, dtype=np.int64))
