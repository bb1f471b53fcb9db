"""Batches of sales, and customers that come with them: as few requests as can be."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from partnero_async import Partnero, bulk
from partnero_async.bulk import (
    ImportStopError,
    JournalError,
    JournalWriteError,
    Source,
    SourceError,
)
from partnero_async.bulk.batch import Sale, batches_of
from partnero_async.bulk.journal import Journal
from partnero_async.bulk.newcomers import Newcomers
from partnero_async.bulk.plan import plan_of
from partnero_async.bulk.store import Row
from partnero_async.errors import PermissionDeniedError
from partnero_async.sandbox import Assumptions, Sandbox
from tests.bulk.both import resolve, resume, retry_rejects, run_import
from tests.bulk.shop import names_in, open_shop, write_csv

PLAIN = ("key", "customer.key", "amount", "action")
DATED = (*PLAIN, "created_at")
PEOPLE = ("key", "email", "partner.key")


def plain(
    *keys: str, customer: str = "c1", amount: str = "1.50"
) -> list[Sequence[str]]:
    """Return the cells of sales that have what is documented."""
    return [(key, customer, amount, "sale") for key in keys]


def batches(sandbox: Sandbox) -> list[str | None]:
    """Return the keys of the sales that came in batches."""
    return [
        effect.key
        for effect in sandbox.ledger
        if effect.operation == "transactions.create_batch"
    ]


def recorded(sandbox: Sandbox) -> list[str | None]:
    """Return the keys of all sales, in their order."""
    return [
        effect.key
        for effect in sandbox.ledger
        if effect.operation.startswith("transactions.create")
    ]


async def move(client: Partnero, file: Path, **options: Any) -> Any:
    """Import sales in batches."""
    options = {"batch": "documented", "settle": 0.01, **options}
    return await run_import(client, "transactions", file, **options)


def file_of(folder: Path, rows: Any, *, header: Sequence[str] = PLAIN) -> Path:
    """Write a file of sales."""
    return write_csv(folder / "sales.csv", rows, header=header)


# --- what goes together --------------------------------------------------------------


def read(header: Sequence[str], *rows: Sequence[str]) -> list[Sale]:
    """Read rows as an import does."""
    plan = plan_of("transactions", Source(path=Path("x")), header)
    return [
        Sale(
            Row(n, n, "pending", cells[0], None, None, list(cells), None, None, None),
            plan.read(cells),
        )
        for n, cells in enumerate(rows, 1)
    ]


def keys_of(sales: list[Sale], how: Any) -> list[str]:
    """Return the keys that go together, batch by batch."""
    return [" ".join(s.entry.key for s in b) for b in batches_of(sales, how)]


def test_documented_sales_go_together_in_their_order() -> None:
    """What has more than key, amount and action goes alone, where it stands."""
    rows = [
        ("a", "c1", "1", "sale", ""),
        ("b", "c1", "1", "", ""),
        ("c", "c1", "1", "sale", "2024-01-31"),
        ("d", "c1", "1", "sale", ""),
    ]
    sales = read(DATED, *rows)
    assert keys_of(sales, "no") == ["a", "b", "c", "d"]
    assert keys_of(sales, "documented") == ["a b", "c", "d"]
    assert keys_of(sales, "all-fields") == ["a b c d"]


@pytest.mark.parametrize(
    ("column", "cells", "together"),
    [
        pytest.param("customer.name", ("Ada", "Bea"), False, id="other customer"),
        pytest.param("customer.name", ("Ada", "Ada"), True, id="same customer"),
        pytest.param("create_customer", ("true", ""), False, id="other option"),
        pytest.param("partner.id", ("p1", "p1"), False, id="old form of a partner"),
        pytest.param("reward", ("3", "3"), True, id="reward beside the amount"),
    ],
)
def test_what_all_sales_of_a_call_share(
    column: str, cells: Sequence[str], together: bool
) -> None:
    """A customer and options are those of the call; a reward is one of a sale."""
    rows = [(key, "c1", "1", cell) for key, cell in zip("ab", cells, strict=True)]
    sales = read(("key", "customer.key", "amount", column), *rows)
    assert keys_of(sales, "all-fields") == (["a b"] if together else ["a", "b"])


def test_sale_without_an_amount_goes_alone() -> None:
    """A batch was shown with amounts only."""
    sales = read(("key", "customer.key", "reward"), ("a", "c", "1"), ("b", "c", "1"))
    assert keys_of(sales, "all-fields") == ["a", "b"]


# --- sent ----------------------------------------------------------------------------


async def test_one_request_for_the_sales_of_a_customer(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Up to a hundred go together, each row is done, and amounts stay exact."""
    rows = [(f"s{n}", f"c{n % 2 + 1}", f"{n}.25", "sale") for n in range(210)]
    before = shop.requests
    report = await move(client, file_of(tmp_path, rows))
    assert (report.done, report.exit_code) == (210, 0)
    looks = 4  # the key, the program's customers and sales, and its type
    assert shop.requests - before <= 4 + looks
    assert sorted(map(str, batches(shop))) == sorted(key for key, *_ in rows)
    assert sum(effect.amount or 0 for effect in shop.ledger) == sum(
        Decimal(amount) for _, _, amount, _ in rows
    )


