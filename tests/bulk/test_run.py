"""Imports against the sandbox: from file to ledger."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from partnero_async import AuthenticationError, NoAnswerError, Partnero
from partnero_async.bulk import (
    ImportStopError,
    JournalError,
    JournalInUseError,
    JournalWriteError,
    Progress,
    Report,
    Source,
    SourceError,
    course,
)
from partnero_async.bulk.journal import Journal
from partnero_async.bulk.scan import scan
from partnero_async.bulk.store import Store
from partnero_async.sandbox import Sandbox
from tests.bulk.both import (
    plan_import,
    reconcile,
    resolve,
    resume,
    run_import,
    stop_for,
)
from tests.bulk.shop import (
    HEADER,
    expected,
    names_in,
    read_csv,
    sale,
    sales_in,
    write_csv,
)

pytestmark = pytest.mark.usefixtures("shop")

DATA = Path(__file__).parents[2] / "examples" / "data"


async def sell(client: Partnero, file: Path | Source, **options: Any) -> Report:
    """Import sales."""
    return await run_import(client, "transactions", file, settle=0.05, **options)


async def test_a_file_of_sales(client: Partnero, shop: Sandbox, tmp_path: Path) -> None:
    """Each row becomes one sale, and the report says so."""
    file = write_csv(tmp_path / "s.csv", map(sale, range(60)))
    report = await sell(client, file)
    assert sales_in(shop) == expected(range(60))
    assert (report.rows, report.done, report.exit_code) == (60, 60, 0)
    assert report.requests == 62
    assert report.rejects is None
    assert report.as_dict()["journal"] == f"{file}.journal"


async def test_started_again_it_sends_nothing(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """What is final stays final, also when the file is called otherwise."""
    file = write_csv(tmp_path / "s.csv", map(sale, range(5)))
    await sell(client, file)
    renamed = file.rename(tmp_path / "renamed.csv")
    report = await sell(client, renamed, journal=f"{file}.journal")
    assert (report.done, report.requests) == (5, 0)
    assert len(sales_in(shop)) == 5


async def test_a_shops_own_columns(
    client: Partnero, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The partners and customers of the example data are imported as they are."""
    partners = await run_import(
        client,
        "partners",
        DATA / "partners.csv",
        journal=tmp_path / "p",
        rejects=tmp_path / "pr",
    )
    customers = await run_import(
        client,
        "customers",
        Source(
            path=DATA / "customers.csv",
            columns={
                "key": "Customer ID",
                "email": "E-mail",
                "partner.key": "Referred by",
            },
            ignore=["First order"],
        ),
        journal=tmp_path / "c",
        rejects=tmp_path / "cr",
    )
    assert (partners.done, partners.exit_code) == (40, 0)
    assert (customers.done, customers.exit_code) == (2357, 0)
    assert (await client.customers.get("cd-00021")).email == "cd00021@customers.example"
    assert len(sandbox.ledger) == 2397 + 4


BAD_ROWS: Sequence[Sequence[str]] = (
    ("", "c1", "1.00", "2024-01-31", "sale"),
    ("s2", "c1", "1,00", "2024-01-31", "sale"),
    ("s3", "nobody", "1.00", "2024-01-31", "sale"),
    ("s4", "c1", "1.00", "31.1.24", "sale"),
    ("s5", "c1", "1.00", "2024-01-31", "sale", "surplus"),
    ("s6", "c2", "6.25", "2024-01-31", "sale"),
    ("s6", "c2", "7.25", "2024-01-31", "sale"),
)


