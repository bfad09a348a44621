"""Finds topics in questions nobody tagged: groups of like openings, each with keywords and a title.

With an encoder, `data.cluster` groups its vectors. Without one, as before the first model: TF-IDF of words and
character n-grams, reduced by SVD, and average-linkage clusters. Keywords by class-based TF-IDF (Grootendorst 2022,
section 3.3).
The tree is made of a sample and everything else joins the nearest centre, so that time and memory stay bounded.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data.cluster import SAMPLE, group_vectors, nearest
from data.courtesy import is_small_talk
from data.dedupe import PLACEHOLDER
from data.embed import embed_texts, tokenise, tokenise_zh

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from data.embed import Embed, Matrix

MOST_COMPARED = 2500
"""Average linkage compares all pairs; a longer list is first gathered into this many small groups."""

GROWTH = 1.5
"""The tree is cut into the square root of this many times the number of texts: people want a list they can read, and
silhouettes, tried, always ask for more and smaller groups (on STAR they rise up to 150 groups, where 24 are right)."""

SMALLEST_SHARE = 0.004
MOST_SHARED = 2500
"""Texts beyond which the least size of a cluster grows no further (10 texts)."""

FAR = 2.5
"""Standard deviations below the mean likeness to the own centre from which a text belongs to no cluster."""

NAMED = 2000
"""Texts of a cluster that name it, at most."""

PHRASE = 0.6
"""Share of a word's texts that a phrase must hold to take its place."""

NEAR = 0.35
"""A question outside every cluster joins the nearest one from this cosine similarity on."""


@dataclass(frozen=True)
class Cluster:
    """A group of like questions.

    Attributes:
        members: Positions in the list that was grouped.
        keywords: What sets it apart, strongest first.
        title: A short question from its middle, or the keywords.
        stability: 0..1: how well it is found again in half of the texts; below .5 look twice.
    """

    members: tuple[int, ...]
    keywords: tuple[str, ...]
    title: str
    stability: float = 1.0


def discover(texts: Sequence[str], language: str, *, embed: Embed | None = None) -> list[Cluster]:
    """Groups questions by what they ask.

    Args:
        texts: Openings of one language, redacted.
        language: ``zh`` is cut into words by jieba.
        embed: An encoder; without one, or where it cannot read the language, TF-IDF.

    Returns:
        Clusters, the largest first; texts far from all of them, or without a word that says anything, are in none.
        One cluster of everything when there are too few texts to tell groups apart.
    """
    tokens = tokenise_zh if language == "zh" else tokenise
    telling = [i for i, text in enumerate(texts) if tokens(text)]
    smallest = max(4, int(min(len(telling), MOST_SHARED) * SMALLEST_SHARE))
    if not telling:
        return []
    if len(telling) < 4 * smallest:
        return [Cluster(tuple(telling), *_words_of(telling, texts, language))]
    vectors, dense = embed_texts([texts[i] for i in telling], language, embed)
    groups, stability = _dense(vectors, smallest) if dense else _sparse(vectors, smallest)
    placed = [[telling[i] for i in group] for group in groups]
    keywords = _keywords(placed, texts, language)
    titles = [_title([texts[i] for i in ids], vectors[group]) for ids, group in zip(placed, groups, strict=True)]
    return [
        Cluster(tuple(ids), found, title or ", ".join(found[:3]), steady)
        for ids, found, title, steady in zip(placed, keywords, titles, stability, strict=True)
    ]


def _dense(vectors: Matrix, smallest: int) -> tuple[list[list[int]], list[float]]:
    """Groups of an encoder's vectors, the largest first, without what lies far from its centre; their stability."""
    import numpy as np

    found = group_vectors(vectors, smallest=smallest)
    near = found.likeness >= found.likeness.mean() - FAR * found.likeness.std()
    groups = [np.flatnonzero((found.labels == label) & near).tolist() for label in range(len(found.centres))]
    order = sorted((i for i, group in enumerate(groups) if group), key=lambda i: (-len(groups[i]), groups[i][0]))
    return [groups[i] for i in order], [float(found.stability[i]) for i in order]


def _sparse(vectors: Matrix, smallest: int) -> tuple[list[list[int]], list[float]]:
    """Groups of TF-IDF vectors, the largest first, and how well each is found again in half of them."""
    import numpy as np

    if len(vectors) <= SAMPLE:
        groups = _cluster(vectors, smallest)
    else:
        chosen = np.sort(np.random.default_rng(0).choice(len(vectors), SAMPLE, replace=False))
        found = _cluster(vectors[chosen], smallest)
        groups = _adopt(vectors, [chosen[group].tolist() for group in found])
        groups = sorted(groups, key=lambda group: (-len(group), group[0]))
    return groups, _found_again(vectors, groups, smallest)


def _found_again(vectors: Matrix, groups: list[list[int]], smallest: int) -> list[float]:
    """Best overlap (Jaccard) of each group with one that is found in a half, averaged over both halves."""
    import numpy as np

    order = np.random.default_rng(0).permutation(len(vectors))[:SAMPLE]
    best = np.zeros(len(groups))
    for half in (np.sort(order[::2]), np.sort(order[1::2])):
        again = [set(half[group].tolist()) for group in _cluster(vectors[half], max(2, smallest // 2))]
        inside = set(half.tolist())
        for number, group in enumerate(groups):
            here = inside.intersection(group)
            best[number] += max((len(here & other) / max(1, len(here | other)) for other in again), default=0.0) / 2
    return [float(share) for share in best]


def _words_of(group: Sequence[int], texts: Sequence[str], language: str) -> tuple[tuple[str, ...], str]:
    found = _keywords([group], texts, language)[0]
    return found, ", ".join(found[:3])


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
        labels, likeness = nearest(vectors[outside], centres)
        for position, label, cosine in zip(outside.tolist(), labels.tolist(), likeness.tolist(), strict=True):
            if cosine >= NEAR:
                grown[label].append(position)
    return grown


def _keywords(groups: Sequence[Sequence[int]], texts: Sequence[str], language: str) -> list[tuple[str, ...]]:
    """Five words or phrases a group: frequent in it, rare in the others.

    A phrase takes the place of its words where it stands in most of the texts that have them ("exchange rate").
    """
    counts = [Counter(phrase for i in group[:NAMED] for phrase in _phrases(texts[i], language)) for group in groups]
    total: Counter[str] = sum(counts, Counter())
    mean = sum(total.values()) / max(1, len(groups))
    ranked = []
    for group, count in zip(groups, counts, strict=True):
        weight = {word: n / len(group) * math.log(1 + mean / total[word]) for word, n in count.items()}
        best = sorted(weight, key=lambda word, w=weight: (-w[word], word))[:30]  # type: ignore[misc]
        ranked.append(_without_parts(best, count)[:5])
    return ranked


def _phrases(text: str, language: str) -> set[str]:
    """Words, and pairs and triples of words that follow each other once stop words are out."""
    found = (tokenise_zh if language == "zh" else tokenise)(text)
    glue = "" if language == "zh" else " "
    return {glue.join(found[i : i + size]) for size in (1, 2, 3) for i in range(len(found) - size + 1)}


def _without_parts(best: Sequence[str], count: Counter[str]) -> tuple[str, ...]:
    """Drops words whose phrase is nearly as frequent, and phrases that add too little to a word before them."""
    kept: list[str] = []
    for phrase in best:
        longer = [other for other in best if other != phrase and phrase in other]
        if any(count[other] >= PHRASE * count[phrase] for other in longer):
            continue
        if any(part != phrase and part in phrase for part in kept):
            continue
        kept.append(phrase)
    return tuple(kept)


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
