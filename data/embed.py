"""Texts to vectors for grouping: an encoder that the caller passes in, or TF-IDF where there is none.

`data` knows no model. ``careline`` hands the encoder of the live model, or the base one, to the commands that profit
from it; everything here works without, only less well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from data.courtesy import words
from data.dedupe import PLACEHOLDER

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.floating[Any]]
    Embed = Callable[[Sequence[str]], NDArray[np.float32]]
    """Texts to rows of length 1, shape (texts, dim)."""

DIMENSIONS = 50
"""Of reduced TF-IDF."""

FITTED = 10_000
"""Texts from which the features of TF-IDF are chosen, at most."""

LEAST_DISTINCT = 0.9
"""Share of different texts that an encoder must tell apart. An English one maps most Chinese characters to one unknown
token, so that texts of equal length have one vector; it is then of no use for that language."""

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


def embed_texts(texts: Sequence[str], language: str, embed: Embed | None) -> tuple[Matrix, bool]:
    """Vectors of an encoder, or of TF-IDF.

    Args:
        texts: Of one language.
        language: ``zh`` is cut into words by jieba.
        embed: The encoder, or None.

    Returns:
        (texts, dim) rows of length 1, and whether they are the encoder's: false without one, or where it cannot tell
        these texts apart (see ``LEAST_DISTINCT``).
    """
    import numpy as np

    if embed is not None and texts:
        vectors = np.asarray(embed(texts), dtype=np.float32)
        distinct = len(np.unique(np.round(vectors, 3), axis=0))
        if distinct >= LEAST_DISTINCT * len(set(texts)):
            return vectors, True
    return embed_words(texts, language), False


def embed_words(texts: Sequence[str], language: str) -> Matrix:
    """TF-IDF of words and characters, reduced; rows of length 1, shape (texts, at most ``DIMENSIONS``).

    Features are chosen on at most ``FITTED`` texts, and the others turned into vectors in pieces of that size, so that
    memory stays at about 300 MB however many there are.
    """
    import numpy as np
    from sklearn.decomposition import TruncatedSVD
    from sklearn.preprocessing import normalize

    features = vectorizer(language)
    fitted = texts
    if len(texts) > FITTED:
        chosen = np.random.default_rng(0).choice(len(texts), FITTED, replace=False)
        fitted = [texts[i] for i in np.sort(chosen)]
    matrix = features.fit_transform(fitted)
    size = min(DIMENSIONS, min(matrix.shape) - 1)
    if size < 2:
        small: Matrix = normalize(features.transform(texts).toarray())
        return small
    reducer = TruncatedSVD(size, random_state=0)
    first = reducer.fit_transform(matrix)
    if fitted is texts:
        whole: Matrix = normalize(first)
        return whole
    pieces = (texts[start : start + FITTED] for start in range(0, len(texts), FITTED))
    return np.vstack([normalize(reducer.transform(features.transform(piece))) for piece in pieces])


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
