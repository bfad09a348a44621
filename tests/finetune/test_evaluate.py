from dataclasses import replace

import numpy as np
import pytest

from finetune.evaluate import (
    candidate_answers,
    choose_protocol,
    contest,
    held_out_ranking,
    our_ranking,
    ranked_by,
    training_matcher,
)
from finetune.examples import TrainingData
from finetune.progress import Stages
from finetune.slices import ranking_by_language
from finetune.testing import little_shop
from retrieval.build import MOST_PER_ANSWER, indexed_contexts
from retrieval.rank import Ranker
from retrieval.testing import HashEncoder


def _unseen() -> TrainingData:
    """Every answer is given once: what a log without templates looks like."""
    shop = little_shop()
    answers, examples = {}, []
    for i, example in enumerate(shop.examples):
        one = replace(shop.answers[example.answer], id=f"a{i}", text=f"{example.context} - {i} days", support=1)
        answers[one.id] = one
        examples.append(replace(example, answer=one.id))
    return TrainingData(tuple(examples), shop.intents, answers)


def test_the_protocol_follows_the_data() -> None:
    assert choose_protocol(little_shop()) == "all answers"
    assert choose_protocol(_unseen()) == "1 of 100"


def test_training_knows_nothing_of_later_use() -> None:
    shop = little_shop()
    only_tested = replace(shop.answers["delivery"], id="late")
    late = replace(shop.of("test")[0], answer="late")
    data = TrainingData((*shop.examples, late), shop.intents, {**shop.answers, "late": only_tested})
    answers = {answer.id: answer for answer in candidate_answers(data, "all answers")}
    assert "late" not in answers
    assert answers["delivery"].support == sum(e.answer == "delivery" for e in shop.of("train"))
    assert answers["delivery"].last_used is None


def test_the_right_answer_stands_among_99_others_of_its_split() -> None:
    data = _unseen()
    given = contest(data, "test", "1 of 100", most=10, seed=1)
    in_split = {example.answer for example in data.of("test")}
    assert given.candidates is not None
    for example, row in zip(given.examples, given.candidates, strict=True):
        assert row[0] == example.answer
        assert len(set(row)) == len(row) == min(100, len(in_split))
        assert set(row) <= in_split
    assert contest(data, "test", "1 of 100", most=10, seed=1) == given


@pytest.mark.parametrize("data", [little_shop(), _unseen()], ids=["seen", "unseen"])
def test_all_systems_rank_the_same_questions(data: TrainingData) -> None:
    protocol = choose_protocol(data)
    matcher = training_matcher(data, HashEncoder(), protocol, intent_head=None, answer_head=None)
    row = held_out_ranking(data, matcher, Ranker.default(), most=20, seed=0, stages=Stages(None))
    assert row["protocol"] == protocol
    assert {figures["n"] for figures in row["systems"].values()} == {20}
    assert row["systems"]["careline"]["r1"] > 0.5
    peer = "tfidf + logistic regression" if protocol == "all answers" else "tfidf"
    assert set(row["systems"]) == {"careline", "bm25", peer}


def test_languages_are_ranked_apart_and_add_up_to_the_whole() -> None:
    data = little_shop()
    matcher = training_matcher(data, HashEncoder(), "all answers", intent_head=None, answer_head=None)
    rows = ranking_by_language(data, matcher, Ranker.default(), seed=0)
    assert [row["group"] for row in rows] == ["en", "zh"]
    whole = held_out_ranking(data, matcher, Ranker.default(), most=0, seed=0, stages=Stages(None))
    ours = whole["systems"]["careline"]
    assert sum(row["n"] for row in rows) == ours["n"]
    assert sum(row["n"] * row["r1"] for row in rows) / ours["n"] == pytest.approx(ours["r1"], abs=1e-3)
    english = TrainingData(tuple(e for e in data.examples if e.language == "en"), data.intents, data.answers)
    assert ranking_by_language(english, matcher, Ranker.default(), seed=0) == []


def test_an_answer_that_training_never_saw_is_a_miss() -> None:
    shop = little_shop()
    new = replace(shop.answers["delivery"], id="new", text="Something else entirely.")
    examples = tuple(replace(e, answer="new") if e.split == "test" else e for e in shop.examples)
    data = TrainingData(examples, (), {**shop.answers, "new": new})
    matcher = training_matcher(data, HashEncoder(), "all answers", intent_head=None, answer_head=None)
    given = contest(data, "test", "all answers", most=0, seed=0)
    figures = our_ranking(Ranker.default(), [ranked for _, ranked in ranked_by(matcher, given)])
    assert figures.r5 == figures.mrr == 0.0
    assert figures.n == len(data.of("test"))
    assert np.isfinite(figures.mrr)


def test_a_frequent_answer_is_known_by_its_newest_contexts() -> None:
    shop = little_shop()
    one = shop.of("train")[0]
    many = [replace(one, context=f"question {i}", time=float(i)) for i in range(MOST_PER_ANSWER + 5)]
    kept = indexed_contexts([*many, shop.of("train")[-1]])
    assert [e.context for e in kept if e.answer == one.answer] == [e.context for e in many[5:]]
    assert len(kept) == MOST_PER_ANSWER + 1
