"""``python -m bot.worker``: claims conversations with work and has Rasa answer their messages, in order.

Nothing that a worker says is seen before it is committed. A worker that dies leaves its turns undone; another one, or
the same one started again under its name, does them once.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bot.embedded import redis_address
from bot.gateway.auth import load_secret
from bot.handoff import State
from bot.settings import BotSettings, first_mode, read_settings
from bot.state.control import ControlBook
from bot.state.entry import Busy, ConversationInfo, Entry, Refused, StateError, StateUnavailable, Work
from bot.state.log import ConversationLog
from bot.state.turn import Job, current_job
from bot.state.work import LEASE_SECONDS, TAKEOVER_SECONDS, WorkQueue
from data.errors import InputError
from data.identity import CUSTOMER, Customer, claim
from data.workspace import Workspace

if TYPE_CHECKING:
    from rasa.core.agent import Agent

logger = logging.getLogger("careline.worker")

MAX_TRIES = 3
"""See ``bot.state.lock_store.MAX_TRIES``."""

HOUSEKEEPING_SECONDS = 2.0
"""Between looks at the live model and at what others left."""

SWEEP_SECONDS = 5.0
"""Between looks for forgotten messages."""

READY = "careline worker: ready"
"""The first line on stdout once messages are answered."""

_FAILURE = {
    "en": "Sorry, something went wrong on our side. A person will look at your message.",
    "zh": "抱歉，我们这边出了点问题，会有工作人员查看您的消息。",
}


class Worker:
    """Answers messages with one Rasa model at a time.

    Args:
        workspace: Whose live model is served.
        redis_url: Where its log is.
        actions_url: Web hook of the action server.
        name: Unique among the workers that run; stable over restarts, so that a restart goes on at once.
        lanes: Conversations at the same time (one process computes one at a time, but actions wait for others).
        lease_seconds: Lifetime of a lease without renewal.
        takeover_seconds: After which another worker's unfinished work is taken.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        redis_url: str,
        actions_url: str,
        name: str,
        lanes: int = 4,
        lease_seconds: float = LEASE_SECONDS,
        takeover_seconds: float = TAKEOVER_SECONDS,
    ) -> None:
        self.workspace, self.redis_url, self.actions_url = workspace, redis_url, actions_url
        self.name, self.lanes = name, lanes
        self.lease_seconds, self.takeover_seconds = lease_seconds, takeover_seconds
        self.stopping = asyncio.Event()
        self._agent: Agent
        self._model: Path | None = None
        self._log: ConversationLog
        self._queue: WorkQueue
        self._left: asyncio.Queue[Work] = asyncio.Queue()
        self._active: set[str] = set()
        self._again: set[str] = set()

    async def run(self) -> None:
        """Works until ``stopping`` is set; then finishes the messages it has begun.

        Raises:
            InputError: No model, or one that cannot be served.
            StateUnavailable: No Redis.
        """
        self._log = await ConversationLog.open(self.redis_url)
        async with self._log:
            self._queue = WorkQueue(self._log)
            await self._queue.prepare()
            await ControlBook(self._log.store).begin(first_mode(self.workspace))
            self.load()
            print(f"{READY} ({self.name}, {self._model})", flush=True)
            self._keep(await self._queue.unfinished(self.name))
            lanes = (self._lane(f"{self.name}.{lane}") for lane in range(self.lanes))
            await asyncio.gather(self._housekeeping(), *lanes)
            await self._queue.retire(self.name)
            await self._queue.close()
            await self._close_agent()

    async def _close_agent(self) -> None:
        from bot.rasa_door import close_agent

        await close_agent(self._agent)

    def load(self) -> None:
        """Loads the live Rasa model if it is another than the one loaded; turns that run go on with theirs.

        Raises:
            InputError: Nothing learned yet, the file is missing, or Rasa does not take our stores.
        """
        model = self.workspace.live_rasa()
        if model == self._model:
            return
        from bot.rasa_door import load_agent

        self._agent = load_agent(
            model, redis_url=self.redis_url, actions_url=self.actions_url, lease_seconds=self.lease_seconds
        )
        self._model = model

    async def _housekeeping(self) -> None:
        """Follows the live model, takes over what dead workers left, and sweeps up what was forgotten."""
        swept = 0.0
        while not await _within(self.stopping, HOUSEKEEPING_SECONDS):
            try:
                self.load()
                self._keep(await self._queue.take_over(self.name, idle=self.takeover_seconds))
                if time.monotonic() - swept > SWEEP_SECONDS:
                    await self._queue.sweep()
                    swept = time.monotonic()
            except (InputError, StateError) as error:
                logger.error("%s", error)

    async def _lane(self, owner: str) -> None:
        while not self.stopping.is_set():
            try:
                for work in [self._left.get_nowait()] if self._left.qsize() else await self._queue.claim(self.name):
                    await self._drain(work, owner)
            except StateError as error:
                logger.error("%s", error)
                await _within(self.stopping, 1.0)

    def _keep(self, works: list[Work]) -> None:
        for work in works:
            self._left.put_nowait(work)

    async def _drain(self, work: Work, owner: str) -> None:
        """Answers a conversation and takes the work off the queue; leaves it to the lane that is at it already."""
        conversation = work.conversation
        if conversation in self._active:
            self._again.add(conversation)
            await self._queue.done(work)
            return
        self._active.add(conversation)
        try:
            more = await self._answer_next(conversation, owner)
        except StateUnavailable:
            self._left.put_nowait(work)
            raise
        finally:
            self._active.discard(conversation)
        if more or conversation in self._again:
            self._again.discard(conversation)
            await self._queue.requeue(conversation)
        await self._queue.done(work)

    async def _answer_next(self, conversation: str, owner: str) -> bool:
        """Gives the first waiting message of a conversation its outcome.

        What comes after it goes to the queue's end: a customer who writes as fast as the bot answers, or one with a
        hundred messages, must not keep the others waiting.

        Returns:
            Whether more messages wait.
        """
        first: int | None = None
        while (info := await self._log.info(conversation)) is not None and info.pending:
            if self.stopping.is_set():
                return True
            if info.state is not State.BOT:
                if not await self._queue.settle(conversation, info.customer):
                    return False  # a turn still runs in it, or it is the bot's again
                continue
            message = await self._waiting(info)
            if message is None:
                await self._give_up(info, info.customer, reason="its entry in the log cannot be read")
                continue
            if first is not None and message.seq > first:
                return True
            first = message.seq
            try:
                await self._answer(info, message, owner)
            except (Busy, Refused) as error:
                logger.info("%s", error)
                return False
        return False

    async def _waiting(self, info: ConversationInfo) -> Entry | None:
        """The first message without an outcome, or None: what is stored there cannot be read."""
        after = info.answered
        while entries := await self._log.read(info.id, after=after, limit=100):
            for entry in entries:
                if entry.kind == "customer":
                    return entry
            after = entries[-1].seq
        logger.error("conversation %s: got no message after %s; expected %s.", info.id, info.answered, info.customer)
        return None

    async def _answer(self, info: ConversationInfo, message: Entry, owner: str) -> None:
        from rasa.core.channels.channel import UserMessage

        from bot.rasa_door import SilentChannel

        job = Job(message, owner=owner, context={"language": info.language, **self._verified(info)})
        current_job.set(job)
        asked = UserMessage(
            rasa_text(message),
            SilentChannel(),
            info.id,
            input_channel=info.channel or SilentChannel.name(),
            message_id=f"{info.id}:{message.seq}",
            metadata=job.context,
        )
        try:
            await self._agent.handle_message(asked)
        except (Busy, Refused, StateUnavailable):
            raise
        except Exception as error:
            logger.error("message %s of %s, try %s: %s", message.seq, info.id, job.tries, error, exc_info=error)
            await self._failed(info, message, job, error)
        finally:
            current_job.set(None)

    def _verified(self, info: ConversationInfo) -> dict[str, dict[str, str]]:
        """The signed-in customer as actions believe it: with a proof, since any channel of Rasa can send metadata."""
        if not info.identity:
            return {}
        secret = load_secret(self.workspace)
        return {CUSTOMER: claim(Customer(**info.identity), conversation=info.id, secret=secret)}

    async def _failed(self, info: ConversationInfo, message: Entry, job: Job, error: Exception) -> None:
        if job.tries < MAX_TRIES:
            await _within(self.stopping, 0.5 * job.tries)
            return
        await self._give_up(info, message.seq, reason=str(error)[:500])

    async def _give_up(self, info: ConversationInfo, seq: int, *, reason: str) -> None:
        text = _FAILURE.get(info.language[:2], _FAILURE["en"])
        await self._queue.fail(info.id, seq, text=text, reason=reason)


