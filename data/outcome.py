"""How a conversation ended, and how much its answers count for that.

Most logs do not say whether the customer was helped; the customer's last words often do.
"""

from __future__ import annotations

import re
from typing import Literal

from data.schema import Conversation

Ending = Literal["resolved", "escalated", "abandoned"]

RESOLVED, ESCALATED, ABANDONED = 1.25, 0.6, 0.8
"""Weights by ending. Small on purpose: an agent's good answer is found in escalated conversations too, and a weight of
zero would throw away what only difficult customers ask. The span from 0.6 to 1.25 makes a resolved conversation count
about twice an escalated one."""

RATED_LOW, RATED_HIGH = 0.5, 1.5
"""Weights of a rating of 0 and of 1; a rating outweighs the ending, since it is the customer's own word."""

LAST_WORDS = 2
"""How many of the customer's last messages are read; thanks in the middle are a courtesy."""

_THANKS = re.compile(
    r"\b(?:thank(?:s| you| u)?|thx|tysm|ty|cheers|appreciate(?:d)?|perfect|brilliant|awesome|excellent|great|lovely|"
    r"wonderful|fantastic)\b|\b(?:that|it) (?:works|worked|helps|helped|solved|did it|fixed)\b|\b(?:works|"
    r"working|sorted|"
    r"solved|fixed) (?:now|again)\b|\bproblem solved\b|谢谢|多谢|感谢|謝謝|感謝|谢啦|太好了|解决了|解決了|"
    r"搞定了|可以了|好用了|收到了，"
)
_COMPLAINT = re.compile(
    r"\b(?:useless|ridiculous|unacceptable|disgusting|disgraceful|terrible|awful|horrible|worst|pathetic|joke|"
    r"appalling|"
    r"shocking|rude|liars?|scam|fed up|waste of (?:time|money)|never (?:again|buying|using|shopping)|"
    r"not (?:happy|good enough|"
    r"acceptable|helpful|solved|working|fixed)|still (?:not|no|broken|waiting|doesn't|don't|hasn't|haven't|"
    r"isn't|won't|can't)|"
    r"no (?:help|thanks to you)|didn't (?:help|work)|does(?:n't| not) (?:help|work)|speak to (?:a|"
    r"your) (?:manager|human|person|"
    r"supervisor)|lawyer|trading standards|chargeback)\b|\bthanks for nothing\b|"
    r"投诉|投訴|差评|差評|太差|垃圾|骗子|騙子|没用|沒用|没解决|沒解決|还是不行|還是不行|还没|還沒|失望|气死|"
    r"氣死|再也不|什么态度|什麼態度|找你们领导|退钱|退錢|曝光|消协|12315"
)
_HANDED_OVER = re.compile(
    r"\b(?:transfer(?:ring|red)? you|pass(?:ing|ed)? (?:you|this) (?:on )?to|escalat(?:e|ed|ing)|"
    r"connect(?:ing)? you (?:to|with)|"
    r"(?:colleague|specialist|manager|supervisor) will (?:take over|call|contact))\b|转接|轉接|转给|轉給|"
    r"升级处理|升級處理|已升级|已升級"
)


def detect_ending(conversation: Conversation) -> Ending | None:
    """How it ended, by the log or else by the last words; None when nothing tells.

    A complaint among the customer's last words means more than a thank-you beside it ("thanks for nothing"); handing
    over means escalated, whatever was said after it.
    """
    if conversation.ending in ("resolved", "escalated", "abandoned"):
        return conversation.ending  # type: ignore[return-value]  # narrowed by the line above
    customers = [m.text for m in conversation.messages if m.role == "customer"][-LAST_WORDS:]
    agents = [m.text for m in conversation.messages if m.role == "agent"][-LAST_WORDS:]
    if any(_HANDED_OVER.search(text.lower()) for text in agents):
        return "escalated"
    if len(customers) == 1 and len(conversation.messages) <= LAST_WORDS:
        return None  # a question and its answer: the thanks in the question are no verdict
    last = " ".join(customers).lower().replace("’", "'")
    if _COMPLAINT.search(last):
        return "escalated"
    return "resolved" if _THANKS.search(last) else None


def outcome_weight(conversation: Conversation) -> float:
    """How much the answers of a conversation count in training, 0.5..1.5; 1.0 when nothing is known."""
    if conversation.satisfaction is not None:
        rating = min(1.0, max(0.0, conversation.satisfaction))
        return RATED_LOW + (RATED_HIGH - RATED_LOW) * rating
    weights = {"resolved": RESOLVED, "escalated": ESCALATED, "abandoned": ABANDONED}
    ending = detect_ending(conversation)
    return weights[ending] if ending else 1.0
