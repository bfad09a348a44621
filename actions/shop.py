"""The shop this action server speaks for: its settings, its answers as they are live now, and its order service."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from actions.services.configure import open_orders, tickets_of
from actions.services.database import Database
from actions.services.guesses import Guesses
from actions.services.orders import SAMPLE_ORDERS, OrderService
from actions.services.requests import LocalRequests
from actions.services.tickets import TicketService
from actions.settings import read_secret, read_settings
from data.artifacts import IndexLayout, load_manifest
from data.errors import InputError
from data.workspace import SETTINGS, Workspace
from retrieval.answers import AnswerBook
from retrieval.journal import Follower, mark_of

if TYPE_CHECKING:
    from retrieval.rephrase import Rephraser


class ActionShop:
    """One workspace as actions see it.

    Args:
        workspace: Whose settings, answers and orders.
        sample_orders: The demo shop's orders, read when the workspace says ``services.orders = "sample"``.
    """

    def __init__(self, workspace: Workspace, *, sample_orders: Path = SAMPLE_ORDERS) -> None:
        self.workspace = workspace
        self._sample_orders = sample_orders
        self._books: dict[str, AnswerBook] = {}
        self._orders: OrderService | None = None
        self._tickets: TicketService | None = None
        self._database = Database(workspace.var / "services.db")
        self._secret = b""
        self._rephraser: Rephraser | None = None

    def answers(self, index: str | None = None) -> AnswerBook:
        """The answers of an index, with all that people changed until now.

        Args:
            index: Key of the index that found the hits: during a switch it may be the one before. None: the live one.

        Raises:
            InputError: Nothing was learned, or the index is not what its manifest says.
        """
        key = index if index and (self.workspace.folder("index") / index).is_dir() else self.workspace.live().index
        if key in self._books:
            self._books[key].refresh()
        else:
            layout = IndexLayout(self.workspace.folder("index") / key)
            mark = mark_of(load_manifest(layout.folder, kind="index"))
            newest = list(self._books.items())[-1:]  # the one before stays for turns that began with it
            book = AnswerBook.open(layout, Follower(self.workspace.changes, mark))
            self._books = dict(newest) | {key: book}
        return self._books[key]

    def orders(self) -> OrderService | None:
        """The order service, or None where the shop has connected none.

        Raises:
            InputError: The settings name no service, or one that cannot work.
        """
        if self._orders is None:
            self._orders = open_orders(self.workspace, secret=read_secret, sample=self._sample_orders)
        return self._orders

    def tickets(self) -> TicketService:
        """The service for complaints and left messages: the workspace's own database where the shop connected none.

        Raises:
            InputError: See ``orders``.
        """
        if self._tickets is None:
            self._tickets = tickets_of(self.orders()) or LocalRequests(self._database)
        return self._tickets

    def guesses(self) -> Guesses:
        """Who tried wrong details, and on what."""
        return Guesses(self._database)

    def secret(self) -> bytes:
        """The workspace's secret, which the gateway makes (``bot.gateway.auth.load_secret``); empty before it did."""
        path = self.workspace.var / "secret"
        if not self._secret and path.is_file():
            self._secret = path.read_bytes()
        return self._secret

    async def close(self) -> None:
        """Closes connections and files; whatever is asked next opens them again."""
        self._database.close()
        if self._orders is not None:
            await self._orders.close()

    def rephraser(self) -> Rephraser | None:
        """The language model that may word replies, or None where the shop configured none.

        Raises:
            InputError: The settings cannot work, or the variable that should hold the key is not set.
        """
        settings = self.workspace.settings.rephrase
        if not settings.url:
            return None
        if self._rephraser is None:
            from retrieval.rephrase import Rephraser, check_settings
            from retrieval.synonyms import meaning_of

            check_settings(settings, thing=str(self.workspace.root / SETTINGS))
            key = read_secret(settings.key_env)
            if settings.key_env and not key:
                raise InputError(
                    f"{self.workspace.root / SETTINGS} [rephrase] key_env",
                    got=f"{settings.key_env}, which is not set",
                    expected="the name of an environment variable that holds the key",
                    next_step=f"Set {settings.key_env}, or leave key_env empty.",
                )
            if not settings.languages or "zh" in settings.languages:
                meaning_of("你好")  # reads jieba's dictionary: a second that the first reply's budget has not
            self._rephraser = Rephraser(settings, key=key)
        return self._rephraser


@lru_cache(maxsize=1)
def the_shop() -> ActionShop:
    """The shop of this process, found once from the environment."""
    return ActionShop(read_settings().find_workspace())
