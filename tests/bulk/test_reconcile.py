"""What a file of sales says against what the program holds."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from sqlite3 import OperationalError, ProgrammingError
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partnero_async import Partnero
from partnero_async.bulk import (
    ColumnError,
    Difference,
    ImportStopError,
    Reconciliation,
    Source,
    SourceError,
    Totals,
    reconciling,
)
from partnero_async.bulk.sides import Sides
from partnero_async.sandbox import Sandbox
from tests.bulk.both import reconcile, run_import
from tests.bulk.shop import HEADER, open_shop, sale, write_csv
from tests.held import Held
from tests.scripted import async_only

"""Its name is that of the function in it."""

JANUARY = datetime(2024, 1, 31, tzinfo=UTC)
OF_C1 = "of c1, 2024-01-31T00:00:00Z"


async def sell(client: Partnero, number: int, **more: Any) -> None:
    """Record the sale of a row of that number."""
    values = {
        "customer": {"key": "c1"},
        "amount": Decimal(f"{number}.25"),
        "created_at": JANUARY,
        "action": "sale",
        **more,
    }
    await client.transactions.create(key=f"s{number}", **values)


def short(found: Reconciliation) -> list[tuple[Any, ...]]:
    """Return what differs, without lines."""
    return [
        (each.row, each.key, each.kind, each.given, each.recorded)
        for each in found.differences()
    ]


async def differs(
    client: Partnero,
    folder: Path,
    rows: Sequence[Sequence[str]],
    *,
    header: Sequence[str] = HEADER,
    **options: Any,
) -> list[tuple[Any, ...]]:
    """Reconcile a file; return what differs."""
    file = write_csv(folder / "t.csv", rows, header=header)
    with await reconcile(client, Source(path=file), **options) as found:
        assert sum(found.counts.values()) == len(short(found))
        return short(found)


pytestmark = pytest.mark.usefixtures("shop")


async def test_nothing_differs_after_an_import(
    client: Partnero, tmp_path: Path
) -> None:
    """What was imported is there, to the last cent and second."""
    file = write_csv(tmp_path / "t.csv", map(sale, range(300)))
    assert (await run_import(client, "transactions", file)).done == 300
    with await reconcile(client, file, surplus=True) as found:
        assert (found.rows, found.equal, found.counts, found.exit_code) == (
            300,
            300,
            {},
            0,
        )
        (totals,) = found.money
        assert (totals.units, totals.rows, totals.sales) == ("USD", 300, 300)
        assert totals.given == totals.recorded == Decimal("44925.00")
        assert totals.difference == 0


async def test_a_sale_is_missing(client: Partnero, tmp_path: Path) -> None:
    """It is told with what it is, and its row can be had as it stands in the file."""
    await sell(client, 1)
    file = write_csv(tmp_path / "t.csv", [sale(1), sale(2)])
    with await reconcile(client, str(file)) as found:
        (difference,) = found.differences()
        assert difference == Difference(2, 3, "s2", "missing", "2.25 of c1", None)
        assert "import them" in difference.next
        assert list(found.missing_rows()) == [list(sale(2))]
        assert found.header == HEADER
        assert found.exit_code == 1


async def test_a_sale_is_recorded_more_than_once(
    client: Partnero, tmp_path: Path
) -> None:
    """All that are there are told, and which of them is as in the file."""
    await sell(client, 1)
    await sell(client, 1, created_at=datetime(2024, 2, 1, 12, tzinfo=UTC))
    assert await differs(client, tmp_path, [sale(1)]) == [
        (
            1,
            "s1",
            "several",
            "1.25 of c1",
            (
                f"2 sales: 1.25 USD {OF_C1} (as in the file);"
                " 1.25 USD of c1, 2024-02-01T12:00:00Z"
            ),
        )
    ]


async def test_of_many_sales_with_a_key_a_few_are_told(
    client: Partnero, tmp_path: Path
) -> None:
    """A line stays a line."""
    for _ in range(5):
        await sell(client, 1)
    ((*_, recorded),) = await differs(client, tmp_path, [sale(1)])
    assert recorded.startswith("5 sales: ")
    assert recorded.endswith("; 2 more")


async def test_archived_sales(client: Partnero, tmp_path: Path) -> None:
    """One that is archived pays nobody; beside one that is not, it is no matter."""
    await sell(client, 1)
    await client.transactions.archive("s1")
    await sell(client, 2)
    await client.transactions.archive("s2")
    await sell(client, 2)
    found = await differs(client, tmp_path, [sale(1), sale(2)], surplus=True)
    assert found == [(1, "s1", "archived", "1.25 of c1", f"1.25 USD {OF_C1}")]


@pytest.mark.parametrize(
    ("recorded", "header", "cells", "expected"),
    [
        pytest.param({}, "amount", "1.250", None, id="amount, spelled otherwise"),
        pytest.param({}, "amount", "1.26", ("amount", "1.26", "1.25"), id="amount"),
        pytest.param(
            {"amount": Decimal("999999999999999.999")},
            "amount",
            "999999999999999.998",
            ("amount", "999999999999999.998", "999999999999999.999"),
            id="amount, by less than a float can tell",
        ),
        pytest.param({}, "amount_units", "usd", None, id="currency in any case"),
        pytest.param(
            {}, "amount_units", "EUR", ("currency", "EUR", "USD"), id="currency"
        ),
        pytest.param({"reward": Decimal(2)}, "reward", "2.00", None, id="same reward"),
        pytest.param(
            {"reward": Decimal(2)}, "reward", "3", ("reward", "3", "2"), id="reward"
        ),
        pytest.param({}, "action", "signup", ("action", "signup", "sale"), id="action"),
        pytest.param({}, "created_at", "2024-01-31", None, id="same day"),
        pytest.param(
            {"created_at": datetime(2024, 1, 31, 23, 59, tzinfo=UTC)},
            "created_at",
            "2024-01-31",
            None,
            id="a moment of that day",
        ),
        pytest.param(
            {},
            "created_at",
            "2024-02-01",
            ("date", "2024-02-01T00:00:00Z", "2024-01-31T00:00:00Z"),
            id="another day",
        ),
        pytest.param(
            {}, "created_at", "2024-01-31T01:00:00+01:00", None, id="same moment"
        ),
        pytest.param(
            {},
            "created_at",
            "2024-01-31T00:00:01Z",
            ("date", "2024-01-31T00:00:01Z", "2024-01-31T00:00:00Z"),
            id="another second",
        ),
        pytest.param({}, "customer.key", "c1", None, id="same customer"),
        pytest.param(
            {}, "customer.key", "c2", ("customer", "c2", "c1"), id="another customer"
        ),
        pytest.param({}, "customer.email", "C1@Example.com", None, id="by address"),
        pytest.param(
            {},
            "customer.email",
            "c2@example.com",
            ("customer", "c2@example.com", "c1"),
            id="another by address",
        ),
        pytest.param(
            {},
            "customer.email",
            "c9@example.com",
            ("customer", "c9@example.com", "c1"),
            id="unknown by address",
        ),
        pytest.param({}, "customer.id", "c1", None, id="by id"),
        pytest.param(
            {}, "customer.id", "c9", ("customer", "c9", "c1"), id="unknown by id"
        ),
        pytest.param(
            {"customer": {"key": "c9"}},
            "customer.key",
            "c1",
            ("customer", "c1", None),
            id="recorded for nobody",
        ),
        pytest.param({}, "partner.key", "p1", None, id="partner by key"),
        pytest.param({}, "partner.email", "p1@example.com", None, id="partner by mail"),
        pytest.param({}, "customer.partner.key", "p1", None, id="customer's partner"),
    ],
)
async def test_a_sale_that_is_there(
    *,
    client: Partnero,
    tmp_path: Path,
    recorded: dict[str, Any],
    header: str,
    cells: str,
    expected: tuple[str, str, str | None] | None,
) -> None:
    """What the file says of it is compared, and nothing that it does not say."""
    await sell(client, 1, **recorded)
    row = [("s1", cells)]
    found = await differs(client, tmp_path, row, header=("key", header))
    assert [each[2:] for each in found] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("column", "cell"),
    [("partner.key", "p2"), ("customer.partner.email", "p2@example.com")],
)
async def test_another_partner_than_the_files(
    client: Partnero, tmp_path: Path, column: str, cell: str
) -> None:
    """A sale pays the partner that the file names, or it is told."""
    await client.partners.create(email="p2@example.com", key="p2")
    p1 = (await client.partners.find(key="p1")).id
    await sell(client, 1)
    header = ("key", "customer.key", column)
    rows = [("s1", "c1", cell)]
    found = await differs(client, tmp_path, rows, header=header)
    assert found == [(1, "s1", "partner", cell, p1)]


async def test_a_partner_whom_the_program_does_not_have(
    client: Partnero, tmp_path: Path
) -> None:
    """Nobody is no partner: a sale that pays nobody is not that of an unknown one."""
    await sell(client, 1, customer={"key": "nobody"})
    header = ("key", "partner.key")
    found = await differs(client, tmp_path, [("s1", "p9")], header=header)
    assert found == [(1, "s1", "partner", "p9", None)]


async def test_another_partner_than_the_customers(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Where the file names none, a sale has to be that of its customer's partner."""
    await client.partners.create(email="p2@example.com", key="p2")
    p1, p2 = [(await client.partners.find(key=key)).id for key in ("p1", "p2")]
    await sell(client, 1)
    await sell(client, 2, customer={"key": "c2"})
    state = shop.programs[0].state
    with state.write():
        state.run("UPDATE customers SET partner = 2 WHERE key = 'c1'")
    rows = [sale(1), sale(2, customer="c2"), sale(2)]
    found = await differs(client, tmp_path, rows[:2])
    assert found == [(1, "s1", "partner", p2, p1)]
    # Of another customer, the partner follows from that.
    found = await differs(client, tmp_path, rows[2:])
    assert found == [(1, "s2", "customer", "c1", "c2")]


