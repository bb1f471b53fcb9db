from decimal import Decimal
from typing import Any

import pytest

from partnero_async.sandbox import Assumptions

PATH = "/payout_requests"
PAYPAL = {"gateway": "paypal", "payout_settings": {"username": "m@example.org"}}
REQUEST = {"partner": {"id": "pt1"}, "amount_units": "usd", **PAYPAL}


async def sell(api: Any, **members: Any) -> None:
    """Record a sale of customer c1."""
    sale = {"amount": 100, "customer": {"key": "c1"}, **members}
    assert (await api("POST", "/transactions", sale))[0] == 200


async def request(api: Any, **members: Any) -> Any:
    """Request a payout to partner pt1."""
    status, body = await api("POST", PATH, {**REQUEST, **members})
    assert status == 200, body
    return body["data"]


async def commissions(api: Any) -> Any:
    """Read what partner pt1 earned."""
    return (await api("GET", "/partners/pt1"))[1]["data"]["commissions"]


def money(amount: Any, currency: str = "USD") -> list[dict[str, Any]]:
    """Write an amount as partner statistics do."""
    return [{"currency": currency, "amount": amount}]


async def test_from_unpaid_to_paid(api: Any, sandbox: Any, clock: Any) -> None:
    """Commissions and bonuses are pending while the request is open, then paid."""
    await sell(api, amount=149.5)
    await sell(api, rewarded=True)
    await api("POST", "/partners/pt1/reward", {"amount": 5})
    earned = Decimal("19.95")
    assert await commissions(api) == {
        "paid": 10,
        "pending": [],
        "not_paid": money(earned),
    }
    data = await request(api)
    assert data == {
        "id": 1,
        "status": "requested",
        "amount": earned,
        "amount_units": "USD",
        "gateway": "paypal",
        "partner": {"id": "pt1", "email": "Marisol@example.org"},
        "created_at": "2026-03-04T09:15:30.000000Z",
        "updated_at": "2026-03-04T09:15:30.000000Z",
    }
    pending = {"paid": 10, "pending": money(earned), "not_paid": []}
    assert await commissions(api) == pending
    clock.now += 60
    status, body = await api("POST", f"{PATH}/1/approve")
    approved = {
        **data,
        "status": "approved",
        "updated_at": "2026-03-04T09:16:30.000000Z",
    }
    assert (status, body) == (200, {"data": approved, "status": 1})
    assert await commissions(api) == pending
    status, body = await api("POST", f"{PATH}/1/mark_as_paid")
    assert (status, body["data"]["status"]) == (200, "finished")
    assert (await api("GET", f"{PATH}/1"))[1] == body
    paid = {"paid": Decimal("29.95"), "pending": [], "not_paid": []}
    assert await commissions(api) == paid
    operations = [effect.operation for effect in sandbox.ledger[-3:]]
    assert operations == ["payouts.create", "payouts.approve", "payouts.mark_as_paid"]


async def test_wrong_states_are_named(api: Any, serve: Any) -> None:
    """Only a waiting request is approved, only an approved one is paid."""
    await sell(api)
    await request(api)
    order = [
        ("mark_as_paid", "requested", "marked as paid"),
        ("approve", None, None),
        ("approve", "approved", "approved"),
        ("mark_as_paid", None, None),
        ("approve", "finished", "approved"),
        ("mark_as_paid", "finished", "marked as paid"),
    ]
    for action, state, text in order:
        status, body = await api("POST", f"{PATH}/1/{action}")
        assert status == (400 if state else 200)
        if state:
            message = f"A payout in status {state} cannot be {text}."
            assert body == {"status": 0, "message": message}
    for method, path in (("GET", ""), ("POST", "/approve"), ("POST", "/mark_as_paid")):
        assert (await api(method, f"{PATH}/2{path}"))[0] == 404
    _, other = await serve(assumptions=Assumptions(payout_wrong_state=422))
    await prepare(other)
    await request(other)
    assert (await other("POST", f"{PATH}/1/mark_as_paid"))[0] == 422


async def prepare(api: Any) -> None:
    """Create partner pt1 with 10 in unpaid commissions."""
    await api("POST", "/partners", {"email": "m@example.org", "id": "pt1", "key": "mk"})
    await api("POST", "/partners/pt1/reward", {"amount": 10})


