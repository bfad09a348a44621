"""Rows of a catalogue to products: which column is which attribute, in which language, and what is left unsaid."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from data.articles.document import ADDRESS, LeftOutError, one_line
from data.articles.faq import Report, text_of
from data.articles.tables import PRODUCT_FIELDS, columns_of
from data.articles.wording import Attribute, attribute_named, generic
from data.courtesy import words
from data.readers.columns import plain_name

LONGEST_VALUE = 600
"""Characters of an attribute's value; what is longer is no attribute."""

LONGEST_NAME = 150

_IGNORED = words(
    "image_link additional_image_link image images image_url picture photo thumbnail gtin gtin8 gtin12 gtin13 gtin14 "
    "ean mpn upc isbn barcode google_product_category product_type category categories product_category condition "
    "identifier_exists adult is_bundle multipack shipping tax canonical_link mobile_link ads_redirect published status "
    "created_at updated_at created updated rating rating_count review_count sort_order position language "
    "图片 主图 条码 条形码 类目 分类 上架时间"
)
_INTERNAL = re.compile(
    r"(?:^|_)(?:cost|costs|margin|supplier|wholesale|purchase|internal|buying|landed|vendor_price|note|notes|comment|comments|"
    r"map_price|ek)(?:_|$)|成本|进价|供应商|毛利|内部|备注|^custom_label"
)
"""What a shop knows of a product and customers do not."""

_FOR_WHOM = ("site", "audience", "valid_from", "valid_until")
"""Columns in which the variants of one product must agree: what agents only may see must not be said to all."""

_PRICE_IN = re.compile(r"^(?:unit_|regular_|retail_)?price_(?:in_)?([a-z]{3})$")
_LANGUAGE_END = re.compile(r"_(en|zh|cn)(?:_(?:cn|hans|us|gb))?$")
_HAN = re.compile("[\u3400-\u9fff]")
_NAME_OF_ATTRIBUTE = re.compile(r"[^\W\d_][\w ]{0,39}")
_SYMBOLS = {"€": "EUR", "£": "GBP", "$": "USD", "¥": "CNY", "￥": "CNY", "元": "CNY", "RMB": "CNY", "人民币": "CNY"}
_AMOUNT = re.compile(r"\d+(?:[\s.,'’]\d+)*")


@dataclass
class Product:
    """A product, or the variants of one.

    Attributes:
        id: As the page names it.
        ids: Its own and those of its variants.
        names: Language to name; ``""`` where the catalogue does not say which language.
        descriptions: The same.
        values: Attribute's key to language to value.
        prices: Each variant's price.
        local_prices: Language to price, where each language's shop has its own.
        sale_prices: The same where reduced.
        states: Each variant's state of stock, as written.
        stock: Pieces there are, or None.
        meta: ``site``, ``audience``, ``tags``, ``valid_from``, ``valid_until``.
        url: Its page, or empty.
    """

    id: str
    ids: list[str]
    names: dict[str, str]
    descriptions: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    prices: list[Money] = field(default_factory=list)
    local_prices: dict[str, Money] = field(default_factory=dict)
    sale_prices: list[Money] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    stock: int | None = None
    meta: Mapping[str, str] = field(default_factory=dict)
    url: str = ""


@dataclass(frozen=True, order=True)
class Money:
    """An amount with its currency."""

    amount: Decimal
    currency: str


@dataclass(frozen=True)
class _Column:
    at: int
    attribute: Attribute
    language: str


