"""What a customer may do to a conversation, whichever way it comes: say, press, ask for a person."""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.gateway.door import is_open
from bot.gateway.identity import Identity
from bot.gateway.wording import button_payload
from bot.handoff import IllegalMove, Move, State
from bot.protocol import Back, Person, Press, Rate, Send, WireError
from bot.state.entry import ConversationInfo, Crowded, Refused, Reused
from bot.state.log import ConversationLog
from bot.words import BACK, LEAVE, WAIT, cancels, words
from data.patterns import find_structured

if TYPE_CHECKING:
    from bot.gateway.desk import Desk

_LOG = logging.getLogger(__name__)
_BUTTON = re.compile(r"([1-9][0-9]{0,11})\.([0-9]{1,3})")

ESCAPE = "\u200b"
"""Before text that begins with ``/``, so that Rasa does not take it for an intent. A zero-width space: Rasa's
``strip`` leaves it, tokenisers drop it."""


def rasa_text(text: str) -> str | None:
    """What Rasa gets instead of a customer's text, or None when it gets the text itself."""
    return ESCAPE + text if text.strip().startswith("/") else None


def contact_in(text: str) -> str:
    """The e-mail address or telephone number in a text, as it stands there; empty without one."""
    kinds = {span.kind: text[span.start : span.end].strip() for span in reversed(find_structured(text))}
    return kinds.get("EMAIL") or kinds.get("PHONE") or ""


def _crowded(language: str) -> str:
    if language.startswith("zh"):
        return "我们现在很忙，您的消息没有送达，请稍后再发一次。"
    return "We are very busy just now: your message was not taken. Please send it again in a moment."


def _foreign(client_id: str) -> WireError:
    return WireError("foreign", "That conversation is not available here.", client_id=client_id)