async def test_what_the_file_does_not_have(client: Partnero, tmp_path: Path) -> None:
    """Sales of other keys are told on request; a row that cannot be read has a key."""
    for number in (1, 2, 3):
        await sell(client, number)
    rows = [sale(1), ("s2", "c1", "x", "", "")]
    file = write_csv(tmp_path / "t.csv", rows)
    with await reconcile(client, file) as found:
        assert not found.surplus
        assert list(found.counts) == ["unreadable"]
        assert (found.money[0].sales, found.money[0].recorded) == (1, Decimal("1.25"))
    with await reconcile(client, file, surplus=True) as found:
        assert found.surplus
        assert short(found)[1:] == [(None, "s3", "surplus", None, f"3.25 USD {OF_C1}")]
        assert (found.money[0].sales, found.money[0].recorded) == (2, Decimal("4.50"))
        assert found.money[0].difference == Decimal("3.25")


async def test_rows_that_cannot_be_compared(client: Partnero, tmp_path: Path) -> None:
    """Neither a second row with a key nor one that cannot be read is passed over."""
    await sell(client, 1)
    rows = [sale(1), sale(1), ("s2", "c1", "1,5", "", ""), ("s3", "c1"), ()]
    found = await differs(client, tmp_path, rows)
    assert [each[:3] for each in found] == [
        (2, "s1", "repeated"),
        (3, "s2", "unreadable"),
        (4, "s3", "unreadable"),
    ]
    assert found[0][3] == "row 1 has this key too"
    assert found[1][3].startswith("amount: '1,5' is no amount")


