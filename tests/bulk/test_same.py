"""Rows that are there already: done only where what is there is what the row says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from partnero_async import ConnectionFailedError, Partnero
from partnero_async.bulk import Report
from partnero_async.bulk import referrers as referrers_module
from partnero_async.bulk.referrers import Referrers
from partnero_async.errors import WrongProgramError
from partnero_async.resources.customers import CustomersResource
from partnero_async.resources.partners import PartnersResource
from partnero_async.sandbox import Sandbox
from tests.bulk.both import resolve, run_import
from tests.bulk.shop import sales_in, write_csv
from tests.bulk.test_doubt import killed
from tests.scripted import async_only

pytestmark = pytest.mark.usefixtures("shop")


async def sell(
    client: Partnero, folder: Path, header: Sequence[str], *rows: Sequence[str]
) -> Report:
    """Import sales."""
    file = write_csv(folder / "s.csv", rows, header=header)
    return await run_import(client, "transactions", file, settle=0.01)


def verdict(report: Report) -> list[tuple[str | None, str]]:
    """Return the codes and reasons of what was rejected."""
    return [(row.code, row.reason) for row in report.first_rejected]


@pytest.mark.parametrize(
    ("there", "header", "cells", "wrong"),
    [
        pytest.param({}, ("amount_units",), ("usd",), None, id="currency in any case"),
        pytest.param({}, ("amount_units",), ("EUR",), "amount_units", id="currency"),
        pytest.param({"reward": Decimal(2)}, ("reward",), ("2.00",), None, id="reward"),
        pytest.param(
            {"reward": Decimal(2)}, ("reward",), ("3",), "reward", id="another reward"
        ),
        pytest.param(
            {}, ("customer.email",), ("C1@example.com",), None, id="buyer by address"
        ),
        pytest.param(
            {},
            ("customer.email",),
            ("c2@example.com",),
            "customer",
            id="another by address",
        ),
        pytest.param({}, ("customer.id",), ("c1",), None, id="buyer by id"),
        pytest.param({}, ("customer.id",), ("c2",), "customer", id="another by id"),
        pytest.param({}, ("customer.id",), ("c9",), "customer", id="nobody by id"),
    ],
)
async def test_a_sale_with_the_key_of_a_row(
    *,
    client: Partnero,
    shop: Sandbox,
    tmp_path: Path,
    there: dict[str, Any],
    header: tuple[str, ...],
    cells: tuple[str, ...],
    wrong: str | None,
) -> None:
    """What is there is compared with all that the row says of money and buyer."""
    await client.transactions.create(
        key="s1", customer={"key": "c1"}, amount=Decimal(5), amount_units="USD", **there
    )
    buyer = () if header[0].startswith("customer") else ("customer.key",)
    report = await sell(
        client,
        tmp_path,
        ("key", "amount", *header, *buyer),
        ("s1", "5", *cells, *["c1" for _ in buyer]),
    )
    conflict = [("conflict", f"s1 is there with another {wrong}")] if wrong else []
    assert verdict(report) == conflict
    assert report.already_there == (0 if wrong else 1)
    assert len(sales_in(shop)) == 1


async def test_a_sale_for_nobody_is_not_that_of_a_buyer(
    client: Partnero, tmp_path: Path
) -> None:
    """A sale whose buyer the program did not know is for nobody, and stays so."""
    await client.transactions.create(
        key="s1", customer={"email": "c9@example.com"}, amount=Decimal(5)
    )
    header = ("key", "amount", "customer.email")
    report = await sell(client, tmp_path, header, ("s1", "5", "c1@example.com"))
    assert verdict(report) == [("conflict", "s1 is there with another customer")]


async def second_partner(client: Partnero) -> None:
    """Register the partner p2, and the customer d1 under it."""
    await client.partners.create(email="p2@example.com", key="p2")
    await client.customers.create("d1", partner={"key": "p2"})


CUSTOMERS = ("key", "partner.key", "partner.email", "partner.id")


async def test_customers_of_another_partner(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """A customer under another partner is a conflict, however the partner is named."""
    await second_partner(client)
    p2 = (await client.partners.find(key="p2")).id or ""
    rows = [
        ("c1", "p2", "", ""),
        ("c2", "", "p2@example.com", ""),
        ("c3", "p1", "", ""),
        ("d1", "", "", p2),
        ("new", "p2", "", ""),
    ]
    file = write_csv(tmp_path / "c.csv", rows, header=CUSTOMERS)
    before = shop.requests_by_route["GET /partner"]
    report = await run_import(client, "customers", file)
    assert (report.done, report.rejected) == (3, 2)
    assert verdict(report) == [
        ("conflict", "c1 is there with another partner"),
        ("conflict", "c2 is there with another partner"),
    ]
    assert shop.requests_by_route["GET /partner"] - before == 3
    assert (await client.customers.get("new")).partner == p2


async def test_customers_in_doubt_of_another_partner(
    client: Partnero, tmp_path: Path
) -> None:
    """A look-up compares the partner too, and one that is gone is another."""
    await second_partner(client)
    rows = [("c1", "p2", "", ""), ("c2", "p9", "", ""), ("d1", "p2", "", "")]
    file = write_csv(tmp_path / "c.csv", rows, header=CUSTOMERS)
    journal = await killed(client, "customers", file, rows=3)
    report = await resolve(client, journal)
    assert (report.done, report.parked) == (1, 2)
    assert [row.code for row in report.first_parked] == ["different", "different"]


async def test_a_look_up_that_the_program_does_not_take_finds_nothing_out(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That the key's program has no customers does not say that a row is absent."""
    file = write_csv(tmp_path / "c.csv", [("c1", "p1", "", "")], header=CUSTOMERS)
    journal = await killed(client, "customers", file, rows=1)

    async def newsletter(*_: Any) -> Any:
        raise WrongProgramError("a newsletter")

    monkeypatch.setattr(CustomersResource, "get", newsletter)
    report = await resolve(client, journal)
    assert (report.sent, report.parked, report.refused) == (1, 0, "a newsletter")


