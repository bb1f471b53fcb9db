"""What can be done with a journal alone: looked at, gone on with, tried again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from partnero_async import Partnero
from partnero_async.bulk import (
    ImportStopError,
    JournalError,
    JournalInUseError,
    Money,
    Report,
    Source,
    status,
)
from partnero_async.bulk.journal import Journal
from partnero_async.bulk.store import Mark, Store
from partnero_async.bulk.tally import write
from partnero_async.errors import ConnectionFailedError
from partnero_async.resources.transactions import TransactionsResource
from partnero_async.sandbox import Sandbox
from tests.bulk.both import resume, retry_rejects, run_import
from tests.bulk.shop import (
    HEADER,
    expected,
    names_in,
    read_csv,
    sale,
    sales_in,
    write_csv,
)
from tests.bulk.test_doubt import left_sent, record
from tests.bulk.test_store import filled, sqlite_file

pytestmark = pytest.mark.usefixtures("shop")

BAD: Sequence[Sequence[str]] = (
    sale(1),
    sale(2, customer="late"),
    ("s3", "c1", "x", "2024-01-31", "sale"),
    sale(4),
    sale(4),
)


async def sell(client: Partnero, file: Path | Source, **options: Any) -> Report:
    """Import sales."""
    return await run_import(client, "transactions", file, settle=0.05, **options)


async def late_customer(client: Partnero) -> None:
    """Register the customer whom a rejected sale has named."""
    await client.customers.create("late", partner={"key": "p1"})


# --- status ------------------------------------------------------------------------


async def test_status_is_the_report_without_a_run(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """It says what the last run said, with neither a key nor a request."""
    report = await sell(client, write_csv(tmp_path / "s.csv", BAD))
    before = shop.requests
    found = await status(report.journal)
    assert shop.requests == before
    assert (found.done, found.rejected, found.exit_code) == (2, 3, 1)
    for name in ("rejects", "reasons", "by_field", "money", "first_rejected"):
        assert getattr(found, name) == getattr(report, name)
    assert found.reasons == {"duplicate": 1, "malformed": 1, "unknown_customer": 1}
    assert {
        name: [row.row for row in rows] for name, rows in found.by_field.items()
    } == {
        "amount": [3],
        "customer.key": [2],
        "key": [5],
    }


async def test_status_changes_nothing(client: Partnero, tmp_path: Path) -> None:
    """What was under way stays so, and says why it is in doubt."""
    journal = await left_sent(client, tmp_path, rows=2)
    names = names_in(tmp_path)
    for _ in range(2):
        found = await status(str(journal))
        assert (found.sent, found.exit_code) == (2, 3)
        assert found.reasons == {"under_way": 2}
        assert [row.key for row in found.first_parked] == ["s0", "s1"]
        assert "was not looked up yet" in found.first_parked[0].reason
    assert names_in(tmp_path) == names


async def test_status_counts_what_is_pending(client: Partnero, tmp_path: Path) -> None:
    """Rows that were never sent make exit code 1, as after an import."""
    file = write_csv(tmp_path / "s.csv", map(sale, range(3)))
    async with Journal(tmp_path / "s.csv.journal"):
        pass
    with pytest.raises(JournalError, match="its file was not read to the end"):
        await status(tmp_path / "s.csv.journal")
    await left_sent(client, tmp_path, rows=3)
    store = Store(tmp_path / "s.csv.journal", make=False)
    store.reopen("sent")
    store.close()
    found = await status(f"{file}.journal")
    assert (found.pending, found.exit_code) == (3, 1)


async def test_status_of_what_is_in_use(tmp_path: Path) -> None:
    """While an import holds the journal nobody else reads it."""
    async with Journal(tmp_path / "j"):
        with pytest.raises(JournalInUseError):
            await status(tmp_path / "j")


async def test_status_of_what_is_no_journal(tmp_path: Path) -> None:
    """An empty file, and one of another program, are refused and left as they are."""
    (tmp_path / "empty").touch()
    other = sqlite_file(tmp_path / "other", "CREATE TABLE t (x)")
    before = other.read_bytes()
    for path, reason in (
        (tmp_path / "empty", "is no journal"),
        (other, "is no journal"),
        (tmp_path / "nope", "no such journal"),
    ):
        with pytest.raises(JournalError, match=reason):
            await status(path)
    assert (tmp_path / "empty").read_bytes() == b""
    assert other.read_bytes() == before
    assert names_in(tmp_path) == ["empty", "other"]


async def test_a_journal_that_is_read_is_not_changed(tmp_path: Path) -> None:
    """Whatever reading asks of SQLite, it is not let write."""
    Store(tmp_path / "j", make=True).close()
    store = Store(tmp_path / "j", make=False, reading=True)
    with pytest.raises(JournalError, match="readonly"), store.transaction():
        store.keep(x="y")
    store.close()


async def test_status_where_nothing_can_be_written(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite would say that there is an error of the disk."""
    report = await sell(client, write_csv(tmp_path / "s.csv", [sale(1)]))
    monkeypatch.setattr(os, "access", lambda folder, _: folder != tmp_path)
    with pytest.raises(JournalError, match="copy it to such a folder"):
        await status(report.journal)


