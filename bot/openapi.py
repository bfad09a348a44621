"""The REST API as an OpenAPI 3.1 document: bodies from the dataclasses of the wire, one row for each operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot import rest_protocol
from bot.protocol_export import definitions_of, wire_classes
from bot.wire import MAX_ID, MAX_TEXT

VERSION = "1.0.0"
"""Grows with what is added; what would break a caller gets a new path."""


@dataclass(frozen=True)
class Operation:
    """One operation.

    Attributes:
        method: In lower case.
        path: Below ``/api/v1``.
        name: Of the operation, for generated clients.
        summary: One line.
        body: What is sent, or None.
        status: When all is well.
        answer: What comes back then.
        failures: Statuses beside those that every operation may have.
        query: Name, type, largest value and meaning of each query parameter.
    """

    method: str
    path: str
    name: str
    summary: str
    body: type[Any] | None
    status: int
    answer: type[Any]
    failures: tuple[int, ...] = ()
    query: tuple[tuple[str, str, float, str], ...] = ()


_ONE = "/conversations/{conversation}"
_STORED = (401, 404, 409, 413, 422)

OPERATIONS = (
    Operation(
        "post", "/conversations", "begin", "Begins a conversation.",
        rest_protocol.Begin, 201, rest_protocol.Begun, (413, 422),
    ),
    Operation(
        "post", f"{_ONE}/messages", "say", "Stores a customer's message; the bot or a person answers it.",
        rest_protocol.Say, 202, rest_protocol.Stored, _STORED,
    ),
    Operation(
        "post", f"{_ONE}/choices", "choose", "Presses a button of an entry.",
        rest_protocol.Choose, 202, rest_protocol.Stored, _STORED,
    ),
    Operation(
        "post", f"{_ONE}/person", "ask_person", "Asks for a person.",
        rest_protocol.AskPerson, 202, rest_protocol.Stored, _STORED,
    ),
    Operation(
        "post", f"{_ONE}/feedback", "rate", "Says whether an answer helped, or how the conversation was.",
        rest_protocol.Feedback, 202, rest_protocol.Stored, _STORED,
    ),
    Operation(
        "get", f"{_ONE}/entries", "entries", "What was said after an entry, in order; waits for the next if asked to.",
        None, 200, rest_protocol.Page, (401, 404, 422),
        (
            ("after", "integer", 2**53 - 1, "`next` of the last page; 0 for all."),
            ("wait", "number", 25, "Seconds to wait for the first entry."),
        ),
    ),
)  # fmt: skip

_LENGTHS = {"client_id": (1, MAX_ID), "button": (1, MAX_ID), "text": (1, MAX_TEXT), "channel": (1, 32)}
"""Least and most characters of what callers send."""

_PATTERNS = {"channel": rest_protocol.CHANNEL, "text": r"[^\s\u001c-\u001f\u0085]"}
_ID = "^[A-Za-z0-9_-]{1,200}$"

_MEANING = {
    401: "No token, or not that of the conversation; of one that does not exist, the same is said.",
    403: "A browser's page on a site that `web.origins` does not name.",
    404: "There is no such address.",
    409: "It cannot be done in this state, or there is no such choice.",
    413: "The body is too long.",
    422: "The request is not as described here.",
    429: "Too many at once; come back after `Retry-After` seconds.",
    503: "The conversations are not reachable; send it again with the same `client_id`.",
}


def document() -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    kinds = [*_classes(rest_protocol), *wire_classes().values()]
    schemas = definitions_of(kinds, prefix="#/components/schemas/")
    for kind in (operation.body for operation in OPERATIONS if operation.body is not None):
        for name, schema in schemas[kind.__name__]["properties"].items():
            if schema.get("type") == "string":
                least, most = _LENGTHS.get(name, (0, MAX_ID))
                schema |= {"minLength": least, "maxLength": most}
            if schema.get("type") == "integer":
                schema |= {"minimum": 0, "maximum": 2**53 - 1}
            if name in _PATTERNS:
                schema["pattern"] = _PATTERNS[name]
    used = _used(paths, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Careline conversations",
            "version": VERSION,
            "description": (
                "Puts a shop's conversations behind its own app, e-mail or messenger. Nothing is acknowledged before "
                "it is stored; a resend under the same `client_id` changes nothing."
            ),
        },
        "servers": [{"url": "/api/v1"}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {name: schema for name, schema in schemas.items() if name in used},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    out: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary}
    parameters = [_parameter(*row) for row in operation.query]
    if "{" in operation.path:
        out["security"] = [{"token": []}]
        parameters.insert(
            0, {"name": "conversation", "in": "path", "required": True, "schema": {"type": "string", "pattern": _ID}}
        )
    if parameters:
        out["parameters"] = parameters
    if operation.body is not None:
        out["requestBody"] = {"required": True, "content": _content(operation.body)}
    good = {"description": (operation.answer.__doc__ or "").splitlines()[0], "content": _content(operation.answer)}
    bad = {
        str(status): {"description": _MEANING[status], "content": _content(rest_protocol.Failure)}
        for status in sorted({*operation.failures, 403, 429, 503})
    }
    return out | {"responses": {str(operation.status): good} | bad}


def _parameter(name: str, kind: str, most: float, meaning: str) -> dict[str, Any]:
    schema = {"type": kind, "minimum": 0, "maximum": most, "default": 0}
    return {"name": name, "in": "query", "description": meaning, "schema": schema}


def _content(kind: type[Any]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{kind.__name__}"}}}


def _classes(module: Any) -> list[type[Any]]:
    return [kind for kind in vars(module).values() if isinstance(kind, type) and kind.__module__ == module.__name__]


def _used(paths: Any, schemas: dict[str, Any]) -> set[str]:
    """Names of the schemas that the paths reach."""
    found: set[str] = set()
    waiting = [paths]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if "$ref" in one and (name := str(one["$ref"]).rpartition("/")[2]) not in found:
                found.add(name)
                waiting.append(schemas[name])
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return found
