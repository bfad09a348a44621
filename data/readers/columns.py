"""Which column of a table holds what: guessed from the names of the columns, in English and Chinese, or told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from data.errors import InputError

_NAMES: dict[str, str] = {
    "text": """text message body content utterance msg comment reply_text description dialogue line sentence
        tweet
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
    "topic": """topic tag tags category subject_category intent class issue issue_type queue reason label_topic
        主题 标签 分类 类别 问题类型 咨询类型 意图 类型""",
    "label": """label template macro template_id canned_response shortcut
        模板 快捷回复 话术""",
    "language": """language lang locale
        语言""",
    "question": """question q query customer_question ask prompt faq title customer_message inquiry
        问题 问 提问 用户问题 客户问题 顾客问题 咨询内容""",
    "answer": """answer a response reply agent_reply solution resolution answer_text agent_response agent_message
        答案 回答 答 回复 客服回复 解答 回复内容 答复""",
}
_KNOWN = {field: names.split() for field, names in _NAMES.items()}
_ALIASES = {"id": "conversation", "from": "role", "body": "text", "message": "text", "tag": "topic", "q": "question"}
_PLAIN = re.compile(r"[\s\-_./()（）:：]+")

FIELDS = tuple(_KNOWN)


def find_columns(path: Path, header: Sequence[str], mapping: str | None) -> dict[str, int]:
    """Field to column.

    Args:
        path: The table, for messages.
        header: Its column names.
        mapping: ``field=column`` pairs, comma-separated; ``field=`` leaves a field out; what is not named is guessed.

    Returns:
        The position of each field's column: ``question`` and ``answer``, or at least ``text`` and ``role``.

    Raises:
        InputError: A pair that names no field or no column, or too few columns to read anything.
    """
    told = parse_mapping(mapping)
    plain = [_plain(name) for name in header]
    chosen: dict[str, int] = {}
    for field, column in told.items():
        if column:
            chosen[field] = _position(path, header, plain, field, column)
    for field in FIELDS:
        if field not in told and (position := _guess(field, plain, set(chosen.values()))) is not None:
            chosen[field] = position
    return _shape(path, header, chosen, told)


def parse_mapping(mapping: str | None) -> dict[str, str]:
    """Reads ``text=body,role=from``.

    Raises:
        InputError: Not of that form, or a field that does not exist.
    """
    told: dict[str, str] = {}
    for pair in (mapping or "").split(","):
        if not pair.strip():
            continue
        field, equals, column = pair.partition("=")
        field = _ALIASES.get(field.strip().lower(), field.strip().lower())
        if not equals or field not in FIELDS:
            raise InputError(
                "--map",
                got=pair.strip(),
                expected=f"field=column with a field of {', '.join(FIELDS)}",
                next_step="Write for example --map text=body,role=from,conversation=ticket.",
            )
        told[field] = column.strip()
    return told


def describe(header: Sequence[str], columns: Mapping[str, int]) -> str:
    """Says in one line how a table is read."""
    pairs = ", ".join(f"{field}={header[position]}" for field, position in columns.items())
    unused = [name for i, name in enumerate(header) if i not in columns.values() and name]
    rest = f"; not read: {', '.join(unused)}" if unused else ""
    return f"columns: {pairs}{rest} (change with --map field=column,…)"


def _plain(name: str) -> str:
    return _PLAIN.sub("_", name.strip().lower()).strip("_")


def _position(path: Path, header: Sequence[str], plain: Sequence[str], field: str, column: str) -> int:
    if column in header:
        return list(header).index(column)
    if _plain(column) in plain:
        return plain.index(_plain(column))
    raise InputError(
        f"--map {field}={column}",
        got=f"no column {column!r} in {path}",
        expected=f"one of {', '.join(name for name in header if name)}",
        next_step="Mend --map.",
    )


def _guess(field: str, plain: Sequence[str], taken: set[int]) -> int | None:
    for name in _KNOWN[field]:
        for position, column in enumerate(plain):
            if column == name and position not in taken:
                return position
    if field == "conversation" and "id" in plain and plain.index("id") not in taken:
        return plain.index("id")
    return None


def _shape(path: Path, header: Sequence[str], chosen: dict[str, int], told: Mapping[str, str]) -> dict[str, int]:
    """Keeps the fields of one of the two shapes; what was told decides where both would do."""
    messages, pairs = {"text", "role"} <= set(chosen), {"question", "answer"} <= set(chosen)
    if messages and not (pairs and {"question", "answer"} & set(told)):
        return {field: at for field, at in chosen.items() if field not in ("question", "answer")}
    if pairs:
        dropped = ("text", "role", "author", "label")
        return {field: at for field, at in chosen.items() if field not in dropped}
    missing = next((field for field in ("text", "role") if field not in chosen), "text")
    if len(chosen) == 1 and "question" in chosen:
        missing = "answer"
    raise InputError(
        f"{path} line 1",
        got=f"columns {', '.join(name for name in header if name) or 'without names'}",
        expected="one message a row (text, role, conversation) or one question a row (question, answer)",
        next_step=f"Say which column is the {missing}: --map {missing}=COLUMN,…",
    )
