from decimal import Decimal
from typing import Any

import pytest

from partnero_async.sandbox import Assumptions

STAMP = "2026-03-04T09:15:30.000000Z"
COUPON = {
    "uuid_code": "SPRING",
    "coupon_discount_type": "percent",
    "coupon_discount_amount": 15,
    "coupon_duration_type": "once",
}


async def create(api: Any, **members: Any) -> Any:
    """Create a coupon."""
    status, body = await api("POST", "/coupons", {**COUPON, **members})
    assert status == 200, body
    return body["data"]


async def update(api: Any, **members: Any) -> Any:
    """Update the coupon SPRING."""
    status, body = await api("PUT", "/coupons", {"uuid_code": "SPRING", **members})
    assert status == 200, body
    return body["data"]


async def test_created_coupon_is_answered_whole(api: Any, sandbox: Any) -> None:
    """The name falls back to the code, and nothing is synchronised."""
    status, body = await api("POST", "/coupons", COUPON)
    assert status == 200
    assert body == {
        "data": {
            "name": "SPRING",
            "uuid_code": "SPRING",
            "active": True,
            "coupon_discount_type": "percent",
            "coupon_discount_amount": 15,
            "coupon_duration_type": "once",
            "coupon_duration_value": None,
            "redemption_specific_date_status": False,
            "redemption_specific_date_value": None,
            "redemption_times_status": False,
            "redemption_times_value": None,
            "metadata": [],
            "additional_info": [],
            "times_redeemed": 0,
            "created_at": STAMP,
            "updated_at": STAMP,
            "deleted_at": None,
        },
        "status": 1,
        "message": "Coupon stored.",
        "synchronization_enabled": False,
        "synchronization_successful": False,
        "synchronization_message": "",
    }
    assert sandbox.ledger[-1][1:3] == ("coupons.create", "SPRING")


async def test_everything_that_can_be_chosen(api: Any) -> None:
    """What is sent is answered, numbers to the digit; a code is made up."""
    chosen = {
        "name": "Spring",
        "active": False,
        "coupon_discount_type": "static",
        "coupon_discount_amount": Decimal("8.125"),
        "coupon_duration_type": "months",
        "coupon_duration_value": 3,
        "redemption_specific_date_status": True,
        "redemption_specific_date_value": "2026-12-31",
        "redemption_times_status": True,
        "redemption_times_value": 300,
        "metadata": {"rate": Decimal("0.1"), "deep": [{"a": None}], "n": 2**70},
    }
    sent = {**chosen, "uuid_code": None, "coupon_discount_amount": 8.125}
    data = await create(
        api, **{**sent, "metadata": {"rate": 0.1, "deep": [{"a": None}], "n": 2**70}}
    )
    assert {name: data[name] for name in chosen} == chosen
    assert len(data["uuid_code"]) == 12


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        pytest.param(
            dict.fromkeys(COUPON),
            ["coupon_discount_type", "coupon_discount_amount", "coupon_duration_type"],
            id="nothing",
        ),
        pytest.param({"uuid_code": "a b"}, ["uuid_code"], id="code with a blank"),
        pytest.param({"uuid_code": "c" * 256}, ["uuid_code"], id="long code"),
        pytest.param({"coupon_discount_type": "gift"}, ["coupon_discount_type"]),
        pytest.param({"coupon_discount_amount": "x"}, ["coupon_discount_amount"]),
        pytest.param({"coupon_discount_amount": -1}, ["coupon_discount_amount"]),
        pytest.param({"coupon_discount_amount": 100.5}, ["coupon_discount_amount"]),
        pytest.param({"coupon_duration_type": "weeks"}, ["coupon_duration_type"]),
        pytest.param({"coupon_duration_type": "days"}, ["coupon_duration_value"]),
        pytest.param({"coupon_duration_value": -1}, ["coupon_duration_value"]),
        pytest.param({"coupon_duration_value": "x"}, ["coupon_duration_value"]),
        pytest.param({"redemption_times_status": True}, ["redemption_times_value"]),
        pytest.param(
            {"redemption_specific_date_value": "31.12.2026"},
            ["redemption_specific_date_value"],
        ),
        pytest.param(
            {"redemption_specific_date_value": "20261231"},
            ["redemption_specific_date_value"],
        ),
        pytest.param({"metadata": [1]}, ["metadata"], id="metadata as a list"),
        pytest.param({"sync": {"provider": "stripe"}}, ["sync.provider"]),
        pytest.param({"promotion_codes": 5}, ["promotion_codes.0"]),
        pytest.param({"promotion_codes": ["a b"]}, ["promotion_codes.0.code"]),
    ],
)
async def test_creation_is_refused(
    api: Any, sandbox: Any, changes: dict[str, Any], fields: list[str]
) -> None:
    """Needed and conditional members, choices, ranges: each mistake by its name."""
    status, body = await api("POST", "/coupons", {**COUPON, **changes})
    assert (status, list(body["errors"])) == (422, fields)
    assert len(sandbox.ledger) == 2


