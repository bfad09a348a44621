"""A workspace: one shop's settings (`careline.toml`) and everything learned for it (`var/`).

Workspaces never share answers, orders or conversations. This module reads no environment variable: the settings
module of each process passes what it found there.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import tomli

from data.artifacts import DatasetLayout, IndexLayout, ModelLayout, write_atomic
from data.desk_settings import Bot, Handoff, Mail, Push
from data.errors import InputError
from data.hours import check_hours
from data.own_patterns import compile_patterns

SETTINGS = "careline.toml"
PROJECT = Path(__file__).resolve().parent.parent
DEMO = PROJECT / "var" / "demo"


@dataclass(frozen=True)
class Shop:
    """What customers are told about the shop.

    Attributes:
        name: As customers know it.
        languages: That it answers in; the first is taken for customers who speak none of them.
        hours: When people answer: ``Mon-Fri 09:00-17:00, Sat 10:00-14:00``.
        handoff_email: Where customers may write, and where agents' mail goes when nobody is signed in.
        greeting: Instead of our own.
        timezone: Of the hours, such as ``Europe/Berlin``; empty: the machine's.
        holidays: Days without people, such as ``2026-12-25``, or ``12-25`` for every year.
    """

    name: str = "our shop"
    languages: tuple[str, ...] = ("en", "zh")
    hours: str = "Mon-Fri 09:00-17:00"
    handoff_email: str = ""
    greeting: str = ""
    timezone: str = ""
    holidays: tuple[str, ...] = ()


@dataclass(frozen=True)
class Web:
    """The gateway's door.

    Attributes:
        host: Where it listens.
        port: Where it listens.
        origins: Sites that may embed the widget; empty means only its own pages.
        requests: So many HTTP requests a second one address may make for long; six times as many at once.
        url: Where agents reach the pages, for links in their mail; empty: ``http://HOST:PORT``.
        identity_key_env: Name of the environment variable that holds the key with which the shop's server signs its
            customers in; empty where it signs none.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    origins: tuple[str, ...] = ()
    requests: float = 20.0
    url: str = ""
    identity_key_env: str = ""


@dataclass(frozen=True)
class Learn:
    """Defaults of ``careline learn``.

    Attributes:
        recipe: How the model is trained.
        keep: Values that stay although they look like personal data: the shop's own telephone, mail, address.
        redact: Regular expressions of numbers to replace besides those found anyway.
        rules: File of weak rules, from the workspace's folder; see docs/how-to/topics.md.
        surrogates: Whether datasets hold made-up values instead of placeholders.
        margin: Points that a new model may lose on held-out rows, overall and in each language and large topic, and
            still take the place of the old one.
        ask: Whether an answer that agents gave only once or twice waits until a person approves it
            (``careline data answers``). Off by default, so that no bot falls silent by an update.
    """

    recipe: str = "laptop"
    keep: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()
    surrogates: bool = False
    rules: str = ""
    margin: float = 0.5
    ask: bool = False


@dataclass(frozen=True)
class Services:
    """Which back ends actions call (docs/how-to/connect-orders.md).

    Attributes:
        orders: ``none``; ``sqlite:FILE``, from the workspace's folder; the ``https://`` address of the shop's own
            system; or ``sample``, the demo shop's orders.
        key_env: Name of the environment variable that holds the system's key; empty where it wants none.
        timeout: Seconds that a customer may wait for the system, with all tries.
    """

    orders: str = "none"
    key_env: str = ""
    timeout: float = 5.0


@dataclass(frozen=True)
class Store:
    """Where the answers' vectors are searched.

    Attributes:
        store: Empty: in each process, by FAISS. ``milvus://HOST:19530[/DATABASE]`` or ``milvus:FILE.db``: in Milvus
            (docs/explain/beyond-one-machine.md).
    """

    store: str = ""


