"""Which columns of a table hold questions with answers, or products: guessed by their names, or told by ``--map``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from data.articles.document import LeftOutError
from data.articles.options import Kind
from data.errors import InputError
from data.readers.checks import shown_names
from data.readers.columns import parse_mapping, plain_name, position_of
from data.readers.rows import read_rows
from data.readers.source import Problem, Problems, inspect

QUESTION_FIELDS: dict[str, str] = {
    "question": """question questions q query faq ask prompt customer_question title_question
        问题 问 提问 问法 用户问题 标准问题 标准问 常见问题""",
    "answer": """answer answers a response reply solution resolution answer_text body content text
        答案 回答 答 回复 解答 标准答案 答复 内容""",
    "title": "title heading topic category class section 标题 主题 分类 类别 栏目",
    "id": "id key faq_id article_id number 编号 序号",
    "language": "language lang locale 语言",
    "url": "url link address page 链接 网址",
    "tags": "tags tag labels label keywords 标签 关键词",
    "products": "products product product_id sku 商品 产品 商品编号",
    "site": "site shop store brand 站点 店铺",
    "audience": "audience visibility access 受众 可见范围",
    "valid_from": "valid_from starts start_date from 生效日期 开始日期",
    "valid_until": "valid_until ends end_date expires until 失效日期 结束日期",
}
PRODUCT_FIELDS: dict[str, str] = {
    "id": "id sku product_id item_id article_number item_number handle 编号 商品编号 货号 产品编号 型号编号 商品id",
    "name": "title name product_name product item item_name product_title 名称 商品名称 产品名称 商品 产品 品名 标题",
    "name_zh": "title_zh name_zh product_name_zh chinese_name zh_name name_cn 中文名 中文名称",
    "name_en": "title_en name_en product_name_en english_name 英文名 英文名称",
    "description": "description summary body body_html details about 描述 商品描述 简介 介绍 详情",
    "description_zh": "description_zh summary_zh 中文描述 中文简介",
    "price": "price regular_price unit_price retail_price 价格 售价 单价 零售价",
    "price_en": "price_en",
    "price_zh": "price_zh price_cn",
    "sale_price": "sale_price special_price discounted_price 促销价 特价 折扣价 活动价",
    "currency": "currency price_currency currency_code 币种 货币",
    "availability": "availability stock_status in_stock available 库存状态 是否有货 供货状态",
    "stock": "stock quantity inventory stock_quantity inventory_quantity qty 库存 库存数量 数量",
    "url": "link url product_url page 链接 网址 商品链接",
    "group": "item_group_id parent_id parent_sku 款号 父编号",
    "tags": "tags product_tags 标签",
    "site": "site shop 站点 店铺",
    "audience": "audience visibility 受众",
    "valid_from": "valid_from 生效日期",
    "valid_until": "valid_until 失效日期",
}
_FIELDS = tuple(sorted({*QUESTION_FIELDS, *PRODUCT_FIELDS}))


class Table:
    """A table of a source: its columns and rows, and the rows that could not be read.

    Args:
        path: CSV, TSV, XLSX, Parquet, or JSON of flat objects, one a line or in a list.

    Raises:
        LeftOutError: Damaged, empty, binary or in an unknown encoding.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.broken: list[Problem] = []
        self._problems = Problems(path, on_problem=self.broken.append)
        try:
            self.header, self._rows = read_rows(inspect(path), self._problems)
        except InputError as error:
            raise LeftOutError(f"{error.got}; expected {error.expected}") from error

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """(line, values) of each row that is not empty; the values are as many as the columns.

        Raises:
            LeftOutError: The file is damaged further on.
        """
        width = len(self.header)
        try:
            for number, values in self._rows:
                if any(value.strip() for value in values):
                    cells = [value.strip() for value in values[:width]]
                    yield number, cells + [""] * (width - len(cells))
        except InputError as error:
            raise LeftOutError(f"{error.got}; expected {error.expected}") from error


def kind_of(header: Sequence[str], mapping: str | None, kind: Kind | None = None) -> Kind:
    """Whether a table holds questions with answers or products.

    Raises:
        LeftOutError: Neither.
    """
    if kind is not None:
        return kind
    told = parse_map(mapping)
    names = {plain_name(name) for name in header}
    has = {field: bool(told.get(field) or names & set(words.split())) for field, words in QUESTION_FIELDS.items()}
    if has["question"] and has["answer"]:
        return "questions"
    product = {field: bool(told.get(field) or names & set(words.split())) for field, words in PRODUCT_FIELDS.items()}
    if any(product[f] for f in ("name", "name_zh", "name_en")) and sum(
        product[f] for f in ("id", "price", "availability", "stock", "description", "url")
    ):
        return "catalogue"
    raise LeftOutError(
        f"columns {shown_names(list(header), header=True) or 'without names'}; expected question and answer, or a "
        "product's id, name and price: say which column is which, --map question=COLUMN,answer=COLUMN"
    )


def columns_of(header: Sequence[str], mapping: str | None, fields: Mapping[str, str]) -> dict[str, int]:
    """Field to position of its column: as told, else by the names.

    Raises:
        InputError: ``--map`` names a column that is not there.
    """
    told = parse_map(mapping)
    plain = [plain_name(name) for name in header]
    chosen: dict[str, int] = {}
    for field, column in told.items():
        if column and field in fields:
            shown = shown_names(list(header), header=True)
            chosen[field] = position_of(header, field, column, where="", shown=shown)
    for field, names in fields.items():
        if field not in told:
            at = next(
                (plain.index(n) for n in names.split() if n in plain and plain.index(n) not in chosen.values()), None
            )
            if at is not None:
                chosen[field] = at
    return chosen


def parse_map(mapping: str | None) -> dict[str, str]:
    """Reads ``question=Frage,answer=Antwort``; ``title=`` leaves a guessed column out.

    Raises:
        InputError: Not of that form, or a field that does not exist.
    """
    return parse_mapping(mapping, _FIELDS, aliases={}, example="question=Frage,answer=Antwort")
