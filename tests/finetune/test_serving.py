import pytest

from data.schema import Example
from finetune.serving import _is_asked


@pytest.mark.parametrize(
    ("context", "asked"),
    [
        ("where is it", True),
        ("customer: hi\nagent: hello\ncustomer: where is it", True),
        ("customer: where is it\nagent: One moment, please.", False),
        ("customer: where is it\nsystem: order found", True),
    ],
)
def test_thresholds_are_set_by_what_customers_ask(context: str, *, asked: bool) -> None:
    assert _is_asked(Example("c", 1, context, "a", "valid", "en")) is asked
