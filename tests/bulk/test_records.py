"""Records beside rows: what is compared, however the API shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from partnero_async import Partnero
from partnero_async.bulk import ResourceName
from partnero_async.bulk.kinds import kind_of
from partnero_async.bulk.referrers import Referrers, has_key
from partnero_async.errors import NotFoundError, WrongProgramError
from partnero_async.models import PromotionCode, Referral, Subscriber
from partnero_async.models.coupons import CouponShort
from partnero_async.resources.customer_links import CustomerLinksResource
from partnero_async.resources.partner_links import PartnerLinksResource
from partnero_async.resources.referrals import ReferralsResource
from partnero_async.resources.subscribers import SubscribersResource
from partnero_async.sandbox import Sandbox
from tests.bulk.catalogue import opened
from tests.scripted import async_only

ADA: dict[str, Any] = {"id": "i1", "email": "a@example.com", "key": "k1"}
LINK = "https://shop.example/?ref=k1"


@pytest.fixture
async def friends(partnero: type[Partnero]) -> AsyncIterator[tuple[Partnero, Sandbox]]:
    """Open a refer-a-friend program with the customers r1 and r2."""
    async with opened(partnero, "refer_a_friend") as both:
        yield both


REFERRALS = [
    pytest.param({}, {}, [], id="same"),
    pytest.param({"email": "A@Example.com"}, {}, [], id="case of an address"),
    pytest.param({"id": "i2"}, {}, ["id"], id="id"),
    pytest.param({"key": "k2"}, {}, ["key"], id="key"),
    pytest.param({"referring_customer": {"key": "r1"}}, {}, [], id="referrer by key"),
    pytest.param({"referring_customer": {"id": "r1"}}, {}, [], id="referrer by id"),
    pytest.param(
        {"referring_customer": {"key": "r2"}}, {}, ["referring_customer"], id="another"
    ),
    pytest.param(
        {"referring_customer": {"key": "r9"}}, {}, ["referring_customer"], id="nobody"
    ),
    pytest.param(
        {"referring_customer": {"key": "r1"}},
        {"referring_customer": None},
        ["referring_customer"],
        id="not referred",
    ),
    pytest.param(
        {"referring_customer": {"key": "r1"}},
        {"referring_customer": {"name": "Ro"}},
        [],
        id="referrer without an id cannot be compared",
    ),
    pytest.param(
        {"metadata": {"date_of_birth": date(1991, 7, 19)}}, {}, [], id="birthday"
    ),
    pytest.param(
        {"metadata": {"date_of_birth": date(1991, 7, 20)}},
        {},
        ["metadata.date_of_birth"],
        id="another birthday",
    ),
    pytest.param(
        {"metadata": {"date_of_birth": date(1991, 7, 19)}},
        {"metadata": None},
        ["metadata.date_of_birth"],
        id="no birthday",
    ),
]


@async_only
@pytest.mark.parametrize(("row", "record", "wrong"), REFERRALS)
async def test_referrals(
    friends: tuple[Partnero, Sandbox],
    row: dict[str, Any],
    record: dict[str, Any],
    wrong: list[str],
) -> None:
    """All that an answer shows is compared."""
    shown: dict[str, Any] = {
        **ADA,
        "referral_link": LINK,
        "metadata": {"date_of_birth": "1991-07-19"},
        "referring_customer": {"id": "r1"},
        **record,
    }
    found = Referral(**{name: shown[name] for name in shown if name != "key"})
    kind = kind_of("referrals")
    referrers = Referrers(friends[0])
    assert await kind.differing(referrers, {**ADA, **row}, found) == wrong


@async_only
async def test_a_referral_is_found_by_any_name(
    friends: tuple[Partnero, Sandbox],
) -> None:
    """By id, address or public key: the very one, and no part of it."""
    client, _ = friends
    key = "k/1 ü"
    await client.referrals.create(id="i1", email="a@example.com", key=key)
    await client.referrals.create(id="i11", email="aa@example.com", key=f"{key}1")
    kind, referrers = kind_of("referrals"), Referrers(client)
    for row in ({"id": "i1"}, {"email": "A@example.com"}, {"key": key}):
        (found,) = await kind.find(referrers, row)
        assert found.id == "i1"
        assert kind.name_of(row) in kind.names_in(found)
    assert await kind.find(referrers, {"id": key}) == []
    assert await kind.find(referrers, {"key": "k/1"}) == []
    assert await referrers.id_of({"email": "a@EXAMPLE.com"}, noun="customer") == "i1"
    assert await referrers.id_of({"key": "k/1"}, noun="customer") is None


def test_a_referral_without_names() -> None:
    """What an answer leaves out is no name."""
    assert kind_of("referrals").names_in(Referral()) == []
    assert not has_key(Referral(), "k1")


SUBSCRIBERS = [
    pytest.param({}, {}, [], id="same"),
    pytest.param({"id": "7"}, {"id": None}, [], id="the provider gives the id later"),
    pytest.param({"id": "7"}, {"id": "8"}, ["id"], id="another id"),
    pytest.param({"status": "active"}, {"status": None}, [], id="lists have no status"),
    pytest.param({"status": "active"}, {"status": "Active"}, [], id="capitalised"),
    pytest.param({"status": "active"}, {"status": "Rejected"}, ["status"], id="status"),
    pytest.param({"referral": {"id": "1"}}, {"is_referred": True}, [], id="referred"),
    pytest.param(
        {"referral": {"id": "1"}}, {"is_referred": False}, ["referral"], id="by nobody"
    ),
    pytest.param({"name": "Ada"}, {"name": "Eve"}, ["name"], id="name"),
]


@async_only
@pytest.mark.parametrize(("row", "record", "wrong"), SUBSCRIBERS)
async def test_subscribers(
    client: Partnero, row: dict[str, Any], record: dict[str, Any], wrong: list[str]
) -> None:
    """All that an answer shows is compared."""
    found = Subscriber(email="a@example.com", **record)
    arguments = {"email": "A@example.com", **row}
    kind = kind_of("subscribers")
    assert await kind.differing(Referrers(client), arguments, found) == wrong


@async_only
@pytest.mark.parametrize(
    ("coupon", "wrong"),
    [
        pytest.param(None, [], id="lists leave it out"),
        pytest.param(CouponShort(uuid_code="A"), [], id="same"),
        pytest.param(CouponShort(uuid_code="B"), ["coupon_uuid"], id="another"),
    ],
)
async def test_promotion_codes(
    client: Partnero, coupon: CouponShort | None, wrong: list[str]
) -> None:
    """A code gives one coupon."""
    found, row = PromotionCode(code="HI", coupon=coupon), {"coupon_uuid": "A"}
    kind = kind_of("promotion_codes")
    assert await kind.differing(Referrers(client), row, found) == wrong


def test_an_update_that_takes_more_than_the_difference() -> None:
    """Who alone may use a code is sent with the limit, where the row says who."""
    kind, wrong = kind_of("promotion_codes"), ["limit_to_specific_partner"]
    who = {"coupon_specific_partners": {"id": "7"}}
    limited: dict[str, Any] = {"limit_to_specific_partner": True}
    found = PromotionCode(code="HI")
    assert kind.changes_for({**limited, **who}, found, wrong) == {**limited, **who}
    assert kind.changes_for(limited, found, wrong) == limited
    assert kind.changes_for(limited, found, [*wrong, "coupon_uuid"]) is None
    assert kind.changes_for(limited, PromotionCode(), wrong) is None


LINKS = [
    pytest.param(
        "affiliate",
        "partner_links",
        PartnerLinksResource,
        {"partner": {"key": "p1"}},
        id="partners",
    ),
    pytest.param(
        "refer_a_friend",
        "customer_links",
        CustomerLinksResource,
        {"customer": {"key": "r1"}},
        id="customers",
    ),
]


@async_only
@pytest.mark.parametrize(("program", "resource", "links", "owner"), LINKS)
async def test_links_where_they_cannot_be_searched(
    *,
    partnero: type[Partnero],
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    resource: ResourceName,
    links: type,
    owner: dict[str, Any],
) -> None:
    """The search is known from one source only: without it the owner's links do."""

    async def refused(*_: Any, **__: Any) -> Any:
        raise NotFoundError("no such route")

    async with opened(partnero, program) as (client, _):
        row = {"key": "l1", **owner}
        await getattr(client, resource).create(**row)
        monkeypatch.setattr(links, "search", refused)
        kind, referrers = kind_of(resource), Referrers(client)
        (found,) = await kind.find(referrers, row)
        assert await kind.differing(referrers, row, found) == []
        nobody = {"key": "l1", **{name: {"email": "x@example.com"} for name in owner}}
        assert await kind.find(referrers, nobody) == []
        gone = {"key": "l1", **{name: {"id": "x"} for name in owner}}
        assert await kind.find(referrers, gone) == []


@async_only
@pytest.mark.parametrize(
    ("resource", "owner", "row"),
    [
        pytest.param(
            "subscribers", SubscribersResource, {"email": "a@b.com"}, id="subscribers"
        ),
        pytest.param("referrals", ReferralsResource, {"id": "i1"}, id="referrals"),
    ],
)
async def test_a_wrong_program_is_not_an_absent_record(
    client: Partnero,
    monkeypatch: pytest.MonkeyPatch,
    resource: ResourceName,
    owner: type,
    row: dict[str, Any],
) -> None:
    """That the key's program has no such resource does not say that a row is absent."""

    async def other(*_: Any) -> Any:
        raise WrongProgramError("another")

    monkeypatch.setattr(owner, "get", other)
    with pytest.raises(WrongProgramError):
        await kind_of(resource).find(Referrers(client), row)
