"""`careline init`: makes a workspace for a shop from answers to a few questions, or from options."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from data.desk_settings import Bot
from data.errors import InputError
from data.workspace import SETTINGS, Shop, Web, WorkspaceSettings, write_settings

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

Ask = Callable[[str, str], str]
"""Asks a person: (question, default) -> answer."""


@dataclass(frozen=True)
class ShopAnswers:
    """What a shop has to say about itself; None means: not said yet."""

    name: str | None = None
    languages: str | None = None
    hours: str | None = None
    email: str | None = None
    origins: Sequence[str] | None = None


def make_workspace(folder: Path, answers: ShopAnswers, *, ask: Ask | None, force: bool = False) -> Path:
    """Writes ``careline.toml`` into a folder, which is made if it is not there.

    Args:
        folder: The workspace.
        answers: What is known from options.
        ask: Asks for what is not; None takes the defaults.
        force: Whether existing settings are replaced. What was learned is never touched.

    Returns:
        The settings file.

    Raises:
        InputError: The folder is a file or has settings, or an answer is not usable. Nothing is written then.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(str(folder), got="a file", expected="a folder", next_step="Name another folder.")
    if (folder / SETTINGS).exists() and not force:
        raise InputError(
            str(folder / SETTINGS),
            got="settings that exist",
            expected="a folder without",
            next_step="Edit the file, or replace it with --force.",
        )
    settings = _settings(_complete(answers, default_name=folder.resolve().name, ask=ask))
    folder.mkdir(parents=True, exist_ok=True)
    return write_settings(folder, settings)


def _complete(answers: ShopAnswers, *, default_name: str, ask: Ask | None) -> ShopAnswers:
    """Asks for what is missing, in the order in which a person thinks of it."""
    usual = Shop()
    questions = {
        "name": ("Name of the shop", default_name.replace("-", " ").replace("_", " ").title()),
        "languages": ("Languages your customers write, comma-separated", ",".join(usual.languages)),
        "hours": ("When people answer", usual.hours),
        "email": ("Address for hand-offs outside these hours (may be empty)", ""),
    }
    for key, (question, default) in questions.items():
        if getattr(answers, key) is None:
            answers = replace(answers, **{key: ask(question, default) if ask else default})
    if answers.origins is None:
        text = ask("Sites that will show the widget, such as https://shop.example (may be empty)", "") if ask else ""
        answers = replace(answers, origins=text.replace(",", " ").split())
    return answers


def _settings(answers: ShopAnswers) -> WorkspaceSettings:
    shop = Shop(
        name=_name(answers.name or ""),
        languages=_languages(answers.languages or ""),
        hours=(answers.hours or "").strip(),
        handoff_email=_email(answers.email or ""),
    )
    web = Web(origins=tuple(parse_origin(o) for o in answers.origins or ()))
    return WorkspaceSettings(shop=shop, web=web, bot=Bot(mode="suggest"))


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not 0 < len(name) <= 80:
        raise InputError("--name", got=repr(text[:80]), expected="1 to 80 characters", next_step="Name the shop.")
    return name


def _languages(text: str) -> tuple[str, ...]:
    languages = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not languages or not all(_LANGUAGE.fullmatch(language) for language in languages):
        raise InputError(
            "--languages", got=repr(text), expected="codes such as en,zh", next_step="Separate codes by commas."
        )
    return languages


def _email(text: str) -> str:
    text = text.strip()
    if text and not _EMAIL.fullmatch(text):
        raise InputError(
            "--email", got=repr(text), expected="an address such as help@shop.example", next_step="Fix it."
        )
    return text


def parse_origin(text: str) -> str:
    """An origin as browsers write it: scheme, host, port if not the usual one; no path.

    Raises:
        InputError: It is not an http or https address of a site.
    """
    parts = urlsplit(text.strip())
    try:
        port = parts.port
        name = (parts.hostname or "").encode("idna").decode("ascii") if ":" not in (parts.hostname or "") else ""
    except ValueError:  # a port that is none, or a name that no host can have
        port, name = -1, ""
    if parts.scheme not in ("http", "https") or not parts.hostname or port == -1 or parts.username:
        raise InputError(
            "--origin",
            got=repr(text),
            expected="a site such as https://shop.example",
            next_step="Give scheme and host only.",
        )
    usual = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else name
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != usual else "")
