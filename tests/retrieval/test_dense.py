from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError
from retrieval.dense import VectorIndex
from retrieval.encoder import Vectors, unit

KINDS = {
    "flat": {"flat_up_to": 10_000},
    "graph": {"flat_up_to": 10, "graph_up_to": 10_000},
    "lists": {"flat_up_to": 10, "graph_up_to": 10},
}


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


@pytest.mark.parametrize("kind", ["graph", "lists"])
def test_a_graph_or_lists_are_used_above_the_size_and_find_nearly_all(kind: str) -> None:
    vectors, queries = some(3000), some(50, seed=1)
    index = VectorIndex.build(vectors, **KINDS[kind])
    assert not index.is_flat
    _, ids = index.search(queries, 10)
    expected = brute_force(vectors, queries, 10)
    found = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(ids, expected, strict=True)])
    assert found > 0.9


@pytest.mark.parametrize("kind", list(KINDS))
def test_added_rows_are_seen_at_once(kind: str) -> None:
    vectors = some(60)
    index = VectorIndex.build(vectors[:50], **KINDS[kind])
    assert index.add(vectors[50:]).tolist() == list(range(50, 60))
    assert index.search(vectors[55:56], 1)[1].tolist() == [[55]]
    same = index.search(vectors, 7)[1] == brute_force(vectors, vectors, 7)
    assert same.mean() > (1 - 1e-9 if index.is_flat else 0.98)
    np.testing.assert_allclose(index.vectors([59, 0]), vectors[[59, 0]], atol=1e-3)
    for row in (60, -1):
        with pytest.raises(KeyError):
            index.vectors([row])
    with pytest.raises(ValueError, match="shape"):
        index.add(vectors[:1, :3])


@pytest.mark.parametrize("late", [0, 300])
@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("share", [0.0, 0.002, 0.1, 0.9])
def test_a_mask_is_obeyed_and_what_it_leaves_is_found(kind: str, share: float, late: int) -> None:
    vectors, queries = some(4000, 16), some(30, 16, seed=1)
    index = VectorIndex.build(vectors[: 4000 - late], **KINDS[kind])
    index.add(vectors[4000 - late :])
    among = np.random.default_rng(2).random(3900) < share  # and no row beyond its end
    scores, rows = index.search(queries, 10, among=among)
    left = np.flatnonzero(among)
    expected = [left[best] for best in brute_force(vectors[left], queries, 10)]
    assert set(rows[rows >= 0].tolist()) <= set(left.tolist())
    found = [len(set(a) & set(b)) / max(1, len(b)) for a, b in zip(rows.tolist(), expected, strict=True)]
    assert np.mean(found) > 0.95 or not len(left)
    cosines = np.take_along_axis(queries @ vectors.T, np.maximum(rows, 0), axis=1)
    np.testing.assert_allclose(scores[rows >= 0], cosines[rows >= 0], atol=1e-3)


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("share", [0.2, 0.45])
def test_what_lies_on_the_far_side_is_found_under_a_mask(kind: str, share: float) -> None:
    """What is asked is like the rows of one group, and only those of the other may be found."""
    size = 4000
    allowed = np.arange(size) < share * size
    sides = np.where(allowed, -3.0, 3.0)[:, None] * np.eye(24)[0]
    vectors, queries = unit(sides + some(size)), unit(3.0 * np.eye(24)[0] + some(20, seed=1))
    rows = VectorIndex.build(vectors, **KINDS[kind]).search(queries, 10, among=allowed)[1]
    right = brute_force(vectors[allowed], queries, 10)  # they are the first rows
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(rows, right, strict=True)]) > 0.9


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_loaded_index_finds_the_same(tmp_path: Path, kind: str) -> None:
    index = VectorIndex.build(some(80), **KINDS[kind])
    index.save(tmp_path / "x.faiss")
    again = VectorIndex.load(tmp_path / "x.faiss")
    assert again.is_flat == index.is_flat == (kind == "flat")
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


def test_what_was_added_is_not_written_by_halves(tmp_path: Path) -> None:
    index = VectorIndex.build(some(5))
    index.add(some(2))
    with pytest.raises(ValueError, match="2 vectors were added"):
        index.save(tmp_path / "x.faiss")


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_file_cut_short_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    VectorIndex.build(some(80), **KINDS[kind]).save(tmp_path / "x.faiss")
    for path in tmp_path.iterdir():
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match="careline index build") as refusal:
            VectorIndex.load(tmp_path / "x.faiss")
        assert "\n" not in str(refusal.value)
        path.write_bytes(whole)
    assert len(VectorIndex.load(tmp_path / "x.faiss")) == 80


def test_a_card_is_used_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    import faiss

    asked = []

    class Card:
        def __init__(self, index: faiss.Index) -> None:
            self.index = index

        def search(self, *given: object) -> object:
            asked.append(given)
            return self.index.search(*given)

    monkeypatch.setattr(faiss, "StandardGpuResources", object, raising=False)
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 1)
    monkeypatch.setattr(faiss, "index_cpu_to_gpu", lambda _, place, index: Card(index), raising=False)
    index, vectors = VectorIndex.build(some(50)), some(50)
    assert index.search(vectors[:3], 1)[1].tolist() == [[0], [1], [2]]
    assert len(asked) == 1
    assert index.search(vectors[:1], 1, among=np.arange(50) > 0)[1].tolist() != [[0]]  # the card knows no masks
    assert len(asked) == 1
