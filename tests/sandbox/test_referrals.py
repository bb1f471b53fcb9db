from typing import Any

import pytest

from partnero_async.sandbox import Assumptions, Effect

PRIYA = {"id": "u1", "key": "otter", "email": "priya@example.com", "name": "Priya"}
NOAH = {"key": "heron", "referring_customer": {"key": "otter"}}
EUR = {"amount": 5, "is_currency": True, "amount_units": "eur"}


@pytest.fixture
async def friends(serve: Any) -> Any:
    """Start a program in which Priya (u1, otter) referred Noah (heron)."""

    async def start(**settings: Any) -> Any:
        sandbox, api = await serve(
            programs=["refer_a_friend"], currency="EUR", **settings
        )
        for body in (PRIYA, NOAH):
            assert (await api("POST", "/customers", body))[0] == 200
        return sandbox, api

    return start


@pytest.fixture
async def api(friends: Any) -> Any:
    """Give the caller of such a program."""
    return (await friends())[1]


async def test_ids_and_keys(api: Any) -> None:
    """A lone key is the id too; without both, both are made up."""
    status, body = await api("POST", "/customers", {})
    assert (status, len(body["data"]["id"])) == (200, 12)
    assert body["data"]["referral_link"] != f"?ref={body['data']['id']}"
    assert (await api("GET", "/customers/heron"))[1]["data"]["id"] == "heron"
    assert (await api("GET", "/customers/otter"))[1]["data"]["id"] == "u1"
    _, body = await api("POST", "/customers", {"key": "u1"})
    assert body["data"]["id"] != "u1"


@pytest.mark.parametrize(
    ("body", "status", "errors"),
    [
        pytest.param({"id": "u1"}, 422, ["id"], id="id taken"),
        pytest.param(
            {"key": "otter", "email": "Priya@example.com"},
            422,
            ["email", "key"],
            id="key and e-mail taken",
        ),
        pytest.param({"email": "x"}, 422, ["email"], id="e-mail"),
        pytest.param({"password": "x"}, 422, ["password"], id="password"),
        pytest.param(
            {"metadata": {"date_of_birth": "1991-13-01"}},
            422,
            ["metadata.date_of_birth"],
            id="date",
        ),
        pytest.param({"referring_customer": {"key": "no"}}, 400, [], id="unknown"),
    ],
)
async def test_creation_refused(
    api: Any, body: Any, status: int, errors: list[str]
) -> None:
    """Uniqueness and shape are 422, an unknown referring customer 400."""
    answer = await api("POST", "/customers", body)
    assert answer[0] == status
    assert sorted(answer[1].get("errors", [])) == errors


async def test_same_address_twice_is_the_same_person(api: Any) -> None:
    """An update may repeat what the customer has, but take nothing of another."""
    changes = {
        "email": "priya@example.com",
        "metadata": {"date_of_birth": "1991-07-19"},
    }
    status, body = await api("PUT", "/customers/u1", changes)
    assert (status, body["data"]["metadata"]["date_of_birth"]) == (200, "1991-07-19")
    answer = await api("PUT", "/customers/heron", {"email": "priya@example.com"})
    assert (answer[0], list(answer[1]["errors"])) == (422, ["email"])


async def test_update_in_the_body(api: Any) -> None:
    """Found by id, key or e-mail; nobody is 404."""
    update = {"name": "Noah"}
    _, body = await api("PUT", "/customers", {"key": "heron", "update": update})
    assert body["data"]["name"] == "Noah"
    assert (await api("PUT", "/customers", {"id": "no", "update": update}))[0] == 404
    assert (await api("PUT", "/customers", {"update": update}))[0] == 404


async def test_lists(api: Any) -> None:
    """By who was referred; anything else is refused."""

    async def ids(query: str) -> list[str]:
        _, body = await api("GET", f"/customers{query}")
        return [item["id"] for item in body["data"]]

    assert await ids("") == ["heron", "u1"]
    assert await ids("?refer_status=referred") == ["heron"]
    assert await ids("?refer_status=non_referred") == ["u1"]
    assert await ids(":search?key=OTT") == ["u1"]
    assert (await api("GET", "/customers?refer_status=1"))[0] == 422
    answer = await api("GET", "/customers", {"refer_status": "referred", "limit": 1})
    assert [item["id"] for item in answer[1]["data"]] == ["heron"]


