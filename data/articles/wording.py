"""How customers ask for a product's attributes and how they are told, in English and Chinese.

A value is put into a sentence as it is, and nothing in it is ever read as an instruction or as markup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Attribute:
    """An attribute that many catalogues have.

    Attributes:
        key: Its name in ids and in ``--map``.
        names: Names of columns, in English and Chinese.
        ask: Language to questions with ``{name}``.
        say: Language to the answer with ``{name}`` and ``{value}``.
        label: Language to what it is called.
    """

    key: str
    names: frozenset[str]
    ask: Mapping[str, tuple[str, ...]]
    say: Mapping[str, str]
    label: Mapping[str, str]


def _attribute(key: str, names: str, en: Sequence[str], zh: Sequence[str]) -> Attribute:
    """The last of each language's texts is the answer, the first is the label, those between are questions."""
    return Attribute(
        key,
        frozenset((key, *names.split())),
        {"en": tuple(en[1:-1]), "zh": tuple(zh[1:-1])},
        {"en": en[-1], "zh": zh[-1]},
        {"en": en[0], "zh": zh[0]},
    )


KNOWN: tuple[Attribute, ...] = (
    _attribute(
        "colour", "color colours colors available_colors available_colours 颜色 颜色分类 配色",
        ("Colours", "What colours does {name} come in?", "Which colours are there of {name}?",
         "Available colours for {name}: {value}."),
        ("颜色", "{name}有哪些颜色？", "{name}有什么颜色可选？", "{name}有以下颜色：{value}。"),
    ),
    _attribute(
        "size", "sizes size_range available_sizes 尺码 尺寸规格 码数",
        ("Sizes", "What sizes does {name} come in?", "Which sizes are there of {name}?",
         "Available sizes for {name}: {value}."),
        ("尺码", "{name}有哪些尺码？", "{name}有什么码数？", "{name}有以下尺码：{value}。"),
    ),
    _attribute(
        "material", "materials fabric 材质 材料 面料",
        ("Material", "What is {name} made of?", "What material is {name}?", "Material of {name}: {value}."),
        ("材质", "{name}是什么材质的？", "{name}用的什么材料？", "{name}的材质：{value}。"),
    ),
    _attribute(
        "weight", "product_weight item_weight 重量 净重",
        ("Weight", "How heavy is {name}?", "How much does {name} weigh?", "Weight of {name}: {value}."),
        ("重量", "{name}有多重？", "{name}的重量是多少？", "{name}的重量：{value}。"),
    ),
    _attribute(
        "dimensions", "dimension measurements product_dimensions 尺寸 大小 规格尺寸",
        ("Dimensions", "How big is {name}?", "What are the dimensions of {name}?", "Dimensions of {name}: {value}."),
        ("尺寸", "{name}有多大？", "{name}的尺寸是多少？", "{name}的尺寸：{value}。"),
    ),
    _attribute(
        "capacity", "volume 容量 容积",
        ("Capacity", "What is the capacity of {name}?", "How much does {name} hold?", "Capacity of {name}: {value}."),
        ("容量", "{name}的容量是多少？", "{name}能装多少？", "{name}的容量：{value}。"),
    ),
    _attribute(
        "people", "persons sleeps number_of_people 人数 适用人数",
        ("People", "For how many people is {name}?", "How many people fit into {name}?",
         "Number of people for {name}: {value}."),
        ("适用人数", "{name}适合几个人用？", "{name}能住几个人？", "{name}的适用人数：{value}。"),
    ),
    _attribute(
        "comfort_temperature", "comfort comfort_temp temperature_rating 舒适温度 适用温度",
        ("Comfort temperature", "How warm is {name}?", "What is the comfort temperature of {name}?",
         "Comfort temperature of {name}: {value}."),
        ("舒适温度", "{name}适合多少度用？", "{name}的舒适温度是多少？", "{name}的舒适温度：{value}。"),
    ),
    _attribute(
        "warranty", "guarantee warranty_period 保修 质保 保修期 质保期",
        ("Warranty", "How long is the warranty on {name}?", "What warranty does {name} have?",
         "Warranty on {name}: {value}."),
        ("保修", "{name}保修多久？", "{name}的质保期是多长？", "{name}的保修：{value}。"),
    ),
    _attribute(
        "care", "care_instructions washing cleaning 洗护 洗涤说明 保养 清洁",
        ("Care", "How do I wash or clean {name}?", "Care of {name}: {value}."),
        ("洗护", "{name}怎么清洗？", "{name}怎么保养？", "{name}的洗护：{value}。"),
    ),
    _attribute(
        "waterproof", "water_resistance waterproofness water_column 防水 防水性能 防水等级",
        ("Waterproof", "Is {name} waterproof?", "Waterproofness of {name}: {value}."),
        ("防水", "{name}防水吗？", "{name}的防水性能：{value}。"),
    ),
    _attribute(
        "brand", "manufacturer vendor 品牌 厂商",
        ("Brand", "Which brand is {name}?", "Who makes {name}?", "Brand of {name}: {value}."),
        ("品牌", "{name}是什么牌子的？", "{name}的品牌：{value}。"),
    ),
    _attribute(
        "origin", "country_of_origin made_in 产地 原产地",
        ("Made in", "Where is {name} made?", "Country of origin of {name}: {value}."),
        ("产地", "{name}是哪里产的？", "{name}的产地：{value}。"),
    ),
)  # fmt: skip

