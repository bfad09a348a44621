"""Courtesies around what is meant: salutations, sign-offs, thanks, small talk, in English and Chinese.

Agents wrap the same answer in many courtesies, and customers wrap the same question. Answers are compared, and said
again, without them; a message that is nothing else says nothing about its topic.
"""

from __future__ import annotations

import re
from functools import lru_cache

from data.normalise import fold_chinese


def words(text: str) -> frozenset[str]:
    """A set of words, written as a line."""
    return frozenset(text.split())


_NAME = r"<NAME_\d+>"
_ABBREVIATIONS = words("dr mr mrs ms st no nr vs approx incl e.g i.e etc a.m p.m ca max min")
_END = re.compile(r"[.!?]+[\"')\]]*\s+|[。！？!?～~]+[”」）]*|\n+|…\s*")

_SALUTATION = re.compile(
    rf"^(?:(?:hi|hello|hey|hiya|dear|greetings|good (?:morning|afternoon|evening|day))\b"
    rf"(?: there| again| all| both)?(?: and (?:welcome|thank you|thanks)[\w ]{{0,30}}?)?"
    rf"(?:,? (?:{_NAME}|(?-i:[A-Z])\w+))?"
    rf"\s*[,!.:;\-–]+\s*|{_NAME}\s*[,!:]\s+)",
    re.IGNORECASE,
)
_SALUTATION_ZH = re.compile(
    rf"^(?:(?:亲爱的|尊敬的)?(?:{_NAME}(?:先生|女士|小姐)?(?:您好|你好|好)?|顾客|客户|用户|亲+|小主|您好|你好|"
    rf"您好呀|哈喽|嗨|早上好|上午好|中午好|下午好|晚上好)"
    r"(?:呀|啊|哦)?\s*[，,！!～~：:。、]+\s*)+"
)
_SIGNOFF = re.compile(
    rf"(?:[\s,.!–—-]+(?:(?:with )?(?:best|kind|warm|many)(?: (?:regards|wishes))?|regards|cheers|thanks|thank you|"
    rf"sincerely|yours|greetings|love)\s*[,!.]*\s*{_NAME}|\s*[,.!?]\s*{_NAME}|\s*(?:--?|[–—/~*]+)\s*{_NAME}|"
    rf"\s*\^\s?(?:\w{{1,12}}|{_NAME}))\s*[.!]?\s*$",
    re.IGNORECASE,
)
_INITIALS = re.compile(
    r"(?:(?<=[.!?:)\]\"'~])\s*|\s+)(?:\*[A-Z][A-Za-z]{1,15}|\^\s?[A-Za-z]{1,12}|/[A-Z]{2,3}|~\s?[A-Z][a-z]{1,14}|"
    r"[-–][ ]?[A-Z]{1,3}|(?<=[.!?\s])[-–][ ]?[A-Z][a-z]{2,14})\.?\s*$"
)
"""How agents of a shared account sign: ``*HFG``, ``^AB``, ``/KT``, ``-JB``, ``~ Olly``."""

_FIRST_NAME = re.compile(r"(?<=[.!?)])\s+([A-Z][a-z]{2,9})\s*$")
_SIGNATURE = re.compile(
    r"\n\s*(?:--+ ?|(?:with )?(?:best|kind|warm)(?: regards| wishes)?,?|(?:kind |best |warm )?regards,?|"
    r"sincerely(?: yours)?,?|"
    r"yours (?:sincerely|faithfully|truly),?|cheers,?|many thanks,|thanks,|此致\s*敬礼?|祝好，?|"
    r"顺祝商祺)\s*\n(?:[^\n]{0,80}(?:\n|$)){0,8}\s*$",
    re.IGNORECASE,
)
_DEVICE = re.compile(
    r"\s*(?:\n|^|(?<=[.!?。！？]))\s*(?:sent from (?:my|outlook|yahoo|mail)[^\n]{0,40}|get outlook for[^\n]{0,30}|"
    r"(?:发自|發自|来自|來自)(?:我的)?[^\n，。]{0,20}(?:iphone|手机|手機|邮箱|郵箱|客户端|客戶端))\s*$",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"<[A-Z]+_\d+>")