async def test_archive_and_delete(api: Any) -> None:
    """Archived is shown as deleted and can be undone; deleted is gone."""
    assert (await api("POST", "/customers/heron/archive"))[0] == 200
    assert (await api("GET", "/customers/heron"))[1]["data"]["status"] == "deleted"
    assert (await api("POST", "/customers/heron/archive"))[0] == 400
    assert (await api("POST", "/customers/heron/revoke-archive"))[0] == 200
    assert (await api("POST", "/customers/heron/revoke-archive"))[0] == 400
    _, body = await api("GET", "/customers/u1/stats")
    assert body["data"] == {"referrals_count": 1}
    assert (await api("DELETE", "/customers/heron"))[0] == 200
    assert (await api("DELETE", "/customers/heron"))[0] == 404
    _, body = await api("GET", "/customers/u1")
    assert body["data"]["referrals_count"] == 0
    assert (await api("POST", "/customers", NOAH))[0] == 200


async def test_switches(friends: Any) -> None:
    """Repeated archiving may pass, deleted ones be listed, the referrer be whole."""
    assumptions = Assumptions(
        repeated_archive=200, deleted_listed=True, referring_customer="full"
    )
    _, api = await friends(assumptions=assumptions)
    assert (await api("POST", "/customers/u1/revoke-archive"))[0] == 200
    _, body = await api("GET", "/customers/heron")
    assert body["data"]["referring_customer"]["email"] == "priya@example.com"
    await api("DELETE", "/customers/u1")
    _, body = await api("GET", "/customers")
    assert [item["id"] for item in body["data"]] == ["heron", "u1"]
    assert body["data"][1]["referral_links"] == []


async def test_invitations_need_an_address(friends: Any) -> None:
    """Nothing is sent; the ledger knows of it."""
    sandbox, api = await friends()
    body = {"email": "l@example.org", "name": "Lucia", "personalization": {"a": "b"}}
    assert await api("POST", "/customers:invite", body) == (
        200,
        {"data": [], "status": 1},
    )
    assert sandbox.ledger[-1] == Effect(3, "referrals.invite", "l@example.org", None)
    assert (await api("POST", "/customers:invite", {}))[0] == 422


async def test_credits_add_up(api: Any) -> None:
    """Exactly, in the currency of the program."""
    for amount in ("0.10", "0.20", 5):
        answer = await api(
            "POST", "/customers/u1/balance/credit", {**EUR, "amount": amount}
        )
        assert answer[0] == 200
    _, body = await api("GET", "/customers/u1/balance")
    assert str(body["data"]["balance"]["currency"][0]["amount"]) == "5.3"
    assert body["data"]["customer"]["id"] == "u1"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        pytest.param({"amount": 0}, "amount", id="nothing"),
        pytest.param({"amount": None}, "amount", id="no amount"),
        pytest.param({"is_currency": None}, "is_currency", id="no flag"),
        pytest.param({"amount_units": ""}, "amount_units", id="no unit"),
        pytest.param({"amount_units": "usd"}, "amount_units", id="other currency"),
        pytest.param({"is_currency": False}, "amount_units", id="no money"),
    ],
)
async def test_credit_refused(api: Any, change: Any, name: str) -> None:
    """All three members are needed, in a unit that is set up."""
    answer = await api("POST", "/customers/u1/balance/credit", {**EUR, **change})
    assert (answer[0], list(answer[1]["errors"])) == (422, [name])


async def test_other_units(friends: Any) -> None:
    """With the switch, what is no money has a bucket of its own."""
    _, api = await friends(assumptions=Assumptions(foreign_credit="accept"))
    points = {"amount": 7, "is_currency": False, "amount_units": "points"}
    await api("POST", "/customers/u1/balance/credit", points)
    _, body = await api("GET", "/customers/u1/balance")
    expected = {"amount": 7, "amount_units": "points", "is_currency": False}
    assert body["data"]["balance"] == {"currency": [], "other": [expected]}
