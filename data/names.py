"""Names of people in a log: who the log says spoke, and who says so in the text.

A dictionary of names would take products and towns for people; instead a name counts where it is used as one ("Hi
Anna,", "my name is …", "Best, Tom", 我叫…, 王先生) and is then replaced wherever the conversation repeats it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from data.courtesy import words
from data.lexicon import lexicon
from data.prose import ProseNames
from data.schema import Conversation

_UPPER = "A-Z" + "".join(chr(i) for i in (*range(0xC0, 0x250), *range(0x370, 0x530)) if chr(i).isupper())
_WORD = rf"(?-i:[{_UPPER}][\w'’\-]+)"
_FULL = rf"{_WORD}(?: (?:(?-i:[A-Z])\. )?{_WORD}){{0,2}}"
_ANY = r"[A-Za-z\u00c0-\u024f\u0370-\u052f][\w'’\-]+"

_TALK = (
    r"(?:it|this) is|speaking (?:to|with)|spoke (?:to|with)|talk(?:ing|ed) (?:to|with)|signed,?|attn\.?:?|"
    r"forward(?:ing)? (?:it|you|this) to|transfer(?:ring)? you to|colleague,?|connect(?:ing)? you (?:to|with)|"
    r"hand(?:ing)? (?:you )?over to"
)
_CUED: tuple[re.Pattern[str], ...] = (
    re.compile(
        rf"^(?:hi|hello|hey|hiya|dear|good (?:morning|afternoon|evening)|thanks|thank you|cheers)[ ,]+({_FULL})"
        r"\s*(?:[,!.:\-–]|$)",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:thanks|thank you|thx|sorry|welcome|cheers|bye|goodbye|okay|ok|hi|hello|hey|night|problem|pleasure|"
        rf"message)(?: so much| very much)?,? ({_FULL})\s*(?:[,!.?]|$)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?:(?:my|his|her) (?:full |first |last |maiden |sur)?name(?:['’]s| is|:)|name(?:['’]s|:)|"
        rf"call me|{_TALK}) ({_FULL})",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?:my (?:full |first |last |sur)?name is|my name['’]s) ({_ANY}(?: {_WORD})?)", re.IGNORECASE),
    re.compile(rf"\b(?:i['’]?m|i am) ({_FULL})(?= from| and|,? your| here|[.,!]|$)", re.IGNORECASE),
    re.compile(rf"\b(?:mr|mrs|ms|miss|dr|prof)\b\.? ({_FULL})", re.IGNORECASE),
    re.compile(
        r"(?:^|[.!?,\n] ?)(?:(?:kind|best|warm|many) )?(?:regards|wishes|best|cheers|sincerely|yours|greetings|love|"
        rf"thanks|thank you|thx),?\s+({_FULL})[.!]?$",
        re.IGNORECASE,
    ),
    re.compile(rf"(?:^|\s)(?:[-–—]{{1,2}} ?|\^ ?)({_WORD})[.!]?$"),
    re.compile(
        rf"(?:^|[.!] )({_WORD}) (?:here|speaking|joined the (?:chat|conversation)|left the (?:chat|conversation)|"
        r"will (?:take over|call you|get back))\b"
    ),
    re.compile(
        rf"\b(?:patient|customer|user|guest|host|client|contact|caller|doctor)[ _]?name\s?[=:]\s?({_FULL})",
        re.IGNORECASE,
    ),
)
_CUE = re.compile(
    r"\b(?:hi|hello|hey|hiya|dear|good|thanks|thank|thx|cheers|sorry|welcome|bye|goodbye|okay|ok|night|problem|pleasure|"
    r"name|call|this|it|speaking|spoke|talk\w*|signed|attn|forward\w*|transfer\w*|colleague|connect\w*|hand\w*|i['’]?m|am|"
    r"mr|mrs|ms|miss|dr|prof|regards|wishes|best|sincerely|yours|greetings|love|here|joined|left|will|\w+name)\b|[-–—^]",
    re.IGNORECASE,
)

NO_NAMES = words(
    """ma'm ma'am mam mate dude bro buddy asap btw time first i a an the and or but so if not no yes ok okay sure
    all again there here everyone team guys folks sir madam you your we our us they he she it is are was my
    me him her them their this that these those what when where how why who which hello hi hey hiya good
    great nice thanks thank please sorry well just also very much today tomorrow monday tuesday wednesday
    thursday friday saturday sunday january february march april may june july august september october
    november december morning afternoon evening night day week weekend christmas easter english chinese
    german french spanish customer customers agent agents support service services help desk store shop
    staff bot assistant system admin user guest visitor client member manager team order orders return
    returns refund delivery account mr mrs ms miss dr interested looking trying having going getting asking
    writing calling waiting happy glad afraid still really unable able sorry sure new back done ready fine
    from in on at to for of with by about as do does did can could would will should have has had be been
    being get got let know see need want like one two three best kind warm regards cheers dear welcome bye
    goodbye take care everything anything something nothing too now then later soon again more paypal visa
    mastercard amazon google apple twitter facebook instagram whatsapp klarna dhl ups fedex could may any
    every each quick first last full user email e-mail none unknown anonymous n/a null test"""
)
_SURNAMES_ZH = (
    "欧阳|司马|上官|诸葛|司徒|东方|皇甫|尉迟|公孙|慕容|令狐|["
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴"
    "夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟"
    "安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢路岳齐沿梅莫庄辛管祝左涂谷祁时舒耿牟卜詹关苗凌费纪靳盛童欧甄项"
    "曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边"
    "]"
)
_NAME_ZH = rf"(?:{_SURNAMES_ZH})[\u4e00-\u9fff]{{1,2}}"
_END_ZH = r"(?=[，,。.！!？?；;、\s的]|$)"
_CUED_ZH: tuple[re.Pattern[str], ...] = (
    re.compile(
        r"(?:我叫|我的名字[是叫]|姓名[是为:：]?\s?|收[件货]人[是为:：]?\s?|联系人[是为:：]?\s?|名字[是叫:：]\s?|署名|叫)"
        rf"({_NAME_ZH}){_END_ZH}"
    ),
    re.compile(rf"(?:我叫|我的名字[是叫]|名字叫)([\u4e00-\u9fff]{{2,4}}){_END_ZH}"),
    re.compile(rf"(?:我是|这里是|本人)(?:客服)?((?:{_SURNAMES_ZH}|小|阿)[\u4e00-\u9fff]{{1,2}}){_END_ZH}"),
    re.compile(rf"((?:{_SURNAMES_ZH})[\u4e00-\u9fff]{{0,2}}?)(?:先生|女士|小姐|太太|经理|师傅)"),
    re.compile(rf"(?:我姓|免贵姓|姓)({_SURNAMES_ZH}){_END_ZH}"),
    re.compile(
        rf"(?:客服|专员|顾问|同事|转接?给?)((?:{_SURNAMES_ZH}|小|阿)[\u4e00-\u9fff]{{1,2}}?)"
        r"(?=来|为您|接手|处理|跟进|继续|加入|会|[，,。！!]|$)"
    ),
)
_CUE_ZH = re.compile("叫|名|人|我是|这里是|先生|女士|小姐|太太|经理|师傅|姓|客服|专员|顾问|同事|转")
NO_NAMES_ZH = words(
    """客服 人工 系统 顾客 客户 用户 什么 怎么 哪里 这个 那个 一下 我们 你们 您好 你好 先生
    女士 高级 专业 安全 时候 时间 任何 何时 方便 成功 文件 白色 黑色 金额 金色
    包裹 包邮 包装 单号 单子 关于 万一 常见 解决 解释 查询 查看 强烈 成都 安装
    安排 温度 任务 于是 易碎 向您 项目 时常 费用 关闭 管理 马上 高兴 和您 主管
    经理 负责 仓库 财务 售后 售前 同事 专员 物流 快递 技术 人员 在线 电话 在吗"""
)
_TITLE_ZH = "(?=先生|女士|小姐|太太|经理|师傅)"
"""A surname alone is also a word: it is a name only before a title."""
_LETTER = "[A-Za-z0-9_\u00c0-\u024f]"
_HAN = re.compile("[\u4e00-\u9fff]")
_AUTHOR = re.compile(r"^[^\W\d_]+(?:[ .'’\-]+[^\W\d_]+){0,3}$")
_CONTRACTION = re.compile(r"['’](?:m|re|ll|d|ve|t)$", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['’]s?(?= |$)")
_ASKS_NAME = re.compile(
    r"\b(?:your|full|first|last|customer|patient|guest)(?:['’]s)? (?:full |first |last |own )?name\b|"
    r"怎么称呼|贵姓|姓名|名字",
    re.IGNORECASE,
)
_SHORT_ZH = re.compile(rf"(?:{_SURNAMES_ZH})[\u4e00-\u9fff]{{1,2}}")
_INTRODUCED = re.compile(r"^(?:it['’]?s|this is|i['’]?m|i am|(?:my )?name['’]?s?(?: is)?)[:,]? ", re.IGNORECASE)
_TYPED = re.compile(rf"{_ANY}\.?")
_INNER_WORD = re.compile(r"(?<=[a-z,] )[A-Za-z]{3,}\b")
_TOKENS = re.compile(r"[ .]+")
_LETTERS = re.compile("[^\\W\\d_\u4e00-\u9fff]+(?:['’\\-][^\\W\\d_\u4e00-\u9fff]+)*")


def author_names(author: str | None) -> set[str]:
    """What of an author's field is a person's name: the whole and its parts; nothing for ids, roles and teams."""
    if not author or not _AUTHOR.match(author.strip()):
        return set()
    whole = author.strip()
    if _HAN.search(whole):
        return {whole} if 2 <= len(whole) <= 4 and whole not in NO_NAMES_ZH else set()
    parts = [part for part in _TOKENS.split(whole) if part]
    if any(part.lower() in _NO_AUTHORS for part in parts):
        return set()
    return {whole, *(part for part in parts if len(part) > 1)}


def spoken_names(text: str) -> set[str]:
    """Names that a text uses as such."""
    found: set[str] = set()
    if _CUE.search(text):
        found.update(_named_in_latin(text))
    if not text.isascii() and _CUE_ZH.search(text):
        for pattern in _CUED_ZH:
            for name in pattern.findall(text):
                if not any(word in name for word in NO_NAMES_ZH):
                    found.add(name)
    return found


def _named_in_latin(text: str) -> Iterator[str]:
    for pattern in _CUED:
        for name in pattern.findall(text):
            parts = [part for part in _POSSESSIVE.sub("", name).split(" ") if part]
            while parts and not _may_name(parts[-1]):
                parts.pop()
            if parts and all(map(_may_name, parts)):
                yield " ".join(parts)


def _may_name(word: str) -> bool:
    """False for words that begin sentences, contractions, and the capitals of acronyms and initials."""
    bare = word.rstrip(".")
    acronym = bare.isupper() and len(bare) <= 4
    return bare.lower() not in NO_NAMES and not acronym and not _CONTRACTION.search(bare)


def customer_names(conversation: Conversation, prose: ProseNames) -> set[str]:
    """All names that a conversation itself gives away: its authors, and what is said.

    Args:
        conversation: Before redaction.
        prose: Finds names in free prose; knows the words of the log that are no names where they stand like one.
    """
    found: set[str] = set()
    asked, common = False, prose.common
    for message in conversation.messages:
        found |= author_names(message.author)
        if message.role != "system":
            found.update(prose.find(message.text))
        spoken = spoken_names(message.text)
        if message.role == "customer" and asked:
            spoken |= _name_alone(message.text)
        found.update(name for name in spoken if name.lower() not in common)
        asked = message.role == "agent" and bool(_ASKS_NAME.search(message.text))
    return found


def _name_alone(text: str) -> set[str]:
    """The name that a short answer to "What is your name?" consists of, in whatever case it was typed."""
    bare = _INTRODUCED.sub("", text.strip(" .,!?。，！"))
    if _HAN.search(bare):
        return {bare} if _SHORT_ZH.fullmatch(bare) and bare not in NO_NAMES_ZH else set()
    parts = bare.split()
    fits = 1 <= len(parts) <= 3 and all(_TYPED.fullmatch(part) and _may_name(part.title()) for part in parts)
    return {bare} if fits else set()


def inner_words(text: str) -> list[str]:
    """Words inside sentences, where only names are written large: "Ok, Proceed" does not make ``proceed`` a name."""
    return _INNER_WORD.findall(text)


def is_han(text: str) -> bool:
    """Whether a text holds a Chinese character."""
    return bool(_HAN.search(text))


def name_words(text: str) -> Iterator[tuple[int, int, str]]:
    """Yields (start, end, word) of all words in scripts with letters, without a possessive's ending."""
    for match in _LETTERS.finditer(text):
        word = _POSSESSIVE.sub("", match.group())
        yield match.start(), match.start() + len(word), word


