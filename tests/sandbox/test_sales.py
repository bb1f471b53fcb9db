from decimal import Decimal
from typing import Any

import pytest

from partnero_async.sandbox import Assumptions

STAMP = "2026-03-04T09:15:30.000000Z"


async def record(api: Any, **sale: Any) -> Any:
    """Record a sale of customer c1; return the answer's data."""
    status, answer = await api(
        "POST", "/transactions", {"customer": {"key": "c1"}, **sale}
    )
    assert status == 200, answer
    return answer["data"]


async def test_sale_earns_an_exact_commission(api: Any) -> None:
    """One reward of a tenth, not rounded, with the whole shape around it."""
    sale = await record(api, key="t", amount=Decimal("33.333"), action="sale")
    shared = {
        "key": "t",
        "action": "sale",
        "partner": "pt1",
        "customer": "c1",
        "credit": False,
        "is_currency": True,
        "amount_units": "USD",
        "created_at": STAMP,
        "deleted_at": None,
    }
    reward = {
        **shared,
        "amount": Decimal("3.3333"),
        "status": "ok",
        "product_type_data": {},
    }
    assert sale == {**shared, "amount": Decimal("33.333"), "rewards": [reward]}
    assert (await api("GET", "/transactions/t"))[1]["data"] == sale


async def test_commission_is_configurable(serve: Any) -> None:
    """7.5 per cent of 149.5 is 11.2125 (the facts' own example)."""
    _, api = await serve(commission=Decimal("0.075"), currency="eur")
    await api("POST", "/partners", {"email": "a@b.co", "id": "p"})
    await api("POST", "/customers", {"key": "c1", "partner": {"id": "p"}})
    sale = await record(api, amount=Decimal("149.5"))
    assert sale["rewards"][0]["amount"] == Decimal("11.2125")
    assert sale["amount_units"] == "EUR"


@pytest.mark.parametrize(
    ("sale", "rewards"),
    [
        pytest.param({"amount": 20, "reward": 3}, [3], id="fixed"),
        pytest.param({"reward": "12.5"}, [Decimal("12.5")], id="reward only"),
        pytest.param({"amount": 20, "rewardable": False}, [], id="not rewardable"),
        pytest.param({"amount": 0}, [0], id="nothing"),
        pytest.param({"amount": "20"}, [2], id="text"),
    ],
)
async def test_reward(api: Any, sale: Any, rewards: list[Any]) -> None:
    """`reward` fixes the commission; a sale that is not rewardable has none."""
    answer = await record(api, **sale)
    assert [reward["amount"] for reward in answer["rewards"]] == rewards
    assert answer["amount"] == Decimal(sale.get("amount", 0))


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        pytest.param({"customer": {"key": "c1"}}, ["amount"], id="no amount"),
        pytest.param({"amount": 1}, ["customer.key"], id="no customer"),
        pytest.param({"amount": 1, "customer": {}}, ["customer.key"], id="nobody"),
        pytest.param(
            {"amount": 1, "customer": "c1"},
            ["customer", "customer.key"],
            id="customer as text",
        ),
        pytest.param(
            {"amount": "much", "customer": {"key": "c1"}}, ["amount"], id="amount"
        ),
        pytest.param(
            {
                "amount": 1,
                "reward": True,
                "key": 7,
                "rewarded": "yes",
                "product_id": {"a": 1},
                "product_type": [2**70],
                "created_at": "then",
                "gross_amount": "x",
                "discount_code": 5,
                "options": {"create_customer": "yes"},
                "customer": {"key": "c1"},
            },
            [
                "reward",
                "gross_amount",
                "discount_code",
                "key",
                "rewarded",
                "product_id",
                "product_type",
                "created_at",
                "options.create_customer",
            ],
            id="everything",
        ),
    ],
)
async def test_create_is_refused(
    api: Any, sandbox: Any, body: Any, fields: list[str]
) -> None:
    """An amount or a reward, a customer, and the documented types."""
    status, answer = await api("POST", "/transactions", body)
    assert (status, list(answer["errors"])) == (422, fields)
    assert len(sandbox.ledger) == 2