async def test_code_is_unique_until_deleted(api: Any, serve: Any) -> None:
    """A second coupon under the code is refused; a deleted one frees it."""
    await create(api)
    status, body = await api("POST", "/coupons", COUPON)
    assert (status, list(body["errors"])) == (422, ["uuid_code"])
    await api("DELETE", "/coupons", {"uuid_code": "SPRING"})
    await create(api)
    _, other = await serve(assumptions=Assumptions(conflict_status=409))
    await create(other)
    assert (await other("POST", "/coupons", COUPON))[0] == 409


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        pytest.param([{"code": "A"}, {"code": "B"}], ["A", "B"], id="objects"),
        pytest.param(["A", "B"], ["A", "B"], id="texts"),
        pytest.param({"code": "A"}, ["A"], id="one object"),
        pytest.param({"data": [{"code": "A"}]}, ["A"], id="envelope"),
        pytest.param([], [], id="empty list"),
        pytest.param({"data": []}, [], id="empty envelope"),
        pytest.param(None, [], id="null"),
    ],
)
async def test_promotion_codes_come_along(
    api: Any, codes: Any, expected: list[str]
) -> None:
    """Codes are created with the coupon, which answers them in an envelope."""
    await create(api, promotion_codes=codes)
    for path in ("/coupons/SPRING", "/coupons"):
        _, body = await api("GET", path)
        (data,) = body["data"] if path == "/coupons" else [body["data"]]
        assert [item["code"] for item in data["promotion_codes"]["data"]] == expected


async def test_taken_promotion_code_undoes_the_coupon(api: Any) -> None:
    """All of it happens or nothing."""
    answer = await api("POST", "/coupons", {**COUPON, "promotion_codes": ["A", "A"]})
    assert (answer[0], list(answer[1]["errors"])) == (422, ["code"])
    assert (await api("GET", "/coupons/SPRING"))[0] == 404


async def test_update_merges_metadata_and_keeps_the_rest(api: Any, clock: Any) -> None:
    """Code and `active` stay; an empty name falls back to the code."""
    old = await create(api, name="Old", metadata={"a": 1, "b": 2})
    clock.now += 60
    data = await update(api, name="New", active=False, metadata={"b": 3, "c": []})
    assert data == {
        **old,
        "name": "New",
        "metadata": {"a": 1, "b": 3, "c": []},
        "updated_at": "2026-03-04T09:16:30.000000Z",
    }
    assert (await update(api, name=""))["name"] == "SPRING"
    assert (await update(api, metadata=[]))["metadata"] == data["metadata"]
    status, body = await api("PUT", "/coupons/SPRING", {"name": "By path"})
    assert (status, body["data"]["name"]) == (200, "By path")


