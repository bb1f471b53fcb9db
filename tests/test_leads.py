"""Leads."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Literal

import pytest

from partnero_async import (
    AmbiguousWriteError,
    BadRequestError,
    NotFoundError,
    Partnero,
    RefusedError,
    UnexpectedBodyError,
    UsageError,
    ValidationError,
)
from partnero_async._convert import unstructure
from partnero_async.models import Lead, LeadDetails
from partnero_async.sandbox import Sandbox

from .scripted import (
    DISTURBED,
    HALF_JSON,
    HANG,
    LOST,
    NOT_SENT,
    Play,
    Reply,
    Step,
    data,
    page,
)

LEAD: dict[str, Any] = {
    "id": 318,
    "status": "submitted",
    "created_at": "2026-03-01",
    "converted_to": None,
    "submission_form": [{"question": "Name", "answer": "Dagny Moreau"}],
}
CONVERTED = {**LEAD, "status": "converted", "converted_to": {"key": "Xc7Lp2VhQ9aT"}}
REJECTED = {**LEAD, "status": "rejected"}
NOT_ALLOWED = Reply(405, {"message": "Method not supported for this route."})
AFFILIATE = data({"program": {"type": "Affiliate"}})


async def convert(client: Partnero) -> Lead:
    """Turn the lead into a customer."""
    return await client.leads.convert(
        318, commission_transaction_amount=Decimal("1250.50")
    )


async def reject(client: Partnero) -> Lead:
    """Turn the lead down."""
    return await client.leads.reject(318)


# --- conversion: a GET that must not be repeated -----------------------------------


def test_a_conversion_is_a_get(asking: Play) -> None:
    """As documented; the amount is sent as it was written."""
    lead, script = asking([data(CONVERTED)], convert)
    assert lead.converted_to is not None
    assert lead.converted_to.key == "Xc7Lp2VhQ9aT"
    assert str(script) == "GET /leads/convert"
    assert script.seen[0].query == {
        "id": "318",
        "commission_transaction_amount": "1250.50",
    }


def test_a_conversion_is_posted_where_get_is_not_allowed(asking: Play) -> None:
    """405 was refused before any effect, so the other form is sent."""
    script = asking([NOT_ALLOWED, AFFILIATE, data(CONVERTED)], convert)[1]
    sent = [seen for seen in script.seen if seen.path == "/leads/convert"]
    assert [seen.method for seen in sent] == ["GET", "POST"]
    assert sent[1].body == {
        "id": 318,
        "commission_transaction_amount": Decimal("1250.5"),
    }


@pytest.mark.parametrize("posted", [False, True], ids=["get", "post"])
@pytest.mark.parametrize(
    "step",
    [
        pytest.param(LOST, id="lost"),
        pytest.param(DISTURBED, id="502"),
        pytest.param(HALF_JSON, id="half-a-body"),
    ],
)
def test_a_conversion_in_doubt_is_never_sent_again(
    asking: Play,
    step: Step,
    posted: bool,
) -> None:
    """It would make a second customer and a second sale: the lead is read instead."""

    async def use(client: Partnero) -> None:
        with pytest.raises(AmbiguousWriteError) as caught:
            await convert(client)
        assert caught.value.key == "318"
        assert caught.value.maybe_applied

    before = [NOT_ALLOWED, AFFILIATE] if posted else []
    script = asking([*before, step, data(LEAD)], use)[1]
    sent = [seen.method for seen in script.seen if seen.path == "/leads/convert"]
    assert sent == ["GET", "POST"] if posted else sent == ["GET"]
    assert script.seen[-1].path == "/leads/318"


@pytest.mark.parametrize("step", [LOST, DISTURBED, HALF_JSON])
def test_a_conversion_in_doubt_is_told_by_the_lead(asking: Play, step: Step) -> None:
    """A lead that is converted is the result."""
    lead, script = asking([step, data(CONVERTED)], convert)
    assert lead.status == "converted"
    assert str(script) == "GET /leads/convert GET /leads/318"


def test_a_conversion_that_was_never_sent_is_sent(asking: Play) -> None:
    """Proven unsent is no doubt."""
    _, script = asking([NOT_SENT, data(CONVERTED)], convert)
    assert str(script) == "GET /leads/convert GET /leads/convert"


def test_a_conversion_that_is_refused_is_not_posted(asking: Play) -> None:
    """Only 405 asks for the other form."""

    async def use(client: Partnero) -> None:
        with pytest.raises(ValidationError, match="cannot be converted"):
            await convert(client)

    refused = Reply(422, {"status": 0, "message": "This lead cannot be converted."})
    assert str(asking([refused], use)[1]) == "GET /leads/convert"


def test_a_conversion_that_neither_form_allows(asking: Play) -> None:
    """The second refusal is the caller's."""

    async def use(client: Partnero) -> None:
        with pytest.raises(RefusedError) as caught:
            await convert(client)
        assert caught.value.operation == "POST /leads/convert"

    asking([NOT_ALLOWED, AFFILIATE, NOT_ALLOWED], use)


@pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal("Infinity"), float("inf")])
def test_an_amount_that_is_no_number_is_refused(
    asking: Play, amount: Decimal | float
) -> None:
    """A query would carry what JSON cannot."""

    async def use(client: Partnero) -> None:
        with pytest.raises(UsageError, match="commission_transaction_amount"):
            await client.leads.convert(318, commission_transaction_amount=amount)

    assert asking([data(CONVERTED)], use)[1].seen == []


# --- rejection -----------------------------------------------------------------


def test_both_forms_share_the_time_of_one_call(asking: Play) -> None:
    """What the GET has taken is not there for the POST."""

    async def use(client: Partnero) -> None:
        with pytest.raises(AmbiguousWriteError) as caught:
            await convert(client)
        assert caught.value.elapsed is not None
        assert caught.value.elapsed <= 16

    slow = Reply(429, {}, headers={"Retry-After": "4"})
    script = asking([slow, NOT_ALLOWED, AFFILIATE, HANG], use, timeout=20)[1]
    assert script.seen[0].at == 0
    assert script.seen[-1].at >= 4


def test_a_rejection_sets_a_state_and_is_sent_again(asking: Play) -> None:
    """The second one finds what the first has left."""
    lead, script = asking([LOST, data(REJECTED)], reject)
    assert lead.status == "rejected"
    assert str(script) == "GET /leads/reject GET /leads/reject"


def test_a_rejection_that_is_repeated_and_refused_is_looked_up(asking: Play) -> None:
    """400 to the second: the state tells."""
    refused = Reply(400, {"status": 0, "message": "not rejectable"})
    assert asking([LOST, refused, data(REJECTED)], reject)[0].status == "rejected"

    async def use(client: Partnero) -> None:
        with pytest.raises(BadRequestError):
            await reject(client)

    asking([LOST, refused, data(CONVERTED)], use)


def test_a_rejection_is_posted_where_get_is_not_allowed(asking: Play) -> None:
    """As with conversions."""
    script = asking([NOT_ALLOWED, AFFILIATE, data(REJECTED)], reject)[1]
    assert script.seen[-1].method == "POST"
    assert script.seen[-1].body == {"id": 318}


# --- the rest ----------------------------------------------------------------


def test_a_lead_in_doubt_is_not_submitted_again(asking: Play) -> None:
    """It has no key, and a repeat is a second lead."""

    async def use(client: Partnero) -> None:
        with pytest.raises(AmbiguousWriteError):
            await client.leads.create(
                name="Dagny Moreau",
                email="dagny@example.com",
                partner={"key": "ada"},
                cfields={"24": ["charter", "storage"], "25": "PT"},
            )

    _, script = asking([LOST], use)
    assert len(script.seen) == 1
    assert script.seen[0].body["cfields"] == {"24": ["charter", "storage"], "25": "PT"}


def test_a_deletion_that_is_repeated_is_done(asking: Play) -> None:
    """404 to the second one: the first has deleted it."""

    async def use(client: Partnero) -> None:
        await client.leads.delete(318)

    assert str(asking([LOST, Reply(404, {})], use)[1]).endswith("DELETE /leads/318")


def test_a_lead_that_is_not_there(asking: Play) -> None:
    """The id is a number, and goes into the path."""

    async def use(client: Partnero) -> None:
        with pytest.raises(NotFoundError):
            await client.leads.get(7)

    script = asking([Reply(404, {}), AFFILIATE], use)[1]
    assert script.seen[0].path == "/leads/7"


def lead_of(asking: Play, **more: Any) -> Lead:
    """Read a lead with some members more."""

    async def use(client: Partnero) -> list[Lead]:
        return await client.leads.list(limit=250, sort="asc").collect()

    (lead,), script = asking([page({**LEAD, **more})], use)
    assert script.seen[0].query == {"limit": "250", "page": "1", "sort": "asc"}
    return lead


def test_a_day_is_a_date(asking: Play) -> None:
    """Leads have no time of day, and are written back without one."""
    lead = lead_of(asking)
    assert lead.created_at == date(2026, 3, 1)
    assert type(lead.created_at) is date
    assert unstructure(lead)["created_at"] == "2026-03-01"
    assert lead_of(asking, created_at=None).created_at is None