_WORDS = words(
    """here speaking hi hello hey hiya howdy heya yo greetings dear there again everyone all team guys folks sir madam
    good morning afternoon evening day night great nice lovely wonderful perfect brilliant excellent
    awesome amazing fantastic super cool fine ok okay k alright right sure yes yeah yep yup no nope
    nah oh ah wow haha lol hmm hm um well thanks thank thx thankyou thnx tnx ty tysm tia cheers ta
    appreciate appreciated grateful much so very many lot lots million bunch you u your ya youre ur
    im i me my we us our it its that thats this is was are am be been have had has a an the and to
    for of in with at on as too also just really quite bye goodbye byebye see later soon tomorrow
    then now take care weekend week rest enjoy happy holidays wait one moment second sec minute
    minutes min bear hold hang on while please pls plz let check look looking checking welcome
    worries problem pleasure glad gladly happy time anytime any mention hope helps helped helpful
    help kind anything something else more how what can could may do does did assist assistance
    today question questions got understood understand perfectly noted clear makes sense solves
    everything worked works kindly reaching contacting waiting patience patient asking writing
    getting back touch sorry hear hesitate feel free if need know dont not will would like ll ve re
    s m t d hear from best regards wishes warm sincerely yours love"""
)
_CLOSINGS = words(
    "regards rgds sincerely update today tomorrow monday tuesday wednesday thursday friday saturday sunday"
)
_ZH = re.compile(
    "您好|你好|哈喽|哈啰|嗨|亲爱的|亲|在吗|在不在|有人吗|有人在吗|客服|早上好|上午好|中午好|下午好|晚上好|早安|"
    "晚安|早|"
    "非常感谢|谢谢|多谢|感谢|谢啦|谢了|辛苦|麻烦|不客气|不用谢|没事|没关系|应该的|再见|拜拜|回见|"
    "请?稍等(?:一下|片刻)?|等一下|等等|我?(?:帮您|给您|这就|马上)?(?:看一下|查一下|看看|查查)|"
    "好的|好滴|好吧|好嘞|好|嗯+|哦+|行|可以|明白|知道|收到|了解|懂|对|是的|没问题|太棒|太好|真快|厉害|"
    "祝您?(?:生活|购物|工作|周末)?(?:愉快|顺利|开心)|欢迎(?:光临|下次)?(?:再来|惠顾|咨询)?|随时(?:联系|找)?|"
    "(?:请问)?(?:有|还有)?(?:什么|其他|别的)*(?:问题|需要|事)?(?:可以|能)?(?:帮您?|帮到您?|帮助您?|帮忙)|"
    "请问|想?(?:咨询|问)(?:一下|个问题|问题|点事)?|很高兴(?:为您服务|能帮到您)|为您服务|打扰|"
    "的|了|吗|呢|啊|呀|哦|哈|吧|嘛|呐|您|你|我|们|那|就|这|也|都|还|很|太|先|一下|一声"
)
_HAN = re.compile("[\u3400-\u9fff]")
_WORD = re.compile(r"[a-z0-9]+")


def split_sentences(text: str) -> list[str]:
    """Splits a message into sentences with their punctuation; abbreviations such as ``Dr.`` do not end one."""
    sentences, start = [], 0
    for match in _END.finditer(text):
        before = text[start : match.start()].rsplit(" ", 1)[-1].lower()
        if match.group().startswith(".") and (before in _ABBREVIATIONS or (len(before) == 1 and before.isalpha())):
            continue
        sentences.append(text[start : match.end()].strip())
        start = match.end()
    sentences.append(text[start:].strip())
    return [sentence for sentence in sentences if sentence]


@lru_cache(maxsize=65536)
def is_small_talk(text: str) -> bool:
    """True when a text says nothing but courtesies: a greeting, thanks, "one moment", a farewell, an emoji."""
    if len(text) > 160:
        return False
    bare = _PLACEHOLDER.sub(" ", text) if "<" in text else text
    bare = bare.lower().replace("'", "").replace("’", "")
    if _HAN.search(bare):
        bare = _ZH.sub(" ", fold_chinese(bare))
        if _HAN.search(bare):
            return False
    return all(word in _WORDS for word in _WORD.findall(bare))


def strip_courtesies(text: str) -> str:
    """Takes salutations from the start and sign-offs from the end, and whole sentences of small talk from both.

    Returns:
        What remains with its first letter as it was, or the text itself when nothing would remain.
    """
    bare = strip_names_and_greetings(strip_signature(text))
    sentences = split_sentences(bare)
    first, last = 0, len(sentences)
    while first < last and is_small_talk(sentences[first]):
        first += 1
    while last > first and is_small_talk(sentences[last - 1]):
        last -= 1
    if first == last:
        return text
    if (first, last) == (0, len(sentences)):
        return bare or text
    return join_sentences(sentences[first:last])


def strip_signature(text: str) -> str:
    """Takes a signature from the end: a mail's closing block, "Sent from my phone", initials, a first name."""
    bare = text
    if "\n" in bare:
        bare = _SIGNATURE.sub("", bare)
    bare = _INITIALS.sub("", _DEVICE.sub("", bare))
    name = _FIRST_NAME.search(bare)
    if name and not is_small_talk(name.group(1)) and name.group(1).lower() not in _CLOSINGS:
        bare = bare[: name.start()]
    return bare.rstrip() or text


def strip_names_and_greetings(text: str) -> str:
    """Takes ``Hi <NAME_1>,`` from the start and ``Best, <NAME_2>`` from the end; the text itself if nothing remains."""
    bare = _SALUTATION_ZH.sub("", _SALUTATION.sub("", text, count=1), count=1)
    if ">" in bare[-3:] or "^" in bare[-15:]:
        bare = _SIGNOFF.sub(_closing, bare)
    bare = bare.strip()
    return bare if _WORD.search(bare.lower()) or _HAN.search(bare) else text


def _closing(match: re.Match[str]) -> str:
    mark = match.group().lstrip()[:1]
    return mark if mark in (".", "!", "?") else ""


def join_sentences(sentences: list[str]) -> str:
    """Puts sentences together again: a blank between them unless one side is Chinese."""
    text = ""
    for sentence in sentences:
        apart = bool(text) and text[-1] not in "。！？～，" and not _HAN.match(sentence[:1])
        text += (" " if apart else "") + sentence
    return text