_PRICE = _attribute(
    "price", "",
    ("Price", "How much is {name}?", "What does {name} cost?", "What is the price of {name}?",
     "Price of {name}: {value}."),
    ("价格", "{name}多少钱？", "{name}的价格是多少？", "{name}的价格：{value}。"),
)  # fmt: skip
_STOCK = _attribute(
    "stock", "",
    ("Availability", "Is {name} in stock?", "Is {name} available?", "{name}: {value}."),
    ("库存", "{name}有货吗？", "{name}还有库存吗？", "{name}{value}。"),
)  # fmt: skip
_OVERVIEW = _attribute(
    "overview", "",
    ("Overview", "What is {name}?", "Tell me about {name}.", "{name}: {value}"),
    ("简介", "{name}怎么样？", "介绍一下{name}。", "{name}：{value}"),
)  # fmt: skip

OF_KEY: dict[str, Attribute] = {a.key: a for a in (*KNOWN, _PRICE, _STOCK, _OVERVIEW)}
_BY_NAME = {name: attribute for attribute in KNOWN for name in attribute.names}

STATES: dict[str, dict[str, str]] = {
    "in stock": {"en": "in stock", "zh": "目前有货"},
    "out of stock": {"en": "out of stock at the moment", "zh": "目前缺货"},
    "preorder": {"en": "can be pre-ordered", "zh": "可以预订"},
    "backorder": {"en": "can be ordered and is sent as soon as it is back", "zh": "可以下单，到货后发出"},
    "discontinued": {"en": "no longer available", "zh": "已停产"},
}
_STATE_NAMES = {
    "in stock": "in stock|instock|in_stock|available|yes|true|1|y|有货|现货|有|是",
    "out of stock": "out of stock|outofstock|out_of_stock|sold out|soldout|no|false|0|n|无货|缺货|售罄|无|否",
    "preorder": "preorder|pre-order|pre order|pre_order|预售|预订",
    "backorder": "backorder|back order|back-order|back_order|available for order|补货中",
    "discontinued": "discontinued|停产|下架",
}
_STATE_OF = {name: state for state, names in _STATE_NAMES.items() for name in names.split("|")}

_PAIRS = """
black 黑色|white 白色|red 红色|blue 蓝色|green 绿色|yellow 黄色|grey 灰色|gray 灰色|orange 橙色|pink 粉色|purple 紫色|
brown 棕色|beige 米色|silver 银色|gold 金色|navy 藏青色|olive 橄榄绿|khaki 卡其色|turquoise 青绿色|dark grey 深灰色|
dark blue 深蓝色|dark green 深绿色|light blue 浅蓝色|yes 是|no 否|cotton 棉|wool 羊毛|merino wool 美利奴羊毛|nylon 尼龙|
polyester 聚酯纤维|aluminium 铝合金|steel 钢|stainless steel 不锈钢|titanium 钛|carbon 碳纤维|down 羽绒|leather 皮革
"""
_ZH_OF = dict(pair.strip().rsplit(" ", 1) for pair in _PAIRS.replace("\n", "").split("|"))
_EN_OF = {zh: en for en, zh in reversed(_ZH_OF.items())}
_LIST = re.compile(r"\s*(?:[/|;；、，]|,(?!\d))\s*")


def attribute_named(column: str) -> Attribute | None:
    """The known attribute that a column's plain name stands for."""
    return _BY_NAME.get(column)


def generic(label: str, key: str, language: str) -> Attribute:
    """An attribute that only this catalogue has; it is told in the language of its column's name only.

    Args:
        label: What it is called.
        key: For ids.
        language: Of the label.
    """
    bare = label.replace("{", "").replace("}", "")
    asked, told = f"What is the {bare.lower()} of {{name}}?", f"{bare} of {{name}}: {{value}}."
    if language == "zh":
        asked, told = f"{{name}}的{bare}是什么？", f"{{name}}的{bare}：{{value}}。"
    return Attribute(key, frozenset((key,)), {language: (asked,)}, {language: told}, {language: bare})


def fill(pattern: str, name: str, value: str = "") -> str:
    """A sentence; braces in the name or the value are only characters."""
    if value.endswith((".", "。", "!", "！", "?", "？")) and pattern.endswith(("{value}.", "{value}。")):
        pattern = pattern[:-1]  # one full stop is enough
    return re.sub(r"\{(name|value)\}", lambda match: name if match[1] == "name" else value, pattern)


def in_language(value: str, language: str) -> str:
    """A value, or list of values, with the common words among them in the other language."""
    table = _ZH_OF if language == "zh" else _EN_OF
    parts = [part for part in _LIST.split(value) if part]
    if len(parts) < 2 or sum(map(len, parts)) > 200:
        return table.get(value.lower(), value)
    return ("、" if language == "zh" else ", ").join(dict.fromkeys(table.get(part.lower(), part) for part in parts))


def state_of(text: str) -> str | None:
    """One of ``STATES`` for what a catalogue writes, also ``https://schema.org/InStock``; None for anything else."""
    return _STATE_OF.get(re.sub(r"^https?://schema\.org/", "", text.strip(), flags=re.IGNORECASE).lower())
