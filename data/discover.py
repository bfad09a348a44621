"""Finds topics in questions nobody tagged: groups of like openings, each with keywords and a title.

Quick and without a model, as it runs before there is one: TF-IDF of words and character n-grams, reduced by SVD, and
average-linkage clusters. Keywords by class-based TF-IDF (Grootendorst 2022, section 3.3).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from data.courtesy import is_small_talk, words
from data.dedupe import PLACEHOLDER

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.floating[Any]]

MOST_COMPARED = 2500
"""Average linkage compares all pairs; a longer list is first gathered into this many small groups."""

GROWTH = 1.5
"""The tree is cut into the square root of this many times the number of texts: people want a list they can read, and
silhouettes, tried, always ask for more and smaller groups (on STAR they rise up to 150 groups, where 24 are right)."""

SMALLEST_SHARE = 0.004
DIMENSIONS = 50
NEAR = 0.35
"""A question outside every cluster joins the nearest one from this cosine similarity on."""

_WORD = re.compile(r"[a-z\u00c0-\u024f][a-z\u00c0-\u024f'’\-]+|[\u4e00-\u9fff]+")
_STOP = words(
    """dear team guys anybody customer quick bother thing things a about after again all also am an and any are as at
    be because been before being but by can cannot can't could did didn't do does doesn't doing don't down for
    from get gets getting go going got had has have having he hello help her here hey hi him his how i i'd
    i'll i'm i've if in into is isn't it it's its just know let like looking make me more most my need needs
    no not now of off on one only or other our out over please possible question really she so some something
    still such sure tell than thank thanks that that's the their them then there these they thing this those
    through to today too trying up us use very want wanted was wasn't we were what what's when where which
    while who why will with won't would yes you your yours anyone someone does may should give
    打扰 老板 小姐姐 家买 第一次 问个问题 尽快 回复 的 了 吗 呢 是 在 我 你 您 他 她 们 我们
    你们 有 没 没有 不 和 与 就 都 也 还 要 想 会 能 可以 怎么 什么 哪 哪里 多少 几 一下 请问
    这 那 个 这个 那个 这里 一个 被 把 给 到 去 来 说 问 吧 啊 呀 哦 哈 亲 谢谢 你好 您好 请
    帮 帮忙 麻烦 咨询 问题 需要 如果 但是 因为 还是 还有 已经 现在 时候 之前 之后 为什么 如何
    是不是 有没有 能不能 可不可以 怎样 怎么样 怎么办 一般 大概 大约 今天 昨天 买 想问 客服"""
)


@dataclass(frozen=True)
class Cluster:
    """A group of like questions.

    Attributes:
        members: Positions in the list that was grouped.
        keywords: What sets it apart, strongest first.
        title: A short question from its middle, or the keywords.
    """

    members: tuple[int, ...]
    keywords: tuple[str, ...]
    title: str


def discover(texts: Sequence[str], language: str) -> list[Cluster]:
    """Groups questions by what they ask.

    Args:
        texts: Openings of one language, redacted.
        language: ``zh`` is cut into words by jieba.

    Returns:
        Clusters, the largest first; texts far from all of them, or without a word that says anything, are in none.
        One cluster of everything when there are too few texts to tell groups apart.
    """
    tokens = tokenise_zh if language == "zh" else tokenise
    telling = [i for i, text in enumerate(texts) if tokens(text)]
    smallest = max(4, int(len(telling) * SMALLEST_SHARE))
    if not telling:
        return []
    if len(telling) < 4 * smallest:
        return [Cluster(tuple(telling), *_words_of(telling, texts, language))]
    vectors = embed([texts[i] for i in telling], language)
    groups = _cluster(vectors, smallest)
    placed = [[telling[i] for i in group] for group in groups]
    keywords = _keywords(placed, texts, language)
    titles = [_title([texts[i] for i in ids], vectors[group]) for ids, group in zip(placed, groups, strict=True)]
    return [
        Cluster(tuple(ids), found, title or ", ".join(found[:3]))
        for ids, found, title in zip(placed, keywords, titles, strict=True)
    ]


def _words_of(group: Sequence[int], texts: Sequence[str], language: str) -> tuple[tuple[str, ...], str]:
    found = _keywords([group], texts, language)[0]
    return found, ", ".join(found[:3])


def embed(texts: Sequence[str], language: str) -> Matrix:
    """TF-IDF of words and characters, reduced; rows of length 1, shape (texts, at most ``DIMENSIONS``)."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.preprocessing import normalize

    features = vectorizer(language).fit_transform(texts)
    size = min(DIMENSIONS, min(features.shape) - 1)
    if size < 2:
        small: Matrix = normalize(features.toarray())
        return small
    reduced: Matrix = normalize(TruncatedSVD(size, random_state=0).fit_transform(features))
    return reduced


