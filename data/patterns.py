"""Personal data that has a shape: addresses of e-mail, numbers with a checksum or a keyword, URLs with secrets.

Each finder yields spans; where spans overlap, the finder named first in ``_FINDERS`` wins. Names are in `data.names`.
"""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from data.addresses import addresses
from data.national_ids import national_ids


@dataclass(frozen=True)
class Span:
    """A piece of personal data in a text.

    Attributes:
        start: First character.
        end: One past the last.
        kind: Such as ``EMAIL``; becomes the placeholder's name.
        value: Canonical, so that two ways to write a phone number are one value.
    """

    start: int
    end: int
    kind: str
    value: str


_WORTH_LOOKING = ("@", "＠", "://", " at ", "at)", "at]", "www.", "corner of", "assword", "asscode", "密码")
_LOCAL = r"[0-9A-Za-z\u00c0-\u024f._%+\-]"
_EMAIL = re.compile(rf"{_LOCAL}+\s?[@＠]\s?[0-9A-Za-z\u00c0-\u024f\-]+(?:\.[0-9A-Za-z\u00c0-\u024f\-]+)+")
_EMAIL_SPELT = re.compile(
    rf"\b{_LOCAL}+(?:\s?[\[(]\s?at\s?[\])]\s?| at )(?:[a-z0-9\-]+(?:\s?[\[(]\s?dot\s?[\])]\s?|\s?dot\s?)|"
    r"(?:gmail|yahoo|hotmail|outlook|icloud|gmx|web|qq|163|126|live|aol|proton)\.)[a-z]{2,}\b",
    re.IGNORECASE,
)
_URL = re.compile(r"(?:https?|ftp|wss?)://[^\s<>\"'，。；、）)]+", re.IGNORECASE)
_LINK_ANY = re.compile(r"(?:(?:https?|ftp)://|\bwww\.(?=[\w\-]+\.\w))[^\s<>\"'，。；、）)]+", re.IGNORECASE)
_URL_SECRET = re.compile(
    r"^\w+://[^/?#]*:[^/?#]*@|[?&#/](?:token|access_token|key|api_?key|auth|sig|signature|session|sid|code|password|"
    r"pwd|email|mail|user|uid|customer|order|phone|reset|invite|verify|confirm)(?:=|/)[^&\s/]{4,}",
    re.IGNORECASE,
)
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Z]{2}\d{2}(?:[ \-]?[A-Z0-9]{2,4}){2,8}(?:[ \-]?[A-Z0-9]{1,3})?|"
    r"[a-z]{2}\d{2}[a-z0-9]{11,30})"
    r"(?![A-Za-z0-9])"
)
_CARD = re.compile(r"(?<![\d\-+])\d(?:[ \-]?\d){11,18}(?![\d\-]|[ ]\d)")
_CARD_WORD = re.compile(r"(?:card|visa|mastercard|amex|卡号|银行卡|信用卡)\D{0,25}$", re.IGNORECASE)
_IPV4 = re.compile(r"(?<![A-Za-z0-9_.\-])(?:\d{1,3}\.){3}\d{1,3}(?![A-Za-z0-9_\-]|\.\d)")
_IPV6 = re.compile(r"(?<![A-Za-z0-9_:.])[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){3,7}(?![A-Za-z0-9_:])")
_VERSION_WORD = re.compile(r"(?:version|firmware|release|ios|android|macos|windows|v|版本)\s*$", re.IGNORECASE)

_MOBILE_CN = re.compile(r"(?<![\d\-])(?:\(?(?:\+|00)?86\)?[\- ]?)?1[3-9]\d[\- ]?\d{4}[\- ]?\d{4}(?![\d\-])")
_LANDLINE_CN = re.compile(r"(?<![\d\-])(?:0\d{2,3}[\- ]\d{7,8}|[48]00[\- ]?\d{3}[\- ]?\d{4})(?![\d\-])")
_PHONE = re.compile(
    r"(?<!\d,)(?<![A-Za-z0-9_.:+\-/#€$£¥])(?:\+|00)?[\-. ]?\(?\d(?:[ \t().\-/]{0,3}\d){6,14}"
    r"(?![\d]|[.,:/\-]\d|-?(?!x\d|ext|(?i:office|fax|home|work|mobile|cell)\b)[A-Za-z])(?:(?:x| ?ext\.? ?)\d{1,5})?"
)
_EXTENSION = re.compile(r"x|ext")
_PHONE_WORD = re.compile(
    r"(?:phone|call|mobile|cell|tel|text me|whatsapp|wechat|reach me|ring|fax|contact|电话|手机|致电|拨打|联系|微信|"
    r"号码)[^.!?。]{0,25}$",
    re.IGNORECASE,
)
_REGIONS = ("GB", "US", "DE", "FR", "AU", "IN", "IT", "ES", "NL")
_DATE = re.compile(
    r"^(?:(?:19|20)\d\d[\-/. ][01]?\d[\-/. ][0-3]?\d|[0-3]?\d[\-/. ][0-3]?\d[\-/. ](?:19|20)\d\d|"
    r"(?:19|20)\d\d ?[\-/ ] ?(?:19|20)\d\d)$"
)
_RELEASE = re.compile(r"^\d+(?:\.\d+){3,}$|^\d{1,4}/\d{1,4}$")
"""Numbers of software: 8.4.22.857; and fractions, which have too few digits for a phone."""

