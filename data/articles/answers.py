"""Chunks of a document to answers: ids that outlive an edit, questions from headings."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import quote

from data.articles.chunks import Chunk, chunks_of
from data.articles.document import Document, LeftOutError, address, is_question, one_line
from data.articles.options import LANGUAGE, Options, read_moment
from data.courtesy import words
from data.errors import InputError
from data.normalise import detect_language
from data.schema import Answer, Audience

_GENERAL = words(
    "overview introduction general information details notes note more faq faqs summary background contents help about "
    "description hints hint other miscellaneous "
    "概述 简介 介绍 说明 概览 常见问题 其他 详情 提示 注意 注意事项 更多 前言 总结 问答"
)
"""Headings that nobody asks for by themselves."""

_AUDIENCES: dict[str, Audience] = {
    "public": "public", "all": "public", "everyone": "public", "signed_in": "signed_in", "signed-in": "signed_in",
    "customers": "signed_in", "agents": "agents", "internal": "agents", "staff": "agents",
}  # fmt: skip
_SEPARATOR = re.compile(r"\s*[,;，；、|]\s*")
TITLE_JOINT = " › "


def answer_id(kind: str, *parts: str) -> str:
    """A stable id: a letter for the kind of source, and 12 hex digits of the parts' hash."""
    return kind + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]


def answers_of(document: Document, place: str, options: Options) -> Iterator[Answer]:
    """The answers of an article, one for each chunk.

    An id follows the source's name, the file's path in it and the headings, then ``#`` and the place among the chunks
    under them: an edited paragraph keeps its id, and the parts of a long section can be told. A file's head may set
    ``id``, which then stands for the path.

    Args:
        document: As a parser made it.
        place: Path of the file within the source, with ``/``.
        options: Of the source.

    Raises:
        LeftOutError: The head holds a date, an audience or an address that is none.
    """
    common = with_meta(options, document.meta)
    named, claimed = document.meta.get("id", "") or place, document.meta.get("page_language", "")
    page = _address(document.meta.get("url", ""), place, options)
    for chunk in chunks_of(document):
        language = common.language or language_of(f"{chunk.text}\n{' '.join(chunk.path)}", claimed)
        yield Answer(
            id=f"{answer_id('h', options.name, named, *chunk.path)}#{chunk.ordinal}",
            text=chunk.text,
            language=language,
            questions=questions_of(chunk, language) if chunk.first else (),
            source="article",
            title=TITLE_JOINT.join(chunk.path) or None,
            **common.to_answer(),
            url=f"{page}#{chunk.anchor}" if page and chunk.anchor and "#" not in page else page or None,
        )


def language_of(text: str, page_language: str = "") -> str:
    """The language of a text by its script; which of those in Latin letters it is, the page's own claim may tell."""
    found, claimed = detect_language(text), short_language(page_language)
    return found if found == "zh" else (claimed if claimed and claimed != "zh" else found) or "en"


def questions_of(chunk: Chunk, language: str) -> tuple[str, ...]:
    """What a customer might ask that a chunk answers: its heading, alone and after the one above it.

    Args:
        chunk: The first of its section.
        language: Decides which question mark.
    """
    path = [name for name in chunk.path if not _is_general(name)]
    if not path:
        return ()
    last = _asked(path[-1], language)
    if is_question(path[-1]) or len(path) < 2:
        return (last,)
    joint = "" if language == "zh" else ": "
    both = _asked(f"{path[-2]}{joint}{path[-1]}", language)
    if _is_general(chunk.path[-1]):
        return (last,)
    return (last, both)


def _is_general(heading: str) -> bool:
    return all(word in _GENERAL for word in re.findall(r"[^\W\d_]+", heading.lower()))


def _asked(heading: str, language: str) -> str:
    """A heading as a question; numbers before it say nothing."""
    bare = re.sub(r"^\s*(?:\d+(?:\.\d+)*[.)、]?\s+|[一二三四五六七八九十]+、\s*)", "", heading).rstrip(" :：.。")
    return bare if is_question(bare) else f"{bare}{'？' if language == 'zh' else '?'}"


def with_meta(options: Options, meta: Mapping[str, str]) -> Options:
    """The options, where a document's head or a table's row does not say otherwise.

    Raises:
        LeftOutError: A date or an audience that is none.
    """
    try:
        begins, ends = (read_moment(meta[key], key) if meta.get(key) else None for key in ("valid_from", "valid_until"))
    except InputError as error:
        raise LeftOutError(f"{error.thing} {error.got}; expected {error.expected}") from error
    audience = meta.get("audience", "").strip().lower()
    if audience and audience not in _AUDIENCES:
        raise LeftOutError(f"audience {audience[:40]!r}; expected public, signed_in or agents")
    language = meta.get("language", "") or meta.get("lang", "")
    return replace(
        options,
        language=options.language or short_language(language),
        site=meta.get("site", "") or options.site,
        audience=_AUDIENCES[audience] if audience else options.audience,
        tags=tuple(dict.fromkeys((*options.tags, *split_list(meta.get("tags", ""))))),
        products=tuple(dict.fromkeys((*options.products, *split_list(meta.get("products", ""))))),
        valid_from=options.valid_from if begins is None else begins,
        valid_until=options.valid_until if ends is None else ends,
    )


def short_language(code: str) -> str | None:
    """``zh`` of ``zh-Hans-CN``; None for nothing, or a language's name, so that the text itself tells."""
    code = re.split(r"[-_]", one_line(code).lower())[0]
    return code if LANGUAGE.fullmatch(code) else None


def split_list(text: str) -> tuple[str, ...]:
    """Values that are written in one text, separated by commas or the like."""
    return tuple(part for part in _SEPARATOR.split(one_line(text)) if part)


def _address(told: str, place: str, options: Options) -> str:
    """Where a customer may read an article."""
    if told:
        return address(told)
    if not options.url_prefix:
        return ""
    path = re.sub(r"(?:/index)?\.(?:md|markdown|html?|docx)$", "", place)
    return options.url_prefix.rstrip("/") + "/" + quote(path)
