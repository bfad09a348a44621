"""Rasa's check of what actions answer, without the check of the check.

Rasa 3.6 compares each answer of the action server with a JSON Schema that never changes, by ``jsonschema.validate``,
which first proves the schema itself valid: 43 ms of CPU a call on the machine where this was found, three times what
the rest of a turn costs. Here the schema is proved once, by the same library, and the verdicts stay the same.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any


def prove_schema_once() -> None:
    """Has every ``RemoteAction`` of this process use the validator made once. Calling it again changes nothing."""
    from rasa.core.actions.action import RemoteAction

    RemoteAction._validate_action_result = _validate


def _validate(action: Any, result: dict[str, Any]) -> bool:
    """See ``RemoteAction._validate_action_result``.

    Raises:
        jsonschema.ValidationError: The action server answered in another format.
    """
    _validator().validate(result)
    return True


@lru_cache(maxsize=1)
def _validator() -> Any:
    from jsonschema.validators import validator_for  # type: ignore[import-untyped]
    from rasa.core.actions.action import RemoteAction

    schema = RemoteAction.action_response_format_spec()
    kind = validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)
