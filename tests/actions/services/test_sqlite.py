from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import pytest

from actions.services.database import Database
from actions.services.orders import EXAMPLE, STATUSES, Item, Order, normalise_number
from actions.services.sqlite import KEPT, SqliteOrders

TENT = Order(
    "A-1001", "ada@example.com", "shipped", (Item("Tent", "帐篷", 2),), "DPX", "D1", date(2026, 11, 20), customer="7"
)


@pytest.fixture
def orders(tmp_path: Path) -> SqliteOrders:
    return SqliteOrders(Database(tmp_path / "orders.db"))


@pytest.mark.parametrize("written", ["A-1001", "a1001", "#A 1001", "1001"])
async def test_an_order_is_found_as_it_was_imported_however_its_number_is_written(
    orders: SqliteOrders, written: str
) -> None:
    orders.add([TENT], file="a.csv")
    assert await orders.find(written) == TENT


async def test_a_bare_number_that_two_orders_have_is_none(orders: SqliteOrders) -> None:
    orders.add([TENT, Order("B-1001", "b@example.com", "shipped")], file="a.csv")
    assert await orders.find("1001") is None


async def test_an_example_shows_the_shape_only(orders: SqliteOrders) -> None:
    assert await orders.example() == EXAMPLE
    orders.add([TENT], file="a.csv")
    assert await orders.example() == "A-0000"


async def test_what_is_registered_is_registered_once_and_survives_an_undo(orders: SqliteOrders) -> None:
    orders.add([TENT], file="a.csv")
    first = await orders.register_return(TENT, "too small", key="1")
    assert await orders.register_return(TENT, "too small", key="1") == first
    assert (await orders.change_address(TENT, "1 New Street", key="2")).startswith("A-")
    orders.undo()
    assert await orders.find("A-1001") is None
    assert [row.reference for row in orders.requests.newest(9)][-1] == first


def test_an_import_of_which_one_line_fails_leaves_nothing(orders: SqliteOrders) -> None:
    with pytest.raises(AttributeError):
        orders.add([TENT, None], file="a.csv")  # type: ignore[list-item]
    assert orders.count() == 0
    assert orders.undo() is None


def test_imports_and_undos_agree_with_a_list_of_dicts(orders: SqliteOrders) -> None:
    """The oracle keeps a whole copy of all orders for each import."""
    rng, copies = random.Random(5), [dict[str, Order]()]
    for step in range(120):
        if rng.random() < 0.25:
            done = orders.undo()
            assert (done is None) == (len(copies) == 1)
            copies = copies[:-1] if done else copies
        else:
            numbers = rng.sample(range(30), rng.randint(1, 8))
            rows = [Order(f"A-{n}", "a@example.com", rng.choice(STATUSES)) for n in numbers]
            before, after = copies[-1], {**copies[-1], **{row.number: row for row in rows}}
            done = orders.add(rows, file=f"{step}.csv")
            assert done.new == len(after) - len(before)
            assert done.same == sum(before.get(row.number) == row for row in rows)
            copies = [*copies, after][-KEPT - 1 :]
        assert {row.number: row for row in orders.newest(99)} == copies[-1]


def test_what_cannot_be_undone_any_more_is_not_kept(orders: SqliteOrders, tmp_path: Path) -> None:
    for step in range(3 * KEPT):
        orders.add([Order("A-1", f"{step}@example.com", "shipped")], file=f"{step}.csv")
    counted = Database(tmp_path / "orders.db").do(lambda c: c.execute("SELECT COUNT(*) FROM orders").fetchone()[0])
    assert counted == KEPT + 1
    undone = 0
    while orders.undo():
        undone += 1
    assert undone == KEPT
    assert orders.newest(9) == [Order("A-1", f"{2 * KEPT - 1}@example.com", "shipped")]


def test_of_two_lines_with_one_number_the_later_one_holds(orders: SqliteOrders) -> None:
    done = orders.add([Order("a 1", "x@example.com", "shipped"), Order("A-1", "y@example.com", "shipped")], file="f")
    assert (done.new, orders.count()) == (1, 1)
    assert orders.look_up("A1") == Order("A-1", "y@example.com", "shipped")
    assert normalise_number("a 1") == normalise_number("A-1")


def test_orders_can_be_listed_by_status(orders: SqliteOrders) -> None:
    orders.add([TENT, Order("A-2", "", "returned")], file="f")
    assert [row.number for row in orders.newest(9, status="returned")] == ["A-2"]
    assert len(orders.newest(1)) == 1