PARTNERS = [("p1@example.com", "p2"), ("p2@example.com", "p2"), ("new@example.com", "")]


async def test_partners_whose_key_is_another_ones(
    client: Partnero, tmp_path: Path
) -> None:
    """A partner that was there is done only where the row's key leads to it."""
    await second_partner(client)
    rows = [*PARTNERS, ("c1@example.com", "p7")]
    await client.partners.create(email="c1@example.com")
    file = write_csv(tmp_path / "p.csv", rows, header=("email", "key"))
    report = await run_import(client, "partners", file)
    assert (report.done, report.already_there, report.rejected) == (2, 1, 2)
    assert verdict(report) == [
        ("conflict", "p1@example.com is there with another key"),
        ("conflict", "c1@example.com is there with another key"),
    ]


async def test_partners_in_doubt_whose_key_is_another_ones(
    client: Partnero, tmp_path: Path
) -> None:
    """A look-up compares the key too."""
    await second_partner(client)
    file = write_csv(tmp_path / "p.csv", PARTNERS, header=("email", "key"))
    journal = await killed(client, "partners", file, rows=3)
    report = await resolve(client, journal)
    assert [(row.row, row.code) for row in report.first_parked] == [
        (1, "different"),
        (3, "absent"),
    ]


async def test_what_was_there_before_is_counted(
    client: Partnero, tmp_path: Path
) -> None:
    """With its journals lost, an import finds partners and customers there."""
    people = write_csv(tmp_path / "p.csv", PARTNERS[2:], header=("email", "key"))
    buyers = write_csv(tmp_path / "c.csv", [("n1", "p1", "", "")], header=CUSTOMERS)
    first = await run_import(client, "partners", people)
    assert (first.done, first.already_there) == (1, 0)
    await run_import(client, "customers", buyers)
    for name in ("p.csv.journal", "c.csv.journal"):
        (tmp_path / name).unlink()
    second = await run_import(client, "partners", people)
    assert (second.done, second.already_there) == (1, 1)
    third = await run_import(client, "customers", buyers)
    assert (third.done, third.already_there) == (1, 1)


async def test_what_a_killed_run_sent_was_not_there_before(
    client: Partnero, tmp_path: Path
) -> None:
    """A partner that this import sent itself does not count as there before."""
    people = write_csv(tmp_path / "p.csv", PARTNERS[2:], header=("email", "key"))
    await killed(client, "partners", people, rows=1)
    await client.partners.create(email="new@example.com")
    report = await run_import(client, "partners", people)
    assert (report.done, report.already_there) == (1, 0)


# --- the partners that are asked for: below either form -------------------------------


@async_only
async def test_a_partner_is_asked_for_once(client: Partnero, shop: Sandbox) -> None:
    """Those who ask at the same time share one request."""
    referrers = Referrers(client)
    before = shop.requests
    ids = await asyncio.gather(*(referrers.id_of({"key": "p1"}) for _ in range(9)))
    assert len(set(ids)) == 1
    assert ids[0]
    assert shop.requests - before == 1


@async_only
async def test_partner_is_searched_where_it_cannot_be_read(
    client: Partnero, shop: Sandbox
) -> None:
    """The read by key is known from one source only: without it a search will do."""
    shop.fail_next("partners.find", how=404)
    (ada,) = await client.partners.search(key="p1").collect()
    assert await Referrers(client).id_of({"key": "p1"}) == ada.id


@async_only
async def test_memory_for_partners_is_bounded(
    client: Partnero, shop: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest is forgotten, and asked for again."""
    monkeypatch.setattr(referrers_module, "KEPT", 2)
    referrers = Referrers(client)
    before = shop.requests
    for name in ("p1", "p8", "p9", "p1"):
        await referrers.id_of({"key": name})
    assert shop.requests - before == 6  # two for each of those who are not there


@async_only
@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ConnectionFailedError("gone"), id="no answer"),
        pytest.param(WrongProgramError("a newsletter"), id="wrong program"),
    ],
)
async def test_a_question_that_failed_is_asked_again(
    client: Partnero, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """No answer is not the answer that there is nobody."""
    referrers = Referrers(client)

    async def fails(*_: Any, **__: Any) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(PartnersResource, "find", fails)
        with pytest.raises(type(error)):
            await referrers.id_of({"key": "p1"})
    assert await referrers.id_of({"key": "p1"})
