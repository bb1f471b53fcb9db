"""Sales of a refer-a-friend program, whose answers name a buyer by a private id."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from partnero_async import Partnero, WrongProgramError
from partnero_async.bulk import ImportStopError, Report, Source
from partnero_async.bulk.buyers import Buyer, Customers, Friends
from partnero_async.bulk.columns import columns_of
from partnero_async.bulk.referrers import Referrers
from partnero_async.bulk.sales import other_sale, sale_of
from partnero_async.models import Customer, Referral, Transaction
from partnero_async.sandbox import Assumptions, Sandbox
from tests.bulk.both import export, plan_import, reconcile, resolve, run_import
from tests.bulk.shop import names_in, read_csv, sales_in, write_csv
from tests.bulk.test_doubt import killed

NAMES = {"key": "k2", "email": "Noah@example.com", "id": "u2"}
"""How rows may name the one who buys."""

OTHERS = {"key": "k3", "email": "lea@example.com", "id": "u3"}
"""How they may name somebody else."""

by_any_name = pytest.mark.parametrize("name", NAMES)


@asynccontextmanager
async def friends(
    partnero: type[Partnero], **assumptions: Any
) -> AsyncIterator[tuple[Partnero, Sandbox]]:
    """Open a program in which u1 has referred u2 and u3, whose keys are others."""
    async with (
        Sandbox(
            programs=["refer_a_friend"], assumptions=Assumptions(**assumptions)
        ) as sandbox,
        partnero(sandbox.api_key, base_url=sandbox.url, settle=0.05) as client,
    ):
        await befriend(client)
        yield client, sandbox


async def befriend(client: Partnero) -> None:
    """Create the customers."""
    await client.referrals.create(id="u1", key="k1")
    for number, email in (("2", "noah@example.com"), ("3", "lea@example.com")):
        await client.referrals.create(
            id=f"u{number}",
            key=f"k{number}",
            email=email,
            referring_customer={"id": "u1"},
        )


@pytest.fixture
async def program(
    partnero: type[Partnero],
) -> AsyncIterator[tuple[Partnero, Sandbox]]:
    """Open that program with the readings that are the sandbox's own."""
    async with friends(partnero) as opened:
        yield opened


Program = tuple[Partnero, Sandbox]


def file_of(folder: Path, name: str, *rows: Sequence[str]) -> Path:
    """Write sales whose buyer is named by this member."""
    header = ("key", f"customer.{name}", "amount")
    return write_csv(folder / "s.csv", rows, header=header)


async def sell(client: Partnero, file: Path, **options: Any) -> Report:
    """Import a file of sales."""
    return await run_import(client, "transactions", file, settle=0.05, **options)


# --- imported ------------------------------------------------------------------------


@by_any_name
async def test_sales_are_imported_and_found_again(
    program: Program, tmp_path: Path, name: str
) -> None:
    """With a new journal all of them are there already, and none is sent twice."""
    client, sandbox = program
    rows = [(f"s{number}", NAMES[name], f"{number}.25") for number in range(4)]
    file = file_of(tmp_path, name, *rows)
    report = await sell(client, file)
    assert (report.done, report.exit_code) == (4, 0), report
    again = await sell(client, file, journal=tmp_path / "again.journal")
    assert (again.done, again.exit_code) == (4, 0), again
    assert again.outcomes[0].code == "already_there"
    assert len(sales_in(sandbox)) == 4
    with await reconcile(client, file, surplus=True) as found:
        assert (found.equal, found.counts) == (4, {})


@by_any_name
async def test_sales_of_somebody_else_are_a_conflict(
    program: Program, tmp_path: Path, name: str
) -> None:
    """Neither who bought nor who referred is taken for another customer."""
    client, sandbox = program
    await sell(client, file_of(tmp_path, "id", ("s1", "u2", "1"), ("s2", "u2", "2")))
    other = file_of(tmp_path, name, ("s1", OTHERS[name], "1"), ("s2", NAMES[name], "2"))
    report = await sell(client, other, journal=tmp_path / "other.journal")
    assert (report.done, report.rejected) == (1, 1)
    (rejected,) = report.first_rejected
    assert (rejected.key, rejected.code) == ("s1", "conflict")
    assert rejected.reason == "s1 is there with another customer"
    assert len(sales_in(sandbox)) == 2
    with await reconcile(client, other) as found:
        (difference,) = found.differences()
        assert (difference.key, difference.kind) == ("s1", "customer")
        given = OTHERS[name]
        assert (difference.given, difference.recorded) == (given, "u2")


