from collections.abc import Sequence

import numpy as np
import pytest

from data.context import render_context
from data.schema import Answer, Example, IntentExample
from retrieval.build import newest
from retrieval.encoder import Vectors
from retrieval.evaluate import rank_split
from retrieval.head import HashedNgrams, LinearHead
from retrieval.index import Index, logged_of, message_of
from retrieval.match import Matcher, Query
from retrieval.rank import FEATURES, Ranker, column
from retrieval.search import Searcher, Thresholds
from retrieval.testing import HashEncoder

QUESTIONS = {
    "delivery": ("en", "How long does delivery take?", "Delivery takes three to five working days.", ["delivery"]),
    "returns": ("en", "Can I send the tent back?", "You may return it within 30 days, unused.", ["returns"]),
    "wash": ("en", "How do I wash a down jacket?", "Wash it at 30 degrees with down soap.", ["care"]),
    "zh_delivery": ("zh", "多久能送到？", "一般三到五个工作日送达。", ["delivery"]),
    "zh_wash": ("zh", "羽绒服怎么洗？", "请用羽绒专用洗涤剂，30度水洗。", ["care"]),
}
ANSWERS = [
    Answer(id, text, language, support=3, conversations=("c1",), topics=tuple(topics))
    for id, (language, _, text, topics) in QUESTIONS.items()
] + [
    Answer("private", "Your delivery is with the courier in Leeds.", "en", support=50, reusable=False),
    Answer("slot", "Hello <NAME_1>, delivery takes a day.", "en", support=50),
]
EXAMPLES = [
    Example(f"c {id}", 1, question, id, "train", language) for id, (language, question, _, _) in QUESTIONS.items()
] + [Example("c private", 1, "Where is my delivery?", "private", "train", "en")]
GREETINGS = [IntentExample("hello there", "greet", "static", "train", "en")]


class BlindToChinese(HashEncoder):
    """An encoder that takes every Chinese text for the same, and says so."""

    def encode(self, texts: Sequence[str], *, batch_size: int = 64) -> Vectors:
        """See parent."""
        return super().encode([text if text.isascii() else "[UNK]" for text in texts])

    def coverage(self, texts: Sequence[str]) -> Vectors:
        """See ``KnowsItsVocabulary``."""
        return np.array([float(text.isascii()) for text in texts], dtype=np.float32)


def intent_head(encoder: HashEncoder) -> LinearHead:
    texts = ["how long does delivery take", "wash jacket", "hello there"]
    features = HashedNgrams(buckets=256)
    return LinearHead(
        labels=("delivery", "care", "greet"),
        dense_weights=encoder.encode(texts) * 8,
        ngram_weights=features.transform(texts).toarray() * 8,
        bias=np.zeros(3, dtype=np.float32),
        features=features,
        kinds=("topic", "topic", "static"),
    )


@pytest.fixture(params=[HashEncoder, BlindToChinese])
def searcher(request: pytest.FixtureRequest) -> Searcher:
    encoder = request.param(dim=128)
    index = Index.from_parts(ANSWERS, EXAMPLES, encoder, intents=GREETINGS)
    return Searcher(Matcher(index, encoder, intent_head=intent_head(encoder)), model="m", index="i")


@pytest.mark.parametrize("right", list(QUESTIONS))
def test_a_logged_question_finds_its_answer_in_its_language(searcher: Searcher, right: str) -> None:
    language, question, _, _ = QUESTIONS[right]
    result = searcher.search(question)
    assert result.hits[0].id == right
    assert result.hits[0].question == question
    assert result.language == language
    assert {hit.answer.language for hit in result.hits} == {language}
    assert result.known > 0.5


def test_a_question_in_other_words_finds_its_answer_and_says_why(searcher: Searcher) -> None:
    hit = searcher.search("is down soap ok to wash my jacket").hits[0]
    assert hit.id == "wash"
    assert {"soap", "wash", "jacket"} <= set(hit.words)
    assert hit.answer.conversations == ("c1",)


@pytest.mark.parametrize("question", ["Where is my delivery?", "Hello, delivery takes a day?"])
def test_what_may_not_be_said_is_never_a_hit(searcher: Searcher, question: str) -> None:
    assert {hit.id for hit in searcher.search(question).hits}.isdisjoint({"private", "slot"})


def test_another_language_helps_out_only_where_there_is_none() -> None:
    encoder = HashEncoder(dim=128)
    english = [answer for answer in ANSWERS if answer.language == "en"]
    searcher = Searcher(Matcher(Index.from_parts(english, EXAMPLES, encoder), encoder))
    hits = searcher.search("羽绒服怎么洗").hits
    assert hits
    assert {hit.answer.language for hit in hits} == {"en"}


