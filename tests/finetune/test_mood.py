"""The mood head: what it learns from, what it says, and what search shows of it."""

from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError
from data.mood import is_urgent, mood_score
from data.schema import Answer, Conversation, Example, Message
from finetune.mood import MoodRow, fit_mood_head, mood_rows, vectors_of
from retrieval.index import Index
from retrieval.match import Matcher
from retrieval.mood import MOODS, MoodHead
from retrieval.search import Searcher
from retrieval.testing import HashEncoder

_ANGRY = ("this is awful, I am disgusted", "useless terrible service", "worst shop ever, I hate this", "太差了，投诉")
_CALM = ("how long does delivery take", "thanks, that is lovely", "can I return a tent", "请问怎么退货")


def _conversation(number: int, text: str, rating: float | None = None) -> Conversation:
    language = "zh" if not text.isascii() else "en"
    return Conversation(
        f"c{number}", (Message("customer", text), Message("agent", "ok")), language, satisfaction=rating
    )


def _rows() -> list[MoodRow]:
    texts = [f"{text} {i}" for i in range(10) for text in (*_ANGRY, *_CALM, "I need it today")]
    return mood_rows((_conversation(i, text) for i, text in enumerate(texts)), seed=0)


def test_without_ratings_a_lexicon_labels_messages() -> None:
    rows = _rows()
    assert not any(row.rated for row in rows)
    negative = {row.said[0][:-2] for row in rows if row.negative}
    assert set(_ANGRY) <= negative
    assert not negative & set(_CALM)
    assert {row.said[0][:-2] for row in rows if row.urgent} == {"I need it today"}


def test_enough_ratings_outweigh_the_lexicon() -> None:
    conversations = [_conversation(i, "the parcel came", rating=float(i % 2)) for i in range(80)]
    rows = mood_rows(conversations, seed=0, most=60)
    assert len(rows) == 60
    assert all(row.rated for row in rows)
    assert 20 < sum(row.negative for row in rows) < 40
    few = mood_rows(conversations[:10], seed=0)
    assert not any(row.rated for row in few)


def test_the_head_tells_angry_from_calm_and_urgent_from_not(tmp_path: Path) -> None:
    encoder = HashEncoder(dim=32)
    head = fit_mood_head(_rows(), encoder)
    assert head is not None
    head.save(tmp_path / "mood_head.npz")
    head = MoodHead.load(tmp_path / "mood_head.npz")
    said = [[text] for text in ("this is terrible, I hate it", "can I return delivery", "I need it today")]
    table = head.probabilities(vectors_of(encoder, said), said, ["en"] * 3)
    assert table.shape == (3, len(MOODS))
    assert table[0, 0] > 0.5 > table[1, 0]
    assert table[2, 1] > max(table[0, 1], table[1, 1])
    alone = head.of(encoder.encode(said[0])[0], said[0][0], "en")
    assert alone.negative == pytest.approx(float(table[0, 0]), abs=1e-5)


def test_one_kind_alone_fits_nothing() -> None:
    assert fit_mood_head([MoodRow(("fine",), "en", False, False)] * 5, HashEncoder()) is None


def test_a_broken_head_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mood_head.npz").write_bytes(b"PK nonsense")
    with pytest.raises(InputError):
        MoodHead.load(tmp_path / "mood_head.npz")


def test_search_shows_the_mood() -> None:
    encoder = HashEncoder(dim=32)
    answers = [Answer("post", "Parcels take three days.", "en", support=3)]
    index = Index.from_parts(answers, [Example("c", 1, "when will it come", "post", "train", "en")], encoder)
    head = fit_mood_head(_rows(), encoder)
    result = Searcher(Matcher(index, encoder, mood_head=head)).search("your service is terrible, I hate it")
    assert result.mood is not None
    assert result.to_json()["mood"]["negative"] > 0.5
    assert Searcher(Matcher(index, encoder)).search("when?").to_json().get("mood") is None


def test_the_lexicons() -> None:
    assert mood_score("I love it", "en") > 0 > mood_score("骗子", "zh")
    assert is_urgent("I need this before tonight")
    assert is_urgent("请尽快处理")
    assert not is_urgent("When do you open today?")
    assert not np.isnan(mood_score("", "en"))
