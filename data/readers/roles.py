"""Who speaks, from the words with which tables and transcripts name a side, in English and Chinese."""

from __future__ import annotations

from data.schema import Role

_ROLES: dict[Role, str] = {
    "customer": """customer client user visitor guest buyer consumer caller inbound incoming in end-user enduser
        requester contact shopper member human lead received patient passenger subscriber usr c u
        客户 用户 顾客 买家 访客 会员 客人 消费者 咨询者 来访者 玩家 乘客""",
    "agent": """agent support staff assistant operator rep representative outbound outgoing out admin employee
        advisor adviser seller merchant bot team helpdesk teammate csr sent a wizard service sys
        客服 坐席 商家 卖家 店家 人工 机器人 人工客服 在线客服 店小二 客服人员 客服代表""",
    "system": """system note event notification automation auto private internal api s
        系统 通知 备注 系统消息 内部备注 系统通知""",
}
_ROLE_OF: dict[str, Role] = {word: role for role, names in _ROLES.items() for word in names.split()}
_CHINESE: tuple[tuple[str, Role], ...] = tuple(
    sorted(((w, r) for w, r in _ROLE_OF.items() if not w.isascii()), key=lambda pair: -len(pair[0]))
)


def role_of(value: str) -> Role | None:
    """The side that a word or a name such as ``Support Agent``, ``agent-2`` or ``客服小李`` stands for, or None."""
    plain = value.strip().lower().replace("_", "-").replace(" ", "-")
    if not plain or len(plain) > 60:
        return None
    if plain in _ROLE_OF:
        return _ROLE_OF[plain]
    for part in plain.split("-"):
        if len(part) > 1 and part in _ROLE_OF:
            return _ROLE_OF[part]
    if plain.isascii():
        return None
    return next((role for word, role in _CHINESE if plain.startswith(word) or plain.endswith(word)), None)
