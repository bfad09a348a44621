"""A log with a thousand planted values, taken through the real import: does any of them stand in a file afterwards?

Values of all kinds and both languages stand in sentences of our own; each conversation has other people. What is
searched is every file below the workspace's ``var``, byte by byte, for each value as it was written and for its digits.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.redaction_zh import _address, _mobile, _resident

PEOPLE = 250
"""Conversations with four planted values each."""

_QUESTIONS = (
    ("How long does delivery take?", "Delivery takes two working days inside the country."),
    ("Can I return the boots I bought?", "You can return them within thirty days, unworn."),
    ("Which card types do you accept?", "We accept all common debit and credit cards."),
    ("Is the tent waterproof?", "Yes, the tent keeps out heavy rain for many hours."),
    ("How do I wash the jacket?", "Wash it cold, without softener, and let it dry."),
)
_QUESTIONS_ZH = (
    ("送货要多久？", "一般两天内送达。"),
    ("靴子可以退货吗？", "三十天内没穿过的都可以退。"),
    ("帐篷防水吗？", "防水的，可以放心使用。"),
)
_FRAMES: dict[str, tuple[str, ...]] = {
    "name": ("My name is {}.", "This is {} speaking.", "Best regards, {}", "Please ask for my husband {}."),
    "mail": ("Write to {} please.", "My e-mail is {}.", "I never got it at {}!"),
    "phone": ("Call me on {}.", "My number is {}, any time.", "You can reach me at {} after six."),
    "card": ("I paid with card {}.", "The card {} was charged twice."),
    "iban": ("Refund it to {} please.", "My IBAN is {}."),
    "ip": ("I was blocked, my IP is {}.", "It says {} is not allowed."),
    "order": ("Order no. {} has not come.", "It is about order {}."),
    "password": ("My password is {}, it fails.", "The password: {} does not work."),
    "birth": ("I was born on {}.", "Date of birth: {}."),
    "social": ("My social security number is {}.", "SSN {}"),
    "address": ("Ship it to {} please.", "I live at {}.", "My address is {}."),
    "code": ("The verification code is {}.", "I got the code {} by text message."),
    "zh name": ("我叫{}，谢谢。", "收件人：{}", "麻烦转告我先生{}。"),
    "zh mobile": ("手机号{}。", "打{}就行。"),
    "zh id": ("身份证号{}。", "证件号码是{}，请登记。"),
    "zh address": ("地址是{}。", "请寄到{}，谢谢"),
    "zh code": ("验证码是{}。", "我收到的验证码：{}"),
}
_ENGLISH = tuple(kind for kind in _FRAMES if not kind.startswith("zh"))
_CHINESE = tuple(kind for kind in _FRAMES if kind.startswith("zh"))


def planted_log(path: Path, *, people: int = PEOPLE, seed: int = 20260101) -> list[str]:
    """Writes a log in our own format and returns the values that were planted in it."""
    from faker import Faker

    chance, planted = random.Random(seed), []
    fakes = {"en": Faker(["en_US", "en_GB"]), "zh": Faker("zh_CN")}
    for fake in fakes.values():
        fake.seed_instance(seed)
    makers = _makers(chance, fakes["en"], fakes["zh"])
    with path.open("w", encoding="utf-8") as stream:
        for number in range(people):
            kinds = chance.sample(_CHINESE if number % 4 == 3 else _ENGLISH, 4)
            values = [makers[kind]() for kind in kinds]
            planted += values
            said = [chance.choice(_FRAMES[kind]).format(value) for kind, value in zip(kinds, values, strict=True)]
            author = str(fakes["en"].first_name()) + " " + str(fakes["en"].last_name())
            planted.append(author)
            row = {"id": f"p{number}", "messages": list(_messages(chance, number, said, author))}
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    return planted


def _messages(chance: random.Random, number: int, said: list[str], author: str) -> Iterator[dict[str, object]]:
    question, answer = chance.choice(_QUESTIONS_ZH if number % 4 == 3 else _QUESTIONS)
    time = 1_700_000_000 + 3600 * number
    yield {"role": "customer", "text": f"{question} {said[0]}", "time": time, "author": author}
    yield {"role": "agent", "text": answer, "time": time + 30}
    yield {"role": "customer", "text": said[1], "time": time + 60, "author": author}
    yield {"role": "agent", "text": "Thank you. " + said[2].replace("My ", "Your "), "time": time + 90}
    yield {"role": "customer", "text": said[3], "time": time + 120, "author": author}


def _makers(chance: random.Random, english: object, chinese: object) -> dict[str, Callable[[], str]]:
    def digits(count: int) -> str:
        return "".join(chance.choices("123456789", k=count))

    def fake(source: object, name: str) -> Callable[[], str]:
        return lambda: " ".join(str(getattr(source, name)()).split())

    return {
        "name": lambda: f"{fake(english, 'first_name')()} {fake(english, 'last_name')()}",
        "mail": fake(english, "ascii_free_email"),
        "phone": lambda: chance.choice((f"+44 7700 9{digits(5)}", f"(212) 555-{digits(4)}", f"+49 151 2{digits(7)}")),
        "card": fake(english, "credit_card_number"),
        "iban": fake(english, "iban"),
        "ip": fake(english, "ipv4_public"),
        "order": lambda: "NT-" + digits(6),
        "password": lambda: fake(english, "first_name")().lower() + digits(4) + "!",
        "birth": lambda: f"{chance.randint(1, 12)}/{chance.randint(1, 28)}/{chance.randint(1950, 2005)}",
        "social": lambda: f"{chance.randint(100, 665)}-{chance.randint(10, 99)}-{digits(4)}",
        "address": lambda: (
            f"{chance.randint(10, 999)} {fake(english, 'last_name')()} " + chance.choice(("Street", "Road", "Avenue"))
        ),
        "code": lambda: digits(6),
        "zh name": fake(chinese, "name"),
        "zh mobile": lambda: _mobile(chance),
        "zh id": lambda: _resident(chance),
        "zh address": lambda: _address(chance),
        "zh code": lambda: digits(6),
    }


def leaks(folder: Path, *, people: int = PEOPLE, seed: int = 31) -> tuple[int, list[tuple[str, str]]]:
    """Imports the planted log and searches what was written.

    Args:
        folder: Empty; the log and the workspace are made in it.
        people: Number of conversations.
        seed: Of the values; what leaked with one seed may be mended, the figure is of another.

    Returns:
        How many values were planted, and those found, each with the file.
    """
    from data.build import build_dataset
    from data.report import read_report
    from data.workspace import Workspace

    log = folder / "log.jsonl"
    planted = planted_log(log, people=people, seed=seed)
    workspace = Workspace(folder / "shop")
    layout = build_dataset([log], workspace)
    read_report(layout)
    found = []
    for path in sorted(workspace.var.rglob("*")):
        if path.is_file():
            held = path.read_bytes().decode("utf-8", errors="replace")
            found += [(value, path.name) for value in planted if _stands(value, held)]
    return len(planted), found


def _stands(value: str, held: str) -> bool:
    """As written, as JSON writes it, or as a number without its blanks."""
    compact = re.sub(r"[\s\-()+]", "", value)
    forms = {value, json.dumps(value)[1:-1]} | ({compact} if compact.isdigit() else set())
    return any(re.search(rf"(?<![A-Za-z0-9]){re.escape(form)}(?![A-Za-z0-9])", held) for form in forms)