async def test_sales_with_more_go_alone_unless_it_is_asked_for(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """The documentation ends in an ellipsis; a date in a batch is a guess."""
    rows = [(f"s{n}", "c1", "1", "sale", "2024-01-31") for n in range(3)]
    report = await move(client, file_of(tmp_path, rows, header=DATED))
    assert (report.done, batches(shop)) == (3, [])
    assert recorded(shop) == ["s0", "s1", "s2"]


async def test_all_fields_are_tried_on_one_batch_and_compared(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """What the API shows of the first batch is what was sent: then the others go."""
    header = (*DATED, "product_id")
    rows = [
        (f"s{n}", f"c{n % 3 + 1}", "1", "sale", "2024-01-31", "p") for n in range(9)
    ]
    report = await move(
        client, file_of(tmp_path, rows, header=header), batch="all-fields"
    )
    assert (report.done, report.exit_code) == (9, 0)
    assert sorted(map(str, batches(shop))) == [f"s{n}" for n in range(9)]
    sales = [sale async for sale in client.transactions.list()]
    assert {f"{sale.created_at:%F}" for sale in sales} == {"2024-01-31"}


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        pytest.param("created_at", "2024-01-31", "another date", id="date"),
        pytest.param("product_id", "p", "another product_id", id="product"),
        pytest.param("amount_units", "CHF", "another amount_units", id="currency"),
    ],
)
async def test_program_that_does_not_take_all_fields_is_found_out(
    partnero: type[Partnero], tmp_path: Path, column: str, cell: str, reason: str
) -> None:
    """One batch is recorded wrong, says so and stays listed; nothing else is sent."""
    rows = [(f"s{n}", f"c{n % 3 + 1}", "1", "sale", cell) for n in range(9)]
    file = file_of(tmp_path, rows, header=(*PLAIN, column))
    async with (
        Sandbox(assumptions=Assumptions(batch_sale="documented")) as sandbox,
        partnero(sandbox.api_key, base_url=sandbox.url) as client,
    ):
        await open_shop(client)
        report = await move(client, file, batch="all-fields")
        assert (report.parked, report.pending, report.done) == (3, 6, 0)
        assert report.exit_code == 3
        assert reason in str(report.refused)
        assert "--batch documented" in str(report.refused)
        assert len(batches(sandbox)) == 3
        # They look right where a sale is compared otherwise: that is not enough here.
        again = await resolve(client, report.journal)
        assert again.parked == 3
        for key in batches(sandbox):
            await client.transactions.delete(str(key))
        await resolve(client, report.journal, send_absent=True, settle=0.01)
        report = await move(client, file)
        assert (report.done, report.exit_code) == (9, 0)
        assert len(batches(sandbox)) == 3


