"""Small pieces of replies that depend on an order: lists, dates, carriers. Whole replies are in ``domain.yml``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from actions.services.orders import Order


def join_items(items: Sequence[str], language: str) -> str:
    """Lists what was bought; never empty."""
    if not items:
        return "商品" if language == "zh" else "your items"
    return ("、" if language == "zh" else ", ").join(items)


def say_date(day: str, language: str) -> str:
    """An ISO 8601 day as people say it; what is no day is said as it stands."""
    try:
        parsed = date.fromisoformat(day[:10])
    except ValueError:
        return day
    if language == "zh":
        return f"{parsed.year}年{parsed.month}月{parsed.day}日"
    return f"{parsed.day} {parsed:%B} {parsed.year}"


def describe(order: Order, language: str) -> str:
    """What is known beyond the status, as sentences that follow it; empty when nothing is."""
    zh = language == "zh"
    sentences = []
    if order.status == "shipped" and order.carrier and order.tracking:
        known = (order.carrier, order.tracking)
        sentences.append(
            "由{}承运，运单号 {}。".format(*known) if zh else " It travels with {}, number {}.".format(*known)
        )
    if order.status in ("processing", "shipped") and order.expected:
        day = say_date(order.expected, language)
        sentences.append(f"预计 {day} 送达。" if zh else f" It should arrive by {day}.")
    if order.status == "delivered" and order.delivered:
        day = say_date(order.delivered, language)
        sentences.append(f"送达日期是 {day}。" if zh else f" That was on {day}.")
    return "".join(sentences)