_MONEY_BEFORE = re.compile(r"(?:[€$£¥￥]|\b(?:eur|usd|gbp|rmb|cny))\s?$", re.IGNORECASE)
_UNIT_AFTER = re.compile(
    r"\s?(?:€|\$|£|%|°|(?:eur|euros?|usd|dollars?|pounds?|km|m|mm|cm|ml|l|g|kg|mah|wh|hours?|people|times|steps|years?)\b|"
    r"元|块|克|米|公里|毫|人|次|年|天)",
    re.IGNORECASE,
)
_LONG = re.compile(r"(?<![A-Za-z0-9_.,\-])\d{6,}(?![A-Za-z0-9_]|[.,]\d)")
_PREFIXED = re.compile(
    r"(?<![A-Za-z0-9_\-])#?[A-Z]{1,6}[\-–_]?\d{4,}(?:-\d+)*[A-Z]{0,2}(?![A-Za-z0-9])|(?<![A-Za-z0-9_&])#\d{3,}(?![A-Za-z0-9])"
)
_BORN = re.compile(
    r"(?:\bborn(?: on)?|\bdate of birth|\bbirth ?(?:day|date)|\bd\.?o\.?b\.?|出生(?:日期|于)?|生日)"
    r"\W{0,3}(?:is|was|on|是|为)?\W{0,3}"
    r"(\d{1,4}[\-/. 年][\d\w]{1,9}[\-/. ,月]{1,2}\d{1,4}日?|[A-Z][a-z]+ \d{1,2}(?:st|nd|rd|th)?,? \d{4})",
    re.IGNORECASE,
)
_PASSWORD = re.compile(
    r"(?:\b(?:password|passwort|passcode|pin)|密码)(?: code| number)?"
    r"(?:\s*(?:is|was|:|=|：|是|为)\s*[\"'“]?|\s+(?=\d))([^\s\"'”，。,;]{4,})",
    re.IGNORECASE,
)

_CODE = re.compile(
    r"(?:\b(?:verification|security|confirmation|one[- ]time|access|login|sms|pick-?up|authenti\w+|2fa|gift ?card) "
    r"(?:code|pin|password|number)|\b(?:otp|cvv2?|cvc2?|tan)|验证码|校验码|动态码|取件码|提货码|激活码|兑换码)"
    r"(?:\s*(?:is|was|of|:|=|：|是|为|\bthat i got))*\s*[\"'“]?(\d[\d\-]{2,9}|(?=[A-Z]*\d)[A-Z0-9]{4,12})(?![\w\-])",
    re.IGNORECASE,
)
_PASSWORD_WRITTEN = re.compile(
    r"(?:\b(?:password|passwort|passcode)|密码)(?:\s*[:=：]\s*|\s*(?:is|是|为)?\s*(?=[\"'“「]))[\"'“「]?([^\s\"'”」，。,;]{4,})",
    re.IGNORECASE,
)

_KINDS: tuple[tuple[str, str], ...] = (
    ("TRACKING", r"tracking|waybill|parcel|shipment|consignment|快递|运单|物流|包裹"),
    ("TICKET", r"ticket|case|incident|complaint|工单|投诉"),
    ("INVOICE", r"invoice|receipt|发票"),
    ("BOOKING", r"booking|reservation|confirmation|预订|预约"),
    ("CUSTOMER", r"customer|client|member(?:ship)?|loyalty|客户|会员"),
    ("ACCOUNT", r"account|user|bank|账号|账户|帐号|用户"),
    ("ORDER", r"order|purchase|bestellung|ref(?:erence)?|订单|单"),
)
_LINK = r"(?:(?:no|number|nr|num|id|code|ref(?:erence)?|is|was|with|called)\b|编?号码?|编号|单号|的|是|为|叫)"
"""Between the word and the number: order *no. is* 5."""

