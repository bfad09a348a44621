"""An English question finds the Chinese answer, and the reverse, among the topics that the sample log has in both.

A fifth of the wordings of each question is held out: the sample log is composed anew without them, so that neither
they nor their typing errors are in what the encoder learns from. The log never says which answers of its two languages
belong together; what both sides share are the help desk's tags on 60 % of the conversations.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.printer import Printer

if TYPE_CHECKING:
    from data.artifacts import DatasetLayout
    from data.samples.phrasebook import Topic
    from data.samples.scene import Scene
    from data.schema import Conversation
    from retrieval.encoder import Encoder

SEED = 2
"""Of the wordings that are held out. How the search weighs was chosen on those of seed 0; one of those of seed 1 is in
the log all the same, for another wording fills to the same words."""

BASE = "multilingual-e5-small"
NEAREST = 3
OTHER = {"en": "zh", "zh": "en"}


@dataclass(frozen=True)
class Said:
    """A phrase of the phrase books, filled, with its topic and the question that it asks or answers (``part``)."""

    text: str
    topic: str
    part: str


@dataclass(frozen=True)
class Sides:
    """What is asked and answered, by language.

    Attributes:
        questions: Held out.
        answers: All of the parallel topics.
        logged: Questions that the log holds beside those answers: the wordings that are not held out.
        left: The phrase books without the held-out wordings.
    """

    questions: dict[str, list[Said]]
    answers: dict[str, list[Said]]
    logged: dict[str, list[Said]]
    left: dict[str, list[Topic]]


def parallel() -> Sides:
    """Holds out every fifth wording of each question of the topics that exist in both languages."""
    from data.samples.phrasebook import read_topics

    books = {language: read_topics(language) for language in OTHER}
    shared = set.intersection(*({topic.name for topic in topics} for topics in books.values()))
    sides = Sides({}, {}, {}, books)
    for language, topics in books.items():
        rng = random.Random(f"{SEED}-{language}")
        scene = _scene(rng, language, topics)
        asked, answered = sides.questions.setdefault(language, []), sides.answers.setdefault(language, [])
        logged = sides.logged.setdefault(language, [])
        for topic in topics:
            for part in topic.parts if topic.name in shared else []:
                scene.take(part)
                wordings = part.lines["?"]
                held = sorted(rng.sample(range(len(wordings)), len(wordings) // 5))
                asked += [Said(scene.fill(wordings[at]), topic.name, part.key) for at in held]
                answered += [Said(scene.fill(text), topic.name, part.key) for text in part.lines["!"]]
                part.lines["?"][:] = [text for at, text in enumerate(wordings) if at not in held]
                logged += [Said(scene.fill(text), topic.name, part.key) for text in part.lines["?"]]
    return sides


def _scene(rng: random.Random, language: str, topics: Sequence[Topic]) -> Scene:
    """What fills the slots of phrases."""
    from data.samples.people import AGENTS, draw_customer, read_items
    from data.samples.phrasebook import Decks, read_common
    from data.samples.plot import FIRST_DAY
    from data.samples.scene import Scene, Stage

    stage = Stage(language, topics, read_common(language), read_items(), Decks(rng))
    return Scene(stage, rng, draw_customer(rng, language), AGENTS[language][:2], FIRST_DAY.date())


def log_without(sides: Sides) -> list[Conversation]:
    """The sample log as ``data/samples/make.py`` composes it, of the phrase books without the held-out wordings."""
    from data.samples.make import COUNTS
    from data.samples.people import read_items
    from data.samples.phrasebook import Decks, read_common
    from data.samples.plot import deal_openings, play
    from data.samples.scene import Stage

    log: list[Conversation] = []
    for language, topics in sides.left.items():
        rng = random.Random(f"{SEED}-log-{language}")
        stage = Stage(language, topics, read_common(language), read_items(), Decks(rng))
        openings = deal_openings(rng, topics, COUNTS[language])
        log += [play(rng, stage, opening, f"{language}-{at:04d}") for at, opening in enumerate(openings)]
    return sorted(log, key=lambda conversation: (conversation.started, conversation.id))


def found(encoder: Encoder, sides: Sides) -> dict[str, list[bool]]:
    """By the question's language: whether the best answer of the other language is of the same topic.

    As in the index, an answer is found by its own text and by the questions that it was given to: the mean of its
    cosine and of the mean cosine of the three nearest logged questions.
    """
    hits: dict[str, list[bool]] = {}
    for language, other in OTHER.items():
        asked, answered, logged = sides.questions[language], sides.answers[other], sides.logged[other]
        vectors, texts, before = (encoder.encode([said.text for said in row]) for row in (asked, answered, logged))
        own, theirs = vectors @ texts.T, vectors @ before.T  # (questions, answers), (questions, logged)
        parts = np.array([said.part for said in logged])
        near = {part: np.sort(theirs[:, parts == part], axis=1)[:, -NEAREST:].mean(axis=1) for part in set(parts)}
        nearest = np.argmax(own + np.stack([near[said.part] for said in answered], axis=1), axis=1)  # (questions,)
        hits[language] = [answered[at].topic == said.topic for at, said in zip(nearest, asked, strict=True)]
    return hits


def measure(printer: Printer) -> None:
    """Trains on the sample log by recipe ``bilingual`` and prints ``cross_language_r1``, both ways together."""
    from finetune.encoder import extend_vocabulary, find_base, load_encoder
    from finetune.examples import TrainingData
    from finetune.recipe import load_recipe
    from finetune.trainer import train_encoder
    from finetune.unigram import prune_vocabulary
    from retrieval.encoder import TrainingEncoder

    started = time.monotonic()
    sides = parallel()
    with tempfile.TemporaryDirectory(prefix="careline-bench-") as folder:
        data = TrainingData.load(_dataset(Path(folder), log_without(sides)))
    recipe = load_recipe("bilingual")
    base = find_base(recipe.base_model, expected=recipe.base_sha256)
    recipe = recipe.prompted(base.prompt)
    model = load_encoder(base, max_length=recipe.max_length, device="cpu")
    prune_vocabulary(model, (recipe.prompt, *data.texts()), most=recipe.vocabulary)
    new = extend_vocabulary(model, data.texts(), least=recipe.unknown_characters, seed=recipe.seed)
    encoder = TrainingEncoder(model, prompt=recipe.prompt)
    before = found(encoder, sides)
    outcome = train_encoder(model, data, recipe, new_tokens=new, progress=lambda done, text: None)
    after = found(encoder, sides)
    for name, hits in (("as it came", before), ("fine-tuned", after)):
        shares = ", ".join(f"{language} to {OTHER[language]} {np.mean(row):.3f}" for language, row in hits.items())
        print(f"cross-language R@1 {name}: {shares}", file=sys.stderr)
    print(f"trained {outcome.steps} steps, {outcome.seconds:.0f} s", file=sys.stderr)
    every = [hit for row in after.values() for hit in row]
    came = float(np.mean([hit for row in before.values() for hit in row]))
    seconds = time.monotonic() - started
    printer.figure(
        "cross_language_r1", float(np.mean(every)), n=len(every), seconds=seconds, peer=f"{BASE} as it came",
        peer_value=came,
    )  # fmt: skip


def _dataset(folder: Path, log: Sequence[Conversation]) -> DatasetLayout:
    """The log as a dataset, as ``careline learn`` makes it."""
    from data.build import build_dataset
    from data.samples.make import conversation_row
    from data.workspace import find_workspace

    path = folder / "shop.jsonl"
    lines = (json.dumps(conversation_row(conversation), ensure_ascii=False) for conversation in log)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return build_dataset([path], find_workspace(str(folder)), format=None, mapping=None, strict=False)
