"""`careline export`: the conversations of a workspace's Redis as a log in our own format, for the next learning.

What a person wrote becomes ``customer`` and ``agent``. What the bot said becomes a ``system`` message of the author
``bot``: it is context for what follows, and must not be learned as if a person had answered so. Notes, suppressed
replies and Rasa's events stay out.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from data.errors import InputError

if TYPE_CHECKING:
    from bot.state.log import ConversationLog
    from data.workspace import Workspace


def export_workspace(workspace: Workspace, file: Path, *, redis_url: str | None, questions: bool = False) -> int:
    """Writes every conversation in which something was said, not redacted, one a line.

    The embedded server is started for the time of the export where it does not run.

    Args:
        workspace: Whose conversations.
        file: Written as a whole and only readable by its owner; ``-`` is the standard output.
        redis_url: An external Redis, or None for the embedded one.
        questions: Instead write what was asked of the bot and what came of it, a question a line (``bot.asked``).

    Returns:
        How many conversations, or questions.

    Raises:
        InputError: Nothing was ever served here, Redis does not answer, or the file cannot be written.
    """
    from bot.embedded import EmbeddedRedis
    from bot.state.entry import StateUnavailable

    try:
        if redis_url:
            return asyncio.run(_export(redis_url, file, questions=questions))
        if not (workspace.var / "redis").is_dir():
            raise InputError(
                f"workspace {workspace.root}",
                got="no conversations: nothing was served here yet",
                expected="a workspace with conversations",
                next_step="Name it with --workspace, or set REDIS_URL.",
            )
        with EmbeddedRedis(workspace) as server:
            return asyncio.run(_export(server.url, file, questions=questions))
    except StateUnavailable as error:
        raise InputError(
            "Redis", got="no answer", expected="a running server", next_step="Start it, or check REDIS_URL."
        ) from error


async def _export(url: str, file: Path, *, questions: bool) -> int:
    from bot.state.log import ConversationLog

    count = 0
    async with await ConversationLog.open(url) as log:
        with _written(file) as stream:
            async for row in _questions(log) if questions else _conversations(log):
                stream.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
                count += 1
    return count


async def _conversations(log: ConversationLog) -> AsyncIterator[dict[str, Any]]:
    async for ids in log.ids():
        for conversation in ids:
            if (exported := await log.export(conversation)) is not None:
                yield exported.to_json()


async def _questions(log: ConversationLog) -> AsyncIterator[dict[str, Any]]:
    from bot.asked import asked_of

    async for ids in log.ids():
        for conversation in ids:
            info = await log.info(conversation)
            for row in asked_of(await log.read_all(conversation), language=info.language if info else ""):
                yield row


@contextmanager
def _written(file: Path) -> Iterator[IO[str]]:
    """A file that appears when it is whole."""
    if str(file) == "-":
        yield sys.stdout
        return
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # readable by its owner only
    except OSError as error:
        raise InputError(
            str(file),
            got=f"no place to write ({error.strerror})",
            expected="a folder that exists",
            next_step="Mend it.",
        ) from error
    try:
        with open(handle, "w", encoding="utf-8", errors="replace", newline="\n") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
