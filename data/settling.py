"""Ends quarrels between examples of topics that a log taught and those of the domain's own intents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from data.schema import IntentExample

SAME, CLOSE = 0.8, 0.62
"""Cosine of character n-grams from which a topic's example is an example of the domain's own intent, and from which it
is too close to one to teach anything else."""

COMPARED = 500
"""Rows that are compared with the domain's examples at once."""

OUT_OF_SCOPE = "out_of_scope"


def settle(
    examples: Sequence[IntentExample], static: Sequence[IntentExample], counts: Counter[str], settled: dict[str, str]
) -> tuple[list[IntentExample], list[IntentExample]]:
    """Ends quarrels between topics and the domain's intents.

    What is nearly an example of an intent becomes one; what is close to one is dropped. Towards ``out_of_scope`` it is
    the other way round: what this shop's customers ask is in scope.

    Args:
        examples: Of the topics, and of the domain's intents.
        static: The domain's own.
        counts: Added to.
        settled: See `Topics`; what it holds already is not compared again, and the rest is added.

    Returns:
        The examples, and those of the domain that remain.
    """
    topical = [e for e in examples if e.kind == "topic"]
    rivals = [e for e in static if e.intent != OUT_OF_SCOPE]
    if not topical or not rivals:
        return list(examples), list(static)
    fresh = [e for e in topical if e.text not in settled]
    outside = [e for e in static if e.intent == OUT_OF_SCOPE and _outside(e) not in settled]
    if fresh:
        for e, (likeness, nearest) in zip(fresh, _nearest(fresh, rivals), strict=True):
            settled[e.text] = rivals[nearest].intent if likeness >= SAME else "" if likeness >= CLOSE else e.intent
        if outside:
            near = _nearest(outside, fresh)
            settled |= {_outside(e): "" for e, (likeness, _) in zip(outside, near, strict=True) if likeness >= CLOSE}
    kept = [e for e in examples if e.kind == "static"]
    own = {e.intent for e in rivals}
    for e in topical:
        becomes = settled[e.text]
        if becomes in own:
            kept.append(replace(e, intent=becomes, kind="static"))
        elif becomes:
            kept.append(e)
        counts["moved_to_intents"] += becomes in own
        counts["dropped_as_close"] += not becomes
    in_scope = {e.text for e in static if e.intent == OUT_OF_SCOPE and _outside(e) in settled}
    counts["in_scope_here"] = len(in_scope)
    return kept, [e for e in static if e.intent != OUT_OF_SCOPE or e.text not in in_scope]


def _outside(example: IntentExample) -> str:
    """The key of an out-of-scope example in what is settled; a topic's may have the same text."""
    return f"{OUT_OF_SCOPE}\n{example.text}"


def _nearest(queries: Sequence[IntentExample], others: Sequence[IntentExample]) -> list[tuple[float, int]]:
    """Cosine of character n-grams to the nearest other text, and its position; in pieces, as products are dense."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    features = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True)
    matrix = features.fit_transform([e.text.lower() for e in (*others, *queries)])
    columns = matrix[: len(others)].T.tocsc()  # (n-grams, others)
    found: list[tuple[float, int]] = []
    for start in range(len(others), matrix.shape[0], COMPARED):
        likeness = (matrix[start : start + COMPARED] @ columns).toarray()  # (piece, others)
        found += zip(likeness.max(axis=1).tolist(), likeness.argmax(axis=1).tolist(), strict=True)
    return found
