"""A plan before an import: what it says is what the import then does."""

from __future__ import annotations

import asyncio
import gc
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import partnero_sync.bulk
from partnero_async import Partnero
from partnero_async.bulk import (
    ColumnError,
    Forecast,
    ImportStopError,
    Money,
    Planned,
    SourceError,
)
from partnero_async.bulk import dry_run as awaited_dry_run
from partnero_async.errors import ConnectionFailedError, WrongProgramError
from partnero_async.models import Customer, Page
from partnero_async.pages import Pages
from partnero_async.resources.customers import CustomersResource
from partnero_async.sandbox import Sandbox
from tests.awaited import AwaitedClient
from tests.bulk.both import plan_import, retry_rejects, run_import, stop_for
from tests.bulk.shop import HEADER, names_in, sale, sales_in, write_csv
from tests.bulk.test_doubt import record

pytestmark = pytest.mark.usefixtures("shop")

BAD = (
    sale(1),
    ("s2", "c1", "1,5", "2024-01-31", "sale"),
    sale(3),
    sale(3),
    ("", "c1", "7", "2024-01-31", "sale"),
)
CUSTOMERS = ("key", "partner.key", "email", "name")


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of temporary files, which is empty in the end."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


async def dry_run(client: Partnero, resource: Any, file: Path) -> Forecast:
    """Check with the form that is the client's, which itself is not needed."""
    if isinstance(client, AwaitedClient):
        return partnero_sync.bulk.dry_run(resource, file)
    return await awaited_dry_run(resource, file)


def steps(forecast: Forecast) -> list[tuple[str | None, str]]:
    """Return key and step of each row."""
    return [(planned.key, planned.step) for planned in forecast]


# --- dry run -----------------------------------------------------------------------


async def test_a_dry_run_checks_all_rows(
    client: Partnero, shop: Sandbox, tmp_path: Path, scratch: Path
) -> None:
    """It says what is wrong and where, sends nothing, and leaves nothing behind."""
    file = write_csv(tmp_path / "s.csv", BAD)
    before = shop.requests
    with await dry_run(client, "transactions", file) as forecast:
        assert (forecast.rows, forecast.create, forecast.refuse) == (5, 2, 3)
        assert (forecast.looked, forecast.exit_code) == (False, 1)
        assert forecast.reasons == {"duplicate": 1, "malformed": 1, "missing": 1}
        assert {k: [row.row for row in v] for k, v in forecast.by_field.items()} == {
            "amount": [2],
            "key": [4, 5],
        }
        assert list(forecast.money) == [
            Money(
                rows=4,
                given=Decimal("14.75"),
                pending=Decimal("4.5"),
            )
        ]
        assert list(forecast)[1] == Planned(
            row=2,
            key=None,
            step="refuse",
            code="malformed",
            reason=forecast.by_field["amount"][0].reason,
        )
        assert len(names_in(scratch)) == 1
    assert shop.requests == before
    assert names_in(scratch) == []
    assert names_in(tmp_path) == ["s.csv", "scratch"]


async def test_a_dry_run_of_what_is_right(client: Partnero, tmp_path: Path) -> None:
    """Exit code 0, also as plain values."""
    forecast = await dry_run(
        client, "transactions", write_csv(tmp_path / "s.csv", [sale(1)])
    )
    values = forecast.as_dict()
    assert (values["create"], values["exit_code"]) == (1, 0)
    assert values["money"][0]["pending"] == "1.25"
    assert not [name for name in values if "file" in name or "close" in name]


async def test_what_a_file_was_taken_for(client: Partnero, tmp_path: Path) -> None:
    """It is said before anything is sent, when a wrong guess costs nothing yet."""
    file = tmp_path / "s.csv"
    file.write_bytes("key;customer.key;amount\nZo\xeb;c1;1\n".encode("cp1252"))
    for forecast in (
        await dry_run(client, "transactions", file),
        await plan_import(client, "transactions", file),
    ):
        with forecast:
            assert forecast.as_dict()["read_as"] == {
                "format": "csv",
                "encoding": "windows-1252",
                "delimiter": ";",
            }


