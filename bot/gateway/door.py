"""What every way into the gateway shares: its parts, and which conversation a client may see."""

from __future__ import annotations

from dataclasses import dataclass

from bot.gateway.auth import Signer
from bot.gateway.feed import Feed
from bot.gateway.wording import shop_info
from bot.protocol import Hello, Refusal, Welcome
from bot.state.log import ConversationLog
from data.workspace import Workspace


@dataclass(frozen=True)
class Door:
    """The gateway's parts.

    Attributes:
        workspace: The shop.
        log: All conversations.
        feed: Wakes whoever waits for entries.
        signer: Tokens and sessions.
    """

    workspace: Workspace
    log: ConversationLog
    feed: Feed
    signer: Signer


@dataclass(frozen=True)
class Admitted:
    """Where a client stands after its hello.

    Attributes:
        conversation: The one that it proves to own, or a fresh one.
        last_seq: Entries up to here are known to it.
        begun: Whether the log knows the conversation.
        refusal: What it must hear before the welcome, where it named a conversation that it may not see.
    """

    conversation: str
    last_seq: int = 0
    begun: bool = False
    refusal: Refusal | None = None


async def admit(door: Door, hello: Hello) -> Admitted:
    """Finds the conversation of a hello. Of one that is not its own, nothing is said."""
    named = hello.conversation
    if named is None:
        return Admitted(door.signer.new_conversation()[0])
    if hello.token is not None and door.signer.owns(named, hello.token):
        info = await door.log.info(named)
        if (info.seq if info else 0) >= hello.last_seq:  # else the log lost what the client has seen
            return Admitted(named, hello.last_seq, info is not None)
    refusal = Refusal(code="foreign", message="That conversation is not available here.")
    return Admitted(door.signer.new_conversation()[0], refusal=refusal)


async def welcome(door: Door, conversation: str, language: str) -> Welcome:
    """The answer to a hello.

    Args:
        door: The gateway's parts.
        conversation: From ``admit``.
        language: Of the customer, from ``shop_language``.
    """
    info = await door.log.info(conversation)
    return Welcome(
        conversation=conversation,
        token=door.signer.conversation_token(conversation),
        seq=info.seq if info else 0,
        state=info.state.value if info else "bot",
        shop=shop_info(door.workspace.settings, language),
    )
