from decimal import Decimal
from typing import Any

import pytest

from partnero_async.sandbox import Assumptions

COUPON = {
    "uuid_code": "SPRING",
    "coupon_discount_type": "percent",
    "coupon_discount_amount": 15,
    "coupon_duration_type": "once",
    "promotion_codes": [
        {
            "code": "ODILE",
            "limit_to_specific_partner": True,
            "coupon_specific_partners": {"id": "pt2"},
        },
        {
            "code": "MARISOL",
            "limit_to_specific_partner": True,
            "coupon_specific_partners": [{"id": "pt1"}, {"id": "pt2"}],
        },
        {"code": "OFF", "coupon_specific_partners": {"id": "pt2"}},
        {
            "code": "LOST",
            "limit_to_specific_partner": True,
            "coupon_specific_partners": {"full_name": "Odile"},
        },
        {
            "code": "NUMBER",
            "limit_to_specific_partner": True,
            "coupon_specific_partners": {"id": 7},
        },
    ],
}


async def prepare(api: Any) -> None:
    """Add the partners pt2 and 7, and codes that name partners."""
    for number in ("pt2", "7"):
        partner = {"email": f"{number}@example.org", "id": number}
        assert (await api("POST", "/partners", partner))[0] == 201
    assert (await api("POST", "/coupons", COUPON))[0] == 200


@pytest.fixture
async def api(api: Any) -> Any:
    """Use codes in the program of partner pt1 and customer c1."""
    await prepare(api)
    return api


async def earners(api: Any, code: str | None, **members: Any) -> dict[str, Any]:
    """Record a sale of 100; return its rewards by partner."""
    sale = {"amount": 100, "customer": {"key": "c1"}, "discount_code": code, **members}
    status, body = await api("POST", "/transactions", sale)
    assert status == 200
    return {reward["partner"]: reward["amount"] for reward in body["data"]["rewards"]}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param(None, {"pt1": 10}, id="none"),
        pytest.param("ODILE", {"pt1": 10, "pt2": 10}, id="another partner"),
        pytest.param("MARISOL", {"pt1": 10}, id="the same, first of several"),
        pytest.param("NUMBER", {"pt1": 10, "7": 10}, id="id as a number"),
        pytest.param("OFF", {"pt1": 10}, id="limit is off"),
        pytest.param("LOST", {"pt1": 10}, id="without an id"),
        pytest.param("SPRING", {"pt1": 10}, id="the coupon names nobody"),
        pytest.param("nobody", {"pt1": 10}, id="unknown"),
    ],
)
async def test_partner_of_the_code_earns_too(
    api: Any, code: str | None, expected: dict[str, int]
) -> None:
    """Who referred the customer earns first, then whom the code is limited to."""
    found = await earners(api, code)
    assert (found, list(found)) == (expected, list(expected))


async def test_code_earns_without_a_referrer(api: Any) -> None:
    """A sale of nobody's customer belongs to nobody, but its code counts."""
    stranger = {"key": "stranger"}
    assert await earners(api, "ODILE", customer=stranger) == {"pt2": 10}
    assert await earners(api, None, customer=stranger) == {}
    _, body = await api("GET", "/transactions")
    assert [item["partner"] for item in body["data"]] == [None, None]


async def test_fixed_reward_is_for_each(api: Any) -> None:
    """What the caller fixed replaces the rule, whoever earns."""
    expected = {"pt1": Decimal("2.5"), "pt2": Decimal("2.5")}
    assert await earners(api, "ODILE", reward=2.5) == expected


async def test_who_does_not_earn(api: Any) -> None:
    """Suspended customers, sales that are not rewardable, inactive partners."""
    assert await earners(api, "ODILE", rewardable=False) == {}
    await api("POST", "/partners/pt2/archive")
    assert await earners(api, "ODILE") == {"pt1": 10}
    await api("POST", "/partners/pt1/archive")
    await api("POST", "/partners/pt2/revoke-archive")
    assert await earners(api, "ODILE") == {"pt2": 10}
    await api("DELETE", "/promotion-codes/ODILE")
    assert await earners(api, "ODILE") == {}
    await api("DELETE", "/partners/pt2")
    await api("POST", "/partners/pt1/revoke-archive")
    await api("POST", "/customers/c1/suspend")
    assert await earners(api, "MARISOL") == {}


async def test_reward_of_the_code_follows_the_sale(api: Any) -> None:
    """Archiving takes it away, restoring gives it back, deleting reverses it."""
    await earners(api, "ODILE", key="t")

    async def unpaid() -> list[Any]:
        _, body = await api("GET", "/partners/pt2")
        return [each["amount"] for each in body["data"]["commissions"]["not_paid"]]

    assert await unpaid() == [10]
    await api("POST", "/transactions/t/archive")
    assert await unpaid() == []
    await api("POST", "/transactions/t/revoke-archive")
    assert await unpaid() == [10]
    await api("DELETE", "/transactions/t")
    assert await unpaid() == []


async def test_each_sale_of_a_batch_has_its_code(api: Any) -> None:
    """A sale does not redeem the code by itself."""
    sales = [{"amount": 100, "discount_code": "ODILE"}, {"amount": 100}]
    body = {"customer": {"key": "c1"}, "transactions": sales}
    _, answer = await api("POST", "/transactions", body)
    assert [len(sale["rewards"]) for sale in answer["data"]] == [2, 1]
    _, answer = await api("PUT", "/promotion-codes/ODILE", {"metadata": {}})
    assert answer["data"]["times_redeemed"] == 0


@pytest.mark.parametrize(
    ("reading", "with_code", "stranger"),
    [
        ("both", ["pt1", "pt2"], ["pt2"]),
        ("coupon", ["pt2"], ["pt2"]),
        ("referring", ["pt1"], ["pt2"]),
    ],
)
async def test_who_wins_is_a_switch(
    serve: Any, reading: Any, with_code: list[str], stranger: list[str]
) -> None:
    """Both earn, or the one of the code, or the one who referred."""
    _, api = await serve(assumptions=Assumptions(discount_code_rewards=reading))
    await api("POST", "/partners", {"email": "a@example.org", "id": "pt1", "key": "mk"})
    await api("POST", "/customers", {"key": "c1", "partner": {"key": "mk"}})
    await prepare(api)
    assert list(await earners(api, "ODILE")) == with_code
    assert list(await earners(api, None)) == ["pt1"]
    assert list(await earners(api, "ODILE", customer={"key": "x"})) == stranger