async def test_redemptions_count(api: Any, clock: Any) -> None:
    """Each one adds an entry, unless its transaction is unknown or known already."""
    await create(api)
    sale = {"key": "t1", "amount": 1, "customer": {"key": "c1"}}
    assert (await api("POST", "/transactions", sale))[0] == 200
    assert (await update(api, redeem=False))["times_redeemed"] == 0
    assert (await update(api, transaction_key="t1"))["times_redeemed"] == 0
    first = await update(api, redeem=True, transaction_key="t1")
    entry = {"redeemed_at": STAMP, "transaction_key": "t1"}
    assert first["additional_info"] == {"redemptions": [entry]}
    clock.now += 60
    for key in ("t1", "nothing"):
        assert await update(api, redeem=True, transaction_key=key) == first
    again = {"redeemed_at": "2026-03-04T09:16:30.000000Z"}
    data = await update(api, redeem=True)
    assert data["additional_info"] == {"redemptions": [entry, again]}
    assert (data["times_redeemed"], data["updated_at"]) == (2, again["redeemed_at"])
    assert (await update(api, redeem=True))["times_redeemed"] == 3


async def test_transaction_of_another_program_type_redeems(serve: Any) -> None:
    """Refer-a-friend programs have sales and coupons too."""
    sandbox, api = await serve(programs=["refer_a_friend"])
    del sandbox
    await create(api)
    for customer in ({"id": "a"}, {"id": "b", "referring_customer": {"id": "a"}}):
        status, body = await api(
            "POST", "/customers", {**customer, "email": f"{customer['id']}@example.org"}
        )
        assert status in {200, 201}, body
    sale = {"key": "t1", "amount": 1, "customer": {"id": "b"}}
    assert (await api("POST", "/transactions", sale))[0] == 200
    for _ in range(2):
        data = await update(api, redeem=True, transaction_key="t1")
        assert data["times_redeemed"] == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"redeem": "yes"},
        {"redeem": True, "transaction_key": 5},
        {"metadata": 5},
        {"name": 5},
        {"sync": {"provider": "paddle"}},
    ],
    ids=lambda changes: next(reversed(changes)),
)
async def test_update_is_refused(api: Any, changes: dict[str, Any]) -> None:
    """Values are checked before anything happens."""
    old = await create(api)
    status, body = await api("PUT", "/coupons", {"uuid_code": "SPRING", **changes})
    (field,) = body["errors"]
    assert (status, field.partition(".")[0]) == (422, next(reversed(changes)))
    _, body = await api("GET", "/coupons/SPRING")
    assert body["data"] == {**old, "promotion_codes": {"data": []}}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/coupons", {"uuid_code": "SPRING"}, id="body"),
        pytest.param("/coupons/SPRING", None, id="path"),
    ],
)
async def test_delete_nests_the_status(api: Any, path: str, body: Any) -> None:
    """The codes of the coupon go with it, and so it is no longer found."""
    await create(api, promotion_codes=["A"])
    expected = {"data": {"status": 1, "message": "Coupon removed."}}
    assert await api("DELETE", path, body) == (200, expected)
    assert (await api("DELETE", path, body))[0] == 404
    assert (await api("GET", "/promotion-codes/A"))[0] == 404
    assert (await api("GET", "/coupons"))[1]["data"] == []
    for method in ("PUT", "DELETE"):
        assert (await api(method, "/coupons"))[0] == 422


async def test_deletions_as_switches(serve: Any) -> None:
    """An empty answer, and deleted coupons that stay in the list."""
    assumed = Assumptions(deletion_status=204, deleted_listed=True)
    _, api = await serve(assumptions=assumed)
    await create(api, promotion_codes=["A"])
    assert await api("DELETE", "/coupons/SPRING") == (204, None)
    _, body = await api("GET", "/coupons")
    assert [item["deleted_at"] for item in body["data"]] == [STAMP]
    _, body = await api("GET", "/promotion-codes")
    assert [item["code"] for item in body["data"]] == ["A"]