@pytest.mark.parametrize("day", [20260301, "yesterday", "2026-02-30", True, ["x"]])
def test_what_is_no_day_is_refused_by_path(asking: Play, day: object) -> None:
    """It is not guessed."""
    with pytest.raises(UnexpectedBodyError, match="created_at"):
        lead_of(asking, created_at=day)


@pytest.mark.parametrize("answer", ["12 boats", ["charter", "storage"], None])
def test_an_answer_is_a_text_or_several(asking: Play, answer: object) -> None:
    """A checkbox field may have more than one."""
    lead = lead_of(
        asking, submission_form=[{"question": "Fleet size", "answer": answer}]
    )
    assert lead.submission_form is not None
    assert lead.submission_form[0].answer == answer


@pytest.mark.parametrize("answer", [7, {"a": "b"}, True])
def test_an_answer_of_another_kind_is_refused_by_path(
    asking: Play, answer: object
) -> None:
    """Neither a text nor a list."""
    with pytest.raises(UnexpectedBodyError, match="expected str or list"):
        lead_of(asking, submission_form=[{"question": "Fleet size", "answer": answer}])


@pytest.mark.parametrize("enabled", ["true", True])
def test_details_of_the_form(asking: Play, enabled: str | bool) -> None:
    """Whether leads are taken came as a text; a truth value is read as well."""

    async def use(client: Partnero) -> LeadDetails:
        return await client.leads.details()

    answer = {
        "leads_enabled": enabled,
        "leads_commission": {"currency": "EUR", "commission": 7.5},
        "leads_custom_form_fields": [{"id": 24, "options": ["charter"]}],
    }
    details, _ = asking([data(answer)], use)
    assert details.leads_enabled == enabled
    assert details.leads_commission is not None
    assert details.leads_commission.commission == Decimal("7.5")
    assert details.leads_custom_form_fields is not None
    assert details.leads_custom_form_fields[0].options == ["charter"]


# --- against the sandbox ---------------------------------------------------------


async def submit(client: Partnero) -> int:
    """Give the program a partner and a lead; return the lead's id."""
    await client.partners.create(email="ada@example.com", key="ada")
    lead = await client.leads.create(
        name="Dagny Moreau",
        email="dagny@example.com",
        partner={"key": "ada"},
        cfields={"1": "Moreau & Co", "2": ["one", "many"]},
    )
    assert lead.status == "submitted"
    assert lead.id is not None
    return lead.id


async def test_a_lead_lives(client: Partnero) -> None:
    """A lead becomes a customer with a sale, and cannot be decided on again."""
    number = await submit(client)
    lead = await client.leads.convert(number, commission_transaction_amount=1250.5)
    assert lead.converted_to is not None
    assert lead.converted_to.key is not None
    sales = await client.customers.transactions(lead.converted_to.key).collect()
    assert [sale.amount for sale in sales] == [Decimal("1250.5")]
    with pytest.raises(ValidationError):
        await client.leads.reject(number)
    assert [item.id async for item in client.leads.list()] == [number]
    await client.leads.delete(number)
    with pytest.raises(NotFoundError):
        await client.leads.get(number)
    assert (await client.leads.details()).leads_custom_form_fields


async def test_a_lead_is_rejected(client: Partnero) -> None:
    """It says so."""
    number = await submit(client)
    assert (await client.leads.reject(number)).status == "rejected"


@pytest.mark.parametrize("how", ["disconnect", 502])
async def test_a_conversion_whose_answer_was_lost_is_made_once(
    partnero: type[Partnero], sandbox: Sandbox, how: Literal["disconnect", 502]
) -> None:
    """One customer, one sale, however the answer was lost."""
    async with partnero(sandbox.api_key, base_url=sandbox.url, settle=0.001) as client:
        number = await submit(client)
        sandbox.fail_next("leads.convert", when="after", how=how)
        lead = await client.leads.convert(number, commission_transaction_amount=10)
        assert lead.status == "converted"
        assert len(await client.transactions.list().collect()) == 1
    assert sandbox.requests_by_route["GET /leads/convert"] == 1


async def test_a_conversion_that_may_still_come_is_not_sent_again(
    partnero: type[Partnero],
    sandbox: Sandbox,
) -> None:
    """The lead is not converted, and that may change."""
    async with partnero(sandbox.api_key, base_url=sandbox.url, settle=0.001) as client:
        number = await submit(client)
        sandbox.fail_next("leads.convert", when="before", how=502)
        with pytest.raises(AmbiguousWriteError):
            await client.leads.convert(number, commission_transaction_amount=10)
    assert sandbox.requests_by_route["GET /leads/convert"] == 1