# --- money -------------------------------------------------------------------------


async def test_money_is_added_up_exactly(client: Partnero, tmp_path: Path) -> None:
    """By currency: what the file says of all rows, and what of it is recorded."""
    rows = [
        ("s1", "c1", "0.1", "usd"),
        ("s2", "c1", "0.2", "USD"),
        ("s3", "nobody", "123456789012345.000000000001", "USD"),
        ("s4", "c1", "1", ""),
        ("", "c1", "2", ""),
        ("s6", "c1", "many", ""),
        ("s7", "c1", "1", "", "surplus"),
        *(
            (f"t{n}", "nobody", "999999999999999.999999999999", "EUR")
            for n in range(99)
        ),
    ]
    header = ("key", "customer.key", "amount", "amount_units")
    report = await sell(client, write_csv(tmp_path / "s.csv", rows, header=header))
    assert list(report.money) == [
        Money(units=None, rows=2, given=Decimal(3), recorded=Decimal(1)),
        Money(units="EUR", rows=99, given=Decimal("98999999999999999.999999999901")),
        Money(
            units="USD",
            rows=3,
            given=Decimal("123456789012345.300000000001"),
            recorded=Decimal("0.3"),
        ),
    ]
    assert report.as_dict()["money"][2]["recorded"] == "0.3"
    assert report.unread_amounts == 2


# --- keys that begin like a formula ------------------------------------------------


@pytest.mark.parametrize("csv", [True, False], ids=["CSV", "rows"])
async def test_a_quote_before_a_formula(
    client: Partnero, shop: Sandbox, tmp_path: Path, *, csv: bool
) -> None:
    """In CSV it is none of the key, also when the journal alone is gone on with.

    The rejected row stays as it was written: safe for a spreadsheet.
    """
    cells, key = sale(1, customer="'=k"), "=k" if csv else "'=k"
    source = (
        Source(path=write_csv(tmp_path / "s.csv", [cells]))
        if csv
        else Source(rows=[dict(zip(HEADER, cells, strict=True))])
    )
    report = await sell(client, source, journal=tmp_path / "j")
    assert [row.code for row in report.first_rejected] == ["unknown_customer"]
    assert report.rejects
    assert "'=k" in read_csv(report.rejects)[1]
    await client.customers.create(key, partner={"key": "p1"})
    again = await retry_rejects(client, tmp_path / "j")
    assert (again.done, sales_in(shop)) == (1, expected([1]))


# --- resume ------------------------------------------------------------------------


