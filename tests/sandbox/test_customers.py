from typing import Any

import pytest

STAMP = "2026-03-04T09:15:30.000000Z"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param(
            "/customers", {"key": "n", "name": "N", "partner": {"key": "mk"}}, id="flat"
        ),
        pytest.param(
            "/customers",
            {"partner": {"key": "mk"}, "customer": {"key": "n", "name": "N"}},
            id="envelope",
        ),
        pytest.param(
            "/customers",
            {"customer": {"key": "n", "name": "N", "partner": {"id": "pt1"}}},
            id="partner in the envelope",
        ),
        pytest.param(
            "/customer",
            {
                "partner": {"email": "marisol@example.org"},
                "customer": {"key": "n", "name": "N"},
            },
            id="singular",
        ),
    ],
)
async def test_create_in_every_form(api: Any, path: str, body: Any) -> None:
    """Flat, or in the older envelope; the answer names the partner by id."""
    status, answer = await api("POST", path, body)
    assert status == 200
    assert answer["data"] == {
        "key": "n",
        "partner": "pt1",
        "deleted": False,
        "name": "N",
        "surname": None,
        "email": None,
        "status": "active",
        "created_at": STAMP,
        "updated_at": STAMP,
        "deleted_at": None,
        "tags": [],
    }


@pytest.mark.parametrize(
    ("body", "status", "errors"),
    [
        pytest.param(
            {"tags": [7]}, 422, ["key", "tags.0", "partner.key"], id="everything"
        ),
        pytest.param(
            {"key": "c1", "partner": {"key": "mk"}}, 422, ["key"], id="key taken"
        ),
        pytest.param(
            {"partner": {"key": "mk"}, "customer": {}},
            422,
            ["customer.key"],
            id="empty",
        ),
        pytest.param({"key": "n", "partner": {"key": "no"}}, 400, None, id="partner"),
        pytest.param({"key": "n", "partner": {"id": "mk"}}, 400, None, id="key as id"),
        pytest.param(
            {"key": "n", "partner": {"id": "pt1"}, "options": {"referral_url": 1}},
            422,
            ["options.referral_url"],
            id="options",
        ),
    ],
)
async def test_create_is_refused(
    api: Any, sandbox: Any, body: Any, status: int, errors: Any
) -> None:
    """422 for shape and a key that is taken, 400 for an unknown partner."""
    answer = await api("POST", "/customers", body)
    assert answer[0] == status
    assert (list(answer[1]["errors"]) if errors else None) == errors
    assert len(sandbox.ledger) == 2


async def test_create_with_a_first_sale(api: Any, sandbox: Any) -> None:
    """The PHP library's `transaction` is recorded in the same call, or nothing is."""
    body = {"key": "n", "partner": {"id": "pt1"}, "transaction": {"key": "t"}}
    assert (await api("POST", "/customers", body))[0] == 422
    assert (await api("GET", "/customers/n"))[0] == 404
    body["transaction"] = {"key": "t", "amount": 10}
    assert (await api("POST", "/customers", body))[0] == 200
    assert (await api("GET", "/transactions/t"))[1]["data"]["customer"] == "n"
    effects = [effect.operation for effect in sandbox.ledger[2:]]
    assert effects == ["customers.create", "transactions.create"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/customers/c1", None, id="key"),
        pytest.param("/customers/tomasz%40example.com", None, id="email"),
        pytest.param("/customer", {"key": "c1"}, id="body"),
        pytest.param("/customer?key=c1", None, id="query"),
    ],
)
async def test_get(api: Any, path: str, body: Any) -> None:
    """A customer is read by key, the connector's e-mail, or the legacy body."""
    status, answer = await api("GET", path, body)
    assert (status, answer["data"]["key"]) == (200, "c1")


async def test_keys_are_percent_decoded(api: Any) -> None:
    """A key may hold what a path may not."""
    key = "a/b?c#d %41é"
    await api("POST", "/customers", {"key": key, "partner": {"id": "pt1"}})
    quoted = "/customers/a%2Fb%3Fc%23d%20%2541%C3%A9"
    status, answer = await api("GET", quoted)
    assert (status, answer["data"]["key"]) == (200, key)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/customers/c1", {"update": {"name": "N"}}, id="envelope"),
        pytest.param("/customers/c1", {"name": "N"}, id="flat"),
        pytest.param(
            "/customers", {"key": "c1", "update": {"name": "N"}}, id="key in body"
        ),
        pytest.param("/customers", {"key": "c1", "name": "N"}, id="flat in body"),
        pytest.param(
            "/customer", {"key": "c1", "update": {"name": "N"}}, id="singular"
        ),
    ],
)
async def test_update_in_every_form(api: Any, path: str, body: Any) -> None:
    """Path or body identifies, envelope or flat members change."""
    status, answer = await api("PUT", path, body)
    assert status == 200
    assert (answer["data"]["key"], answer["data"]["name"]) == ("c1", "N")
    assert answer["data"]["email"] == "tomasz@example.com"


