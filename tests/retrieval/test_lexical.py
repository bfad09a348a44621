import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError
from retrieval.lexical import Lexical, language_of, words_of

TEXTS = [
    "Delivery to Canada takes five to seven days.",
    "You can return a tent within 30 days.",
    "",
    "送货到加拿大需要五到七天。",
    "Tents and tent poles: we send spare poles for free.",
]


def bm25(texts: list[str], query: str) -> list[float]:
    """Lucene's BM25 from its definition, as a share of an average text's that has all words of the query once."""
    documents = [Counter(words_of(text)) for text in texts]
    lengths = [sum(document.values()) for document in documents]
    average = sum(lengths) / len(texts)

    def idf(word: str) -> float:
        df = sum(word in document for document in documents)
        return math.log(1 + (len(texts) - df + 0.5) / (df + 0.5))

    words = set(words_of(query))
    best = sum(idf(word) / (1 + 1.2) for word in words)
    scores = []
    for document, length in zip(documents, lengths, strict=True):
        norm = 1.2 * (0.25 + 0.75 * length / average)
        scores.append(sum(idf(w) * document[w] / (document[w] + norm) for w in words) / best)
    return scores


@pytest.mark.parametrize(
    "query", ["tent delivery", "how many days until Canada?", "加拿大送货", "unknown tent", "poles"]
)
def test_scores_are_those_of_an_independent_bm25(query: str) -> None:
    np.testing.assert_allclose(Lexical.build(TEXTS).scores(words_of(query)), bm25(TEXTS, query), rtol=1e-4)


def test_what_is_not_there_scores_nothing() -> None:
    index = Lexical.build(TEXTS)
    assert not index.scores(words_of("zebra xylophone")).any()
    assert not index.scores([]).any()
    assert index.known_share(words_of("zebra")) == index.known_share([]) == 0
    assert 0 < index.known_share(words_of("zebra tent")) < 1
    assert index.known_share(words_of("tent")) == 1


@pytest.mark.parametrize("texts", [[], [""], ["", "?!"]])
def test_indexes_without_words(texts: list[str], tmp_path: Path) -> None:
    Lexical.build(texts).save(tmp_path)
    assert Lexical.load(tmp_path).scores(["tent"]).tolist() == [0.0] * len(texts)


def test_a_loaded_index_scores_the_same_and_holds_no_pickles(tmp_path: Path) -> None:
    index = Lexical.build(TEXTS)
    index.save(tmp_path)
    query = words_of("tent 加拿大")
    np.testing.assert_array_equal(Lexical.load(tmp_path).scores(query), index.scores(query))
    assert {path.suffix for path in tmp_path.iterdir()} <= {".npy", ".json"}
    for path in tmp_path.glob("*.npy"):
        np.load(path, allow_pickle=False)


def test_bm25s_scores_the_same() -> None:
    import bm25s

    query = sorted(set(words_of("tent delivery 加拿大")))
    index = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    index.index([words_of(text) for text in TEXTS], show_progress=False)
    theirs, ours = index.get_scores(query), Lexical.build(TEXTS).scores(query)
    np.testing.assert_allclose(ours / ours.max(), theirs / theirs.max(), rtol=1e-5)


def test_a_wrong_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="BM25 index"):
        Lexical.load(tmp_path)


def test_words_of_both_languages() -> None:
    assert words_of("Where are my Parcels?!") == ["where", "parcel"]
    assert words_of("The batteries, boxes and GLASSES") == ["battery", "box", "glass"]
    assert {"冲锋衣", "清洗"} <= set(words_of("请问冲锋衣怎么清洗?"))
    assert words_of("what is the") != []
    assert set(words_of("订单AB12")) == {"订单", "ab12"}
    assert "机洗" in set(words_of("羽绒服能机洗吗")) & set(words_of("可以机洗"))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is it?", "en"),
        ("我的订单呢", "zh"),
        ("请问 Gore-Tex 怎么洗", "zh"),
        ("My name is 王", "en"),
        ("12?", "xx"),
    ],
)
def test_the_language_of_a_message(text: str, language: str) -> None:
    assert language_of(text, default="xx") == language


