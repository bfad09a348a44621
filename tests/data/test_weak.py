"""Rules vote, and the label model weighs them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from data.errors import InputError
from data.weak import read_rules, rules_of, votes_of, weak_labels
from data.workspace import Workspace, find_workspace

RULES = """
[[rule]]
topic = "refund"
any = ["refund*", "money back"]
none = ["gift card"]

[[rule]]
topic = "refund"
any = ["退款", "退钱"]
language = "zh"

[[rule]]
topic = "delivery"
all = ["where", "parcel"]

[[rule]]
topic = "order"
pattern = 'NT-\\d+'
"""


def parsed(tmp_path: Path, text: str) -> list:
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return read_rules(path)


def test_conditions_mean_what_the_page_says(tmp_path: Path) -> None:
    rules = parsed(tmp_path, RULES)
    assert votes_of("I was never REFUNDED", "en", rules) == [0]
    assert votes_of("give me my money  back", "en", rules) == [0]
    assert votes_of("a refund on a gift card", "en", rules) == []
    assert votes_of("prefunded", "en", rules) == []
    assert votes_of("请问怎么退款呢", "zh", rules) == [1]
    assert votes_of("请问怎么退款呢", "en", rules) == []
    assert votes_of("where is my parcel NT-10", "en", rules) == [2, 3]
    assert votes_of("where is my order", "en", rules) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[rule]]\ntopic = 'a'\n", "no condition"),
        ("[[rule]]\nany = ['b']\n", "topic"),
        ("[[rule]]\ntopic = 'a'\nwords = ['b']\n", "'words'"),
        ("[[rule]]\ntopic = 'a'\nany = 'b'\n", "list of words"),
        ("[[rule]]\ntopic = 'a'\npattern = '('\n", "regular expression"),
        ("[[rule]]\ntopic = 'a'\nany = ['b']\nlanguage = 3\n", "language"),
        ("rules = []\n", "[[rule]]"),
        ("[[rule]\n", "valid TOML"),
    ],
)
def test_a_bad_file_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match="Mend the file") as error:
        parsed(tmp_path, text)
    assert told in str(error.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_rules(tmp_path / "none.toml")


def test_agreement_raises_confidence_and_a_rule_that_contradicts_is_outvoted(tmp_path: Path) -> None:
    rules = parsed(
        tmp_path,
        "".join(f"[[rule]]\ntopic = '{t}'\nany = ['{w}']\n" for t, w in
                [("a", "apple"), ("a", "pear"), ("a", "plum"), ("b", "noise"), ("b", "beer")]),
    )  # fmt: skip
    rng = random.Random(0)
    texts = {}
    for i in range(200):
        words = rng.sample(["apple", "pear", "plum"], 2) if i % 2 else ["beer"]
        texts[f"t{i}"] = " ".join([*words, *(["noise"] if i % 2 and i % 3 == 0 else [])])
    labels = weak_labels(texts, dict.fromkeys(texts, "en"), rules)
    assert all(labels[i][0] == ("a" if "p" in texts[i] else "b") for i in labels)
    agreed = [labels[i][1] for i in labels if "p" in texts[i] and "noise" not in texts[i]]
    lone = labels["t0"][1]
    assert len(agreed) > 60
    assert min(agreed) > lone, "two rules that agree say more than one alone"
    assert lone == 0.75
    assert all(0.5 <= confidence <= 1 for _, confidence in labels.values())


def test_texts_without_a_vote_get_no_label(tmp_path: Path) -> None:
    assert weak_labels({"x": "good morning"}, {"x": "en"}, parsed(tmp_path, RULES)) == {}


def test_the_workspace_names_its_rules(tmp_path: Path) -> None:
    assert rules_of(Workspace(tmp_path)) == []
    (tmp_path / "careline.toml").write_text('[learn]\nrules = "rules.toml"\n', encoding="utf-8")
    with pytest.raises(InputError, match="no such file"):
        rules_of(find_workspace(str(tmp_path)))
    (tmp_path / "rules.toml").write_text(RULES, encoding="utf-8")
    assert [rule.topic for rule in rules_of(find_workspace(str(tmp_path)))] == ["refund", "refund", "delivery", "order"]
