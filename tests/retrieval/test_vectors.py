"""The cache of vectors: what comes out is what went in, whatever crashes, spoils or replaces its files."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import retrieval.vectors as module
from data.artifacts import Manifest, ModelLayout, create
from retrieval.testing import HashEncoder
from retrieval.vectors import CachedEncoder, Keys, VectorCache, encoder_key, key_of, prune_vectors
from tests.contracts.model_fixture import write_model

DIM = 16
TEXTS = [f"text {n}" for n in range(50)]


class Counting(HashEncoder):
    """Notes what it had to encode."""

    def __init__(self) -> None:
        super().__init__(DIM)
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str], *, batch_size: int = 64) -> np.ndarray:
        self.seen += texts
        return super().encode(texts, batch_size=batch_size)


def opened(folder: Path, **options: int) -> VectorCache:
    return VectorCache(folder / "vectors", "enc", DIM, **options)


def vectors(texts: Sequence[str] = TEXTS) -> np.ndarray:
    return HashEncoder(DIM).encode(texts)


def test_what_was_put_is_found_by_another_process_to_float16(tmp_path: Path) -> None:
    cache = opened(tmp_path)
    assert not cache.get(TEXTS)[1].any()
    assert cache.put(TEXTS, vectors()) == 50
    assert cache.put(TEXTS, vectors()) == 0
    found, there = opened(tmp_path).get([*TEXTS, "unknown"])
    assert there.tolist() == [True] * 50 + [False]
    assert not found[50].any()
    np.testing.assert_allclose(found[:50], vectors(), atol=2e-3)
    assert (found[:50] * vectors()).sum(axis=1).min() > 1 - 1e-6


def test_texts_are_encoded_once(tmp_path: Path) -> None:
    encoder = Counting()
    cached = CachedEncoder(encoder, opened(tmp_path))
    first = cached.encode(TEXTS[:30])
    np.testing.assert_allclose(first, vectors(TEXTS[:30]), atol=1e-6)
    second = CachedEncoder(encoder, opened(tmp_path)).encode(TEXTS)
    np.testing.assert_allclose(second, vectors(), atol=2e-3)
    assert sorted(encoder.seen) == sorted(TEXTS)
    assert (cached.dim, cached.encoded, len(opened(tmp_path))) == (DIM, 30, 50)
    assert cached.encode([]).shape == (0, DIM)
    assert cached.coverage(TEXTS[:2]).tolist() == [1, 1]


@pytest.mark.parametrize("name", ["enc.f16", "enc.keys"])
def test_a_file_that_was_cut_anywhere_costs_the_rows_behind_the_cut(name: str, tmp_path: Path) -> None:
    opened(tmp_path).put(TEXTS, vectors())
    path = tmp_path / "vectors" / name
    whole = path.read_bytes()
    for cut in range(0, len(whole), 7):
        path.write_bytes(whole[:cut])
        cache = opened(tmp_path)
        found, there = cache.get(TEXTS)
        np.testing.assert_allclose(found[there], vectors()[there], atol=2e-3)
        assert there.tolist() == sorted(there.tolist(), reverse=True)
        cache.put(TEXTS, vectors())
        assert opened(tmp_path).get(TEXTS)[1].all(), cut
        (tmp_path / "vectors" / "enc.f16").unlink()
        (tmp_path / "vectors" / "enc.keys").unlink()
        opened(tmp_path).put(TEXTS, vectors())


def test_a_spoilt_vector_is_not_given_and_made_again(tmp_path: Path) -> None:
    opened(tmp_path).put(TEXTS, vectors())
    path = tmp_path / "vectors" / "enc.f16"
    data = bytearray(path.read_bytes())
    data[3 * DIM * 2] ^= 1
    path.write_bytes(data)
    cache = opened(tmp_path)
    assert np.flatnonzero(~cache.get(TEXTS)[1]).tolist() == [3]
    assert cache.put(TEXTS, vectors()) == 1
    assert cache.get(TEXTS)[1].all()


def test_a_file_of_another_kind_is_begun_anew(tmp_path: Path) -> None:
    opened(tmp_path).put(TEXTS, vectors())
    (tmp_path / "vectors" / "enc.keys").write_bytes(b"something else, longer than the head of ours" * 9)
    assert not opened(tmp_path).get(TEXTS)[1].any()
    assert opened(tmp_path).put(TEXTS, vectors()) == 50


def test_the_limit_adds_nothing_beyond(tmp_path: Path) -> None:
    cache = opened(tmp_path, most_bytes=40 * DIM * 2)
    assert cache.put(TEXTS[:40], vectors(TEXTS[:40])) == 40
    assert cache.put(TEXTS, vectors()) == 0
    assert len(cache) == 40


def test_a_build_drops_what_it_does_not_use_once_that_is_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, other = opened(tmp_path), opened(tmp_path)
    cache.put(TEXTS, vectors())
    assert other.get(TEXTS)[1].all()
    keys = [key_of(text) for text in TEXTS]
    assert cache.keep(keys[:5]) == 0
    monkeypatch.setattr(module, "LEAST_KEPT", 20)
    assert cache.keep(keys[:25]) == 0
    assert cache.keep([*keys[10:15], key_of("unknown")]) == 45
    for reader in (cache, other, opened(tmp_path)):
        found, there = reader.get(TEXTS)
        assert np.flatnonzero(there).tolist() == [10, 11, 12, 13, 14]
        np.testing.assert_allclose(found[there], vectors()[there], atol=2e-3)
    assert other.put(TEXTS, vectors()) == 45


def test_a_file_that_is_replaced_while_it_is_opened_is_none_but_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEAST_KEPT", 0)
    cache = opened(tmp_path)
    cache.put(TEXTS, vectors())
    reader, stamp = opened(tmp_path), VectorCache._stamp

    def replaced_after(self: VectorCache) -> tuple[int, int] | None:
        seen = stamp(self)
        if self is reader:
            assert cache.keep({key_of(text) for text in TEXTS[:5]}) in (45, 0)
        return seen

    monkeypatch.setattr(VectorCache, "_stamp", replaced_after)
    found, there = reader.get(TEXTS)
    assert there.tolist() == [True] * 5 + [False] * 45
    np.testing.assert_allclose(found[:5], vectors()[:5], atol=2e-3)


def test_many_keys_are_found_among_those_with_equal_beginnings() -> None:
    random = np.random.default_rng(0)
    entries = random.integers(0, 256, (20_000, 36), dtype=np.uint8)
    entries[::2, :8] = 7  # as many hashes as that never begin alike; the whole hash must decide
    keys = Keys()
    keys.extend(entries[:15_000])
    keys.extend(entries[:15_010])
    keys.extend(entries)
    for row in (0, 1, 2, 9_998, 14_999, 15_003, 19_999):
        assert keys.row(entries[row, :32].tobytes()) == row
    assert keys.row(bytes(32)) is None
    assert keys.row(bytes([7] * 32)) is None


def _put(folder: Path, first: int) -> None:
    for n in range(first, first + 40):
        opened(folder).put([f"text {n}"], vectors([f"text {n}"]))


def test_several_processes_add_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_put, args=(tmp_path, first)) for first in (0, 20, 40)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 3
    texts = [f"text {n}" for n in range(80)]
    found, there = opened(tmp_path).get(texts)
    assert there.all()
    np.testing.assert_allclose(found, vectors(texts), atol=2e-3)
    assert len(opened(tmp_path)) == 80, "each text once"


def test_models_with_one_encoder_share_and_the_last_one_takes_it_along(tmp_path: Path) -> None:
    models = tmp_path / "models"
    for key in ("one", "two"):
        with create(models, Manifest("model", key)) as draft:
            write_model(draft.folder)
            ModelLayout(draft.folder).thresholds.write_text(f'{{"note": "{key}"}}')
    key = encoder_key(ModelLayout(models / "one"))
    assert key == encoder_key(ModelLayout(models / "two"))
    VectorCache(tmp_path / "vectors", key, DIM).put(TEXTS, vectors())
    opened(tmp_path).put(TEXTS, vectors())
    assert prune_vectors(tmp_path / "vectors", models) == ["enc"]
    assert sorted(path.suffix for path in (tmp_path / "vectors").iterdir()) == [".f16", ".keys", ".lock"]
    (models / "one" / "manifest.json").unlink()
    assert prune_vectors(tmp_path / "vectors", models) == []
    (models / "two" / "manifest.json").unlink()
    assert prune_vectors(tmp_path / "vectors", models) == [key]
    assert list((tmp_path / "vectors").iterdir()) == []


def test_half_a_character_has_a_key() -> None:
    assert key_of("\ud800") != key_of("?")
