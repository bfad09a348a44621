"""A table of orders, as a shop's system exports it: CSV with a header, or JSON lines."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

from actions.services.orders import STATUSES, Order, order_from, read_orders
from data.errors import InputError
from data.readers.encoding import detect_encoding

NEEDED = ("number", "email", "status")
COLUMNS = (*NEEDED, "items", "carrier", "tracking", "ordered", "expected", "returnable_until", "customer")
CHINESE = {
    "订单号": "number", "邮箱": "email", "状态": "status", "商品": "items", "承运商": "carrier", "运单号": "tracking",
    "下单日期": "ordered", "预计送达": "expected", "退货截止": "returnable_until", "客户号": "customer",
}  # fmt: skip
STATUSES_ZH = {
    "处理中": "processing", "备货中": "processing", "已发货": "shipped", "运输中": "shipped", "已送达": "delivered",
    "已签收": "delivered", "已取消": "cancelled", "已退货": "returned",
}  # fmt: skip

_COUNTED = re.compile(r"(?P<count>[1-9]\d{0,3})\s*(?:[x*]\s+|×\s*)(?P<name>.+)", re.IGNORECASE)


def read_table(path: Path) -> list[Order]:
    """Reads all orders of a file.

    Args:
        path: ``.jsonl`` with an order a line, or else CSV whose header names ``COLUMNS``, in English or Chinese, in any
            order; other columns are left aside. Items are separated by ``;``, with a count as ``2 x Tent``.

    Raises:
        InputError: The file cannot be read, a column is missing, or a line is no order. Nothing was imported then.
    """
    if path.suffix.lower() == ".jsonl":
        return read_orders(path)
    rows = _rows(path)
    try:
        columns = _columns(path, next(rows, []))
        orders = [_order(path, rows.line_num, row, columns) for row in rows if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise _wrong(f"{path}, line {rows.line_num}", str(error), "a line of CSV") from error
    if not orders:
        raise _wrong(str(path), "no orders", "a header and a line for each order")
    return orders


def _rows(path: Path) -> Any:
    try:
        content = path.read_bytes()
        encoding = detect_encoding(path, content, whole=True)
        text = content.decode(encoding)
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(str(path), str(error), "a CSV file of orders") from error
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    return csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)


def _columns(path: Path, header: list[str]) -> dict[str, int]:
    names = [cell.strip().lower().replace(" ", "_") for cell in header]
    names = [CHINESE.get(name, name) for name in names]
    for name in NEEDED:
        if name not in names:
            expected = f"a header with {', '.join(NEEDED)} and perhaps {', '.join(COLUMNS[3:])}"
            raise _wrong(f"{path}, line 1", f"no column {name!r}", expected)
    return {name: names.index(name) for name in COLUMNS if name in names}


def _order(path: Path, line: int, row: list[str], columns: dict[str, int]) -> Order:
    cells = {name: row[place].strip() for name, place in columns.items() if place < len(row)}
    values: dict[str, Any] = {name: cell for name, cell in cells.items() if cell}
    status = str(values.get("status", "")).lower()
    values["status"] = STATUSES_ZH.get(status, status)
    values["items"] = [_item(text.strip()) for text in re.split("[;；]", cells.get("items", "")) if text.strip()]
    try:
        for name in ("number", "email"):
            if name not in values:
                raise ValueError(f"no {name}")
        return order_from(values)
    except ValueError as error:
        expected = f"an order with number, email, a status ({', '.join(STATUSES)}) and days like 2026-11-30"
        raise _wrong(f"{path}, line {line}", str(error), expected) from error


def _item(text: str) -> dict[str, Any]:
    match = _COUNTED.fullmatch(text)
    return {"name": match["name"], "quantity": int(match["count"])} if match else {"name": text}


def _wrong(thing: str, got: str, expected: str) -> InputError:
    return InputError(thing, got=got, expected=expected, next_step="Mend the file and import it again.")