_WORDED = re.compile(
    rf"(?:(?<![A-Za-z])|(?<=[\u4e00-\u9fff]))(?:{'|'.join(f'(?P<{kind}>{words})' for kind, words in _KINDS)})s?"
    rf"(?![a-z])(?:['’]s)?(?:[\s,.:#=：（(]*{_LINK}){{0,4}}[\s.:#=：（(\"'“]*"
    r"(?P<id>(?=[A-Z\-–]*\d[A-Z\-–]*\d[A-Z\-–]*\d)[A-Z]{0,5}[\-–]?\d[A-Z0-9]*(?:[\-–][A-Z0-9]+)*)(?![A-Za-z0-9])",
    re.IGNORECASE,
)


def find_structured(text: str) -> list[Span]:
    """Finds all personal data of fixed shape in a text, in order, without overlaps."""
    worth = _DIGIT.search(text) or any(part in text for part in _WORTH_LOOKING)
    return list(_find(text)) if worth else []


_DIGIT = re.compile(r"\d")


@lru_cache(maxsize=65536)
def _find(text: str) -> tuple[Span, ...]:
    digits = len(_DIGIT.findall(text))
    return tuple(without_overlaps(s for finder, least in _FINDERS if digits >= least for s in finder(text)))


def without_overlaps(spans: Iterable[Span]) -> list[Span]:
    """Spans in the order of the text; where two overlap the earlier of the argument stays.

    By bisection: a line of ten megabytes may hold a million numbers.
    """
    starts: list[int] = []
    taken: list[Span] = []
    for span in spans:
        place = bisect_left(starts, span.start)
        if (place and taken[place - 1].end > span.start) or (place < len(taken) and starts[place] < span.end):
            continue
        starts.insert(place, span.start)
        taken.insert(place, span)
    return taken


def digits_of(text: str) -> str:
    """Only the digits."""
    return "".join(c for c in text if c.isdigit())


def _plain(text: str) -> str:
    return re.sub(r"[\s\-–#]", "", text).upper()


def _urls(text: str) -> Iterator[Span]:
    if "://" not in text:
        return
    for match in _URL.finditer(text):
        if _URL_SECRET.search(match.group()):
            yield Span(match.start(), match.end(), "URL", match.group())


def links(text: str) -> Iterator[Span]:
    """Addresses of web pages, with a secret or without."""
    if "://" in text or "www." in text:
        for match in _LINK_ANY.finditer(text):
            found = match.group().rstrip(".,;:!?…")
            yield Span(match.start(), match.start() + len(found), "URL", found)


def host_of(link: str) -> str:
    """Whose page a link leads to: ``shop.example`` for https://www.shop.example/a."""
    host = re.split(r"[/?#:]", re.sub(r"^\w+://", "", link).rpartition("@")[2], maxsplit=1)[0].lower()
    return host.removeprefix("www.")


def _emails(text: str) -> Iterator[Span]:
    if "@" in text or "＠" in text:
        for match in _EMAIL.finditer(text):
            value = re.sub(r"\s", "", match.group()).replace("＠", "@").strip(".-_").lower()
            yield Span(match.start(), match.end() - (match.group()[-1] in ".-"), "EMAIL", value)
    if " at " in text or "at)" in text or "at]" in text:
        for match in _EMAIL_SPELT.finditer(text):
            yield Span(match.start(), match.end(), "EMAIL", re.sub(r"\s", "", match.group()).lower())


def _ibans(text: str) -> Iterator[Span]:
    for match in _IBAN.finditer(text):
        end = match.end()
        while end - match.start() >= 15:
            value = _plain(text[match.start() : end])
            if is_iban(value):
                yield Span(match.start(), end, "IBAN", value)
                break
            end -= 1


def is_iban(value: str) -> bool:
    """ISO 13616: moved around and read as a number, an IBAN is 1 modulo 97."""
    if not 15 <= len(value) <= 34 or not value.isalnum():
        return False
    return int("".join(str(int(c, 36)) for c in value[4:] + value[:4])) % 97 == 1


def _ids(text: str) -> Iterator[Span]:
    for start, end, value in national_ids(text):
        yield Span(start, end, "ID", value)


def _cards(text: str) -> Iterator[Span]:
    for match in _CARD.finditer(text):
        digits = digits_of(match.group())
        if is_luhn(digits) or _CARD_WORD.search(text[: match.start()]):
            yield Span(match.start(), match.end(), "CARD", digits)


