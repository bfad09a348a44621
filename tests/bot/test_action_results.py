from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.rasa

RESULTS: list[Any] = [
    {"events": [], "responses": []},
    {"events": [{"event": "slot", "name": "a", "value": 1, "timestamp": None}], "responses": [{"text": "hi"}]},
    {"events": [{"event": "pause"}, {"event": "session_started"}]},
    {},
    {"events": [{"name": "no event"}]},
    {"events": [], "responses": ["text"]},
    [],
    "text",
]


@pytest.mark.parametrize("result", RESULTS, ids=str)
def test_the_verdict_is_rasas_own(result: Any) -> None:
    import jsonschema
    from rasa.core.actions.action import RemoteAction

    from bot.action_results import _validate

    action = RemoteAction("any", None)
    schema = action.action_response_format_spec()
    errors = list(jsonschema.validators.validator_for(schema)(schema).iter_errors(result))
    if errors:
        with pytest.raises(jsonschema.ValidationError):
            _validate(action, result)
    else:
        assert _validate(action, result) is True
