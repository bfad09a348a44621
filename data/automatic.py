"""What no person wrote at that moment: automatic replies of mail and help desks, and agents' saved macros."""

from __future__ import annotations

import re
from collections.abc import Mapping

MACRO_USES = 5
"""How often the same longer wording must be said, letter by letter, to have been saved and not typed."""

MACRO_LENGTH = 60
"""Characters (a third as many Chinese ones): "Thank you very much" is said by heart."""

_AUTOMATIC = re.compile(
    r"\b(?:out of (?:the )?office|auto(?:matic|mated)?[ -]?(?:reply|response|generated|message|e-?mail|"
    r"acknowledge?ment)|"
    r"this is an auto\w*|this (?:message|e-?mail|mailbox|inbox) (?:was|is|has been) (?:sent |generated |"
    r"created |not )?"
    r"(?:automatically|monitored|unattended)|do[- ]?not[- ]?reply|no[- ]?reply e?-?mail|automatically generated|"
    r"i am (?:currently )?(?:on (?:annual |sick |parental |maternity )?leave|on (?:vacation|holiday)|"
    r"away from (?:my desk|the "
    r"office))|with limited access to (?:my )?e-?mail|i will be back on|mail delivery (?:failed|subsystem)|"
    r"undeliverable|"
    r"delivery status notification|(?:your|this) (?:request|ticket|case|message|enquiry|"
    r"inquiry) (?:has been received|was "
    r"received)(?: and)?|we have received your (?:request|message|enquiry|inquiry|e-?mail|ticket)|"
    r"you are number \d+ in (?:the |our )?queue|all (?:of )?our (?:agents|representatives|"
    r"advisors) are (?:currently )?busy|"
    r"(?:chat|conversation|session) (?:has been |was |is )?(?:closed|ended) (?:due to|because of|by the system)|"
    r"rate (?:this|our) (?:chat|conversation|service) from)\b|"
    r"自动回复|自動回覆|自動回復|自动应答|自動應答|系统消息|系統訊息|系统提示|系統提示|系统自动|系統自動|"
    r"此(?:邮件|郵件|消息|訊息)[^。]{0,8}(?:自动|自動)|"
    r"请勿(?:直接)?回复|請勿(?:直接)?回覆|(?:当前|目前|現在|现在)?排队人数|前面(?:还有|還有)\d+(?:位|人)|"
    r"(?:正在|已)为您(?:接入|转接)人工|"
    r"会话(?:已|超时|结束)|會話(?:已|超時|結束)|(?:不在|离开|離開)(?:办公室|辦公室|座位)|休假中|"
    r"(?:已收到您的(?:邮件|来信|留言|请求))|已收到您的(?:郵件|來信|請求)|"
    r"请对(?:本次|我的)服务(?:进行)?评价|請對(?:本次|我的)服務(?:進行)?評價",
    re.IGNORECASE,
)


def is_automatic(text: str) -> bool:
    """True for a message that a machine wrote: out of office, "we have received your request", 自动回复.

    Args:
        text: Normalised. Only the beginning is read (a person may quote such a mail further down).
    """
    return bool(_AUTOMATIC.search(text[:400]))


def find_macros(wordings: Mapping[str, int]) -> frozenset[str]:
    """Wordings that agents keep and paste: long enough, and the same to the letter in many conversations.

    Args:
        wordings: Text as the agent sent it, without its salutation, to the number of conversations it was sent in.
    """
    return frozenset(text for text, count in wordings.items() if count >= MACRO_USES and _weight(text) >= MACRO_LENGTH)


def _weight(text: str) -> int:
    """Characters, a Chinese one counted three times."""
    return sum(3 if "\u3400" <= character <= "\u9fff" else 1 for character in text)
