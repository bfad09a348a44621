"""Postal addresses, in Latin letters of many countries and in Chinese.

A street with a number is told by its street word ("Street", "Rua", "…katu", 路), by what leads to it ("I live at"), or
by a flat's number after it. From there an address goes on over flats, towns, countries and postcodes, also over lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from data.prose import UPPER

_WORD = rf"[{UPPER}][^\W\d_\u4e00-\u9fff]*(?:['’.\-][^\W\d_\u4e00-\u9fff]+)*(?!\w)\.?"
_SMALL = (
    r"(?:de|du|des|da|do|dos|del|della|delle|dei|di|la|le|les|el|al|van|der|den|nad|pod|d|og|of|y|e|na|im|am|zur|zum)"
)
_WORDS = rf"{_WORD}(?:[ ](?:{_SMALL}[ ]){{0,2}}{_WORD}){{0,3}}"
_NUMBER = r"\d{1,6}[A-Za-z]?(?:/\d{1,3})?"
_STREET = (
    r"(?:Streets?|St|Str|Roads?|Rd|Avenues?|Ave|Av|Lane|Ln|Drives?|Dr|Court|Ct|Squares?|Sq|Boulevard|Blvd|Way|Place|Pl|"
    r"Terrace|Tce|Close|Crescent|Cres|Gardens|Parkway|Pkwy|Highway|Hwy|Row|Walk|Mews|Quay|Path|Trail|Circle|Cir|Alley|"
    r"Turnpike|Plaza|Loop|Grove|Hill|Parade|Esplanade|Wharf|Bypass|Crossing)"
)
_BEFORE_NAME = (
    r"(?:Rua|Travessa|Avenida|Av\.?|Avda\.?|Calle|C/|Carrer|Paseo|Plaza|Pasaje|Camino|Via|Viale|Vicolo|Corso|"
    r"Piazza|Largo|"
    r"Strada|Contrada|Rue|Avenue|Boulevard|Chemin|Place|Quai|Impasse|Allée|Route|Cours|Ulica|Ul\.|"
    r"Ulitsa|Strasse|"
    r"avenue de|rue|Am|Im|An der|Auf der|Zur|Zum|Jalan|Jl\.|"
    r"Leoforos|Λεωφόρος|Οδός|Улица|ул\.|Praça|Alameda|Estrada|Odos|Lorong)"
)
_ENDING = (
    r"(?:stra(?:ß|ss)e|str\.|weg|gasse|platz|allee|damm|steig|straat|laan|plein|gracht|kade|dijk|"
    r"singel|gade|vej|"
    r"vænget|stræde|toften|gate|gata|gatan|vegen|veien|vägen|veg|vei|väg|stien|stigen|gränd|torget|katu|kuja|polku|"
    r"kaari|utca|tér|körút|köz|ulica|náměstí|cesta|ulice|tänav|puiestee|iela|gatvė|sokak|caddesi|braut|"
    r"stræti|straeti|"
    r"vegur|holt|holmi|terrasse|bakken|veita|aukio|út|u\.|út\.)"
)
_UNIT = r"(?:[Aa]pt|[Aa]partment|[Ss]uite|[Ss]te|[Uu]nit|[Ff]lat|[Ff]loor|[Rr]oom|[Bb]ox)\.?[ ]?#?\d{1,5}[A-Za-z]?\b"
_POSTCODE = r"(?:[A-Z]{2}[ ]\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]?[ ]\d[A-Z]{2}|[A-Z]?-?\d{4,6})\b"
_NEXT = r"(?:,?[ ]*\n[>?]*[ ]*,?[ ]*|,[ ]*|[ ])"
_STOP = (
    r"(?!(?:I|It|Is|My|The|We|You|He|She|They|And|But|Please|Thanks?|Thank|Hi|Hello|Can|Could|Do|Does|When|"
    r"What|Where|Why|"
    r"How|If|Phone|Tel|Mobile|Fax|Office|E-?mail|Website|Name|Order|Also|So|Then|Not|No)\b)"
)
_TOWN = rf"{_STOP}{_WORDS}(?:[ ]\([^\W\d_]+\))?"
_TAIL = rf"(?:{_NEXT}(?:{_UNIT}|{_POSTCODE}|{_TOWN}|nan\b)){{0,8}}"
_CUE = re.compile(
    r"(?:\baddress(?:es)?\b(?: of [\w' ]+)?[^.!?\w]*(?:is|to|was|:)?|\b(?:i|we|he|she|they|who) (?:now |"
    r"once )?liv(?:e|es|ed) (?:at|on|in)|"
    r"lives (?:at|on|in)|(?:located|arrived|meet|office is|restaurant is|station is|house is|it is|it['’]s|"
    r"enter) (?:at|on|in)|"
    r"(?:ship|send|sent|deliver(?:ed)?|mail(?:ed)?|moved|move|come|drive|go) (?:it |them |this )?to|side of|"
    r"corner of|following\?|sent to\?|sent to)"
    r"[ :,?]*(?:\n|user:|bot:)?[ ]*$",
    re.IGNORECASE,
)
_CORES = (
    rf"(?:{_NUMBER},?[ ]){{1,2}}(?:{_WORD}[ ]){{1,4}}{_STREET}\b\.?",
    rf"(?:{_NUMBER}[ ])?\b{_BEFORE_NAME}[ ](?:{_SMALL}[ '’]){{0,2}}{_WORDS}(?:,?[ ]{_NUMBER}\b)",
    rf"{_NUMBER},?[ ]{_BEFORE_NAME}[ ](?:{_SMALL}[ '’]){{0,2}}{_WORDS}",
    rf"(?:{_NUMBER}[ ])?(?:{_WORD}[ ]){{0,3}}(?:{_WORD}[ ]|[{UPPER}][\w\-]*)(?i:{_ENDING})[ ]{_NUMBER}\b\.?",
    rf"(?:{_WORD}[ ]){{1,3}}{_STREET}[ ]\d{{1,4}}[a-z]?\b",
    r"(?:PSC|CMR|Unit|UNIT)[ ]\d{2,5},?[ ]Box[ ]\d{2,5}",
    r"(?:APO|FPO|DPO),?[ ](?:AA|AE|AP)[ ]\d{5}",
    r"[Pp]\.?[ ]?[Oo]\.?[ ][Bb]ox[ ]\d+",
    r"\b[A-Z]{1,2}\d[A-Z\d]?[ ]\d[ABD-HJLNP-UW-Z]{2}\b",
    rf"(?:{_NUMBER}[ ]){{0,2}}{_WORDS}(?:[ ]{_NUMBER}\b\.?)?{_NEXT}{_UNIT}",
    r"(?:Apt\.?|Apartment|Suite|Flat)[ ]\d{1,5}[A-Za-z]?\b",
)
_ADDRESS = re.compile(rf"(?<![\w.,/\-])(?:{'|'.join(_CORES)}){_TAIL}")
_SMALL_TAIL = rf"(?:{_NEXT}(?:{_UNIT}|{_POSTCODE})|,[ ]{_WORD}|[ ]*\n[>?]*[ ]*,?[ ]*{_WORDS}){{0,6}}"
_ADDRESS_SMALL = re.compile(rf"(?<![\w.,/\-])(?:{'|'.join(_CORES)}){_SMALL_TAIL}")
"""In a text without capitals a town is not told from the words after it, so one word after a comma has to do."""
_LED = re.compile(
    rf"(?:[Tt]he corner of )?(?:{_NUMBER}[ ]{{1,2}}){{0,2}}{_WORDS}(?:[ ]{_NUMBER}\b\.?)?"
    rf"(?: and {_WORDS}(?:[ ]{_NUMBER})?\.?)?{_TAIL}"
)
_CORNER = re.compile(
    rf"(?:[Tt]he )?[Cc]orner of (?:{_NUMBER}[ ])?{_WORDS}(?:[ ]{_NUMBER}\b\.?)?"
    rf" and (?:{_NUMBER}[ ])?{_WORDS}(?:[ ]{_NUMBER})?\.?"
)
_OWN_LINE = re.compile(rf"(?:^|\n)[>?]*[ ]*({_NUMBER}[ ]{_WORDS}[ ]{_NUMBER}{_TAIL})")
_BETWEEN = re.compile(rf"(?<![\w.,/\-])\d{{2,6}}[ ]{_WORDS}[ ]\d{{1,5}}\b(?=,?[ ]*\n|,[ ]*[{UPPER}]){_TAIL}")
_ZIP = re.compile(
    r"\b(?:zip(?: ?code)?|post(?:al)? ?code|plz)(?: is|:|"
    r",)?\s*(?:is )?([A-Z]{0,2}\d[A-Z\d\-]{2,9}(?: \d[A-Z]{2})?)\b|邮编[是为:： ]*(\d{6})",
    re.IGNORECASE,
)
_ZIP_WORDS = ("zip", "post", "plz", "邮编")
_LOWER_WORDS = ("street", "road", "avenue", "lane", "drive", "court", "boulevard", "terrace", "crescent")
_LOWER = re.compile(
    r"\b\d{1,5}[a-z]? (?!(?:\w+ )?(?:blocks?|miles?|minutes?|mins?|hours?|km|meters|of|on|the|to|and|days?|people)\b)"
    r"(?:[a-z]+ ){1,2}(?:street|road|avenue|lane|drive|court|boulevard|terrace|crescent)\b(?:, ?[a-z]+\b)?"
)
_HINT = re.compile(
    rf"{_STREET}\b|{_BEFORE_NAME}[ ]|(?i:{_ENDING})[ ]\d|(?i:\b(?:box|apt|suite|flat|apartment|unit)\b)|"
    rf"\d [ABD-HJLNP-UW-Z]{{2}}\b|"
    r"\b(?:AA|AE|AP) \d|street|road|avenue|lane|drive|court|boulevard|terrace|crescent|[Aa]ddress|"
    r"[Ll]ive[sd]?\b|corner of|"
    r"arrived at|office is|moved|deliver|side of|\n|(?i:\bzip\b|postcode|post(?:al)? code)|邮编"
)
"""Without one of these there is no address in Latin letters."""

_FIRST_WORD = re.sub(r" \w+\||\\\.\??", lambda found: "|" if found.group().startswith(" ") else "", _BEFORE_NAME)
_HINT_WORD = re.compile(
    rf"{_STREET}$|{_FIRST_WORD}$|(?i:^(?:box|apt|suite|flat|apartment|unit|zip)$|postcode|post(?:al)?$)|"
    r"^(?:AA|AE|AP)$|street|road|avenue|lane|drive|court|boulevard|terrace|crescent|"
    r"[Aa]ddress|[Ll]ive[sd]?$|corner$|arrived$|office$|moved|deliver|side$|邮编"
)
"""What of ``_HINT`` stands in one word."""
_LETTERS = re.compile(r"[^\W\d_]+")
_BEFORE_NUMBER = re.compile(r"(\S{1,40})[ ]\d")  # bounded: a line of digits has no blank to stop at
_CODE_OF_TWO = re.compile(r"\d [ABD-HJLNP-UW-Z]{2}\b")


def _may_hold(text: str) -> bool:
    """A tenth of the time of ``_HINT``, and true wherever that is found: its words, or a word before a number."""
    return (
        "\n" in text
        or any(map(_hints, _LETTERS.findall(text)))
        or "C/" in text
        or any(_ENDS.search(word) for word in _BEFORE_NUMBER.findall(text))
        or bool(_CODE_OF_TWO.search(text))
    )


@lru_cache(maxsize=65536)
def _hints(word: str) -> bool:
    return bool(_HINT_WORD.search(word))


_ENDS = re.compile(rf"(?:{_ENDING}|AA|AE|AP)$", re.IGNORECASE)
_NEXT_WORDS = re.compile(
    r"[ .,]+(?:please|pls|send|thanks?|thank|now|and|in|is|so|because|asap|today|tomorrow|but|if|when|can|could|"
    r"until|for|instead|not|it|i)\b(?! (?:corner|road|street)\b)",
    re.IGNORECASE,
)
_NOT_CITED = re.compile(r"^\d+,? (?:Blocks?|Miles?|Minutes?|Days?|Hours?|Years?|People|Hour)\b", re.IGNORECASE)

_ZH = "\u4e00-\u9fff"
_STREET_ZH = r"(?:路|街|大道|道|巷|弄|胡同|村|镇)"
_ESTATE_ZH = (
    r"(?:小区|花园|花苑|家园|苑|大厦|公寓|广场|名城|新村|新城|中心|庄园|"
    r"公馆|山庄|雅居|华府|嘉园|湾|府|城|里|园区|科技园|校区|宿舍)"
)
_DOOR_ZH = r"(?:号楼?|弄|栋|幢|座|室|楼|层|单元|期|门)"
_BLOCK_ZH = rf"(?:\d{{1,5}}(?:[\-－]\d{{1,5}}){{1,3}}(?!\d)|\d{{1,5}}[ ]?{_DOOR_ZH}|[A-Za-z]\d?[座栋幢])"
_REGION_ZH = (
    rf"(?:[{_ZH}]{{2,7}}?(?:省|自治区)[ ]?)?"
    rf"(?:[{_ZH}]{{2,7}}?(?:市|自治州|盟)[ ]?)?(?:[{_ZH}]{{1,6}}?(?:区|县|旗)[ ]?)?"
)
_ADDRESS_ZH = re.compile(
    rf"{_REGION_ZH}(?:[{_ZH}]{{1,9}}{_STREET_ZH}[ ]?(?:[{_ZH}]{{0,6}}[ ]?)?|[{_ZH}]{{1,9}}{_ESTATE_ZH}[ ]?){_BLOCK_ZH}"
    rf"(?:[ ]?[{_ZH}]{{0,8}}?[ ]?{_BLOCK_ZH})*(?:院|楼)?(?:\d{{3,4}}室?(?!\d))?"
)
_HINT_ZH = re.compile(rf"{_STREET_ZH}|{_ESTATE_ZH}")
_LEAD_ZH = re.compile(
    r"^.*?(?:住在?|(?<!寄)地址(?:就?是|为|改[成为到]|变更为|改)?|地址|[寄送发放][到给往]?|寄件|收货|改[成到为送]+|搬到|换[成到]|位于|就在|装在|在|是|"
    r"到|从|请问|不是)(?=[\u4e00-\u9fff])"
)


def addresses(text: str) -> Iterator[tuple[int, int]]:
    """Yields (start, end) of postal addresses; they may overlap."""
    if _may_hold(text) and _HINT.search(text):
        yield from _latin(text)
    if not text.isascii() and _HINT_ZH.search(text):
        yield from _chinese(text)


def _latin(text: str) -> Iterator[tuple[int, int]]:
    written = text.title() if text.islower() and len(text.title()) == len(text) else text
    whole = _ADDRESS if written is text else _ADDRESS_SMALL
    for match in _CORNER.finditer(written) if "orner of" in written else ():
        yield match.start(), match.start() + len(match.group().rstrip(" .,"))
    for match in (*whole.finditer(written), *_BETWEEN.finditer(written)):
        if not _NOT_CITED.match(match.group()):
            yield match.start(), _end(match)
    for match in _OWN_LINE.finditer(written) if "\n" in text else ():
        yield match.start(1), match.start(1) + len(match.group(1).rstrip(" .,\n>?"))
    for match in _LED.finditer(written):
        if any(c.isdigit() for c in match.group()) and _CUE.search(text[max(0, match.start() - 60) : match.start()]):
            yield match.start(), _end(match)
    small = text.lower()
    for match in _ZIP.finditer(text) if any(word in small for word in _ZIP_WORDS) else ():
        group = 1 if match.group(1) else 2
        yield match.start(group), match.end(group)
    for match in _LOWER.finditer(text) if any(word in text for word in _LOWER_WORDS) else ():
        yield match.start(), _end(match)


def _end(match: re.Match[str]) -> int:
    """Without the first words of what is said next."""
    found = _NEXT_WORDS.split(match.group(), maxsplit=1)[0]
    return match.start() + len(found.rstrip(" .,\n>?"))


def _chinese(text: str) -> Iterator[tuple[int, int]]:
    for match in _ADDRESS_ZH.finditer(text):
        lead = _LEAD_ZH.match(match.group())
        yield match.start() + (lead.end() if lead else 0), match.end()
