"""Which model serves: a candidate goes live when it is not worse, every move is logged and can be taken back."""

from __future__ import annotations

import fcntl
import getpass
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from data.artifacts import DatasetLayout, ModelLayout, is_complete, load_manifest
from data.errors import InputError
from data.workspace import Live, Workspace
from finetune.compare import Comparison, compare_models
from retrieval.compact import build_for
from retrieval.head import LinearHead

Move = Literal["learn", "promote", "rollback"]

NOT_LEARNED = frozenset({"ask"})
"""Intents of the domain that no model has: all topics arrive as ``ask``."""

Compare = Callable[[ModelLayout, ModelLayout, list[DatasetLayout]], Comparison]


@dataclass(frozen=True)
class Promotion:
    """A line of ``var/promotions.jsonl``.

    Attributes:
        move: How it came about.
        before: What served before; None for the first.
        after: What serves since.
        at: UTC, ISO 8601.
        who: Name of the operating system's user.
        reason: In words, where somebody gave one.
        forced: Whether it went live although a slice is worse.
        figures: The slices of the comparison; empty without one.
    """

    move: Move
    before: Live | None
    after: Live
    at: str = ""
    who: str = ""
    reason: str = ""
    forced: bool = False
    figures: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Registry:
    """The models of a workspace and the log of their promotions.

    Attributes:
        workspace: Whose.
        static: Static intents that a model must know, as they have examples; None does not look.
        domain: All that it may know; more than ``static`` where the domain has intents that only buttons give.
        compare: Asks two models the same; another one in tests.
    """

    workspace: Workspace
    static: frozenset[str] | None = None
    domain: frozenset[str] = frozenset()
    compare: Compare | None = field(default=None)

    @property
    def path(self) -> Path:
        """The log: one JSON object a line, only ever appended to."""
        return self.workspace.var / "promotions.jsonl"

    def log(self) -> list[Promotion]:
        """All promotions, oldest first.

        Raises:
            InputError: A line is no promotion.
        """
        if not self.path.is_file():
            return []
        found = []
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                row = json.loads(line)
                before = Live(**row["before"]) if row["before"] else None
                row |= {"before": before, "after": Live(**row["after"]), "figures": tuple(row["figures"])}
                found.append(Promotion(**row))
            except (ValueError, TypeError, KeyError) as error:
                raise InputError(
                    f"{self.path}:{number}", got=f"no promotion ({error})", expected="a line that Careline wrote",
                    next_step="Take the line out.",
                ) from error  # fmt: skip
        return found

    def live(self) -> Live | None:
        """What serves; None before the first."""
        return self.workspace.live() if (self.workspace.var / "live.json").is_file() else None

    def model(self, key: str) -> ModelLayout:
        """A model by its key, verified.

        Raises:
            InputError: There is none, or it was changed by hand.
        """
        layout = ModelLayout(self.workspace.folder("model") / key)
        load_manifest(layout.folder, kind="model")
        return layout

    def dataset_of(self, model: ModelLayout) -> DatasetLayout:
        """The dataset that a model was trained on, verified."""
        key = load_manifest(model.folder, kind="model", verify=False).parents["dataset"]
        layout = DatasetLayout(self.workspace.folder("dataset") / key)
        load_manifest(layout.folder, kind="dataset")
        return layout

    def compared(self, before: str, after: str) -> Comparison:
        """Two models on what neither was trained on.

        Raises:
            InputError: One of them, or its dataset, is missing or damaged.
        """
        models = self.model(before), self.model(after)
        datasets = [self.dataset_of(model) for model in models]
        margin = self.workspace.settings.learn.margin
        if self.compare is not None:
            return self.compare(*models, datasets)
        return compare_models(*models, list(dict.fromkeys(datasets)), margin=margin)

    def judged(self, after: str) -> Comparison | None:
        """The candidate beside what serves; None for the first model and for the one that serves already.

        Raises:
            InputError: See ``compared``; or static intents differ from the domain's.
        """
        self.check_static(self.model(after))
        live = self.live()
        return None if live is None or live.model == after else self.compared(live.model, after)

    def promote(self, key: str, *, reason: str = "", force: bool = False) -> Promotion:
        """Makes a model serve, with the index that belongs to it, if it is not worse.

        Args:
            key: Of the model.
            reason: Logged; must be given with ``force``.
            force: Go live although a slice is worse.

        Raises:
            InputError: Worse and not forced, forced without a reason, static intents that differ from the domain,
                nothing learned yet, or an artefact that is missing or damaged.
        """
        live = self.workspace.live()
        if force and not reason.strip():
            raise InputError(
                "--force", got="no reason", expected="why a worse model shall serve", next_step="Give one."
            )
        comparison = self.judged(key)
        if comparison is not None and comparison.worse and not force:
            raise refusal(comparison)
        model = self.model(key)
        dataset = self.dataset_of(model)
        index = build_for(self.workspace, dataset, model)
        after = Live(dataset.folder.name, key, index.folder.name, live.rasa)
        return self.go_live("promote", after, comparison=comparison, reason=reason, forced=force)

    def go_live(
        self, move: Move, after: Live, *, comparison: Comparison | None = None, reason: str = "", forced: bool = False
    ) -> Promotion:
        """Logs a move, then switches: a log without its switch does no harm, a switch without its log cannot be undone.

        Moves that change nothing are not logged.
        """
        before = self.live()
        figures = tuple(asdict(part) for part in comparison.slices) if comparison else ()
        made = Promotion(move, before, after, reason=reason, forced=forced, figures=figures)
        if before != after:
            made = self._append(made)
            self.workspace.go_live(after)
        return made

    def rollback(self, *, reason: str = "") -> Promotion:
        """Back to what served before the last promotion that was not taken back yet.

        Index and dataset go back with the model; what people changed about answers since then holds in that index too.

        Raises:
            InputError: Nothing to go back to, or it is not whole any more.
        """
        steps: list[Promotion] = []
        for step in self.log():
            if step.move == "rollback":
                steps = steps[:-1]
            else:
                steps.append(step)
        before = steps[-1].before if steps else None
        if before is None:
            raise InputError(
                str(self.path), got="no promotion to take back", expected="at least two models that served",
                next_step="Name a model with `careline model promote`.",
            )  # fmt: skip
        model = self.model(before.model)
        if not is_complete(self.workspace.folder("index") / before.index, kind="index"):  # compaction drops old ones
            before = replace(before, index=build_for(self.workspace, self.dataset_of(model), model).folder.name)
        made = load_manifest(self.workspace.folder("index") / before.index, kind="index")
        if made.parents.get("model") != before.model:
            raise InputError(
                f"index {before.index}", got=f"an index of model {made.parents.get('model')}",
                expected=f"one of {before.model}", next_step=f"Run `careline model promote {before.model}`.",
            )  # fmt: skip
        return self.go_live("rollback", before, reason=reason)

    def check_static(self, model: ModelLayout) -> None:
        """Refuses a model whose static intents are not those of the domain.

        Raises:
            InputError: It does not know one, or knows one that the domain has not.
        """
        if self.static is None:
            return
        head = LinearHead.load(model.intent_head) if model.intent_head.is_file() else None
        pairs = zip(head.labels, head.kinds, strict=True) if head is not None and head.kinds else ()
        known = {label for label, kind in pairs if kind == "static"}
        must = self.static - NOT_LEARNED
        differ = sorted((must - known) | (known - must - self.domain))
        if differ:
            raise InputError(
                f"model {model.folder.name}", got=f"static intents that differ from the domain's: {', '.join(differ)}",
                expected="the same in domain.yml, data/rasa and the model",
                next_step="Run `careline learn`, which trains both.",
            )  # fmt: skip

    def _append(self, made: Promotion) -> Promotion:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        made = replace(made, at=datetime.now(timezone.utc).isoformat(timespec="seconds"), who=_user())
        with self.path.open("a", encoding="utf-8") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            stream.write(json.dumps(asdict(made), ensure_ascii=False) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        return made


def refusal(comparison: Comparison) -> InputError:
    """Why a candidate may not serve, as one line."""
    worse = sorted(comparison.worse, key=lambda part: -part.lost)
    named = "; ".join(f"{part.name} loses {part.lost:.1f} points of {part.n} rows" for part in worse[:3])
    more = f" and {len(worse) - 3} more" if len(worse) > 3 else ""
    return InputError(
        f"model {comparison.after}", got=f"{named}{more}",
        expected=f"at most {comparison.margin} points less than {comparison.before}",
        next_step=f"See `careline model compare {comparison.before} {comparison.after}`, or promote with --force.",
    )  # fmt: skip


def intents_of_domain(domain: Path) -> frozenset[str]:
    """Names of the intents in a ``domain.yml``."""
    import yaml

    table = yaml.safe_load(domain.read_text(encoding="utf-8"))
    return frozenset(next(iter(e)) if isinstance(e, dict) else str(e) for e in table.get("intents", []))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid())
