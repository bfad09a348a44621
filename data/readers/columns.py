"""Which column of a table holds what: guessed from the names of the columns, in English and Chinese, or told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from data.errors import InputError
from data.readers.checks import looks_like_name, shown_names
from data.readers.transcript import looks_like_transcript, looks_prefixed

_NAMES: dict[str, str] = {
    "text": """text message body content utterance msg comment reply_text description dialogue line sentence
        tweet user_message user_input
        消息 内容 消息内容 聊天内容 文本 正文 发言 对话内容 留言""",
    "role": """role sender_type author_type speaker from direction sender sender_role user_type
        participant_type party who
        角色 发送方 发送者类型 身份 发言人类型 方向 发送人类型 说话人 发送者 发送人""",
    "conversation": """conversation conversation_id conv_id ticket ticket_id ticket_number case case_id case_number
        chat_id session session_id thread thread_id dialog_id dialogue_id interaction_id room_id
        conversationid sessionid chat
        会话 会话id 会话编号 对话id 对话编号 工单 工单号 工单编号 会话号 聊天id 咨询编号""",
    "time": """time timestamp date datetime created_at created sent_at sent date_time message_time created_time
        createdat
        时间 发送时间 消息时间 创建时间 日期 时间戳""",
    "author": """author name sender_name author_name agent agent_name username user user_name display_name
        author_id sender_id
        姓名 昵称 客服 客服姓名 发送人姓名 用户名 作者 坐席""",
    "intent": """intent intent_name user_intent intent_label
        意图 意图名称 用户意图""",
    "topic": """topic tag tags category subject_category class issue issue_type queue reason label_topic
        主题 标签 分类 类别 问题类型 咨询类型 类型""",
    "label": """label template macro template_id canned_response shortcut
        模板 快捷回复 话术""",
    "language": """language lang locale
        语言""",
    "satisfaction": """satisfaction rating csat csat_score customer_satisfaction satisfaction_rating stars
        满意度 评分 评价 满意度评价""",
    "question": """question q query customer_question ask prompt faq title customer_message inquiry
        问题 问 提问 用户问题 客户问题 顾客问题 咨询内容""",
    "answer": """answer a response reply agent_reply solution resolution answer_text agent_response agent_message
        答案 回答 答 回复 客服回复 解答 回复内容 答复""",
    "transcript": """transcript chat_transcript conversation_transcript chat_log chat_history full_text
        conversation_text dialog_text dialogue_text messages chat_text
        对话记录 聊天记录 会话记录 会话内容 通话记录 对话全文 沟通记录""",
}
_KNOWN = {field: names.split() for field, names in _NAMES.items()}
_ALIASES = {"id": "conversation", "from": "role", "body": "text", "message": "text", "tag": "topic", "q": "question"}
_PLAIN = re.compile(r"[\s\-_./()（）:：]+")

_IDS = frozenset(("id", "编号"))
"""Columns that tell conversations apart if no other does."""

_ALL_NAMES = frozenset(name for names in _KNOWN.values() for name in names) | _IDS

FIELDS = tuple(_KNOWN)

SHAPES = {
    "transcript": "a conversation a row",
    "pairs": "a question with its answer a row",
    "messages": "a message a row",
    "prefixed": "a message a row, its speaker named before it",
    "labelled": "a labelled message a row",
}
"""What a row is."""


def find_columns(
    path: Path, header: Sequence[str], mapping: str | None, sample: Sequence[Sequence[str]] = ()
) -> dict[str, int]:
    """Field to column.

    Args:
        path: The table, for messages.
        header: Its column names.
        mapping: ``field=column`` pairs, comma-separated; ``field=`` leaves a field out; what is not named is guessed.
        sample: The first rows, which tell a column of whole conversations.

    Returns:
        The position of each field's column, for one of the shapes of ``shape_of``.

    Raises:
        InputError: A pair that names no field or no column, or too few columns to read anything.
    """
    told = parse_mapping(mapping)
    plain = [plain_name(name) for name in header]
    chosen: dict[str, int] = {}
    for field, column in told.items():
        if column:
            shown = _shown(header, header)
            chosen[field] = position_of(header, field, column, where=f" in {path}", shown=shown)
    for field in FIELDS:
        if field not in told and (position := _guess(field, plain, set(chosen.values()))) is not None:
            chosen[field] = position
    return _shape(path, header, chosen, told, sample)


def shape_of(columns: Mapping[str, int]) -> str:
    """How the rows are to be read, as one of the keys of ``SHAPES``."""
    if "transcript" in columns:
        return "transcript"
    if "question" in columns:
        return "pairs"
    if "role" in columns:
        return "messages"
    return "labelled" if {"intent", "topic", "label"} & set(columns) else "prefixed"


def parse_mapping(
    mapping: str | None,
    fields: Sequence[str] = FIELDS,
    *,
    aliases: Mapping[str, str] = _ALIASES,
    example: str = "text=body,role=from,conversation=ticket",
) -> dict[str, str]:
    """Reads ``text=body,role=from``; ``title=`` leaves a field out.

    Args:
        mapping: What ``--map`` says; None is nothing.
        fields: That there are.
        aliases: Other names of them.
        example: For the message.

    Raises:
        InputError: Not of that form, or a field that does not exist.
    """
    told: dict[str, str] = {}
    for pair in filter(None, map(str.strip, (mapping or "").split(","))):
        field, equals, column = pair.partition("=")
        field = aliases.get(field.strip().lower(), field.strip().lower())
        if not equals or field not in fields:
            raise InputError(
                "--map",
                got=pair[:60],
                expected=f"field=column with a field of {', '.join(fields)}",
                next_step=f"Write for example --map {example}.",
            )
        told[field] = column.strip()
    return told


def describe(header: Sequence[str], columns: Mapping[str, int]) -> str:
    """Says in one line how a table is read."""
    pairs = ", ".join(f"{field}={_shown(header, [header[at]])}" for field, at in columns.items())
    unused = [name for i, name in enumerate(header) if i not in columns.values() and name]
    rest = f"; not read: {_shown(header, unused)}" if unused else ""
    return f"{SHAPES[shape_of(columns)]}; columns: {pairs}{rest} (change with --map field=column,…)"


def known_names(row: Sequence[str]) -> int:
    """How many values of a row are names of columns that we know."""
    return sum(plain_name(name) in _ALL_NAMES for name in row)


def _is_header(header: Sequence[str]) -> bool:
    """Whether the first row has names of columns and no data: two of them are known, and all look like names."""
    return known_names(header) > 1 and all(looks_like_name(name) for name in header if name)


def _shown(header: Sequence[str], names: Sequence[str]) -> str:
    """Names of columns in a line; in a table without a header they are data, which must not be shown."""
    header_row = _is_header(header)
    shown = [name for name in names if plain_name(name) in _ALL_NAMES]
    rest = shown_names([name for name in names if name not in shown], header=header_row)
    return ", ".join([*shown, rest] if rest else shown)


def plain_name(name: str) -> str:
    """A column's name as it is compared: lower case, one underscore between words, without Google's prefix ``g:``."""
    return _PLAIN.sub("_", name.strip().lower().removeprefix("g:")).strip("_")


def position_of(header: Sequence[str], field: str, column: str, *, where: str, shown: str) -> int:
    """Where the column stands that ``--map`` names.

    Args:
        header: The columns' names.
        field: Of the pair.
        column: Of the pair, as it is written or as names are compared.
        where: For the message: `` in FILE``, or nothing.
        shown: For the message: the columns that may be named.

    Raises:
        InputError: There is no such column.
    """
    if column in header:
        return list(header).index(column)
    plain, name = [plain_name(other) for other in header], plain_name(column)
    if name in plain:
        return plain.index(name)
    raise InputError(
        f"--map {field}={column}", got=f"no column {column!r}{where}", expected=f"one of {shown}",
        next_step="Mend --map.",
    )  # fmt: skip


def _guess(field: str, plain: Sequence[str], taken: set[int]) -> int | None:
    for name in _KNOWN[field]:
        for position, column in enumerate(plain):
            if column == name and position not in taken:
                return position
    if field == "conversation":
        return next((at for at, column in enumerate(plain) if column in _IDS and at not in taken), None)
    return None


def _shape(
    path: Path, header: Sequence[str], chosen: dict[str, int], told: Mapping[str, str], sample: Sequence[Sequence[str]]
) -> dict[str, int]:
    """Keeps the fields of one of the shapes; what was told decides where several would do."""
    if (at := _transcript(chosen, told, sample)) is not None:
        kept = {field: p for field, p in chosen.items() if field in _OF_A_CONVERSATION and p != at}
        return kept | {"transcript": at}
    chosen = {field: at for field, at in chosen.items() if field != "transcript"}
    if "text" in chosen and "role" not in chosen and "author" in chosen and "role" not in told:
        chosen["role"] = chosen.pop("author")  # names: those who speak in many conversations are agents
    messages, pairs = {"text", "role"} <= set(chosen), {"question", "answer"} <= set(chosen)
    if messages and not (pairs and {"question", "answer"} & set(told)):
        return {field: at for field, at in chosen.items() if field not in ("question", "answer")}
    if pairs:
        return {field: at for field, at in chosen.items() if field not in ("text", "role", "author", "label", "intent")}
    if "text" not in chosen and "question" in chosen and "text" not in told:
        chosen["text"] = chosen["question"]
    if "text" in chosen and looks_prefixed([_cell(row, chosen["text"]) for row in sample]):
        return {field: at for field, at in chosen.items() if field in ("text", "time", "language", "conversation")}
    if "text" in chosen and {"intent", "topic", "label"} & set(chosen):
        return {
            field: chosen[field]
            for field in ("text", "intent", "topic", "label", "language", "time")
            if field in chosen
        }
    raise _too_few(path, header, chosen)


_OF_A_CONVERSATION = ("conversation", "time", "topic", "language", "satisfaction")


def _transcript(chosen: Mapping[str, int], told: Mapping[str, str], sample: Sequence[Sequence[str]]) -> int | None:
    """Where whole conversations stand: the column that was told, or one whose values are such."""
    if told.get("transcript"):
        return chosen["transcript"]
    if "transcript" in told or {"role", "question", "answer"} & set(told):
        return None
    for field in ("transcript", "text", "conversation"):
        if field in chosen and looks_like_transcript([_cell(row, chosen[field]) for row in sample]):
            return chosen[field]
    return None


def _cell(row: Sequence[str], position: int) -> str:
    return row[position] if position < len(row) else ""


def _too_few(path: Path, header: Sequence[str], chosen: Mapping[str, int]) -> InputError:
    missing = next((field for field in ("text", "role") if field not in chosen), "text")
    if set(chosen) <= {"question", "text"} and "question" in chosen:
        missing = "answer"
    return InputError(
        f"{path} line 1",
        got=f"columns {_shown(header, header) or 'without names'}",
        expected="one message a row (text, role, conversation), one question a row (question, answer), one "
        "conversation a row (transcript), or labelled messages (text, intent)",
        next_step=f"Say which column is the {missing}: --map {missing}=COLUMN,…",
    )
