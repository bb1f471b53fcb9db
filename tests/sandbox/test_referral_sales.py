from decimal import Decimal
from typing import Any

import pytest

from partnero_async.sandbox import Assumptions, ReferralReward

SALE = {"key": "t1", "amount": 149.5, "customer": {"id": "heron"}}


@pytest.fixture
async def shop(serve: Any) -> Any:
    """Start a program in which otter referred heron."""

    async def start(**settings: Any) -> Any:
        sandbox, api = await serve(
            programs=["refer_a_friend"], currency="EUR", **settings
        )
        await api("POST", "/customers", {"key": "otter"})
        heron = {"key": "heron", "referring_customer": {"id": "otter"}}
        await api("POST", "/customers", {**heron, "email": "h@example.com"})
        return sandbox, api

    return start


async def balance(api: Any) -> Any:
    """Read what otter has in euros."""
    _, body = await api("GET", "/customers/otter/balance")
    amounts = body["data"]["balance"]["currency"]
    return amounts[0]["amount"] if amounts else 0


async def test_a_sale_rewards_who_referred(shop: Any) -> None:
    """Not rounded; a deletion takes the reward back."""
    _, api = await shop(commission=Decimal("0.075"))
    status, body = await api("POST", "/transactions", SALE)
    sale = body["data"]
    assert (status, sale["customer"], sale["referred_customer"]) == (
        200,
        "otter",
        "heron",
    )
    assert [str(reward["amount"]) for reward in sale["rewards"]] == ["11.2125"]
    assert str(await balance(api)) == "11.2125"
    assert (await api("GET", "/transactions/t1"))[1]["data"] == sale
    assert (await api("DELETE", "/transactions", {"key": "t1"}))[0] == 200
    assert (await api("DELETE", "/transactions/t1"))[0] == 404
    assert await balance(api) == 0


async def test_no_archive_by_key(shop: Any) -> None:
    """Archiving is documented for affiliate programs only."""
    _, api = await shop()
    await api("POST", "/transactions", SALE)
    assert (await api("POST", "/transactions/t1/archive"))[0] == 404


@pytest.mark.parametrize(
    ("rule", "balances"),
    [
        pytest.param(ReferralReward(), [10, 20], id="share"),
        pytest.param(
            ReferralReward(share=Decimal(0), amount=Decimal("2.5")),
            [Decimal("2.5"), 5],
            id="amount",
        ),
        pytest.param(ReferralReward(first_sale_only=True), [10, 10], id="first sale"),
        pytest.param(ReferralReward(share=Decimal(0)), [0, 0], id="nothing"),
    ],
)
async def test_rules(shop: Any, rule: Any, balances: list[Any]) -> None:
    """A share, an amount, for every sale or for the first one."""
    _, api = await shop(referral_reward=rule)
    found = []
    for key in ("t1", "t2"):
        await api("POST", "/transactions", {**SALE, "key": key, "amount": 100})
        found.append(await balance(api))
    assert found == balances


@pytest.mark.parametrize("archived", ["otter", "heron"])
async def test_archived_customers_earn_nothing(shop: Any, archived: str) -> None:
    """Neither by buying nor by having referred."""
    _, api = await shop()
    await api("POST", f"/customers/{archived}/archive")
    _, body = await api("POST", "/transactions", SALE)
    assert body["data"]["rewards"] == []
    assert await balance(api) == 0


async def test_not_rewardable(shop: Any) -> None:
    """The flag of the sale counts; a fixed reward is for affiliate programs."""
    _, api = await shop()
    body = {**SALE, "rewardable": False, "reward": 5}
    _, body = await api("POST", "/transactions", body)
    assert (body["data"]["amount"], body["data"]["rewards"]) == (Decimal("149.5"), [])


async def test_deleted_buyers_take_their_sales_along(shop: Any) -> None:
    """And with them what they earned."""
    _, api = await shop()
    await api("POST", "/transactions", SALE)
    await api("DELETE", "/customers/heron")
    assert await balance(api) == 0
    assert (await api("GET", "/transactions"))[1]["data"] == []


