from typing import Any

import pytest

from partnero_async.sandbox import Assumptions

COUPON = {
    "uuid_code": "SPRING",
    "coupon_discount_type": "percent",
    "coupon_discount_amount": 15,
    "coupon_duration_type": "once",
}
PATH = "/promotion-codes"


@pytest.fixture
async def api(api: Any) -> Any:
    """Add the coupon SPRING."""
    assert (await api("POST", "/coupons", COUPON))[0] == 200
    return api


async def create(api: Any, **members: Any) -> Any:
    """Create a code under the coupon SPRING."""
    body = {"coupon_uuid": "SPRING", "code": "ANNA", **members}
    status, answer = await api("POST", PATH, body)
    assert (status, answer.get("message")) == (200, "Promotion code stored."), answer
    return answer["data"]


async def update(api: Any, **members: Any) -> Any:
    """Update the code ANNA."""
    status, body = await api("PUT", PATH, {"code": "ANNA", **members})
    assert status == 200, body
    return body["data"]


async def test_created_code_shows_no_counters(api: Any, sandbox: Any) -> None:
    """What is not sent is off, null, or empty."""
    assert await create(api, coupon_specific_partners={}, metadata=[]) == {
        "code": "ANNA",
        "first_time_order": False,
        "limit_to_specific_partner": False,
        "coupon_specific_partners": [],
        "limit_to_specific_customer": False,
        "coupon_specific_customers": [],
        "minimum_order_status": False,
        "minimum_order_value": None,
        "expiration_date_status": False,
        "expiration_date_value": None,
        "redemption_times_status": False,
        "redemption_times_value": None,
        "metadata": [],
    }
    assert sandbox.ledger[-1][1:3] == ("promotion_codes.create", "ANNA")


async def test_everything_that_can_be_chosen(api: Any) -> None:
    """Limits are answered as they were sent; subscribers are accepted unseen."""
    chosen = {
        "first_time_order": True,
        "limit_to_specific_partner": True,
        "coupon_specific_partners": {"id": "pt1", "full_name": "Marisol"},
        "limit_to_specific_customer": True,
        "coupon_specific_customers": [{"id": 7, "customer_full_name": "Tomasz"}],
        "minimum_order_status": True,
        "minimum_order_value": 40,
        "expiration_date_status": True,
        "expiration_date_value": "2026-12-31",
        "redemption_times_status": True,
        "redemption_times_value": 3,
        "metadata": {"channel": "podcast"},
    }
    subscribers = {
        "limit_to_specific_subscriber": True,
        "coupon_specific_subscribers": {"id": 1},
    }
    data = await create(api, code=None, **chosen, **subscribers)
    assert data == {"code": data["code"], **chosen}
    assert len(data["code"]) == 12


@pytest.mark.parametrize(
    ("path", "names"),
    [
        pytest.param("/promotion-code", {"coupon_uuid": "SPRING"}, id="singular"),
        pytest.param(PATH, {"coupon_id": 1}, id="number"),
        pytest.param(PATH, {"coupon_uuid": "SPRING", "coupon_id": 9}, id="both"),
    ],
)
async def test_older_forms(api: Any, path: str, names: dict[str, Any]) -> None:
    """The singular path, and the coupon by number; its code wins."""
    assert (await api("POST", path, {"code": "OLD", **names}))[0] == 200
    _, body = await api("GET", f"{PATH}/OLD")
    assert body["data"]["coupon"]["uuid_code"] == "SPRING"


@pytest.mark.parametrize(
    ("changes", "status", "fields"),
    [
        pytest.param({"coupon_uuid": None}, 422, ["coupon_uuid"], id="no coupon"),
        pytest.param({"coupon_uuid": "X"}, 404, [], id="unknown coupon"),
        pytest.param({"code": "a b"}, 422, ["code"], id="blank"),
        pytest.param({"code": "c" * 101}, 422, ["code"], id="long"),
        pytest.param({"first_time_order": 1}, 422, ["first_time_order"], id="flag"),
        pytest.param(
            {"limit_to_specific_partner": True}, 422, ["coupon_specific_partners"]
        ),
        pytest.param(
            {"coupon_specific_customers": "Tomasz"}, 422, ["coupon_specific_customers"]
        ),
        pytest.param(
            {"coupon_specific_customers": [5]}, 422, ["coupon_specific_customers"]
        ),
        pytest.param(
            {"coupon_specific_partners": {"id": True}},
            422,
            ["coupon_specific_partners"],
        ),
        pytest.param(
            {"coupon_specific_partners": {"id": [1]}}, 422, ["coupon_specific_partners"]
        ),
        pytest.param({"minimum_order_status": True}, 422, ["minimum_order_value"]),
        pytest.param({"expiration_date_status": True}, 422, ["expiration_date_value"]),
    ],
)
async def test_creation_is_refused(
    api: Any, changes: dict[str, Any], status: int, fields: list[str]
) -> None:
    """A coupon there is, a code of its signs, and what a limit needs."""
    body = {"coupon_uuid": "SPRING", "code": "ANNA", **changes}
    answer = await api("POST", PATH, body)
    assert (answer[0], list(answer[1].get("errors", {}))) == (status, fields)