def may_stand_small(word: str) -> bool:
    """Whether a known name still is one in small letters: not if short, and not if it is also a word ("Will")."""
    return len(word) > 3 and word.lower() not in _ALSO_WORDS and word.lower() not in lexicon().words


class NameFinder:
    """Finds given names in texts, a full name before its parts.

    Args:
        names: As written; parts of a full name belong to the same person.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.people: dict[str, str] = {}
        self._spelt: set[str] = set()
        for name in sorted(names, key=lambda name: (-len(name), name)):
            parts = (part for part in _TOKENS.split(name) if len(part) > 1)
            for form in {name, *(part for part in parts if part.lower() not in _NO_PARTS)}:
                self.people.setdefault(form.lower(), self._person(name))
                self._spelt.add(form)
        self._pattern = self._compile()

    def _person(self, name: str) -> str:
        return self.people.get(name.lower(), name.lower())

    def _compile(self) -> re.Pattern[str] | None:
        if not self.people:
            return None
        latin = sorted((n for n in self.people if not _HAN.search(n)), key=len, reverse=True)
        han = sorted((n for n in self.people if _HAN.search(n)), key=len, reverse=True)
        parts = []
        if latin:
            forms = sorted({form for n in latin for form in _written(n)} | self._odd_spellings(), key=len, reverse=True)
            parts.append(rf"(?<!{_LETTER})(?:{'|'.join(map(re.escape, forms))})(?!{_LETTER})")
        if han:
            parts.append("|".join(n if len(n) > 1 else n + _TITLE_ZH for n in han))
        return re.compile("|".join(parts))

    def _odd_spellings(self) -> set[str]:
        """McConnan, LeBatelier: capitals where convention has none."""
        return {form for form in self._spelt if not form.islower() and not _HAN.search(form)}

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yields (start, end, person)."""
        if self._pattern is not None:
            for match in self._pattern.finditer(text):
                yield match.start(), match.end(), self.people[match.group().lower()]


