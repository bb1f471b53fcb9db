"""How a write in doubt is recognised in what is found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from partnero_async import AmbiguousWriteError, NotFoundError, Partnero
from partnero_async._lookup import Lookup, always, holds, renamed, sold_to
from partnero_async.models import Customer, Page, Transaction
from partnero_async.sandbox import Sandbox

ADA = Customer(key="acct-7", email="Ada@Example.com", name="Ada", partner="pt_1")


@pytest.mark.parametrize(
    ("wanted", "same"),
    [
        pytest.param({}, True, id="nothing-sent"),
        pytest.param({"name": None, "email": None}, True, id="none-is-free"),
        pytest.param({"name": "Ada"}, True, id="equal"),
        pytest.param({"name": "ada"}, False, id="case-of-a-name"),
        pytest.param({"key": "ACCT-7"}, False, id="case-of-a-key"),
        pytest.param({"email": "ada@example.COM"}, True, id="case-of-an-address"),
        pytest.param({"email": "ad@example.com"}, False, id="part-of-an-address"),
        pytest.param({"surname": "Byron"}, False, id="sent-but-not-there"),
        pytest.param({"surname": ""}, True, id="blank-and-not-there"),
        pytest.param({"name": ""}, False, id="blank-and-there"),
        pytest.param({"name": "Ada", "partner": "pt_2"}, False, id="one-of-two"),
    ],
)
def test_holds(wanted: dict[str, Any], same: bool) -> None:
    """All that was sent is there; the case of an address may change on the way."""
    assert holds(**wanted)(ADA) is same


def test_an_address_that_is_missing_is_not_the_one() -> None:
    """A record without the address does not have it."""
    assert holds(email="ada@example.com")(Customer(key="acct-7")) is False


SALE = Transaction(
    key="inv-1", amount=Decimal("0.30"), action="sale", customer="acct-7"
)


@pytest.mark.parametrize(
    ("customer", "amount", "action", "same"),
    [
        pytest.param({"key": "acct-7"}, Decimal("0.3"), "sale", True, id="equal"),
        pytest.param({"key": "acct-7"}, 0.3, "sale", True, id="float"),
        pytest.param({"key": "acct-7"}, 0.1 + 0.2, "sale", False, id="float-noise"),
        pytest.param({"key": "acct-7"}, None, None, True, id="free"),
        pytest.param({"key": "acct-7"}, Decimal("0.31"), "sale", False, id="amount"),
        pytest.param({"key": "acct-7"}, 1, "sale", False, id="int"),
        pytest.param({"key": "acct-7"}, Decimal("0.3"), "trial", False, id="action"),
        pytest.param({"key": "acct-8"}, Decimal("0.3"), "sale", False, id="customer"),
        pytest.param({"key": "ACCT-7"}, Decimal("0.3"), "sale", False, id="case"),
        pytest.param({"email": "a@b.c"}, Decimal("0.3"), "sale", True, id="by-address"),
    ],
)
def test_sold_to(
    customer: dict[str, Any], amount: Any, action: str | None, same: bool
) -> None:
    """Amount, action and customer agree, where they were sent and can be compared."""
    assert sold_to(customer, amount=amount, action=action)(SALE) is same


@pytest.mark.parametrize(
    ("customer", "same"),
    [
        pytest.param({"id": "u2"}, True, id="id"),
        pytest.param({"id": "u1"}, False, id="id-of-who-referred"),
        pytest.param({"key": "ANNA"}, True, id="key-which-no-answer-shows"),
        pytest.param({"email": "a@b.c"}, True, id="by-address"),
    ],
)
def test_the_buyer_in_a_refer_a_friend_program(
    customer: dict[str, Any], same: bool
) -> None:
    """Its answers name who referred first, and who bought by the id."""
    sale = Transaction(key="inv-1", customer="u1", referred_customer="u2")
    assert sold_to(customer)(sale) is same


MOMENT = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
SECONDS = int(MOMENT.timestamp())


@pytest.mark.parametrize(
    ("created_at", "same"),
    [
        pytest.param(SECONDS, True, id="seconds"),
        pytest.param(SECONDS + 0.9, True, id="parts-of-a-second"),
        pytest.param(SECONDS + 1, False, id="a-second-later"),
        pytest.param("2026-03-01T13:30:15+01:00", True, id="text"),
        pytest.param("2026-03-01T12:30:15Z", True, id="text-in-utc"),
        pytest.param("2026-02-01T12:30:15Z", False, id="text-of-another-month"),
        pytest.param("2026-02-01T12:30:15", True, id="text-that-may-mean-several"),
        pytest.param("1 March", True, id="text-that-nobody-can-read"),
        pytest.param(None, False, id="now"),
    ],
)
def test_the_time_of_a_sale(created_at: Any, same: bool) -> None:
    """It is compared to the second; without one a sale is of about now."""
    shown = Transaction(key="inv-1", created_at=MOMENT)
    assert sold_to({}, created_at=created_at)(shown) is same
    assert sold_to({}, created_at=created_at)(Transaction(key="inv-1"))


def test_a_sale_of_just_now_is_one_without_a_time() -> None:
    """The clocks of two machines differ by a little, and not by a day."""
    hour = timedelta(hours=1)
    for moment in (datetime.now(UTC) - hour, datetime.now(UTC) + hour):
        assert sold_to({})(Transaction(key="inv-1", created_at=moment))


async def test_one_of_many_like_it_is_found(
    partnero: type[Partnero], sandbox: Sandbox
) -> None:
    """A search matches parts of an address, and its page is full of others."""
    async with partnero(sandbox.api_key, base_url=sandbox.url) as client:
        made = await client.partners.create(email="ada@example.com", surname="")
        for number in range(20):
            await client.partners.create(email=f"y{number}.ada@example.com")
        found = await client.partners.create(
            email="ada@example.com", surname="", if_exists="return"
        )
    assert found.id == made.id


def test_a_sale_of_an_unknown_customer_cannot_be_told_by_it() -> None:
    """The API answers None for a customer that the program does not know."""
    sale = Transaction(key="inv-1", amount=Decimal(1))
    assert sold_to({"key": "acct-7"}, amount=1, action=None)(sale) is True


def test_a_sale_without_an_amount_is_not_one_of_an_amount() -> None:
    """None is no number."""
    sale = Transaction(key="inv-1")
    assert sold_to({"key": "acct-7"}, amount=1.0, action=None)(sale) is False
    assert sold_to({"key": "acct-7"}, amount=1, action=None)(sale) is False


def test_a_lookup_accepts_everything_unless_it_is_told() -> None:
    """Without *mine* and *same* any record that is found is the one."""
    lookup = Lookup(Customer, "GET /customers/{key}")
    assert lookup.mine is lookup.same is always
    assert always(ADA)
    assert not lookup.gone


@pytest.mark.parametrize(
    ("result", "paged"),
    [
        pytest.param(Customer, False, id="one"),
        pytest.param(Page[Customer], True, id="page"),
    ],
)
def test_paged(result: Any, paged: bool) -> None:
    """A lookup knows whether it reads a page."""
    assert Lookup(result, "GET /customers").paged is paged


# --- a deletion --------------------------------------------------------------------


async def test_a_deletion_in_doubt_is_done_when_nothing_is_found(
    partnero: type[Partnero],
    sandbox: Sandbox,
) -> None:
    """``gone``: for a deletion it is the absence that proves it."""
    async with partnero(sandbox.api_key, base_url=sandbox.url, settle=0.001) as client:
        await client.transactions.create(
            key="inv-1", amount=1, customer={"key": "acct-7"}
        )
        sandbox.fail_next("transactions.delete", when="after", how=502)
        await client.transactions.delete("inv-1")
        with pytest.raises(NotFoundError):
            await client.transactions.get("inv-1")


async def test_a_deletion_in_doubt_is_not_sent_again(
    partnero: type[Partnero], sandbox: Sandbox
) -> None:
    """A sale that is still there may be another one under the same key."""
    async with partnero(sandbox.api_key, base_url=sandbox.url, settle=0.001) as client:
        await client.transactions.create(
            key="inv-1", amount=1, customer={"key": "acct-7"}
        )
        sandbox.fail_next("transactions.delete", when="before", how=502)
        with pytest.raises(AmbiguousWriteError):
            await client.transactions.delete("inv-1")
        assert (await client.transactions.get("inv-1")).key == "inv-1"
    assert sandbox.requests_by_route["DELETE /transactions/{key}"] == 1


def test_a_record_under_a_new_name_is_compared() -> None:
    """Where nothing else was written, who has the new name may be another."""
    ada = Customer(key="c2", name="Ada")
    assert renamed(name="Ada", email=None)(ada)
    assert not renamed(name="Eve")(ada)
    assert not renamed(name=None)(ada)
