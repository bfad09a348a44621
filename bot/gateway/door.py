"""What every way into the gateway shares: its parts, and which conversation a client may see."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from bot.gateway.auth import Signer
from bot.gateway.backlog import Backlog
from bot.gateway.desk import Desk
from bot.gateway.feed import Feed
from bot.gateway.identity import Identity, IdentityCheck
from bot.gateway.wording import shop_info
from bot.protocol import Hello, Refusal, Welcome, WireError
from bot.state.entry import ConversationInfo
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
        identities: Checks what the shop's server signed.
        desk: The queue for people.
        backlog: The queue for the bot.
    """

    workspace: Workspace
    log: ConversationLog
    feed: Feed
    signer: Signer
    identities: IdentityCheck
    desk: Desk
    backlog: Backlog


@dataclass(frozen=True)
class Admitted:
    """Where a client stands after its hello.

    Attributes:
        conversation: The one that it proves to own, or a fresh one.
        last_seq: Entries up to here are known to it.
        begun: Whether the log knows the conversation.
        refusal: What it must hear before the welcome, where it named a conversation that it may not see, or its
            sign-in does not hold.
        identity: Whose conversation it will be with the first message; None for a stranger's, or when it is already.
        known: Whether the shop signed the customer in.
    """

    conversation: str
    last_seq: int = 0
    begun: bool = False
    refusal: Refusal | None = None
    identity: Identity | None = None
    known: bool = False


async def admit(door: Door, hello: Hello) -> Admitted:
    """Finds the conversation of a hello. Of one that is not its own, nothing is said.

    A customer whom the shop signed in has one conversation, on every device. The one that this device began as a
    stranger becomes theirs if they had none. Without the sign-in a known customer's conversation stays shut, so that
    the next person at the same machine does not read it.
    """
    if hello.identity is None:
        return await _stranger(door, hello)
    try:
        identity = door.identities.read(hello.identity)
    except WireError as error:
        return replace(await _stranger(door, hello), refusal=Refusal(code=error.code, message=error.message))
    return await _known(door, hello, identity)


async def _stranger(door: Door, hello: Hello) -> Admitted:
    named = hello.conversation
    if named is None:
        return Admitted(door.signer.new_conversation()[0])
    if hello.token is not None and door.signer.owns(named, hello.token) and not door.signer.known(named):
        info = await door.log.info(named)
        if (info is None or info.identity is None) and _holds(info, hello):
            return Admitted(named, hello.last_seq, info is not None)
    refusal = Refusal(code="foreign", message="That conversation is not available here.")
    return Admitted(door.signer.new_conversation()[0], refusal=refusal)


async def _known(door: Door, hello: Hello, identity: Identity) -> Admitted:
    theirs = await door.log.conversation_of(identity.id)
    named = hello.conversation
    if named is not None and hello.token is not None and door.signer.owns(named, hello.token):
        info = await door.log.info(named)
        if theirs is None and info is not None and info.identity is None and _holds(info, hello):
            theirs = await door.log.bind(named, identity=identity.id, record=identity.to_json())
        if theirs == named and info is not None and _holds(info, hello):
            await _keep_identity(door, info, identity)
            return Admitted(named, hello.last_seq, True, known=True)
    found = await door.log.info(theirs) if theirs is not None else None
    if found is not None:
        await _keep_identity(door, found, identity)
        return Admitted(found.id, begun=True, known=True)
    return Admitted(theirs or door.signer.conversation_of(identity.id), identity=identity, known=True)


async def _keep_identity(door: Door, info: ConversationInfo, identity: Identity) -> None:
    """Writes down what the shop says of its customer now: an address may have changed, a bind may have been cut off.

    What it does not say stays.
    """
    before = info.identity or asdict(identity)
    now = replace(identity, email=identity.email or before["email"], name=identity.name or before["name"])
    if info.identity != asdict(now):
        await door.log.bind(info.id, identity=now.id, record=now.to_json())


async def is_open(log: ConversationLog, conversation: str, *, known: bool) -> bool:
    """Whether a client that was admitted may still see the conversation.

    A stranger's becomes a customer's with their sign-in on any device; it is shut then to whom came in as a stranger.

    Args:
        log: All conversations.
        conversation: From ``admit``.
        known: From ``Admitted``.
    """
    info = None if known else await log.info(conversation)
    return info is None or info.identity is None


def _holds(info: ConversationInfo | None, hello: Hello) -> bool:
    """Whether the log still has what the client has seen."""
    return (info.seq if info else 0) >= hello.last_seq


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