async def test_a_row_without_a_key(client: Partnero, tmp_path: Path) -> None:
    """It cannot be looked for, also where its line ends before the key comes."""
    header = ("amount", "key")
    rows = [("1", ""), ("1",)]
    found = await differs(client, tmp_path, rows, header=header)
    assert [each[1:3] for each in found] == [("", "unreadable"), (None, "unreadable")]


async def test_what_a_file_has_a_column_of_each_row_needs(
    client: Partnero, tmp_path: Path
) -> None:
    """An empty amount is no amount that agrees with everything."""
    await sell(client, 1)
    header = ("key", "amount")
    found = await differs(client, tmp_path, [("s1", "")], header=header)
    assert [each[2:4] for each in found] == [("unreadable", "no amount and no reward")]


async def test_money_by_currency(client: Partnero, tmp_path: Path) -> None:
    """Sums are exact, each in its currency, and a row without one is in its sale's."""
    await sell(client, 1, amount_units="EUR")
    await sell(client, 2, amount_units="GBP")
    much = "999999999999999.999999999999"
    header = ("key", "amount", "amount_units")
    rows = [
        ("s1", "1.25", ""),
        ("s2", "2.20", "gbp"),
        ("s3", much, "GBP"),
        ("s4", "1", ""),
    ]
    file = write_csv(tmp_path / "t.csv", rows, header=header)
    with await reconcile(client, file) as found:
        assert found.money == [
            Totals(
                units="EUR",
                rows=1,
                given=Decimal("1.25"),
                sales=1,
                recorded=Decimal("1.25"),
            ),
            Totals(
                units="GBP",
                rows=2,
                given=Decimal("1000000000000002.199999999999"),
                sales=1,
                recorded=Decimal("2.25"),
            ),
            Totals(units="USD", rows=1, given=Decimal(1)),
        ]
        assert found.money[1].difference == Decimal("-999999999999999.949999999999")
        assert found.as_dict()["money"][0] == {
            "units": "EUR",
            "rows": 1,
            "given": "1.25",
            "sales": 1,
            "recorded": "1.25",
            "difference": "0.00",
        }


