from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from partnero_async import (
    AmbiguousWriteError,
    NotFoundError,
    Partnero,
    UsageError,
)
from partnero_async.models.customers import NewCustomer
from partnero_async.sandbox import Sandbox
from tests.scripted import HANG, LOST, Play, Reply, async_only, data, page

DAY = datetime(2026, 3, 2, 18, 40, tzinfo=UTC)
SALE = {"key": "s1", "amount": 149.5, "customer": "c1", "rewards": []}


@pytest.fixture
async def shop(client: Partnero) -> Partnero:
    """Sell something for 149.50."""
    await client.partners.create(email="ada@example.com", key="ada")
    await client.customers.create("c1", partner={"key": "ada"})
    await client.transactions.create(
        key="s1",
        amount=Decimal("149.50"),
        action="sale",
        customer={"key": "c1"},
        product_id="cabin-42",
        product_type="weekend",
        created_at=DAY,
    )
    return client


async def refund(client: Partnero, amount: Any = Decimal("49.50")) -> Any:
    return await client.transactions.partial_refund(
        "s1", amount=amount, delete_and_create_again=True
    )


async def test_partial_refund_leaves_the_rest(shop: Partnero) -> None:
    """What is left is one sale as it was, with its smaller commission."""
    await refund(shop)
    (sale,) = await shop.transactions.list(key="s1").collect()
    assert (sale.amount, sale.action, sale.created_at) == (Decimal(100), "sale", DAY)
    assert sale.rewards is not None
    assert [reward.amount for reward in sale.rewards] == [Decimal(10)]
    assert sale.rewards[0].product_type_data == {
        "product_id": "cabin-42",
        "product_type": "weekend",
    }


async def test_partial_refund_is_asked_for_by_name(shop: Partnero) -> None:
    """Two writes of which one may happen alone are nobody's default."""
    before = shop.stats.requests
    with pytest.raises(UsageError, match="delete_and_create_again=True"):
        await shop.transactions.partial_refund("s1", amount=1)
    assert shop.stats.requests == before


@pytest.mark.parametrize("amount", [0, -1, 149.5, Decimal("149.51")])
async def test_refund_of_nothing_or_all_is_refused(shop: Partnero, amount: Any) -> None:
    """What is left is a sale, and smaller than it was."""
    with pytest.raises(UsageError, match=r"between 0 and 149\.5"):
        await refund(shop, amount)
    assert len(await shop.transactions.list(key="s1").collect()) == 1


async def test_refund_of_an_unclear_sale_is_refused(shop: Partnero) -> None:
    """Several of the key, an archived one, or none: nothing is deleted."""
    await shop.transactions.archive("s1")
    with pytest.raises(UsageError, match="archived"):
        await refund(shop)
    await shop.transactions.create(key="s1", amount=1, customer={"key": "c1"})
    with pytest.raises(UsageError, match="2 sales"):
        await refund(shop)
    with pytest.raises(NotFoundError, match="no sale"):
        await shop.transactions.partial_refund(
            "s2", amount=1, delete_and_create_again=True
        )


async def test_refund_of_a_sale_to_nobody_is_refused(client: Partnero) -> None:
    """A sale of an unknown customer cannot be recorded for them again."""
    await client.transactions.create(key="s1", amount=9, customer={"key": "nobody"})
    with pytest.raises(UsageError, match="nobody"):
        await refund(client, 1)


async def test_refund_in_a_refer_a_friend_program(
    partnero: type[Partnero],
) -> None:
    """Its sales name who referred, and who bought by an id that is no key."""
    async with (
        Sandbox(programs=["refer_a_friend"]) as sandbox,
        partnero(sandbox.api_key, base_url=sandbox.url) as client,
    ):
        await client.referrals.create(id="u1", key="ada")
        await client.referrals.create(
            id="u2", key="eve", referring_customer={"id": "u1"}
        )
        buyers: dict[str, NewCustomer] = {"s1": {"id": "u2"}, "s2": {"key": "eve"}}
        for key, buyer in buyers.items():
            await client.transactions.create(key=key, amount=9, customer=buyer)
            left = await client.transactions.partial_refund(
                key, amount=4, delete_and_create_again=True
            )
            assert (left.amount, left.customer) == (Decimal(5), "u1")
            assert left.referred_customer == "u2"


def test_refund_whose_deletion_is_in_doubt_stops_there(play: Play) -> None:
    """Where the sale may still stand, nothing is recorded beside it."""

    async def run(client: Partnero) -> None:
        with pytest.raises(AmbiguousWriteError):
            await refund(client)

    _, script = play([page(SALE), LOST, page(SALE)], run)
    assert "POST" not in str(script)


def test_refund_whose_second_half_fails_says_so(play: Play) -> None:
    """The error tells that the sale is gone, and what has to be recorded."""

    async def run(client: Partnero) -> AmbiguousWriteError:
        with pytest.raises(AmbiguousWriteError) as caught:
            await refund(client)
        return caught.value

    steps = [page(SALE), data(None), Reply(500, {"status": 0}), page(), page()]
    error, _ = play(steps, run)
    assert error.__notes__ == ["The sale s1 is deleted; 100.00 of it is not recorded."]


@async_only
def test_refund_that_is_cancelled_half_way_says_so(play: Play) -> None:
    """Whoever gives up on it learns that the sale is gone."""

    async def run(client: Partnero) -> list[str]:
        task = asyncio.create_task(refund(client))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return list(caught.value.__notes__)

    notes, _ = play([page(SALE), data(None), HANG], run)
    assert notes == ["The sale s1 is deleted; 100.00 of it is not recorded."]
