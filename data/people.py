"""Marks of people: keyed hashes by which rows are found again without saying whose they are.

A workspace has one secret key (``var/redaction.key``). With it, the same value gives the same mark in every run, so
that "forget this person" finds each conversation that a person's mail, number or name stood in. Without it, a mark
says nothing: phone numbers are few enough to try them all against a hash that has no key.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from data.errors import InputError
from data.patterns import find_structured
from data.schema import Conversation

KEY_FILE = "redaction.key"
KEY_BYTES = 32
MARK_BYTES = 8
"""64 bits: among ten million marked values, two share a mark with a chance of 1 in 370,000."""

PERSONAL = frozenset(("EMAIL", "PHONE", "CUSTOMER", "NAME", "ID", "CARD", "IBAN", "PRIVATE"))
"""Kinds that point to one person. A URL, an order or a town does not."""


def mark(key: bytes, kind: str, value: str) -> str:
    """The mark of a canonical value: 16 hexadecimal digits of keyed BLAKE2b (RFC 7693, section 2.9).

    A name's mark begins with ``n``, as the leak check must tell it from what belongs to one person only.
    """
    return ("n" if kind == "NAME" else "") + hashlib.blake2b(
        f"{kind}:{value}".encode(), key=key, digest_size=MARK_BYTES
    ).hexdigest()


def workspace_key(var: Path) -> bytes:
    """The workspace's secret key, made at the first call and readable by its owner only.

    Args:
        var: The workspace's ``var`` folder.

    Raises:
        InputError: The file is there but holds no key.
    """
    path = var / KEY_FILE
    if not path.exists():
        _make_key(path)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise InputError(
            str(path),
            got=f"{len(key)} bytes",
            expected=f"a key of {KEY_BYTES} bytes",
            next_step="Restore the file from a backup; without it nobody can be found again in older datasets.",
        )
    return key


def _make_key(path: Path) -> None:
    """Written beside its place and linked there, so that two processes starting at once end with one key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(6)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(secrets.token_bytes(KEY_BYTES))
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first; its key is the key
    finally:
        draft.unlink()


def person_marks(value: str, key: bytes) -> frozenset[str]:
    """Marks that a person's value may have left: a mail address, a phone number, a customer number or a full name.

    Args:
        value: As a person writes it: ``Anna Berg``, ``+44 7700 900175``.
        key: From `workspace_key`.
    """
    plain = " ".join(value.split())
    found = {(span.kind, span.value) for span in find_structured(plain)}
    digits = "".join(c for c in plain if c.isdigit())
    if len(digits) >= 7:
        found |= {("PHONE", digits[-9:]), ("PHONE", digits[-11:])}  # Chinese numbers are kept whole
    compact = "".join(c for c in plain if c.isalnum()).upper()
    found |= {("CUSTOMER", compact), ("NAME", plain.lower())}
    return frozenset(mark(key, kind, canonical) for kind, canonical in found)


def find_person(rows: Iterable[Conversation], value: str, key: bytes) -> Iterator[str]:
    """Yields the ids of the conversations that a person's value stood in.

    Args:
        rows: Of a dataset: ``read_rows(layout.conversations, Conversation)``.
        value: A mail address, a phone number, a customer number or a full name.
        key: From `workspace_key`; the one the dataset was made with.
    """
    wanted = person_marks(value, key)
    for conversation in rows:
        if not wanted.isdisjoint(conversation.people):
            yield conversation.id
