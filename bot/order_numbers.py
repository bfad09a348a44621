"""Order numbers in a message: digits that the words around them do not make something else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.mention import Mention

_NUMBER = re.compile(
    r"(?<![A-Za-z0-9@.,:/+_-])(?P<sign>#\s?)?(?P<prefix>[A-Za-z]{1,4}-?|)(?P<digits>\d{3,12})"
    r"(?![A-Za-z0-9@_%]|[.,:/-]\d|-[A-Za-z])"
)
_LOOSE = re.compile(r"(?<![A-Za-z0-9@.])#?([A-Za-z]{0,4}[- ]?\d[\d -]{1,14}\d)(?![A-Za-z0-9@])")
_YEAR = re.compile(r"(?:19|20)\d\d")

_SAYS_ORDER = re.compile(
    r"(?:\b(?:orders?|order\s+(?:number|no|nr|id|numbers)|ordered under|po|confirmation(?: says)?)[\s.:#]*"
    r"(?:is\s+|it'?s\s+|was\s+|says\s+)?"
    r"|(?:订单|(?<!工)(?<!快递)(?<!运)(?<!物流)单|订单编)(?:号码|号|ID)?[\s:：是为]*)"
    r"(?:[A-Za-z#-]*\d+\s*(?:and|or|,|&|和|、|与)\s*)*$",
    re.IGNORECASE,
)
"""Right before a number: it is an order's, however short, and even where it looks like a year."""

_COUNTS_ORDER = re.compile(r"\border(?:ed)?\s*$", re.IGNORECASE)


def _one_of(words: str) -> str:
    """A pattern of alternatives, divided by white space; ``_`` stands for a blank."""
    return "|".join(word.replace("_", r"\s?") for word in words.split())


_OTHER_THINGS = _one_of(
    """phone mobile tel cell call_me reach_me fax whatsapp zip zip_code post_code postal postal_code code pin password
    card tracking courier courier's awb model serial article item part sku ean isbn asin barcode version ios android
    error customer member account iban invoice ticket case ref voucher coupon gift flat apartment room suite
    number_on street avenue road exit unit floor box zone iso din qq ends?_in ending ending_in live_at"""
)
_OTHER_THINGS_ZH = _one_of(
    """电话 手机 座机 号码打 传真 邮编 邮政编码 快递单号 快递 运单号? 物流单号 验证码 优惠码 密码 尾号 卡号 型号 货号
    款号 序列号 配件 条形码 条码 会员号? 账号 帐号 工单 工号 微信号? QQ号? 错误码? 房间 室 弄 防水 发到.{0,12} 身份证"""
)
_SOMETHING_ELSE = re.compile(
    rf"(?:\b(?:{_OTHER_THINGS}|returns?(?=\s+(?:number|no|nr|id|code|label)\b)|(?:ship|send|deliver)\w*\s(?:\w+\s)?to\b.{{0,60}})|{_OTHER_THINGS_ZH})"
    r"(?:\s+(?:number|no\.?|nr\.?|id|code|is|in|at|on|号))*[\s.:#是为号=-]*$",
    re.IGNORECASE,
)
"""Right before a number: it is another thing's."""

_UNITS = _one_of(
    r"""mm cm m km ml l g kg lb oz w mah lumens? lm lit\w* gram\w* met\w+ percent people times items? pieces? pairs?
    tents? pegs years? weeks? days? minutes? hours? yen euros? dollars? pounds? usd eur gbp tent_pegs
    on_the_main_road"""
)
_UNITS_ZH = _one_of(
    """毫米 厘米 米 公里 公斤 斤 克 升 毫升 流明 瓦 毫安 码 个 件 双 根 顶 只 条 套 人 块 元 年 月 日 号楼 室 房 楼 栋
    度 次 天 分钟 小时 欧 美 日元 人民币"""
)
_THEN_A_UNIT = re.compile(
    rf"\s*(?:{_UNITS})\b|\s*[€$£¥]|\s+[A-Z][a-z]+\s+(?:street|st|road|rd|avenue|ave|lane)\b|\s*(?:{_UNITS_ZH})",
    re.IGNORECASE,
)
_OWN_NAME = re.compile(r"(?:[A-Z][a-z]+\s+){2,}$")
_PART_OF_MORE = re.compile(r"(?:\d|\))[ -]$")
_MORE_FOLLOWS = re.compile(r"[ -]\d{2,}(?![\d.,])(?!\s*[A-Za-z])")
"""Groups of digits beside each other are a phone's, a bank's or a parcel's number."""

_MEANT = re.compile(
    r"\b(?:i mean(?:t)?|meant|sorry|wrong number|right one|correct (?:one|number)|not that|rather|instead)\b"
    r"|不对|说错|写错|应该是|我说的是|不是|更正",
    re.IGNORECASE,
)

_IS_NOT = re.compile(
    r"(?:\b(?:not|isn['’]?t)|不是|并非)\s*(?:(?:the|for|order|number|no\.|订单号?|单号)\s*)*[#:：]?\s*$", re.IGNORECASE
)
"""Right before a number: it is the one that is not meant."""

AROUND = 80
"""Characters before and after a number that say what it is; more would make long texts slow."""


def find_order_numbers(text: str, *, asked: bool = False, named_only: bool = False) -> list[Mention]:
    """Finds order numbers.

    Args:
        text: Without e-mail addresses.
        asked: Whether it was just asked for: an answer may be shorter, hold blanks, or look like a year.
        named_only: Leave out digits alone, unless the text calls them an order's: an address was asked for, say.

    Returns:
        In the order of the text; after "no, I meant", or beside "not 4711", the one that is meant stands first.
    """
    found = list(_found(text, asked=asked, named_only=named_only))
    if not found and asked and (loose := _LOOSE.search(text)):
        found = [Mention("order_number", re.sub(r"\s", "", loose.group(1)).upper(), *loose.span())]
    meant = [m for m in found if not _IS_NOT.search(text[max(0, m.start - AROUND) : m.start])]
    if meant and len(meant) < len(found):
        return meant + [m for m in found if m not in meant]
    return found[::-1] if len(found) > 1 and _MEANT.search(text) else found


def _found(text: str, *, asked: bool, named_only: bool) -> Iterator[Mention]:
    for match in _NUMBER.finditer(text):
        prefix, digits = match["prefix"], match["digits"]
        before, after = text[max(0, match.start() - AROUND) : match.start()], text[match.end() : match.end() + AROUND]
        says_order = bool(match["sign"] or _SAYS_ORDER.search(before))
        if named_only and not says_order and not prefix:
            continue
        if not says_order and not asked and _is_something_else(prefix, digits, before, after):
            continue
        if says_order and not match["sign"] and _THEN_A_UNIT.match(after) and _COUNTS_ORDER.search(before):
            continue  # "order 2000 tent pegs"
        if len(digits) >= (3 if says_order or asked else 4):
            yield Mention("order_number", (prefix + digits).upper(), *match.span())


def _is_something_else(prefix: str, digits: str, before: str, after: str) -> bool:
    if _SOMETHING_ELSE.search(before) or _OWN_NAME.search(before) or _THEN_A_UNIT.match(after):
        return True
    if _PART_OF_MORE.search(before) or _MORE_FOLLOWS.match(after):
        return True
    if not prefix:
        return bool(_YEAR.fullmatch(digits)) or len(digits) > 10
    return len(prefix) > 2 and prefix.isalpha() and prefix.islower()
