"""Reads untrusted JSON frames into frozen dataclasses and writes them back: types exact, lengths limited."""

from __future__ import annotations

import json
import types
from dataclasses import MISSING, asdict, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

MAX_TEXT = 4_000
"""Characters of one message; a customer's essay fits, a pasted log file does not."""

MAX_FRAME = 16 * 1024
"""Bytes of one frame: ``MAX_TEXT`` in Chinese takes 12 kB of UTF-8."""

MAX_ID = 80
"""Characters of ids and names that clients choose."""

ErrorCode = Literal[
    "bad_message", "too_long", "too_fast", "foreign", "unavailable", "closed", "refused", "identity", "reused", "busy"
]
"""``foreign``: the conversation named is not this client's, a fresh one follows. ``unavailable``: try again soon.
``identity``: the customer's sign-in is over or not the shop's; the conversation goes on as a stranger's.
``reused``: the client id has another text. ``busy``: too much waits for an answer; send it again later."""

_LONGEST = {"text": MAX_TEXT, "page": 500, "identity": 2_000}
"""Characters of fields that may be longer than ``MAX_ID``."""

_T = TypeVar("_T")
_HINTS: dict[Any, dict[str, Any]] = {}


class WireError(ValueError):
    """A frame that is not one of the messages expected; ``code`` goes back to the client."""

    def __init__(self, code: ErrorCode, message: str, *, client_id: str | None = None) -> None:
        self.code, self.message, self.client_id = code, message, client_id
        super().__init__(message)


def encode(message: object) -> str:
    """Writes a message as one line of JSON; fields that are None or empty tuples are kept, so that types are total."""
    assert is_dataclass(message)
    assert not isinstance(message, type)
    return json.dumps(asdict(message), ensure_ascii=False, separators=(",", ":"))


def parse(frame: str, union: Any) -> Any:
    """Reads a frame as one of the dataclasses of a union, told apart by ``type``.

    Raises:
        WireError: Too large, not JSON, not a known message, a field missing, unknown, too long or of another type.
    """
    if len(frame.encode("utf-8", "surrogatepass")) > MAX_FRAME:
        raise WireError("too_long", f"A frame may have {MAX_FRAME} bytes.")
    try:
        row = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise WireError("bad_message", "The frame is not JSON.") from error
    if not isinstance(row, dict):
        raise WireError("bad_message", "The frame is not a JSON object.")
    kinds = {get_args(hints(kind)["type"])[0]: kind for kind in get_args(union)}
    kind = kinds.get(row["type"]) if isinstance(row.get("type"), str) else None
    client_id = _echoed(row.get("client_id"))
    if kind is None:
        raise WireError("bad_message", f"Unknown type; expected one of {', '.join(kinds)}.", client_id=client_id)
    return read(kind, row, client_id=client_id)


def read(kind: type[_T], row: dict[str, Any], *, client_id: str | None = None) -> _T:
    """Builds a flat wire dataclass from untrusted JSON; types are compared exactly, lengths limited.

    Raises:
        WireError: A field is missing, unknown, too long or of another type.
    """
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    for name in row:
        if name not in known:
            raise WireError("bad_message", f"Unknown field {name[:MAX_ID]!r}.", client_id=client_id)
    for name, field in known.items():
        if name not in row and field.default is MISSING:
            raise WireError("bad_message", f"Field {name!r} is missing.", client_id=client_id)
        if name in row:
            _check(name, row[name], hints(kind)[name], client_id)
    return kind(**row)


def _check(name: str, value: object, hint: Any, client_id: str | None) -> None:
    allowed = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    literals = [word for kind in allowed if get_origin(kind) is Literal for word in get_args(kind)]
    if value not in literals and type(value) not in allowed:
        raise WireError("bad_message", f"Field {name!r} has a wrong type.", client_id=client_id)
    if isinstance(value, int) and not 0 <= value < 2**53:
        raise WireError("bad_message", f"Field {name!r} is out of range.", client_id=client_id)
    if isinstance(value, str):
        limit = _LONGEST.get(name, MAX_ID)
        if len(value) > limit:
            raise WireError("too_long", f"Field {name!r} may have {limit} characters.", client_id=client_id)
        if broken(value):
            raise WireError("bad_message", f"Field {name!r} is not valid Unicode.", client_id=client_id)


def broken(text: str) -> bool:
    """Whether a text cannot be written as UTF-8: JSON's escapes may name halves of characters."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _echoed(client_id: object) -> str | None:
    """A client's id as a refusal may repeat it; None for what could not be one."""
    return client_id if isinstance(client_id, str) and len(client_id) <= MAX_ID and not broken(client_id) else None


def hints(kind: Any) -> dict[str, Any]:
    """The resolved field types of a wire dataclass; kept, since resolving them costs more than parsing a frame."""
    if kind not in _HINTS:
        _HINTS[kind] = get_type_hints(kind)
    return _HINTS[kind]