class Catalogue:
    """A catalogue whose columns are known.

    Args:
        header: Names of the columns.
        mapping: ``field=column`` pairs; None guesses all.
        currency: Of prices that come without one.

    Raises:
        InputError: ``--map`` names a column that is not there.
        LeftOutError: There is no column of names.
    """

    def __init__(self, header: Sequence[str], *, mapping: str | None = None, currency: str = "") -> None:
        self.columns = columns_of(header, mapping, PRODUCT_FIELDS)
        self.currency = currency
        for at, column in enumerate(map(plain_name, header)):
            if "price" not in self.columns and (told := _PRICE_IN.match(column)):
                self.columns["price"], self.currency = at, currency or told[1].upper()
        if not {"name", "name_en", "name_zh"} & set(self.columns):
            raise LeftOutError("no column of the products' names; name it: --map name=COLUMN")
        self.unread: list[str] = []
        self.attributes = list(self._attributes(header))
        self.known = {column.attribute.key: column.attribute for column in self.attributes}

    def _attributes(self, header: Sequence[str]) -> Iterator[_Column]:
        taken = set(self.columns.values())
        for at, name in enumerate(header):
            column = plain_name(name)
            ending = _LANGUAGE_END.search(column)
            bare = column[: ending.start()] if ending else column
            if at in taken or not column:
                continue
            if bare in _IGNORED or _INTERNAL.search(bare) or not _NAME_OF_ATTRIBUTE.fullmatch(bare.replace("_", " ")):
                self.unread.append(one_line(name))
                continue
            told = {"en": "en", "zh": "zh", "cn": "zh"}[ending[1]] if ending else "zh" if _HAN.search(bare) else ""
            language = "zh" if _HAN.search(bare) else "en"
            known = attribute_named(bare) or generic(bare.replace("_", " ").capitalize(), bare, language)
            yield _Column(at, known, told)

    def products(self, rows: Iterable[tuple[int, Sequence[str]]], place: str, report: Report) -> list[Product]:
        """The products; variants with one ``item_group_id`` are one product, if the same people may see them.

        Args:
            rows: (line, values).
            place: Of the file, for the report.
            report: Called for each row that is left out.
        """
        found: dict[tuple[str, ...], Product] = {}
        ids: set[str] = set()
        named: set[str] = set()
        for line, values in rows:
            try:
                product, group = self._product(values)
                if product.id in ids:
                    raise LeftOutError("an id that an earlier row has")
                ids.add(product.id)
            except LeftOutError as error:
                report(f"{place} row {line}", str(error))
                continue
            key = (group or product.id, *(product.meta[name] for name in _FOR_WHOM))
            if group and key in found:
                _merge(found[key], product)
                continue
            found[key] = product
            if group and group != product.id:
                product.ids.insert(0, group)
            if group not in named:
                product.id = group or product.id
                named.add(product.id)
        return list(found.values())

    def _product(self, values: Sequence[str]) -> tuple[Product, str]:
        row = {name: values[at].strip() for name, at in self.columns.items()}
        names = _by_language(row, "name")
        if not names:
            raise LeftOutError("no name")
        identity = one_line(row.get("id", "")) or next(iter(names.values()))
        product = Product(identity, [identity], names, _by_language(row, "description", longest=10_000), url=_url(row))
        for column in self.attributes:
            value = _value(values[column.at])
            if value:
                product.values.setdefault(column.attribute.key, {})[column.language] = value
        for kind, prices in (("price", product.prices), ("sale_price", product.sale_prices)):
            if money := read_money(row.get(kind, ""), row.get("currency", "") or self.currency):
                prices.append(money)
        for language in ("en", "zh"):
            if money := read_money(row.get(f"price_{language}", ""), row.get("currency", "") or self.currency):
                product.local_prices[language] = money
        if row.get("availability"):
            product.states.append(row["availability"])
        pieces = row.get("stock", "")
        product.stock = int(float(pieces)) if re.fullmatch(r"\d{1,7}(?:\.0+)?", pieces) else None
        product.meta = {name: row.get(name, "") for name in ("tags", *_FOR_WHOM)}
        return product, one_line(row.get("group", ""))


def _by_language(row: Mapping[str, str], field_: str, *, longest: int = LONGEST_NAME) -> dict[str, str]:
    """Language to text of ``name``, ``name_en``, ``name_zh`` and the like."""
    found = {}
    for language, key in (("", field_), ("en", f"{field_}_en"), ("zh", f"{field_}_zh")):
        if text := text_of(row.get(key, "")):
            found[language] = (text if longest > LONGEST_NAME else one_line(text))[:longest]
    return found


def _value(cell: str) -> str:
    """An attribute's value, or empty for what is none: an address, a text without letters and digits, a novel."""
    text = one_line(text_of(cell))
    if len(text) > LONGEST_VALUE or re.match(r"https?://|www\.", text) or not any(c.isalnum() for c in text):
        return ""
    return text


def _url(row: Mapping[str, str]) -> str:
    url = one_line(row.get("url", ""))
    return url if ADDRESS.fullmatch(url) else ""


def read_money(text: str, currency: str = "") -> Money | None:
    """Reads ``169.00 EUR``, ``€1.299,00``, ``￥399`` or ``169`` with a currency told elsewhere; None for no price."""
    found = _AMOUNT.search(text)
    if not found:
        return None
    rest = (text[: found.start()] + text[found.end() :]).strip(" .-")
    named = _SYMBOLS.get(rest.upper(), rest.upper()) or _SYMBOLS.get(currency, currency.upper())
    if not re.fullmatch("[A-Z]{3}", named):
        return None
    digits = re.sub(r"[\s'’]", "", found[0])
    point = max(digits.rfind("."), digits.rfind(","))
    whole, part = (digits[:point], digits[point + 1 :]) if point >= 0 and len(digits) - point <= 3 else (digits, "")
    try:
        amount = Decimal(re.sub("[.,]", "", whole) + (f".{part}" if part else ""))
    except InvalidOperation:
        return None
    return Money(amount, named) if amount > 0 else None


def _merge(into: Product, variant: Product) -> None:
    """Adds a variant: what differs is a list."""
    into.ids += variant.ids
    into.prices += variant.prices
    into.sale_prices += variant.sale_prices
    into.states += variant.states
    into.stock = None if into.stock is None and variant.stock is None else (into.stock or 0) + (variant.stock or 0)
    for key, values in variant.values.items():
        mine = into.values.setdefault(key, {})
        for language, value in values.items():
            parts = mine[language].split(" / ") if mine.get(language) else []
            mine[language] = " / ".join(dict.fromkeys([*parts, value]))