async def test_one_request_per_currency(api: Any) -> None:
    """A request covers the whole balance of its currency, once, and no other one."""
    await sell(api)
    await sell(api, amount_units="eur", amount=30)
    assert (await request(api, amount_units="EUR"))["amount"] == 3
    status, body = await api("POST", PATH, {**REQUEST, "amount_units": "eur"})
    assert (status, list(body["errors"])) == (422, ["amount_units"])
    await sell(api, amount_units="eur", amount=50)
    assert (await request(api, amount_units="eur"))["amount"] == 5
    assert await commissions(api) == {
        "paid": 0,
        "pending": money(8, "EUR"),
        "not_paid": money(10),
    }


async def test_paying_one_request_leaves_the_next_one_open(api: Any) -> None:
    """Each request has the commissions that it covers, and no others."""
    for amount in (100, 200, 300):
        await sell(api, amount=amount)
        await request(api)
    await api("POST", f"{PATH}/2/approve")
    await api("POST", f"{PATH}/2/mark_as_paid")
    assert await commissions(api) == {
        "paid": 20,
        "pending": money(40),
        "not_paid": [],
    }


async def test_hidden_and_deleted_sales_are_not_paid(api: Any) -> None:
    """Archiving takes a commission out of the balance, restoring brings it back."""
    for key in ("t1", "t2", "t3"):
        await sell(api, key=key)
    await api("POST", "/transactions/t1/archive")
    await api("DELETE", "/transactions/t2")
    assert (await request(api))["amount"] == 10
    await api("POST", "/transactions/t1/revoke-archive")
    assert (await commissions(api))["not_paid"] == money(10)
    await api("DELETE", "/customers/c1")
    assert await commissions(api) == {"paid": 0, "pending": [], "not_paid": []}
    assert (await api("GET", f"{PATH}/1"))[1]["data"]["amount"] == 10


@pytest.mark.parametrize("status", [422, 400])
async def test_impossible_requests(serve: Any, status: Any) -> None:
    """Without details, without balance, without an active partner."""
    _, api = await serve(assumptions=Assumptions(payout_impossible=status))
    await prepare(api)
    bare = {"partner": {"key": "mk"}, "amount_units": "usd"}
    for body, field in ((bare, "gateway"), ({**REQUEST, "amount_units": "eur"}, None)):
        answer = await api("POST", PATH, body)
        assert (answer[0], list(answer[1]["errors"])) == (
            status,
            [field or "amount_units"],
        )
    await api("POST", "/partners/pt1/archive")
    answer = await api("POST", PATH, REQUEST)
    assert (answer[0], list(answer[1]["errors"])) == (status, ["partner"])
    assert (await api("GET", PATH))[1]["data"] == []


async def test_last_way_of_paying_is_the_saved_one(api: Any) -> None:
    """Left out, the gateway of the request before is used."""
    await sell(api)
    await request(api)
    await sell(api)
    body = {"partner": {"email": "marisol@example.org"}, "amount_units": "USD"}
    status, answer = await api("POST", PATH, body)
    assert (status, answer["data"]["gateway"]) == (200, "paypal")


