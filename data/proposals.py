"""Proposed topics as a YAML file that a person edits: accept, rename, merge, reject.

Beside the file lie its members (which conversation belongs to which proposal), as lines of JSON: a topic has thousands
of them, and nobody edits those. Run again, a proposal that is mostly an earlier one keeps what was decided about it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from io import StringIO
from pathlib import Path
from typing import Any

from data.artifacts import write_atomic
from data.errors import InputError

VERSION = 1
DECISIONS = ("undecided", "accept", "merge", "reject")
SAME = 0.5
"""Jaccard overlap of members from which a proposal is an earlier one again."""

_NAME = re.compile(r"[a-z0-9\u00c0-\u024f\u4e00-\u9fff]+(?:_[a-z0-9\u00c0-\u024f\u4e00-\u9fff]+)*")
_HEADER = """\
Proposed topics. Change only `name`, `decision` and `into`, then build the dataset again (`careline learn LOG`).
  decision: accept     its conversations get the topic `name` (rename it as you like)
            merge      they get the topic named in `into`, which another proposal has or a new name
            reject     they get no topic
            undecided  as if it were not here
Run `careline data discover` again whenever you like: what you decided stays.
"""


@dataclass(frozen=True)
class Proposal:
    """One proposed topic.

    Attributes:
        id: Stable while the file lives.
        name: Of the topic: lower case, digits, underscores.
        title: A question from its middle.
        decision: One of ``DECISIONS``.
        into: With ``merge``: the topic to join.
        size: Number of conversations.
        stability: 0..1, see `data.cluster.Grouping`.
        new: Whether older data lacks it.
        language: Of its questions.
        keywords: Words and phrases that set it apart.
        examples: Redacted questions.
        typical_answer: What agents say most often, redacted; empty when there is none.
    """

    id: str
    name: str
    title: str
    decision: str = "undecided"
    into: str = ""
    size: int = 0
    stability: float = 1.0
    new: bool = False
    language: str = "en"
    keywords: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    typical_answer: str = ""


Members = Mapping[str, str]
"""Conversation id to proposal id."""


def proposal_id(conversations: Iterable[str]) -> str:
    """A short name that follows from the members."""
    digest = hashlib.sha256("\0".join(sorted(conversations)).encode()).hexdigest()
    return f"t{digest[:8]}"


def members_file(path: Path) -> Path:
    """Where the members of a proposals file lie."""
    return path.with_suffix(".members.jsonl")


def write_proposals(path: Path, proposals: Sequence[Proposal], members: Members) -> None:
    """Writes the file and its members, members first: a reader never sees a proposal without them."""
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

    lines = (json.dumps({"conversation": c, "proposal": p}, ensure_ascii=False) for c, p in sorted(members.items()))
    write_atomic(members_file(path), "".join(f"{line}\n" for line in lines))
    content = CommentedMap(version=VERSION, topics=[_plain(proposal) for proposal in proposals])
    content.yaml_set_start_comment(_HEADER)
    yaml = YAML()
    yaml.width = 120
    yaml.allow_unicode = True
    text = StringIO()
    yaml.dump(content, text)
    write_atomic(path, text.getvalue())


def _plain(proposal: Proposal) -> dict[str, Any]:
    row = {f.name: getattr(proposal, f.name) for f in fields(Proposal)}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in row.items()}


def read_proposals(path: Path) -> tuple[list[Proposal], dict[str, str]]:
    """Reads what ``write_proposals`` wrote and a person edited.

    Returns:
        The proposals in the order of the file, and conversation id to proposal id.

    Raises:
        InputError: Not such a file, a decision that does not exist, a name that cannot be one, a merge into nothing.
    """
    content = _parse(path)
    topics = content.get("topics")
    if content.get("version") != VERSION or not isinstance(topics, list):
        raise _refusal(str(path), "another format", f"version: {VERSION} and a list of topics")
    proposals = [_proposal(f"{path} topic {number}", row) for number, row in enumerate(topics, start=1)]
    ids = [proposal.id for proposal in proposals]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        raise _refusal(str(path), f"the id {twice[0]} twice", "each id once")
    _check_merges(path, proposals)
    return proposals, _read_members(members_file(path))


def _parse(path: Path) -> dict[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            str(path), got="no such file", expected="proposed topics", next_step="Run `careline data discover` first."
        ) from error
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path} line {mark.line + 1}" if mark else str(path)
        raise _refusal(where, "broken YAML", "the file as it was written, with your changes") from error
    except (UnicodeDecodeError, OSError) as error:
        raise _refusal(str(path), type(error).__name__, "a YAML file in UTF-8") from error
    if not isinstance(content, dict):
        raise _refusal(str(path), "no mapping", f"version: {VERSION} and a list of topics")
    return content


def _proposal(name: str, row: Any) -> Proposal:
    known = {f.name for f in fields(Proposal)}
    if not isinstance(row, dict) or not {"id", "name"} <= set(row):
        raise _refusal(name, "no id or no name", "both, as they were written")
    if unknown := sorted(str(key) for key in set(row) - known):
        raise _refusal(name, f"unknown key {unknown[0]!r}", f"one of {', '.join(sorted(known))}")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    values.setdefault("title", str(row["name"]))
    proposal = Proposal(**values)
    if proposal.decision not in DECISIONS:
        raise _refusal(f"{name} decision", repr(proposal.decision), " or ".join(DECISIONS))
    if proposal.decision == "merge" and not proposal.into:
        raise _refusal(f"{name} into", "nothing", "the name of the topic to join")
    for key in ("name", "into"):
        value = getattr(proposal, key)
        if (key == "name" or value) and not (isinstance(value, str) and _NAME.fullmatch(value)):
            raise _refusal(f"{name} {key}", repr(value), "lower case letters, digits and single underscores")
    return proposal


def _check_merges(path: Path, proposals: Sequence[Proposal]) -> None:
    """A merge must end at a topic: not at a rejected one, and not in a circle."""
    for proposal in proposals:
        _, wrong = _resolve(proposal, proposals)
        if wrong:
            raise _refusal(f"{path} topic {proposal.name}", wrong, "a merge into an accepted topic or a new name")


def _resolve(proposal: Proposal, proposals: Sequence[Proposal]) -> tuple[str, str]:
    """The topic that a proposal's conversations get, and what is wrong with its merges; both empty for none."""
    seen, at = set[str](), proposal
    while at.decision == "merge":
        if at.id in seen:
            return "", "a circle of merges"
        seen.add(at.id)
        named = {p.decision: p for p in proposals if p.name == at.into}
        if "accept" in named or not {"merge", "reject"} & set(named):
            return at.into, ""
        if "merge" not in named:
            return "", f"a merge into the rejected {at.into}"
        at = named["merge"]
    return (at.name if at.decision == "accept" else ""), ""


