"""One contract for every kind of vector index: FAISS flat, FAISS lists, Milvus; against brute force."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError
from retrieval.dense import VectorIndex
from retrieval.encoder import Vectors, unit
from retrieval.stores import StoreUrl, in_store

Build = Callable[[Vectors], VectorIndex]

_MISSING = [name for name in ("pymilvus", "milvus_lite") if importlib.util.find_spec(name) is None]
needs_milvus = pytest.mark.skipif(bool(_MISSING), reason=f"the extra `milvus` is not installed: {', '.join(_MISSING)}")


def some(count: int, *, seed: int = 0) -> Vectors:
    return unit(np.random.default_rng(seed).standard_normal((count, 24)))


@pytest.fixture(params=["flat", "lists", pytest.param("milvus", marks=[needs_milvus, pytest.mark.enable_socket])])
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Build:
    def made(vectors: Vectors) -> VectorIndex:
        if request.param != "milvus":
            most = 10 if request.param == "lists" else 10_000
            return VectorIndex.build(vectors, flat_up_to=most, graph_up_to=most)
        return in_store("milvus:store.db", VectorIndex.build(vectors), name="key-answers", root=tmp_path)

    return made


def nearest(vectors: Vectors, asked: Vectors, k: int) -> np.ndarray:
    return np.argsort(-(asked @ vectors.T), axis=1, kind="stable")[:, :k]


def overlap(found: np.ndarray, right: np.ndarray) -> float:
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found.tolist(), right.tolist(), strict=True)]))


def test_the_nearest_come_first_with_their_cosines(build: Build) -> None:
    vectors, asked = some(3000), some(20, seed=1)
    scores, rows = build(vectors).search(asked, 7)
    assert rows.shape == scores.shape == (20, 7)
    assert overlap(rows, nearest(vectors, asked, 7)) > 0.9
    np.testing.assert_allclose(scores, np.take_along_axis(asked @ vectors.T, rows, axis=1), atol=2e-3)
    assert (np.diff(scores, axis=1) <= 1e-6).all()


def test_a_batch_is_its_queries_one_by_one(build: Build) -> None:
    index, asked = build(some(500)), some(8, seed=1)
    alone = np.vstack([index.search(row[None, :], 5)[1] for row in asked])
    np.testing.assert_array_equal(index.search(asked, 5)[1], alone)


@pytest.mark.parametrize("share", [0.0, 0.003, 0.2, 0.8])
def test_a_mask_is_obeyed_and_what_it_leaves_is_found(build: Build, share: float) -> None:
    vectors, asked = some(3000), some(10, seed=1)
    among = np.random.default_rng(2).random(3000) < share
    _, rows = build(vectors).search(asked, 6, among=among)
    left = np.flatnonzero(among)
    assert set(rows[rows >= 0].tolist()) <= set(left.tolist())
    if len(left):
        assert overlap(rows, left[nearest(vectors[left], asked, 6)]) > 0.9
    else:
        assert not (rows >= 0).any()


def test_the_far_side_is_found_under_a_mask(build: Build) -> None:
    """Only rows that are farthest from what is asked may be found: the nearest of all are no help."""
    vectors, asked = some(6000), some(1, seed=1)
    far = np.argsort(vectors @ asked[0])[:2500]
    among = np.zeros(6000, dtype=bool)
    among[far] = True
    index = build(vectors)
    _, rows = index.search(asked, 10, among=among)
    assert set(rows[0].tolist()) <= set(far.tolist())
    assert len(set(rows[0].tolist())) == 10
    if index.is_flat:  # lists that are near are read first: what is far may be missed, but never nothing found
        np.testing.assert_array_equal(rows, far[nearest(vectors[far], asked, 10)])


def test_rows_that_come_later_are_seen_at_once(build: Build) -> None:
    vectors = some(60)
    index = build(vectors[:50])
    assert index.add(vectors[50:]).tolist() == list(range(50, 60))
    assert len(index) == 60
    assert index.search(vectors[55:56], 1)[1].tolist() == [[55]]
    assert index.search(vectors[5:6], 1)[1].tolist() == [[5]]
    np.testing.assert_allclose(index.vectors([59, 0, 7]), vectors[[59, 0, 7]], atol=1e-3)
    with pytest.raises(KeyError):
        index.vectors([60])


def test_few_and_many_hits(build: Build) -> None:
    index = build(some(30))
    assert sorted(index.search(some(1, seed=3), 100)[1][0].tolist()) == list(range(30))
    assert index.search(some(0), 3)[1].shape[0] == 0


def test_a_saved_index_is_one_of_faiss(build: Build, tmp_path: Path) -> None:
    vectors = some(80)
    build(vectors).save(tmp_path / "x.faiss")
    again = VectorIndex.load(tmp_path / "x.faiss")
    assert overlap(again.search(vectors, 1)[1], np.arange(80)[:, None]) > 0.98


@needs_milvus
@pytest.mark.enable_socket
def test_a_collection_is_filled_once_and_mended(tmp_path: Path) -> None:
    vectors = some(40)
    first = in_store("milvus:store.db", VectorIndex.build(vectors), name="k", root=tmp_path)
    client = first._base.client  # type: ignore[attr-defined]
    client.delete("careline_k", ids=[3, 4])
    again = in_store("milvus:store.db", VectorIndex.build(vectors), name="k", root=tmp_path)
    assert again.search(vectors[3:5], 1)[1].tolist() == [[3], [4]]
    other = in_store("milvus:store.db", VectorIndex.build(some(5, seed=9)), name="other", root=tmp_path)
    assert len(other) == 5
    assert len(again) == 40


def test_without_a_store_it_is_faiss(tmp_path: Path) -> None:
    vectors = VectorIndex.build(some(5))
    assert in_store("", vectors, name="k", root=tmp_path) is vectors


@pytest.mark.parametrize(
    ("url", "uri", "token", "database"),
    [
        ("milvus://db.shop.example", "http://db.shop.example:19530", "", ""),
        ("milvus://10.0.0.7:1953/shop", "http://10.0.0.7:1953", "", "shop"),
        ("milvus+tls://mia:p%40ss@db.shop.example:443", "https://db.shop.example:443", "mia:p@ss", ""),
        ("milvus:var/answers.db", "/shop/var/answers.db", "", ""),
        ("milvus:/data/answers.db", "/data/answers.db", "", ""),
    ],
)
def test_addresses(url: str, uri: str, token: str, database: str) -> None:
    assert StoreUrl.parse(url, root=Path("/shop")) == StoreUrl(uri, token, database)


@pytest.mark.parametrize(
    "url", ["redis://x", "milvus:", "milvus://", "milvus:answers", "milvus://a:b", "milvus://h?x=1", "x"]
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(InputError, match="store"):
        StoreUrl.parse(url, root=Path("/shop"))


def test_a_password_is_not_shown() -> None:
    with pytest.raises(InputError) as refused:
        StoreUrl.parse("milvus+ssh://mia:secret@host", root=Path("/shop"))
    assert "secret" not in str(refused.value)


@pytest.mark.skipif(not _MISSING, reason="pymilvus is installed")
def test_the_extra_is_named_where_it_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="extra `milvus`"):
        in_store("milvus:store.db", VectorIndex.build(some(5)), name="k", root=tmp_path)


@needs_milvus
@pytest.mark.enable_socket
def test_a_server_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Milvus at http") as refused:
        in_store("milvus://127.0.0.1:9", VectorIndex.build(some(5)), name="k", root=tmp_path)
    assert "\n" not in str(refused.value)


@needs_milvus
@pytest.mark.enable_socket
def test_search_finds_the_same_in_milvus(tmp_path: Path) -> None:
    """The one door, over both stores, with later answers and a filter."""
    from data.schema import Answer, Example
    from retrieval.filters import Where
    from retrieval.index import Index
    from retrieval.match import Matcher
    from retrieval.search import Searcher
    from retrieval.testing import HashEncoder

    encoder = HashEncoder()
    words = ("order", "tent", "refund", "box", "card", "boat", "shoe")
    texts = [
        f"The {a} and the {b} arrive in {i} days."
        for i, (a, b) in enumerate(zip(words * 6, words[::-1] * 6, strict=True))
    ]
    answers = [Answer(f"a{i}", text, "en", site=("uk", "de")[i % 2]) for i, text in enumerate(texts)]
    examples = [Example(f"c{i}", 1, f"where is the {word}", f"a{i}", "train", "en") for i, word in enumerate(words)]

    def searcher(*, store: str) -> Searcher:
        index = Index.from_parts(answers, examples, encoder)
        index.dense = in_store(store, index.dense, name="same", root=tmp_path)
        late = Answer("late", "A kayak is a boat.", "en")
        index.append([late], [], encoder.encode([late.text]), encoder.encode([]))
        return Searcher(Matcher(index, encoder))

    here, there = searcher(store=""), searcher(store="milvus:store.db")
    for question in (*(f"when does the {word} arrive" for word in words), "is a kayak a boat"):
        for where in (None, Where(site="uk")):
            mine, theirs = (each.search(question, k=5, where=where) for each in (here, there))
            assert [hit.id for hit in mine.hits] == [hit.id for hit in theirs.hits]
            assert [hit.probability for hit in mine.hits] == pytest.approx(
                [h.probability for h in theirs.hits], abs=1e-3
            )
    assert "late" in [hit.id for hit in there.search("is a kayak a boat", k=5).hits]