@by_any_name
async def test_sales_of_somebody_who_is_not_there(
    partnero: type[Partnero], tmp_path: Path, name: str
) -> None:
    """They are rejected, and not recorded for nobody."""
    async with friends(partnero, unreferred_sale="record") as (client, sandbox):
        file = file_of(tmp_path, name, ("s1", "x@example.com", "1"))
        report = await sell(client, file)
        with await plan_import(client, "transactions", file) as plan:
            assert (plan.refuse, plan.create) == (1, 0)
        assert sales_in(sandbox) == []
    (rejected,) = report.first_rejected
    assert rejected.code == "unknown_customer"
    assert rejected.reason == f"the program has no customer with {name} x@example.com"


async def test_who_is_found_on_no_page_is_asked_for(
    program: Program, tmp_path: Path
) -> None:
    """An archived customer may buy; the API says what that earns."""
    client, sandbox = program
    await client.referrals.archive("u3")
    for name, value in OTHERS.items():
        file = file_of(tmp_path, name, (f"s-{name}", value, "1"))
        report = await sell(client, file, journal=tmp_path / f"{name}.journal")
        assert report.done == 1, report
    assert len(sales_in(sandbox)) == 3


@by_any_name
async def test_a_plan_finds_what_is_there(
    program: Program, tmp_path: Path, name: str
) -> None:
    """Some are there, one has another amount, and one would be created."""
    client, sandbox = program
    there = [("s1", NAMES[name], "1"), ("s2", NAMES[name], "2")]
    await sell(client, file_of(tmp_path, name, *there))
    file = file_of(
        tmp_path, name, there[0], ("s2", NAMES[name], "9"), ("s3", NAMES[name], "3")
    )
    with await plan_import(client, "transactions", file) as plan:
        assert (plan.leave, plan.refuse, plan.create) == (1, 1, 1)
    assert len(sales_in(sandbox)) == 2


