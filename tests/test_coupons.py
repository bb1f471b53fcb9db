"""Coupons, and what is odd about their answers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from partnero_async import (
    AmbiguousWriteError,
    AppliedUnreadableError,
    ConflictError,
    NotFoundError,
    Partnero,
    RefusedError,
    UnexpectedBodyError,
    ValidationError,
)
from partnero_async._convert import unstructure
from partnero_async.models import (
    AdditionalInfo,
    Coupon,
    PromotionCode,
    PromotionCodes,
    Redemption,
)
from partnero_async.sandbox import Sandbox

from .scripted import DISTURBED, HALF_JSON, LOST, Play, Reply, Step, data, page

COUPON: dict[str, Any] = {
    "name": "Spring",
    "uuid_code": "SPRING-15",
    "active": True,
    "coupon_discount_type": "percent",
    "coupon_discount_amount": 15,
    "coupon_duration_type": "once",
    "metadata": [],
    "additional_info": [],
    "times_redeemed": 0,
}
TAKEN = Reply(422, {"status": 0, "message": "taken"})
ABSENT = Reply(404, {"message": "No such coupon."})


async def create(client: Partnero, **more: Any) -> Coupon:
    """Create the coupon."""
    return await client.coupons.create(
        coupon_discount_type="percent",
        coupon_discount_amount=15,
        coupon_duration_type="once",
        **more,
    )


async def create_spring(client: Partnero) -> Coupon:
    """Create it under its own code."""
    return await create(client, name="Spring", uuid_code="SPRING-15")


async def redeem(client: Partnero) -> Coupon:
    """Count a redemption, for no sale in particular."""
    return await client.coupons.update("SPRING-15", redeem=True)


async def redeem_sale(client: Partnero) -> Coupon:
    """Count the redemption of a sale."""
    return await client.coupons.update(
        "SPRING-15", redeem=True, transaction_key="inv-1"
    )


# --- writes ------------------------------------------------------------------


def test_a_code_is_made_where_none_is_given(play: Play) -> None:
    """Without one there is nothing to look up, and a repeat makes a second coupon."""
    codes: list[str] = []
    for _ in range(2):
        _, script = play([data(COUPON)], create)
        codes.append(script.seen[0].body["uuid_code"])
    assert len(set(codes)) == 2
    assert all(len(code) == 12 and code.isalnum() and code.isupper() for code in codes)


def test_a_lost_coupon_is_looked_up_by_its_code(play: Play) -> None:
    """What is there under the code, with the same values, is the result."""
    coupon, script = play([LOST, data(COUPON)], create_spring)
    assert coupon.name == "Spring"
    assert str(script) == "POST /coupons GET /coupons/SPRING-15"


def test_a_lost_coupon_that_is_absent_is_sent_again(play: Play) -> None:
    """The code is unique, so a second one is refused and cannot do harm."""
    _, script = play([LOST, ABSENT, data(COUPON)], create_spring)
    assert script.seen[0].body == script.seen[2].body


def test_another_coupon_under_the_code_is_a_conflict(play: Play) -> None:
    """It has other values."""

    async def use(client: Partnero) -> None:
        with pytest.raises(ConflictError) as caught:
            await create_spring(client)
        assert caught.value.key == "SPRING-15"

    play([LOST, data({**COUPON, "coupon_discount_amount": 20})], use)


def test_a_code_that_is_taken_is_refused_unless_asked_otherwise(play: Play) -> None:
    """``if_exists="return"`` turns the refusal into the coupon."""

    async def use(client: Partnero) -> Coupon:
        with pytest.raises(ValidationError):
            await create_spring(client)
        return await create(client, uuid_code="SPRING-15", if_exists="return")

    assert play([TAKEN, TAKEN, data(COUPON)], use)[0].uuid_code == "SPRING-15"


def test_a_day_is_sent_without_a_time(play: Play) -> None:
    """Expiry is a day, amounts are numbers."""

    async def use(client: Partnero) -> None:
        await create(
            client,
            redemption_specific_date_status=True,
            redemption_specific_date_value=date(2026, 12, 31),
            sync={"provider": "stripe"},
            promotion_codes=[{"code": "A"}],
        )

    body = play([data(COUPON)], use)[1].seen[0].body
    assert body["redemption_specific_date_value"] == "2026-12-31"
    assert body["sync"] == {"provider": "stripe"}
    assert body["promotion_codes"] == [{"code": "A"}]


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        pytest.param(LOST, AmbiguousWriteError, id="lost"),
        pytest.param(DISTURBED, AmbiguousWriteError, id="502"),
        pytest.param(HALF_JSON, AppliedUnreadableError, id="half-a-body"),
    ],
)
def test_a_redemption_without_a_sale_is_not_counted_again(
    play: Play, step: Step, kind: type[AmbiguousWriteError]
) -> None:
    """Every call without a sale counts."""

    async def use(client: Partnero) -> None:
        with pytest.raises(AmbiguousWriteError) as caught:
            await redeem(client)
        assert type(caught.value) is kind
        assert caught.value.key == "SPRING-15"

    assert len(play([step], use)[1].seen) == 1


def test_a_redemption_of_a_sale_without_a_name_is_not_sent_again(play: Play) -> None:
    """The API takes it for one of no sale, and counts it each time."""

    async def use(client: Partnero) -> None:
        with pytest.raises(AmbiguousWriteError):
            await client.coupons.update("SPRING-15", redeem=True, transaction_key="")

    assert len(play([LOST], use)[1].seen) == 1


def test_a_redemption_of_a_sale_is_sent_again(play: Play) -> None:
    """The API counts a sale once, so a repeat is harmless."""
    coupon, script = play([LOST, data({**COUPON, "times_redeemed": 1})], redeem_sale)
    assert coupon.times_redeemed == 1
    assert str(script) == "PUT /coupons PUT /coupons"


def test_a_change_is_read_back_where_its_answer_is_broken(play: Play) -> None:
    """It was applied: what is there is the result."""

    async def use(client: Partnero) -> Coupon:
        return await client.coupons.update(
            "SPRING-15", name="Spring", metadata={"a": 1}, redeem=False
        )

    assert play([HALF_JSON, data(COUPON)], use)[0].name == "Spring"


# --- deletions, which are answered in data ---------------------------------------


async def delete(client: Partnero) -> None:
    """Delete the coupon."""
    await client.coupons.delete("SPRING-15")


def test_a_deletion_names_the_coupon_in_its_body(play: Play) -> None:
    """The route has no code in it."""
    _, script = play([Reply(200, {"data": {"status": 1, "message": "Gone."}})], delete)
    assert str(script) == "DELETE /coupons"
    assert script.seen[0].body == {"uuid_code": "SPRING-15"}


def test_a_deletion_that_is_repeated_is_done(play: Play) -> None:
    """404 to the second one: the first has deleted it."""
    assert len(play([LOST, ABSENT], delete)[1].seen) == 2


def test_a_first_deletion_of_nothing_is_an_error(play: Play) -> None:
    """Nothing was there."""

    async def use(client: Partnero) -> None:
        with pytest.raises(NotFoundError):
            await delete(client)

    play([ABSENT], use)


@pytest.mark.parametrize("flag", [0, False, "0"])
def test_a_refusal_inside_of_data_is_one(play: Play, flag: object) -> None:
    """Flag, message and reasons stand where the confirmation does."""
    inside = {"status": flag, "message": "In use.", "errors": {"uuid_code": ["used"]}}

    async def use(client: Partnero) -> None:
        with pytest.raises(RefusedError) as caught:
            await delete(client)
        assert caught.value.message == "In use."
        assert caught.value.fields == {"uuid_code": ["used"]}

    play([Reply(200, {"data": inside})], use)


def test_a_status_of_the_record_is_no_refusal(play: Play) -> None:
    """Beside a flag of its own, ``data`` has nothing to say about success."""

    async def use(client: Partnero) -> Coupon:
        return await client.coupons.get("SPRING-15")

    coupon, _ = play([data({**COUPON, "status": "0"})], use)
    assert coupon.extra == {"status": "0"}


# --- reading -------------------------------------------------------------------


def coupon_of(play: Play, **more: Any) -> Coupon:
    """Read a coupon with some members more."""

    async def use(client: Partnero) -> Coupon:
        return await client.coupons.get("SPRING-15")

    return play([data({**COUPON, **more})], use)[0]


def test_members_beside_data_are_the_coupons(play: Play) -> None:
    """Writes say beside ``data`` what came of the push to an integration."""
    answer = data(
        COUPON,
        message="Coupon stored.",
        synchronization_enabled=True,
        synchronization_successful=False,
        synchronization_message="Not connected.",
    )
    coupon, _ = play([answer], create_spring)
    assert coupon.synchronization_enabled is True
    assert coupon.synchronization_successful is False
    assert coupon.synchronization_message == "Not connected."
    assert coupon.extra == {}
    assert coupon_of(play).synchronization_enabled is None


def test_a_member_beside_data_that_does_not_fit(play: Play) -> None:
    """The write was applied, and its answer cannot be read."""

    async def use(client: Partnero) -> None:
        with pytest.raises(AppliedUnreadableError, match="expected bool, got str"):
            await create_spring(client)

    play([data(COUPON, synchronization_enabled="yes")], use)


@pytest.mark.parametrize("body", [None, [], "x"])
def test_data_that_is_no_object(play: Play, body: object) -> None:
    """There is nothing to gather members into."""

    async def use(client: Partnero) -> None:
        with pytest.raises(UnexpectedBodyError):
            await client.coupons.get("SPRING-15")

    play([data(body)], use)


def test_a_coupon_without_redemptions(play: Play) -> None:
    """The empty array of the PHP origin is an object without members."""
    coupon = coupon_of(play)
    assert coupon.additional_info == AdditionalInfo()
    assert coupon.metadata == {}
    assert coupon.coupon_discount_amount == Decimal(15)
    assert coupon_of(play, additional_info=None).additional_info is None


def test_a_coupon_with_redemptions(play: Play) -> None:
    """Each has an aware time, and the key of its sale."""
    one = {"redeemed_at": "2026-03-02T18:44:09.000000Z", "transaction_key": "inv-1"}
    coupon = coupon_of(
        play, additional_info={"redemptions": [one]}, metadata={"a": "b"}
    )
    assert coupon.additional_info == AdditionalInfo(
        redemptions=[
            Redemption(
                redeemed_at=datetime(2026, 3, 2, 18, 44, 9, tzinfo=UTC),
                transaction_key="inv-1",
            )
        ]
    )
    assert coupon.metadata == {"a": "b"}
    assert unstructure(coupon)["additional_info"] == {"redemptions": [one]}


@pytest.mark.parametrize("info", ["x", [1], 0])
def test_additional_info_of_another_kind(play: Play, info: object) -> None:
    """Only an empty array stands for an object."""
    with pytest.raises(UnexpectedBodyError, match="additional_info"):
        coupon_of(play, additional_info=info)


def test_codes_of_a_coupon(play: Play) -> None:
    """They stay in the envelope that they come in, with all that is in it."""
    wire = {"data": [{"code": "ANNA"}], "more": True}
    coupon = coupon_of(play, promotion_codes=wire)
    assert coupon.promotion_codes == PromotionCodes(
        data=[PromotionCode(code="ANNA")], extra={"more": True}
    )
    assert unstructure(coupon)["promotion_codes"] == wire
    assert coupon_of(play, promotion_codes={}).promotion_codes == PromotionCodes()


@pytest.mark.parametrize("wire", [{"data": {}}, "x", {"data": [{"code": 1}]}])
def test_codes_in_another_form(play: Play, wire: object) -> None:
    """They are not made up."""
    with pytest.raises(UnexpectedBodyError, match="promotion_codes"):
        coupon_of(play, promotion_codes=wire)


def test_a_list_of_coupons(play: Play) -> None:
    """The items are read like single ones."""

    async def use(client: Partnero) -> list[Coupon]:
        return await client.coupons.list(limit=250).collect()

    coupons, script = play([page(COUPON)], use)
    assert coupons == [coupon_of(play)]
    assert script.seen[0].query == {"limit": "250", "page": "1"}


# --- against the sandbox ---------------------------------------------------------


async def test_a_coupon_lives(client: Partnero) -> None:
    """A coupon is created, renamed, redeemed and deleted."""
    made = await create_spring(client)
    assert (made.active, made.synchronization_enabled) == (True, False)
    renamed = await client.coupons.update("SPRING-15", name="May", metadata={"a": "b"})
    assert (renamed.name, renamed.metadata) == ("May", {"a": "b"})
    await client.partners.create(email="ada@example.com", key="ada")
    await client.customers.create("c1", partner={"key": "ada"})
    await client.transactions.create(key="inv-1", amount=10, customer={"key": "c1"})
    for _ in range(2):
        assert (await redeem_sale(client)).times_redeemed == 1
    assert (await redeem(client)).times_redeemed == 2
    coupon = await client.coupons.get("SPRING-15")
    assert coupon.additional_info is not None
    assert coupon.additional_info.redemptions
    assert coupon.additional_info.redemptions[0].transaction_key == "inv-1"
    assert [item.uuid_code async for item in client.coupons.list()] == ["SPRING-15"]
    await delete(client)
    with pytest.raises(NotFoundError):
        await delete(client)


async def test_a_redemption_whose_answer_was_lost_is_counted_once(
    client: Partnero, sandbox: Sandbox
) -> None:
    """Nobody sends it again."""
    await create_spring(client)
    sandbox.fail_next("coupons.update", when="after", how="disconnect")
    with pytest.raises(AmbiguousWriteError):
        await redeem(client)
    assert (await client.coupons.get("SPRING-15")).times_redeemed == 1


async def test_a_coupon_whose_answer_was_lost_is_made_once(
    client: Partnero, sandbox: Sandbox
) -> None:
    """A code was made for it, and it is found by that."""
    sandbox.fail_next("coupons.create", when="after", how=502)
    made = await create(client)
    assert [c.uuid_code async for c in client.coupons.list()] == [made.uuid_code]
