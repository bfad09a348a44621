"""The people, things and numbers of the sample shop. All invented; see README.md for the reserved ranges used."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from data.samples.phrasebook import FOLDER

AGENTS = {
    "en": ("Lena", "Marek", "Priya", "Tom", "Ingrid"),
    "zh": ("小林", "陈晨", "阿岚"),
}
FIRST = (
    "Anna Ben Carla David Elif Farid Greta Hannah Ivan Jonas Katrin Liam Maja Noah Olga Paul Quentin Rosa Samir Tessa "
    "Ulrich Vera Walter Yara Zoe Oscar Emma Nikolai Freya Hugo Ines Jakub Leila Mateo Nora Pavel Sigrid Theo Agnes Bruno"
).split()
LAST = (
    "Berg Castell Dvorak Eriksen Farrow Grant Holm Ivers Jansen Keller Lindqvist Moretti Novak Olsen Petrov Quist "
    "Rossi Sommer Tanaka Ustinov Vogel Walsh Yilmaz Zeller Abbott Brandt Clarke Dahl Ek Fischer"
).split()
SURNAMES_ZH = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN_ZH = "梓涵 浩然 雨桐 思远 佳怡 子轩 晓彤 志强 丽娜 建国 欣妍 俊杰 海燕 文博 诗雅 伟 敏 静 磊 娟 宇航 若曦".split()
STREETS = ("Birch Lane", "Station Road", "Lakeview Street", "Old Mill Road", "Chapel Street", "Larch Close", "Quay Road")
TOWNS = ("Northhaven", "Fellbridge", "Aldermouth", "Kirkdale", "Westmere", "Ravenford")
CITIES_ZH = ("杭州市西湖区", "成都市武侯区", "南京市鼓楼区", "广州市天河区", "北京市海淀区", "西安市雁塔区", "昆明市五华区")
ROADS_ZH = ("云杉路", "北径街", "松涛路", "白桦巷", "溪谷路", "青石街")
MONTHS = tuple("January February March April May June July August September October November December".split())
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
WEEKDAYS_ZH = ("周一", "周二", "周三", "周四", "周五")
CODES = ("TRAIL15", "WELCOME10", "AUTUMN20", "HIKE5", "SUMMIT10", "SNOW15")
CARRIERS = {"en": ("DPX", "ParcelNord", "Veloce"), "zh": ("顺丰", "中通", "京东快递", "韵达")}


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
        surname, given = rng.choice(SURNAMES_ZH), rng.choice(GIVEN_ZH)
        title = surname + rng.choice(("先生", "女士"))
        email = f"{rng.choice(('trail', 'hiker', 'user', 'shan', 'yun'))}{rng.randrange(100, 9999)}@{domain}"
        address = f"{rng.choice(CITIES_ZH)}{rng.choice(ROADS_ZH)}{rng.randrange(1, 200)}号{rng.randrange(1, 20)}栋{rng.randrange(101, 1805)}室"
        return Customer(title, surname + given, email, f"1380000{rng.randrange(1000):04d}", address)
    first, last = rng.choice(FIRST), rng.choice(LAST)
    email = rng.choice((f"{first}.{last}", f"{first[0]}{last}{digits[:2]}", f"{last}.{first}")).lower() + "@" + domain
    phone = rng.choice((f"07700 900{digits}", f"+44 7700 900{digits}", f"+1 202 555 01{digits[:2]}", f"020 7946 0{digits}"))
    return Customer(first, f"{first} {last}", email, phone, f"{rng.randrange(1, 180)} {rng.choice(STREETS)}, {rng.choice(TOWNS)}")


def draw_slots(rng: random.Random, language: str, customer: Customer, agents: Sequence[str]) -> dict[str, list[str]]:
    """The values of all slots but ``item``: fixed for the conversation, so that a name or number stays the same."""
    chinese = language == "zh"
    month = rng.randrange(12)
    date = f"{month + 1}月{rng.randrange(1, 29)}日" if chinese else f"{rng.randrange(1, 29)} {MONTHS[month]}"
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
        "tracking": [f"{rng.choice(('PN', 'DX', 'VE', 'SF'))}{rng.randrange(10**9, 10**10)}"],
        "carrier": [rng.choice(CARRIERS[language])],
        "code": [rng.choice(CODES)],
        "weekday": [rng.choice(WEEKDAYS_ZH if chinese else WEEKDAYS)],
        "month": [f"{month + 1}月" if chinese else MONTHS[month]],
        "date": [date],
        "eu": [str(rng.randrange(36, 48))],
    }