@pytest.mark.parametrize(
    "customer",
    [
        pytest.param({"key": "c1"}, id="key"),
        pytest.param({"email": "TOMASZ@example.com"}, id="email"),
        pytest.param({"id": "c1"}, id="id is the key"),
        pytest.param({"key": "c1", "email": "wrong@example.com"}, id="key wins"),
    ],
)
async def test_customer_is_named_in_three_ways(api: Any, customer: Any) -> None:
    """By key, e-mail or id."""
    assert (await record(api, amount=1, customer=customer))["customer"] == "c1"


@pytest.mark.parametrize(
    ("product", "expected"),
    [
        pytest.param({"product_id": "cabin"}, {"product_id": "cabin"}, id="text"),
        pytest.param({"product_type": 3}, {"product_type": 3}, id="integer"),
        pytest.param(
            {"product_id": [42, "57"], "product_type": []},
            {"product_id": "42,57"},
            id="lists",
        ),
        pytest.param({"product_id": "", "product_type": None}, {}, id="empty"),
    ],
)
async def test_product(api: Any, product: Any, expected: Any) -> None:
    """What was sold comes back inside the reward; lists are joined."""
    sale = await record(api, amount=1, **product)
    assert sale["rewards"][0]["product_type_data"] == expected


async def test_backdating_does_not_change_the_order(api: Any) -> None:
    """The order of lists is the order of arrival."""
    await record(api, key="first", amount=1, created_at=1772476800)
    await record(api, key="second", amount=1, created_at="1999-01-01T00:00:00Z")
    _, answer = await api("GET", "/transactions")
    assert [(item["key"], item["created_at"]) for item in answer["data"]] == [
        ("second", "1999-01-01T00:00:00.000000Z"),
        ("first", "2026-03-02T18:40:00.000000Z"),
    ]


async def test_shared_key_pays_twice(api: Any, sandbox: Any) -> None:
    """Keys are not unique: reading, deleting and archiving mean the newest sale."""
    await record(api, key="t", amount=1)
    await record(api, key="t", amount=2)
    assert (await api("GET", "/transactions/t"))[1]["data"]["amount"] == 2
    await api("DELETE", "/transactions/t")
    assert (await api("GET", "/transactions/t"))[1]["data"]["amount"] == 1
    effects = [(e.operation, e.amount) for e in sandbox.ledger[2:]]
    assert effects == [
        ("transactions.create", 1),
        ("transactions.create", 2),
        ("transactions.delete", 2),
    ]


async def test_unique_keys(serve: Any) -> None:
    """With the switch a second sale under the key is refused, also in a batch."""
    sandbox, api = await serve(unique_transaction_keys=True)
    body = {"key": "t", "amount": 1, "customer": {"key": "c"}}
    assert (await api("POST", "/transactions", body))[0] == 200
    status, answer = await api("POST", "/transactions", body)
    assert (status, list(answer["errors"])) == (422, ["key"])
    sales = [{"key": "u", "amount": 1}, {"key": "u", "amount": 1}]
    batch = {"customer": {"key": "c"}, "transactions": sales}
    assert (await api("POST", "/transactions", batch))[0] == 422
    assert len(sandbox.ledger) == 1
    await api("DELETE", "/transactions/t")
    assert (await api("POST", "/transactions", body))[0] == 200


async def test_sale_without_a_key_gets_one(api: Any) -> None:
    """Twelve letters and digits."""
    assert len((await record(api, amount=1))["key"]) == 12


async def test_unknown_customer_is_recorded_for_nobody(api: Any) -> None:
    """Partner and customer are null and there is no reward."""
    sale = await record(api, amount=1, reward=5, customer={"key": "nobody"})
    assert (sale["partner"], sale["customer"], sale["rewards"]) == (None, None, [])
    assert (await api("GET", "/customers/nobody"))[0] == 404


