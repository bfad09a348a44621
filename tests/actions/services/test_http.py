"""A shop's system that fails on purpose: what is registered once stays once, and what is not known is not said."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from actions.services.client import TRIES, ServiceClient
from actions.services.errors import ServiceDown, ServiceRefused
from actions.services.http import HttpShop
from actions.services.orders import EXAMPLE, Item, Order
from tests.actions.services.reference_shop import KEY, ReferenceShop, certificate, served
from tests.conftest import free_port


@pytest.fixture
def reference() -> Iterator[tuple[ReferenceShop, str]]:
    shop = ReferenceShop()
    with served(shop) as url:
        yield shop, url


@pytest.fixture
def behind(reference: tuple[ReferenceShop, str]) -> ReferenceShop:
    return reference[0]


@pytest.fixture
async def shop(reference: tuple[ReferenceShop, str]) -> AsyncIterator[HttpShop]:
    client = ServiceClient(reference[1], key=KEY, timeout=3.0)
    yield HttpShop(client)
    await client.close()


async def found(shop: HttpShop, number: str = "NT-104035") -> Order:
    order = await shop.find(number)
    assert order is not None
    return order


async def test_an_order_is_read_with_all_that_it_has(shop: HttpShop) -> None:
    order = await found(shop, "NT-104021")
    assert (order.number, order.status, order.carrier) == ("NT-104021", "shipped", "Veloce")
    assert order.items == (Item("Cairn 28 daypack", "石堆28升日用背包"),)
    assert order.expected is not None


@pytest.mark.parametrize("written", ["nt 104021", "#NT-104021", "104021", "NT/104021", "?NT-104021", "NT-104021 "])
async def test_a_number_arrives_as_it_was_typed(shop: HttpShop, written: str) -> None:
    assert (await found(shop, written)).number == "NT-104021"


@pytest.mark.parametrize("number", ["NT-999999", "", "   ", "9" * 65, "../shop", "..", "Tisch"])
async def test_an_unknown_number_is_none(shop: HttpShop, number: str) -> None:
    assert await shop.find(number) is None


@pytest.mark.parametrize("fault", ["500", "429", "cut", "garbage", "list", "huge"])
async def test_a_bad_answer_is_asked_for_again_and_the_return_is_registered_once(
    shop: HttpShop, behind: ReferenceShop, fault: str
) -> None:
    order, key = await found(shop), str(uuid4())
    behind.faults.extend([fault, fault])
    reference = await shop.register_return(order, "too small", key=key)
    assert [asked for asked in behind.asked if asked[0] == "POST"] == [("POST", key)] * 3
    assert behind.works == [("/orders/NT-104035/returns", key, {"reason": "too small"})]
    assert behind.registered == {key: reference}


async def test_a_late_answer_is_asked_for_again_and_the_return_is_registered_once(
    shop: HttpShop, behind: ReferenceShop
) -> None:
    order, key = await found(shop), str(uuid4())
    behind.faults.append("slow")
    assert await shop.register_return(order, "too small", key=key) == behind.registered[key]
    assert len(behind.works) == 1


async def test_an_answer_that_comes_twice_is_one_answer(shop: HttpShop, behind: ReferenceShop) -> None:
    behind.faults.append("twice")
    order = await found(shop)
    assert (await found(shop, "NT-104021")).number == "NT-104021", "the second copy must not answer the next question"
    assert await shop.register_return(order, "too small", key=str(uuid4())) == "R-1"


async def test_whatever_is_registered_is_as_the_file_says(shop: HttpShop, behind: ReferenceShop) -> None:
    order = await found(shop)
    told = [
        await shop.register_return(order, "坏了" * 2000, key=str(uuid4())),
        await shop.change_address(order, "1 New Street, Leeds", key=str(uuid4())),
        await shop.open("complaint", "x" * 10_000, "ada@example.com", key=str(uuid4())),
        await shop.open("message", "Call me.", "", key=str(uuid4())),
    ]
    assert told == ["R-1", "A-2", "T-3", "T-4"]
    assert [path for path, _, _ in behind.works][1:3] == ["/orders/NT-104035/address", "/tickets"]


async def test_no_answer_in_time_is_down_and_the_customer_does_not_wait_longer(
    reference: tuple[ReferenceShop, str],
) -> None:
    behind, url = reference
    client = ServiceClient(url, key=KEY, timeout=0.6)
    shop = HttpShop(client)
    behind.faults.extend(["slow"] * 9)
    order, began = Order("NT-104035", "", "delivered"), time.monotonic()
    with pytest.raises(ServiceDown, match="no answer in") as down:
        await shop.register_return(order, "too small", key=str(uuid4()))
    assert time.monotonic() - began < 2.0
    assert down.value.unsure, "it was registered: nobody may say that it was not"
    assert len(behind.works) == 1
    with pytest.raises(ServiceDown) as down:
        await shop.find("NT-104035")
    assert not down.value.unsure
    await client.close()


async def test_two_requests_overlap(shop: HttpShop, behind: ReferenceShop) -> None:
    """Neither is answered before the service has both: an action that blocked the loop would wait for ever."""
    behind.faults.extend(["slow", "slow"])
    both = asyncio.gather(shop.find("NT-104021"), shop.find("NT-104035"))
    while behind.waiting < 2:
        assert not both.done()
        await asyncio.sleep(0.01)
    behind.loop.call_soon_threadsafe(behind.released.set)
    first, second = await both
    assert first is not None
    assert second is not None
    assert behind.most_waiting == 2


async def test_after_three_tries_it_is_down(shop: HttpShop, behind: ReferenceShop) -> None:
    behind.faults.extend(["500"] * 9)
    with pytest.raises(ServiceDown, match="GET /orders/NUMBER: status 500"):
        await shop.find("NT-104035")
    assert len(behind.asked) == TRIES


@pytest.mark.parametrize("fault", ["moved", "html404", "empty"])
async def test_what_is_not_the_service_is_down_and_never_no_such_order(
    shop: HttpShop, behind: ReferenceShop, fault: str
) -> None:
    behind.faults.append(fault)
    with pytest.raises(ServiceDown):
        await shop.find("NT-104035")
    assert len(behind.asked) == 1, "asking again would change nothing"


async def test_an_answer_without_a_reference_may_have_been_registered(shop: HttpShop, behind: ReferenceShop) -> None:
    behind.faults.append("empty")
    with pytest.raises(ServiceDown) as down:
        await shop.open("message", "Hello", "", key=str(uuid4()))
    assert down.value.unsure


async def test_a_refusal_is_one_and_is_not_tried_again(shop: HttpShop, behind: ReferenceShop) -> None:
    order = await found(shop)
    behind.faults.append("409")
    with pytest.raises(ServiceRefused, match="our rules"):
        await shop.register_return(order, "too small", key=str(uuid4()))
    with pytest.raises(ServiceRefused, match="no such order"):
        await shop.register_return(Order("NT-1", "", "delivered"), "too small", key=str(uuid4()))
    assert len(behind.asked) == 3


async def test_a_look_up_that_is_refused_is_a_service_that_does_not_work(shop: HttpShop, behind: ReferenceShop) -> None:
    behind.faults.append("409")
    with pytest.raises(ServiceDown, match="409"):
        await shop.find("NT-104035")


async def test_a_wrong_key_is_told_to_the_operator_without_the_key(reference: tuple[ReferenceShop, str]) -> None:
    behind, url = reference
    client = ServiceClient(url, key="a-wrong-secret")
    with pytest.raises(ServiceDown, match=r"401.*key_env") as down:
        await HttpShop(client).find("NT-104021")
    assert "a-wrong-secret" not in f"{down.value!r} {down.value.__cause__!r} {client!r} {vars(down.value)}"
    assert len(behind.asked) == 1
    await client.close()


async def test_nothing_that_was_never_sent_is_called_unsure() -> None:
    client = ServiceClient(f"http://127.0.0.1:{free_port()}", timeout=1.0)
    with pytest.raises(ServiceDown, match="ConnectError") as down:
        await HttpShop(client).open("message", "Hello", "", key=str(uuid4()))
    assert not down.value.unsure
    await client.close()


async def test_a_certificate_that_nobody_signed_is_refused(tmp_path: Path) -> None:
    behind = ReferenceShop()
    with served(behind, **certificate(tmp_path)) as url:
        client = ServiceClient(url, key=KEY, timeout=2.0)
        with pytest.raises(ServiceDown, match="ConnectError"):
            await HttpShop(client).find("NT-104021")
        await client.close()
    assert behind.asked == [], "the key must not have been sent"


async def test_a_service_that_starts_again_is_found_again(reference: tuple[ReferenceShop, str]) -> None:
    port = free_port()
    client = ServiceClient(f"http://127.0.0.1:{port}", key=KEY, timeout=2.0)
    shop = HttpShop(client)
    for _ in range(2):  # the second time, the connection in the pool is a dead one
        with served(ReferenceShop(), port=port):
            assert (await found(shop)).number == "NT-104035"
    await client.close()


async def test_it_says_what_its_numbers_look_like_and_a_dead_one_is_no_reason_to_stop(shop: HttpShop) -> None:
    assert await shop.example() == "NT-000000"
    dead = ServiceClient(f"http://127.0.0.1:{free_port()}", timeout=0.5)
    assert await HttpShop(dead).example() == EXAMPLE
    await dead.close()


async def test_a_service_that_fails_again_and_again_is_left_alone_and_then_asked_once(
    reference: tuple[ReferenceShop, str],
) -> None:
    from actions.services.breaker import FAILURES, REST_SECONDS, Breaker, Circuit

    behind, url = reference
    now = [0.0]
    breaker = Breaker(clock=lambda: now[0])
    client = ServiceClient(url, key=KEY, timeout=3.0, breaker=breaker)
    shop = HttpShop(client)
    behind.faults.extend(["garbage"] * TRIES * FAILURES)
    for _ in range(FAILURES):
        with pytest.raises(ServiceDown, match="no JSON"):
            await shop.find("NT-104021")
    assert breaker.state is Circuit.OPEN
    asked = len(behind.asked)
    with pytest.raises(ServiceDown, match="not asked for now") as down:
        await shop.register_return(Order("NT-104035", "", "delivered"), "x", key=str(uuid4()))
    assert len(behind.asked) == asked
    assert not down.value.unsure
    now[0] += REST_SECONDS
    assert (await found(shop)).number == "NT-104035"
    assert breaker.state is Circuit.CLOSED
    await client.close()
