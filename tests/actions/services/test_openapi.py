"""The OpenAPI file that a shop implements: it is valid, and the reference shop answers as it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, get_args

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from actions.services.http import LONGEST, WORDS
from actions.services.orders import STATUSES, Item, Order, order_from, read_orders, row_of
from actions.services.tickets import TicketKind
from tests.actions.services.reference_shop import DOCUMENT, KEY, SAMPLE_ORDERS, ReferenceShop, check, served

SCHEMAS = DOCUMENT["components"]["schemas"]


@pytest.fixture(scope="module")
def described() -> Iterator[Any]:
    shop = ReferenceShop()
    with served(shop) as url:
        document = {**DOCUMENT, "servers": [{"url": url}]}
        loaded = schemathesis.openapi.from_dict(document)
        loaded.config.update(base_url=url)
        loaded.validate()
        yield loaded


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_the_reference_shop_is_asked_it_answers_as_described(case: schemathesis.Case) -> None:
    answer = case.call(headers={"Authorization": f"Bearer {KEY}"})
    assert answer.status_code < 500
    if answer.status_code not in (400, 404, 405):  # of Starlette itself, where the path is none
        case.validate_response(answer, checks=[schemathesis.checks.CHECKS.get_one("response_schema_conformance")])


def test_file_and_code_name_the_same_fields_states_and_limits() -> None:
    assert set(SCHEMAS["Order"]["properties"]) == {field.name for field in fields(Order)}
    assert set(SCHEMAS["Item"]["properties"]) == {field.name for field in fields(Item)}
    assert tuple(SCHEMAS["Order"]["properties"]["status"]["enum"]) == STATUSES
    assert tuple(SCHEMAS["Ticket"]["properties"]["kind"]["enum"]) == get_args(TicketKind)
    for name, most in (("Return", WORDS), ("Address", WORDS), ("Ticket", 2 * WORDS)):
        (limit,) = (
            p["maxLength"] for n, p in SCHEMAS[name]["properties"].items() if n in ("reason", "address", "text")
        )
        assert limit == most
    assert SCHEMAS["Registered"]["properties"]["reference"]["maxLength"] == LONGEST


def test_every_sample_order_is_one_of_the_file_and_comes_back_as_it_was() -> None:
    for order in read_orders(SAMPLE_ORDERS):
        check("Order", row_of(order))
        assert order_from(row_of(order)) == order


def test_the_examples_of_the_file_are_valid() -> None:
    for name, row in SCHEMAS.items():
        if "example" in row:
            check(name, row["example"])


def test_without_the_key_nothing_is_told() -> None:
    with served(ReferenceShop()) as url:
        assert httpx.get(f"{url}/orders/NT-104021").status_code == 401


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ([], "no JSON object"),
        ({"email": "a", "status": "shipped"}, "number"),
        ({"number": 5, "email": "a", "status": "shipped"}, "number"),
        ({"number": "1", "email": "a", "status": "lost"}, "status 'lost'"),
        ({"number": "1", "email": "a", "status": "shipped", "items": "tent"}, "items"),
        ({"number": "1", "email": "a", "status": "shipped", "items": ["tent"]}, "item"),
        ({"number": "1", "email": "a", "status": "shipped", "items": [{"name": "x", "quantity": 0}]}, "quantity"),
        ({"number": "1", "email": "a", "status": "shipped", "carrier": 5}, "carrier"),
        ({"number": "1", "email": "a", "status": "shipped", "expected": "tomorrow"}, "expected"),
    ],
)
def test_what_the_file_forbids_is_no_order(row: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        order_from(row)