@dataclass(frozen=True)
class Rephrase:
    """A language model that may word replies (`retrieval.rephrase`); none without ``url``.

    Attributes:
        url: Of an OpenAI-compatible server, up to ``/v1``.
        model: The name it knows the model by.
        key_env: Name of the environment variable that holds the key; empty for a server that wants none.
        timeout: Seconds that a reply may wait for it; then the reply goes out as it is.
        languages: In which it may word replies; empty: all.
    """

    url: str = ""
    model: str = ""
    key_env: str = ""
    timeout: float = 2.0
    languages: tuple[str, ...] = ()


@dataclass(frozen=True)
class WorkspaceSettings:
    """The whole of ``careline.toml``; an unknown key is refused."""

    shop: Shop = field(default_factory=Shop)
    web: Web = field(default_factory=Web)
    learn: Learn = field(default_factory=Learn)
    services: Services = field(default_factory=Services)
    bot: Bot = field(default_factory=Bot)
    handoff: Handoff = field(default_factory=Handoff)
    mail: Mail = field(default_factory=Mail)
    push: Push = field(default_factory=Push)
    index: Store = field(default_factory=Store)
    rephrase: Rephrase = field(default_factory=Rephrase)


@dataclass(frozen=True)
class Live:
    """Which artefacts serve: keys, switched together by one rename of ``var/live.json``."""

    dataset: str
    model: str
    index: str
    rasa: str


