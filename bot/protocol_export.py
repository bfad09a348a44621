"""Prints the wire of `bot.protocol` as JSON Schema or TypeScript: one walk over the dataclasses, two writers."""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Iterable
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin

from bot import protocol, protocol_parts
from bot.wire import ErrorCode, hints

_MODULES = (protocol.__name__, protocol_parts.__name__)

_ALIASES = {
    "State": protocol.State,
    "EntryKind": protocol.EntryKind,
    "Rating": protocol.Rating,
    "Reason": protocol.Reason,
    "ErrorCode": ErrorCode,
}
_PLAIN = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}
_PLAIN_SCHEMA = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
_HERE = "#/$defs/"
_CONSTANTS = ("MAX_TEXT", "MAX_FRAME")


def wire_classes() -> dict[str, type[Any]]:
    """Every dataclass of the wire by name, in the order of the source."""
    return {
        name: kind
        for name, kind in vars(protocol).items()
        if inspect.isclass(kind) and is_dataclass(kind) and kind.__module__ in _MODULES
    }


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) with a definition for each class and for each socket's unions."""
    definitions = definitions_of(wire_classes().values(), prefix=_HERE)
    for name, union in protocol.UNIONS.items():
        definitions[name] = {"oneOf": [_schema(kind) for kind in get_args(union)]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Careline wire", "$defs": definitions}


def definitions_of(kinds: Iterable[type[Any]], *, prefix: str) -> dict[str, Any]:
    """A JSON Schema for each dataclass, by its name.

    Args:
        kinds: Dataclasses of the wire.
        prefix: Of references from one to another.
    """
    made = {}
    for kind in kinds:
        found = hints(kind)
        made[kind.__name__] = {
            "type": "object",
            "description": _summary(kind),
            "properties": {f.name: _schema(found[f.name], prefix) for f in fields(kind)},
            "required": [f.name for f in fields(kind) if f.default is MISSING or f.name == "type"],
            "additionalProperties": False,
        }
    return made


def _schema(hint: Any, prefix: str = _HERE) -> dict[str, Any]:
    if is_dataclass(hint):
        return {"$ref": f"{prefix}{_name(hint)}"}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(argument, prefix) for argument in arguments]}
    if origin is tuple:
        return {"type": "array", "items": _schema(arguments[0], prefix)}
    return {"type": _PLAIN_SCHEMA[hint]}


def typescript() -> str:
    """The types of the wire as a TypeScript module.

    Fields with a default are optional in what clients send; in what the server sends every field is present.
    """
    sent = {kind.__name__ for name in ("ClientMessage", "ConsoleRequest") for kind in get_args(protocol.UNIONS[name])}
    parts = ["// Made from bot/protocol.py by `python -m bot.protocol --typescript`; do not edit.\n"]
    parts += [f"export const {name} = {getattr(protocol, name)};" for name in _CONSTANTS]
    parts.append("")
    parts += [f"export type {name} = {_literal(alias)};" for name, alias in _ALIASES.items()]
    for name, kind in wire_classes().items():
        parts.append(_interface(name, kind, optional=name in sent))
    parts.append("")
    for name, union in protocol.UNIONS.items():
        parts.append(f"export type {name} = {' | '.join(kind.__name__ for kind in get_args(union))};")
    return "\n".join(parts) + "\n"


def _interface(name: str, kind: type[Any], *, optional: bool) -> str:
    found = hints(kind)
    rows = [f"\n/** {_summary(kind)} */", f"export interface {name} {{"]
    for field in fields(kind):
        mark = "?" if optional and field.default is not MISSING and field.name != "type" else ""
        rows.append(f"  {field.name}{mark}: {_type(found[field.name])};")
    return "\n".join([*rows, "}"])


def _type(hint: Any) -> str:
    for name, alias in _ALIASES.items():
        if hint == alias:
            return name
    if is_dataclass(hint):
        return _name(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _literal(hint)
    if origin in (Union, types.UnionType):
        return _union(arguments)
    if origin is tuple:
        inner = _type(arguments[0])
        return f"{inner}[]" if inner.isidentifier() else f"({inner})[]"
    return _PLAIN[hint]


def _union(arguments: tuple[Any, ...]) -> str:
    words = tuple(argument for argument in arguments if get_origin(argument) is not Literal)
    literals = tuple(word for argument in arguments if get_origin(argument) is Literal for word in get_args(argument))
    named = [name for name, alias in _ALIASES.items() if literals and get_args(alias) == literals]
    parts = named or [json.dumps(word) for word in literals]
    return " | ".join(parts + [_type(word) for word in words])


def _name(kind: Any) -> str:
    return str(kind.__name__)


def _literal(alias: Any) -> str:
    return " | ".join(json.dumps(word) for word in get_args(alias))


def _summary(kind: type[Any]) -> str:
    return (inspect.getdoc(kind) or "").splitlines()[0]


def main(arguments: list[str]) -> int:
    """``python -m bot.protocol [--typescript]``."""
    if arguments not in ([], ["--typescript"]):
        raise SystemExit("usage: python -m bot.protocol [--typescript]")
    print(typescript() if arguments else json.dumps(json_schema(), indent=2), end="" if arguments else "\n")
    return 0
