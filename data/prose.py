"""Names of people in free prose: not after "my name is", but somewhere in a sentence.

A run of capitalised words is weighed by what its words are (a first or last name of many countries, a common word, a
town), by what stands beside it ("said …", "… lives", "… and …"), and by what the log itself tells: words that it
often writes small, and words that agents often write large, such as products, are no names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from data.courtesy import words
from data.lexicon import Lexicon, lexicon
from data.names_zh import tagged_people

UPPER = "A-Z" + "".join(chr(i) for i in (*range(0xC0, 0x250), *range(0x370, 0x530)) if chr(i).isupper())
_WORD = rf"[{UPPER}](?:[^\W\d_\u4e00-\u9fff]|['’\-](?=[^\W\d_]))*"
_PARTICLE = "(?:de|da|do|dos|del|della|di|van|von|der|den|van der|van den|la|le|el|al|bin|ibn|y|e)"
_RUN = re.compile(
    rf"(?<![\w@#/.\-]){_WORD}(?:(?:(?<=[ ]\w)\.)?[ ]{{1,2}}(?:{_PARTICLE} )?{_WORD}){{0,5}}(?![\d@_])(?!\.\w\w)"
)
_LARGE = re.compile(rf"(?<![\w@#/.\-]){_WORD}(?: {_PARTICLE} |[\d@_]|\.\w\w)?")
"""Each word of a run; with what follows it where that tells more than the word does."""
_PIECE = re.compile(r"[^ ]+")
_MOST_KNOWN = 100_000
_POSSESSIVE = re.compile(r"['’]s?$")
_SPLIT = re.compile(r"[ .]+")
_STARTS = re.compile(r"(?:^|[.!?…:;\"“”>*\-–—\n(\[]|\b(?:bot|user|agent|customer):)\s*$", re.IGNORECASE)
_BEFORE = re.compile(
    r"\b(?:said|says|told|tell|asked?|ask for|met|meet|met with|married|call(?:s|ed)? (?:me|him|her|us)|"
    r"named(?: him| her)?|"
    r"name(?:['’]s|d)?|name (?:is|was|on it is)|known as|by|with|and|to|from|my (?:\w+ )?(?:husband|wife|"
    r"son|daughter|mother|"
    r"father|mom|mum|dad|brother|sister|friend|partner|boss|colleague|neighbou?r|cousin|uncle|aunt|child)|"
    r"his (?:wife|friend)|her (?:husband|friend)|commenter|writer|songwriter|singer|actor|author|director|"
    r"manager|founder|"
    r"ceo|president|starring|featuring|tribute to|gender of|to|mr|mrs|ms|miss|dr|prof|sir|madam)\.?,? ?$",
    re.IGNORECASE,
)
_STRONG_BEFORE = re.compile(
    r"\b(?:my (?:husband|wife|son|daughter|mother|father|mom|mum|dad|brother|sister|friend|colleague|boss|"
    r"partner)|said|says|met|married|call(?:s|ed)? (?:me|him|her)|named(?: him| her)?|(?:last |maiden |first |"
    r"sur|full )?name "
    r"(?:is|was)|known as|(?:last |first |full |sur)?name\? ?(?:\w+: ?)?|name on the (?:account|card|"
    r"order)\? ?(?:\w+: ?)?|"
    r"(?:change|correct|rename) (?:it|that|this|the name) to|need to add|commenter|songwriter|singer|"
    r"starring|directed by|tribute to|gender of|leave me|written by|signed by|mr|mrs|ms|miss|"
    r"dr|prof|[Nn]ame:?)\.?,? *$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"^(?:['’]s (?:wife|husband|kid|son|daughter|mother|father|account|card|order|house|name|phone|email|"
    r"birthday|concert)|"
    r"(?:, the [\w ]{3,40},)?,? (?:said|says|told|asked|lives?|lived|works?|worked|was born|is the (?:ceo|"
    r"founder|owner)|is my|is our|called|"
    r"wrote|speak|speaking|here\b|fan\b|just has|has been|has paid|had told|likes?|loves?|hates?|thinks?|"
    r"wants?|needs? to))",
    re.IGNORECASE,
)
_LIST = re.compile(rf"^(?:,| and| &) (?={_WORD})")
_AND = (", ", " and ", " & ", " to ")
"""Between two names of one list: what stands beside a name in it is one too."""
_TOWN = words("new san los las saint st santa north south east west fort mount lake port great el upper lower cape bad")
"""Before what may be a name, these make a town of it: New York, San Francisco, Port Louis."""
_SMALL = re.compile(
    r"\b(?:call(?:s|ed)? (?:me|him|her)|(?:my|his|her|the) (?:full |first |last |maiden )?name(?: is|"
    r"['’]s)|named (?:him|her)|"
    r"gender of|name is)[:,]? ([^\W\d_\u4e00-\u9fff]{3,}(?: [^\W\d_\u4e00-\u9fff]{3,})?)"
)
_PAIR = re.compile(r"(?<![^\W_])(?=([^\W\d_]{3,}) ((?:[^\W\d_]\.? )?)([^\W\d_]{3,})(?![^\W_]))")
_INITIAL = re.compile(rf"{_WORD} [{UPPER}]\.? {_WORD}")
"""John A. Leiva: an initial in the middle makes a person of any two words."""
_SURNAME = re.compile(
    r"..(?:ski|sky|ska|ová|ova|eva|ović|ovic|evich|ovich|enko|sson|dóttir|dottir|poulos|akis|shvili|escu|berg|stein|"
    r"stad|sen|quist|qvist|etti|elli|ellini|ucci|iani|czyk|wicz|yev|iev|kov|nen|ström|strom|lund|gren|"
    r"dahl|mann|ják|čič|"
    r"šek|ček|vić|idze)$"
)
"""Endings that last names have in several languages and few English words do."""
_FIRMS = words(
    """inc ltd llc corp corporation company co group holdings bank technologies partners systems solutions university
    college school hotel inn restaurant cafe club airport station hospital street road avenue lane drive park village
    town city county state republic island lake river mountain north south east west new united business insurance
    airlines airways magazine times press news records music films studio studios award center centre museum church
    council department ministry office team support service services store shop market mall tower building square the
    card account credit debit order app pro plus mini ultra edition series season version model windows android
    chinese american british european african asian"""
)
_TITLES = words("mr mrs ms miss dr prof sir madam dds phd md jr sr")


@dataclass(frozen=True)
class ProseNames:
    """Finds names in prose.

    Attributes:
        common: Words that the log often writes small, and pairs of Chinese characters that are no names in it.
        titled: Words that the log often writes large but never uses as a name: products, firms, streets.
    """

    common: frozenset[str] = frozenset()
    titled: frozenset[str] = frozenset()
    _ruled_out: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)
    _ranks: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def find(self, text: str) -> Iterator[str]:
        """Yields names as written."""
        if not text.isascii():
            yield from tagged_people(text, self.common)
        known = lexicon()
        if self._may_hold(text, known):
            yield from self._in_runs(text, known)
        if text.islower():
            yield from self._all_small(text, known)
        for small in _SMALL.finditer(text) if "name" in text or "call" in text or "gender of" in text else ():
            name = " ".join(w for w in small.group(1).split(" ") if self._rank(w, known) > 0)
            if name and small.group(1).startswith(name):
                yield name

    def _may_hold(self, text: str, known: Lexicon) -> bool:
        """Whether a word is written large that is not ruled out by itself; most texts only begin sentences."""
        words = (_POSSESSIVE.sub("", w) if "'" in w or "’" in w else w for w in _LARGE.findall(text))
        return any(len(w) > 1 and not (w[-1].isalpha() and self._blocked(w, known)) for w in words)

    def _in_runs(self, text: str, known: Lexicon) -> Iterator[str]:
        """Names among the words that are written large."""
        runs = [r for m in _RUN.finditer(text) for r in self._trimmed(text, m.start(), m.end(), known)]
        named = [self._is_name(text, start, end, known) for start, end in runs]
        for i, (start, end) in enumerate(runs):
            if not named[i] and self._may_be_listed(text[start:end], known):
                before = i > 0 and named[i - 1] and text[runs[i - 1][1] : start] in _AND
                after = (
                    i + 1 < len(runs) and named[i + 1] and text[end : runs[i + 1][0]] in _AND[_begins(text, start) :]
                )
                named[i] = before or after
            if named[i]:
                yield text[start:end]

    def _all_small(self, text: str, known: Lexicon) -> Iterator[str]:
        """In a text without capitals, a first and a last name side by side that both are nothing else."""
        for pair in _PAIR.finditer(text):
            first, initial, last = pair.groups()
            if self._blocked(first, known) or self._blocked(last, known) or last in known.words:
                continue
            before, after = text[max(0, pair.start() - 60) : pair.start()], text[pair.end(3) : pair.end(3) + 48]
            beside = _AFTER.match(after) or _STRONG_BEFORE.search(before) or _called(before, after)
            if self._rank(first, known) == 2 and self._rank(last, known) >= (0 if beside else 1):
                yield f"{first} {initial}{last}"

    def _may_be_listed(self, name: str, known: Lexicon) -> bool:
        parts = _SPLIT.split(name)
        return not name.isupper() and all(self._rank(p, known) >= 0 or p.lower() in known.last for p in parts)

    def _trimmed(self, text: str, start: int, end: int, known: Lexicon) -> Iterator[tuple[int, int]]:
        """A run without the words that begin sentences and the titles: what is left may be a name."""
        begin = finish = -1
        for match in _PIECE.finditer(text[start:end]):
            word = _POSSESSIVE.sub("", match.group()).rstrip(".")
            begins, rest = start + match.start(), text[start + match.end() : end]
            initial = len(word) == 1
            if initial and begin >= 0:
                continue  # John A. Smith
            kept = self._leads(word, rest, known) or (begin >= 0 and self._trails(text[begin:begins], word, known))
            if initial or (self._blocked(word, known) and not kept):
                if begin >= 0:
                    yield begin, finish
                begin = -1
                continue
            begin = begins if begin < 0 else begin
            finish = begins + len(word)
            if word != match.group().rstrip("."):  # Anna's Garmin is no Anna Garmin
                yield begin, finish
                begin = -1
        if begin >= 0:
            yield begin, finish

    def _blocked(self, word: str, known: Lexicon) -> bool:
        found = self._ruled_out.get(word)
        if found is None:
            if len(self._ruled_out) > _MOST_KNOWN:
                self._ruled_out.clear()  # a log of endless new words must not grow the process
            found = self._ruled_out[word] = self._is_ruled_out(word, known)
        return found

    def _is_ruled_out(self, word: str, known: Lexicon) -> bool:
        from data.names import NO_NAMES

        small = word.lower()
        if small in _TITLES or small in NO_NAMES or small in self.common or "'" in small[-3:] or "’" in small[-3:]:
            return True
        return small in known.words and small not in known.first and small not in known.last

    def _leads(self, word: str, rest: str, known: Lexicon) -> bool:
        """Whether a month or another word that is a first name too stands before a last name: June Dickerson."""
        following = rest.split()[:1]
        if word.lower() not in known.first or word.lower() in self.common or not following:
            return False
        return following[0].lower() in known.last and not self._blocked(following[0], known)

    def _trails(self, before: str, word: str, known: Lexicon) -> bool:
        """Whether a word that is rarely a name, but a last name too, follows a first name: Teresa French."""
        small = word.lower()
        return (
            before.strip().lower() in known.first
            and small in known.last
            and len(small) > 3
            and small not in known.words
            and small not in self.common
        )

    def _rank(self, word: str, known: Lexicon) -> int:
        """2 a first name, 1 a last name or a word with letters that English lacks, 0 unknown, -1 rather no name."""
        found = self._ranks.get(word)
        if found is None:
            if len(self._ranks) > _MOST_KNOWN:
                self._ranks.clear()
            found = self._ranks[word] = self._ranked(word, known)
        return found

    def _ranked(self, word: str, known: Lexicon) -> int:
        small = word.lower().strip(".")
        if small in _FIRMS or small in self.common or (small in known.words and small not in known.first):
            return -1
        if small in known.words:
            return 1
        if small in self.titled:
            return -1
        if small in known.first:
            return 1 if small in known.lands else 2
        if small in known.places:
            return -1
        return 1 if small in known.last or not small.isascii() or _SURNAME.search(small) else 0

    def __reduce__(self) -> tuple[type[ProseNames], tuple[frozenset[str], frozenset[str]]]:
        """Without what was looked up, which would make each process's copy large."""
        return ProseNames, (self.common, self.titled)

    def _is_name(self, text: str, start: int, end: int, known: Lexicon) -> bool:
        name = text[start:end]
        parts = [part for part in _SPLIT.split(name) if len(part) > 1 and part[0].isupper()]
        if not parts or len(parts) > 4 or (name.isupper() and len(parts) == 1):
            return False
        ranks = [self._rank(part, known) for part in parts]
        if name.lower() in known.places and ranks != [2]:
            return False
        if parts[0].lower() in _TOWN or any(part.lower() in _FIRMS - known.last for part in parts):
            return False
        before, after = text[max(0, start - 40) : start], text[end : end + 48]
        if _firm_beside(before, after):
            return False
        if _INITIAL.fullmatch(name) and min(ranks) >= 0:
            return True
        strong = bool(_STRONG_BEFORE.search(before) or _AFTER.match(after)) or _called(before, after)
        if len(parts) == 1:
            return _alone(ranks[0], strong=strong, before=before, after=after)
        return _together(ranks, strong=strong, starts=_begins(text, start))