def _read_members(path: Path) -> dict[str, str]:
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return {row["conversation"]: row["proposal"] for row in rows}
    except FileNotFoundError as error:
        raise _refusal(str(path), "no such file", "the members that were written beside the proposals") from error
    except (ValueError, KeyError, TypeError) as error:
        raise _refusal(str(path), "unreadable lines", "the members as they were written") from error


def _refusal(thing: str, got: str, expected: str) -> InputError:
    return InputError(
        thing, got=got, expected=expected, next_step="Mend the file, or remove it and run `careline data discover`."
    )


def accepted_labels(path: Path) -> dict[str, str]:
    """What a person decided: conversation id to topic; empty where there is no file.

    Raises:
        InputError: See ``read_proposals``.
    """
    if not path.is_file():
        return {}
    proposals, members = read_proposals(path)
    topics = {proposal.id: topic for proposal in proposals if (topic := _resolve(proposal, proposals)[0])}
    return {conversation: topics[p] for conversation, p in members.items() if p in topics}


def keep_decisions(
    proposals: Sequence[Proposal],
    members: Members,
    earlier: Sequence[Proposal],
    earlier_members: Members,
) -> tuple[list[Proposal], dict[str, str]]:
    """Carries a person's decisions over to a fresh list.

    A fresh proposal that is mostly an earlier one takes its id, name and decision. An earlier one that was decided and
    is not found again stays with its members, which no fresh one then claims.

    Returns:
        Decided and fresh proposals, and the members of both.
    """
    now, before = _sets(members), _sets(earlier_members)
    decided = [p for p in earlier if p.decision != "undecided"]
    merged, taken = dict(members), set[str]()
    kept: list[Proposal] = []
    for proposal in proposals:
        again = _same(now.get(proposal.id, set()), [p for p in decided if p.id not in taken], before)
        if again is None:
            kept.append(proposal)
            continue
        taken.add(again.id)
        kept.append(replace(proposal, id=again.id, name=again.name, decision=again.decision, into=again.into))
        merged |= dict.fromkeys(now[proposal.id] | before[again.id], again.id)
    for gone in (p for p in decided if p.id not in taken):
        kept.append(replace(gone, new=False))
        merged |= dict.fromkeys(before.get(gone.id, set()), gone.id)
    return _recounted(_unique_names(kept), merged)


def _sets(members: Members) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for conversation, proposal in members.items():
        found.setdefault(proposal, set()).add(conversation)
    return found


def _same(now: set[str], earlier: Sequence[Proposal], before: Mapping[str, set[str]]) -> Proposal | None:
    """The earlier proposal with the largest overlap, if large; seen on conversations that both runs had."""
    seen = set[str]().union(*before.values()) if before else set()
    common = now & seen
    best, most = None, SAME
    for proposal in earlier:
        other = before.get(proposal.id, set())
        overlap = len(common & other) / max(1, len(common | other))
        if overlap >= most:
            best, most = proposal, overlap
    return best


def _unique_names(proposals: Sequence[Proposal]) -> list[Proposal]:
    """Gives an undecided proposal another name when a decided one has it."""
    taken = {p.name for p in proposals if p.decision != "undecided"}
    found = []
    for proposal in proposals:
        name, number = proposal.name, 2
        while proposal.decision == "undecided" and name in taken:
            name, number = f"{proposal.name}_{number}", number + 1
        taken.add(name)
        found.append(replace(proposal, name=name))
    return found


def _recounted(proposals: Sequence[Proposal], members: Members) -> tuple[list[Proposal], dict[str, str]]:
    """Sizes after the move; an undecided proposal that lost all members goes."""
    sizes = {name: len(ids) for name, ids in _sets(members).items()}
    kept = [replace(p, size=sizes.get(p.id, 0)) for p in proposals]
    kept = [p for p in kept if p.size or p.decision != "undecided"]
    ids = {p.id for p in kept}
    return kept, {c: p for c, p in members.items() if p in ids}
