"""Proposals out of a dataset: clusters of untagged openings, with examples, the typical answer, and what is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from data.artifacts import DatasetLayout
from data.discover import Cluster, discover
from data.embed import embed_texts
from data.label import FEWEST, fresh_name, openings_of, slug
from data.novelty import NEW, older_shares
from data.proposals import Proposal, proposal_id
from data.records import read_rows
from data.schema import Answer, Conversation, Example

if TYPE_CHECKING:
    from data.embed import Embed

EXAMPLES = 5
LONGEST_SHOWN = 200
"""Characters of an example or an answer that are shown."""


def propose(
    conversations: Sequence[Conversation],
    answers: Mapping[str, str],
    *,
    embed: Embed | None = None,
    since: float | None = None,
    tagged: bool = False,
) -> tuple[list[Proposal], dict[str, str]]:
    """Proposes topics.

    Args:
        conversations: Redacted.
        answers: Conversation id to the answer that its opening got, where it can be said again.
        embed: An encoder; TF-IDF without one.
        since: Unix seconds; topics that older conversations lack are marked and come first.
        tagged: Whether conversations that the help desk tagged are grouped too.

    Returns:
        Proposals, new ones and then large ones first, and conversation id to proposal id.
    """
    chosen = [c for c in conversations if tagged or not c.topic]
    openings = openings_of(chosen)
    late = {c.id for c in chosen if since is not None and c.started is not None and c.started >= since}
    found: list[Proposal] = []
    members: dict[str, str] = {}
    names: set[str] = set()
    for language in sorted({c.language or "en" for c in chosen}):
        ids = [c.id for c in chosen if (c.language or "en") == language and c.id in openings]
        for cluster, inside, new in _clusters(ids, openings, language, late, embed):
            proposal = _describe(cluster, inside, openings, answers, language, names)
            found.append(replace(proposal, new=new))
            members |= dict.fromkeys(inside, proposal.id)
    return sorted(found, key=lambda p: (not p.new, -p.size, p.name)), members


def _clusters(
    ids: Sequence[str], openings: Mapping[str, str], language: str, late: set[str], embed: Embed | None
) -> list[tuple[Cluster, list[str], bool]]:
    """Clusters with their conversations: first of what older data lack, then of all the rest."""
    novel = _novel(ids, openings, language, late, embed)
    found: list[tuple[Cluster, list[str], bool]] = []
    for new in (True, False):
        placed = {i for _, inside, _ in found for i in inside}
        part = [i for i in ids if (i in novel if new else i not in placed)]
        for cluster in discover([openings[i] for i in part], language, embed=embed):
            if len(cluster.members) >= FEWEST:
                found.append((cluster, [part[position] for position in cluster.members], new))
    return found


def _novel(
    ids: Sequence[str], openings: Mapping[str, str], language: str, late: set[str], embed: Embed | None
) -> set[str]:
    recent = [i in late for i in ids]
    if not any(recent) or all(recent):
        return set()
    vectors, _ = embed_texts([openings[i] for i in ids], language, embed)
    return {i for i, share in zip(ids, older_shares(vectors, recent), strict=True) if share < NEW}


def _describe(
    cluster: Cluster,
    inside: Sequence[str],
    openings: Mapping[str, str],
    answers: Mapping[str, str],
    language: str,
    names: set[str],
) -> Proposal:
    texts = list(dict.fromkeys(openings[i] for i in inside))
    spread = [texts[i * len(texts) // EXAMPLES] for i in range(EXAMPLES)]
    said = Counter(answers[i] for i in inside if i in answers).most_common(1)
    return Proposal(
        proposal_id(inside),
        fresh_name(slug("_".join(cluster.keywords[:2])) or "topic", names),
        cluster.title,
        size=len(inside),
        stability=round(cluster.stability, 2),
        language=language,
        keywords=cluster.keywords,
        examples=tuple(text[:LONGEST_SHOWN] for text in dict.fromkeys(spread)),
        typical_answer=said[0][0][:LONGEST_SHOWN] if said else "",
    )


def first_answers(layout: DatasetLayout) -> dict[str, str]:
    """Conversation id to the first answer in it that can be said again."""
    texts = {a.id: a.text for a in read_rows(layout.answers, Answer) if a.reusable}
    found: dict[str, str] = {}
    for example in read_rows(layout.examples, Example):
        if example.answer in texts:
            found.setdefault(example.conversation, texts[example.answer])
    return found
