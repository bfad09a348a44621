from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from actions.services.orders import SAMPLE_ORDERS, Item, Order
from actions.services.table import read_table
from data.errors import InputError

ENGLISH = """Number,Email,Status,Items,Carrier,Expected,Price
A-1,ada@example.com,Shipped,2 x Tent; Peg,DPX,2026-11-30,99
"A-2","b@example.com",delivered,"Stove, small",,,
"""
CHINESE = "订单号;状态;邮箱;商品\nA-1;已发货;ada@example.com;帐篷；2×地钉\n"


def write(tmp_path: Path, content: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "orders.csv"
    path.write_bytes(content.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_table_is_read_whatever_the_order_of_its_columns(tmp_path: Path, encoding: str) -> None:
    first, second = read_table(write(tmp_path, ENGLISH, encoding))
    items = (Item("Tent", None, 2), Item("Peg"))
    assert first == Order("A-1", "ada@example.com", "shipped", items, "DPX", expected=date(2026, 11, 30))
    assert second == Order("A-2", "b@example.com", "delivered", (Item("Stove, small"),))


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_chinese_table_is_read_too(tmp_path: Path, encoding: str) -> None:
    items = (Item("帐篷"), Item("地钉", None, 2))
    assert read_table(write(tmp_path, CHINESE, encoding)) == [Order("A-1", "ada@example.com", "shipped", items)]


def test_json_lines_are_read_too() -> None:
    assert len(read_table(SAMPLE_ORDERS)) == 40


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("number,email\nA-1,a@example.com\n", r"line 1: got no column 'status'"),
        ("", "line 1: got no column 'number'"),
        ("number,email,status\n", "no orders"),
        ("number,email,status\nA-1,a@example.com,lost\n", "line 2: got status 'lost'"),
        ("number,email,status\nA-1,a@example.com,shipped\n,b@example.com,shipped\n", "line 3: got no number"),
        ("number,email,status\nA-1,,shipped\n", "line 2: got no email"),
        ("number,email,status,expected\nA-1,a@example.com,shipped,30.11.2026\n", "expected is no day"),
        ('number,email,status\n"A-1,a@example.com,shipped\n', "unexpected end"),
    ],
)
def test_a_broken_table_is_named_with_its_line(tmp_path: Path, content: str, named: str) -> None:
    with pytest.raises(InputError, match=named):
        read_table(write(tmp_path, content))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_table(tmp_path / "none.csv")
