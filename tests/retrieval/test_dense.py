from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError
from retrieval.dense import VectorIndex
from retrieval.encoder import Vectors, unit


def some(count: int, dim: int = 24, *, seed: int = 0) -> Vectors:
    return unit(np.random.default_rng(seed).standard_normal((count, dim)))


def brute_force(vectors: Vectors, queries: Vectors, k: int) -> np.ndarray:
    return np.argsort(-(queries @ vectors.T), axis=1, kind="stable")[:, :k]


def test_flat_search_is_brute_force() -> None:
    vectors, queries = some(500), some(20, seed=1)
    index = VectorIndex.build(vectors)
    scores, ids = index.search(queries, 7)
    expected = brute_force(vectors, queries, 7)
    np.testing.assert_array_equal(ids, expected)
    np.testing.assert_allclose(scores, np.take_along_axis(queries @ vectors.T, expected, axis=1), atol=1e-5)


def test_a_graph_is_used_above_the_size_and_finds_nearly_all() -> None:
    vectors, queries = some(3000), some(50, seed=1)
    index = VectorIndex.build(vectors, flat_up_to=1000)
    assert not index.is_flat
    _, ids = index.search(queries, 10)
    expected = brute_force(vectors, queries, 10)
    found = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(ids, expected, strict=True)])
    assert found > 0.9


@pytest.mark.parametrize("flat_up_to", [10_000, 10])
def test_added_and_removed_ids_are_seen_at_once(flat_up_to: int) -> None:
    vectors = some(60)
    index = VectorIndex.build(vectors[:50], np.arange(50) + 1000, flat_up_to=flat_up_to)
    index.add(vectors[50:], np.arange(50, 60) + 1000)
    assert index.search(vectors[55:56], 1)[1].tolist() == [[1055]]
    assert index.remove([1055, 7]) == 1
    assert len(index) == 59
    assert 1055 not in index.search(vectors[55:56], 59)[1]
    np.testing.assert_allclose(index.vectors([1059, 1000]), vectors[[59, 0]], atol=1e-6)
    with pytest.raises(KeyError):
        index.vectors([1055])
    with pytest.raises(ValueError, match="already"):
        index.add(vectors[:1], [1000])
    with pytest.raises(ValueError, match="shape"):
        index.add(vectors[:1, :3], [5])


@pytest.mark.parametrize("flat_up_to", [10_000, 10])
def test_a_loaded_index_finds_the_same(tmp_path: Path, flat_up_to: int) -> None:
    index = VectorIndex.build(some(80), flat_up_to=flat_up_to)
    index.save(tmp_path / "x.faiss")
    again = VectorIndex.load(tmp_path / "x.faiss")
    assert again.is_flat == index.is_flat
    for mine, theirs in zip(index.search(some(5, seed=2), 6), again.search(some(5, seed=2), 6), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    index = VectorIndex.build(some(0))
    index.save(tmp_path / "x.faiss")
    scores, ids = VectorIndex.load(tmp_path / "x.faiss").search(some(2), 5)
    assert scores.shape == ids.shape == (2, 0)
    assert index.vectors([]).shape == (0, 24)


def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.faiss").write_bytes(b"no index")
    for name in ("x.faiss", "absent.faiss"):
        with pytest.raises(InputError, match="careline index build") as refusal:
            VectorIndex.load(tmp_path / name)
        assert "\n" not in str(refusal.value)
