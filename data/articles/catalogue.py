"""Products to answers: one for each attribute and one about the whole, in English and Chinese."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from data.articles.answers import answer_id, with_meta
from data.articles.chunks import MOST_CHARACTERS, pack
from data.articles.options import Options
from data.articles.products import Money, Product
from data.articles.wording import LANGUAGES, OF_KEY, STATES, Attribute, fill, in_language, state_of
from data.schema import Answer


def answers_of_product(product: Product, known: Mapping[str, Attribute], options: Options) -> Iterator[Answer]:
    """The answers of a product, each with ``products`` = its ids.

    Args:
        product: With its attributes.
        known: The catalogue's attributes by key.
        options: Of the source; ``language`` keeps to one language.

    Raises:
        LeftOutError: The row holds a date or an audience that is none.
    """
    common = with_meta(options, product.meta)
    common = replace(common, products=tuple(dict.fromkeys((*product.ids, *common.products))))
    for language in (options.language,) if options.language else LANGUAGES:
        name = text_in(product.names, language)
        told = dict(_values(product, known, language))
        overview = _overview(product, told, known, language)
        for key, value in (*told.items(), ("overview", overview)):
            attribute = known.get(key) or OF_KEY[key]
            spoken = language if language in attribute.say else next(iter(attribute.say))
            text = fill(attribute.say[spoken], name, value)
            if not value or len(text) > MOST_CHARACTERS:
                continue
            yield Answer(
                id=answer_id("p", options.name, product.id, key, language),
                text=text,
                language=language,
                questions=tuple(fill(question, name) for question in attribute.ask[spoken]),
                source="catalogue",
                title=name,
                **common.to_answer(),
                url=product.url or None,
            )


def text_in(texts: Mapping[str, str], language: str) -> str:
    """The text in a language, else the one of no particular language, else any."""
    return texts.get(language) or texts.get("") or next(iter(texts.values()), "")


def _values(product: Product, known: Mapping[str, Attribute], language: str) -> Iterator[tuple[str, str]]:
    """Attribute's key to value, in the order of the columns; price and stock at the end."""
    for key, attribute in known.items():
        values = product.values.get(key)
        if values and (language in attribute.say or language not in LANGUAGES):
            yield key, values.get(language) or in_language(text_in(values, language), language)
    if price := _price(product, language):
        yield "price", price
    if state := _stock(product, language):
        yield "stock", state


def _price(product: Product, language: str) -> str:
    """The price, or the range of the variants' prices; of a reduced product both prices."""
    if product.local_prices:
        return written(product.local_prices[language], language) if language in product.local_prices else ""
    regular = _range(product.prices, language)
    reduced = _range(product.sale_prices, language)
    if reduced and regular and reduced != regular:
        return f"{reduced}（原价 {regular}）" if language == "zh" else f"{reduced} (regular price {regular})"
    return reduced or regular


def _range(prices: list[Money], language: str) -> str:
    if not prices or len({price.currency for price in prices}) > 1:
        return ""
    low, high = min(prices), max(prices)
    if low == high:
        return written(low, language)
    joint = "至" if language == "zh" else " to "
    return f"{written(low, language)}{joint}{written(high, language)}"


def written(money: Money, language: str) -> str:
    """An amount as the language writes it: ``€169.00``."""
    from babel.core import UnknownLocaleError
    from babel.numbers import format_currency

    try:
        return str(format_currency(money.amount, money.currency, locale=language))
    except (UnknownLocaleError, ValueError):
        return str(format_currency(money.amount, money.currency, locale="en"))


def _stock(product: Product, language: str) -> str:
    """Whether it can be bought; of variants the best state counts."""
    known = [state for text in product.states if (state := state_of(text))]
    state = next((state for state in STATES if state in known), None)
    if state is None and product.stock is not None:
        state = "in stock" if product.stock > 0 else "out of stock"
    if state is None:
        return ""
    said = STATES[state].get(language, STATES[state]["en"])
    if state == "in stock" and product.stock:
        return f"{said}（库存 {product.stock} 件）" if language == "zh" else f"{said} ({product.stock} pieces)"
    return said


def _overview(product: Product, told: Mapping[str, str], known: Mapping[str, Attribute], language: str) -> str:
    """Description and attributes in a few lines."""
    spoken = language if language in LANGUAGES else "en"
    colon, end = ("：", "。") if spoken == "zh" else (": ", ".")
    facts = [
        f"{text_in((known.get(key) or OF_KEY[key]).label, spoken)}{colon}{value.rstrip('.。')}{end}"
        for key, value in told.items()
    ]
    description = text_in(product.descriptions, language)
    room = MOST_CHARACTERS - len(text_in(product.names, language)) - 200
    lines = pack([description], room)[:1] if description else []
    for fact in facts:
        if sum(map(len, lines)) + len(lines) + len(fact) <= room:
            lines.append(fact)
    return "\n".join(lines)