@pytest.mark.parametrize("text", ["", "   ", "?!...", "🙂🙂", "\n\t", "xqzjv wkkpf", "zzzzzzzzzz", "qweasdzxc 鑫淼犇"])
def test_what_says_nothing_is_lost(searcher: Searcher, text: str) -> None:
    result = searcher.search(text)
    assert result.outcome == "lost"
    assert result.known < 0.5


def test_the_intent_comes_with_its_kind(searcher: Searcher) -> None:
    greeting, topic = searcher.search("hello there"), searcher.search("how long does delivery take")
    assert greeting.intent is not None
    assert (greeting.intent.label, greeting.intent.kind, greeting.topic) == ("greet", "static", None)
    assert topic.topic == "delivery"
    assert greeting.to_json()["intent"] == "greet"
    assert topic.to_json()["intent"] == "ask"
    assert greeting.known > 0.5


def test_the_json_is_small_and_names_its_sources(searcher: Searcher) -> None:
    import json

    row = searcher.search("delivery").to_json()
    assert len(json.dumps(row)) < 2048
    assert (row["model"], row["index"]) == ("m", "i")
    assert {"words", "question", "dense", "lexical"} <= set(row["hits"][0]["why"])


def test_an_answer_given_before_falls_behind(searcher: Searcher) -> None:
    before = {hit.id: hit.probability for hit in searcher.search("wash").hits}
    after = {hit.id: hit.probability for hit in searcher.search("wash", given=["delivery", "wash"]).hits}
    assert after["wash"] < before["wash"]


def test_a_batch_of_queries_equals_one_by_one(searcher: Searcher) -> None:
    queries = [Query.of(question, given=["wash"]) for _, question, _, _ in QUESTIONS.values()]
    batch = list(searcher.matcher.match(queries, chunk=2))
    for query, together in zip(queries, batch, strict=True):
        (alone,) = searcher.matcher.match([query])
        np.testing.assert_array_equal(together.rows, alone.rows)
        np.testing.assert_allclose(together.features, alone.features, atol=1e-5)


def test_features_by_hand() -> None:
    encoder = HashEncoder(dim=128)
    index = Index.from_parts(ANSWERS, EXAMPLES, encoder)
    question = "How do I wash a down jacket?"
    (match,) = Matcher(index, encoder).match([Query.of(question, given=["wash"])], sayable_only=False)
    row = dict(zip(FEATURES, match.features[match.rows.tolist().index(index.row_of["wash"])], strict=True))
    vectors = encoder.encode([question, index.answers[index.row_of["wash"]].text])
    assert row["dense"] == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-5)
    assert row["near_max"] == row["near_message"] == pytest.approx(1.0, abs=1e-5)
    assert row["lexical_near"] > 0.4
    assert (row["given"], row["last"], row["language"], row["head_log"]) == (1, 1, 1, -10)
    assert row["recency"] == 0.5
    assert row["support"] == pytest.approx(np.log1p(3) / np.log1p(50))
    assert not match.features[:, column("head")].any()


def test_features_of_the_conversation() -> None:
    encoder = HashEncoder(dim=128)
    ended = [Example("bad", 1, "How do I wash a down jacket?", "wash", "train", "en", weight=0.5)] * 5
    index = Index.from_parts(ANSWERS, [*EXAMPLES, *ended], encoder)
    context = "customer: my down soap is gone\nagent: wash it\ncustomer: how?"
    (match,) = Matcher(index, encoder).match(
        [Query.of_context(context, language="en", given=["wash", "delivery"])], sayable_only=False
    )
    rows = {index.answers[row].id: values for row, values in zip(match.rows, match.features, strict=True)}
    texts = {
        answer.id: vector for answer, vector in zip(ANSWERS, encoder.encode([a.text for a in ANSWERS]), strict=True)
    }
    assert rows["wash"][column("lexical")] == 0.0
    assert rows["wash"][column("lexical_context")] > rows["returns"][column("lexical_context")]
    assert rows["wash"][column("given_near")] == pytest.approx(1.0, abs=1e-5)
    nearest = max(float(texts["returns"] @ texts[given]) for given in ("wash", "delivery"))
    assert rows["returns"][column("given_near")] == pytest.approx(nearest, abs=1e-5)
    # Six times given, five of them with an ending of 0.5: the mean is drawn to 0 by five neutral ones.
    assert rows["wash"][column("outcome")] == pytest.approx(-2.5 / 11, abs=1e-5)
    assert rows["returns"][column("outcome")] == 0.0


