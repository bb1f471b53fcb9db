"""Payout requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from partnero_async import (
    AmbiguousWriteError,
    AppliedUnreadableError,
    BadRequestError,
    Partnero,
    UsageError,
)
from partnero_async.models import PayoutRequest
from partnero_async.sandbox import Sandbox

from .scripted import (
    DISTURBED,
    HALF_JSON,
    LOST,
    NOT_SENT,
    Play,
    Reply,
    Step,
    data,
    page,
)

PAYOUT = {"id": 3071, "status": "requested", "amount": 70.155, "amount_units": "EUR"}
APPROVED = {**PAYOUT, "status": "approved"}
FINISHED = {**PAYOUT, "status": "finished"}
REFUSED = Reply(400, {"status": 0, "message": "not in this status"})


async def pay(client: Partnero) -> PayoutRequest:
    """Ask for a payout."""
    return await client.payouts.create(
        partner={"id": "pt1"},
        amount_units="EUR",
        gateway="crypto",
        payout_settings={"wallet_address": "bc1q-secret", "type": "BTC"},
        reward_ids=[7, 9],
    )


async def approve(client: Partnero) -> PayoutRequest:
    """Approve it."""
    return await client.payouts.approve(3071)


async def close(client: Partnero) -> PayoutRequest:
    """Mark it as paid."""
    return await client.payouts.mark_as_paid(3071)


def test_a_payout_is_asked_for_in_lower_case(play: Play) -> None:
    """Amounts are exact, and the currency goes out in the documented form."""
    payout, script = play([data(PAYOUT)], pay)
    assert (payout.id, payout.amount) == (3071, Decimal("70.155"))
    assert script.seen[0].body == {
        "partner": {"id": "pt1"},
        "amount_units": "eur",
        "gateway": "crypto",
        "payout_settings": {"wallet_address": "bc1q-secret", "type": "BTC"},
        "reward_ids": [7, 9],
    }


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        pytest.param(LOST, AmbiguousWriteError, id="lost"),
        pytest.param(DISTURBED, AmbiguousWriteError, id="502"),
        pytest.param(HALF_JSON, AppliedUnreadableError, id="half-a-body"),
    ],
)
def test_a_payout_in_doubt_is_not_asked_for_again(
    play: Play, step: Step, kind: type[AmbiguousWriteError]
) -> None:
    """A second request would pay what came in between."""

    async def use(client: Partnero) -> None:
        with pytest.raises(AmbiguousWriteError) as caught:
            await pay(client)
        assert type(caught.value) is kind
        assert caught.value.maybe_applied
        assert "bc1q-secret" not in str(caught.value)

    assert len(play([step], use)[1].seen) == 1


def test_a_payout_that_was_never_sent_is_sent(play: Play) -> None:
    """Proven unsent is no doubt."""
    assert play([NOT_SENT, data(PAYOUT)], pay)[0].status == "requested"


@pytest.mark.parametrize(
    ("found", "use"),
    [
        pytest.param(APPROVED, approve, id="approved"),
        pytest.param(FINISHED, approve, id="approved-and-paid-since"),
        pytest.param(FINISHED, close, id="paid"),
    ],
)
def test_a_repeat_that_is_refused_is_looked_up(
    play: Play,
    found: dict[str, object],
    use: Callable[[Partnero], Awaitable[PayoutRequest]],
) -> None:
    """The first one was applied: its state is the result."""
    payout, script = play([LOST, REFUSED, data(found)], use)
    assert payout.status == found["status"]
    assert script.seen[-1].path == "/payout_requests/3071"


def test_a_repeat_that_is_refused_for_another_state_is_an_error(play: Play) -> None:
    """It is still not what it was to be."""

    async def use(client: Partnero) -> None:
        with pytest.raises(BadRequestError, match="not in this status"):
            await close(client)

    play([LOST, REFUSED, data(PAYOUT)], use)


def test_a_first_refusal_is_an_error(play: Play) -> None:
    """Nothing is looked up."""

    async def use(client: Partnero) -> None:
        with pytest.raises(BadRequestError) as caught:
            await approve(client)
        assert not caught.value.maybe_applied

    assert len(play([REFUSED], use)[1].seen) == 1


@pytest.mark.parametrize("limit", [9, 101])
def test_a_page_has_10_to_100(play: Play, limit: int) -> None:
    """The bounds of the vendor's connector hold for list and search."""

    async def use(client: Partnero) -> None:
        with pytest.raises(UsageError, match="10 to 100"):
            client.payouts.list(limit=limit)
        with pytest.raises(UsageError, match="10 to 100"):
            client.payouts.search(limit=limit)

    play([data(PAYOUT)], use)


