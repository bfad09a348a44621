from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from data.errors import InputError
from retrieval.encoder import OnnxEncoder, coverage
from tests.contracts.encoder_contract import check_encoder
from tests.contracts.model_fixture import WORDS, write_model


def test_the_onnx_encoder_keeps_the_contract(tmp_path: Path) -> None:
    check_encoder(OnnxEncoder.load(write_model(tmp_path), threads=1))


def test_a_vector_is_the_mean_of_its_words_vectors_of_length_one(tmp_path: Path) -> None:
    layout = write_model(tmp_path)
    table = numpy_helper.to_array(onnx.load(str(layout.encoder)).graph.initializer[0])
    mean = table[[WORDS.index("where"), WORDS.index("tent")]].mean(axis=0)
    got = OnnxEncoder.load(layout, threads=1).encode(["where is the order", "where tent", "my"])[1]
    np.testing.assert_allclose(got, mean / np.linalg.norm(mean), rtol=1e-5)


def test_coverage_is_the_share_of_known_words(tmp_path: Path) -> None:
    encoder = OnnxEncoder.load(write_model(tmp_path), threads=1)
    np.testing.assert_allclose(coverage(encoder, ["where is my dog", "全部 未知", ""]), [0.75, 0, 1])


@pytest.mark.parametrize("name", ["encoder.onnx", "tokenizer.json", "encoder.json"])
def test_a_missing_or_broken_file_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    layout = write_model(tmp_path)
    (tmp_path / name).write_text("not it")
    with pytest.raises(InputError, match="careline learn"):
        OnnxEncoder.load(layout)
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match="careline learn"):
        OnnxEncoder.load(layout)
