"""``careline data discover | label | check | suggest``: topics and labels, with a person in the loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data.commands import AsJson, Key, Place, find_dataset, print_rows
from data.workspace import find_workspace

if TYPE_CHECKING:
    from data.artifacts import DatasetLayout
    from data.embed import Embed
    from data.schema import Conversation, IntentExample
    from data.workspace import Workspace

app = typer.Typer()

Words = Annotated[bool, typer.Option("--words", help="Group by words (TF-IDF) instead of an encoder; quicker.")]


@app.command()
def discover(
    context: typer.Context,
    key: Key = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Where to; WORKSPACE/var/proposals.yml.")] = None,
    since: Annotated[str | None, typer.Option(help="A date or weeks: mark topics that older data lack.")] = None,
    tagged: Annotated[bool, typer.Option("--tagged", help="Group tagged conversations too.")] = False,
    adapt: Annotated[
        bool, typer.Option("--adapt", help="Draw the encoder towards this log first: clearer groups, some minutes.")
    ] = False,
    words: Words = False,
    workspace: Place = None,
    as_json: AsJson = False,
) -> None:
    """Propose topics for what nobody tagged, as a YAML file to accept, rename, merge.

    What you decided in the file earlier is kept. Accepted topics are labels of the next dataset.
    """
    from data.novelty import parse_since
    from data.proposals import keep_decisions, read_proposals, write_proposals
    from data.propose import first_answers, propose
    from data.records import read_rows
    from data.schema import Conversation

    place = find_workspace(workspace)
    layout = find_dataset(place, key)
    path = out or place.proposals
    earlier = read_proposals(path) if path.is_file() else ([], {})
    conversations = list(read_rows(layout.conversations, Conversation))
    begins = parse_since(since, newest=_newest(conversations)) if since else None
    proposals, members = propose(
        conversations,
        first_answers(layout),
        embed=_embed(context, place, words=words, adapt=adapt),
        since=begins,
        tagged=tagged,
    )
    proposals, members = keep_decisions(proposals, members, *earlier)
    write_proposals(path, proposals, members)
    rows = [{"name": p.name, "size": p.size, "stability": p.stability, "new": p.new, "decision": p.decision,
             "title": p.title} for p in proposals]  # fmt: skip
    print_rows(rows, title=f"{path}: {len(rows)} topics, {len(members):,} conversations", as_json=as_json)


@app.command()
def label(
    rules: Annotated[Path, typer.Option(help="TOML file of [[rule]] tables; see docs/how-to/topics.md.")],
    key: Key = None,
    workspace: Place = None,
    as_json: AsJson = False,
) -> None:
    """Try weak rules on a dataset: how often each speaks, how many openings they label, where they contradict the tags.

    Nothing is changed; `rules` in `[learn]` of careline.toml makes the next dataset use them.
    """
    from data.label import openings_of, slug, tag_of
    from data.records import read_rows
    from data.schema import Conversation
    from data.weak import read_rules, votes_of, weak_labels

    parsed = read_rules(rules)
    conversations = list(read_rows(find_dataset(find_workspace(workspace), key).conversations, Conversation))
    openings, languages = openings_of(conversations), {c.id: c.language or "en" for c in conversations}
    tags = {c.id: slug(tag) for c in conversations if (tag := tag_of(c))}
    found = weak_labels(openings, languages, parsed)
    spoke = Counter(rule for i, text in openings.items() for rule in votes_of(text, languages[i], parsed))
    sizes = Counter(topic for topic, _ in found.values())
    agreed = Counter(found[i][0] for i in found if tags.get(i) == slug(found[i][0]))
    known = Counter(found[i][0] for i in found if i in tags)
    rows: list[dict[str, Any]] = [
        {"topic": topic, "openings": n, "tagged": known[topic], "tag agrees": agreed[topic],
         "rules": ", ".join(f"{r + 1} ({spoke[r]})" for r, rule in enumerate(parsed) if rule.topic == topic)}
        for topic, n in sizes.most_common()
    ]  # fmt: skip
    silent = [r + 1 for r in range(len(parsed)) if not spoke[r]]
    title = f"{len(found):,} of {len(openings):,} openings labelled; silent rules: {silent or 'none'}"
    print_rows(rows, title=title, as_json=as_json)


@app.command()
def check(
    context: typer.Context,
    key: Key = None,
    n: Annotated[int, typer.Option("--n", min=1, help="How many to show.")] = 50,
    words: Words = False,
    workspace: Place = None,
    as_json: AsJson = False,
) -> None:
    """List labels that are probably wrong, questions with two labels, and outliers."""
    from data.label_check import check_labels

    place = find_workspace(workspace)
    examples = [e for e in _examples(find_dataset(place, key)) if e.source in ("log", "person", "rules")]
    doubts = check_labels(
        [e.text for e in examples], [e.intent for e in examples], [e.language for e in examples],
        embed=_embed(context, place, words=words),
    )  # fmt: skip
    kinds = Counter(doubt.kind for doubt in doubts)
    title = f"{len(examples):,} labels: " + (
        ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "no doubt"
    )
    rows: list[dict[str, Any]] = [
        {"kind": doubt.kind, "row": doubt.row, "given": doubt.given, "suggested": doubt.suggested,
         "score": doubt.score, "text": doubt.text, "other": "" if doubt.other is None else examples[doubt.other].text}
        for doubt in doubts[:n]
    ]  # fmt: skip
    print_rows(rows, title=title, as_json=as_json)


@app.command("suggest")
def suggest_(
    context: typer.Context,
    key: Key = None,
    n: Annotated[int, typer.Option("--n", min=1, help="How many.")] = 50,
    words: Words = False,
    workspace: Place = None,
    as_json: AsJson = False,
) -> None:
    """List the openings whose labels would teach most.

    Label them in your help desk (its tag), in a table of text and intent, or by a rule, and learn again.
    """
    from data.embed import embed_texts
    from data.label import openings_of
    from data.records import read_rows
    from data.schema import Conversation
    from data.suggest import suggest

    place = find_workspace(workspace)
    layout = find_dataset(place, key)
    conversations = list(read_rows(layout.conversations, Conversation))
    openings, languages = openings_of(conversations), {c.id: c.language or "en" for c in conversations}
    given = {e.text: e.intent for e in _examples(layout) if e.source in ("log", "person", "file")}
    embed = _embed(context, place, words=words)
    rows: list[dict[str, Any]] = []
    different = _by_language(openings, languages)
    total = sum(len(ids) for ids in different.values())
    for language, ids in different.items():
        share = max(1, round(n * len(ids) / total))
        vectors, _ = embed_texts([openings[i] for i in ids], language, embed)
        known = [at for at, i in enumerate(ids) if openings[i] in given]
        chosen = suggest(vectors, known, [given[openings[ids[at]]] for at in known], count=share)
        rows += [{"conversation": ids[at], "language": language, "text": openings[ids[at]]} for at in chosen]
    print_rows(rows[:n], title=f"{min(n, len(rows))} of {len(openings):,} openings", as_json=as_json)


def _by_language(openings: dict[str, str], languages: dict[str, str]) -> dict[str, list[str]]:
    """Ids by language, each different text once."""
    found: dict[str, dict[str, str]] = {}
    for i, text in openings.items():
        found.setdefault(languages[i], {}).setdefault(text, i)
    return {language: list(ids.values()) for language, ids in sorted(found.items(), key=lambda item: -len(item[1]))}


def _examples(layout: DatasetLayout) -> list[IntentExample]:
    from data.records import read_rows
    from data.schema import IntentExample

    return list(read_rows(layout.intents, IntentExample))


def _newest(conversations: Sequence[Conversation]) -> float | None:
    return max((c.started for c in conversations if c.started is not None), default=None)


def _embed(context: typer.Context, place: Workspace, *, words: bool, adapt: bool = False) -> Embed | None:
    """The encoder that whoever started the command line handed down; None without one."""
    embed: Embed | None = None if words or context.obj is None else context.obj(place, adapt=adapt)
    return embed
