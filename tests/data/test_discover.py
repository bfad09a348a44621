"""Groups of vectors and of texts: found without being told how many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from data import cluster
from data.cluster import group_vectors, nearest
from data.discover import discover
from data.embed import embed_texts, embed_words


def blobs(groups: int, each: int, *, spread: float = 0.35, dim: int = 48) -> tuple[NDArray[np.float32], list[int]]:
    """Directions around random centres, in a shuffled order."""
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(groups, dim))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    truth = rng.permutation(np.repeat(np.arange(groups), each))
    vectors = centres[truth] + spread * rng.normal(size=(len(truth), dim)) / np.sqrt(dim)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), truth.tolist()


@pytest.mark.parametrize("groups", [3, 12, 30])
def test_the_number_of_groups_is_found(groups: int) -> None:
    vectors, truth = blobs(groups, 40)
    found = group_vectors(vectors)
    assert len(found.centres) == groups
    assert len(set(zip(found.labels.tolist(), truth, strict=True))) == groups, "a group is mixed or torn"
    assert found.stability.min() > 0.9
    assert np.allclose(found.likeness, np.sum(vectors * found.centres[found.labels], axis=1), atol=1e-5)


def test_what_has_no_groups_is_not_stable() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(400, 30))
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    assert group_vectors(noise.astype(np.float32), count=12).stability.mean() < 0.5


def test_a_sample_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, truth = blobs(10, 300)
    monkeypatch.setattr(cluster, "SAMPLE", 500)
    monkeypatch.setattr(cluster, "CHUNK", 700)
    found = group_vectors(vectors)
    assert len(found.labels) == 3000
    assert len(set(zip(found.labels.tolist(), truth, strict=True))) == len(found.centres) == 10


def test_nearest_equals_brute_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CHUNK", 7)
    vectors, _ = blobs(4, 10)
    labels, likeness = nearest(vectors, vectors[:5])
    for row, label, cosine in zip(vectors, labels, likeness, strict=True):
        cosines = [float(row @ centre) for centre in vectors[:5]]
        assert cosines[label] == pytest.approx(max(cosines))
        assert cosine == pytest.approx(max(cosines))


WORDS = {"refund": "money refund back paid", "parcel": "parcel courier late lost", "login": "password login account"}


def texts_of(each: int = 40) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(1)
    kinds = [kind for kind in WORDS for _ in range(each)]
    texts = [f"{' '.join(rng.choice(WORDS[kind].split(), 3))} {kind} number {i}" for i, kind in enumerate(kinds)]
    return texts, kinds


def bag(texts: Sequence[str]) -> NDArray[np.float32]:
    """A real little encoder: hashed words."""
    vectors = np.zeros((len(texts), 64), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in text.split():
            vectors[row, sum(map(ord, word)) % 64] += 1
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("embed", [None, bag])
def test_clusters_are_pure_named_and_steady(embed: object) -> None:
    texts, kinds = texts_of()
    clusters = discover(texts, "en", embed=embed)  # type: ignore[arg-type]
    assert sum(len(c.members) for c in clusters) > 100
    for found in clusters:
        kind, count = Counter(kinds[i] for i in found.members).most_common(1)[0]
        assert count == len(found.members)
        assert set(" ".join(found.keywords).split()) & set(WORDS[kind].split())
        assert 0 <= found.stability <= 1


def test_phrases_name_a_cluster() -> None:
    texts = [f"what is the exchange rate for {c}" for c in ("yen", "euro", "dollar", "peso", "rand", "krone") * 4]
    texts += [f"my {c} card was stolen" for c in ("new", "old", "blue", "red", "green", "spare") * 4]
    found = [keyword for c in discover(texts, "en") for keyword in c.keywords]
    assert "exchange rate" in found
    assert "exchange" not in found


def test_an_encoder_that_cannot_read_a_language_is_not_used() -> None:
    texts = [f"请问第{i}个订单怎么退款" for i in range(40)]

    def unknown(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.eye(8, dtype=np.float32)[[len(text) % 8 for text in texts]]

    vectors, dense = embed_texts(texts, "zh", unknown)
    assert not dense
    assert vectors.shape == embed_words(texts, "zh").shape
    assert embed_texts(texts_of()[0], "en", lambda t: bag([f"{x} {i}" for i, x in enumerate(t)]))[1]
