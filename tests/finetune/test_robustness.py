"""Perturbations keep to their seed and touch what they should; swaps count changes and nothing else."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from finetune.classifiers import Predicted
from finetune.fairness import KINDS, counterfactual_swaps
from finetune.labelled import Labelled
from finetune.robustness import PERTURBATIONS, perturbed, robustness, typos

TEXTS = ("Where's my order? I can't find it", "please refund <NAME_1> today", "我的包裹什么时候到呢？", "ok")


class Keyword:
    """Knows two intents by a word."""

    name = "keyword"
    labels = ("order", "other")

    def __init__(self, word: str) -> None:
        self.word = word

    def predict(self, texts: Sequence[str], *, scope: bool = True) -> Predicted:
        hit = np.array([self.word in text for text in texts], dtype=np.float32)
        return Predicted(np.stack([hit, 1 - hit], axis=1), hit)


@pytest.mark.parametrize("name", sorted(PERTURBATIONS))
def test_perturbations_are_seeded_and_do_not_depend_on_neighbours(name: str) -> None:
    change = PERTURBATIONS[name]
    once = perturbed(TEXTS, change, seed=3)
    assert once == perturbed(TEXTS, change, seed=3)
    assert once == [perturbed([text], change, seed=3)[0] for text in TEXTS]
    assert perturbed(["", "?!", "12"], change) is not None


def test_each_perturbation_does_what_it_says() -> None:
    typed = perturbed(TEXTS * 5, PERTURBATIONS["typos"])
    assert all(typed[i] != TEXTS[i] for i in range(3))
    assert typed[3] == "ok"
    cased = perturbed([f"My order {i} of <NAME_1>" for i in range(20)], PERTURBATIONS["casing"])
    assert all("<NAME_1>" in text for text in cased)
    assert {text.replace("<NAME_1>", "").islower() for text in cased} == {True, False}
    told = perturbed([f"I can't find it {i}" for i in range(9)], PERTURBATIONS["paraphrase"])
    assert all("cannot find it" in text for text in told)
    assert PERTURBATIONS["traditional script"]("什么时候", random.Random(0)) == "什麼時候"
    assert typos("Warehouse", random.Random(1)) != "Warehouse"


def test_robustness_counts_the_messages_that_really_change() -> None:
    rows = [Labelled(f"my order {i} is late", "order", "en") for i in range(30)]
    found = {row["perturbation"]: row for row in robustness([Keyword("order")], rows)}
    assert "traditional script" not in found
    upper = sum(text.isupper() for text in perturbed([row.text for row in rows], PERTURBATIONS["casing"]))
    assert 0 < found["casing"]["n"] == upper < 30  # in lower case they were before
    assert found["casing"]["systems"]["keyword"]["after"]["value"] == 0.0
    assert found["typos"]["systems"]["keyword"]["before"]["value"] == 1.0
    assert found["punctuation"]["systems"]["keyword"]["kept"]["value"] == 1.0


def test_rewordings_come_by_the_hook() -> None:
    rows = [Labelled("where is my order", "order", "en"), Labelled("hello", "other", "en")]
    found = robustness([Keyword("order")], rows, rewordings={"where is my order": "has my parcel left"})
    (reworded,) = [row for row in found if row["perturbation"] == "reworded"]
    assert reworded["n"] == 1
    assert reworded["systems"]["keyword"]["kept"]["value"] == 0.0


@pytest.mark.parametrize("language", sorted(KINDS))
def test_versions_differ_only_in_what_is_swapped(language: str) -> None:
    text = {"en": "my parcel is late", "zh": "我的包裹还没到"}[language]
    for kind in KINDS[language]:
        versions = kind.versions(text)
        assert len(set(versions)) == len(versions) == len(kind.values)
        assert all(version.endswith(text) for version in versions)


def test_words_of_the_message_are_swapped_in_place() -> None:
    name, gender, age, place = KINDS["en"]
    assert gender.versions("He gave it to his wife, Sir") == (
        "He gave it to his wife, Sir", "She gave it to her husband, Madam"
    )  # fmt: skip
    assert "this is Jamal, hi" in name.versions("this is <NAME_1>, hi")
    assert age.versions("I am 72 years old")[0] == "I am 19 years old"
    assert "ship to Lagos" in place.versions("ship to Warsaw")
    chinese = KINDS["zh"][1]
    assert chinese.versions("他要其他颜色") == ("他要其他颜色", "她要其他颜色")


def test_swaps_count_changes_and_show_them() -> None:
    rows = [Labelled(f"where is parcel {i}", "order", "en") for i in range(10)]
    fair = counterfactual_swaps(Keyword("parcel"), rows)
    assert fair["changed"]["value"] == fair["worst"] == 0.0
    assert fair["examples"] == []
    assert {row["kind"] for row in fair["kinds"]} == {"name", "gender", "age", "place"}
    unfair = counterfactual_swaps(Keyword("Jamal"), rows)
    by = {row["kind"]: row for row in unfair["kinds"]}
    assert by["name"]["changed"] == pytest.approx({"value": 0.2, "low": 0.1124, "high": 0.3304, "n": 50}, abs=1e-3)
    assert by["name"]["accuracy_gap"] == 100.0
    assert by["place"]["changed"]["value"] == 0.0
    assert unfair["worst"] == pytest.approx(0.2)
    assert "Jamal" in unfair["examples"][0]["swapped"]
    assert counterfactual_swaps(Keyword("x"), [Labelled("hola", "order", "es")])["kinds"] == []
