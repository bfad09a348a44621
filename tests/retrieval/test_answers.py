from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import InputError
from data.records import write_rows
from data.schema import Answer
from retrieval.answers import AnswerBook, has_placeholder, is_sayable

SAYABLE = Answer("a", "We deliver within 3 days: see <https://shop.example/delivery>, from $20 (20 < 30).", "en")


@pytest.mark.parametrize(
    "text",
    [
        "Hi <NAME_1>!",
        "Hello {name}",
        "Dear [NAME],",
        "Order [order_number]",
        "__NAME__",
        "%(name)s",
        "您好<姓名>",
        "$name",
    ],
)
def test_placeholders_are_seen(text: str) -> None:
    assert has_placeholder(text)


@pytest.mark.parametrize("text", [SAYABLE.text, "a < b and c > d", "I <3 tents", "[sic]", "5 %", "退货需要7天。"])
def test_plain_text_is_not_taken_for_a_placeholder(text: str) -> None:
    assert not has_placeholder(text)


_SLOT = st.from_regex(r"<[A-Z]{2,10}(_[0-9]{1,3})?>|\{[a-z_]{1,12}\}|\[[A-Z]{2,10}(_[0-9])?\]", fullmatch=True)


@given(before=st.text(max_size=40), slot=_SLOT, after=st.text(max_size=40))
def test_no_answer_with_an_unfilled_placeholder_is_ever_sayable(before: str, slot: str, after: str) -> None:
    answer = Answer("x", before + slot + after, "en", reusable=True)
    assert not is_sayable(answer)
    assert AnswerBook([answer]).sayable("x") is None


def test_the_book_says_only_what_is_reusable(tmp_path: Path) -> None:
    private, empty = Answer("b", "Your parcel is in Leeds.", "en", reusable=False), Answer("c", "  ", "en")
    write_rows(tmp_path / "answers.jsonl", [SAYABLE, private, empty])
    book = AnswerBook.load(tmp_path / "answers.jsonl")
    assert list(book) == [SAYABLE, private, empty]
    assert (book.get("b"), book.sayable("b"), book.sayable("c"), book.sayable("none")) == (private, None, None, None)
    assert book.sayable("a") == SAYABLE
    assert "b" in book
    assert "none" not in book


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    write_rows(path, [SAYABLE])
    path.write_text(path.read_text() + '{"id": 1}\n')
    with pytest.raises(InputError, match=r"answers\.jsonl line 2"):
        AnswerBook.load(path)
    with pytest.raises(InputError, match="absent"):
        AnswerBook.load(tmp_path / "absent.jsonl")