def rasa_text(message: Entry) -> str:
    """What Rasa reads: a button's payload, or the customer's words, in which a leading ``/`` is no command."""
    payload = message.data.get("payload")
    return str(payload) if payload else message.text.lstrip("/ \t\n") or message.text.replace("/", "\u2215")


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Waits for an event; False when the time is over."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except asyncio.TimeoutError:
        return False
    return True


async def serve(worker: Worker) -> None:
    """Runs a worker until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stopping.set)
    await worker.run()


def make_worker(settings: BotSettings, arguments: argparse.Namespace) -> Worker:
    """A worker as environment and command line say."""
    workspace = settings.find_workspace()
    return Worker(
        workspace,
        redis_url=redis_address(workspace, settings.redis_url),
        actions_url=settings.actions_url,
        name=arguments.name or f"{socket.gethostname()}-{os.getpid()}",
        lanes=arguments.lanes,
        lease_seconds=arguments.lease,
        takeover_seconds=arguments.takeover,
    )


def command_line(program: str) -> argparse.ArgumentParser:
    """The options of a worker, which ``bot.workers`` has too."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description="Answers customers' messages with Rasa.")
    parser.add_argument("--name", help="unique among all that run, the same after a restart (default: host and pid)")
    parser.add_argument("--lanes", type=int, default=4, help="conversations at the same time (default: 4)")
    parser.add_argument("--lease", type=float, default=LEASE_SECONDS, help="seconds a lease lives without renewal")
    parser.add_argument("--takeover", type=float, default=TAKEOVER_SECONDS, help="seconds until work is taken over")
    return parser


def log_to_stderr() -> None:
    """Warnings and errors, with time and name."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")


def main(words: list[str]) -> int:
    """Runs the worker alone; see ``work``."""
    log_to_stderr()
    return work(command_line("bot.worker").parse_args(words))


def work(arguments: argparse.Namespace) -> int:
    """Runs a worker: 0 after SIGTERM, 2 with one line when Redis or the model is missing.

    Args:
        arguments: From ``command_line``.
    """
    try:
        asyncio.run(_main(arguments))
    except (InputError, StateUnavailable) as error:
        print(f"careline worker: {error}", file=sys.stderr)
        return 2
    return 0


async def _main(arguments: argparse.Namespace) -> None:
    await serve(make_worker(read_settings(), arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