@pytest.mark.parametrize(
    ("body", "names"),
    [
        pytest.param({**SALE, "customer": {"id": "otter"}}, ["customer"], id="nobody"),
        pytest.param({**SALE, "customer": {"id": "no"}}, ["customer"], id="unknown"),
        pytest.param({"amount": 1}, ["customer.key"], id="no customer"),
        pytest.param({"customer": {"id": "heron"}}, ["amount"], id="no amount"),
    ],
)
async def test_refused(shop: Any, body: Any, names: list[str]) -> None:
    """Sales are for referred customers only."""
    _, api = await shop()
    answer = await api("POST", "/transactions", body)
    assert (answer[0], list(answer[1]["errors"])) == (422, names)


async def test_unreferred_by_switch(shop: Any) -> None:
    """Recorded for nobody; without a key of its own it gets none."""
    assumptions = Assumptions(unreferred_sale="record", missing_key="null")
    _, api = await shop(assumptions=assumptions)
    _, body = await api("POST", "/transactions", {"amount": 1, "customer": {"id": "x"}})
    sale = body["data"]
    assert (sale["key"], sale["customer"], sale["rewards"]) == (None, None, [])
    _, body = await api("POST", "/transactions", {**SALE, "customer": {"id": "otter"}})
    assert body["data"]["referred_customer"] == "otter"


async def test_customer_in_the_same_call(shop: Any) -> None:
    """With the option the buyer is created, referred by who is named."""
    _, api = await shop()
    owl = {"key": "owl", "referring_customer": {"id": "otter"}}
    body = {"amount": 10, "customer": owl, "options": {"create_customer": True}}
    _, answer = await api("POST", "/transactions", body)
    assert len(answer["data"]["key"]) == 12
    assert (await api("GET", "/customers/otter"))[1]["data"]["referrals_count"] == 2


async def test_batch(shop: Any) -> None:
    """All of them or none."""
    sandbox, api = await shop()
    sales = [{"key": "a", "amount": 1}, {"key": "b", "amount": 2}]
    body = {"customer": {"key": "heron"}, "transactions": sales}
    _, answer = await api("POST", "/transactions", body)
    assert [sale["key"] for sale in answer["data"]] == ["a", "b"]
    assert sandbox.ledger[-1].operation == "transactions.create_batch"
    body["transactions"] = [*sales, {"key": "c"}]
    assert (await api("POST", "/transactions", body))[0] == 422
    assert len((await api("GET", "/transactions"))[1]["data"]) == 2


async def test_filters(shop: Any) -> None:
    """By key, and by the buyer in every spelling."""
    _, api = await shop()
    await api("POST", "/transactions", SALE)
    for query in ("key=t1", "customer.key=heron", "customer[id]=heron"):
        assert len((await api("GET", f"/transactions?{query}"))[1]["data"]) == 1
    for query in ("key=t2", "customer_email=x@example.com"):
        assert (await api("GET", f"/transactions?{query}"))[1]["data"] == []


async def test_shared_keys(shop: Any) -> None:
    """The newest one, or all of them; or no second one at all."""
    _, api = await shop()
    for _ in range(2):
        await api("POST", "/transactions", SALE)
    await api("DELETE", "/transactions/t1")
    assert len((await api("GET", "/transactions"))[1]["data"]) == 1
    assumptions = Assumptions(shared_key="all", deleted_listed=True)
    _, api = await shop(assumptions=assumptions)
    for _ in range(2):
        await api("POST", "/transactions", SALE)
    await api("DELETE", "/transactions/t1")
    assert (await api("GET", "/transactions/t1"))[0] == 404
    assert len((await api("GET", "/transactions"))[1]["data"]) == 2
    _, api = await shop(unique_transaction_keys=True)
    codes = [(await api("POST", "/transactions", SALE))[0] for _ in range(2)]
    assert codes == [200, 422]
