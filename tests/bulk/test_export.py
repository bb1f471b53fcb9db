"""Lists out: whole, exact, each item once, whatever happens on the way."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import random
import signal
import sqlite3
import sys
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import attrs
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partnero_async import Pages, Partnero, ServerError, UsageError, models
from partnero_async._records import json_lines, read_line
from partnero_async.bulk import ExportError, Source, run_import
from partnero_async.bulk.carried import is_whole
from partnero_async.bulk.columns import columns_of, in_force
from partnero_async.bulk.draft import Draft
from partnero_async.bulk.formulas import as_it_was, defused
from partnero_async.models import (
    Coupon,
    Customer,
    Lead,
    LeadAnswer,
    Partner,
    PartnerReferrals,
    PayoutRequest,
    Transaction,
    TransactionReward,
)
from partnero_async.models.partners import CurrencyAmount
from partnero_async.sandbox import Sandbox
from tests.bulk.both import export
from tests.bulk.shop import end, environment, names_in, open_shop, run, start
from tests.held import Held
from tests.scripted import async_only

AT = datetime(2024, 1, 31, 12, tzinfo=UTC)
FORMATS = ["csv", "jsonl", "parquet"]


async def sell(
    client: Partnero, count: int, *, key: str = "s", at: datetime = AT
) -> None:
    """Sell so many things, several with the same key and all else."""
    for number in range(count):
        await client.transactions.create(
            key=f"{key}{number // 3}",
            customer={"key": f"c{number % 3 // 2 + 1}"},
            amount=Decimal("0.10"),
            action="sale",
            created_at=at,
        )


def read(path: Path) -> list[dict[str, Any]]:
    """Read the keys, customers and amounts of exported sales, in order."""
    text = path.suffix == ".csv"
    if path.suffix == ".parquet":
        rows = pq.read_table(path).to_pylist()
    elif text:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    else:
        lines = path.read_text("utf-8").splitlines()
        rows = [json.loads(line, parse_float=Decimal) for line in lines]
    return [
        {
            "key": row["key"],
            "customer": row["customer.key" if text else "customer"],
            "amount": Decimal(row["amount"]),
        }
        for row in rows
    ]


def shown(items: list[Transaction]) -> list[dict[str, Any]]:
    """Return what `read` returns of these."""
    names = ("key", "customer", "amount")
    return [{name: getattr(item, name) for name in names} for item in items]


@pytest.fixture
async def sold(client: Partnero, shop: Sandbox) -> Sandbox:
    """Return a program with twenty sales, many of them equal."""
    await sell(client, 20)
    return shop


# --- what is in the file ------------------------------------------------------------


@pytest.mark.parametrize("window", [1, 4])
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.usefixtures("sold")
async def test_the_file_is_the_list(
    client: Partnero, tmp_path: Path, form: str, window: int
) -> None:
    """Each item once, in the list's order, and nothing else is left in the folder."""
    pages = client.transactions.list(limit=3)
    path = tmp_path / f"sales.{form}"
    told: list[int] = []
    done = await export(
        pages, path, window=window, on_progress=lambda done: told.append(done.rows)
    )
    assert read(path) == shown(await pages.collect())
    assert (done.rows, done.pages, done.resumed, done.path) == (20, 7, 0, path)
    assert done.format == form
    assert told == [3, 6, 9, 12, 15, 18, 20, 20]
    assert names_in(tmp_path) == [path.name]
    assert json.loads(json.dumps(done.as_dict()))["path"] == str(path)


@pytest.mark.parametrize("form", FORMATS)
async def test_an_empty_list(client: Partnero, tmp_path: Path, form: str) -> None:
    """A file without items is a file, with the same columns."""
    path = tmp_path / f"none.{form}"
    assert (await export(client.partners.list(), path)).rows == 0
    if form == "csv":
        names = [column.name for column in columns_of(Partner)]
        assert path.read_text("utf-8").splitlines() == [",".join(names)]
    elif form == "jsonl":
        assert path.read_bytes() == b""
    else:
        assert pq.read_table(path).num_rows == 0


@pytest.mark.usefixtures("sold")
async def test_lines_are_the_models(client: Partnero, tmp_path: Path) -> None:
    """What is written as lines can be read back, with every member."""
    pages = client.transactions.list()
    await export(pages, tmp_path / "sales.ndjson")
    lines = (tmp_path / "sales.ndjson").read_bytes().splitlines()
    assert [read_line(Transaction, line) for line in lines] == await pages.collect()