async def test_refused_batch_has_changed_nothing(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Its sales go alone, so that each has a reason of its own."""
    shop.fail_next("transactions.create_batch", how=422)
    shop.fail_next("transactions.create", how=422)
    report = await move(client, file_of(tmp_path, plain("a", "b", "c")))
    assert (report.done, report.rejected) == (2, 1)
    assert recorded(shop) == ["b", "c"]
    assert report.first_rejected[0].key == "a"


async def test_refused_batch_that_was_taken_is_not_sent_once_more(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Nobody says that a batch is all or nothing: its sales are looked up first."""
    shop.fail_next("transactions.create_batch", when="after", how=422)
    report = await move(client, file_of(tmp_path, plain("a", "b", "c")))
    assert (report.done, report.exit_code) == (3, 0)
    assert recorded(shop) == ["a", "b", "c"]


def blinded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the look-ups of a batch be refused."""

    async def refuse(*_: Any) -> Any:
        raise PermissionDeniedError("no reading")

    monkeypatch.setattr("partnero_async.bulk.batch.look_closely", refuse)


async def test_refused_batch_that_cannot_be_looked_up_is_in_doubt(
    client: Partnero, shop: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is sent before the next start has looked for it."""
    shop.fail_next("transactions.create_batch", when="after", how=422)
    file = file_of(tmp_path, plain("a", "b", "c"))
    with monkeypatch.context() as patch:
        blinded(patch)
        report = await move(client, file)
    assert (report.sent, report.exit_code) == (3, 3)
    assert report.reasons == {"under_way": 3}
    report = await move(client, file)
    assert (report.done, recorded(shop)) == (3, ["a", "b", "c"])


async def test_first_batch_with_more_fields_is_compared_by_the_next_start(
    partnero: type[Partnero], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ended a run before that was done."""
    rows = [(f"s{n}", "c1", "1", "sale", "2024-01-31") for n in range(3)]
    file = file_of(tmp_path, rows, header=DATED)
    async with (
        Sandbox(assumptions=Assumptions(batch_sale="documented")) as sandbox,
        partnero(sandbox.api_key, base_url=sandbox.url) as client,
    ):
        await open_shop(client)
        with monkeypatch.context() as patch:
            blinded(patch)
            report = await move(client, file, batch="all-fields")
        assert report.reasons == {"under_way": 3}
        report = await move(client, file)
        assert (report.reasons, report.done) == ({"unlike": 3}, 0)


@pytest.mark.parametrize("when", ["after", "before"])
async def test_first_batch_with_more_fields_that_is_lost_is_compared_as_well(
    partnero: type[Partnero], tmp_path: Path, when: Any
) -> None:
    """What is there of it has to be as it was sent, date and all."""
    rows = [(f"s{n}", "c1", "1", "sale", "2024-01-31") for n in range(3)]
    file = file_of(tmp_path, rows, header=DATED)
    async with (
        Sandbox(assumptions=Assumptions(batch_sale="documented")) as sandbox,
        partnero(sandbox.api_key, base_url=sandbox.url, settle=0.05) as client,
    ):
        await open_shop(client)
        sandbox.fail_next("transactions.create_batch", when=when, how="disconnect")
        report = await move(client, file, batch="all-fields")
        assert (report.done, report.parked) == (0, 3)
        assert report.reasons == {"unlike" if when == "after" else "absent": 3}
        report = await resolve(client, report.journal, send_absent=True, settle=0.01)
        assert report.parked == (3 if when == "after" else 0)


@pytest.mark.parametrize(
    ("when", "done"),
    [
        pytest.param("after", 3, id="applied"),
        pytest.param("before", 0, id="not applied"),
    ],
)
async def test_batch_in_doubt_is_looked_up_sale_by_sale(
    client: Partnero, shop: Sandbox, tmp_path: Path, when: Any, done: int
) -> None:
    """It is parked as a whole; what is found is done, and nothing is sent again."""
    shop.fail_next("transactions.create_batch", when=when, how="disconnect")
    report = await move(client, file_of(tmp_path, plain("a", "b", "c")))
    assert (report.done, report.parked) == (done, 3 - done)
    assert len(recorded(shop)) == done
    resolved = await resolve(client, report.journal, send_absent=True, settle=0.01)
    assert (resolved.done, resolved.exit_code) == (3, 0)
    assert sorted(map(str, recorded(shop))) == ["a", "b", "c"]


async def test_long_wait_leaves_a_batch_for_later(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """What is about all rows and not applied is pending, until the next start."""
    shop.fail_next("transactions.create_batch", how=401)
    file = file_of(tmp_path, plain("a", "b"))
    report = await move(client, file)
    assert (report.pending, report.done) == (2, 0)
    assert report.refused
    report = await move(client, file)
    assert (report.done, recorded(shop)) == (2, ["a", "b"])


async def test_key_that_is_refused_ends_the_sales_of_a_buyer(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """What was not sent by then stays pending, whether it was refused or not begun."""
    rows = [*plain("a", "b", "c"), ("d", "c1", "1", "")]
    file = file_of(tmp_path, [(*row, "") for row in rows[:2]], header=DATED)
    shop.fail_next("transactions.create_batch", how=422)
    shop.fail_next("transactions.create", how=401)
    report = await move(client, file)
    assert (report.pending, report.sent, report.done) == (1, 1, 0)
    assert recorded(shop) == []
    rows = [(key, "c1", "1", "sale", "2024-01-31") for key in "ab"]
    file = write_csv(tmp_path / "more.csv", rows, header=DATED)
    shop.fail_next("transactions.create", how=401)
    report = await move(client, file)
    assert (report.pending, recorded(shop)) == (2, [])


@pytest.mark.parametrize("sent", [0, 1])
async def test_journal_that_can_be_written_no_more_ends_batches(
    client: Partnero,
    shop: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sent: int,
) -> None:
    """The batch whose intent is not on the disk is not sent, nor any after it."""
    announce, left = Journal.sent, sent

    def full(self: Journal, *rows: int, **more: Any) -> Any:
        nonlocal left
        left -= 1
        if left >= 0:
            return announce(self, *rows, **more)
        failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        failed.set_exception(JournalWriteError("full"))
        return failed

    rows = [*plain("a", "b"), *plain("c", "d", customer="c2")]
    monkeypatch.setattr(Journal, "sent", full)
    with pytest.raises(JournalWriteError, match="full") as caught:
        await move(client, file_of(tmp_path, rows), concurrency=1)
    assert recorded(shop) == ["a", "b"][: 2 * sent]
    assert caught.value.report is not None
    assert caught.value.report.done == 2 * sent


# --- customers that come along ---------------------------------------------------


def people(folder: Path, *rows: Sequence[str]) -> Path:
    """Write a file of customers."""
    return write_csv(folder / "people.csv", rows, header=PEOPLE)


ADA = ("n1", "n1@example.com", "p1")
BEA = ("n2", "n2@example.com", "p1")


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("batch", ["no", "documented"])
async def test_customers_are_created_with_their_first_sale(
    client: Partnero, tmp_path: Path, batch: str
) -> None:
    """Once each, under their partner, and who has no sale is left out."""
    rows = [*plain("a", "b", customer="n1"), *plain("c", customer="c1")]
    report = await move(
        client,
        file_of(tmp_path, rows),
        customers=people(tmp_path, ADA, BEA),
        batch=batch,
    )
    assert (report.done, report.exit_code) == (3, 0)
    looks, calls = 2, {"no": 3, "documented": 2}
    assert report.requests == looks + calls[batch]
    ada = await client.customers.get("n1")
    assert (ada.email, ada.partner) == (
        "n1@example.com",
        (await client.customers.get("c1")).partner,
    )
    assert not [c async for c in client.customers.search(email=BEA[1])]
    rewards = [s.rewards async for s in client.transactions.list(key="a")]
    assert rewards != [[]]


async def test_sale_of_a_newcomer_who_cannot_be_created_is_rejected(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Whatever is wrong with the customer's row is the reason of the sale's."""
    rows = [
        *plain("a", customer="n1"),
        *plain("b", customer="n2"),
        *plain("c", customer="n3"),
        *plain("d", customer="n4"),
    ]
    file = people(
        tmp_path,
        ("n1", "no address", "p1"),
        BEA,
        ("n2", "other@example.com", "p1"),
        ("n3", "n3@example.com", "nobody"),
    )
    report = await move(client, file_of(tmp_path, rows), customers=file)
    assert (report.rejected, report.done) == (4, 0)
    reasons = {listed.key: listed.reason for listed in report.first_rejected}
    assert "row 1 of the customers: email: 'no address' is no e-mail" in reasons["a"]
    assert "rows 2 and 3 of its file name it" in reasons["b"]
    assert reasons["d"] == "the program has no customer with key n4"
    assert recorded(shop) == []


async def test_newcomers_of_a_run_that_was_cut_short(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """The next start asks who is there by now, and reads the same customers."""
    rows = [*plain("a", "b", customer="n1"), *plain("c", "d", customer="n2")]
    file, customers = file_of(tmp_path, rows), people(tmp_path, ADA, BEA)
    shop.fail_next("transactions.create_batch", when="after", how="disconnect")
    report = await move(client, file, customers=customers, concurrency=1)
    assert (report.done, report.exit_code) == (4, 0)
    assert (await move(client, file, customers=customers)).done == 4
    (tmp_path / "people.csv").write_text(customers.read_text() + "n5,,p1\n")
    with pytest.raises(JournalError, match="the customers are not those"):
        await move(client, file, customers=customers)


async def test_customer_of_a_batch_that_is_lost_is_created_later(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """A sale that is sent from the parked ones brings its customer along as well."""
    file = file_of(tmp_path, plain("a", "b", customer="n1"))
    shop.fail_next("transactions.create_batch", how="disconnect")
    report = await move(client, file, customers=people(tmp_path, ADA))
    assert report.parked == 2
    report = await resolve(client, report.journal, send_absent=True, settle=0.01)
    assert report.done == 2
    assert (await client.customers.get("n1")).email == ADA[1]


BOTH_NAMES = ("key", "customer.key", "customer.email", "amount")


async def test_newcomer_with_two_names_is_created_once(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Sales may name a customer by key and by address, in any case."""
    rows = [
        ("a", "n1", "", "1"),
        ("b", "", "n1@example.com", "1"),
        ("c", "", "N1@Example.com", "1"),
    ]
    file = file_of(tmp_path, rows, header=BOTH_NAMES)
    report = await move(
        client, file, customers=people(tmp_path, ADA), concurrency=1, batch="no"
    )
    assert (report.done, report.exit_code) == (3, 0)
    assert len([e for e in shop.ledger if e.operation == "customers.create"]) == 4
    sales = [sale.customer async for sale in client.transactions.list()]
    assert sales == ["n1", "n1", "n1"]


async def test_newcomers_that_share_a_name_are_none(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Neither counts, under whichever of its names a sale has it."""
    rows = [("a", "", "n2@example.com", "1"), ("b", "", "other@example.com", "1")]
    file = people(tmp_path, BEA, ("n2", "other@example.com", "p1"))
    report = await move(
        client, file_of(tmp_path, rows, header=BOTH_NAMES), customers=file
    )
    assert (report.rejected, recorded(shop)) == (2, [])
    why = "rows 1 and 2 of its file name it"
    assert all(why in listed.reason for listed in report.first_rejected)


@pytest.mark.parametrize("how", ["resume", "retry-rejects"])
async def test_batches_are_gone_on_with_from_the_journal(
    client: Partnero, shop: Sandbox, tmp_path: Path, how: str
) -> None:
    """Without its file, an import sends as it was asked to before."""
    rows = [*plain("a", "b", "c"), *plain("d", "e", customer="late")]
    shop.fail_next("transactions.create_batch", how=401)
    report = await move(client, file_of(tmp_path, rows))
    assert (report.pending, report.rejected) == (3, 2)
    await client.customers.create("late", partner={"key": "p1"})
    go_on = resume if how == "resume" else retry_rejects
    report = await go_on(client, report.journal, settle=0.01)
    assert (report.done, report.rejected) == ((3, 2) if how == "resume" else (5, 0))
    assert len(batches(shop)) == report.done


async def test_customers_that_were_not_read_to_the_end(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Their sales wait for them, and are not rejected meanwhile."""
    file = file_of(tmp_path, plain("a", "b", customer="n1"))
    broken = tmp_path / "people.csv"
    broken.write_text('key,email,partner.key\nn1,n1@example.com,p1\n"n2,,p1\n')
    with pytest.raises(SourceError):
        await move(client, file, customers=broken)
    journal = tmp_path / "sales.csv.journal"
    for go_on in (resume(client, journal), move(client, file)):
        with pytest.raises(JournalError, match="with --customers"):
            await go_on
    report = await move(client, file, customers=people(tmp_path, ADA))
    assert (report.done, recorded(shop)) == (2, ["a", "b"])


async def test_customers_may_be_objects_with_bad_members(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """A member that is no cell is the reason why the sales are rejected."""
    customers = tmp_path / "people.jsonl"
    customers.write_text('{"key": "n1", "partner": {"key": "p1"}, "name": "a\\u0000"}')
    file = file_of(tmp_path, plain("a", customer="n1"))
    report = await move(client, file, customers=customers)
    assert (report.rejected, recorded(shop)) == (1, [])
    assert "row 1 of the customers: name: " in report.first_rejected[0].reason


async def test_full_disk_while_what_is_absent_is_sent(
    client: Partnero, shop: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends as it does anywhere else."""
    file = file_of(tmp_path, plain("a", "b", customer="n1"))
    shop.fail_next("transactions.create_batch", how="disconnect")
    report = await move(client, file, customers=people(tmp_path, ADA))

    async def full(*_: Any) -> Any:
        raise JournalWriteError("full")

    monkeypatch.setattr(Newcomers, "of", full)
    with pytest.raises(JournalWriteError, match="full"):
        await resolve(client, report.journal, send_absent=True, settle=0.01)
    assert recorded(shop) == []


async def test_resolving_without_an_answer_about_the_customer_sends_nothing(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """It says why, and the sales stay as they are."""
    file = file_of(tmp_path, plain("a", "b", customer="n1"))
    shop.fail_next("transactions.create_batch", how="disconnect")
    report = await move(client, file, customers=people(tmp_path, ADA))
    shop.fail_next("customers.get", how=403)
    options: dict[str, Any] = {"send_absent": True, "settle": 0.01}
    report = await resolve(client, report.journal, concurrency=1, **options)
    assert (report.parked, report.exit_code) == (2, 3)
    assert "permission" in str(report.refused)
    await resolve(client, report.journal, **options)
    assert sorted(map(str, recorded(shop))) == ["a", "b"]


@pytest.mark.parametrize("option", [{"batch": "documented"}, {"customers": "x.csv"}])
async def test_other_resources_have_no_batches(
    client: Partnero, tmp_path: Path, option: Any
) -> None:
    """Only sales do, and only they bring a customer along."""
    with pytest.raises(ImportStopError, match="are for transactions"):
        await run_import(client, "partners", tmp_path / "p.csv", **option)


@pytest.mark.parametrize(
    "how", ["documentd", "all_fields", "", False, None, []], ids=repr
)
async def test_unknown_way_to_batch_is_refused(
    client: Partnero, shop: Sandbox, tmp_path: Path, how: Any
) -> None:
    """A slip must not pass for the riskiest way: nothing is read, and nothing sent."""
    file = file_of(tmp_path, plain("a", "b"))
    requests = client.stats.requests
    with pytest.raises(ImportStopError, match=r"--batch .*: did you mean "):
        await move(client, file, batch=how)
    assert client.stats.requests == requests
    assert names_in(tmp_path) == [file.name]
    assert recorded(shop) == []


async def test_unknown_way_to_batch_is_refused_as_a_stream(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """`run` refuses what `run_import` refuses."""
    file = file_of(tmp_path, plain("a", "b"))
    how: Any = "documentd"
    async with Partnero(sandbox.api_key, base_url=sandbox.url) as client:
        with pytest.raises(ImportStopError, match="did you mean documented"):
            await anext(bulk.run(client.transactions.create, file, batch=how))
    assert recorded(sandbox) == []


@pytest.mark.parametrize("go_on", [resume, retry_rejects])
async def test_journal_with_an_unknown_way_to_batch_is_not_gone_on_with(
    client: Partnero, shop: Sandbox, tmp_path: Path, go_on: Any
) -> None:
    """Its sales wait until the import itself is started with a way that there is."""
    file = file_of(tmp_path, plain("a", "b"))
    shop.fail_next("transactions.create_batch", how=401)
    report = await move(client, file)
    with closing(sqlite3.connect(report.journal)) as journal, journal:
        journal.execute("UPDATE meta SET value = 'documentd' WHERE name = 'batch'")
    with pytest.raises(ImportStopError, match="did you mean documented"):
        await go_on(client, report.journal, settle=0.01)
    assert recorded(shop) == []
    assert (await move(client, file)).done == 2


def test_what_is_unknown_is_never_taken_for_all_fields() -> None:
    """Not even where nobody has looked before."""
    rows = [(key, "c1", "1", "sale", "2024-01-31") for key in "ab"]
    assert keys_of(read(DATED, *rows), "documentd") == ["a", "b"]