def test_sums_of_many_large_amounts() -> None:
    """More digits than decimals have by default are kept."""
    totals = Totals(units="EUR")
    for _ in range(200):
        totals.give(Decimal("999999999999999.999999999999"))
    totals.record(Decimal("0.000000000001"))
    assert totals.given == Decimal("199999999999999999.999999999800")
    assert totals.difference == Decimal("-199999999999999999.999999999799")


async def test_a_key_that_may_not_see_the_program(
    shop: Sandbox, partnero: type[Partnero], tmp_path: Path
) -> None:
    """Then nothing says in which currency a row is that names none."""
    key = shop.make_key(deny=["program"])
    async with partnero(key, base_url=shop.url) as client:
        file = write_csv(tmp_path / "t.csv", [sale(1)])
        with await reconcile(client, file) as found:
            assert [totals.units for totals in found.money] == [""]


# --- how the program is read -------------------------------------------------------


async def test_a_large_file_is_not_asked_for_row_by_row(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """The lists are read, and only what seems missing is asked for by its key."""
    file = write_csv(tmp_path / "t.csv", map(sale, range(520)))
    await run_import(client, "transactions", file)
    with file.open("a") as more:
        more.write("s777,c1,1,,sale\r\n")
    before = dict(shop.requests_by_route)
    with await reconcile(client, file) as found:
        assert dict(found.counts) == {"missing": 1}
        assert found.asked_again
    after = shop.requests_by_route
    # Three pages, up to three past the end, and one key; one page of customers.
    assert 4 <= after["GET /transactions"] - before["GET /transactions"] <= 7
    assert after["GET /customers"] - before.get("GET /customers", 0) <= 4


async def test_a_small_file_is_not_worth_the_whole_list(
    client: Partnero, shop: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the program has more pages than the file has rows, rows are asked for."""
    monkeypatch.setattr(reconciling, "PAGE", 2)
    monkeypatch.setattr("partnero_async.bulk.buyers.PAGE", 2)
    for number in range(12):
        await sell(client, number, customer={"key": f"c{number % 3 + 1}"})
    for number in range(4, 20):
        await client.customers.create(f"c{number}", partner={"key": "p1"})
    rows = [sale(3), sale(7, customer="c2"), sale(8, customer="c1")]
    assert await differs(client, tmp_path, rows) == [(3, "s8", "customer", "c1", "c3")]
    assert shop.requests_by_route["GET /customers/{key}"] >= 1


async def test_what_a_list_does_not_show_is_asked_for(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list shifts while it is read: neither a gap nor a repeat in it is believed."""
    for number in range(4):
        await sell(client, number)
    monkeypatch.setattr(reconciling._Run, "_walk", shifted(reconciling._Run._walk))
    assert await differs(client, tmp_path, [*map(sale, range(4))]) == []


async def test_an_archived_sale_beside_one_that_a_list_does_not_show(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not believed to be the only one."""
    await sell(client, 1)
    await client.transactions.archive("s1")
    await sell(client, 1)
    monkeypatch.setattr(
        reconciling._Run, "_walk", shifted(reconciling._Run._walk, start=1, times=1)
    )
    assert await differs(client, tmp_path, [sale(1)]) == []


def shifted(walk: Any, *, start: int = 0, times: int = 2) -> Any:
    """Let a walk see each second item so often, and miss the others."""

    async def walking(self: Any, pages: Any, keep: Any, what: str, **most: Any) -> bool:
        def kept(items: list[Any]) -> None:
            keep([*items[start::2]] * times)

        whole: bool = await walk(self, pages, kept, what, **most)
        return whole

    return walking


async def test_many_that_are_missing_are_not_all_asked_for(
    client: Partnero, shop: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of which nothing is recorded is told without a request a row."""
    monkeypatch.setattr(reconciling, "ASKED_AGAIN", 3)
    file = write_csv(tmp_path / "t.csv", map(sale, range(50)))
    with await reconcile(client, file) as found:
        assert found.counts == {"missing": 50}
        assert not found.asked_again
    assert shop.requests_by_route["GET /transactions"] <= 4 + 3


async def test_an_empty_file_asks_for_no_sales(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """There is nothing to compare, unless all of the program is surplus."""
    assert await differs(client, tmp_path, []) == []
    assert shop.requests_by_route["GET /transactions"] == 0
    await sell(client, 1)
    found = await differs(client, tmp_path, [], surplus=True)
    assert [each[2] for each in found] == ["surplus"]


async def test_it_tells_how_far_it_is(client: Partnero, tmp_path: Path) -> None:
    """What is done, and how many so far."""
    told: list[tuple[str, int]] = []
    file = write_csv(tmp_path / "t.csv", map(sale, range(600)))
    await sell(client, 1)
    watch = lambda what, count: told.append((what, count))  # noqa: E731
    with await reconcile(client, file, on_progress=watch):
        assert told == [
            ("rows read", 500),
            ("rows read", 600),
            ("sales read", 1),
            ("customers read", 3),
            ("rows compared", 500),
            ("rows compared", 600),
        ]


# --- what cannot work --------------------------------------------------------------


async def test_a_file_that_is_not_there(client: Partnero, tmp_path: Path) -> None:
    """It is said before anything is asked for."""
    with pytest.raises(SourceError, match=r"none\.csv: No such file"):
        await reconcile(client, tmp_path / "none.csv")


async def test_a_file_without_keys(client: Partnero, tmp_path: Path) -> None:
    """Without a key no sale can be looked for."""
    with pytest.raises(ColumnError, match="no column for key"):
        await differs(client, tmp_path, [("1",)], header=("amount",))


async def test_a_result_that_is_closed(client: Partnero, tmp_path: Path) -> None:
    """Its temporary file is gone then, and also with the last who has it."""
    file = write_csv(tmp_path / "t.csv", [sale(1)])
    with await reconcile(client, file) as found:
        assert len([*found.differences()]) == 1
    with pytest.raises(ProgrammingError, match="closed"):
        next(found.differences())
    left = (await reconcile(client, file)).differences()
    gc.collect()
    assert next(left).kind == "missing"
    del left  # and no warning of a connection that nobody closed


async def test_the_client_has_it_too(client: Partnero, tmp_path: Path) -> None:
    """`client.reconcile` is the same, for whoever looks for it there."""
    file = write_csv(tmp_path / "t.csv", [sale(1)])
    await sell(client, 2)
    with await client.reconcile(file, surplus=True) as found:
        assert found.counts == {"missing": 1, "surplus": 1}


# --- any file, and any changes -----------------------------------------------------

CHANGES = st.sampled_from(
    [
        "none",
        "missing",
        "several",
        "archived",
        "amount",
        "currency",
        "customer",
        "action",
    ]
)


@async_only
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=st.lists(CHANGES, max_size=12), surplus=st.integers(0, 3))
async def test_exactly_what_was_planted_is_found(
    changes: list[str], surplus: int, tmp_path: Path
) -> None:
    """Whatever was changed in the program is found, each in its row, and no more."""
    async with program() as client:
        for number, change in enumerate(changes):
            await plant(client, number, change)
        for number in range(surplus):
            await sell(client, 100 + number)
        rows = [(*sale(number), "USD") for number in range(len(changes))]
        header = (*HEADER, "amount_units")
        found = await differs(client, tmp_path, rows, header=header, surplus=True)
    planted = [
        (row, change) for row, change in enumerate(changes, 1) if change != "none"
    ]
    assert [(each[0], each[2]) for each in found] == [
        *planted,
        *[(None, "surplus")] * surplus,
    ]


@asynccontextmanager
async def program() -> AsyncIterator[Partnero]:
    """Open a shop of its own."""
    async with (
        Sandbox() as sandbox,
        Partnero(sandbox.api_key, base_url=sandbox.url) as client,
    ):
        await open_shop(client)
        yield client


async def plant(client: Partnero, number: int, change: str) -> None:
    """Record the sale of a row, with a change."""
    more: dict[str, Any] = {
        "amount": {"amount": Decimal("0.01")},
        "currency": {"amount_units": "EUR"},
        "customer": {"customer": {"key": "c2"}},
        "action": {"action": "refund"},
    }
    times = {"missing": 0, "several": 2}.get(change, 1)
    for _ in range(times):
        await sell(client, number, **more.get(change, {}))
    if change == "archived":
        await client.transactions.archive(f"s{number}")


async def test_a_full_disk(
    client: Partnero, shop: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is compared is in a temporary file: it says so, and nothing else."""
    del shop  # opened by now

    def full(*_: Any) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr("partnero_async.bulk.sides.Sides.add", full)
    file = write_csv(tmp_path / "t.csv", [sale(1)])
    with pytest.raises(
        ImportStopError, match="temporary file: database or disk is full"
    ):
        await reconcile(client, file)


@async_only
async def test_cancelled_while_it_reads(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What keeps both sides is closed when nobody writes to it any more."""
    file = write_csv(tmp_path / "t.csv", map(sale, range(3)))
    held, add = Held(), Sides.add
    monkeypatch.setattr(Sides, "add", held.before(add))
    await held.while_cancelled(reconcile(client, file))
    assert held.raised == []
