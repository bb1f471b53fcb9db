"""Imports as a stream: what came of each row, one by one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import partnero_sync.bulk
from partnero_async import Partnero, UsageError, bulk
from partnero_async.bulk import JournalError, RowOutcome
from partnero_async.bulk.outcomes import MOST, Outcomes
from partnero_async.errors import AuthenticationError
from partnero_async.sandbox import Sandbox
from tests.awaited import AwaitedClient, in_thread
from tests.bulk.shop import expected, sales_in


def rows(*numbers: int, customer: str = "c1") -> list[dict[str, Any]]:
    """Return sales as a program has them."""
    return [
        {"key": f"s{n}", "amount": f"{n}.25", "customer": {"key": customer}}
        for n in numbers
    ]


@asynccontextmanager
async def taken(
    client: Partnero, given: Any, **options: Any
) -> AsyncIterator[AsyncIterator[RowOutcome]]:
    """Import with the form that is the client's, and take outcomes one by one."""
    options = {"settle": 0.01, **options}
    if not isinstance(client, AwaitedClient):
        run = bulk.run(client.transactions.create, given, **options)
        async with aclosing(run):
            yield run
        return
    create = client._own.transactions.create
    blocking = partnero_sync.bulk.run(create, given, **options)

    async def steps() -> AsyncIterator[RowOutcome]:
        while (outcome := await in_thread(next, blocking, None)) is not None:
            yield outcome

    yield steps()
    await in_thread(blocking.close)


async def all_of(client: Partnero, given: Any, **options: Any) -> list[RowOutcome]:
    """Take all outcomes, in the order of the rows."""
    async with taken(client, given, **options) as outcomes:
        return sorted([each async for each in outcomes], key=lambda each: each.row)


async def test_each_row_has_an_outcome(client: Partnero, shop: Sandbox) -> None:
    """Done, rejected before it was sent, and for whom nobody is registered."""
    bad = {"key": "s3", "amount": "1.234,5", "customer": {"key": "c1"}}
    given = [*rows(1, 2), bad, *rows(4, customer="nobody"), *rows(2)]
    found = await all_of(client, given)
    assert [(each.row, each.state, each.code) for each in found] == [
        (1, "done", None),
        (2, "done", None),
        (3, "rejected", "malformed"),
        (4, "rejected", "unknown_customer"),
        (5, "rejected", "duplicate"),
    ]
    assert "--decimal-comma" in str(found[2].reason)
    assert sales_in(shop) == expected([1, 2])


async def test_rows_may_come_as_they_are_made(client: Partnero, shop: Sandbox) -> None:
    """A generator is walked once, in the thread of whoever made it."""

    def made() -> Iterator[Mapping[str, Any]]:
        yield from rows(1, 2, 3)

    assert len(await all_of(client, made())) == 3
    assert sales_in(shop) == expected([1, 2, 3])


async def test_what_is_in_doubt_comes_at_the_end(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """With a journal it can be looked up later, and the next run begins with it."""
    shop.fail_next("transactions.create", how="disconnect")
    journal = tmp_path / "j"
    found = await all_of(client, rows(1, 2), journal=journal, concurrency=1)
    assert [each.state for each in found] == ["parked", "done"]
    again = await all_of(client, rows(1, 2), journal=journal)
    assert [(each.row, each.state) for each in again] == [(1, "parked"), (2, "done")]
    assert sales_in(shop) == expected([2])


async def test_batches_have_an_outcome_a_row(client: Partnero, shop: Sandbox) -> None:
    """Whatever goes in one call."""
    shop.fail_next("transactions.create_batch", when="after", how="disconnect")
    found = await all_of(client, rows(1, 2, 3), batch="documented")
    assert [each.state for each in found] == ["done"] * 3
    assert sales_in_batches(shop) == ["s1", "s2", "s3"]


def sales_in_batches(shop: Sandbox) -> list[str | None]:
    """Return the keys of sales that came in batches."""
    name = "transactions.create_batch"
    return [effect.key for effect in shop.ledger if effect.operation == name]


async def test_leaving_early_ends_it_in_order(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Nothing is sent any more, and the journal goes on where that was."""
    journal, many = tmp_path / "j", rows(*range(40))
    async with taken(client, many, journal=journal, concurrency=1) as outcomes:
        async for outcome in outcomes:
            assert outcome.state == "done"
            break
    sent = len(sales_in(shop))
    assert sent < 40
    assert len(await all_of(client, many, journal=journal)) == 40
    assert sales_in(shop) == expected(range(40))


async def test_nothing_is_sent_while_nobody_takes(
    client: Partnero, shop: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Memory does not grow with the file, and a slow reader makes a slow import."""
    monkeypatch.setattr("partnero_async.bulk.outcomes.MOST", 3)
    many = rows(*range(40))
    async with taken(client, many, journal=tmp_path / "j", concurrency=1) as outcomes:
        await anext(outcomes)
        await asyncio.sleep(0.2)
        assert len(sales_in(shop)) < 20
        rest = [each async for each in outcomes]
    assert len(rest) == 39


async def test_key_that_is_refused_on_the_way(client: Partnero, shop: Sandbox) -> None:
    """What was not sent says why not."""
    shop.fail_next("transactions.create", how=401)
    found = await all_of(client, rows(1, 2, 3), concurrency=1)
    assert [each.state for each in found] == ["pending"] * 3
    assert all("API key" in str(each.reason) for each in found)


async def test_what_keeps_an_import_from_starting_is_raised(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """As `run_import` raises it, before the first outcome."""
    (tmp_path / "j").write_text("no journal")
    with pytest.raises(JournalError):
        await all_of(client, rows(1), journal=tmp_path / "j")
    shop.fail_next("account.test", how=401)
    with pytest.raises(AuthenticationError):
        await all_of(client, rows(1))


async def test_create_methods_only() -> None:
    """What creates nothing that can be imported is refused by name."""
    async with Partnero("key") as client:
        for method in (client.transactions.list, client.webhooks.create, print):
            with pytest.raises(UsageError, match="creates nothing that can be"):
                _ = [each async for each in bulk.run(method, rows(1))]  # type: ignore[arg-type]
    with (
        partnero_sync.Partnero("key") as blocking,
        pytest.raises(UsageError, match="creates nothing that can be"),
    ):
        list(partnero_sync.bulk.run(client.transactions.create, rows(1)))
    assert blocking.stats.requests == 0


async def test_line_of_outcomes_ends_for_both_sides() -> None:
    """Who adds waits no more, and who takes gets nothing more."""
    outcomes = Outcomes()
    for number in range(MOST):
        outcomes.add(RowOutcome(number, None, "done", None, None))
    waiting = asyncio.ensure_future(outcomes.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    outcomes.end()
    await waiting
    assert len(await outcomes.some()) == MOST
    assert await outcomes.some() == []
