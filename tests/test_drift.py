from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest
import yaml

from partnero_async import (
    AmbiguousWriteError,
    DriftError,
    Partnero,
    UsageError,
    models,
)
from partnero_async.drift import ALWAYS, KNOWN_VALUES, MOST, Drift, Finding
from tests.reference import API
from tests.scripted import Play, Reply, data, page

CUSTOMER: dict[str, Any] = {
    **dict.fromkeys(ALWAYS["Customer"]),
    "key": "c1",
    "status": "active",
}
SALE: dict[str, Any] = {
    **dict.fromkeys(ALWAYS["Transaction"]),
    "key": "s1",
    "amount": 10,
    "partner": "p1",
    "deleted_at": None,
}


async def read(client: Partnero) -> str:
    await client.customers.get("c1")
    return client.drift.report()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        pytest.param({}, "No drift: all that came was as it was published.", id="none"),
        pytest.param(
            {"loyalty": {"level": 3}},
            "unknown field: Customer.loyalty (object), 1 times",
            id="unknown-object",
        ),
        pytest.param(
            {"score": 3}, "unknown field: Customer.score (number), 1 times", id="number"
        ),
        pytest.param(
            {"a\x1b[2Jb": None},
            "unknown field: Customer.a [2Jb (null), 1 times",
            id="control-characters",
        ),
        pytest.param(
            {"status": "on_hold"},
            "unknown value: Customer.status (on_hold), 1 times",
            id="unknown-value",
        ),
    ],
)
def test_customer_with_news(play: Play, changes: dict[str, Any], line: str) -> None:
    """What is unknown is kept, and reported without what it says of a person."""
    report, _ = play([data({**CUSTOMER, **changes})], read)
    assert report.splitlines()[-1] == line


def test_missing_member_is_news(play: Play) -> None:
    """A member that all published forms have is missed."""
    less = {name: value for name, value in CUSTOMER.items() if name != "partner"}
    report, _ = play([data(less)], read)
    assert report.splitlines()[1:] == ["missing field: Customer.partner, 1 times"]


def test_findings_are_counted(play: Play) -> None:
    """Each finding is reported once, with how often it came."""

    async def walk(client: Partnero) -> Drift:
        assert not client.drift
        assert len(await client.transactions.list().collect()) == 2
        return client.drift

    sale = {**SALE, "amount": "149.50", "fee": True}
    drift, _ = play([page(sale, sale)], walk)
    assert drift
    assert drift.counts == {
        Finding("other type", "Transaction.amount", "a text for a number"): 2,
        Finding("unknown field", "Transaction.fee", "boolean"): 2,
    }
    assert repr(drift) == "<Drift: 2 findings>"


def test_hostile_answers_do_not_fill_the_memory() -> None:
    """Only so many findings are told apart; those that are known go on counting."""
    drift = Drift()
    fields = [f"Partner.x{number}" for number in range(2 * MOST)]
    drift.note(Finding("unknown field", field, "text") for field in fields)
    drift.note([Finding("unknown field", "Partner.x0", "text")])
    assert len(drift.counts) == MOST
    assert drift.counts[Finding("unknown field", "Partner.x0", "text")] == 2


async def write(client: Partnero) -> Any:
    return await client.customers.update("c1", name="Ada")


@pytest.mark.parametrize(
    ("use", "applied"),
    [pytest.param(read, False, id="read"), pytest.param(write, True, id="write")],
)
def test_strict_client_raises(
    play: Play, use: Callable[[Partnero], Awaitable[Any]], applied: bool
) -> None:
    """For contract tests drift is an error; a write of it was applied all the same."""

    async def run(client: Partnero) -> DriftError:
        with pytest.raises(DriftError) as caught:
            await use(client)
        return caught.value

    error, script = play([data({**CUSTOMER, "new": 1})], run, strict=True)
    assert "unknown field: Customer.new (number)" in str(error)
    assert error.maybe_applied is applied
    assert len(script.seen) == 1