async def test_unknown_customer_is_refused_with_the_switch(serve: Any) -> None:
    """The other reading of the sources: 422."""
    _, api = await serve(unknown_customer="refuse")
    body = {"amount": 1, "customer": {"key": "nobody"}}
    status, answer = await api("POST", "/transactions", body)
    assert (status, list(answer["errors"])) == (422, ["customer.key"])


@pytest.mark.parametrize(
    ("members", "key"),
    [
        pytest.param(
            {"customer": {"key": "n", "partner": {"key": "mk"}}}, "n", id="nested"
        ),
        pytest.param(
            {"customer": {"id": "n"}, "partner": {"id": "pt1"}}, "n", id="top level"
        ),
        pytest.param(
            {"customer": {"email": "n@example.com", "partner": {"key": "mk"}}},
            "n@example.com",
            id="email as key",
        ),
    ],
)
async def test_create_customer_with_the_sale(api: Any, members: Any, key: str) -> None:
    """`options.create_customer` registers the buyer, once."""
    options = {"create_customer": True, "referral_url": "https://shop.example?aff=mk"}
    for _ in range(2):
        sale = await record(api, amount=10, options=options, **members)
        assert (sale["customer"], sale["partner"]) == (key, "pt1")
        assert sale["rewards"][0]["amount"] == 1
    assert len((await api("GET", "/customers"))[1]["data"]) == 2


async def test_created_customer_has_what_was_sent(api: Any) -> None:
    """Names, tags and the moment of registration are taken over."""
    customer = {
        "key": "n",
        "name": "Yara",
        "surname": "Beltran",
        "email": "y@example.org",
        "tags": ["trial"],
        "created_at": "2025-01-01T00:00:00Z",
        "partner": {"key": "mk"},
    }
    options = {"create_customer": True}
    await record(api, amount=1, customer=customer, options=options)
    data = (await api("GET", "/customers/n"))[1]["data"]
    assert (data["name"], data["surname"], data["email"]) == (
        "Yara",
        "Beltran",
        "y@example.org",
    )
    assert data["tags"] == [{"value": "trial"}]
    assert data["created_at"] == "2025-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("customer", "status"),
    [
        pytest.param({"key": "n", "partner": {"key": "no"}}, 400, id="unknown partner"),
        pytest.param({"key": "n"}, 422, id="no partner"),
        pytest.param(
            {"key": "n", "partner": {"key": "mk"}, "tags": 5}, 422, id="malformed"
        ),
    ],
)
async def test_create_customer_is_refused(
    api: Any, sandbox: Any, customer: Any, status: int
) -> None:
    """Then the sale is not recorded either."""
    body = {"amount": 1, "customer": customer, "options": {"create_customer": True}}
    assert (await api("POST", "/transactions", body))[0] == status
    assert len(sandbox.ledger) == 2


async def test_batch(api: Any, sandbox: Any) -> None:
    """Several sales of one customer, answered as a list, all or none."""
    sales = [{"key": "a", "amount": 64}, {"key": "b", "amount": "12.8"}]
    batch = {"customer": {"key": "c1"}, "transactions": sales}
    status, answer = await api("POST", "/transactions", batch)
    assert status == 200
    assert [item["amount"] for item in answer["data"]] == [64, Decimal("12.8")]
    assert [effect[1:3] for effect in sandbox.ledger[2:]] == [
        ("transactions.create_batch", "a"),
        ("transactions.create_batch", "b"),
    ]
    batch["transactions"] = [{"key": "c", "amount": 1}, {"key": "d"}]
    status, answer = await api("POST", "/transactions", batch)
    assert (status, list(answer["errors"])) == (422, ["transactions.1.amount"])
    assert len(sandbox.ledger) == 4