def _begins(text: str, start: int) -> bool:
    return bool(_STARTS.search(text[max(0, start - 12) : start]))


def _called(before: str, after: str) -> bool:
    """Spoken to at the end of a sentence ("…, Roy!"), or a line of its own, or its beginning ("Anna: yes")."""
    vocative = before.endswith(", ") and re.match(r"[!?.]", after)
    own_line = re.search(r"(?:\n|^)[>? ]*$", before) and re.match(r"[ ]*(?:\n|: )", after)
    return bool(vocative or own_line)


def _firm_beside(before: str, after: str) -> bool:
    """Part of a longer proper name that is no person's: "Lucid Technologies", "65 Gordon Terrace"."""
    if (
        (word := re.search(r"([^\W\d_]+)\.? $", before))
        and word.group(1)[0].isupper()
        and word.group(1).lower() in _TOWN
    ):
        return True
    following = re.match(r"[ ]([^\W\d_]+)", after)
    if following and following.group(1)[0].isupper() and following.group(1).lower() in _FIRMS - lexicon().last:
        return True
    return bool(re.search(r"\d[A-Za-z]?,? $", before)) or bool(re.match(r",? \d", after))


def _alone(rank: int, *, strong: bool, before: str, after: str) -> bool:
    """A single word needs a first name's evidence, or what stands beside it."""
    if rank < 0:
        return False
    if rank == 2:
        return True
    if rank == 1:
        return strong or bool(_BEFORE.search(before) and not _STARTS.search(before)) or bool(_LIST.match(after))
    return strong


def _together(ranks: Sequence[int], *, strong: bool, starts: bool) -> bool:
    """Several words: the first a first name, or most of them names of some kind."""
    if strong and (max(ranks) > 0 or min(ranks) >= 0):
        return True
    if min(ranks) < 0:
        return ranks[0] == 2 and ranks[1:].count(-1) < len(ranks) - 1
    if ranks[0] == 2 or ranks[-1] == 2:
        return True
    return sum(ranks) >= (2 if starts else 1)
