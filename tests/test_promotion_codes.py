"""Promotion codes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from partnero_async import (
    AmbiguousWriteError,
    ConflictError,
    NotFoundError,
    Partnero,
    ValidationError,
)
from partnero_async.models import PromotionCode
from partnero_async.sandbox import Sandbox

from .scripted import HALF_JSON, LOST, Play, Reply, Step, data, page

CODE: dict[str, Any] = {
    "code": "ANNA",
    "first_time_order": False,
    "coupon_specific_partners": [],
    "minimum_order_status": True,
    "minimum_order_value": 40,
    "metadata": [],
}
OF_SPRING = {**CODE, "coupon": {"uuid_code": "SPRING-15"}}
OF_AUTUMN = {**CODE, "coupon": {"uuid_code": "AUTUMN-10"}}
TAKEN = Reply(422, {"status": 0, "message": "taken"})
ABSENT = Reply(404, {"message": "No such code."})


async def create(client: Partnero) -> PromotionCode:
    """Create the code."""
    return await client.promotion_codes.create(
        coupon_uuid="SPRING-15",
        code="ANNA",
        minimum_order_status=True,
        minimum_order_value=40,
    )


async def delete(client: Partnero) -> None:
    """Delete it."""
    await client.promotion_codes.delete("ANNA", coupon_uuid="SPRING-15")


def test_a_code_is_made_where_none_is_given(play: Play) -> None:
    """Without one there is nothing to look up."""

    async def use(client: Partnero) -> None:
        await client.promotion_codes.create(
            coupon_uuid="SPRING-15",
            limit_to_specific_partner=True,
            coupon_specific_partners={"id": "pt1", "full_name": "Ada Lovelace"},
            expiration_date_status=True,
            expiration_date_value=date(2026, 12, 31),
        )

    body = play([data(CODE)], use)[1].seen[0].body
    assert len(body.pop("code")) == 12
    assert body == {
        "coupon_uuid": "SPRING-15",
        "limit_to_specific_partner": True,
        "coupon_specific_partners": {"id": "pt1", "full_name": "Ada Lovelace"},
        "expiration_date_status": True,
        "expiration_date_value": "2026-12-31",
    }


@pytest.mark.parametrize(
    "found", [pytest.param(OF_SPRING, id="coupon"), pytest.param(CODE, id="no-coupon")]
)
def test_a_lost_code_is_looked_up(play: Play, found: dict[str, Any]) -> None:
    """What is there, of the same coupon where that is told, is the result."""
    code, script = play([LOST, data(found)], create)
    assert code.minimum_order_value == Decimal(40)
    assert str(script) == "POST /promotion-codes GET /promotion-codes/ANNA"


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(OF_AUTUMN, id="other-coupon"),
        pytest.param({**OF_SPRING, "minimum_order_value": 50}, id="other-value"),
    ],
)
def test_another_code_is_a_conflict(play: Play, found: dict[str, Any]) -> None:
    """It would give another discount."""

    async def use(client: Partnero) -> None:
        with pytest.raises(ConflictError):
            await create(client)

    play([LOST, data(found)], use)


def test_a_code_that_is_taken_is_refused_unless_asked_otherwise(play: Play) -> None:
    """``if_exists="return"`` turns the refusal into the code."""

    async def use(client: Partnero) -> PromotionCode:
        with pytest.raises(ValidationError):
            await create(client)
        return await client.promotion_codes.create(
            coupon_uuid="SPRING-15", code="ANNA", if_exists="return"
        )

    code, _ = play([TAKEN, TAKEN, data(OF_SPRING)], use)
    assert code.coupon is not None
    assert code.coupon_specific_partners == {}


@pytest.mark.parametrize("sale", [None, ""])
def test_a_redemption_without_a_sale_is_not_counted_again(
    play: Play, sale: str | None
) -> None:
    """Every call without a sale counts."""

    async def use(client: Partnero) -> None:
        with pytest.raises(AmbiguousWriteError) as caught:
            await client.promotion_codes.update(
                "ANNA", redeem=True, transaction_key=sale
            )
        assert caught.value.key == "ANNA"

    assert len(play([LOST], use)[1].seen) == 1


def test_a_redemption_of_a_sale_is_sent_again(play: Play) -> None:
    """The API counts a sale once, so a repeat is harmless."""

    async def use(client: Partnero) -> PromotionCode:
        return await client.promotion_codes.update(
            "ANNA", redeem=True, transaction_key="inv-1"
        )

    code, script = play([LOST, data({**CODE, "times_redeemed": 1})], use)
    assert code.times_redeemed == 1
    assert str(script) == "PUT /promotion-codes PUT /promotion-codes"


def test_a_change_is_read_back_where_its_answer_is_broken(play: Play) -> None:
    """It was applied: what is there is the result."""

    async def use(client: Partnero) -> PromotionCode:
        return await client.promotion_codes.update("ANNA", metadata={"a": 1})

    assert play([HALF_JSON, data(OF_SPRING)], use)[0].code == "ANNA"


def test_a_deletion_names_code_and_coupon_in_its_body(play: Play) -> None:
    """It is answered inside of ``data``, and a 404 to a repeat is success."""
    gone = Reply(200, {"data": {"status": 1, "message": "Promotion code removed."}})
    scripts: list[list[Step]] = [[gone], [LOST, ABSENT]]
    for steps in scripts:
        _, script = play(steps, delete)
        assert script.seen[-1].method == "DELETE"
        assert script.seen[-1].body == {
            "code": "ANNA",
            "coupon": {"uuid_code": "SPRING-15"},
        }


def test_codes_are_read_one_by_one_and_in_lists(play: Play) -> None:
    """A list leaves the coupon out."""

    async def use(client: Partnero) -> tuple[PromotionCode, PromotionCode | None]:
        one = await client.promotion_codes.get("ANNA")
        return one, await client.promotion_codes.list().first()

    (one, listed), _ = play([data(OF_SPRING), page(CODE)], use)
    assert one.coupon is not None
    assert one.coupon.uuid_code == "SPRING-15"
    assert listed is not None
    assert listed.coupon is None


async def test_a_code_lives(client: Partnero, sandbox: Sandbox) -> None:
    """A code is created once, limited, redeemed and deleted."""
    await client.coupons.create(
        uuid_code="SPRING-15",
        coupon_discount_type="static",
        coupon_discount_amount=8.5,
        coupon_duration_type="once",
    )
    sandbox.fail_next("promotion_codes.create", when="after", how="disconnect")
    assert (await create(client)).code == "ANNA"
    codes = client.promotion_codes
    changed = await codes.update("ANNA", metadata={"channel": "podcast"}, redeem=True)
    assert (changed.metadata, changed.times_redeemed) == ({"channel": "podcast"}, 1)
    assert [code.code async for code in codes.list()] == ["ANNA"]
    one = await codes.get("ANNA")
    assert one.coupon is not None
    assert one.coupon.coupon_discount_amount == Decimal("8.5")
    (coupon,) = await client.coupons.list().collect()
    assert coupon.promotion_codes is not None
    assert [code.code for code in coupon.promotion_codes.data or []] == ["ANNA"]
    await delete(client)
    with pytest.raises(NotFoundError):
        await codes.get("ANNA")
