"""How customers sound: a rough lexicon, good enough for comparing groups and weeks, not for judging one message.

English is scored by VADER (Hutto and Gilbert, ICWSM 2014). Chinese has a short list of our own, with negation and
emphasis by neighbouring characters; it knows complaints of customer service, not irony.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal

from data.courtesy import words
from data.errors import InputError

Mood = Literal["positive", "neutral", "negative"]

GOOD, BAD = 0.1, -0.1
"""Bounds of a neutral text, on VADER's compound score of -1..1. Its own are .05, with which "number" is praise."""

_ZH_GOOD = words(
    """谢谢 感谢 多谢 辛苦 满意 喜欢 太好 很好 真好 不错 好评 完美 贴心 及时 耐心 清楚 开心 高兴 惊喜 方便 实用 漂亮
    推荐 给力 太棒 真棒 很棒 好用 靠谱 周到 解决了"""
)
_ZH_BAD = words(
    """差评 投诉 垃圾 骗 坑人 坑爹 失望 生气 气死 愤怒 烦 讨厌 糟糕 太差 很差 真差 态度差 质量差 太慢 很慢 慢死 破了
    坏了 坏的 断了 掉色 开胶 起球 发错 少发 漏发 没收到 没到 还没 丢了 丢件 错的 不对 不行 不满 不好 没用 没人 不理
    退款 退货 推脱 敷衍 欺负 恶心 无语 崩溃 着急 急死 受不了 凭什么 怎么回事 难受 后悔 再也不 最后一次 曝光 举报"""
)
_ZH_NOT = re.compile("(?:不|没|没有|别|不会|不太|不怎么|不用|无需)$")
_ZH_FIND = re.compile("|".join(sorted((re.escape(w) for w in (*_ZH_GOOD, *_ZH_BAD)), key=len, reverse=True)))
_ZH_NEUTRAL = frozenset(("退款", "退货", "还没", "没到", "不用谢"))
"""Words of the business: they weigh half, as most who return something are not angry."""


def mood_of(text: str, language: str) -> Mood:
    """Tells how a customer's message sounds.

    Args:
        text: Redacted.
        language: ``zh``, or any other, which is read as English.

    Raises:
        InputError: The lexicon for English is not installed.
    """
    score = mood_score(text, language)
    return "positive" if score >= GOOD else "negative" if score <= BAD else "neutral"


def mood_score(text: str, language: str) -> float:
    """-1 (angry) to 1 (delighted), 0 for what says nothing; see ``mood_of``.

    Raises:
        InputError: See ``mood_of``.
    """
    return _chinese(text) if language == "zh" else _english(text)


def is_urgent(text: str) -> bool:
    """Whether a message says that it cannot wait, in English or Chinese."""
    return _URGENT.search(text.lower()) is not None


_URGENT = re.compile(
    r"\b(?:urgent(?:ly)?|asap|a\.s\.a\.p|emergency|immediately|right (?:now|away)|straight ?away|as soon as possible|"
    r"(?:need|needs|want|wanted|leaving|leave|due|deadline|by|before|for) (?:\w+ ){0,4}(?:today|tonight|tomorrow)|"
    r"stranded|locked out|deadline|running out of time|can(?:'|’)?t wait|cannot wait|hurry|time[- ]sensitive|"
    r"(?:been |still )waiting (?:for )?(?:\w+ ){0,2}(?:hours?|days?|weeks?|months?)|last chance|critical)\b|"
    r"尽快|盡快|马上|馬上|立刻|立即|赶紧|趕緊|急用|着急|著急|很急|紧急|緊急|加急|等不及|来不及|來不及|"
    r"今天(?:就|之内|之內|必须|必須)(?:要|用)?|明天(?:就|要|之前)"
)


def _chinese(text: str) -> float:
    """Good words less bad ones over their number, -1..1; a negation before a word turns it."""
    total, found = 0.0, 0
    for match in _ZH_FIND.finditer(text):
        word = match.group()
        sign = 1.0 if word in _ZH_GOOD else -0.5 if word in _ZH_NEUTRAL else -1.0
        if word in _ZH_GOOD and _ZH_NOT.search(text[: match.start()]):
            sign = -1.0
        total, found = total + sign, found + 1
    return total / found if found else 0.0


def _english(text: str) -> float:
    return float(_vader().polarity_scores(text)["compound"])


@lru_cache(maxsize=1)
def _vader() -> Any:
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError as error:
        raise InputError(
            "sentiment",
            got="no vaderSentiment",
            expected="the package that scores English",
            next_step="Run `make setup`.",
        ) from error
    return SentimentIntensityAnalyzer()
