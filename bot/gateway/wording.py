"""From the log to the wire: what customers and agents see of an entry, and what the shop says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast, get_args

from bot import protocol
from bot.state.entry import FOR_AGENTS, PUBLIC, ConversationInfo, Entry
from data.hours import hours_in_words
from data.workspace import Shop, WorkspaceSettings

Reader = Literal["customer", "agent"]

_SHOP_WORDS = {
    "en": {
        "greeting": "Hello, and welcome to {name}! What can I do for you?",
        "bot": "You are talking to a bot. A person is one click away.",
        "order": "Where is my order?",
        "suggested": ("How do I return something?", "How long does delivery take?"),
    },
    "zh": {
        "greeting": "您好，欢迎光临 {name}！请问有什么可以帮您？",
        "bot": "正在为您服务的是机器人，点一下即可转人工。",
        "order": "我的订单到哪里了？",
        "suggested": ("怎么退货？", "快递几天能到？"),
    },
}


def shop_language(shop: Shop, wanted: str) -> str:
    """The language that a shop answers a customer in: the wanted one if the shop speaks it, else the shop's first."""
    spoken = [language.lower().split("-")[0] for language in shop.languages]
    short = wanted.lower().split("-")[0]
    return short if short in spoken or not spoken else spoken[0]


def shop_info(settings: WorkspaceSettings, language: str) -> protocol.ShopInfo:
    """What the widget says about the shop, in English where we have no words in its language.

    Args:
        settings: The shop's; its own greeting is taken where it has one. Orders are suggested where they can be
            looked up.
        language: From ``shop_language``.
    """
    shop = settings.shop
    words = cast(dict[str, Any], _SHOP_WORDS.get(language, _SHOP_WORDS["en"]))
    orders = () if settings.services.orders == "none" else (words["order"],)
    return protocol.ShopInfo(
        name=shop.name,
        greeting=shop.greeting or words["greeting"].format(name=shop.name),
        hours=hours_in_words(shop.hours, language),
        languages=shop.languages,
        suggested=(*orders, *words["suggested"]),
        bot_notice=words["bot"],
    )


def wire_entry(entry: Entry, *, reader: Reader) -> protocol.Entry | None:
    """An entry as its reader may see it, or None if it is not for them."""
    if entry.kind not in (FOR_AGENTS if reader == "agent" else PUBLIC):
        return None
    custom = entry.data.get("custom")
    said = custom if isinstance(custom, Mapping) else {}
    suppressed = entry.kind in ("suppressed", "suggested")
    sources = _sources(said)
    return protocol.Entry(
        seq=entry.seq,
        kind="bot" if suppressed else cast(protocol.EntryKind, entry.kind),
        text=entry.text,
        time=entry.time,
        author=_author(entry),
        client_id=entry.data.get("client_id")
        if entry.kind in ("customer", "state", "feedback") or reader == "agent"
        else None,
        buttons=_buttons(entry),
        state=cast("protocol.State | None", entry.data.get("to")) if entry.kind == "state" else None,
        source=sources[0] if sources else None,
        sources=sources,
        why=_why(said) if reader == "agent" else None,
        suppressed=suppressed,
        suggested=entry.kind == "suggested",
        rates=entry.data["rates"] if entry.kind == "feedback" else None,
        rating=entry.data["rating"] if entry.kind == "feedback" else None,
        reason=entry.data["reason"] if entry.kind == "feedback" else "",
    )


def wire_row(info: ConversationInfo) -> protocol.Row:
    """A conversation as the console lists it."""
    kind = info.last_kind
    return protocol.Row(
        conversation=info.id,
        state=info.state.value,
        seq=info.seq,
        language=info.language,
        created=info.created,
        active=info.active,
        agent=info.agent,
        last_text=info.last_text[:120],
        last_kind=kind if kind in ("customer", "bot", "agent", "state", "failure", "note") else None,
        waiting_since=info.waiting_since,
        unanswered=info.unanswered,
        channel=info.channel,
        customer=next(filter(None, map(info.identity.get, ("name", "email", "id"))), None) if info.identity else None,
    )


def _author(entry: Entry) -> protocol.Author:
    kinds: dict[str, protocol.AuthorKind] = {
        "customer": "customer",
        "bot": "bot",
        "suppressed": "bot",
        "suggested": "bot",
        "agent": "agent",
        "note": "agent",
        "feedback": "customer",
    }
    kind = kinds.get(entry.kind)
    if kind is None:  # a move or a failure: by an agent unless one of these names stands there
        kind = {"customer": "customer", "bot": "bot"}.get(entry.author, "system")  # type: ignore[assignment]
        if entry.kind == "state" and entry.author not in ("customer", "bot", "system", ""):
            kind = "agent"
    return protocol.Author(kind=kind or "system", name=entry.author)


def _buttons(entry: Entry) -> tuple[protocol.Button, ...]:
    rows = entry.data.get("buttons") or ()
    return tuple(protocol.Button(id=f"{entry.seq}.{n}", title=str(row.get("title", ""))) for n, row in enumerate(rows))


def button_payload(entry: Entry, number: int) -> tuple[str, str] | None:
    """(title, payload) of a bot's button, or None if the entry has no such one."""
    rows = entry.data.get("buttons") or ()
    if entry.kind != "bot" or not 0 <= number < len(rows):
        return None
    return str(rows[number].get("title", "")), str(rows[number].get("payload", ""))


def _sources(said: Mapping[str, Any]) -> tuple[protocol.Source, ...]:
    """Where a reply comes from; entries of older versions have one source only."""
    rows = said.get("sources")
    rows = rows if isinstance(rows, list) and rows else [said.get("source")]
    return tuple(_source(row) for row in rows if isinstance(row, Mapping))


def _source(row: Mapping[str, Any]) -> protocol.Source:
    conversations, kind, url = row.get("conversations") or 0, row.get("kind"), str(row.get("url") or "")
    return protocol.Source(
        title=str(row.get("title") or ""),
        conversations=conversations if isinstance(conversations, int) else len(conversations),
        support=int(row.get("support") or 0),
        last_used=float(row["last_used"]) if row.get("last_used") else None,
        question=str(row["question"]) if row.get("question") else None,
        kind=cast(protocol.SourceKind, kind) if kind in get_args(protocol.SourceKind) else "log",
        url=url if url.startswith(("https://", "http://")) else None,
    )


def _why(said: Mapping[str, Any]) -> protocol.Why | None:
    row = said.get("why")
    if not isinstance(row, Mapping):
        return None
    evidence = [hit for hit in row.get("answers") or row.get("evidence") or () if isinstance(hit, Mapping)]
    return protocol.Why(
        model=str(row.get("model") or ""),
        index=str(row.get("index") or ""),
        intent=str(row.get("intent") or ""),
        confidence=float(row.get("confidence") or 0.0),
        topic=str(row["topic"]) if row.get("topic") else None,
        outcome=str(row["outcome"]) if row.get("outcome") else None,
        evidence=tuple(
            protocol.Evidence(
                answer=str(hit.get("id") or hit.get("answer") or ""),
                text=str(hit.get("text") or "")[:160],
                score=float(hit.get("score") or 0.0),
            )
            for hit in evidence
        ),
    )