def test_strict_client_says_each_thing_once(play: Play) -> None:
    """However many items of a page have it."""

    async def read(client: Partnero) -> Any:
        with pytest.raises(DriftError) as caught:
            await client.transactions.list().page(1)
        return caught.value

    sale = {**SALE, "fee": True}
    error, _ = play([page(*[sale] * 20)], read, strict=True)
    assert error.message == "unknown field: Transaction.fee (boolean)"


def test_strict_client_takes_what_was_published(play: Play) -> None:
    """What is as it was published is no drift."""
    play([data(CUSTOMER)], read, strict=True)


SCHEMAS: dict[str, list[str]] = {
    "Partner": ["PartnerSummary", "Partner", "PartnerDetail"],
    "PartnerReferrals": ["PartnerReferralStats"],
    "PromotionCode": ["PromotionCode", "PromotionCodeDetail"],
    "Referral": ["ReferralCustomer"],
    "Transaction": ["Transaction", "ReferralTransaction"],
}
"""The published schemas of a model, where it is not the one of its name."""


def schemas_of(model: str) -> list[dict[str, Any]]:
    known = yaml.safe_load((API / "openapi.yaml").read_text())["components"]["schemas"]
    return [known[name] for name in SCHEMAS.get(model, [model])]


@pytest.mark.parametrize("model", ALWAYS)
def test_members_that_are_always_there_are_those_published(model: str) -> None:
    """What is missed is what every published form of a model requires."""
    required = [set(schema["required"]) for schema in schemas_of(model)]
    assert ALWAYS[model] == set.intersection(*required)
    assert {field.name for field in attrs.fields(getattr(models, model))} >= ALWAYS[
        model
    ]


@pytest.mark.parametrize("model", KNOWN_VALUES)
def test_values_that_are_known_are_those_published(model: str) -> None:
    """A value is news when it was never published."""
    for name, values in KNOWN_VALUES[model].items():
        for schema in schemas_of(model):
            assert values == set(schema["properties"][name]["x-known-values"])


# --- plain requests -----------------------------------------------------------------


async def ask(client: Partnero) -> Any:
    return await client.request(
        "GET", "/partners/{id}/notes", parts={"id": "a/b"}, query={"page": 2}
    )


def test_request_returns_plain_data(play: Play) -> None:
    """What has no method yet is asked for by its route, and comes as it is."""
    answer, script = play([Reply(502, b""), data([1.5], more=True)], ask)
    assert answer == {"data": [1.5], "status": 1, "more": True}
    assert str(script) == "GET /partners/a/b/notes GET /partners/a/b/notes"
    assert script.seen[1].query == {"page": "2"}


@pytest.mark.parametrize("repeatable", [True, False])
def test_request_that_writes_is_repeated_where_that_was_said(
    play: Play, repeatable: bool
) -> None:
    """Whether a second one does harm, only the caller knows."""

    async def run(client: Partnero) -> str:
        try:
            await client.request("PUT", "/x", json={"a": 1}, repeatable=repeatable)
        except AmbiguousWriteError as error:
            return type(error).__name__
        return "done"

    result, script = play([Reply(502, b""), data({})], run)
    assert result == ("done" if repeatable else "AmbiguousWriteError")
    assert len(script.seen) == 1 + repeatable


@pytest.mark.parametrize(
    "route",
    ["", "partners", "/x?y", "/x y", "//evil.test/x", "/a/", "/x#y", "/a/..", "/a/."],
)
async def test_route_that_is_none_is_refused(client: Partnero, route: str) -> None:
    """A route is a path below the base URL, and nothing else."""
    with pytest.raises(ValueError, match="not a route"):
        await client.request("GET", route)


@pytest.mark.parametrize(
    ("method", "route", "options"),
    [
        pytest.param("GET", "/partners/{id}", {}, id="part-forgotten"),
        pytest.param("get", "/partners", {}, id="method-in-lower-case"),
        pytest.param("GET", "/x", {"query": {"n": 10**5000}}, id="endless-number"),
    ],
)
async def test_request_that_cannot_be_meant_is_refused(
    client: Partnero, method: Any, route: str, options: dict[str, Any]
) -> None:
    """Nothing is sent that would be another call than the one that was meant."""
    before = client.stats.requests
    with pytest.raises(UsageError):
        await client.request(method, route, **options)
    assert client.stats.requests == before