def test_a_search_sends_its_criteria(play: Play) -> None:
    """The currency goes out in lower case, and what is left out does not."""

    async def use(client: Partnero) -> list[PayoutRequest]:
        found = client.payouts.search(
            amount_units="EUR", partner_id="pt1", status="requested", sort="asc"
        )
        return await found.collect()

    found, script = play([page(PAYOUT)], use)
    assert [payout.id for payout in found] == [3071]
    assert script.seen[0].query == {
        "limit": "100",
        "page": "1",
        "amount_units": "eur",
        "partner_id": "pt1",
        "status": "requested",
        "sort": "asc",
    }


@pytest.mark.parametrize("partner", ["pt1", {"id": "pt1", "email": "ada@example.com"}])
def test_a_partner_is_an_id_or_an_object(play: Play, partner: object) -> None:
    """Neither form was published."""

    async def use(client: Partnero) -> PayoutRequest:
        return await client.payouts.get(3071)

    assert play([data({**PAYOUT, "partner": partner})], use)[0].partner == partner


def test_where_the_money_goes_is_not_shown() -> None:
    """The details are masked in the repr, and are there."""
    payout = PayoutRequest(id=1, payout_settings={"wallet_address": "bc1q-secret"})
    assert "bc1q-secret" not in repr(payout)
    assert payout.payout_settings == {"wallet_address": "bc1q-secret"}
    assert "payout_settings=None" in repr(PayoutRequest(id=1))


@pytest.fixture
async def earned(client: Partnero) -> Partnero:
    """Give the program a partner with something unpaid."""
    await client.partners.create(email="ada@example.com", id="pt1", key="ada")
    await client.customers.create("c1", partner={"key": "ada"})
    await client.transactions.create(key="s1", amount=100, customer={"key": "c1"})
    return client


async def ask(client: Partnero) -> PayoutRequest:
    """Ask for all of it."""
    account = await client.partners.get("pt1")
    assert account.commissions is not None
    assert account.commissions.not_paid
    units = account.commissions.not_paid[0].currency
    return await client.payouts.create(
        partner={"id": "pt1"},
        amount_units=str(units),
        gateway="paypal",
        payout_settings={"username": "ada@example.com"},
    )


async def test_a_payout_lives(earned: Partnero) -> None:
    """It is asked for, approved, and closed; no step can be taken twice."""
    payout = await ask(earned)
    assert payout.id is not None
    assert payout.amount == Decimal(10)
    with pytest.raises(BadRequestError, match="requested"):
        await earned.payouts.mark_as_paid(payout.id)
    assert (await earned.payouts.approve(payout.id)).status == "approved"
    found = await earned.payouts.search(partner_key="ada", status="approved").collect()
    assert [item.id for item in found] == [payout.id]
    assert (await earned.payouts.mark_as_paid(payout.id)).status == "finished"
    assert [item.status async for item in earned.payouts.list()] == ["finished"]
    assert (await earned.payouts.get(payout.id)).gateway == "paypal"


async def test_steps_whose_answers_were_lost_are_taken_once(
    earned: Partnero, sandbox: Sandbox
) -> None:
    """The repeat is refused, and the state tells that the first was applied."""
    payout = await ask(earned)
    assert payout.id is not None
    sandbox.fail_next("payouts.approve", when="after", how="disconnect")
    assert (await earned.payouts.approve(payout.id)).status == "approved"
    sandbox.fail_next("payouts.mark_as_paid", when="after", how=502)
    assert (await earned.payouts.mark_as_paid(payout.id)).status == "finished"
