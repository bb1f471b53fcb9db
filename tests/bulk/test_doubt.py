"""Rows in doubt: looked up, parked, and sent only when they are proven absent."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from partnero_async import Partnero
from partnero_async._session import Flight, Session
from partnero_async._wire import Request
from partnero_async.bulk import Report, ResourceName, Source
from partnero_async.bulk.claim import fingerprint, program_of
from partnero_async.bulk.journal import Journal
from partnero_async.bulk.scan import open_plan, scan
from partnero_async.bulk.store import Mark, Store
from partnero_async.errors import (
    AmbiguousWriteError,
    AuthenticationError,
    ConnectionFailedError,
)
from partnero_async.resources.transactions import TransactionsResource
from partnero_async.sandbox import Sandbox
from tests.bulk.both import resolve, run_import
from tests.bulk.shop import expected, sale, sales_in, write_csv

pytestmark = pytest.mark.usefixtures("shop")


async def left_sent(client: Partnero, folder: Path, *, rows: int = 4) -> Path:
    """Leave a journal as a kill does: sales sent, and no outcome known."""
    file = write_csv(folder / "s.csv", map(sale, range(rows)))
    return await killed(client, "transactions", file, rows=rows)


async def killed(
    client: Partnero, resource: ResourceName, file: Path, *, rows: int
) -> Path:
    """Leave a journal as a kill does: *rows* sent, and no outcome known."""
    source = Source(path=file)
    plan, opened = open_plan(resource, source)
    about = {
        "resource": resource,
        "program": await program_of(client),
        "mapping": fingerprint(source, opened.header),
        "rejects": f"{file}.rejects.csv",
    }

    def prepare(store: Store) -> None:
        store.keep(**about)
        scan(store, opened, plan, watch=lambda _: None)
        mark_sent(store, rows)

    async with Journal(Path(f"{file}.journal")) as book:
        await book.do(prepare)
    return book.path


def mark_sent(store: Store, rows: int) -> None:
    """Write down that rows were about to be sent."""
    store.keep(surveyed="yes")
    store.mark(Mark(row, "sent", sent_at=time.time()) for row in range(1, rows + 1))


async def record(client: Partnero, number: int, amount: str | None = None) -> None:
    """Record the sale of a row, as the request of a killed run does."""
    await client.transactions.create(
        key=f"s{number}",
        customer={"key": "c1"},
        amount=Decimal(amount or f"{number}.25"),
        action="sale",
    )


async def resume(client: Partnero, folder: Path) -> Report:
    """Start the import again."""
    return await run_import(client, "transactions", folder / "s.csv", settle=0.05)


async def test_started_again_it_looks_up_what_was_under_way(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Found is done; not found, found twice or with other values is parked."""
    await left_sent(client, tmp_path)
    await record(client, 0)
    await record(client, 1, "99")
    await record(client, 2)
    await record(client, 2)
    report = await resume(client, tmp_path)
    assert (report.done, report.parked, report.exit_code) == (1, 3, 3)
    assert [(row.key, row.code) for row in report.first_parked] == [
        ("s1", "different"),
        ("s2", "several"),
        ("s3", "absent"),
    ]
    assert len(sales_in(shop)) == 4


