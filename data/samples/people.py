"""The people, things and numbers of the sample shop. All invented; see README.md for the reserved ranges used."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from data.samples.phrasebook import FOLDER, read_words

AGENTS = {
    "en": ("Lena", "Marek", "Priya", "Tom", "Ingrid"),
    "zh": ("小林", "陈晨", "阿岚"),
}
WORDS = read_words(FOLDER / "names.txt")
MONTHS = WORDS["month"]
TITLES_ZH = ("先生", "女士")
STREETS = (
    "Birch Lane",
    "Station Road",
    "Lakeview Street",
    "Old Mill Road",
    "Chapel Street",
    "Larch Close",
    "Quay Road",
)
TOWNS = ("Northhaven", "Fellbridge", "Aldermouth", "Kirkdale", "Westmere", "Ravenford")
CITIES_ZH = (
    "杭州市西湖区",
    "成都市武侯区",
    "南京市鼓楼区",
    "广州市天河区",
    "北京市海淀区",
    "西安市雁塔区",
    "昆明市五华区",
)
ROADS_ZH = ("云杉路", "北径街", "松涛路", "白桦巷", "溪谷路", "青石街")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
WEEKDAYS_ZH = ("周一", "周二", "周三", "周四", "周五")
CODES = ("TRAIL15", "WELCOME10", "AUTUMN20", "HIKE5", "SUMMIT10", "SNOW15")
CARRIERS = {"en": ("DPX", "ParcelNord", "Veloce"), "zh": ("顺丰", "中通", "京东快递", "韵达")}
TRACKING = {"DPX": "DX", "ParcelNord": "PN", "Veloce": "VE", "顺丰": "SF", "中通": "ZT", "京东快递": "JD", "韵达": "YD"}


@dataclass(frozen=True)
class Item:
    """A product: its section in ``items.txt``, both names and the price in euros."""

    section: str
    name: str
    price: float
    name_zh: str


def read_items() -> list[Item]:
    """The shop's products from ``items.txt``."""
    items, section = [], ""
    for line in (FOLDER / "items.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("-- "):
            section = line[3:].strip()
        elif line.startswith("* "):
            name, price, name_zh = (cell.strip() for cell in line[2:].split("|"))
            items.append(Item(section, name, float(price), name_zh))
    return items


@dataclass(frozen=True)
class Customer:
    """Someone who writes to the shop. ``first`` is how an agent addresses them."""

    first: str
    full: str
    email: str
    phone: str
    address: str


def draw_customer(rng: random.Random, language: str) -> Customer:
    """Invents a customer; mail domains and English phone numbers are reserved for examples."""
    digits = f"{rng.randrange(1000):03d}"
    domain = rng.choice(("example.com", "example.com", "example.org", "example.net"))
    if language == "zh":
        title = rng.choice(TITLES_ZH)
        surname, given = rng.choice(WORDS["surname_zh"]), rng.choice(WORDS[f"given_zh_{title}"])
        email = f"{rng.choice(('trail', 'hiker', 'user', 'shan', 'yun'))}{rng.randrange(100, 9999)}@{domain}"
        house = f"{rng.randrange(1, 200)}号{rng.randrange(1, 20)}栋{rng.randrange(101, 1805)}室"
        address = rng.choice(CITIES_ZH) + rng.choice(ROADS_ZH) + house
        return Customer(surname + title, surname + given, email, f"1380000{rng.randrange(1000):04d}", address)
    first, last = rng.choice(WORDS["first"]), rng.choice(WORDS["last"])
    email = rng.choice((f"{first}.{last}", f"{first[0]}{last}{digits[:2]}", f"{last}.{first}")).lower() + "@" + domain
    phone = rng.choice(("07700 900", "+44 7700 900", "020 7946 0")) + digits
    phone = f"+1 202 555 01{digits[:2]}" if rng.random() < 0.2 else phone
    address = f"{rng.randrange(1, 180)} {rng.choice(STREETS)}, {rng.choice(TOWNS)}"
    return Customer(first, f"{first} {last}", email, phone, address)


def draw_slots(
    rng: random.Random, language: str, customer: Customer, agents: Sequence[str], day: date
) -> dict[str, list[str]]:
    """The values of all slots but ``item``: fixed for the conversation, so that a name or number stays the same.

    Args:
        rng: Of this log.
        language: ``en`` or ``zh``.
        customer: Who writes.
        agents: Who answers, and who would take over.
        day: Of the conversation: what is awaited comes two to five days later, and trips are one to three months off.
    """
    chinese = language == "zh"
    coming = _no_sunday(day + timedelta(days=rng.randint(2, 5)))
    month = (day.month - 1 + rng.randint(1, 3)) % 12
    carrier = rng.choice(CARRIERS[language])
    return {
        "first": [customer.first],
        "full": [customer.full],
        "email": [customer.email],
        "phone": [customer.phone],
        "address": [customer.address],
        "agent": [agents[0]],
        "second": [agents[1]],
        "order": [f"NT-{rng.randrange(100300, 129999)}"],
        "ticket": [f"T-{rng.randrange(20000, 99999)}"],
        "tracking": [draw_tracking(rng, carrier)],
        "carrier": [carrier],
        "code": [rng.choice(CODES)],
        "weekday": [rng.choice(WEEKDAYS_ZH if chinese else WEEKDAYS)],
        "month": [f"{month + 1}月" if chinese else MONTHS[month]],
        "date": [f"{coming.month}月{coming.day}日" if chinese else f"{coming.day} {MONTHS[coming.month - 1]}"],
        "eu": [str(rng.randrange(36, 48))],
    }


def draw_tracking(rng: random.Random, carrier: str) -> str:
    """A tracking number in the carrier's own manner."""
    return f"{TRACKING[carrier]}{rng.randrange(10**9, 10**10)}"


def _no_sunday(day: date) -> date:
    return day + timedelta(days=1) if day.weekday() == 6 else day