async def test_a_forecast_that_nobody_has_any_more_leaves_nothing(
    client: Partnero, tmp_path: Path, scratch: Path
) -> None:
    """Its file goes with it."""
    forecast = await dry_run(
        client, "transactions", write_csv(tmp_path / "s.csv", [sale(1)])
    )
    assert len(names_in(scratch)) == 1
    del forecast
    await asyncio.sleep(0)  # the loop lets go of what it has awaited
    gc.collect()
    assert names_in(scratch) == []


async def test_what_cannot_be_read_leaves_nothing(
    client: Partnero, tmp_path: Path, scratch: Path
) -> None:
    """A file or columns that do not work are the errors of an import."""
    file = write_csv(tmp_path / "s.csv", [sale(1)])
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(SourceError, match="row 2"):
        await dry_run(client, "transactions", file)
    with pytest.raises(ColumnError):
        await dry_run(client, "partners", file)
    assert names_in(scratch) == []


async def test_a_dry_run_can_be_cancelled(tmp_path: Path, scratch: Path) -> None:
    """The thread that reads ends soon after."""
    file = write_csv(tmp_path / "s.csv", map(sale, range(20_000)))
    task = asyncio.create_task(awaited_dry_run("transactions", file))
    while not names_in(scratch):  # noqa: ASYNC110 - another thread's folder
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    while names_in(scratch):  # noqa: ASYNC110
        await asyncio.sleep(0.001)


# --- plan --------------------------------------------------------------------------


async def test_a_plan_of_sales(
    client: Partnero, shop: Sandbox, tmp_path: Path, scratch: Path
) -> None:
    """What is there, is there otherwise, or more than once is told from what is new."""
    for number, amount in ((1, None), (2, "99"), (3, None), (3, None)):
        await record(client, number, amount)
    rows = [*map(sale, range(5)), sale(6, customer="nobody")]
    file = write_csv(tmp_path / "s.csv", rows)
    before = len(shop.ledger)
    with await plan_import(client, "transactions", file) as forecast:
        assert steps(forecast) == [
            ("s0", "create"),
            ("s1", "leave"),
            ("s2", "refuse"),
            ("s3", "park"),
            ("s4", "create"),
            ("s6", "refuse"),
        ]
        assert (forecast.looked, forecast.exit_code) == (True, 3)
        assert forecast.reasons == {"conflict": 1, "several": 1, "unknown_customer": 1}
        (money,) = forecast.money
        assert (money.given, money.recorded) == (Decimal("17.50"), Decimal("1.25"))
        assert money.pending == Decimal("4.50")
    assert len(shop.ledger) == before
    assert names_in(tmp_path) == ["s.csv", "scratch"]
    assert names_in(scratch) == []
    report = await run_import(client, "transactions", file)
    assert (report.done, report.already_there) == (3, 1)
    assert (report.rejected, report.parked) == (2, 1)


def customers(folder: Path) -> Path:
    """Write a file of customers: as they are, with other values, new, and refused."""
    rows = [
        ("c1", "p1", "c1@example.com", ""),
        ("c2", "p1", "new@example.com", "Ada"),
        ("c3", "p2", "", ""),
        ("n1", "p1", "", ""),
        ("n2", "nobody", "", ""),
        ("n2", "p1", "", ""),
    ]
    return write_csv(folder / "c.csv", rows, header=CUSTOMERS)


