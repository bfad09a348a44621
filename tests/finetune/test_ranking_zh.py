"""What the Chinese part of bench `ranking` takes for truth."""

from __future__ import annotations

import numpy as np
import pytest

from bench import crosswoz, languages, ranking_zh
from bench.printer import CannotRun
from bench.shared import place_of


def test_held_out_wordings_are_in_nothing_that_is_learned_from() -> None:
    sides = languages.parallel()
    said = {message.text for conversation in languages.log_without(sides) for message in conversation.messages}
    for language, other in languages.OTHER.items():
        asked = sides.questions[language]
        assert len(asked) > 80
        assert {question.topic for question in asked} <= {answer.topic for answer in sides.answers[other]}
        left = {text for topic in sides.left[language] for part in topic.parts for text in part.lines["?"]}
        assert not {question.text for question in asked} & (said | left)


def test_the_nearest_answer_of_the_other_language_counts() -> None:
    class ByTopic:
        """Knows each phrase's topic, but for one."""

        dim = 2

        def encode(self, texts: list[str], *, batch_size: int = 64) -> np.ndarray:
            return np.array([[1, 0] if "parcel" in text or "包裹" in text else [0, 1] for text in texts], np.float32)

    def said(text: str, topic: str) -> languages.Said:
        return languages.Said(text, topic, f"{topic}.one")

    questions = {"en": [said("my parcel?", "delivery"), said("refund", "delivery")], "zh": [said("退款", "returns")]}
    answers = {"en": [said("parcel", "delivery"), said("money", "returns")]}
    answers["zh"] = [said("包裹", "delivery"), said("钱", "returns")]
    sides = languages.Sides(questions, answers, answers, {})
    assert languages.found(ByTopic(), sides) == {"en": [True, False], "zh": [True]}


def _or_skip() -> None:
    try:
        place_of("atec_pairs.tsv.gz")
    except CannotRun as error:
        pytest.skip(str(error))


def test_no_question_of_atec_is_on_both_sides() -> None:
    _or_skip()
    learned, tested = ranking_zh.atec_parts()
    asked = [{text for one, other, _ in part for text in (one, other)} for part in (learned, tested)]
    assert not asked[0] & asked[1]
    assert len(learned) + len(tested) == 39346
    assert 0.15 < len(tested) / 39346 < 0.25


def test_crosswoz_is_learned_from_one_file_and_asked_for_the_other() -> None:
    _or_skip()
    data = crosswoz.crosswoz()
    parts = [{example.conversation for example in data.of(split)} for split in ("train", "valid", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts))
    assert all(name.startswith("test-") for name in parts[2])
    assert len(data.of("test")) > 4000
