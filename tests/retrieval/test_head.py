import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.utils import murmurhash3_32

from data.errors import InputError
from retrieval.head import HashedNgrams, LinearHead, head_text, mark

TEXTS = ["Where is my order?", "我的订单到哪了", "", "tent TENT pole"]


def make_head(*, sparse: bool = False, classes: int = 3) -> LinearHead:
    random = np.random.default_rng(1)
    features = HashedNgrams(buckets=512).fit(TEXTS)
    ngrams = random.standard_normal((classes, 512)).astype(np.float16).astype(np.float32)
    return LinearHead(
        labels=tuple(f"label {i}" for i in range(classes)),
        dense_weights=random.standard_normal((classes, 8)).astype(np.float32),
        ngram_weights=csr_matrix(ngrams) if sparse else ngrams,
        bias=random.standard_normal(classes).astype(np.float32),
        temperature=1.7,
        features=features,
        kinds=("static", *["topic"] * (classes - 1)),
    )


def test_features_are_those_of_an_independent_count() -> None:
    features = HashedNgrams(buckets=4096)
    row = features.transform(["A tent, a tent"]).toarray()[0]
    expected = np.zeros(4096)
    for gram in features.tokens("A tent, a tent"):
        expected[abs(murmurhash3_32(gram.encode(), seed=0)) % 4096] += 1
    expected = np.log1p(expected)
    np.testing.assert_allclose(row, expected / np.linalg.norm(expected), rtol=1e-5)


def test_words_bigrams_and_pieces_of_both_languages() -> None:
    tokens = set(HashedNgrams().tokens("My 订单号 AB12到了吗"))
    assert {"w my", "w 订", "w 订 单", "订单号", "w ab12", " ab12", "到了吗"} <= tokens
    assert not any("2到" in token for token in tokens)


def test_a_mark_is_one_token_and_nothing_of_it_is_cut_up() -> None:
    plain, marked = (set(HashedNgrams().tokens(text)) for text in ("hi", "hi " + mark("given", "a1b2")))
    assert marked - plain == {mark("given", "a1b2")}


def test_history_changes_what_the_head_reads() -> None:
    assert head_text("hi", ["a", "b"]) != head_text("hi", ["b", "a"]) != head_text("hi")


def test_an_empty_text_has_no_features_and_rows_are_of_length_one() -> None:
    features = HashedNgrams().fit(TEXTS).transform([*TEXTS, "", "!?"])
    length = np.sqrt(features.multiply(features).sum(axis=1)).A1
    np.testing.assert_allclose(length, [1, 1, 0, 1, 0, 0], atol=1e-5)


def test_the_hash_is_the_same_in_another_process() -> None:
    code = "from retrieval.head import HashedNgrams as H; print(H().transform(['我的 tent']).indices.tolist())"
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(HashedNgrams().transform(["我的 tent"]).indices.tolist())


@given(st.lists(st.text(max_size=30), min_size=1, max_size=6))
def test_a_batch_equals_one_by_one(texts: list[str]) -> None:
    head = make_head()
    embeddings = np.random.default_rng(0).standard_normal((len(texts), 8)).astype(np.float32)
    batch = head.logits(embeddings, texts)
    alone = np.concatenate([head.logits(embeddings[i : i + 1], [text]) for i, text in enumerate(texts)])
    np.testing.assert_allclose(batch, alone, rtol=1e-4, atol=1e-4)


def test_logits_are_the_formula() -> None:
    head, embeddings = make_head(), np.ones((4, 8), dtype=np.float32)
    grams = head.features.transform(TEXTS).toarray()
    expected = (embeddings @ head.dense_weights.T + grams @ head.ngram_weights.T + head.bias) / 1.7
    np.testing.assert_allclose(head.logits(embeddings, TEXTS), expected, rtol=1e-4)
    np.testing.assert_allclose(head.probabilities(embeddings, TEXTS).sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("sparse", [False, True])
def test_a_loaded_head_predicts_the_same(tmp_path: Path, *, sparse: bool) -> None:
    head, embeddings = make_head(sparse=sparse), np.ones((4, 8), dtype=np.float32)
    head.save(tmp_path / "head.npz")
    again = LinearHead.load(tmp_path / "head.npz")
    assert (again.labels, again.kinds, again.features) == (head.labels, head.kinds, head.features)
    np.testing.assert_allclose(again.logits(embeddings, TEXTS), head.logits(embeddings, TEXTS), rtol=1e-5)


def test_sparse_and_dense_weights_agree() -> None:
    embeddings = np.ones((4, 8), dtype=np.float32)
    dense, sparse = (make_head(sparse=s).logits(embeddings, TEXTS) for s in (False, True))
    np.testing.assert_allclose(dense, sparse, rtol=1e-4)


def test_a_head_of_dense_weights_only() -> None:
    head = LinearHead(("a", "b"), np.eye(2, dtype=np.float32), None, np.zeros(2, dtype=np.float32))
    np.testing.assert_array_equal(head.logits(np.eye(2, dtype=np.float32), ["x", "y"]), np.eye(2))


def test_wrong_shapes_and_wrong_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2 labels"):
        LinearHead(("a", "b"), np.zeros((3, 4), dtype=np.float32), None, np.zeros(2, dtype=np.float32))
    (tmp_path / "head.npz").write_bytes(b"no archive")
    with pytest.raises(InputError, match="head made by training"):
        LinearHead.load(tmp_path / "head.npz")
    with pytest.raises(InputError):
        LinearHead.load(tmp_path / "absent.npz")