async def test_code_is_unique(api: Any, serve: Any) -> None:
    """Under any coupon, with the code of conflicts that was assumed."""
    await create(api)
    status, body = await api("POST", PATH, {"coupon_uuid": "SPRING", "code": "ANNA"})
    assert (status, list(body["errors"])) == (422, ["code"])
    _, other = await serve(assumptions=Assumptions(conflict_status=409))
    await other("POST", "/coupons", {**COUPON, "promotion_codes": ["ANNA"]})
    taken = await other("POST", PATH, {"coupon_uuid": "SPRING", "code": "ANNA"})
    assert taken[0] == 409


async def test_get_has_the_coupon_in_short(api: Any) -> None:
    """The list has neither coupon nor counters."""
    data = await create(api)
    _, body = await api("GET", f"{PATH}/ANNA")
    coupon = body["data"].pop("coupon")
    assert body["data"] == data
    assert coupon == {
        "name": "SPRING",
        **COUPON,
        "active": True,
        "coupon_duration_value": None,
        "created_at": "2026-03-04T09:15:30.000000Z",
        "updated_at": "2026-03-04T09:15:30.000000Z",
    }
    _, body = await api("GET", PATH)
    assert (body["data"], body["meta"]["per_page"]) == ([data], 15)
    assert (await api("GET", f"{PATH}/NOBODY"))[0] == 404


async def test_update_shows_the_redemptions(api: Any) -> None:
    """Metadata merges; the same transaction counts once, nameless ones every time."""
    await create(api, metadata={"a": 1})
    sale = {"key": "t1", "amount": 1, "customer": {"key": "c1"}}
    await api("POST", "/transactions", sale)
    data = await update(api, metadata={"b": 2})
    assert (data["metadata"], data["times_redeemed"], data["additional_info"]) == (
        {"a": 1, "b": 2},
        0,
        [],
    )
    for _ in range(2):
        data = await update(api, redeem=True, transaction_key="t1")
        assert data["times_redeemed"] == 1
    assert (await update(api, redeem=True))["times_redeemed"] == 2
    assert "times_redeemed" not in (await api("GET", f"{PATH}/ANNA"))[1]["data"]


async def test_update_changes_the_partner(api: Any) -> None:
    """The limit to a partner alone can be changed, by body or path."""
    await create(api, first_time_order=True)
    limit = {
        "limit_to_specific_partner": True,
        "coupon_specific_partners": [{"id": "pt1"}],
    }
    data = await update(api, **limit, first_time_order=False)
    assert (data["coupon_specific_partners"], data["first_time_order"]) == (
        [{"id": "pt1"}],
        True,
    )
    assert (await update(api, metadata={}))["limit_to_specific_partner"]
    status, body = await api(
        "PUT", f"{PATH}/ANNA", {"limit_to_specific_partner": False}
    )
    assert (status, body["data"]["coupon_specific_partners"]) == (200, [{"id": "pt1"}])
    assert (await api("PUT", PATH, {"code": "ANNA", "metadata": 1}))[0] == 422
    assert (await api("PUT", PATH, {"code": "NOBODY"}))[0] == 404
    assert (await api("PUT", PATH, {}))[0] == 422


async def test_counters_everywhere_as_a_switch(serve: Any) -> None:
    """The newer field table has counters in every answer."""
    _, api = await serve(assumptions=Assumptions(full_promotion_codes=True))
    await api("POST", "/coupons", {**COUPON, "promotion_codes": ["ANNA"]})
    _, body = await api("GET", PATH)
    assert body["data"][0]["times_redeemed"] == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param(PATH, {"code": "ANNA", "coupon": {"uuid_code": "SPRING"}}),
        pytest.param(f"{PATH}/ANNA", None),
    ],
    ids=["body", "path"],
)
async def test_delete(api: Any, path: str, body: Any) -> None:
    """The status is nested; in the body the coupon is needed, and has to fit."""
    await create(api)
    wrong = {"code": "ANNA", "coupon": {"uuid_code": "OTHER"}}
    assert (await api("DELETE", PATH, wrong))[0] == 404
    assert (await api("DELETE", PATH, {"code": "ANNA"}))[0] == 422
    expected = {"data": {"status": 1, "message": "Promotion code removed."}}
    assert await api("DELETE", path, body) == (200, expected)
    assert (await api("DELETE", path, body))[0] == 404
    assert (await create(api))["code"] == "ANNA"