@dataclass(frozen=True)
class Workspace:
    """A folder with settings and artefacts.

    Attributes:
        root: The folder. ``var`` is made in it when something is first written.
        settings: From ``careline.toml``, or the defaults where there is none.
    """

    root: Path
    settings: WorkspaceSettings = field(default_factory=WorkspaceSettings)

    @property
    def var(self) -> Path:
        """Everything that can be deleted and learned again, and the conversations."""
        return self.root / "var"

    def folder(self, kind: str) -> Path:
        """Parent folder of all artefacts of a kind: ``datasets``, ``models``, ``indexes``, ``rasa``."""
        return self.var / {"dataset": "datasets", "model": "models", "index": "indexes", "rasa": "rasa"}[kind]

    def live(self) -> Live:
        """Keys of the artefacts that serve.

        Raises:
            InputError: Nothing has been learned here.
        """
        path = self.var / "live.json"
        try:
            return Live(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise InputError(
                str(self.root),
                got="nothing learned yet",
                expected="a learned bot (var/live.json)",
                next_step="Run `careline learn LOG` first.",
            ) from error
        except (ValueError, TypeError) as error:
            raise InputError(
                str(path),
                got=f"unreadable ({error})",
                expected="four keys",
                next_step="Run `careline learn` again.",
            ) from error

    def go_live(self, live: Live, *, instead_of: Live | None = None) -> bool:
        """Switches all four artefacts at once; running processes notice by polling the file.

        Args:
            live: What serves from now on.
            instead_of: Switch only while this serves, and else leave it as it is.

        Returns:
            Whether it was switched.
        """
        self.var.mkdir(parents=True, exist_ok=True)
        with (self.var / "live.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if instead_of is not None and self.live() != instead_of:
                return False
            write_atomic(self.var / "live.json", json.dumps(asdict(live), indent=2) + "\n")
        return True

    @property
    def proposals(self) -> Path:
        """Topics that a person accepts, merges or renames."""
        return self.var / "proposals.yml"

    @property
    def rules(self) -> Path | None:
        """The file of weak rules that the settings name."""
        return self.root / self.settings.learn.rules if self.settings.learn.rules else None

    @property
    def sources(self) -> Path:
        """Folder of the imported articles and catalogues (`data.articles.sources`)."""
        return self.var / "sources"

    @property
    def corrections(self) -> Path:
        """Folder of what agents corrected (`data.corrections`)."""
        return self.var / "corrections"

    @property
    def changes(self) -> Path:
        """What people changed about the answers (`retrieval.journal`)."""
        return self.var / "answers" / "changes.jsonl"

    @property
    def vectors(self) -> Path:
        """Folder of vectors by the content of their texts (`retrieval.vectors`)."""
        return self.var / "vectors"

    @property
    def approvals(self) -> Path:
        """What a person decided about answers (`data.approvals`)."""
        return self.var / "approvals.jsonl"

    def live_dataset(self) -> DatasetLayout:
        """The dataset that serves."""
        return DatasetLayout(self.folder("dataset") / self.live().dataset)

    def live_model(self) -> ModelLayout:
        """The model that serves."""
        return ModelLayout(self.folder("model") / self.live().model)

    def live_index(self) -> IndexLayout:
        """The index that serves."""
        return IndexLayout(self.folder("index") / self.live().index)

    def live_rasa(self) -> Path:
        """The Rasa model (``model.tar.gz``) that serves."""
        return self.folder("rasa") / self.live().rasa / "model.tar.gz"


def find_workspace(named: str | None = None, *, start: Path | None = None) -> Workspace:
    """Finds the workspace a command is meant for.

    In order: the one named (an option, or ``CARELINE_WORKSPACE``); the nearest folder upward from ``start`` with a
    ``careline.toml``; ``start`` itself if something was learned there; the demo's, if that exists and ``start`` is the
    project; ``start`` with default settings.

    Raises:
        InputError: The named folder does not exist, or its settings are wrong.
    """
    here = (start or Path.cwd()).resolve()
    if named:
        root = Path(named).expanduser().resolve()
        if not root.is_dir():
            raise InputError(
                f"workspace {named}",
                got="no such folder",
                expected="a folder made by `careline init`",
                next_step=f"Run `careline init {named}`.",
            )
        return Workspace(root, read_settings(root))
    for root in (here, *here.parents):
        if (root / SETTINGS).is_file():
            return Workspace(root, read_settings(root))
    if not (here / "var" / "live.json").exists() and here == PROJECT and (DEMO / SETTINGS).is_file():
        return Workspace(DEMO, read_settings(DEMO))
    return Workspace(here)


def read_settings(root: Path) -> WorkspaceSettings:
    """Reads ``careline.toml``; the defaults where there is none.

    Raises:
        InputError: Broken TOML, an unknown key, or a value of the wrong type.
    """
    path = root / SETTINGS
    if not path.is_file():
        return WorkspaceSettings()
    try:
        tables: dict[str, Any] = tomli.loads(path.read_text(encoding="utf-8"))
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            str(path), got=str(error), expected="valid TOML in UTF-8", next_step="Mend the file."
        ) from error
    sections = {f.name: type(getattr(WorkspaceSettings(), f.name)) for f in fields(WorkspaceSettings)}
    _refuse_unknown(path, tables, sections)
    settings = WorkspaceSettings(
        **{name: _section(path, name, sections[name], table) for name, table in tables.items()}
    )
    check_hours(settings.shop, thing=f"{path} [shop]")
    compile_patterns(settings.learn.redact, thing=f"{path} [learn] redact")
    return settings


def _refuse_unknown(path: Path, got: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    for key in got:
        if key not in known:
            raise InputError(
                str(path),
                got=f"unknown key {key!r}",
                expected=f"one of {', '.join(known)}",
                next_step="Mend the file.",
            )


def _section(path: Path, name: str, kind: type[Any], table: Any) -> Any:
    defaults = kind()
    if not isinstance(table, dict):
        raise InputError(str(path), got=f"{name} = {table!r}", expected=f"a table [{name}]", next_step="Mend the file.")
    _refuse_unknown(path, table, {f.name: None for f in fields(kind)})
    values: dict[str, Any] = {}
    for key, value in table.items():
        default = getattr(defaults, key)
        value = tuple(value) if isinstance(value, list) else value
        if type(value) is not type(default):
            raise InputError(
                f"{path} [{name}] {key}",
                got=repr(value),
                expected=f"a value like {default!r}",
                next_step="Mend the file.",
            )
        values[key] = value
    return kind(**values)


def write_settings(root: Path, settings: WorkspaceSettings) -> Path:
    """Writes ``careline.toml`` atomically and returns its path."""
    import tomli_w

    path = root / SETTINGS
    text = tomli_w.dumps(json.loads(json.dumps(asdict(settings))))
    write_atomic(path, text)
    return path