async def test_resume_needs_no_file(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """What is under way is looked up and the rest is sent, from the journal alone."""
    journal = await left_sent(client, tmp_path, rows=4)
    store = Store(journal, make=False)
    store.reopen("sent")
    store.close()
    (tmp_path / "s.csv").unlink()
    report = await resume(client, journal, settle=0)
    assert (report.done, report.exit_code) == (4, 0)
    assert sales_in(shop) == expected(range(4))


# --- rejected rows, tried again -----------------------------------------------------


async def test_rejected_rows_are_tried_again(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """What is right by now is sent, the rest is rejected for what is wrong now."""
    file = write_csv(tmp_path / "s.csv", BAD)
    first = await sell(client, file)
    await late_customer(client)
    again = await retry_rejects(client, first.journal, settle=0)
    assert (again.done, again.rejected, again.exit_code) == (3, 2, 1)
    assert again.reasons == {"duplicate": 1, "malformed": 1}
    assert again.first_rejected[1].reason == "s4 is the key of row 4 too"
    assert again.first_rejected[1].key == "s4"
    assert sales_in(shop) == expected([1, 2, 4])
    assert again.rejects == first.rejects
    assert [row[:2] for row in read_csv(tmp_path / "s.csv.rejects.csv")[1:]] == [
        ["3", "malformed"],
        ["5", "duplicate"],
    ]


async def test_rows_that_were_read_anew_are_tried_again_under_their_own_header(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """The first header is forgotten with the first rows: none of them took effect."""
    file = write_csv(tmp_path / "s.csv", [sale(1, amount="x")])
    assert (await sell(client, file)).reasons == {"malformed": 1}
    header = (HEADER[1], HEADER[0], *HEADER[2:])
    key, customer, *others = sale(1, customer="late")
    write_csv(file, [(customer, key, *others)], header=header)
    first = await sell(client, file)
    assert first.reasons == {"unknown_customer": 1}
    await late_customer(client)
    again = await retry_rejects(client, first.journal, settle=0)
    assert (again.done, again.reasons) == (1, {})
    assert sales_in(shop) == expected([1])


async def test_only_some_codes_are_tried_again(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """A code takes its rows only; one that no row has is an error that names others."""
    rows = [sale(1, customer="late"), sale(2)]
    await record(client, 2, "99")
    journal = (await sell(client, write_csv(tmp_path / "s.csv", rows))).journal
    with pytest.raises(JournalError, match="there are: conflict, unknown_customer"):
        await retry_rejects(client, journal, codes=["nope"])
    await late_customer(client)
    await client.transactions.delete("s2")
    again = await retry_rejects(client, journal, codes=["unknown_customer"])
    assert (again.done, again.reasons) == (1, {"conflict": 1})
    again = await retry_rejects(client, journal)
    assert (again.done, again.exit_code, again.rejects) == (2, 0, None)
    assert names_in(tmp_path) == ["s.csv", "s.csv.journal"]
    with pytest.raises(JournalError, match="there are: none"):
        await retry_rejects(client, journal, codes=["conflict"])
    with pytest.raises(ImportStopError, match="'conflict': give a list of codes"):
        await retry_rejects(client, journal, codes="conflict")
    assert len(sales_in(shop)) == 3


async def test_a_rejected_sale_that_is_there_by_now_is_not_sent(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Rows that are tried again are looked up like any other before they are sent."""
    file = write_csv(tmp_path / "s.csv", [sale(2, customer="late")])
    journal = (await sell(client, file)).journal
    await late_customer(client)
    await client.transactions.create(
        key="s2", customer={"key": "late"}, amount=Decimal("2.25"), action="sale"
    )
    again = await retry_rejects(client, journal)
    assert (again.done, again.already_there) == (1, 1)
    assert len(sales_in(shop)) == 1


async def test_cut_short_a_retry_goes_on(
    client: Partnero, shop: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that were taken for another try are pending until they are sent."""
    file = write_csv(tmp_path / "s.csv", [sale(2, customer="late")])
    journal = (await sell(client, file)).journal
    await late_customer(client)

    def gone(*_: Any, **__: Any) -> Any:
        raise ConnectionFailedError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(TransactionsResource, "list", gone)
        assert (await retry_rejects(client, journal)).pending == 1
    assert (await resume(client, journal)).done == 1
    assert sales_in(shop) == expected([2])


async def test_a_rejects_file_that_was_mended_is_not_written_over(
    client: Partnero, tmp_path: Path
) -> None:
    """What somebody wrote stays; the rows of now are beside it."""
    first = await sell(client, write_csv(tmp_path / "s.csv", BAD))
    assert first.rejects
    first.rejects.write_text("mended")
    await late_customer(client)
    (tmp_path / "s.csv.rejects.2.csv").write_text("of somebody else")
    again = await retry_rejects(client, first.journal)
    assert again.rejects == tmp_path / "s.csv.rejects.3.csv"
    assert [row[0] for row in read_csv(again.rejects)[1:]] == ["3", "5"]
    third = await retry_rejects(client, first.journal)
    assert third.rejects == again.rejects
    assert first.rejects.read_text() == "mended"
    assert (tmp_path / "s.csv.rejects.2.csv").read_text() == "of somebody else"


async def test_mended_rows_of_another_journal_are_not_written_over(
    client: Partnero, tmp_path: Path
) -> None:
    """The same file under a new journal has its rejects beside those of before."""
    file = write_csv(tmp_path / "s.csv", BAD)
    first = await sell(client, file)
    assert first.rejects
    again = await sell(client, file, journal=tmp_path / "again")
    assert again.rejects == first.rejects  # it says the same
    mended = first.rejects.read_text().replace("c1", "c2")
    first.rejects.write_text(mended)
    for rejects in (None, first.rejects):
        third = await sell(client, file, journal=tmp_path / "third", rejects=rejects)
        assert third.rejects == tmp_path / "s.csv.rejects.2.csv"
        assert first.rejects.read_text() == mended


async def test_another_file_may_be_written_over_by_name(
    client: Partnero, tmp_path: Path
) -> None:
    """It has no rejected rows that somebody may have mended."""
    other = tmp_path / "old.txt"
    other.write_text("of yesterday")
    file = write_csv(tmp_path / "s.csv", BAD)
    assert (await sell(client, file, rejects=other)).rejects == other
    assert len(read_csv(other)) > 1


def test_a_rejects_file_that_the_journal_cannot_note(tmp_path: Path) -> None:
    """What is wrong with the journal by then costs a line, and not the report."""
    store = filled(tmp_path / "j")
    store.mark([Mark(1, "rejected", "bad", "it is")])
    store.close()
    store = Store(tmp_path / "j", make=False, reading=True)
    problem = write(store, tmp_path / "r.csv")["rejects_problem"]
    assert "readonly" in problem
    assert len(read_csv(tmp_path / "r.csv")) == 2
    store.close()


async def test_a_mended_file_stays_when_nothing_is_rejected_any_more(
    client: Partnero, tmp_path: Path
) -> None:
    """Only what says nothing new is removed."""
    file = write_csv(tmp_path / "s.csv", [sale(2, customer="late")], header=HEADER)
    first = await sell(client, file)
    assert first.rejects
    first.rejects.write_text("mended")
    await late_customer(client)
    assert (await retry_rejects(client, first.journal)).rejects is None
    assert first.rejects.read_text() == "mended"