async def test_a_sale_that_arrives_late_is_found(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Between the two look-ups there is time for what is still on its way."""
    await left_sent(client, tmp_path, rows=1)
    report = asyncio.create_task(
        run_import(client, "transactions", tmp_path / "s.csv", settle=0.5)
    )
    await asyncio.sleep(0.2)
    await record(client, 0)
    assert (await report).exit_code == 0
    assert sales_in(shop) == expected(range(1))


async def test_resolve_sends_nothing_on_its_own(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Without being asked to, it only looks; also right after a kill."""
    journal = await left_sent(client, tmp_path)
    await record(client, 0)
    report = await resolve(client, journal)
    assert (report.done, report.parked, report.exit_code) == (1, 3, 3)
    assert sales_in(shop) == expected(range(1))
    await record(client, 1)
    assert (await resolve(client, journal)).done == 2


async def test_resolve_sends_what_is_proven_absent(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Asked to, it sends what is absent and nothing else; the totals equal the file."""
    journal = await left_sent(client, tmp_path)
    await record(client, 0)
    await record(client, 1, "99")
    report = await resolve(client, journal, send_absent=True, settle=0.1)
    assert (report.done, report.parked) == (3, 1)
    assert [row.code for row in report.first_parked] == ["different"]
    await client.transactions.delete("s1")
    report = await resolve(client, journal, send_absent=True, settle=0.1)
    assert (report.done, report.exit_code) == (4, 0)
    assert len([key for key, _ in sales_in(shop) if key == "s1"]) == 2


async def test_rows_that_are_sent_again_are_counted_once(
    client: Partnero, tmp_path: Path
) -> None:
    """A row that was parked and is done counts as done only."""
    journal = await left_sent(client, tmp_path)
    await record(client, 1, "99")
    seen: list[tuple[int, int, int]] = []
    await resolve(
        client,
        journal,
        send_absent=True,
        settle=0,
        on_progress=lambda p: seen.append((p.rows, p.done, p.parked)),
    )
    assert seen[-1] == (4, 3, 1)
    assert max(done + parked for _, done, parked in seen) <= 4


async def test_resolve_waits_until_a_row_has_settled(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """A row that was sent just now may still arrive: it is waited for, and found."""
    journal = await left_sent(client, tmp_path, rows=1)
    report = asyncio.create_task(resolve(client, journal, send_absent=True, settle=0.6))
    await asyncio.sleep(0.3)
    assert sales_in(shop) == []
    await record(client, 0)
    assert (await report).exit_code == 0
    assert sales_in(shop) == expected(range(1))


async def test_the_intent_is_written_before_it_is_sent_again(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that resolve sends is *sent* in the journal before it leaves."""
    journal = await left_sent(client, tmp_path, rows=1)
    marks: list[str] = []
    sent, send = Journal.sent, Session.send

    def noted(self: Journal, row: int, **more: Any) -> Any:
        marks.append("intent")
        return sent(self, row, **more)

    async def noted_too(self: Session, request: Request, flight: Flight) -> Any:
        if request.method == "POST":
            marks.append("effect")
        return await send(self, request, flight)

    monkeypatch.setattr(Journal, "sent", noted)
    monkeypatch.setattr(Session, "send", noted_too)
    await resolve(client, journal, send_absent=True, settle=0)
    assert marks == ["intent", "effect"]


async def test_what_is_in_doubt_again_stays_parked(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second lost answer is a second doubt."""
    journal = await left_sent(client, tmp_path, rows=1)

    async def lost(_: TransactionsResource, **__: Any) -> Any:
        raise AmbiguousWriteError("lost", maybe_applied=True)

    monkeypatch.setattr(TransactionsResource, "create", lost)
    report = await resolve(client, journal, send_absent=True, settle=0)
    assert (report.parked, report.exit_code) == (1, 3)
    assert report.first_parked[0].code == "in_doubt"


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ConnectionFailedError("gone"), id="unreachable"),
        pytest.param(AuthenticationError("revoked"), id="refused"),
    ],
)
async def test_without_an_answer_nothing_changes(
    *,
    client: Partnero,
    shop: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    """Who cannot look cannot tell: the rows stay in doubt, and are not sent."""
    journal = await left_sent(client, tmp_path)
    await resolve(client, journal)

    def unreachable(*_: Any, **__: Any) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(TransactionsResource, "list", unreachable)
        for report in (
            await resolve(client, journal, send_absent=True, settle=0),
            await resume(client, tmp_path),
        ):
            assert (report.parked, report.done) == (4, 0)
        assert sales_in(shop) == []
        async with Journal(journal) as book:
            await book.do(lambda store: mark_sent(store, 4))
        report = await resume(client, tmp_path)
        assert (report.sent, report.exit_code) == (4, 3)
    assert (await resolve(client, journal, send_absent=True, settle=0)).exit_code == 0


async def test_look_ups_that_fail_while_sending(
    client: Partnero, shop: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look-up that fails at the last moment keeps a row from being sent."""
    journal = await left_sent(client, tmp_path, rows=1)
    await resolve(client, journal)
    listed, looks = TransactionsResource.list, [0]

    def fails_later(self: TransactionsResource, **rest: Any) -> Any:
        looks[0] += 1
        if looks[0] == 3:
            raise ConnectionFailedError("gone")
        return listed(self, **rest)

    monkeypatch.setattr(TransactionsResource, "list", fails_later)
    report = await resolve(client, journal, send_absent=True, settle=0)
    assert (report.parked, sales_in(shop)) == (1, [])
    looks[0] = -100


async def test_found_right_before_it_would_be_sent(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """The last look-ups count: what shows up there is done."""
    journal = await left_sent(client, tmp_path, rows=1)
    task = asyncio.create_task(resolve(client, journal, send_absent=True, settle=1.2))
    await asyncio.sleep(0.4)
    await record(client, 0)
    report = await task
    assert (report.done, report.exit_code) == (1, 0)
    assert len(sales_in(shop)) == 1


async def test_partners_in_doubt(client: Partnero, tmp_path: Path) -> None:
    """Partners are looked up by address, and sent when they are absent."""
    rows = [("p1@example.com", ""), ("new@example.com", ""), ("c1@example.com", "Ada")]
    file = write_csv(tmp_path / "p.csv", rows, header=("email", "name"))
    journal = await killed(client, "partners", file, rows=3)
    await client.partners.create(email="c1@example.com", name="Bela")
    looked = await resolve(client, journal)
    assert (looked.done, looked.parked) == (1, 2)
    assert [row.code for row in looked.first_parked] == ["absent", "different"]
    sent = await resolve(client, journal, send_absent=True, settle=0)
    assert (sent.done, sent.parked) == (2, 1)
    again = await run_import(client, "partners", file)
    assert (again.done, again.rejected, again.exit_code) == (2, 1, 1)
    assert again.first_rejected[0].code == "conflict"


async def test_customers_in_doubt_that_are_absent(
    client: Partnero, tmp_path: Path
) -> None:
    """A customer that is absent stays parked until somebody asks."""
    file = write_csv(tmp_path / "c.csv", [("n1", "p1")], header=("key", "partner.key"))
    journal = await killed(client, "customers", file, rows=1)
    assert (await resolve(client, journal)).parked == 1
    assert (await resolve(client, journal, send_absent=True, settle=0)).exit_code == 0
    assert (await client.customers.get("n1")).key == "n1"
