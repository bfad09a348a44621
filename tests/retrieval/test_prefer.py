import numpy as np
import pytest

from data.schema import Answer, Example
from retrieval.alike import Choice
from retrieval.index import Index
from retrieval.match import Matcher
from retrieval.prefer import preferred
from retrieval.search import Searcher
from retrieval.testing import HashEncoder

ENCODER = HashEncoder(dim=128)
LOGGED = [Answer(f"l{i}", f"How long delivery takes is up to {i} days.", "en", support=90) for i in (3, 5)]
CURATED = Answer(
    "c", "It takes two days.", "en", source="curated", questions=("How long does delivery take?", "Cost of 2 bags?")
)
ASKED = [Example(f"c{i}", 1, "how long does the delivery take", f"l{i}", "train", "en") for i in (3, 5)] * 9


def search(text: str, curated: Answer = CURATED) -> Searcher:
    return Searcher(Matcher(Index.from_parts([*LOGGED, curated], ASKED, ENCODER), ENCODER))


@pytest.mark.parametrize(
    "text", ["how long does the delivery take", "How long does delivery take?", "how long delivery"]
)
def test_a_curated_answer_wins_where_its_question_is_asked(text: str) -> None:
    searcher = search(text)
    result = searcher.search(text)
    assert result.hits[0].id == "c"
    assert result.hits[0].probability >= max(searcher.thresholds.sure, *(hit.probability for hit in result.hits))


def test_an_article_or_another_question_has_no_such_right() -> None:
    article = Answer("c", CURATED.text, "en", source="article", questions=CURATED.questions)
    ranked = search("", article).search("how long does the delivery take").hits
    won = search("").search("how long does the delivery take").hits
    assert next(h for h in ranked if h.id == "c").probability < next(h for h in won if h.id == "c").probability
    assert search("").search("is delivery up to 5 days").hits[0].id != "c"


def test_what_was_written_for_other_numbers_is_not_meant() -> None:
    curated = Answer("c", "It costs 20 pounds.", "en", source="curated", questions=("what is the cost of 2 bags",))
    searcher = search("", curated)
    two, three = (searcher.search(f"what is the cost of {n} bags").hits for n in (2, 3))
    assert (two[0].id, two[0].probability >= searcher.thresholds.sure) == ("c", True)
    assert next(h for h in three if h.id == "c").probability < next(h for h in two if h.id == "c").probability


def test_the_curated_wording_leads_its_group() -> None:
    choices = [Choice(0, 0.7), Choice(1, 0.5, (2, 3)), Choice(4, 0.1)]
    moved = preferred(choices, np.array([False, False, True, False, False]), least=0.6)
    assert moved == [Choice(2, 0.7, (1, 3)), Choice(0, 0.7), Choice(4, 0.1)]
    assert preferred(choices, np.zeros(5, dtype=bool), least=0.6) == choices


def test_the_probability_that_the_best_hit_is_right() -> None:
    result = search("").search("how long does the delivery take")
    assert result.answered == pytest.approx(result.known * result.hits[0].probability)
    assert search("").search("xqzjv wkkpf").answered < 0.2
    assert search("").search("??").answered == 0
