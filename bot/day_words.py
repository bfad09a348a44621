"""Days in words that Duckling does not know, as dates or words that it knows. What they mean depends on today."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache

from bot.rewriting import Rule

_MANY = "零一二三四五六七八九十"
_COUNT = r"(\d{1,3}|[一二两三四五六七八九]?十[一二三四五六七八九]?|[一二两三四五六七八九]|半)"
_WEEK = r"(?:周|星期|礼拜)"


@lru_cache(maxsize=4)
def english_days(today: date) -> tuple[Rule, ...]:
    """Rules for English, as said on a day."""
    saturday = today + timedelta(days=5 - today.weekday() + 7)
    weekend = f"from {saturday.isoformat()} to {(saturday + timedelta(days=1)).isoformat()}"
    return (
        (re.compile(r"\b(20\d\d)/(\d{1,2})/(\d{1,2})\b"), r"\1-\2-\3"),
        (re.compile(r"\b(\d{1,2})\.(\d{1,2})\.(20\d\d)\b"), r"\1/\2/\3"),
        (re.compile(r"\b(0?[1-9]|1[0-2])/(1[3-9]|2\d|3[01])\b"), r"\2/\1"),  # the United States' order, where certain
        (re.compile(r"\bnew year(?!['’]?s)\b", re.IGNORECASE), "New Year's Day"),
        (re.compile(r"\bnext weekend\b", re.IGNORECASE), weekend),
    )


@lru_cache(maxsize=4)
def chinese_days(today: date) -> tuple[Rule, ...]:
    """Rules for Chinese, as said on a day. Weeks begin on Monday: 上周二 is the Tuesday of the week before."""
    return (
        (re.compile(r"大前天"), "三天前"),
        (re.compile(r"大后天"), "三天后"),
        (re.compile(r"([今明昨])([早晚])(?![上])"), r"\1天\2上"),
        (re.compile(rf"([上下本这])(?:一)?个?{_WEEK}([一二三四五六日天])(?!个)"), _weekday(today)),
        (re.compile(rf"{_COUNT}个?{_WEEK}(?:之|以)?([前后])"), lambda m: f"{round(7 * _number(m[1]))}天{m[2]}"),
        (re.compile(rf"{_COUNT}个月(?:之|以)?([前后])"), _months(today)),
        (re.compile(rf"{_COUNT}年(?:之|以)?([前后])"), _years(today)),
        (re.compile(r"(?<![\d一二三四五六七八九十个上下这本])(?:这个)?月([初底末])"), _month_end(today)),
        (re.compile(r"(?:这个?|本)月(?!\d)"), "这月"),
        (re.compile(rf"过{_COUNT}天"), r"\1天后"),
        (re.compile(r"前年"), f"{today.year - 2}年"),
        *_FESTIVALS,
        (re.compile(r"黑(?:色星期)?五"), _said(_black_friday(today.year))),
        (re.compile(r"(?<!\d)(20\d\d)[/.](\d{1,2})[/.](\d{1,2})(?!\d)"), r"\1年\2月\3号"),
        (re.compile(rf"(?<![\d.])(\d{{1,2}})[./](\d{{1,2}})(?=号|日|{_THEN})"), r"\1月\2号"),
        (re.compile(r"(?<!\d)([012]\d)年"), r"20\1年"),
        (re.compile(r"(\d{1,2}月)(\d{1,2})[日号]?([到至~～—–-]+)(\d{1,2})([日号])"), r"\1\2号\3\1\4号"),
        (re.compile(r"(?<=[\d一二三四五六七八九十])日(?![元圆])"), "号"),  # Duckling reads 日下 as the next day
        (re.compile(r"(?<=号)(?:之前|以前|之后|以后|前|后)"), ""),
    )


_THEN = r"下单|买|购|签收|发货|到货|收到|寄|付"
_FESTIVALS: tuple[Rule, ...] = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"平安夜", "12月24日"),
        (r"圣诞节?", "12月25日"),
        (r"五一(?:劳动节)?(?!起)|劳动节", "5月1日"),
        (r"十一(?=假期|黄金周|期间|那天|放假)|国庆节?", "10月1日"),
        (r"双(?:12|十二)", "12月12日"),
        (r"618(?=[买那下大活])", "6月18日"),
        (r"清明(?!节)", "清明节"),
        (r"元旦节?", "1月1日"),
    )
)


def _number(said: str) -> float:
    if said.isdigit():
        return int(said)
    if said == "半":
        return 0.5
    tens, ten, ones = said.replace("两", "二").rpartition("十")
    return 10 * (_MANY.index(tens) if tens else 1) * bool(ten) + (_MANY.index(ones) if ones else 0)


def _said(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}号"


def _weekday(today: date) -> Callable[[re.Match[str]], str]:
    def put(match: re.Match[str]) -> str:
        weekday = "一二三四五六日".index(match[2].replace("天", "日"))
        offset = {"上": -7, "下": 7}.get(match[1], 0)
        return _said(today + timedelta(days=offset + weekday - today.weekday()))

    return put


def _months(today: date) -> Callable[[re.Match[str]], str]:
    def put(match: re.Match[str]) -> str:
        sign, number = (-1 if match[2] == "前" else 1), _number(match[1])
        day = shifted(today, sign * int(number))
        return _said(day if number == int(number) else day + timedelta(days=15 * sign))

    return put


def _years(today: date) -> Callable[[re.Match[str]], str]:
    def put(match: re.Match[str]) -> str:
        sign, number = (-1 if match[2] == "前" else 1), _number(match[1])
        return _said(shifted(today, sign * round(12 * number)))

    return put


def _month_end(today: date) -> Callable[[re.Match[str]], str]:
    last = calendar.monthrange(today.year, today.month)[1]
    return lambda match: _said(today.replace(day=1 if match[1] == "初" else last))


def shifted(day: date, months: int) -> date:
    """The same day so many months later, or the month's last where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return day
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _black_friday(year: int) -> date:
    """The day after November's fourth Thursday."""
    first = date(year, 11, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 22)