def test_the_answer_head_speaks_for_its_answers() -> None:
    encoder = HashEncoder(dim=128)
    index = Index.from_parts(ANSWERS, EXAMPLES, encoder)
    dense = np.zeros((2, 128), dtype=np.float32)
    head = LinearHead(("wash", "gone"), dense, None, np.array([2.0, 0.0], dtype=np.float32))
    (match,) = Matcher(index, encoder, answer_head=head).match([Query.of("anything at all")])
    features = match.features[match.rows.tolist().index(index.row_of["wash"])]
    assert features[column("head")] == pytest.approx(np.exp(2) / (np.exp(2) + 1), rel=1e-4)


def test_ranking_of_a_split_is_counted_with_misses() -> None:
    encoder = HashEncoder(dim=128)
    matcher = Matcher(Index.from_parts(ANSWERS, EXAMPLES, encoder), encoder)
    held_out = [
        Example("x", 1, "how long until delivery", "delivery", "test", "en"),
        Example("x", 1, "where is my delivery", "private", "test", "en"),
        Example("x", 1, "how long until delivery", "not in the index", "test", "en"),
    ]
    figures = rank_split(matcher, Ranker.default(), held_out)
    assert figures["careline"].r1 == pytest.approx(2 / 3, abs=1e-3)
    assert figures["careline"].n == figures["bm25"].n == 3
    assert figures["bm25"].r1 <= 2 / 3


def test_what_a_context_asks_last() -> None:
    turns = [("customer", "hi"), ("agent", "hello"), ("customer", "my tent\nis torn"), ("system", "order found")]
    assert message_of(render_context(turns)) == "my tent is torn order found"
    assert message_of(render_context([("customer", "note: alone")])) == "note: alone"
    assert message_of(render_context([("customer", "hi"), ("agent", "hello")])) == "hi"
    assert message_of(render_context([("agent", "hello"), ("customer", "a"), ("agent", "b"), ("agent", "c")])) == "a"
    assert message_of(render_context([("agent", "hello")])) == "hello"
    assert message_of("") == ""


def test_repeated_outcomes_are_counted_and_the_newest_kept() -> None:
    twice = [Example(f"c{i}", 1, "hi", "a", "train", "en", time=float(i)) for i in range(2)]
    rows = logged_of([*twice, Example("c", 1, "hi", "b", "train", "en"), Example("c", 1, " ", "b", "train", "en")])
    assert [(row.answer, row.count, row.conversation) for row in rows] == [("a", 2, "c1"), ("b", 1, "c")]
    assert [e.conversation for e in newest([*twice[::-1], Example("none", 1, "x", "a", "train", "en")], 1)] == ["c1"]


def test_outcomes_by_thresholds() -> None:
    limits = Thresholds(sure=0.6, unsure=0.2, known=0.5)
    assert limits.outcome(known=0.9, best=0.7) == "sure"
    assert limits.outcome(known=0.9, best=0.3) == "unsure"
    assert limits.outcome(known=0.9, best=0.1) == limits.outcome(known=0.4, best=0.9) == "lost"


def test_an_index_of_nothing_is_lost() -> None:
    encoder = HashEncoder(dim=32)
    result = Searcher(Matcher(Index.from_parts([], [], encoder), encoder)).search("delivery?")
    assert (result.outcome, result.hits) == ("lost", ())


def test_examples_of_what_is_out_of_scope_count_against_a_message() -> None:
    encoder = HashEncoder(dim=128)
    strays = [IntentExample("write me a poem about delivery", "out_of_scope", "static", "train", "en")]
    known = []
    for intents in (GREETINGS, [*GREETINGS, *strays]):
        index = Index.from_parts(ANSWERS, EXAMPLES, encoder, intents=intents)
        result = Searcher(Matcher(index, encoder)).search("write a poem about delivery")
        known.append(result.known)
    assert known[1] < known[0]
    assert known[1] < 0.5
    index = Index.from_parts(ANSWERS, EXAMPLES, encoder, intents=strays)
    (match,) = Matcher(index, encoder).match([Query.of("write a poem about delivery")])
    assert match.stray > match.similarity
    assert match.known_words < 1


@pytest.mark.parametrize(
    ("again", "alone"), [("How do I wash it", True), ("wash it how?", True), ("dry it how?", False)]
)
def test_who_asks_the_same_again_gets_the_same_search(again: str, *, alone: bool) -> None:
    turns = [("customer", "how do i wash it?"), ("agent", "By hand."), ("customer", "ok"), ("agent", "Anything else?")]
    query = Query.of(again, turns=turns, given=["wash"])
    assert (query.given == ()) is alone
    assert (query.context == again) is alone
    assert Query.of("ok", turns=turns, given=["wash"]).given == ("wash",)