@by_any_name
async def test_a_few_sales_of_many(
    program: Program, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are more pages than rows, customers and sales are asked for."""
    monkeypatch.setattr("partnero_async.bulk.buyers.PAGE", 1)
    monkeypatch.setattr("partnero_async.bulk.there.PAGE", 1)
    monkeypatch.setattr("partnero_async.bulk.reconciling.PAGE", 1)
    client, _ = program
    for number in range(3):
        await client.referrals.create(key=f"more{number}")
    rows = [(f"s{number}", NAMES[name], "1") for number in range(3)]
    assert (await sell(client, file_of(tmp_path, name, *rows))).done == 3
    file = file_of(tmp_path, name, rows[0])
    again = await sell(client, file, journal=tmp_path / "again.journal")
    assert again.outcomes[0].code == "already_there"
    with await reconcile(client, file) as found:
        assert found.counts == {}


async def test_a_batch(program: Program, tmp_path: Path) -> None:
    """Sales of one buyer go together, and are looked up like others."""
    client, _ = program
    header = ("key", "customer.key", "amount", "created_at")
    rows = [(f"s{number}", "k2", f"{number}.5", "2024-01-31") for number in range(3)]
    file = write_csv(tmp_path / "s.csv", rows, header=header)
    report = await sell(client, file, batch="all-fields")
    assert (report.done, report.exit_code) == (3, 0), report


async def test_customers_do_not_come_with_their_sales(
    program: Program, tmp_path: Path
) -> None:
    """It is said before anything is read in or sent, and what to do instead."""
    client, sandbox = program
    people = write_csv(tmp_path / "c.csv", [("n1", "p1")], header=("key", "partner.id"))
    file = file_of(tmp_path, "key", ("s1", "n1", "1"))
    for use in (run_import, plan_import):
        with pytest.raises(ImportStopError, match="import them first, as referrals"):
            await use(client, "transactions", file, customers=Source(path=people))
    assert names_in(tmp_path) == ["c.csv", "s.csv"]
    assert sales_in(sandbox) == []


# --- in doubt ------------------------------------------------------------------------


@by_any_name
async def test_after_a_kill_what_arrived_is_found(
    program: Program, tmp_path: Path, name: str
) -> None:
    """What arrived is done; what did not, or is another's, is parked and not sent."""
    client, sandbox = program
    rows = [(f"s{number}", NAMES[name], "1") for number in range(3)]
    file = file_of(tmp_path, name, *rows)
    journal = await killed(client, "transactions", file, rows=3)
    for key, buyer in (("s0", "u2"), ("s1", "u3")):
        await client.transactions.create(
            key=key, customer={"id": buyer}, amount=Decimal(1)
        )
    report = await sell(client, file)
    assert (report.done, report.parked) == (1, 2)
    assert [(row.key, row.code) for row in report.first_parked] == [
        ("s1", "different"),
        ("s2", "absent"),
    ]
    assert len(sales_in(sandbox)) == 2
    report = await resolve(client, journal, send_absent=True, settle=0.05)
    assert (report.done, report.parked) == (2, 1)
    assert len(sales_in(sandbox)) == 3


# --- out and in again ----------------------------------------------------------------


async def test_what_is_exported_can_be_imported(
    program: Program, partnero: type[Partnero], tmp_path: Path
) -> None:
    """The buyer is named by id, and who referred is not taken for the buyer."""
    client, sandbox = program
    rows = [("s1", "k2", "1.50"), ("s2", "k3", "2.50")]
    await sell(client, file_of(tmp_path, "key", *rows))
    file = tmp_path / "out.csv"
    done = await export(client.transactions.list(), file, importable=True)
    assert (done.rows, done.left_out) == (2, 0)
    header, *cells = read_csv(file)
    by_key = {row[0]: dict(zip(header, row, strict=True)) for row in cells}
    assert {key: row["customer.id"] for key, row in by_key.items()} == {
        "s1": "u2",
        "s2": "u3",
    }
    again = await sell(client, file)
    assert again.outcomes[0].code == "already_there"
    assert len(sales_in(sandbox)) == 2
    async with friends(partnero) as (other, moved):
        report = await sell(other, file, journal=tmp_path / "other.journal")
        assert (report.done, report.exit_code) == (2, 0), report
        assert len(sales_in(moved)) == 2
        with await reconcile(other, file) as found:
            assert found.counts == {}


def test_columns_of_a_sale() -> None:
    """All are in the file, and no column of the buyer has who referred."""
    sale = Transaction(customer="u1", referred_customer="u2")
    shown = {column.name: column.cell(sale) for column in columns_of(Transaction)}
    assert (shown["customer.key"], shown["customer.id"]) == ("", "u2")
    assert shown["referring_customer"] == "u1"
    sale = Transaction(customer="c1")
    shown = {column.name: column.cell(sale) for column in columns_of(Transaction)}
    assert (shown["customer.key"], shown["customer.id"]) == ("c1", "")
    assert shown["referring_customer"] == ""


# --- what cannot be known ------------------------------------------------------------


async def test_a_key_that_may_not_read_the_program(
    program: Program, tmp_path: Path
) -> None:
    """The customers themselves tell what type it is."""
    client, sandbox = program
    sandbox.fail_next("program.get", how=403)
    file = file_of(tmp_path, "key", ("s1", "k2", "1"))
    assert (await sell(client, file)).exit_code == 0
    again = await sell(client, file, journal=tmp_path / "again.journal")
    assert again.outcomes[0].code == "already_there"


async def test_a_sale_that_names_nobody(program: Program) -> None:
    """A sale that was recorded for nobody is not this buyer's."""
    client, _ = program
    arguments = {"customer": {"key": "k2"}, "amount": Decimal(1)}
    found = sale_of(Transaction(key="s1", amount=Decimal(1)))
    referrers = Referrers(client)
    assert list(await other_sale(referrers, arguments, found)) == ["customer"]


async def test_customers_who_lack_a_name(program: Program) -> None:
    """Without a key, but with an id, they are of the other type of program."""
    client, _ = program
    customers, friends = Customers(client), Friends(Referrers(client))
    with pytest.raises(WrongProgramError, match="refer-a-friend"):
        customers.buyer(Customer(extra={"id": "u1"}))
    assert customers.buyer(Customer(email="A@b.com")) == Buyer("", ["email:a@b.com"])
    assert friends.buyer(Referral(email="A@b.com")) == Buyer("", ["email:a@b.com"])