@pytest.mark.parametrize(
    ("gateway", "settings", "fields"),
    [
        pytest.param("cash", None, ["gateway"], id="unknown"),
        pytest.param("paypal", None, ["payout_settings.username"], id="paypal"),
        pytest.param("paypal", [1], ["payout_settings", "payout_settings.username"]),
        pytest.param("crypto", {}, ["payout_settings.wallet_address"], id="crypto"),
        pytest.param("crypto", {"wallet_address": "bc1"}, [], id="crypto works"),
        pytest.param("wise", {"email": "a@b.co"}, ["payout_settings"], id="wise"),
        pytest.param("wise", {}, [], id="wise works"),
        pytest.param("venmo", {}, ["payout_settings.name"], id="venmo"),
        pytest.param(
            "venmo",
            {"name": "M", "recipient_type": "EMAIL"},
            ["payout_settings.email"],
            id="venmo recipient",
        ),
        pytest.param(
            "venmo",
            {"name": "M", "recipient_type": "FAX"},
            ["payout_settings.recipient_type"],
            id="venmo type",
        ),
        pytest.param("venmo", {"name": "M"}, [], id="venmo works"),
        pytest.param(
            "venmo",
            {"name": "M", "recipient_type": "PHONE", "phone": "1"},
            [],
            id="venmo by phone",
        ),
    ],
)
async def test_each_gateway_needs_its_settings(
    api: Any, gateway: str, settings: Any, fields: list[str]
) -> None:
    """What is missing or does not belong there is named."""
    await sell(api)
    body = {**REQUEST, "gateway": gateway, "payout_settings": settings}
    status, answer = await api("POST", PATH, body)
    assert (status, list(answer.get("errors", {}))) == (422 if fields else 200, fields)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"partner": {"id": "pt9"}}, 404, id="unknown partner"),
        pytest.param({"partner": None}, 422, id="no partner"),
        pytest.param({"amount_units": None}, 422, id="no currency"),
        pytest.param({"reward_ids": [1]}, 422, id="rewards"),
    ],
)
async def test_creation_is_refused(
    api: Any, changes: dict[str, Any], status: int
) -> None:
    """Partner and currency are needed; rewards cannot be chosen by default."""
    await sell(api)
    assert (await api("POST", PATH, {**REQUEST, **changes}))[0] == status


async def test_rewards_can_be_chosen_as_a_switch(serve: Any) -> None:
    """Rewards are counted from 1; those of other partners are left alone."""
    _, api = await serve(assumptions=Assumptions(reward_ids_allowed=True))
    await prepare(api)
    await api("POST", "/partners/pt1/reward", {"amount": 7})
    for wrong in ("1", [True], ["1"]):
        assert (await api("POST", PATH, {**REQUEST, "reward_ids": wrong}))[0] == 422
    assert (await request(api, reward_ids=[2, 9]))["amount"] == 7
    assert (await request(api))["amount"] == 10


async def test_requested_stays_unpaid_as_a_switch(serve: Any) -> None:
    """Until it is paid; another request does not cover it again."""
    assumed = Assumptions(requested_commissions="not_paid")
    _, api = await serve(assumptions=assumed)
    await prepare(api)
    await request(api)
    assert await commissions(api) == {
        "paid": 0,
        "pending": [],
        "not_paid": money(10),
    }
    assert (await api("POST", PATH, REQUEST))[0] == 422


async def test_search_narrows(api: Any) -> None:
    """Every criterion has to match; the dotted spelling is the same."""
    await api("POST", "/partners", {"email": "b@example.org", "id": "pt2"})
    for partner in ("pt1", "pt2"):
        await api("POST", f"/partners/{partner}/reward", {"amount": 1})
        await request(api, partner={"id": partner})
    await api("POST", f"{PATH}/1/approve")
    for params, found in (
        ({}, [2, 1]),
        ({"sort": "asc"}, [1, 2]),
        ({"amount_units": "usd"}, [2, 1]),
        ({"amount_units": "eur"}, []),
        ({"partner_id": "pt1"}, [1]),
        ({"partner.id": "pt2"}, [2]),
        ({"partner_key": "mk"}, [1]),
        ({"partner.email": "MARISOL@example.org"}, [1]),
        ({"status": "requested"}, [2]),
        ({"status": "approved", "partner_id": "pt2"}, []),
    ):
        _, body = await api("GET", f"{PATH}:search", params=params)
        assert [item["id"] for item in body["data"]] == found
    for wrong in ({"status": "lost"}, {"status": ["requested"]}):
        assert (await api("GET", f"{PATH}:search", wrong))[0] == 422


@pytest.mark.parametrize(
    ("limits", "statuses"), [("usual", [200, 200]), ("connector", [422, 422])]
)
async def test_page_limits(serve: Any, limits: Any, statuses: list[int]) -> None:
    """15 a page by default; the connector's bounds are a switch."""
    _, api = await serve(assumptions=Assumptions(payout_limits=limits))
    _, body = await api("GET", PATH)
    assert (body["meta"]["per_page"], body["links"]["last"]) == (15, None)
    answers = [await api("GET", PATH, params={"limit": n}) for n in ("9", "101")]
    assert [answer[0] for answer in answers] == statuses
