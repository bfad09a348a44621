"""Names of people in a log: who the log says spoke, and who says so in the text.

A dictionary of names would take products and towns for people; instead a name counts where it is used as one ("Hi
Anna,", "my name is …", "Best, Tom", 我叫…, 王先生) and is then replaced wherever the conversation repeats it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from data.courtesy import words
from data.lexicon import lexicon
from data.names_zh import TITLE, cued_people, is_short_name, may_be_person
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
    re.compile(
        rf"\b(?:my (?:full |first |last |sur)?name is|my name['’]s) "
        rf"({_ANY}(?: {_WORD}| {_ANY}(?= but| and|[.,!?;]|$))?)",
        re.IGNORECASE,
    ),
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
_HINTS: tuple[tuple[str, ...], ...] = (
    (),
    ("thank", "thx", "sorry", "welcome", "cheers", "bye", "ok", "hi", "hello", "hey", "night", "problem", "pleasure",
     "message"),
    ("name", "call", "this is", "it is", "speaking", "spoke", "talk", "signed", "attn", "forward", "transfer",
     "colleague", "connect", "hand"),
    ("name",),
    ("i'm", "i’m", "im ", "i am"),
    ("mr", "ms", "miss", "dr", "prof"),
    ("regards", "wishes", "best", "cheers", "sincerely", "yours", "greetings", "love", "thank", "thx"),
    ("-", "–", "—", "^"),
    ("here", "speaking", "joined", "left", "will"),
    ("name",),
)  # fmt: skip
"""Of each of these, one of which a text holds wherever it finds something; all texts may begin with a greeting."""
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
_LETTER = re.compile("[A-Za-z0-9_\u00c0-\u024f]")
_TITLE = re.compile(TITLE)
_HAN = re.compile("[\u4e00-\u9fff]")
_AUTHOR = re.compile(r"^[^\W\d_]+(?:[ .'’\-]+[^\W\d_]+){0,3}$")
_CONTRACTION = re.compile(r"['’](?:m|re|ll|d|ve|t)$", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['’]s?(?= |$)")
_ASKS_NAME = re.compile(
    r"\b(?:your|full|first|last|customer|patient|guest)(?:['’]s)? (?:full |first |last |own )?name\b|"
    r"怎么称呼|贵姓|姓名|名字",
    re.IGNORECASE,
)
_INTRODUCED = re.compile(r"^(?:it['’]?s|this is|i['’]?m|i am|(?:my )?name['’]?s?(?: is)?)[:,]? ", re.IGNORECASE)
_TYPED = re.compile(rf"{_ANY}\.?")
_INNER_WORD = re.compile(r"(?<=[a-z,] )[A-Za-z]{3,}\b")
_LARGE_WORD = re.compile(_WORD)
_TOKENS = re.compile(r"[ .]+")
_LETTERS = re.compile("[^\\W\\d_\u4e00-\u9fff]+(?:['’\\-][^\\W\\d_\u4e00-\u9fff]+)*")


def author_names(author: str | None) -> set[str]:
    """What of an author's field is a person's name: the whole and its parts; nothing for ids, roles and teams."""
    if not author or not _AUTHOR.match(author.strip()):
        return set()
    whole = author.strip()
    if _HAN.search(whole):
        return {whole} if 2 <= len(whole) <= 4 and may_be_person(whole) else set()
    parts = [part for part in _TOKENS.split(whole) if part]
    if any(part.lower() in _NO_AUTHORS for part in parts):
        return set()
    return {whole, *(part for part in parts if len(part) > 1)}


def spoken_names(text: str) -> set[str]:
    """Names that a text uses as such."""
    found: set[str] = set()
    if _may_hold_name(text) and _CUE.search(text):
        found.update(_named_in_latin(text))
    if not text.isascii():
        found.update(cued_people(text))
    return found


def _may_hold_name(text: str) -> bool:
    """A tenth of the time of ``_CUED``, and true wherever these find a name.

    All but "my name is" want a word with a capital that may be a name. What is put together with a hyphen is taken for
    one, as a name may end before it.
    """
    return any(map(_may_be_called, _LARGE_WORD.findall(text))) or "name" in text.lower()


@lru_cache(maxsize=16384)
def _may_be_called(word: str) -> bool:
    return "-" in word or _may_name(_POSSESSIVE.sub("", word))


def _named_in_latin(text: str) -> Iterator[str]:
    small = text.lower()
    for pattern, hints in zip(_CUED, _HINTS, strict=True):
        for name in pattern.findall(text) if not hints or any(hint in small for hint in hints) else ():
            parts = [part for part in _POSSESSIVE.sub("", name).split(" ") if part]
            while parts and not _may_name(parts[-1]):
                parts.pop()
            also_word = len(parts) > 1 and parts[0].lower() in _ALSO_WORDS  # June Dickerson
            if parts and all(map(_may_name, parts[1 if also_word else 0 :])):
                yield " ".join(parts)


def _may_name(word: str) -> bool:
    """False for words that begin sentences, contractions, and the capitals of acronyms and initials."""
    bare = word.rstrip(".")
    acronym = bare.isupper() and len(bare) <= 4
    return bare.lower() not in NO_NAMES and not acronym and not _CONTRACTION.search(bare)


def customer_names(conversation: Conversation, prose: ProseNames) -> tuple[set[str], set[str]]:
    """All names that a conversation itself gives away: its authors, and what is said.

    Args:
        conversation: Before redaction.
        prose: Finds names in free prose; knows the words of the log that are no names where they stand like one.

    Returns:
        Names that count wherever they stand, and names from free prose, which count with a capital only.
    """
    found: set[str] = set()
    large: set[str] = set()
    asked, common = False, prose.common
    for message in conversation.messages:
        found |= author_names(message.author)
        if message.role != "system":
            large.update(prose.find(message.text))
        spoken = spoken_names(message.text)
        if message.role == "customer" and asked:
            spoken |= _name_alone(message.text)
        found.update(name for name in spoken if name.lower() not in common)
        asked = message.role == "agent" and _asks_name(message.text)
    sure = {name for name in large if name.islower()}
    return found | sure, large - sure - found


def _asks_name(text: str) -> bool:
    return ("name" in text.lower() or not text.isascii()) and bool(_ASKS_NAME.search(text))


def _name_alone(text: str) -> set[str]:
    """The name that a short answer to "What is your name?" consists of, in whatever case it was typed."""
    bare = _INTRODUCED.sub("", text.strip(" .,!?。，！"))
    if _HAN.search(bare):
        return {bare} if is_short_name(bare) else set()
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
        large: Of these, names that count with a capital only.
    """

    def __init__(self, names: Iterable[str], large: Iterable[str] = ()) -> None:
        self.people: dict[str, str] = {}
        self._large = {form.lower() for name in large for form in (name, *_TOKENS.split(name))}
        self._spelt: set[str] = set()
        for name in sorted(names, key=lambda name: (-len(name), name)):
            parts = (part for part in _TOKENS.split(name) if len(part) > 1)
            for form in {name, *(part for part in parts if part.lower() not in _NO_PARTS)}:
                self.people.setdefault(form.lower(), self._person(name))
                self._spelt.add(form)
        self._forms = self._all_forms()

    def _person(self, name: str) -> str:
        return self.people.get(name.lower(), name.lower())

    def _all_forms(self) -> dict[str, str]:
        """How the names may be written, to their people."""
        forms = {
            form: person
            for name, person in self.people.items()
            for form in ((name,) if is_han(name) else _written(name, small=name not in self._large))
        }
        odd = (form for form in self._spelt if not form.islower() and not is_han(form))
        return forms | {form: self.people[form.lower()] for form in odd}  # McConnan, LeBatelier

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yields (start, end, person); of two that overlap the first, of two that begin together the longer.

        Each form is looked for by itself: a conversation has few names, and compiling them takes longer.
        """
        found = [
            (start, -len(form), person)
            for form, person in self._forms.items()
            if form in text
            for start in _places(text, form)
        ]
        position = 0
        for start, length, person in sorted(found):
            if start >= position:
                position = start - length
                yield start, position, person


def _places(text: str, form: str) -> Iterator[int]:
    """Where a form stands by itself: no Latin letter beside a Latin name, a title after a Chinese surname alone."""
    latin, start = not is_han(form), text.find(form)
    while start >= 0:
        end = start + len(form)
        if latin:
            alone = not _LETTER.match(text, end) and not (start and _LETTER.match(text[start - 1]))
        else:
            alone = len(form) > 1 or bool(_TITLE.match(text, end))
        if alone:
            yield start
        start = text.find(form, start + 1)


def _written(name: str, *, small: bool) -> set[str]:
    """A name with its first letter in either case, and in capitals; a short one only as it is written by convention.

    A name of three letters or less, or one that is also a word ("Will", "Mark"), counts with a capital only.
    """
    titled = " ".join(part[:1].upper() + part[1:] for part in name.split(" "))
    forms = {titled, name.upper(), name.title()}
    if small and may_stand_small(name):
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
