from __future__ import annotations

import copy
import pickle
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from partnero_async import (
    BadRequestError,
    NotFoundError,
    Partnero,
    UsageError,
    ValidationError,
)
from partnero_async.sandbox import Sandbox


@pytest.fixture
async def shop(client: Partnero) -> Partnero:
    """Give the program a partner and a customer."""
    await client.partners.create(email="ada@example.com", id="p1", key="ada")
    await client.customers.create("c1", partner={"key": "ada"}, name="Bea")
    return client


async def test_key_check_names_the_program(client: Partnero, sandbox: Sandbox) -> None:
    """One key belongs to one program."""
    account = await client.account.test()
    assert account.program is not None
    assert account.program.pub_id == sandbox.program_id


async def test_environment_gives_key_and_address(
    partnero: type[Partnero], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client without arguments is one of the environment's program."""
    monkeypatch.setenv("PARTNERO_API_KEY", sandbox.api_key)
    monkeypatch.setenv("PARTNERO_BASE_URL", sandbox.url)
    async with partnero() as client:
        assert await client.partners.list().collect() == []


async def test_what_calls_need_is_loaded_where_a_program_starts(
    sandbox: Sandbox,
) -> None:
    """The first call of a web service would block all others for that."""
    client = Partnero(sandbox.api_key, base_url=sandbox.url)
    assert "_transport" not in vars(client)
    async with client:
        assert "_transport" in vars(client)


BARE: Any = "the-key-alone"


@pytest.mark.parametrize(
    "use",
    [
        lambda c: c.transactions.create(amount=1, customer=BARE),
        lambda c: c.transactions.create(amount=1, customer={"key": "c"}, partner=BARE),
        lambda c: c.transactions.create_batch(
            customer=BARE, transactions=[{"amount": 1}]
        ),
        lambda c: c.customers.create("c", partner=BARE),
        lambda c: c.partners.create(email="a@b.c", referring_partner=BARE),
        lambda c: c.partner_links.create("l", partner=BARE),
        lambda c: c.leads.create(name="A", email="a@b.c", partner=BARE),
        lambda c: c.payouts.create(partner=BARE, amount_units="eur"),
        lambda c: c.referrals.create(email="a@b.c", referring_customer=BARE),
        lambda c: c.customer_links.create("l", customer=BARE),
        lambda c: c.subscribers.create(email="a@b.c", referral=BARE),
    ],
)
async def test_another_record_is_named_by_an_object(
    client: Partnero, use: Callable[[Partnero], Awaitable[Any]]
) -> None:
    """The likeliest mistake of a first call: nothing is sent, and it is said how."""
    with pytest.raises(UsageError, match=r'is a str: name it, such as \{"key": ...\}'):
        await use(client)
    assert client.stats.requests == 0


@pytest.mark.parametrize(
    "use",
    [
        lambda c, how: c.coupons.create(
            coupon_discount_type="percent",
            coupon_discount_amount=1,
            coupon_duration_type="once",
            if_exists=how,
        ),
        lambda c, how: c.customer_links.create(
            "l", customer={"id": "u"}, if_exists=how
        ),
        lambda c, how: c.customers.create("c", partner={"id": "p"}, if_exists=how),
        lambda c, how: c.partner_links.create("l", partner={"id": "p"}, if_exists=how),
        lambda c, how: c.partners.create(email="a@b.c", if_exists=how),
        lambda c, how: c.promotion_codes.create(
            coupon_uuid="S", code="A", if_exists=how
        ),
        lambda c, how: c.referrals.create(email="a@b.c", if_exists=how),
        lambda c, how: c.subscribers.create(email="a@b.c", if_exists=how),
        lambda c, how: c.webhooks.create(
            name="A", url="https://a.b", events=["partner.created"], if_exists=how
        ),
    ],
)
async def test_a_misspelt_option_is_not_taken_for_another(
    client: Partnero, use: Callable[[Partnero, Any], Awaitable[Any]]
) -> None:
    """It would work until there is a record with the same key."""
    with pytest.raises(UsageError, match='if_exists=\'Return\': give "raise" or "ret'):
        await use(client, "Return")
    assert client.stats.requests == 0


async def test_client_does_not_travel(client: Partnero, sandbox: Sandbox) -> None:
    """Connections and keys are neither pickled nor copied nor shown."""
    for travel in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="make one where you need it"):
            travel(client)
    assert repr(client) == f"<Partnero client of {sandbox.url}>"


async def test_partner_lives(shop: Partnero) -> None:
    """A partner is created, read, changed, archived, restored and deleted."""
    partner = await shop.partners.update("p1", surname="Byron", tags=["x", "y"])
    assert partner.surname == "Byron"
    assert set(partner.tags or []) == {"x", "y"}
    assert (await shop.partners.update("p1", tags=[])).tags == []
    assert (await shop.partners.find(key="ada")).id == "p1"
    assert (await shop.partners.search(email="ada@example.com").collect())[0].id == "p1"
    await shop.partners.archive("p1")
    assert (await shop.partners.get("p1")).status == "archived"
    with pytest.raises(BadRequestError):
        await shop.partners.archive("p1")
    await shop.partners.restore("p1")
    assert (await shop.partners.get("p1")).status == "active"
    await shop.partners.delete("p1")
    with pytest.raises(NotFoundError):
        await shop.partners.get("p1")