@dataclass
class Mailbox:
    """Where the messages of one customer go.

    Attributes:
        log: All conversations.
        conversation: Whose it is was checked before.
        language: Of the customer.
        channel: By which way the conversation came, for agents.
        begun: Whether the log knows the conversation already.
        identity: Whose it becomes with the first message.
        desk: The queue for people.
        known: Whether the shop signed the customer in.
    """

    log: ConversationLog
    conversation: str
    language: str
    channel: str = "widget"
    begun: bool = False
    identity: Identity | None = None
    desk: Desk | None = None
    known: bool = False

    async def store(self, message: Send | Press | Person | Back | Rate) -> int:
        """Stores a message; a resend of it changes nothing.

        Returns:
            Its place in the log.

        Raises:
            WireError: It cannot be stored as it is; sending it again does not help.
            StateUnavailable: Not known to be stored; send it again with the same client id.
        """
        if not message.client_id:
            raise WireError("bad_message", "An empty client_id.")
        if not await is_open(self.log, self.conversation, known=self.known):
            raise _foreign(message.client_id)
        if isinstance(message, Rate):
            return await self._rate(message)
        if not self.begun:
            await self.log.start(self.conversation, language=self.language, channel=self.channel)
            self.begun = True
        if self.identity is not None:
            await self._bind(self.identity, message.client_id)
        try:
            return await self._store(message)
        except Reused as error:
            raise WireError("reused", "This id has another message.", client_id=message.client_id) from error
        except Crowded as error:
            _LOG.warning("%s", error)
            raise WireError("busy", _crowded(self.language), client_id=message.client_id) from error

    async def _store(self, message: Send | Press | Person | Back) -> int:
        if isinstance(message, Send):
            return await self._text(message)
        if isinstance(message, Press):
            return await self._press(message)
        if isinstance(message, Back):
            return await self._back(message.client_id, words("choose_back", self.language))
        return await self._person(message)

    async def _bind(self, identity: Identity, client_id: str) -> None:
        theirs = await self.log.bind(self.conversation, identity=identity.id, record=identity.to_json())
        if theirs != self.conversation:  # another device began one a moment ago: the client comes back to that one
            raise _foreign(client_id)
        self.identity = None

    async def _text(self, message: Send) -> int:
        text = message.text.strip()
        if not text:
            raise WireError("bad_message", "An empty message.", client_id=message.client_id)
        if cancels(text) and await self._waiting() is not None:
            return await self._back(message.client_id, text)
        accepted = await self.log.accept(
            self.conversation, client_id=message.client_id, text=text, payload=rasa_text(text)
        )
        contact = contact_in(text)
        if contact and self.desk is not None:
            await self._left(self.desk, message.client_id, text, contact)
        return accepted.seq

    async def _left(self, desk: Desk, client_id: str, text: str, contact: str) -> None:
        """Brings a message with contact to agents who are not there, or to whom it was promised."""
        info = await self._waiting()
        if info is not None and (not await desk.online() or await self._was_asked(info)):
            await desk.message_left(info, client_id=client_id, text=text, contact=contact)

    async def _waiting(self) -> ConversationInfo | None:
        """The conversation, if it waits for a person."""
        info = await self.log.info(self.conversation)
        return info if info is not None and info.state is State.QUEUED else None

    async def _was_asked(self, info: ConversationInfo) -> bool:
        """Whether the customer was told to leave a message since they began to wait."""
        entries = await self.log.read(info.id, after=info.queued_seq, limit=200)
        return any(entry.data.get("notice") in ("away", "leave", "late") for entry in entries)

    async def _back(self, client_id: str, text: str) -> int:
        """Ends the waiting; the bot answers that it does. Where a person has come meanwhile, they read the words."""
        await self._move(Move.CANCEL, f"{client_id}:cancel")
        accepted = await self.log.accept(self.conversation, client_id=client_id, text=text, payload="/cancel")
        return accepted.seq

    async def _chosen(self, client_id: str, title: str, payload: str) -> int:
        """What somebody who waits chose: see ``bot.words``."""
        if payload == BACK:
            return await self._back(client_id, title)
        accepted = await self.log.accept(self.conversation, client_id=client_id, text=title)
        name = payload[1:]
        with suppress(Refused):  # they do not wait any more
            await self.log.notice(
                self.conversation,
                client_id=f"{client_id}:{name}",
                text=words(name, self.language),
                data={"notice": name},
            )
        return accepted.seq

    async def _press(self, message: Press) -> int:
        """Resolves the opaque id ``SEQ.NUMBER`` on the log's own entry."""
        found = None
        if match := _BUTTON.fullmatch(message.button):
            seq, number = int(match[1]), int(match[2])
            entries = await self.log.read(self.conversation, after=seq - 1, limit=1)
            found = button_payload(entries[0], number) if entries and entries[0].seq == seq else None
        if found is None:
            raise WireError("refused", "There is no such choice.", client_id=message.client_id)
        title, payload = found
        if payload in (WAIT, LEAVE, BACK):
            return await self._chosen(message.client_id, title, payload)
        accepted = await self.log.accept(
            self.conversation,
            client_id=message.client_id,
            text=title,
            payload=payload or rasa_text(title),
            button=message.button,
        )
        return accepted.seq

    async def _person(self, message: Person) -> int:
        """Puts the conversation in the queue; where a person has it or is asked for, the wish is fulfilled already."""
        info = await self.log.info(self.conversation)
        if info is not None and info.state is State.CLOSED:
            await self._move(Move.REOPEN, f"{message.client_id}:reopen")
        if info is None or info.state in (State.BOT, State.CLOSED):
            await self._move(Move.ESCALATE, message.client_id)
        info = await self.log.info(self.conversation)
        return info.seq if info else 0

    async def _rate(self, message: Rate) -> int:
        """Thumbs are for something that was said to the customer, numbers for the conversation."""
        rated = await self.log.read(self.conversation, after=message.seq - 1, limit=1) if message.seq else []
        said = bool(rated) and rated[0].seq == message.seq and rated[0].kind in ("bot", "agent", "failure")
        whole = message.seq == 0 and message.rating.isdecimal() and self.begun
        if not whole and not (said and message.rating in ("up", "down")):
            raise WireError("refused", "There is nothing to rate.", client_id=message.client_id)
        accepted = await self.log.feedback(
            self.conversation, client_id=message.client_id, rates=message.seq, rating=message.rating,
            reason=message.reason,
        )  # fmt: skip
        return accepted.seq

    async def _move(self, move: Move, client_id: str) -> None:
        data = {"client_id": client_id, **({"reason": "asked"} if move is Move.ESCALATE else {})}
        try:
            await self.log.move(self.conversation, move, actor="customer", client_id=client_id, data=data)
        except IllegalMove:
            _LOG.info("%s: %s came when someone else had moved it", self.conversation, move.value)
