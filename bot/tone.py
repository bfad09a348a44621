"""How a customer sounds, for the dialogue: the model's mood of the message, held against the words that show feelings.

The mood head learned from a lexicon and from ratings of whole conversations. About one message it takes bad news for a
bad mood: "the zip is broken" scores .8. So it decides together with words: a feeling that is plainly said counts by
itself, a hint (again, why, exclamation marks) counts where the model agrees, and so does a second message in a row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data.mood import is_urgent

NEGATIVE, VERY, URGENT = 0.5, 0.8, 0.5
"""From these probabilities on the model finds a message negative, very negative, and urgent."""

_PLAIN = re.compile(
    r"\b(?:ridiculous|unacceptable|outrageous|disgrace\w*|disgust\w*|pathetic|appalling|useless|incompetent|rubbish"
    r"|garbage|crap|bullshit|shit\w*|fuck\w*|wtf|liars?|lied to|scammers?|rip-?off|furious|angry|fed up|sick of"
    r"|annoy(?:ed|ing)|frustrat\w+|disappoint\w+|dissatisfied|unhappy|not happy|pissed|livid|nightmare|horrible|awful"
    r"|worst|shame on|how dare|idiots?|stupid|never again|unbelievable|enough of this|are you kidding"
    r"|hell (?:is|are|do|did|was)|the hell|(?:nobody|no one) (?:cares?|answers?|helps?|replies)|what a joke|is a joke"
    r"|waste of (?:time|money)|money back now|stop sending|(?:third|fourth|fifth|tenth|hundredth|3rd|4th|5th) time"
    r"|terrible (?:service|shop|company|quality|experience)|terrible,)\b"
    "|气死|生气|火大|愤怒|恼火|垃圾(?!袋|桶|分类)|废物|骗子|骗我|骗人|坑人|坑爹|失望|差劲|太差|最差|离谱|过分|受够|受不了"
    "|忍无可忍|恶心|无语|破(?:店|服务|公司|玩意|东西)|什么破|太烂|烂透|服了|真蠢|太蠢|智障|有病|去死|差评|投诉你|我要投诉"
    "|不负责任|没人[管理回]|凭什么|再也不(?:来|买|会)|不满|耍我|逗我|敷衍|推脱|气人|糟心|崩溃|丢人|可恶|混蛋|滚|他妈|妈的"
    "|等了.{1,5}[周月天年].{0,4}[，,].{0,8}没|第[三四五六七八九十]次",
    re.IGNORECASE,
)
"""Feelings plainly said."""

_HINT = re.compile(
    r"!{2,}|！{2,}|\?{2,}|？{2,}|\b(?:again|still|already|finally|yet another|why (?:is|are|do|does|did|can't|won't)"
    r"|how (?:long|many times)|nothing (?:happens|happened|works)|for (?:weeks|months|days|a (?:week|month))|never"
    r"|always|joke|hate|bad|promised|demand)\b|killing my"
    "|又|还没|还是|到底|一直|一点.{0,4}没|怎么(?:还|回事)|答应|说好|现在就|立刻给|等了.{1,6}[天周月]|勒死|为什么",
    re.IGNORECASE,
)
"""What angry customers write, and others too."""

_KIND = re.compile(
    r"\b(?:sorry(?! to)|no (?:problem|worries|hurry|rush)|thanks?|thank you|just kidding|hate to bother|love|please)\b"
    r"|不好意思|没问题|没关系|谢谢|不急|慢慢来|不着急|喜欢",
    re.IGNORECASE,
)
_NO_HURRY = re.compile(
    r"\b(?:no|not|isn't|don't|never) (?:\w+ )?(?:hurry|rush|urgent|time pressure)\b"
    r"|whenever you (?:can|have|like)|take your time"
    r"|不(?:着?急|急|赶)|不用(?:着急|急|赶)|慢慢来|有空再",
    re.IGNORECASE,
)
_HURRY = re.compile(
    r"\b(?:urgent(?:ly)?|asap|immediately|hurry|can'?t wait|cannot wait|quickly|right away|emergency|stranded)\b"
    r"|快点|尽快|马上|立刻|立即|赶紧|很急|真的急|急用|加急|等不及|来不及|求快|必须拿到",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Tone:
    """How a message sounds.

    Attributes:
        upset: The customer is displeased with the shop, and shows it.
        very: Very much so.
        urgent: The matter cannot wait.
    """

    upset: bool = False
    very: bool = False
    urgent: bool = False

    def to_json(self) -> dict[str, bool]:
        """As a plain dict."""
        return {"upset": self.upset, "very": self.very, "urgent": self.urgent}


def tone_of(text: str, mood: Mapping[str, Any] | None, *, before: Mapping[str, Any] | None = None) -> Tone:
    """The tone of a message.

    Args:
        text: What the customer wrote.
        mood: The model's probabilities ``negative`` and ``urgent``; None without a mood head.
        before: The same of the customer's message before.
    """
    negative = float((mood or {}).get("negative", 0.0))
    bad_before = float((before or {}).get("negative", 0.0)) >= VERY
    plain, hints = len(_PLAIN.findall(text)), len(_HINT.findall(text))
    agreed = negative >= NEGATIVE and not _KIND.search(text) and (hints > 0 or bad_before)
    upset = plain > 0 or agreed
    very = upset and (plain > 1 or (plain > 0 and (negative >= VERY or hints > 0 or _shouts(text))))
    return Tone(upset, very, _is_urgent(text, float((mood or {}).get("urgent", 0.0))))


def _shouts(text: str) -> bool:
    words = re.findall(r"[A-Za-z]{3,}", text)
    return bool(sum(word.isupper() for word in words) > max(1, len(words) // 2))


def _is_urgent(text: str, probability: float) -> bool:
    if _NO_HURRY.search(text):
        return False
    return bool(_HURRY.search(text)) or (probability >= URGENT and is_urgent(text))