def vectorizer(language: str) -> Any:
    """Words beside the characters of what is left without stop words, so that typos and compounds share features."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion

    tokens: Callable[[str], list[str]] = tokenise_zh if language == "zh" else tokenise
    lengths = (1, 3) if language == "zh" else (3, 5)
    words_of = TfidfVectorizer(tokenizer=tokens, token_pattern=None, lowercase=False, sublinear_tf=True)
    characters_of = TfidfVectorizer(
        analyzer="char_wb", ngram_range=lengths, preprocessor=lambda text: " ".join(tokens(text)), sublinear_tf=True
    )
    return FeatureUnion([("words", words_of), ("characters", characters_of)])


def tokenise(text: str) -> list[str]:
    """Words that may carry a topic: lower case, without stop words and placeholders."""
    bare = PLACEHOLDER.sub(" ", text).lower().replace("’", "'")
    return [word for word in _WORD.findall(bare) if word not in _STOP]


def tokenise_zh(text: str) -> list[str]:
    """See `tokenise`; cut by jieba."""
    cut = _jieba().lcut(PLACEHOLDER.sub(" ", text).lower())
    return [word for word in cut if word not in _STOP and _WORD.fullmatch(word)]


@lru_cache(maxsize=1)
def _jieba() -> Any:
    import logging

    import jieba

    jieba.setLogLevel(logging.ERROR)
    jieba.initialize()
    return jieba


def _cluster(vectors: Matrix, smallest: int) -> list[list[int]]:
    """Positions grouped, the largest group first."""
    import numpy as np
    from scipy.cluster.hierarchy import fcluster, linkage

    atoms = _atoms(vectors)  # (texts,) number of the small group of each text
    count = int(atoms.max()) + 1
    centres = np.zeros((count, vectors.shape[1]))
    np.add.at(centres, atoms, vectors)  # (atoms, dim)
    centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
    tree = linkage(centres, method="average", metric="cosine")
    labels = (fcluster(tree, math.isqrt(int(GROWTH * len(vectors))), criterion="maxclust") - 1)[atoms]
    groups = [np.flatnonzero(labels == label).tolist() for label in range(int(labels.max()) + 1)]
    kept = [group for group in groups if len(group) >= smallest] or [max(groups, key=len)]
    return sorted(_adopt(vectors, kept), key=lambda group: (-len(group), group[0]))


def _atoms(vectors: Matrix) -> NDArray[np.int64]:
    import numpy as np

    if len(vectors) <= MOST_COMPARED:
        return np.arange(len(vectors))
    from sklearn.cluster import MiniBatchKMeans

    means = MiniBatchKMeans(MOST_COMPARED // 4, random_state=0, n_init=1, batch_size=2048, max_iter=20)
    labels: NDArray[np.int64] = np.unique(means.fit_predict(vectors), return_inverse=True)[1]
    return labels


def _adopt(vectors: Matrix, groups: list[list[int]]) -> list[list[int]]:
    """Gives texts outside every group to the nearest one, if it is near."""
    import numpy as np

    centres = np.stack([vectors[group].mean(axis=0) for group in groups])
    centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
    outside = np.setdiff1d(np.arange(len(vectors)), np.concatenate([np.array(g) for g in groups]))
    grown = [list(group) for group in groups]
    if len(outside):
        likeness = vectors[outside] @ centres.T  # (outside, groups)
        for position, row in zip(outside.tolist(), likeness, strict=True):
            if row.max() >= NEAR:
                grown[int(row.argmax())].append(position)
    return grown


def _keywords(groups: Sequence[Sequence[int]], texts: Sequence[str], language: str) -> list[tuple[str, ...]]:
    """Five words a group: frequent in it, rare in the others."""
    tokens = tokenise_zh if language == "zh" else tokenise
    counts = [Counter(word for i in group for word in set(tokens(texts[i]))) for group in groups]
    total: Counter[str] = sum(counts, Counter())
    mean = sum(total.values()) / max(1, len(groups))
    ranked = []
    for group, count in zip(groups, counts, strict=True):
        weight = {word: n / len(group) * math.log(1 + mean / total[word]) for word, n in count.items()}
        ranked.append(tuple(sorted(weight, key=lambda word, w=weight: (-w[word], word))[:5]))  # type: ignore[misc]
    return ranked


def keywords_of(texts: Mapping[str, Sequence[str]], languages: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Keywords of topics that are known already.

    Args:
        texts: Topic to its questions.
        languages: Topic to the language of most of them; keywords are set against topics of the same language.
    """
    found: dict[str, tuple[str, ...]] = {}
    for language in sorted(set(languages.values())):
        names = [name for name in texts if languages[name] == language]
        pooled = [text for name in names for text in texts[name]]
        groups, start = [], 0
        for name in names:
            groups.append(range(start, start + len(texts[name])))
            start += len(texts[name])
        found |= dict(zip(names, _keywords(groups, pooled, language), strict=True))
    return found


def _title(texts: Sequence[str], vectors: Matrix) -> str:
    """The first of the most central questions that is short enough to be read at a glance; empty when none is."""
    likeness = vectors @ vectors.mean(axis=0)  # (texts,)
    central = [texts[i] for i in likeness.argsort()[::-1][: max(3, len(texts) // 5)]]
    return next((t for t in central if len(t) <= 60 and not PLACEHOLDER.search(t) and not is_small_talk(t)), "")
