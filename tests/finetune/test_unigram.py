from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from finetune.e5 import PackedModel, write_folder
from finetune.unigram import prune_vocabulary, script_of, unigram_tokenizer
from tests.contracts.packed_e5 import PIECES, SCORES, SPACE, write_packed


def test_a_text_is_split_into_the_likeliest_pieces() -> None:
    tokenizer = unigram_tokenizer(PIECES, SCORES, unknown=3)
    assert tokenizer.encode("parcel,快递").tokens == ["<s>", SPACE + "parcel", ",", "快递", "</s>"]
    assert tokenizer.encode("快  快\n").tokens == ["<s>", SPACE, "快", SPACE, "快", "</s>"]
    assert tokenizer.encode("").tokens == ["<s>", "</s>"]


def test_wide_forms_become_plain_ones_but_for_the_tilde_of_chats() -> None:
    tokenizer = unigram_tokenizer(PIECES, SCORES, unknown=3)
    assert tokenizer.encode("ｐａｒｃｅｌ！～").tokens == ["<s>", SPACE + "parcel", "!", "～", "</s>"]


@pytest.mark.parametrize(("character", "script"), [("a", "LATIN"), ("é", "LATIN"), ("快", "CJK"), ("п", "CYRILLIC")])
def test_scripts_are_told_apart(character: str, script: str) -> None:
    assert script_of(character) == script
    assert script_of("7") == script_of("！") == ""


@pytest.fixture
def little(tmp_path: Path) -> SentenceTransformer:
    folder = tmp_path / "little"
    folder.mkdir()
    write_packed(tmp_path / "packed.bin")
    write_folder(PackedModel(tmp_path / "packed.bin"), folder)
    return SentenceTransformer(str(folder), device="cpu")


def test_what_the_log_needs_stays_and_reads_as_before(little: SentenceTransformer) -> None:
    texts = ["parcel", "快递, 快"]
    vectors = little.encode(texts)
    tokens = [little.tokenizer.convert_ids_to_tokens(little.tokenizer.encode(text)) for text in texts]
    assert prune_vocabulary(little, texts, most=1) > 0
    assert [little.tokenizer.convert_ids_to_tokens(little.tokenizer.encode(text)) for text in texts] == tokens
    np.testing.assert_allclose(little.encode(texts), vectors, atol=1e-6)
    kept = [piece for piece, _ in json.loads(little.tokenizer.backend_tokenizer.to_str())["model"]["vocab"]]
    assert not {"почта", "п"} & set(kept), "a script that the log does not use"
    assert {"递", "c", "a"} <= set(kept), "single characters of its scripts"
    assert little[0].auto_model.get_input_embeddings().weight.shape[0] == len(kept)


def test_a_word_without_a_piece_falls_back_to_shorter_ones(little: SentenceTransformer) -> None:
    assert "cel" in little.tokenizer.convert_ids_to_tokens(little.tokenizer.encode("parcelcel"))
    prune_vocabulary(little, ["快"], most=1)
    tokens = little.tokenizer.convert_ids_to_tokens(little.tokenizer.encode("parcel快递"))
    assert little.tokenizer.unk_token not in tokens


def test_a_pruned_model_can_be_stored(little: SentenceTransformer, tmp_path: Path) -> None:
    prune_vocabulary(little, ["parcel 快递"], most=1)
    little.save(str(tmp_path / "stored"))
    again = SentenceTransformer(str(tmp_path / "stored"), device="cpu")
    np.testing.assert_allclose(again.encode(["parcel 快"]), little.encode(["parcel 快"]), atol=1e-6)


def test_nothing_is_dropped_unless_asked_for(little: SentenceTransformer) -> None:
    assert prune_vocabulary(little, ["parcel"], most=0) == 0
    assert prune_vocabulary(little, ["parcel 快递 почта"], most=99) == 0