def _written(name: str) -> set[str]:
    """A name with its first letter in either case, and in capitals; a short one only as it is written by convention.

    A name of three letters or less, or one that is also a word ("Will", "Mark"), counts with a capital only.
    """
    titled = " ".join(part[:1].upper() + part[1:] for part in name.split(" "))
    forms = {titled, name.upper(), name.title()}
    if may_stand_small(name):
        forms.add(name)
    return forms


_ALSO_WORDS = words(
    """will mark grace rose hope faith joy bill art pat sue rob jack drew chase dawn summer autumn april may june
    august frank grant miles rich dean earl duke carol ivy lily daisy olive ruby amber pearl holly robin
    martin page paige ray penny sandy misty sunny gene norm skip chip cliff brook brooke forest heath lane
    west north young long short brown green black white gray grey king prince bishop baker cook carter cooper
    fisher hunter mason miller parker porter potter taylor turner walker weaver wood woods stone rivers field
    fields bell bush banks rice day love price"""
)
_NO_AUTHORS = NO_NAMES - _ALSO_WORDS
"""In an author's field Will is a name, and a team is none."""
_NO_PARTS = NO_NAMES | words("van von der den de del della di da dos la le el al bin ibn y e") | {"of", "st"}
"""Parts of full names that name nobody by themselves."""