async def test_bad_rows_are_rejected_and_the_rest_goes_on(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Each bad row is in the rejects file: verbatim, with number, code and reason."""
    file = write_csv(tmp_path / "s.csv", BAD_ROWS)
    report = await sell(client, file)
    assert sales_in(shop) == [("s6", Decimal("6.25"))]
    assert (report.done, report.rejected, report.exit_code) == (1, 6, 1)
    assert report.rejects == tmp_path / "s.csv.rejects.csv"
    header, *rejected = read_csv(report.rejects)
    assert header == ["reject_row", "reject_code", "reject_reason", *HEADER]
    assert [row[:2] for row in rejected] == [
        ["1", "missing"],
        ["2", "malformed"],
        ["3", "unknown_customer"],
        ["4", "malformed"],
        ["5", "cells"],
        ["7", "duplicate"],
    ]
    assert rejected[2][2] == "the program has no customer with key nobody"
    assert rejected[5][2] == "s6 is the key of row 6 too"
    assert [tuple(row[3:]) for row in rejected] == [*BAD_ROWS[:5], BAD_ROWS[6]]
    assert [listed.row for listed in report.first_rejected] == [1, 2, 3, 4, 5, 7]


async def test_mended_and_fed_again(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """A mended rejects file is imported as it is; its own rejects look the same."""
    await sell(client, write_csv(tmp_path / "s.csv", BAD_ROWS))
    rejects = tmp_path / "s.csv.rejects.csv"
    header, *rows = read_csv(rejects)
    rows[0][3] = "s1"
    rows[1][5] = "1.00"
    again = await sell(client, write_csv(rejects, rows[:3], header=header))
    assert [key for key, _ in sales_in(shop)] == ["s1", "s2", "s6"]
    assert again.rejects == tmp_path / "s.csv.rejects.csv.rejects.csv"
    new_header, *left = read_csv(again.rejects)
    assert new_header == header
    assert [row[:2] for row in left] == [["3", "unknown_customer"]]


async def test_a_rejects_file_that_is_being_mended_is_left_alone(
    client: Partnero, tmp_path: Path
) -> None:
    """Started again without anything new, it does not overwrite what was mended."""
    file = write_csv(tmp_path / "s.csv", BAD_ROWS)
    rejects = tmp_path / "s.csv.rejects.csv"
    await sell(client, file)
    before = rejects.read_text()
    rejects.write_text("mended")
    assert (await sell(client, file)).rejects == rejects
    assert rejects.read_text() == "mended"
    rejects.unlink()
    await sell(client, file)
    assert rejects.read_text() == before


async def test_customers_and_partners_that_are_there(
    client: Partnero, tmp_path: Path
) -> None:
    """An equal one is done; one with other values, or under nobody, is rejected."""
    file = write_csv(
        tmp_path / "c.csv",
        [
            ("c1", "p1", "c1@example.com"),
            ("c2", "p1", "other@example.com"),
            ("c9", "p9", ""),
            ("c8", "p1", "nope"),
        ],
        header=("key", "partner.key", "email"),
    )
    report = await run_import(client, "customers", file)
    assert (report.done, report.rejected) == (1, 3)
    assert [row.code for row in report.first_rejected] == [
        "conflict",
        "bad_request",
        "malformed",
    ]


async def test_a_lost_journal_does_not_double(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Sales that are there are seen before anything is sent."""
    file = write_csv(tmp_path / "s.csv", map(sale, range(30)))
    await sell(client, file)
    (tmp_path / "s.csv.journal").unlink()
    write_csv(file, [*map(sale, range(40)), sale(50, customer="nobody")])
    report = await sell(client, file)
    assert (report.done, report.already_there, report.rejected) == (40, 30, 1)
    assert sales_in(shop) == expected(range(40))


async def test_sales_that_are_there_with_other_values(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Another amount or customer is a conflict; more than one is parked."""
    for number, customer, amount in (
        (1, "c1", "9"),
        (2, "c2", "2.25"),
        (3, "c1", "3.25"),
        (3, "c1", "3.25"),
        (4, "nobody", "4.25"),
    ):
        await client.transactions.create(
            key=f"s{number}",
            customer={"key": customer},
            amount=Decimal(amount),
            action="sale",
        )
    file = write_csv(tmp_path / "s.csv", map(sale, range(1, 6)))
    report = await sell(client, file)
    assert [(row.row, row.code) for row in report.first_rejected] == [
        (1, "conflict"),
        (2, "conflict"),
        (4, "conflict"),
    ]
    assert [(row.row, row.code) for row in report.first_parked] == [(3, "several")]
    assert (report.done, report.exit_code) == (1, 3)
    assert len(sales_in(shop)) == 6


async def test_a_small_file_does_not_walk_a_large_program(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """With fewer rows than pages, rows and customers are looked up one by one."""
    for number in range(3):
        await client.customers.create(f"x{number}", partner={"key": "p1"})
    old = [sale(number) for number in range(600)]
    await sell(client, write_csv(tmp_path / "old.csv", old))
    before = shop.requests
    file = write_csv(tmp_path / "s.csv", [sale(1), sale(700)])
    report = await sell(client, file)
    assert (report.done, report.already_there) == (2, 1)
    assert shop.requests - before <= 8


async def test_customers_by_email_and_those_off_the_pages(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is not on the pages that were walked is asked for."""
    monkeypatch.setattr("partnero_async.bulk.there.PAGE", 1)
    monkeypatch.setattr("partnero_async.bulk.buyers.PAGE", 1)
    header = ("key", "customer.email", "amount")
    rows = [
        ("s1", "c1@example.com", "1"),
        ("s2", "nobody@example.com", "1"),
    ]
    report = await sell(client, write_csv(tmp_path / "s.csv", rows, header=header))
    assert (report.done, report.rejected) == (1, 1)
    by_key = [("t1", "c1", "1"), ("t2", "nobody", "1")]
    file = write_csv(
        tmp_path / "t.csv", by_key, header=("key", "customer.key", "amount")
    )
    report = await sell(client, file)
    assert (report.done, report.rejected) == (1, 1)
    assert report.first_rejected[0].reason.endswith("no customer with key nobody")


async def test_only_unknown_customers(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Where nothing is left to be sent, the sales of the program are not walked."""
    file = write_csv(tmp_path / "s.csv", [sale(1, customer="nobody")])
    report = await sell(client, file)
    assert (report.rejected, report.exit_code) == (1, 1)
    assert shop.requests_by_route["GET /transactions"] == 0


async def test_stopped_while_it_looks_at_the_program(
    client: Partnero, shop: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A survey that was cut short rejects nobody, and is taken again."""
    stop = stop_for(client)

    async def stops(*_: Any) -> bool:
        stop.set()
        await asyncio.sleep(1)  # a thread is told now and then, and looks only then
        return False

    file = write_csv(tmp_path / "s.csv", [sale(1)])
    with monkeypatch.context() as patch:
        patch.setattr(course, "TICK", 0.01)
        patch.setattr("partnero_async.bulk.buyers.PAGE", 1)
        patch.setattr("partnero_async.bulk.buyers.Customers.called", stops)
        report = await sell(client, file, stop=stop)
    assert (report.pending, report.rejected, report.exit_code) == (1, 0, 130)
    assert (await sell(client, file)).exit_code == 0
    assert sales_in(shop) == expected([1])


async def test_a_sale_may_create_its_customer(client: Partnero, tmp_path: Path) -> None:
    """With create_customer an unknown customer is no reason to reject."""
    header = ("key", "customer.key", "customer.partner.key", "reward")
    file = write_csv(tmp_path / "s.csv", [("s1", "new", "p1", "1.5")], header=header)
    source = Source(path=file, constants={"create_customer": "true"})
    report = await run_import(client, "transactions", source)
    assert report.done == 1
    assert (await client.customers.get("new")).key == "new"


# --- what stops it before anything is sent -----------------------------------------


async def test_a_file_that_cannot_be_read_to_its_end_sends_nothing(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """The whole file is read before its first row is sent, and no journal is left."""
    file = write_csv(tmp_path / "s.csv", map(sale, range(3)))
    file.write_bytes(file.read_bytes() + b"s9,c1,Jos\x81,,\n")
    with pytest.raises(SourceError, match=r"row 4 \(line 5\): byte 0x81"):
        await sell(client, file)
    assert sales_in(shop) == []
    assert names_in(tmp_path) == [file.name]


async def test_a_missing_file(client: Partnero, tmp_path: Path) -> None:
    """A file that is not there is one line."""
    with pytest.raises(SourceError, match="No such file"):
        await sell(client, tmp_path / "nope.csv")
    (tmp_path / "empty.csv").touch()
    with pytest.raises(SourceError, match=r"empty\.csv: the file is empty"):
        await sell(client, tmp_path / "empty.csv")


async def test_a_wrong_key_sends_nothing(
    partnero: type[Partnero], sandbox: Sandbox, tmp_path: Path
) -> None:
    """The key is checked before a journal is made."""
    file = write_csv(tmp_path / "s.csv", [sale(1)])
    async with partnero("wrong", base_url=sandbox.url) as client:
        with pytest.raises(AuthenticationError):
            await sell(client, file)
    assert names_in(tmp_path) == [file.name]


async def test_an_api_that_is_not_there(
    partnero: type[Partnero], tmp_path: Path
) -> None:
    """Without an API nothing begins."""
    file = write_csv(tmp_path / "s.csv", [sale(1)])
    async with partnero("key", base_url="http://127.0.0.1:1/v1", timeout=1) as client:
        with pytest.raises(NoAnswerError):
            await sell(client, file)


async def test_files_must_not_overwrite_each_other(
    client: Partnero, tmp_path: Path
) -> None:
    """The rejects file cannot be the file itself, however it is spelt.

    Nor the journal's, nor that of the customers, which is read as well.
    """
    file = write_csv(tmp_path / "s.csv", [sale(1)])
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.csv").hardlink_to(file)
    part = write_csv(tmp_path / "r.csv.part", [sale(1)])
    for source, rejects in (
        (file, "s.csv"),
        (file, "sub/../s.csv"),
        (file, "link.csv"),
        (part, "r.csv"),
    ):
        with pytest.raises(ImportStopError, match="must be different files"):
            await sell(client, source, rejects=tmp_path / rejects)
    buyers = write_csv(tmp_path / "c.csv", [], header=["key", "partner.key"])
    for rejects in ("c.csv", "s.csv.journal-wal"):
        with pytest.raises(ImportStopError, match=f"{rejects} would be written over"):
            await sell(client, file, rejects=tmp_path / rejects, customers=buyers)


@pytest.mark.parametrize(
    ("option", "name", "reason"),
    [
        ("rejects", "nowhere/r.csv", "nowhere/r.csv: there is no folder"),
        ("rejects", "folder", "the rejected rows cannot be written there"),
        ("rejects", "pipe", "the rejected rows cannot be written there"),
        ("journal", "nowhere/j", "nowhere/j: there is no folder"),
        ("journal", "folder", "the journal cannot be written there"),
        ("journal", "pipe", "the journal cannot be written there"),
    ],
)
async def test_a_place_that_cannot_be_written(
    *,
    client: Partnero,
    shop: Sandbox,
    tmp_path: Path,
    option: str,
    name: str,
    reason: str,
) -> None:
    """It is said before a sale is sent, by what was to be there."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    file = write_csv(tmp_path / "s.csv", BAD_ROWS)
    place: dict[str, Any] = {option: tmp_path / name}
    with pytest.raises(ImportStopError, match=reason):
        await sell(client, file, **place)
    assert sales_in(shop) == []
    assert names_in(tmp_path) == ["folder", "pipe", "s.csv"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"concurrency": 0}, "concurrency=0: give 1 or more"),
        ({"concurrency": "8"}, "concurrency='8': give 1 or more"),
        ({"settle": -1}, "settle=-1: give a number of seconds"),
        ({"settle": float("nan")}, "settle=nan: give a number of seconds"),
        ({"settle": "5"}, "settle='5': give a number of seconds"),
    ],
)
async def test_options_with_which_nothing_can_be_done(
    client: Partnero, shop: Sandbox, tmp_path: Path, options: Any, reason: str
) -> None:
    """They are refused before anything is read, asked or written."""
    file = write_csv(tmp_path / "s.csv", [sale(1)])
    asked = shop.requests
    with pytest.raises(ImportStopError, match=reason):
        await run_import(client, "transactions", file, **options)
    with pytest.raises(ImportStopError, match=reason):
        await resume(client, tmp_path / "j", **options)
    if "concurrency" in options:
        with pytest.raises(ImportStopError, match=reason):
            await plan_import(client, "transactions", file, **options)
        with pytest.raises(ImportStopError, match=reason):
            await reconcile(client, file, **options)
    assert shop.requests == asked
    assert names_in(tmp_path) == ["s.csv"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param([sale(0), sale(9), sale(2)], "row 2 is the first", id="edited"),
        pytest.param([sale(1), sale(0), sale(2)], "row 1 is the first", id="reordered"),
        pytest.param([sale(0), sale(1)], "row 3 is the first", id="truncated"),
        pytest.param([*map(sale, range(4))], "row 4 is the first", id="longer"),
    ],
)
async def test_a_changed_file_is_refused(
    client: Partnero,
    shop: Sandbox,
    tmp_path: Path,
    content: list[tuple[str, ...]],
    reason: str,
) -> None:
    """A journal goes on with the file that it was started with, and no other."""
    file = write_csv(tmp_path / "s.csv", map(sale, range(3)))
    await sell(client, file)
    write_csv(file, content)
    with pytest.raises(JournalError, match=reason):
        await sell(client, file)
    assert len(sales_in(shop)) == 3


async def test_before_anything_took_effect_a_file_may_be_mended(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Its rows are read anew, in another way or with other cells."""
    header = (*HEADER[:3], "created_at")
    file = write_csv(
        tmp_path / "s.csv", [("s1", "c1", "1,50", "3.2.24")], header=header
    )
    assert (await sell(client, file)).reasons == {"malformed": 1}
    report = await sell(client, Source(path=file, decimal_comma=True))
    assert report.reasons == {"malformed": 1}
    rows = [("s1", "c1", "1,50", "2024-02-03"), ("s2", "c1", "2", "2024-02-03")]
    write_csv(file, rows, header=header)
    report = await sell(client, Source(path=file, decimal_comma=True))
    assert (report.rows, report.done, report.reasons) == (2, 2, {})
    assert [key for key, _ in sales_in(shop)] == ["s1", "s2"]
    write_csv(file, rows[:1], header=header)
    with pytest.raises(JournalError, match="row 2 is the first that differs"):
        await sell(client, Source(path=file, decimal_comma=True))


async def test_sales_of_a_mended_file_are_looked_up_before_they_are_sent(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """That was done for the rows before them, and says nothing about these."""
    await sell(client, write_csv(tmp_path / "before.csv", [sale(1)]))
    file = write_csv(tmp_path / "s.csv", [sale(1, amount="x")])
    assert (await sell(client, file)).reasons == {"malformed": 1}
    write_csv(file, [sale(1), sale(2, customer="nobody")])
    report = await sell(client, file)
    assert (report.done, report.already_there) == (1, 1)
    assert report.reasons == {"unknown_customer": 1}
    assert sales_in(shop) == expected([1])


async def test_a_file_with_another_header_or_other_bytes_is_refused(
    client: Partnero, tmp_path: Path
) -> None:
    """Also what is not in the rows is part of the file."""
    file = write_csv(tmp_path / "s.csv", map(sale, range(3)))
    await sell(client, file)
    original = file.read_bytes()
    file.write_bytes(original + b"\n")
    with pytest.raises(JournalError, match="its rows are the same, its bytes are not"):
        await sell(client, file)
    file.write_bytes(original.replace(b"action", b"status"))
    with pytest.raises(JournalError, match="its header differs"):
        await sell(client, file)


async def test_a_journal_of_something_else_is_refused(
    partnero: type[Partnero], client: Partnero, tmp_path: Path
) -> None:
    """Another resource, other options and another program each need a new journal."""
    file = write_csv(tmp_path / "s.csv", [("s1", "c1", "1")], header=HEADER[:3])
    await sell(client, file)
    journal = tmp_path / "s.csv.journal"
    partners = write_csv(tmp_path / "p.csv", [("a@b.com",)], header=("email",))
    with pytest.raises(JournalError, match="is the journal of transactions"):
        await run_import(client, "partners", partners, journal=journal)
    with pytest.raises(JournalError, match="other --map, --set, --ignore"):
        await sell(client, Source(path=file, constants={"action": "sale"}))
    async with Sandbox() as other, partnero(other.api_key, base_url=other.url) as there:
        with pytest.raises(JournalError, match="belongs to the program"):
            await sell(there, file)
        with pytest.raises(JournalError, match="belongs to the program"):
            await resolve(there, journal)


async def test_two_imports_cannot_share_a_journal(
    client: Partnero, tmp_path: Path
) -> None:
    """One writer a journal: the second one is refused."""
    file = write_csv(tmp_path / "s.csv", [sale(1)])
    async with Journal(tmp_path / "s.csv.journal"):
        with pytest.raises(JournalInUseError):
            await sell(client, file)


async def test_resolving_what_was_never_sent(client: Partnero, tmp_path: Path) -> None:
    """A journal without rows has nothing to resolve."""
    async with Journal(tmp_path / "j"):
        pass
    with pytest.raises(JournalError, match="nothing was sent"):
        await resolve(client, tmp_path / "j")


async def test_a_changed_file_that_cannot_be_read(
    client: Partnero, tmp_path: Path
) -> None:
    """A journal under which something was sent stays, whatever became of the file."""
    file = write_csv(tmp_path / "s.csv", [sale(1)])
    await sell(client, file)
    file.write_bytes(file.read_bytes() + b"\x81")
    with pytest.raises(SourceError, match="row 2"):
        await sell(client, file)
    assert "s.csv.journal" in names_in(tmp_path)


async def test_without_a_key_check_the_address_names_the_program(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """The key check is known from one source only; an API without it will do."""
    file = write_csv(tmp_path / "s.csv", [sale(1)])
    shop.fail_next("account.test", how=404)
    assert (await sell(client, file)).exit_code == 0
    with pytest.raises(JournalError, match="to the program <Partnero client of"):
        await sell(client, file)


async def test_a_journal_that_fails_on_the_way_is_raised(
    client: Partnero, shop: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its journal an import sends nothing more."""

    def full(_: Store) -> None:
        raise JournalError("the disk is full")

    monkeypatch.setattr(Store, "forget_program", full)
    with pytest.raises(JournalError, match="full"):
        await sell(client, write_csv(tmp_path / "s.csv", [sale(1)]))
    assert sales_in(shop) == []


# --- what is told, and when it ends --------------------------------------------------


async def test_a_disk_that_is_full_at_the_end_is_told_with_what_was_sent(
    client: Partnero, shop: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came of the last rows could not be written down: they are looked up."""
    file = write_csv(tmp_path / "s.csv", map(sale, range(3)))

    async def full(_: Journal) -> None:
        raise JournalWriteError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "flush", full)
        with pytest.raises(JournalWriteError, match="disk is full") as caught:
            await sell(client, file)
    assert caught.value.report is not None
    assert caught.value.report.rows == 3
    report = await sell(client, file)
    assert (report.done, sales_in(shop)) == (3, expected(range(3)))


async def test_progress_is_told(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever watches is told of each stage, and of the end."""
    monkeypatch.setattr(course, "TICK", 0.001)
    seen: list[Progress] = []
    told = threading.Event()

    def watch(progress: Progress) -> None:
        seen.append(
            Progress(doing=progress.doing, rows=progress.rows, done=progress.done)
        )
        told.set()

    def read(*rows: Any, **options: Any) -> None:
        # A thread is told of the newest only, and may be late for the first.
        assert told.wait(timeout=20)
        scan(*rows, **options)

    monkeypatch.setattr(course, "scan", read)

    file = write_csv(tmp_path / "s.csv", map(sale, range(50)))
    await sell(client, file, on_progress=watch)
    assert {"reading", "sending"} <= {progress.doing for progress in seen}
    assert (seen[-1].rows, seen[-1].done) == (50, 50)


async def sell_some(client: Partnero, file: Path, shop: Sandbox, enough: int) -> Report:
    """Begin to import a file, and stop when so many sales are there."""
    shop.latency = 0.02
    stop = stop_for(client)
    work = asyncio.create_task(sell(client, file, stop=stop, concurrency=4))
    while len(sales_in(shop)) < enough:  # noqa: ASYNC110 - a server's ledger
        await asyncio.sleep(0.005)
    stop.set()
    report = await work
    shop.latency = 0.0
    return report


async def test_stopped_it_drains_and_goes_on_later(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Nothing new is sent, what is under way ends, and the rest is sent next time."""
    file = write_csv(tmp_path / "s.csv", map(sale, range(60)))
    report = await sell_some(client, file, shop, 10)
    assert report.interrupted
    assert report.exit_code == 130
    assert report.done == len(sales_in(shop)) < 60
    assert (report.sent, report.pending) == (0, 60 - report.done)
    assert (await sell(client, file)).exit_code == 0
    assert sales_in(shop) == expected(range(60))


@pytest.mark.parametrize("how", ["an older journal", "another file"])
async def test_what_came_otherwise_meanwhile_is_not_sent_again(
    client: Partnero, shop: Sandbox, tmp_path: Path, how: str
) -> None:
    """Each run looks: since the last one the program may have got what is pending."""
    file = write_csv(tmp_path / "s.csv", map(sale, range(40)))
    assert (await sell_some(client, file, shop, 5)).exit_code == 130
    journal = tmp_path / "s.csv.journal"
    if how == "another file":
        await sell(client, write_csv(tmp_path / "t.csv", map(sale, range(30, 40))))
    else:
        older = journal.read_bytes()
        await sell(client, file)
        journal.write_bytes(older)
    report = await sell(client, file)
    assert (report.done, report.exit_code) == (40, 0)
    assert sales_in(shop) == expected(range(40))


async def test_what_does_not_drain_is_looked_up_next_time(
    client: Partnero, shop: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the last seconds what is under way is given up, and is in doubt."""
    monkeypatch.setattr(course, "DRAIN", 0.05)
    shop.answer_latency = 0.5
    file = write_csv(tmp_path / "s.csv", map(sale, range(6)))
    stop = stop_for(client)
    work = asyncio.create_task(sell(client, file, stop=stop, concurrency=2))
    while not sales_in(shop):  # noqa: ASYNC110 - a server's ledger
        await asyncio.sleep(0.005)
    stop.set()
    report = await work
    assert (report.sent, report.exit_code) == (2, 130)
    shop.answer_latency = 0.0
    assert (await sell(client, file)).exit_code == 0
    assert sales_in(shop) == expected(range(6))


async def test_stopped_before_it_began(client: Partnero, tmp_path: Path) -> None:
    """Stopped while it reads, it has sent nothing, and can be started again."""
    stop = stop_for(client)
    stop.set()
    file = write_csv(tmp_path / "s.csv", map(sale, range(6)))
    report = await sell(client, file, stop=stop)
    assert (report.done, report.exit_code) == (0, 130)
    assert (await sell(client, file)).done == 6