@pytest.mark.usefixtures("sold")
async def test_parquet_has_the_columns_of_to_arrow(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written in several groups, it is the same table."""
    monkeypatch.setattr("partnero_async.bulk.forms.TOGETHER", 8)
    monkeypatch.setattr("partnero_async.bulk.exporting.CHUNK", 4)
    pages = client.transactions.list()
    await export(pages, str(tmp_path / "sales.parquet"))
    table = pq.read_table(tmp_path / "sales.parquet")
    assert table.equals(await pages.to_arrow())
    assert pq.ParquetFile(tmp_path / "sales.parquet").num_row_groups == 3


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.usefixtures("sold")
async def test_a_stream_gets_the_same(
    client: Partnero, tmp_path: Path, form: Any
) -> None:
    """What goes to standard output is what would be in the file."""
    pages = client.transactions.list(limit=6)
    out = io.BytesIO()
    done = await export(pages, out, format=form)
    (tmp_path / f"s.{form}").write_bytes(out.getvalue())
    assert read(tmp_path / f"s.{form}") == shown(await pages.collect())
    assert (done.rows, done.path, done.as_dict()["path"]) == (20, None, None)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=6)
PLAIN = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | TEXT
SALES = st.builds(
    Transaction,
    key=st.none() | TEXT,
    amount=st.none() | NUMBERS,
    created_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    credit=st.none() | st.booleans(),
    rewards=st.none()
    | st.lists(
        st.builds(
            TransactionReward,
            amount=NUMBERS,
            product_type_data=st.dictionaries(TEXT, PLAIN, max_size=2),
        ),
        max_size=2,
    ),
    extra=st.dictionaries(TEXT.map(lambda text: f"x-{text}"), PLAIN, max_size=2),
)


@given(SALES)
def test_a_record_is_the_model(sale: Transaction) -> None:
    """A line holds all that a model holds, on one line."""
    line = json_lines([sale])
    assert line.count(b"\n") == 1
    assert read_line(Transaction, line) == sale


def test_a_line_that_is_none() -> None:
    """A part that somebody has edited is not taken for items."""
    with pytest.raises(ValueError, match="no JSON object"):
        read_line(Transaction, b"[1]")


def cells(item: Any) -> dict[str, str]:
    """Return the cells of an item that are not empty."""
    columns = {
        column.name: column.cell(item) for column in columns_of(cast("Any", type(item)))
    }
    return {name: cell for name, cell in columns.items() if cell}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        pytest.param(
            Customer(key="c1", partner="p1", deleted=False, tags=["a", "b c"]),
            {"key": "c1", "partner.id": "p1", "deleted": "false", "tags": "a;b c"},
            id="names of an import",
        ),
        pytest.param(
            Transaction(customer="c1", amount=Decimal("1E+3"), credit=True),
            {"customer.key": "c1", "amount": "1000", "credit": "true"},
            id="no exponent",
        ),
        pytest.param(
            Transaction(amount=Decimal("-0.10"), created_at=AT.replace(microsecond=5)),
            {"amount": "-0.10", "created_at": "2024-01-31T12:00:00.000005Z"},
            id="digits as they are",
        ),
        pytest.param(
            Lead(
                id=7,
                created_at=date(2024, 1, 31),
                submission_form=[LeadAnswer(question="q", answer=["x"])],
            ),
            {
                "id": "7",
                "created_at": "2024-01-31",
                "submission_form": '[{"question":"q","answer":["x"]}]',
            },
            id="day and list of models",
        ),
        pytest.param(
            Partner(
                tags=["a;b", " c"],
                referrals=PartnerReferrals(
                    clicks=0,
                    revenue=[CurrencyAmount(currency="EUR", amount=Decimal("0.1"))],
                    extra={"n": 1},
                ),
                custom_fields={"x": None},
                extra={"more": Decimal("1.10")},
            ),
            {
                "tags": '["a;b"," c"]',
                "referrals.clicks": "0",
                "referrals.revenue": '[{"currency":"EUR","amount":0.1}]',
                "custom_fields": '{"x":null}',
                "extra": '{"more":1.10,"referrals":{"n":1}}',
            },
            id="nested and unknown",
        ),
        pytest.param(PayoutRequest(partner="p1"), {"partner": "p1"}, id="text or map"),
        pytest.param(
            PayoutRequest(partner={"id": "p1"}),
            {"partner": '{"id":"p1"}'},
            id="map or text",
        ),
    ],
)
def test_cells(item: Any, expected: dict[str, str]) -> None:
    """Money and times are exact, what has no column of its own is JSON."""
    assert cells(item) == expected


def test_every_model_has_columns() -> None:
    """Headers follow from the models alone, each name once."""
    for name in models.__all__:
        model = getattr(models, name)
        if hasattr(model, "__attrs_attrs__") and model is not models.Page:
            names = [column.name for column in columns_of(model)]
            assert len(set(names)) == len(names)
            assert columns_of(model)[0].cell(model()) == ""


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        *((text, f"'{text}") for text in ("=1+1", "+1", "@a", "-a", "\ta", "\ra")),
        *((text, f"'{text}") for text in ("-", "--1", "-1+1", "-1\n", "-1e5", "=")),
        *((text, f"'{text}") for text in ("'=1", "''-a")),
        *((text, text) for text in ("-1", "-12.50", "1", "a=1", "", " =1", "'-1", "'")),
    ],
)
def test_formulas_are_defused(cell: str, safe: str) -> None:
    """Whatever a spreadsheet would run gets a quote, and a negative number none."""
    assert defused(cell) == safe


@given(st.text("'=+-@\t\r1.a", max_size=6))
def test_what_was_defused_comes_back(cell: str) -> None:
    """Whatever a cell was, and whether it got a quote or not."""
    assert as_it_was(defused(cell)) == cell


@pytest.mark.usefixtures("shop")
async def test_defused_unless_raw(client: Partnero, tmp_path: Path) -> None:
    """It is counted, and --raw leaves the cells as they are."""
    await client.customers.create("c9", partner={"key": "p1"}, name="=cmd|' /C x'!A0")
    pages = client.customers.list()
    for raw, name in ((False, "'=cmd|' /C x'!A0"), (True, "=cmd|' /C x'!A0")):
        done = await export(pages, tmp_path / "c.csv", raw=raw)
        with (tmp_path / "c.csv").open(newline="") as file:
            assert next(csv.DictReader(file))["name"] == name
        assert done.defused == (not raw)


# --- and back in --------------------------------------------------------------------


@pytest.mark.usefixtures("shop")
async def test_what_is_exported_can_be_imported(
    client: Partnero, other: Partnero, tmp_path: Path
) -> None:
    """The second program has the same partners, customers and sales."""
    await client.partners.create(
        id="p2", email="p2@example.com", name="Zoë, Ann", surname='O"N\nx'
    )
    await client.customers.create("c4", partner={"id": "p2"}, name="-5")
    for number, amount in enumerate(("0.10", "29.33", "1234567.891")):
        await client.transactions.create(
            key=f"o{number}",
            customer={"key": f"c{number + 2}"},
            amount=Decimal(amount),
            action="sale",
            created_at=AT.replace(day=number + 1),
        )
    await client.transactions.create(
        key="gone", customer={"key": "c1"}, amount=5, action="sale"
    )
    await client.transactions.archive("gone")
    for name in ("partners", "customers", "transactions"):
        file = tmp_path / f"{name}.csv"
        listed = getattr(client, name).list()
        await export(listed, file, importable=True)
        report = await run_import(
            other, cast("Any", name), Source(path=file), settle=0.05
        )
        assert (report.rejected, report.exit_code) == (0, 0), report
    for name in ("partners", "customers", "transactions"):
        await same(client, other, name)


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.usefixtures("shop")
async def test_keys_that_begin_like_a_formula(
    client: Partnero, other: Partnero, tmp_path: Path, *, raw: bool
) -> None:
    """They come back as they were, and are safe in a spreadsheet on the way."""
    keys = ["=k", "-k1", "+49", "@x", "'=k", "''+49", "'-5", "-5", "'"]
    for number, key in enumerate(keys):
        name = f"={number}"
        await client.customers.create(key, partner={"key": "p1"}, name=name)
        await client.transactions.create(
            key=f"{key}.",
            customer={"key": key},
            amount=number + 1,
            action="sale",
            created_at=AT,
        )
    for name in ("partners", "customers", "transactions"):
        file = tmp_path / f"{name}.csv"
        listed = getattr(client, name).list()
        await export(listed, file, importable=True, raw=raw)
        report = await run_import(
            other, cast("Any", name), Source(path=file), settle=0.05
        )
        assert (report.rejected, report.exit_code) == (0, 0), report
        await same(client, other, name)


@pytest.mark.usefixtures("shop")
async def test_commissions_and_products_are_carried(
    client: Partnero, other: Partnero, tmp_path: Path
) -> None:
    """A commission that no amount says is fixed anew; others are for the program."""
    sales: dict[str, dict[str, Any]] = {
        "rew": {"reward": Decimal("3.3"), "product_id": "cabin"},
        "free": {"amount": 0, "reward": Decimal("1.25"), "product_type": 7},
        "none": {"amount": 0},
        "ruled": {"amount": Decimal("29.33"), "product_id": 42},
    }
    for key, more in sales.items():
        await client.transactions.create(
            key=key, customer={"key": "c1"}, action="sale", created_at=AT, **more
        )
    file = tmp_path / "t.csv"
    pages = client.transactions.list()
    done = await export(pages, file, importable=True)
    assert (done.rows, done.incomplete) == (4, 0)
    with file.open(newline="") as rows:
        carried = {
            row["key"]: (row["reward"], row["product_id"], row["product_type"])
            for row in csv.DictReader(rows)
        }
    assert carried == {
        "rew": ("3.3", "cabin", ""),
        "free": ("1.25", "", "7"),
        "none": ("0", "", ""),
        "ruled": ("", "42", ""),
    }
    await open_shop(other)
    report = await run_import(other, "transactions", Source(path=file), settle=0.05)
    assert report.exit_code == 0, report
    await same(client, other, "transactions")
    for key in sales:
        ours, theirs = [
            [reward.amount for reward in sale.rewards or ()]
            for sale in (
                await client.transactions.get(key),
                await other.transactions.get(key),
            )
        ]
        assert ours == theirs


EARNED = TransactionReward(
    amount=Decimal(3), amount_units="EUR", partner="p1", status="ok", is_currency=True
)


def sale_with(amount: int | None, *rewards: dict[str, Any]) -> Transaction:
    """Return a sale with rewards that are like EARNED, but for what is given."""
    return Transaction(
        amount=None if amount is None else Decimal(amount),
        amount_units="EUR",
        rewards=[attrs.evolve(EARNED, **reward) for reward in rewards],
    )


@pytest.mark.parametrize(
    ("item", "reward", "whole"),
    [
        pytest.param(Customer(key="c"), None, True, id="no sale"),
        pytest.param(Transaction(amount=Decimal(0)), None, True, id="no rewards"),
        pytest.param(sale_with(None, {}), "3", True, id="no amount"),
        pytest.param(sale_with(0, {}, {}), "6", True, id="of one partner"),
        pytest.param(sale_with(0, {"status": "review_period"}), "3", True, id="new"),
        pytest.param(sale_with(0, {"amount_units": None}), "3", True, id="units"),
        pytest.param(sale_with(1, {}), None, True, id="by the rule"),
        pytest.param(sale_with(-1, {}, {"partner": "p2"}), None, True, id="by rules"),
        pytest.param(sale_with(0, {}, {"partner": "p2"}), None, False, id="shared"),
        pytest.param(sale_with(0, {"status": "rejected"}), None, False, id="rejected"),
        pytest.param(sale_with(1, {"status": "rejected"}), None, False, id="refused"),
        pytest.param(sale_with(0, {"deleted_at": AT}), None, False, id="deleted"),
        pytest.param(sale_with(0, {"amount": None}), None, False, id="not told"),
        pytest.param(sale_with(0, {"is_currency": False}), None, False, id="points"),
        pytest.param(sale_with(0, {"amount_units": "USD"}), None, False, id="dollars"),
    ],
)
def test_which_commission_is_carried(
    item: Any, reward: str | None, *, whole: bool
) -> None:
    """One that is paid to one partner in money; what is lost is known."""
    assert is_whole(item) is whole
    if isinstance(item, Transaction):
        assert importable_cells(item).get("reward") == reward


@pytest.mark.parametrize(
    ("products", "carried", "whole"),
    [
        pytest.param([None], {}, True, id="none"),
        pytest.param([[]], {}, True, id="PHP's empty map"),
        pytest.param([{"product_id": None}], {}, True, id="nothing"),
        pytest.param(
            [{"product_id": 42, "product_type": "x"}],
            {"product_id": "42", "product_type": "x"},
            True,
            id="plain",
        ),
        pytest.param(
            [{"product_id": "a"}, {"product_id": "a"}],
            {"product_id": "a"},
            True,
            id="twice",
        ),
        pytest.param(
            [{"product_id": "a"}, {"product_id": "b"}], {}, False, id="several"
        ),
        pytest.param([{"product_id": ["a"]}], {}, False, id="nested"),
        pytest.param([{"product_id": True}], {}, False, id="flag"),
        pytest.param([["a"]], {}, False, id="list"),
        pytest.param(
            [{"product_id": "a", "size": 3}], {"product_id": "a"}, False, id="more"
        ),
    ],
)
def test_which_product_is_carried(
    products: list[Any], carried: dict[str, str], *, whole: bool
) -> None:
    """Texts and whole numbers, where a sale has one product."""
    sale = sale_with(1, *({"product_type_data": product} for product in products))
    cells = importable_cells(sale)
    names = ("product_id", "product_type")
    assert {name: cells[name] for name in names if name in cells} == carried
    assert is_whole(sale) is whole


def importable_cells(item: Any) -> dict[str, str]:
    """Return the cells for an import that are not empty."""
    columns = columns_of(cast("Any", type(item)), importable=True)
    return {c.name: c.cell(item) for c in columns if c.cell(item)}


async def same(client: Partnero, other: Partnero, name: str) -> None:
    """Compare what a file can carry from one program to another."""
    kinds = {"partners": Partner, "customers": Customer, "transactions": Transaction}
    columns = columns_of(kinds[name], importable=True)

    async def rows(of: Partnero) -> list[list[str]]:
        items = [i async for i in getattr(of, name).list() if in_force(i)]
        return sorted([column.cell(item) for column in columns] for item in items)

    ours = await rows(client)
    assert ours
    assert await rows(other) == ours


@pytest.mark.parametrize(
    ("item", "taken"),
    [
        pytest.param(Partner(status="active"), True, id="partner"),
        pytest.param(Partner(), True, id="partner whose status is not shown"),
        pytest.param(Partner(status="archived"), False, id="archived partner"),
        pytest.param(Partner(approved=False), False, id="pending partner"),
        pytest.param(Customer(deleted=False), True, id="customer"),
        pytest.param(Customer(deleted=True), False, id="deleted customer"),
        pytest.param(Customer(deleted_at=AT), False, id="customer deleted at"),
        pytest.param(Transaction(), True, id="sale"),
        pytest.param(Transaction(deleted_at=AT), False, id="archived sale"),
        pytest.param(
            Transaction(referred_customer="c2"), True, id="sale of a referred customer"
        ),
    ],
)
def test_what_is_in_force(item: Any, *, taken: bool) -> None:
    """An import makes what is active: what is not is left out."""
    assert in_force(item) is taken


@pytest.mark.usefixtures("shop")
async def test_what_is_left_out_is_counted(client: Partnero, tmp_path: Path) -> None:
    """And the columns are those of an import."""
    await sell(client, 1)
    await client.transactions.archive("s0")
    pages = client.transactions.list()
    done = await export(pages, tmp_path / "t.csv", importable=True)
    assert (done.rows, done.left_out) == (0, 1)
    assert (tmp_path / "t.csv").read_text().strip() == (
        "key,action,amount,amount_units,customer.key,customer.id,created_at"
        ",reward,product_id,product_type"
    )


# --- stopped and gone on with -------------------------------------------------------


class StopError(Exception):
    """Raised where a test stops an export."""


def stopping_after(count: int) -> Any:
    """Return what raises once so many pages are told of."""

    def stop(done: Any) -> None:
        if done.pages == count:
            raise StopError

    return stop


async def stopped(pages: Pages[Any], path: Path, count: int, **options: Any) -> None:
    """Export so many pages, and stop."""
    with pytest.raises(StopError):
        await export(pages, path, on_progress=stopping_after(count), **options)
    assert path.name not in names_in(path.parent)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("count", range(1, 8))
@pytest.mark.usefixtures("sold")
async def test_stopped_at_a_page(
    client: Partnero, tmp_path: Path, count: int, form: str
) -> None:
    """It goes on with the page where it was stopped, which it looks at once more."""
    pages, path = client.transactions.list(limit=3), tmp_path / f"s.{form}"
    await stopped(pages, path, count)
    assert names_in(tmp_path) == [f"s.{form}.part", f"s.{form}.part.state"]
    done = await export(pages, path)
    assert read(path) == shown(await pages.collect())
    assert (done.rows, done.resumed) == (20, min(3 * count, 20))
    assert done.pages == 8 - count
    assert names_in(tmp_path) == [path.name]


@pytest.mark.parametrize("added", [1, 2, 3, 4, 7, 20])
@pytest.mark.parametrize("window", [1, 3])
@pytest.mark.usefixtures("shop")
async def test_a_list_that_grew_meanwhile(
    client: Partnero, tmp_path: Path, added: int, window: int
) -> None:
    """What has moved to later pages is not written again, however far it has moved."""
    for number in range(10):
        await client.customers.create(f"n{number}", partner={"key": "p1"})
    pages, path = client.customers.list(limit=3), tmp_path / "c.jsonl"
    before = [customer.key async for customer in pages]
    await stopped(pages, path, 2)
    for number in range(added):
        await client.customers.create(f"m{number}", partner={"key": "p1"})
    await export(pages, path, window=window)
    keys = [json.loads(line)["key"] for line in path.read_text().splitlines()]
    assert len(set(keys)) == len(keys)
    assert set(before) <= set(keys)


@pytest.mark.parametrize("added", [1, 2, 3, 4, 7, 20])
@pytest.mark.parametrize("count", [1, 2, 3, 6])
@pytest.mark.usefixtures("sold")
async def test_sales_that_came_meanwhile(
    client: Partnero, tmp_path: Path, added: int, count: int
) -> None:
    """Sales have no key of their own: their order tells which have been written."""
    pages, path = client.transactions.list(limit=3), tmp_path / "s.jsonl"
    before = shown(await pages.collect())
    await stopped(pages, path, count)
    await sell(client, added, key="new", at=AT.replace(year=2025))
    await export(pages, path)
    written = read(path)
    assert [sale for sale in written if "new" not in sale["key"]] == before
    assert len(written) in (20, 20 + added)


@pytest.mark.usefixtures("sold")
async def test_stopped_again_and_again_while_it_grows(
    client: Partnero, tmp_path: Path
) -> None:
    """The place is found however often it is looked for."""
    pages, path = client.transactions.list(limit=3), tmp_path / "s.jsonl"
    before = shown(await pages.collect())
    await stopped(pages, path, 2)
    for times in range(4):
        await sell(client, 2, key=f"new{times}-", at=AT.replace(year=2025))
        await stopped(pages, path, 2)
    await export(pages, path)
    assert read(path) == before


@pytest.mark.usefixtures("shop")
async def test_a_list_that_shrank_meanwhile(client: Partnero, tmp_path: Path) -> None:
    """What is left is written; it may lack what has moved to earlier pages."""
    for number in range(10):
        await client.customers.create(f"n{number}", partner={"key": "p1"})
    pages, path = client.customers.list(limit=2), tmp_path / "c.jsonl"
    before = [customer.key async for customer in pages]
    await stopped(pages, path, 2)
    await client.customers.delete("n9")
    await export(pages, path)
    keys = [json.loads(line)["key"] for line in path.read_text().splitlines()]
    assert keys == before


@pytest.mark.parametrize("name", ["customers", "transactions"])
@pytest.mark.parametrize("gone", [(0,), (2, 3), (4, 5), (2, 3, 4, 5), range(1, 9)])
@pytest.mark.usefixtures("shop")
async def test_what_went_meanwhile(
    client: Partnero, tmp_path: Path, name: str, gone: list[int]
) -> None:
    """Where the place is gone too it begins anew, and nothing that is left is lost."""
    for number in range(10):
        await client.customers.create(f"k{number}", partner={"key": "p1"})
        await client.transactions.create(
            key=f"k{number}", customer={"key": "c1"}, amount=1, action="sale"
        )
    lists, path = getattr(client, name), tmp_path / "s.jsonl"
    await stopped(lists.list(limit=2), path, 3)
    for number in gone:
        await lists.delete(f"k{9 - number}")
    done = await export(lists.list(limit=2), path)
    keys = [json.loads(line)["key"] for line in path.read_text().splitlines()]
    left = [item.key async for item in lists.list()]
    assert len(set(keys)) == len(keys) == done.rows
    if done.resumed:
        # A deletion in front of the walk hides as many items as were deleted.
        assert len(set(left) - set(keys)) <= len([n for n in gone if n < 6])
    else:
        assert keys == left


async def test_an_api_that_fails_on_the_way(
    client: Partnero, sold: Sandbox, tmp_path: Path
) -> None:
    """Its error is raised, and what is there is kept."""
    pages, path = client.transactions.list(limit=3), tmp_path / "s.csv"

    def fail(done: Any) -> None:
        if done.pages == 2:
            sold.fail_next("transactions.list", times=40)

    with pytest.raises(ServerError):
        await export(pages, path, on_progress=fail)
    sold._faults._waiting.clear()
    done = await export(pages, path)
    assert done.resumed >= 6
    assert read(path) == shown(await pages.collect())


@pytest.mark.parametrize(
    ("point", "page", "form"),
    [
        *(("before page", page, "csv") for page in range(1, 5)),
        *(("half a page", page, "csv") for page in range(1, 5)),
        *(("before it counts", page, "csv") for page in (1, 4)),
        ("after page", 4, "csv"),
        *(("before its name", 0, form) for form in FORMATS),
        *(("after its name", 0, form) for form in FORMATS),
    ],
)
async def test_killed_at_a_point(
    tmp_path: Path, sold_once: Sandbox, point: str, page: int, form: str
) -> None:
    """Between two pages, in the middle of one, and around the end: each item once."""
    path = tmp_path / f"s.{form}"
    command = ("export", "transactions", "-o", path, "--limit", "6")
    env = environment(sold_once)
    killed = await run(point, str(page), *command, env=env, program=FAIL_POINT)
    assert killed.code == -signal.SIGKILL, killed
    assert path.exists() == (point == "after its name")
    async with Partnero(sold_once.api_key, base_url=sold_once.url) as client:
        pages = client.transactions.list(limit=6)
        await export(pages, path)
        assert read(path) == shown(await pages.collect())
    assert names_in(tmp_path) == [path.name]


FAIL_POINT = (sys.executable, str(Path(__file__).with_name("export_fail_point.py")))


@pytest.fixture
async def sold_once(sandbox: Sandbox) -> Sandbox:
    """Return a program with twenty sales, made once for both clients."""
    async with Partnero(sandbox.api_key, base_url=sandbox.url) as client:
        await open_shop(client)
        await sell(client, 20)
    return sandbox


async def test_killed_at_random_moments(
    tmp_path: Path, sold_once: Sandbox, seed: int
) -> None:
    """Killed five times and finished, the file is the list."""
    print("seed", seed)
    rng = random.Random(seed)
    sold_once.latency = 0.02
    path, env = tmp_path / "s.csv", environment(sold_once)
    command = ("export", "transactions", "-o", path, "--limit", "2")
    kills: Counter[int] = Counter()
    for _ in range(5):
        before, some = sold_once.requests, rng.randrange(1, 6)
        process = await start(*command, env=env)
        while sold_once.requests - before < some and process.returncode is None:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        await asyncio.sleep(rng.uniform(0, 0.04))
        if process.returncode is None:
            process.kill()
        kills[(await end(process)).code] += 1
    print("ended with", dict(kills))
    assert (await run(*command, env=env)).code == 0
    async with Partnero(sold_once.api_key, base_url=sold_once.url) as client:
        assert read(path) == shown(await client.transactions.list().collect())


# --- files that cannot be used ------------------------------------------------------


# Only the command has no room: what measures its coverage writes once it has ended.
FULL_DISK = (
    sys.executable,
    "-c",
    """
import resource
from partnero_async.cli import main
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, most))
try:
    main()
finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
""",
)


@pytest.mark.parametrize("form", FORMATS)
async def test_a_full_disk(tmp_path: Path, sold_once: Sandbox, form: str) -> None:
    """One line and exit code 2, no file; with room again the same command goes on."""
    async with Partnero(sold_once.api_key, base_url=sold_once.url) as client:
        await sell(client, 60, key="more")
        path = tmp_path / f"s.{form}"
        command = ("export", "transactions", "-o", path, "--limit", "6")
        env = environment(sold_once)
        ended = await run(*command, env=env, program=FULL_DISK)
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith(f"partnero: {path}.part: File too large")
        assert ended.err.count("\n") == 1
        assert not path.exists()
        pages = client.transactions.list(limit=6)
        assert (await export(pages, path)).resumed > 0
        assert read(path) == shown(await pages.collect())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"sort": "asc"}, "its list is|whose list is", id="filter"),
        pytest.param({"limit": 4}, "whose list is", id="size of a page"),
        pytest.param({"format": "jsonl"}, "whose format is csv and not", id="format"),
        pytest.param({"raw": True}, "whose raw is False and not True", id="raw"),
        pytest.param({"importable": True}, "whose importable is", id="columns"),
    ],
)
@pytest.mark.usefixtures("sold")
async def test_another_export_is_not_gone_on_with(
    client: Partnero,
    tmp_path: Path,
    change: dict[str, Any],
    reason: str,
) -> None:
    """Two lists in one file would be neither; beginning anew is for the user to say."""
    path = tmp_path / "s.csv"
    await stopped(client.transactions.list(limit=3), path, 2)
    listing: dict[str, Any] = {k: change[k] for k in change if k in ("sort", "limit")}
    options = {k: change[k] for k in change if k not in listing}
    pages = client.transactions.list(**{"limit": 3, **listing})
    with pytest.raises(ExportError, match=reason):
        await export(pages, path, **options)
    done = await export(pages, path, **options, resume=False)
    assert (done.rows, done.resumed) == (20, 0)
    assert names_in(tmp_path) == [path.name]


async def test_what_cannot_be_exported_is_said_before_anything_is_read(
    client: Partnero, sold: Sandbox, tmp_path: Path
) -> None:
    """A folder that is not there, or no page at a time."""
    asked = sold.requests
    with pytest.raises(ExportError, match=r"there is no folder .*nowhere"):
        await export(client.transactions.list(), tmp_path / "nowhere" / "s.csv")
    with pytest.raises(UsageError, match="window=0: give 1 or more pages"):
        await export(client.transactions.list(), tmp_path / "s.csv", window=0)
    assert sold.requests == asked
    assert names_in(tmp_path) == []


@pytest.mark.usefixtures("sold")
async def test_another_program_is_not_gone_on_with(
    client: Partnero, other: Partnero, tmp_path: Path
) -> None:
    """Each program has lists of its own."""
    path = tmp_path / "s.csv"
    await stopped(client.transactions.list(limit=3), path, 2)
    with pytest.raises(ExportError, match="whose program is"):
        await export(other.transactions.list(limit=3), path)


async def test_a_key_check_that_is_not_there(
    client: Partnero, sold: Sandbox, tmp_path: Path
) -> None:
    """The key check is known from one source: without it the address has to do."""
    for _ in range(2):
        sold.fail_next("account.test", how=404)
        path = tmp_path / "s.csv"
        await export(client.transactions.list(), path)
    assert read(path) == shown(await client.transactions.list().collect())


@pytest.mark.usefixtures("sold")
async def test_files_of_others_are_left_alone(client: Partnero, tmp_path: Path) -> None:
    """What no export has made is not overwritten."""
    pages = client.transactions.list()
    part, state = tmp_path / "s.csv.part", tmp_path / "s.csv.part.state"
    part.write_text("mine")
    with pytest.raises(ExportError, match=r"s\.csv\.part is there, and of no export"):
        await export(pages, tmp_path / "s.csv")
    part.unlink()
    state.write_text("mine, and longer than a header of SQLite" * 9)
    with pytest.raises(ExportError, match=r"part\.state: file is not a database"):
        await export(pages, tmp_path / "s.csv")
    state.unlink()
    with sqlite3.connect(state) as database:
        database.execute("CREATE TABLE mine (x)")
    database.close()
    with pytest.raises(ExportError, match=r"part\.state is there, and of no export"):
        await export(pages, tmp_path / "s.csv")


@pytest.mark.usefixtures("sold")
async def test_a_part_that_was_cut(client: Partnero, tmp_path: Path) -> None:
    """Fewer bytes than were counted are not gone on with."""
    path = tmp_path / "s.csv"
    await stopped(client.transactions.list(limit=3), path, 2)
    part = tmp_path / "s.csv.part"
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(ExportError, match="has been cut"):
        await export(client.transactions.list(limit=3), path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param(".", "is no file", id="folder"),
        pytest.param(
            "missing/s.csv", "there is no folder", id="folder that is missing"
        ),
    ],
)
async def test_a_place_where_no_file_can_be(
    client: Partnero, tmp_path: Path, name: str, reason: str
) -> None:
    """It is said before the list is read."""
    with pytest.raises(ExportError, match=reason):
        await export(client.partners.list(), tmp_path / name, format="csv")


@pytest.mark.usefixtures("sold")
async def test_two_exports_to_one_file(client: Partnero, tmp_path: Path) -> None:
    """The second is refused while the first one runs."""
    first: Draft[Transaction] = Draft(tmp_path / "s.csv", Transaction)
    first.open({}, resume=True)
    with pytest.raises(ExportError, match="another export to this file is running"):
        await export(client.transactions.list(), tmp_path / "s.csv")
    first.close()
    await export(client.transactions.list(), tmp_path / "s.csv")


@pytest.mark.usefixtures("sold")
async def test_a_link_is_followed(client: Partnero, tmp_path: Path) -> None:
    """The file behind it is replaced, and not the link."""
    (tmp_path / "real").mkdir()
    (tmp_path / "s.csv").symlink_to(tmp_path / "real" / "s.csv")
    done = await export(client.transactions.list(), tmp_path / "s.csv")
    assert done.path == tmp_path / "real" / "s.csv"
    assert (tmp_path / "s.csv").is_symlink()


@pytest.mark.parametrize(
    ("target", "options", "reason"),
    [
        pytest.param("s.txt", {}, "name it .csv", id="suffix"),
        pytest.param(io.BytesIO(), {}, "a stream: name it", id="stream"),
        pytest.param("s.csv", {"format": "xlsx"}, "is no format", id="format"),
        pytest.param("s.jsonl", {"importable": True}, "only a CSV", id="importable"),
    ],
)
async def test_what_does_not_go(
    client: Partnero, target: Any, options: dict[str, Any], reason: str
) -> None:
    """It is said before anything is sent."""
    with pytest.raises(UsageError, match=reason):
        await export(client.transactions.list(), target, **options)


def test_what_no_import_takes() -> None:
    """Columns for an import are there for what can be imported."""
    with pytest.raises(UsageError, match="Coupon: no import takes them"):
        columns_of(Coupon, importable=True)


@async_only
async def test_cancelled_in_the_middle_of_a_page(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a thread has begun is waited for: its files are closed after that."""
    await sell(client, 3)
    held, add = Held(), Draft[Any].add
    monkeypatch.setattr(Draft, "add", held.before(add))
    target = tmp_path / "out.csv"
    await held.while_cancelled(export(client.transactions.list(), target))
    monkeypatch.undo()
    told = await export(client.transactions.list(), target)
    assert (told.rows, told.resumed) == (3, 3)