async def test_update_of_key_and_tags(api: Any, clock: Any) -> None:
    """A new key replaces the old one if it is free; tags are replaced as a set."""
    await api("POST", "/customers", {"key": "c2", "partner": {"id": "pt1"}})
    assert (await api("PUT", "/customers/c1", {"update": {"key": "c2"}}))[0] == 422
    clock.now += 1
    changes = {"key": "c3", "tags": ["a"], "email": ""}
    _, answer = await api("PUT", "/customers/c1", {"update": changes})
    assert answer["data"]["tags"] == [{"value": "a"}]
    assert answer["data"]["email"] is None
    assert answer["data"]["updated_at"] == "2026-03-04T09:15:31.000000Z"
    assert (await api("GET", "/customers/c1"))[0] == 404
    same = await api("PUT", "/customers/c3", {"update": {"key": "c3"}})
    assert same[0] == 200


async def test_suspended_customer_earns_its_partner_nothing(api: Any) -> None:
    """Sales go on being recorded; suspending or approving again is fine."""
    sale = {"amount": 5, "reward": 3, "customer": {"key": "c1"}}
    for _ in range(2):
        assert await api("POST", "/customers/c1/suspend") == (200, {"status": 1})
    assert (await api("GET", "/customers/c1"))[1]["data"]["status"] == "suspended"
    _, answer = await api("POST", "/transactions", sale)
    assert (answer["data"]["partner"], answer["data"]["rewards"]) == ("pt1", [])
    for _ in range(2):
        assert await api("POST", "/customers/c1/approve") == (200, {"status": 1})
    _, answer = await api("POST", "/transactions", sale)
    assert [reward["amount"] for reward in answer["data"]["rewards"]] == [3]


async def test_archived_customer_is_shown_as_deleted(api: Any) -> None:
    """Archiving is reversible, earns nothing meanwhile, and 400 in the wrong state."""
    sale = {"amount": 5, "customer": {"key": "c1"}}
    assert (await api("POST", "/customers/c1/revoke-archive"))[0] == 400
    assert await api("POST", "/customers/c1/archive") == (200, {"status": 1})
    assert (await api("POST", "/customers/c1/archive"))[0] == 400
    item = (await api("GET", "/customers"))[1]["data"][0]
    assert (item["deleted"], item["deleted_at"]) == (True, STAMP)
    assert (await api("POST", "/transactions", sale))[1]["data"]["rewards"] == []
    assert (await api("POST", "/customers/c1/revoke-archive"))[0] == 200
    assert (await api("GET", "/customers/c1"))[1]["data"]["deleted"] is False


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/customers/c1", None, id="path"),
        pytest.param("/customers", {"key": "c1"}, id="body"),
        pytest.param("/customer", {"key": "c1"}, id="singular"),
    ],
)
async def test_delete_takes_the_sales_along(api: Any, path: str, body: Any) -> None:
    """The history goes with the customer, and so does the commission."""
    sale = {"key": "t", "amount": 5, "customer": {"key": "c1"}}
    await api("POST", "/transactions", sale)
    assert await api("DELETE", path, body) == (200, {"status": 1})
    assert (await api("DELETE", path, body))[0] == 404
    assert (await api("GET", "/transactions/t"))[0] == 404
    assert (await api("GET", "/customers"))[1]["data"] == []
    partner = (await api("GET", "/partners/pt1"))[1]["data"]
    assert (partner["referrals_count"], partner["commissions"]["not_paid"]) == (0, [])
    again = {"key": "c1", "partner": {"id": "pt1"}}
    assert (await api("POST", "/customers", again))[0] == 200


async def test_the_id_comes_before_the_key(api: Any) -> None:
    """Of several names in a body that one counts, as it does for partners."""
    await api("POST", "/customers", {"key": "c2", "partner": {"id": "pt1"}})
    sale = {"amount": 1, "customer": {"key": "c1", "id": "c2"}}
    _, answer = await api("POST", "/transactions", sale)
    assert answer["data"]["customer"] == "c2"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "/customers/no", id="get"),
        pytest.param("GET", "/customer?key=no", id="get by query"),
        pytest.param("PUT", "/customers/no", id="update"),
        pytest.param("DELETE", "/customers/no", id="delete"),
        pytest.param("POST", "/customers/no/suspend", id="suspend"),
        pytest.param("POST", "/customers/no/archive", id="archive"),
        pytest.param("GET", "/customers/no/transactions", id="transactions"),
    ],
)
async def test_not_found(api: Any, method: str, path: str) -> None:
    """Nobody there is 404."""
    status, answer = await api(method, path)
    assert status == 404
    assert answer == {"status": 0, "message": "No customer has this key."}


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("partner_key=other", id="underscore"),
        pytest.param("partner.key=other", id="dot"),
        pytest.param("partner%5Bkey%5D=other", id="brackets"),
        pytest.param("partner_email=other@example.com", id="email"),
        pytest.param("partner_id=o", id="id"),
    ],
)
async def test_list_of_one_partner(api: Any, query: str) -> None:
    """The filter by partner has several spellings, in the query or a JSON body."""
    other = {"email": "other@example.com", "id": "o", "key": "other"}
    await api("POST", "/partners", other)
    await api("POST", "/customers", {"key": "c2", "partner": {"id": "o"}})
    _, answer = await api("GET", f"/customers?{query}")
    assert [item["key"] for item in answer["data"]] == ["c2"]
    _, answer = await api("GET", "/customers", {"partner": {"key": "other"}})
    assert [item["key"] for item in answer["data"]] == ["c2"]


async def test_items_of_a_list_are_short(api: Any) -> None:
    """Lists have neither status nor tags."""
    _, answer = await api("GET", "/customers")
    assert {"status", "tags"}.isdisjoint(answer["data"][0])