def is_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B: every second digit from the right doubled, cross sum divisible by ten."""
    doubled = (int(c) * 2 if i % 2 else int(c) for i, c in enumerate(reversed(digits)))
    return len(digits) >= 12 and len(set(digits)) > 1 and sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _phones(text: str) -> Iterator[Span]:
    for pattern in (_MOBILE_CN, _LANDLINE_CN):
        for match in pattern.finditer(text):
            digits = digits_of(match.group())
            yield Span(match.start(), match.end(), "PHONE", digits[-11:])
    for match in _PHONE.finditer(text):
        start = match.start() + len(match.group()) - len(match.group().lstrip(" .-"))
        if _is_phone(text[start : match.end()], text[max(0, start - 60) : start], text[match.end() : match.end() + 9]):
            yield Span(start, match.end(), "PHONE", digits_of(_EXTENSION.split(match.group())[0])[-9:])


def _is_phone(number: str, before: str, after: str) -> bool:
    if _DATE.match(number) or _MONEY_BEFORE.search(before):
        return False
    if _PHONE_WORD.search(before):
        return True
    if _UNIT_AFTER.match(after) or _RELEASE.match(number):
        return False
    return _is_valid_phone(number)


@lru_cache(maxsize=8192)
def _is_valid_phone(number: str) -> bool:
    from phonenumbers import NumberParseException, is_possible_number, is_valid_number, parse

    international = number.startswith(("+", "00"))
    if not international and not re.search(r"[ ().\-/]", number) and not number.startswith("0"):
        return False  # a bare run of digits: rather an order than a phone
    written = "+" + number[2:] if number.startswith("00") else number
    for region in (None,) if international else _REGIONS:
        try:
            parsed = parse(written, region)
        except NumberParseException:
            continue
        if is_possible_number(parsed) if international else is_valid_number(parsed):
            return True
    return False


def _worded(text: str) -> Iterator[Span]:
    for match in _WORDED.finditer(text):
        value = match.group("id")
        if not _DATE.match(value) and not _UNIT_AFTER.match(text[match.end() : match.end() + 9]):
            yield Span(match.start("id"), match.end("id"), _kind_of(match), _plain(value))


def _kind_of(match: re.Match[str]) -> str:
    return next(kind for kind, _ in _KINDS if match.group(kind))


_BIRTH_WORDS = ("born", "birth", "dob", "d.o.b", "d.ob", "do.b", "出生", "生日")
_PASS_WORDS = ("pass", "pin", "密码")
_CODE_WORDS = ("code", "pin", "number", "pass", "otp", "cvv", "cvc", "tan", "码")


def _secrets(text: str) -> Iterator[Span]:
    small = text.lower()
    if any(word in small for word in _BIRTH_WORDS):
        for match in _BORN.finditer(text):
            yield Span(match.start(1), match.end(1), "BIRTHDATE", match.group(1))
    passwords = any(word in small for word in _PASS_WORDS)
    if passwords:
        for match in _PASSWORD.finditer(text):
            if any(c.isdigit() for c in match.group(1)):
                yield _secret(match)
    if any(word in small for word in _CODE_WORDS) and _DIGIT.search(text):
        yield from map(_secret, _CODE.finditer(text))
    if passwords:
        yield from map(_secret, _PASSWORD_WRITTEN.finditer(text))


def _secret(match: re.Match[str]) -> Span:
    value = match.group(1).rstrip(".!?") or match.group(1)
    return Span(match.start(1), match.start(1) + len(value), "PASSWORD", value)


def _prefixed(text: str) -> Iterator[Span]:
    for match in _PREFIXED.finditer(text):
        yield Span(match.start(), match.end(), "NUMBER", _plain(match.group()))


def _long_numbers(text: str) -> Iterator[Span]:
    for match in _LONG.finditer(text):
        before, after = text[max(0, match.start() - 6) : match.start()], text[match.end() : match.end() + 9]
        if not _MONEY_BEFORE.search(before) and not _UNIT_AFTER.match(after):
            yield Span(match.start(), match.end(), "NUMBER", match.group())


def _ips(text: str) -> Iterator[Span]:
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            if _VERSION_WORD.search(text[max(0, match.start() - 12) : match.start()]):
                continue
            try:
                address = ipaddress.ip_address(match.group())
            except ValueError:
                continue
            yield Span(match.start(), match.end(), "IP", str(address))


def _addresses(text: str) -> Iterator[Span]:
    """Addresses that touch are one."""
    start = end = -1
    for begin, finish in sorted(addresses(text)):
        if begin > end and end > start:
            yield Span(start, end, "ADDRESS", text[start:end].lower())
        if begin > end:
            start, end = begin, finish
        end = max(end, finish)
    if end > start:
        yield Span(start, end, "ADDRESS", text[start:end].lower())


_FINDERS: tuple[tuple[Callable[[str], Iterator[Span]], int], ...] = (
    (_urls, 0),
    (_emails, 0),
    (_ibans, 4),
    (_ids, 3),
    (_cards, 12),
    (_secrets, 0),
    (_worded, 3),
    (_ips, 3),
    (_addresses, 1),
    (_phones, 7),
    (_prefixed, 3),
    (_long_numbers, 6),
)
"""In the order in which they win, each with the fewest digits a text needs for it to find anything: most texts with a
digit hold "2 days", and need not be searched for cards."""