def test_some_texts_score_as_they_do_among_all() -> None:
    texts = ["red shoes", "blue shoes and red socks", "", "a tent", "red red wine"]
    words = words_of("red shoes for a picnic")
    lexical, rows = Lexical.build(texts), np.array([4, 0, 2, 1], dtype=np.int64)
    np.testing.assert_allclose(lexical.scores_at(words, rows), lexical.scores(words)[rows], atol=1e-6)
    assert not Lexical.build([""]).scores_at(words, np.array([0])).any()
    assert lexical.rarest(["red", "tent", "unheard"], 5) == ["tent", "red"]


def _zipf(random: np.random.Generator, count: int) -> list[list[str]]:
    """Texts of words of which few are frequent, as language is."""
    words = np.minimum(random.zipf(1.3, size=count * 8), 400)
    return [[f"w{word}" for word in words[i * 8 : i * 8 + random.integers(0, 9)]] for i in range(count)]


@pytest.mark.parametrize("late", [0, 400])
@pytest.mark.parametrize("share", [None, 1.0, 0.3, 0.002, 0.0])
def test_the_best_are_those_of_the_full_scores(share: float | None, late: int) -> None:
    random = np.random.default_rng(7)
    texts = _zipf(random, 3000)
    lexical = Lexical.from_words(texts[: 3000 - late])
    for words in texts[3000 - late :]:
        lexical.add(" ".join(words))
    among = None if share is None else random.random(2900) < share
    for query in _zipf(random, 60):
        full = lexical.scores(query).astype(np.float64)
        if among is not None:
            full[: len(among)][~among], full[len(among) :] = 0, 0
        for k in (1, 10, 5000):
            rows, scores = lexical.best(query, k, among=among)
            expected = np.sort(full[full > 0])[::-1][:k]
            assert len(set(rows.tolist())) == len(rows) == len(expected)
            np.testing.assert_allclose(scores, expected, rtol=1e-5)
            np.testing.assert_allclose(full[rows], scores, rtol=1e-5)


def test_added_texts_score_as_an_independent_bm25_with_the_old_frequencies() -> None:
    lexical = Lexical.build(TEXTS)
    lexical.add("Tents: spare poles and a tent.")
    ours, words = lexical.scores(["tent", "pole", "wombat"]), words_of("Tents: spare poles and a tent.")
    sizes = [len(words_of(text)) for text in TEXTS]
    norm = 1.2 * (0.25 + 0.75 * len(words) / (sum(sizes) / len(sizes)))
    idf = {word: math.log(1 + (5 - df + 0.5) / (df + 0.5)) for word, df in (("tent", 2), ("pole", 1), ("wombat", 0))}
    gained = sum(idf[word] * words.count(word) / (words.count(word) + norm) for word in ("tent", "pole"))
    assert ours[5] == pytest.approx(gained / sum(value / 2.2 for value in idf.values()), rel=1e-4)
    np.testing.assert_allclose(lexical.scores_at(["tent", "pole", "wombat"], np.array([5, 4])), ours[[5, 4]], rtol=1e-6)
    lexical.add("a wombat")
    assert lexical.best(["wombat"], 3)[0].tolist() == [6]
    assert lexical.known_share(["wombat"]) == 1
    assert lexical.known_share(["wombat"], among=np.arange(7) < 6) == 0
    assert lexical.rarest(["wombat", "tent"], 1) == ["wombat"]


def test_texts_are_searched_from_several_threads_at_once() -> None:
    from concurrent.futures import ThreadPoolExecutor

    texts = _zipf(np.random.default_rng(3), 2000)
    lexical = Lexical.from_words(texts)
    queries = [words for words in texts[:200] if words]
    expected = [lexical.best(words, 5)[0].tolist() for words in queries]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda words: lexical.best(words, 5)[0].tolist(), queries)) == expected
