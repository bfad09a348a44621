"""Explanations: occlusion finds the words that matter, deletion tells faithful from random, sentences say the truth."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from finetune.classifiers import Remembered
from finetune.evaluate import training_matcher
from finetune.head import fit_intent_head
from finetune.recipe import load_recipe
from finetune.testing import little_shop
from retrieval.explain import explain_message
from retrieval.lexical import spans_of
from retrieval.occlusion import MOST_WORDS, Word, deletion, deletion_test, occlude, parts_of, without
from retrieval.search import Searcher, Thresholds
from retrieval.testing import HashEncoder

WEIGHTS = {"refund": 0.5, "money": 0.3, "not": -0.1}


def surety(texts: Sequence[str]) -> list[float]:
    """A model whose reasons are known: it adds up the weights of its words."""
    return [0.2 + sum(WEIGHTS.get(word, 0.0) for word in text.split()) for text in texts]


def test_occlusion_finds_the_weights_of_a_model_that_adds_up() -> None:
    words = occlude("please refund my money or not", surety)
    assert {word.text: round(word.weight, 6) for word in words if word.weight} == WEIGHTS
    assert all("please refund my money or not"[word.start : word.end] == word.text for word in words)
    assert occlude("", surety) == occlude("?! ...", surety) == ()


def test_words_in_both_languages_and_long_texts() -> None:
    text = "我的包裹 DHL什么时候到？it's late"
    assert [text[a:b] for a, b in spans_of(text)] == ["我", "的", "包裹", "DHL", "什么", "时候", "到", "it's", "late"]
    long = "word " * 1000
    spans = parts_of(long)
    assert len(spans) <= MOST_WORDS
    assert "".join(long[a:b] for a, b in spans).count("word") == 1000
    assert without("a b c d", [(0, 1), (4, 5)]) == "b d"


def test_deletion_tells_true_weights_from_wrong_ones() -> None:
    text = "please refund my money or not today thanks"
    true = occlude(text, surety)
    wrong = tuple(Word(word.text, word.start, word.end, -word.weight) for word in true)
    good = [loss for _ in range(10) if (loss := deletion(text, true, surety, share=0.25))]
    bad = [loss for _ in range(10) if (loss := deletion(text, wrong, surety, share=0.25))]
    assert good[0][0] == pytest.approx(0.8)
    assert deletion_test(good)["faithful"]
    assert not deletion_test(bad)["faithful"]
    assert deletion("two words", occlude("two words", surety), surety) is None
    assert deletion_test([]) == {
        "n": 0, "top": 0.0, "random": 0.0, "gap": 0.0, "interval": [0.0, 0.0], "faithful": False
    }  # fmt: skip


@pytest.fixture(scope="module")
def searcher() -> Searcher:
    shop, encoder = little_shop(), Remembered(HashEncoder())
    head = fit_intent_head(shop, encoder, load_recipe("tiny"), progress=lambda done, words: None)
    matcher = training_matcher(shop, encoder, "all answers", intent_head=head, answer_head=None)
    return Searcher(matcher, thresholds=Thresholds(sure=0.5, unsure=0.05, known=0.3), model="abc")


@pytest.mark.parametrize(
    ("text", "intent", "word"),
    [("can you tell me how to return this", "returns", "return"), ("请问怎么退货呢", "tuihuo", "退货")],
)
def test_a_question_is_explained(searcher: Searcher, text: str, intent: str, word: str) -> None:
    found = explain_message(searcher, text, answers=True)
    assert found.intent is not None
    assert found.intent.label == intent
    assert max(found.words, key=lambda one: one.weight).text == word
    assert max(found.answer_words, key=lambda one: one.weight).text == word
    assert found.second is not None
    assert found.second.confidence <= found.intent.confidence
    assert any(word in row.text for row in found.nearest)
    similarities = [row.similarity for row in found.nearest]
    assert similarities == sorted(similarities, reverse=True)
    assert any(row.says == searcher.index.book.get(intent).text for row in found.nearest if row.answer == intent)
    row = json.loads(json.dumps(found.to_json()))
    assert row["thresholds"] == {"sure": 0.5, "unsure": 0.05, "known": 0.3}
    assert row["model"] == "abc"
    for language, lines in row["reasons"].items():
        assert any(intent in line for line in lines), language
        assert any(word in line for line in lines), language


def test_the_sentences_follow_the_thresholds(searcher: Searcher) -> None:
    text = "how to return this"
    said = {}
    for outcome, at in (
        ("sure", Thresholds(0.0, 0.0, 0.0)), ("unsure", Thresholds(1.0, 0.0, 0.0)), ("lost", Thresholds(1.0, 0.5, 1.0))
    ):  # fmt: skip
        one = Searcher(searcher.matcher, thresholds=at)
        found = explain_message(one, text)
        assert found.outcome == outcome
        said[outcome] = found.reasons
    assert "gives the best answer" in said["sure"]["en"][-1]
    assert "three answers" in said["unsure"]["en"][-1]
    assert any("counts as out of scope" in line for line in said["lost"]["en"])
    assert any("超出范围" in line for line in said["lost"]["zh"])
    assert not any("{" in line for lines in said.values() for told in lines.values() for line in told)


@pytest.mark.parametrize("text", ["", "?!", "   "])
def test_a_message_without_words_has_no_reason(searcher: Searcher, text: str) -> None:
    found = explain_message(searcher, text, answers=True)
    assert (found.intent, found.words, found.answer_words, found.nearest) == (None, (), (), ())
    assert found.outcome == "lost"
    assert np.isfinite(found.known)
