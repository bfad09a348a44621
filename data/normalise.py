"""Makes texts comparable without changing what they say: Unicode, white space, the cruft of channels; language."""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n ?")
_BLANK_LINES = re.compile(r"\n{3,}")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MENTIONS = re.compile(r"^(?:[.\s]*@\w{1,20}(?=\s)\s*)+")
_NUMBERED_MENTION = re.compile(r"@\d{3,}\b")
_SHORT_LINK = re.compile(r"\s*https?://t\.co/\w*…?")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_KANA_HANGUL = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
_WIDE = {0x3000: " "} | {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code - 0xFEE0).isalnum()}
_WIDE |= {ord(wide): plain for wide, plain in zip("％＋－＠＃＆＝／＿＄￥", "%+-@#&=/_$¥", strict=True)}
"""Full-width letters, digits and signs to plain ones. Chinese punctuation (，！？（）：) stays as it is written."""

_STICKERS = (
    "微笑|撇嘴|色|发呆|得意|流泪|害羞|闭嘴|睡|大哭|尴尬|发怒|调皮|呲牙|惊讶|难过|酷|冷汗|抓狂|吐|偷笑|愉快|可爱|"
    "白眼|傲慢|"
    "饥饿|困|惊恐|流汗|憨笑|悠闲|奋斗|咒骂|疑问|嘘|晕|疯了|衰|骷髅|敲打|再见|擦汗|抠鼻|鼓掌|糗大了|坏笑|左哼哼|"
    "右哼哼|哈欠|鄙视|"
    "委屈|快哭了|阴险|亲亲|吓|可怜|菜刀|西瓜|啤酒|咖啡|饭|猪头|玫瑰|凋谢|嘴唇|爱心|心碎|蛋糕|闪电|炸弹|月亮|"
    "太阳|礼物|拥抱|强|弱|握手|胜利|"
    "抱拳|勾引|拳头|差劲|爱你|嘿哈|捂脸|奸笑|机智|皱眉|耶|吃瓜|加油|天啊|社会社会|旺柴|好的|打脸|哇|红包|發|福|"
    "笑cry|笑哭|哈哈|嘻嘻|心|"
    "微笑R|鲜花|飞吻|花心|大笑|表情|动画表情|Smile|Grin|Laugh|Cry|Sob|Angry|Heart|Rose|ThumbsUp|OK|Sticker|sticker"
)
_STICKER = re.compile(
    rf"\[(?:{_STICKERS})\]|/:(?:[:;8'~@$%^&*-]\S{{0,3}}|0\d\d)|<(?:emoji|"
    rf"face)[^>]{{0,80}}>",
    re.IGNORECASE,
)
_CARDS = {
    "[图片]": "图片|圖片|照片|截图|截圖|image|photo|picture",
    "[语音]": "语音|語音|语音消息|voice|audio",
    "[视频]": "视频|影片|小视频|video",
    "[文件]": "文件|文檔|文档|file|attachment",
    "[商品]": "商品链接|商品連結|商品卡片|商品|宝贝|宝贝链接|product",
    "[订单]": "订单卡片|訂單卡片|订单链接|订单|訂單|order card",
    "[链接]": "链接|連結|网页链接|link",
    "[位置]": "位置|地理位置|location",
}
_CARD = re.compile(r"\[(?:" + "|".join(_CARDS.values()) + r")\]|<img\b[^>]{0,2000}>", re.IGNORECASE)
_CARD_OF = {name: card for card, names in _CARDS.items() for name in names.split("|")}
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]+")


def normalise_text(text: str) -> str:
    """Cleans one message for reading and training.

    Unicode NFC, full-width letters and digits plain; control and invisible characters out; runs of blanks to one, line
    ends kept; mentions at the start, numbered mentions (anonymised accounts) and short links of Twitter out; HTML
    entities become characters; stickers of messengers (``[微笑]``) out, cards (``<img …>``, ``[商品链接]``) under one
    name each. Case and punctuation stay.
    """
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text).translate(_WIDE))
    elif not text.isprintable():
        text = _INVISIBLE.sub("", text.replace("\r\n", "\n"))
    if "&" in text and ";" in text:
        text = html.unescape(text).replace("\xa0", " ")
    if "[" in text or "<" in text or "/:" in text:
        text = _CARD.sub(_card, _STICKER.sub(" ", text))
    if "@" in text:
        text = _NUMBERED_MENTION.sub("@user", _MENTIONS.sub("", text))
    if "t.co/" in text:
        text = _SHORT_LINK.sub("", text)
    if "\n" not in text:
        return " ".join(text.split())
    return tidy(text)


def tidy(text: str) -> str:
    """Single blanks, none at the ends of lines, at most one empty line."""
    return _BLANK_LINES.sub("\n\n", _LINES.sub("\n", _SPACES.sub(" ", text))).strip()


def _card(match: re.Match[str]) -> str:
    return _CARD_OF.get(match.group()[1:-1].lower(), "[图片]")


def fold_chinese(text: str) -> str:
    """Writes traditional characters as simplified ones: for comparing only, never for what is shown.

    Character by character from OpenCC's table: a phrase-wise conversion is a hundred times slower, and its better
    choice of characters does not matter to a key.
    """
    return text if text.isascii() else text.translate(_traditional())


@lru_cache(maxsize=1)
def _traditional() -> dict[int, str]:
    from importlib.resources import files

    table = (files("opencc") / "dictionary" / "TSCharacters.txt").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if "\t" in line)
    return {ord(written): folded.split(" ")[0] for written, folded in rows if len(written) == 1}


def detect_language(text: str) -> str | None:
    """Tells the language by script: ``zh`` or ``en``.

    A Chinese character carries about as much as a Latin word, so the two are counted against each other. Product
    names leave a Chinese sentence Chinese.

    Returns:
        ``zh``, ``en`` (any Latin text), or None when there are no letters, or Japanese or Korean.
    """
    if text.isascii():
        return "en" if _LATIN.search(text) else None
    if _KANA_HANGUL.search(text):
        return None
    han, words = len(_HAN.findall(text)), len(_LATIN.findall(text))
    if not han and not words:
        return None
    return "zh" if han >= words else "en"
