"""The model's card: what it was trained on, what it reached, how it decides, and what it must not be used for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from finetune.encoder import BaseModel
from finetune.examples import TrainingData
from finetune.recipe import Recipe

NOT_FOR = (
    "Deciding about people: credit, employment, health, access. It recognises what is asked, nothing about who asks.",
    "Another shop's customers. It only knows what agents of this log answered, and thresholds hold for its mix of "
    "questions.",
    "Languages and topics that are not in the tables above; their figures are not known.",
    "Saying anything that no person wrote: it chooses among logged answers and makes up none.",
)


def card_of(
    data: TrainingData, recipe: Recipe, base: BaseModel, metrics: Mapping[str, Any], *, parents: Mapping[str, str]
) -> str:
    """Writes the card as Markdown, from the figures of the run alone.

    Args:
        data: What the model was trained on.
        recipe: How.
        base: What was fine-tuned.
        metrics: Of the model's manifest.
        parents: Of the manifest: dataset, and the model that was learned on from.
    """
    parts = [
        f"# Model of dataset {parents['dataset']}",
        _made(recipe, base, metrics, parents),
        _trained_on(data, recipe),
        _figures(metrics),
        _decides(metrics.get("calibration", {})),
        "## Not for\n" + "\n".join(f"- {line}" for line in NOT_FOR),
        "## Privacy\nIt was trained on redacted text. Labels, n-gram weights and "
        f"{metrics.get('encoder', {}).get('new_tokens', 0)} characters of its vocabulary come from the log: treat the "
        "folder like the log.",
    ]
    return "\n\n".join(parts) + "\n"


def _made(recipe: Recipe, base: BaseModel, metrics: Mapping[str, Any], parents: Mapping[str, str]) -> str:
    encoder = metrics.get("encoder", {})
    lines = [
        f"- Base: {base.name}, weights SHA-256 `{base.sha256[:12]}`",
        f"- Recipe: {recipe.name}, seed {recipe.seed}, {encoder.get('steps', 0)} steps, kept those of step "
        f"{encoder.get('kept', 0)}",
    ]
    if "model" in parents:
        lines.append(f"- Learned on from model {parents['model']}")
    if encoder.get("dropped"):
        lines.append("- Dropped: " + ", ".join(f"{count:,} {name}" for name, count in encoder["dropped"].items()))
    return "\n".join(lines)


def _trained_on(data: TrainingData, recipe: Recipe) -> str:
    rows = ["## Trained on", "| | train | valid | test |", "|---|---|---|---|"]
    for name, counted in (("(context, answer) pairs", data.of), ("labelled messages", data.intents_of)):
        rows.append(f"| {name} | " + " | ".join(f"{len(counted(s)):,}" for s in ("train", "valid", "test")) + " |")
    languages = Counter([r.language for r in data.of("train")] + [r.language for r in data.intents_of("train")])
    spoken = ", ".join(f"{language} {count:,}" for language, count in languages.most_common())
    rows.append(f"\nLanguages of the training rows: {spoken}. {len(data.answers):,} answers. Of the pairs at most "
                f"{recipe.max_pairs:,} are used, {recipe.max_per_answer:,} of one answer.")  # fmt: skip
    return "\n".join(rows)


def _figures(metrics: Mapping[str, Any]) -> str:
    ranking, int8 = metrics.get("ranking", {}), metrics.get("int8", {})
    rows = ["## Held-out figures"]
    if ranking:
        rows += [f"Response ranking, {ranking['protocol']}, n {ranking['n']:,}:", "", "| | R@1 | R@5 | MRR |",
                 "|---|---|---|---|"]  # fmt: skip
        rows += [f"| {n} | {r['r1']:.3f} | {r['r5']:.3f} | {r['mrr']:.3f} |" for n, r in ranking["systems"].items()]
    by_language = metrics.get("intent_accuracy_by_language", {})
    if by_language:
        rows += ["", "| intents, language | accuracy | n |", "|---|---|---|"]
        rows += [f"| {name} | {row['accuracy']:.3f} | {row['n']:,} |" for name, row in by_language.items()]
    if int8:
        lost = int8.get("forms", {}).get(int8.get("form", ""), {}).get("lost")
        measured = "" if lost is None else f", {lost} points lost against fp32 on validation messages"
        rows.append(f"\nServed as {int8.get('form', 'int8')}, {int8.get('mb', 0)} MB{measured}.")
    for name, row in metrics.get("continued", {}).get("topics", {}).items():
        rows.append(
            f"\n{name.capitalize()} topics: {row['before']:.3f} before, {row['after']:.3f} after, n {row['n']:,}."
        )
    return "\n".join(rows)


def _decides(calibration: Mapping[str, Any]) -> str:
    if not calibration:
        return "## Thresholds\nThe defaults: too few validation questions to choose any."
    rows = ["## Thresholds and error budget", "Chosen on the validation split with the quantised encoder.", "",
            "| | |", "|---|---|"]  # fmt: skip
    named = {
        "sure": "says an answer from probability", "unsure": "offers three from", "known": "in scope from",
        "precision_wanted": "budget: first answers that must be the agent's own choice",
        "sure_precision": "reached by the answers said", "sure_share": "questions answered at once",
        "lost_share": "questions given up", "questions": "validation questions",
    }  # fmt: skip
    rows += [f"| {text} | {calibration[name]} |" for name, text in named.items() if name in calibration]
    return "\n".join(rows)