async def test_partner_extras(shop: Partnero) -> None:
    """A bonus is credited, and a sign-in is made that no repr shows."""
    when = datetime(2026, 3, 4, 10, tzinfo=UTC)
    bonus = await shop.partners.add_reward("p1", amount=Decimal("42.75"), date=when)
    assert (bonus.amount, bonus.created_at) == (Decimal("42.75"), when)
    sign_in = await shop.partners.sign_in_url(email="ada@example.com", expires_in=120)
    assert sign_in.url is not None
    assert sign_in.url not in repr(sign_in)


async def test_customer_lives(shop: Partnero) -> None:
    """A customer is registered, read, changed, suspended, archived and deleted."""
    customer = await shop.customers.update("c1", email="b@example.com", new_key="c2")
    assert (customer.key, customer.email) == ("c2", "b@example.com")
    found = await shop.customers.search(email="b@example.com").collect()
    assert [item.key for item in found] == ["c2"]
    listed = await shop.customers.list(partner_email="ada@example.com").collect()
    assert [item.status for item in listed] == [None]
    await shop.customers.suspend("c2")
    assert (await shop.customers.get("c2")).status == "suspended"
    await shop.customers.approve("c2")
    await shop.customers.archive("c2")
    await shop.customers.restore("c2")
    await shop.customers.delete("c2")
    with pytest.raises(NotFoundError):
        await shop.customers.get("c2")


async def test_sale_lives(shop: Partnero) -> None:
    """A sale earns, is archived and restored, and leaves with its commission."""
    day = datetime(1997, 1, 1, tzinfo=UTC)
    sale = await shop.transactions.create(
        key="s1", amount=Decimal("29.33"), customer={"key": "c1"}, created_at=day
    )
    assert (sale.amount, sale.created_at, sale.partner) == (Decimal("29.33"), day, "p1")
    assert sale.rewards is not None
    assert sale.rewards[0].amount == Decimal("2.933")
    await shop.transactions.archive("s1")
    assert (await shop.transactions.get("s1")).deleted_at is not None
    await shop.transactions.restore("s1")
    assert [s.key async for s in shop.customers.transactions("c1")] == ["s1"]
    assert [s.key async for s in shop.transactions.list(customer_key="c1")] == ["s1"]
    await shop.transactions.delete("s1")
    assert await shop.transactions.list().first() is None


async def test_sale_brings_its_customer(shop: Partnero) -> None:
    """`create_customer` registers the buyer in the same call."""
    await shop.transactions.create(
        amount=10,
        customer={"key": "new", "partner": {"key": "ada"}},
        create_customer=True,
    )
    assert (await shop.customers.get("new")).partner == "p1"


async def test_batch_records_every_sale(shop: Partnero) -> None:
    """A batch is one call; sales without a key get one."""
    answer = await shop.transactions.create_batch(
        customer={"key": "c1"}, transactions=[{"key": "b1", "amount": 5}, {"amount": 7}]
    )
    assert len(answer) == 2
    keys = [sale.key async for sale in shop.transactions.list()]
    assert "b1" in keys
    assert all(keys)


async def test_sale_given_twice_is_paid_twice(shop: Partnero) -> None:
    """The API does not refuse a second sale with the same key, and neither do we."""
    for _ in range(2):
        await shop.transactions.create(key="s1", amount=10, customer={"key": "c1"})
    assert len(await shop.transactions.list(key="s1").collect()) == 2


async def test_refusal_names_the_fields(shop: Partnero) -> None:
    """A validation error has the reasons by field, and its text has them too."""
    with pytest.raises(ValidationError) as caught:
        await shop.partners.create(email="ada@example.com")
    assert "email" in caught.value.fields
    assert caught.value.status == 422
    assert "email: " in str(caught.value)


@pytest.mark.parametrize("bad", ["", ".", "..", " ", "a\nb", "\ud800"])
async def test_id_that_leads_elsewhere_is_refused(shop: Partnero, bad: str) -> None:
    """`DELETE /partners/` would be a call on the collection: nothing is sent."""
    before = shop.stats.requests
    with pytest.raises(UsageError):
        await shop.partners.delete(bad)
    assert shop.stats.requests == before


async def test_time_without_a_zone_is_refused(shop: Partnero) -> None:
    """A naive time could be any of 24."""
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - that is the point
    with pytest.raises(UsageError, match="time zone"):
        await shop.transactions.create(
            amount=1, customer={"key": "c1"}, created_at=naive
        )
