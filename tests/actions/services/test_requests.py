from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from actions.services.database import Database
from actions.services.requests import LETTERS, LocalRequests


@pytest.fixture
def requests(tmp_path: Path) -> LocalRequests:
    return LocalRequests(Database(tmp_path / "requests.db"), clock=lambda: 1_700_000_000.0)


async def test_a_ticket_is_kept_with_all_that_was_said(requests: LocalRequests) -> None:
    reference = await requests.open("complaint", "The tent leaks.", "ada@example.com", key="k")
    (row,) = requests.newest(10)
    assert (row.reference, row.kind, row.text, row.contact, row.at) == (
        reference, "complaint", "The tent leaks.", "ada@example.com", 1_700_000_000.0,
    )  # fmt: skip
    assert reference.startswith("C-")
    assert len(reference) == 10


async def test_the_same_key_is_registered_once_even_at_the_same_time(requests: LocalRequests) -> None:
    told = await asyncio.gather(*(requests.open("message", "Call me.", "", key="k") for _ in range(8)))
    assert len(set(told)) == 1
    assert len(requests.newest(10)) == 1


async def test_the_same_return_said_twice_is_one_and_another_reason_is_another(requests: LocalRequests) -> None:
    first = await requests.register("return", "Too  small", number="A-1", key="1")
    assert await requests.register("return", "too small", number="A-1", key="2") == first
    assert await requests.register("return", "broken", number="A-1", key="3") != first
    assert await requests.register("return", "too small", number="A-2", key="4") != first
    assert await requests.register("address", "too small", number="A-1", key="5") != first


async def test_an_address_that_comes_back_is_a_change_of_its_own(requests: LocalRequests) -> None:
    told = [await requests.register("address", text, number="A-1", key=text + str(n)) for n, text in enumerate("xxyx")]
    assert told[0] == told[1]
    assert len(set(told)) == 3
    assert [row.text for row in requests.newest(10)] == ["x", "y", "x"]


async def test_two_customers_with_the_same_complaint_are_two(requests: LocalRequests) -> None:
    assert await requests.open("complaint", "Late!", "", key="1") != await requests.open(
        "complaint", "Late!", "", key="2"
    )


async def test_another_process_sees_it(requests: LocalRequests, tmp_path: Path) -> None:
    reference = await requests.open("message", "Hello", "", key="k")
    again = LocalRequests(Database(tmp_path / "requests.db"))
    assert await again.open("message", "Hello", "", key="k") == reference


def test_every_kind_has_a_letter_of_its_own() -> None:
    assert len(set(LETTERS.values())) == len(LETTERS)