async def test_a_plan_with_changes_and_the_import_that_makes_them(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """With update just what differs is changed, where the API lets it be changed."""
    await client.partners.create(email="p2@example.com", key="p2")
    file = customers(tmp_path)
    before = len(shop.ledger)
    plain = await plan_import(client, "customers", file)
    assert (plain.create, plain.update, plain.leave, plain.refuse) == (1, 0, 1, 4)
    forecast = await plan_import(client, "customers", file, update=True)
    assert len(shop.ledger) == before
    assert steps(forecast) == [
        ("c1", "leave"),
        ("c2", "update"),
        ("c3", "refuse"),
        ("n1", "create"),
        ("n2", "refuse"),
        ("n2", "refuse"),
    ]
    changed = list(forecast)[1]
    assert list(changed.fields) == ["email", "name"]
    assert changed.reason == "changes email and name"
    assert [row.row for row in forecast.first_changed] == [2]
    report = await run_import(client, "customers", file, update=True)
    assert (report.done, report.already_there, report.updated) == (3, 1, 1)
    assert report.rejected == forecast.refuse
    ada = await client.customers.get("c2")
    assert (ada.email, ada.name) == ("new@example.com", "Ada")


async def test_without_update_what_is_there_is_left_alone_until_it_is_retried(
    client: Partnero, tmp_path: Path
) -> None:
    """Rows that were rejected as a conflict are changed when they are tried again."""
    file = customers(tmp_path)
    report = await run_import(client, "customers", file)
    assert (report.done, report.updated) == (2, 0)
    assert (await client.customers.get("c2")).name is None
    again = await retry_rejects(client, report.journal, codes=["conflict"], update=True)
    assert (again.done, again.updated) == (3, 1)
    assert (await client.customers.get("c2")).name == "Ada"


async def test_update_is_also_for_what_was_rejected_without_it(
    client: Partnero, tmp_path: Path
) -> None:
    """The same import with update changes what it has left alone; once only."""
    await client.partners.create(email="p2@example.com", key="p2")
    file = customers(tmp_path)
    report = await run_import(client, "customers", file)
    others = dict(report.reasons)
    assert others.pop("conflict") == 2  # one has another partner, which stays
    again = await run_import(client, "customers", file, update=True)
    assert (again.done, again.updated) == (report.done + 1, 1)
    assert again.reasons == {**others, "conflict": 1}
    assert (await client.customers.get("c2")).name == "Ada"
    await client.customers.update("c2", name="Zoe")
    same = await run_import(client, "customers", file, update=True)
    assert (same.done, same.requests) == (again.done, 0)
    assert (await client.customers.get("c2")).name == "Zoe"


async def test_update_with_another_mapping_reads_the_rows_anew(
    client: Partnero, tmp_path: Path
) -> None:
    """Nothing took effect, so nothing is there to be taken up again."""
    file = tmp_path / "c.csv"
    write_csv(file, [("c1", "p1", "Zoe")], header=("key", "partner.key", "name"))
    first = await run_import(client, "customers", file)
    assert first.reasons == {"conflict": 1}
    write_csv(file, [("c1", "p1", "", "Ada")], header=CUSTOMERS)
    again = await run_import(client, "customers", file, update=True)
    assert (again.updated, again.exit_code) == (1, 0)
    assert (await client.customers.get("c1")).name == "Ada"


async def test_sales_are_not_looked_at_again_for_an_update(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """The API changes no sale, so what was rejected stays that."""
    await client.transactions.create(
        key="s1", customer={"key": "c1"}, amount=99, action="sale"
    )
    file = write_csv(tmp_path / "s.csv", [sale(1)])
    first = await run_import(client, "transactions", file)
    assert first.reasons == {"conflict": 1}
    again = await run_import(client, "transactions", file, update=True)
    assert (again.reasons, again.requests) == ({"conflict": 1}, 0)
    assert len(sales_in(shop)) == 1


async def test_a_small_file_is_looked_up_row_by_row(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the list has more pages than the file has rows, it is not walked."""
    monkeypatch.setattr("partnero_async.bulk.kinds.PAGE", 1)
    monkeypatch.setattr("partnero_async.bulk.foresee.WINDOW", 1)
    rows = [("c1", "p1", "c1@example.com", ""), ("c2", "p1", "", "Ada")]
    file = write_csv(tmp_path / "c.csv", rows, header=CUSTOMERS)
    forecast = await plan_import(client, "customers", file, update=True)
    assert steps(forecast) == [("c1", "leave"), ("c2", "update")]


async def test_a_plan_of_links(client: Partnero, tmp_path: Path) -> None:
    """Where no list has them all, each row is asked for."""
    header = ("key", "partner.key")
    rows = [("p1", "p1"), ("fresh", "p1"), ("lost", "nobody")]
    file = write_csv(tmp_path / "l.csv", rows, header=header)
    forecast = await plan_import(client, "partner_links", file)
    assert [step for _, step in steps(forecast)][1:] == ["create", "refuse"]
    assert forecast.reasons["unknown_partner"] == 1


async def test_a_plan_of_promotion_codes(client: Partnero, tmp_path: Path) -> None:
    """A coupon that a code is for has to be there."""
    await client.coupons.create(
        uuid_code="TEN",
        name="Ten",
        coupon_discount_type="percent",
        coupon_discount_amount=Decimal(10),
        coupon_duration_type="once",
    )
    rows = [("A1", "TEN"), ("A2", "NONE")]
    file = write_csv(tmp_path / "p.csv", rows, header=("code", "coupon_uuid"))
    forecast = await plan_import(client, "promotion_codes", file)
    assert [step for _, step in steps(forecast)] == ["create", "refuse"]
    assert forecast.reasons == {"unknown_coupon_uuid": 1}


async def test_a_plan_of_partners_who_refer_each_other(
    client: Partnero, tmp_path: Path
) -> None:
    """Who is named may be another row of the file, and is not held against a row."""
    rows = [("a@example.com", "b@example.com"), ("b@example.com", "")]
    header = ("email", "referring_partner.email")
    file = write_csv(tmp_path / "p.csv", rows, header=header)
    forecast = await plan_import(client, "partners", file)
    assert (forecast.create, forecast.exit_code) == (2, 0)


async def test_a_plan_that_is_stopped(client: Partnero, tmp_path: Path) -> None:
    """It says so, since what is there may not be known."""
    stop = stop_for(client)
    stop.set()
    file = customers(tmp_path)
    forecast = await plan_import(client, "customers", file, stop=stop)
    assert (forecast.interrupted, forecast.exit_code) == (True, 130)


async def test_a_plan_without_an_answer(
    client: Partnero, tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who cannot look cannot plan."""

    def gone(*_: Any, **__: Any) -> Any:
        raise ConnectionFailedError("gone")

    file = customers(tmp_path)
    monkeypatch.setattr(CustomersResource, "get", gone)
    with pytest.raises(ConnectionFailedError):
        await plan_import(client, "customers", file)
    subscribers = write_csv(tmp_path / "u.csv", [("a@b.com",)], header=("email",))
    with pytest.raises(WrongProgramError):
        await plan_import(client, "subscribers", subscribers)
    assert names_in(scratch) == []


async def test_a_plan_tells_how_far_it_is(client: Partnero, tmp_path: Path) -> None:
    """Whoever watches is told, as by an import."""
    seen: list[str] = []
    file = write_csv(tmp_path / "s.csv", map(sale, range(5)), header=HEADER)
    await plan_import(
        client,
        "transactions",
        file,
        on_progress=lambda progress: seen.append(progress.doing),
    )
    assert seen[-1] == "looking up"


async def test_a_customer_that_was_deleted_is_not_there(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is listed as deleted is no reason to leave a row alone."""
    listed = CustomersResource.list

    def with_deleted(self: CustomersResource, **options: Any) -> Pages[Customer]:
        pages = listed(self, **options)
        read = pages.page

        async def page(number: int) -> Page[Customer]:
            found = await read(number)
            for customer in found.items:
                customer.deleted = customer.key == "c1"
            return found

        monkeypatch.setattr(pages, "page", page)
        return pages

    monkeypatch.setattr(CustomersResource, "list", with_deleted)
    forecast = await plan_import(client, "customers", customers(tmp_path))
    assert steps(forecast)[0] == ("c1", "create")


async def test_sales_of_newcomers(client: Partnero, tmp_path: Path) -> None:
    """A plan knows who would be created with a sale; only sales have such customers."""
    rows = [sale(1, customer="n1"), sale(2, customer="n2")]
    file = write_csv(tmp_path / "s.csv", rows)
    people = write_csv(
        tmp_path / "p.csv", [("n1", "p1")], header=("key", "partner.key")
    )
    forecast = await plan_import(client, "transactions", file, customers=people)
    assert (forecast.create, forecast.refuse) == (1, 1)
    with pytest.raises(ImportStopError, match="are for transactions"):
        await plan_import(client, "partners", file, customers=people)
