import numpy as np
import pytest

from data.schema import Answer
from retrieval.alike import Alike, numbers_of
from retrieval.index import Index
from retrieval.testing import HashEncoder

TEXTS = [
    ("en", "Delivery to Norway takes five to eight days and costs 14.90 euros."),
    ("en", "Delivery to Norway takes five to eight days and costs 14.90 euros, sir."),
    ("en", "Delivery to Norway takes five to eight days and costs 19.90 euros."),
    ("en", "Delivery to Norway does not take five to eight days and costs 14.90 euros."),
    ("en", "Delivery to Norway takes a good while and costs little."),
    ("zh", "Delivery to Norway takes five to eight days and costs 14.90 euros."),
    ("en", "Wash the jacket gently in the machine."),
    ("en", "Wash the jacket gently in the machine!"),
    ("zh", "一般三到五个工作日送达。"),
    ("zh", "一般三到五个工作日不送达。"),
]


@pytest.fixture(scope="module")
def alike() -> Alike:
    answers = [Answer(str(i), text, language) for i, (language, text) in enumerate(TEXTS)]
    return Alike(Index.from_parts(answers, [], HashEncoder(dim=512)))


def test_only_what_agrees_in_language_numbers_and_negation_says_the_same(alike: Alike) -> None:
    same = alike.among(range(len(TEXTS)))
    pairs = {(i, j) for i, j in zip(*np.nonzero(same), strict=True) if i < j}
    assert pairs == {(0, 1), (6, 7)}
    np.testing.assert_array_equal(same, same.T)
    assert same.diagonal().all()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("two to four working days", {"2", "4"}),
        ("Wait one to three days, not this one.", {"1", "3"}),
        ("五到七个工作日，一般两三周，等一下", {"5", "7", "2", "3"}),
        ("costs 3,5 kg or 14.90.", {"3.5", "14.90"}),
    ],
)
def test_numbers_count_in_words_too(text: str, numbers: set[str]) -> None:
    assert numbers_of(text) == numbers


def test_what_says_the_same_is_offered_once_with_both_probabilities(alike: Alike) -> None:
    rows = np.array([6, 2, 1, 0])
    choices = alike.choices(rows, np.array([0.1, 0.4, 0.2, 0.3]))
    assert [(c.place, c.others) for c in choices] == [(1, ()), (3, (2,)), (0, ())]
    assert [c.probability for c in choices] == pytest.approx([0.4, 0.5, 0.1])
    assert alike.says(choices[1], rows, 1)
    assert alike.says(choices[2], rows, 7)
    assert not alike.says(choices[1], rows, 2)


def test_probabilities_never_exceed_one_and_nothing_is_nothing(alike: Alike) -> None:
    (choice,) = alike.choices(np.array([0, 1]), np.array([0.9, 0.9]))
    assert choice.probability < 1
    assert alike.choices(np.zeros(0, dtype=np.int64), np.zeros(0)) == []