@pytest.mark.parametrize(
    ("reading", "units"),
    [
        pytest.param("full", "EUR", id="full"),
        pytest.param("documented", "USD", id="documented"),
    ],
)
async def test_what_a_sale_of_a_batch_may_have(
    serve: Any, reading: Any, units: str
) -> None:
    """Key, amount and action are documented, and then comes an ellipsis."""
    batch = {"transactions": [{"key": "a", "amount": 1, "amount_units": "eur"}]}
    _, api = await serve(assumptions=Assumptions(batch_sale=reading))
    answer = await api("POST", "/transactions", {**batch, "customer": {"key": "c"}})
    assert answer[1]["data"][0]["amount_units"] == units


async def test_archive_hides_the_rewards(api: Any) -> None:
    """The sale alone gets deleted_at until restored; the wrong state is 400."""
    await record(api, key="t", amount=1)
    assert (await api("POST", "/transactions/t/revoke-archive")) == (
        400,
        {"status": 0, "message": "The transaction is not archived."},
    )
    archived = await api("POST", "/transactions/t/archive", {"key": "t"})
    assert archived == (200, {"status": 1})
    assert (await api("POST", "/transactions/t/archive"))[0] == 400
    data = (await api("GET", "/transactions/t"))[1]["data"]
    assert (data["deleted_at"], data["rewards"][0]["deleted_at"]) == (STAMP, None)
    assert (await api("POST", "/transactions/t/revoke-archive"))[0] == 200
    data = (await api("GET", "/transactions/t"))[1]["data"]
    assert data["deleted_at"] is data["rewards"][0]["deleted_at"] is None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/transactions/t", None, id="path"),
        pytest.param("/transactions", {"key": "t"}, id="body"),
        pytest.param("/transactions/t", {"key": "t"}, id="both"),
    ],
)
async def test_delete(api: Any, path: str, body: Any) -> None:
    """A deleted sale is gone, the second time it is 404."""
    await record(api, key="t", amount=1)
    assert await api("DELETE", path, body) == (200, {"status": 1})
    assert await api("DELETE", path, body) == (
        404,
        {"status": 0, "message": "No transaction has this key."},
    )
    assert (await api("GET", "/transactions"))[1]["data"] == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/transactions/no", 404, id="get"),
        pytest.param("POST", "/transactions/no/archive", 404, id="archive"),
        pytest.param("POST", "/transactions/no/revoke-archive", 404, id="restore"),
        pytest.param("DELETE", "/transactions", 422, id="delete nothing"),
    ],
)
async def test_not_found(api: Any, method: str, path: str, status: int) -> None:
    """Nothing there is 404, nothing named 422."""
    assert (await api(method, path))[0] == status


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/transactions?key=mine", None, id="key"),
        pytest.param("/transactions?customer_key=c2", None, id="customer"),
        pytest.param("/transactions?customer.key=c2", None, id="customer, dot"),
        pytest.param("/transactions?customer_email=C2@example.com", None, id="email"),
        pytest.param("/transactions?partner_key=other", None, id="partner"),
        pytest.param("/transactions?partner_email=o@example.com", None, id="mail"),
        pytest.param("/transactions", {"partner": {"key": "other"}}, id="body"),
        pytest.param("/customers/c2/transactions", None, id="of a customer"),
    ],
)
async def test_filters(api: Any, path: str, body: Any) -> None:
    """Lists are narrowed by key, customer or partner, in every spelling."""
    other = {"email": "o@example.com", "id": "o", "key": "other"}
    await api("POST", "/partners", other)
    customer = {"key": "c2", "email": "c2@example.com", "partner": {"id": "o"}}
    await api("POST", "/customers", customer)
    await record(api, key="theirs", amount=1)
    await record(api, key="mine", amount=1, customer={"key": "c2"})
    status, answer = await api("GET", path, body)
    assert (status, [item["key"] for item in answer["data"]]) == (200, ["mine"])
