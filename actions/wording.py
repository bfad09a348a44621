"""Small pieces of replies that depend on an order: lists, dates, carriers. Whole replies are in ``domain.yml``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from actions.services.orders import Item, Order


def join_items(items: Sequence[Item], language: str) -> str:
    """Lists what was bought; never empty."""
    zh = language == "zh"
    if not items:
        return "商品" if zh else "your items"
    names = [(item.name_zh or item.name) if zh else item.name for item in items]
    counted = [
        f"{item.quantity} × {name}" if item.quantity > 1 else name for item, name in zip(items, names, strict=True)
    ]
    return ("、" if zh else ", ").join(counted)


def say_date(day: date, language: str) -> str:
    """A day as people say it."""
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {day:%B} {day.year}"


def describe(order: Order, language: str) -> str:
    """What is known beyond the status, as sentences that follow it; empty when nothing is."""
    zh = language == "zh"
    said = []
    if order.status == "shipped" and order.carrier and order.tracking:
        known = (order.carrier, order.tracking)
        said.append("由{}承运，运单号 {}。".format(*known) if zh else " It travels with {}, number {}.".format(*known))
    if order.status in ("processing", "shipped") and order.expected:
        day = say_date(order.expected, language)
        said.append(f"预计 {day} 送达。" if zh else f" It should arrive by {day}.")
    if order.status == "delivered" and order.expected:
        day = say_date(order.expected, language)
        said.append(f"送达日期是 {day}。" if zh else f" That was on {day}.")
    return "".join(said)
