"""Large datasets are sampled: counts stay exact, and memory does not grow."""

import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from data.artifacts import DatasetLayout, Manifest, create
from data.records import write_rows
from data.schema import Answer, Example, Split
from finetune.examples import Reservoir, TrainingData
from finetune.testing import little_shop, write_dataset

_ANSWERS = [Answer(f"a{i}", f"answer number {i}", "en", support=1) for i in range(50)]


def _examples(rows: int) -> Iterator[Example]:
    splits: tuple[Split, ...] = ("train", "train", "valid", "test")
    for i in range(rows):
        answer = f"a{i * i % 50}"
        yield Example(f"c{i}", 1, f"question {i} " + "x" * 100, answer, splits[i % 4], "en", time=float(i))


def _dataset(parent: Path, rows: int) -> DatasetLayout:
    with create(parent, Manifest("dataset", f"rows{rows}")) as draft:
        layout = DatasetLayout(draft.folder)
        write_rows(layout.examples, _examples(rows))
        write_rows(layout.intents, ())
        write_rows(layout.answers, _ANSWERS)
    return DatasetLayout(parent / f"rows{rows}")


def test_memory_stays_flat_when_the_dataset_grows(tmp_path: Path) -> None:
    peaks = []
    for rows in (2_000, 16_000):
        layout = _dataset(tmp_path, rows)
        tracemalloc.start()
        data = TrainingData.load(layout, most=100)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(data.examples) == 300
        assert data.used()["train"] == {"rows": rows // 2, "used": 100}
    assert peaks[1] < 1.2 * peaks[0]


def test_counts_are_those_of_the_whole_dataset(tmp_path: Path) -> None:
    data = TrainingData.load(_dataset(tmp_path, 2_000), most=100)
    exact = Counter(e.answer for e in _examples(2_000) if e.split == "train")
    assert dict(data.support) == dict(exact)
    assert list(data.support.values()) == sorted(exact.values(), reverse=True)


def test_a_small_dataset_is_held_whole_and_in_order(tmp_path: Path) -> None:
    shop = little_shop()
    data = TrainingData.load(write_dataset(tmp_path, shop))
    assert data.of("train") == shop.of("train")
    assert data.of("test") == shop.of("test")
    assert data.intents == shop.intents
    assert data.support == shop.support


def test_the_sample_is_even_and_follows_its_seed() -> None:
    def drawn(seed: int) -> list[int]:
        reservoir: Reservoir[int] = Reservoir(200, seed=seed)
        for i in range(2_000):
            reservoir.add(i)
        return reservoir.rows()

    assert drawn(1) == drawn(1) == sorted(drawn(1))
    assert drawn(1) != drawn(2)
    assert 60 < sum(i < 1_000 for i in drawn(1)) < 140
