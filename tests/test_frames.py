"""Lists as Arrow tables and frames: exact, and with columns that do not change."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

import pyarrow as pa
import pytest

from partnero_async import Partnero, UsageError, models
from partnero_async._frames import batch_of, schema_of, table_of
from partnero_async._records import members_of
from partnero_async.models import (
    Coupon,
    Lead,
    Partner,
    PartnerReferrals,
    PayoutRequest,
    Transaction,
)
from partnero_async.models.partners import CurrencyAmount
from partnero_async.sandbox import Sandbox
from tests.bulk.shop import open_shop

AT = datetime(2024, 1, 31, 12, 0, 0, 5, tzinfo=UTC)
MONEY = pa.decimal128(38, 18)
TIME = pa.timestamp("us", "UTC")


async def fill(client: Partnero) -> None:
    """Sell a few things, with amounts that a float does not have."""
    await open_shop(client)
    for number, amount in enumerate(("0.10", "29.33", "-5", "1234567.891")):
        await client.transactions.create(
            key=f"s{number}",
            customer={"key": "c1"},
            amount=Decimal(amount),
            created_at=AT.replace(microsecond=0),
            action="sale",
        )


AMOUNTS = [Decimal(a) for a in ("0.10", "29.33", "-5", "1234567.891")]


@pytest.mark.parametrize("window", [1, 3])
async def test_arrow(client: Partnero, window: int) -> None:
    """A row an item, in the list's order, and nothing of an amount is lost."""
    await fill(client)
    pages = client.transactions.list(limit=2)
    items = await pages.collect()
    table = await pages.to_arrow(window=window)
    rows = table.to_pylist()
    assert table.schema.equals(schema_of(Transaction))
    assert [row["key"] for row in rows] == [item.key for item in items]
    assert [row["amount"] for row in rows] == [item.amount for item in items]
    assert sorted(row["amount"] for row in rows) == sorted(AMOUNTS)
    assert [row["created_at"] for row in rows] == [item.created_at for item in items]
    assert rows[0]["rewards"][0]["amount"] == (items[0].rewards or [])[0].amount
    assert {row["extra"] for row in rows} == {None}


async def test_pandas(client: Partnero) -> None:
    """Money sums up exactly, and a column that is empty keeps its type."""
    await fill(client)
    frame = await client.transactions.list().to_pandas()
    assert frame["amount"].sum() == sum(AMOUNTS)
    assert str(frame["amount"].dtype) == "decimal128(38, 18)[pyarrow]"
    assert str(frame["deleted_at"].dtype) == "timestamp[us, tz=UTC][pyarrow]"
    assert frame["created_at"].iloc[0] == AT.replace(microsecond=0)


async def test_polars(client: Partnero) -> None:
    """The same in polars."""
    import polars as pl  # noqa: PLC0415 - as slow as a test

    await fill(client)
    frame = await client.transactions.list().to_polars()
    assert frame["amount"].sum() == sum(AMOUNTS)
    assert frame.schema["amount"] == pl.Decimal(38, 18)
    assert frame.schema["created_at"] == pl.Datetime("us", "UTC")
    assert frame["created_at"][0] == AT.replace(microsecond=0)


@pytest.mark.parametrize("way", ["to_arrow", "to_pandas", "to_polars"])
async def test_an_empty_list_has_the_same_columns(client: Partnero, way: str) -> None:
    """Nothing is guessed from the values: what follows from them changes with them."""
    empty: Any = await getattr(client.customers.list(), way)()
    assert len(empty) == 0
    names = empty.column_names if way == "to_arrow" else list(empty.columns)
    assert names == [*members_of(models.Customer), "extra"]


@pytest.mark.parametrize(
    ("model", "name", "kind"),
    [
        pytest.param(Partner, "approved", pa.bool_(), id="flag"),
        pytest.param(Partner, "referrals_count", pa.int64(), id="whole number"),
        pytest.param(Partner, "tags", pa.list_(pa.string()), id="tags"),
        pytest.param(Partner, "custom_fields", pa.string(), id="any map"),
        pytest.param(Transaction, "amount", MONEY, id="money"),
        pytest.param(Transaction, "created_at", TIME, id="time"),
        pytest.param(Transaction, "extra", pa.string(), id="unknown members"),
        pytest.param(Lead, "created_at", pa.date32(), id="day"),
        pytest.param(PayoutRequest, "partner", pa.string(), id="several shapes"),
        pytest.param(models.Subscriber, "reward", pa.string(), id="list of anything"),
        pytest.param(
            PartnerReferrals,
            "revenue",
            pa.list_(
                pa.struct(
                    [
                        ("currency", pa.string()),
                        ("amount", MONEY),
                        ("extra", pa.string()),
                    ]
                )
            ),
            id="list of models",
        ),
    ],
)
def test_types(model: type, name: str, kind: pa.DataType) -> None:
    """Each column has the type that its member has."""
    assert schema_of(model).field(name).type.equals(kind)


def test_every_model_has_a_schema() -> None:
    """A list of anything that the API returns can be a table."""
    for name in models.__all__:
        model = getattr(models, name)
        if hasattr(model, "__attrs_attrs__") and model is not models.Page:
            assert schema_of(model).names == [*members_of(model), "extra"]


def test_nested_and_unknown_members() -> None:
    """Structs for models, JSON for what has no type; a list keeps its order."""
    partner = Partner(
        id="p1",
        tags=["b", "a"],
        referrals=PartnerReferrals(
            clicks=3,
            revenue=[CurrencyAmount(currency="EUR", amount=Decimal("0.1"))],
            extra={"new": Decimal("1.10")},
        ),
        custom_fields={"x": [1, None]},
        created_at=AT,
        extra={"more": {"y": "z"}},
    )
    (row,) = table_of(Partner, [batch_of(Partner, [partner])]).to_pylist()
    assert row["tags"] == ["b", "a"]
    assert row["referrals"]["clicks"] == 3
    assert row["referrals"]["extra"] == '{"new":1.10}'
    assert row["referrals"]["revenue"] == [
        {"currency": "EUR", "amount": Decimal("0.1"), "extra": None}
    ]
    assert row["custom_fields"] == '{"x":[1,null]}'
    assert row["created_at"] == AT
    assert row["extra"] == '{"more":{"y":"z"}}'
    assert row["commissions"] is None


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(Transaction(amount=Decimal("0.1234567890123456789")), id="small"),
        pytest.param(Transaction(amount=Decimal(10**21)), id="large"),
        pytest.param(Coupon(times_redeemed=2**70), id="whole number"),
    ],
)
def test_what_does_not_fit_is_refused(item: Any) -> None:
    """Nothing is rounded: an amount with more decimals than there is room is said."""
    with pytest.raises(UsageError, match="is not rounded"):
        batch_of(type(item), [item])


@pytest.mark.parametrize(
    ("missing", "way"),
    [
        ("pyarrow", "to_arrow"),
        ("pyarrow", "to_pandas"),
        ("pandas", "to_pandas"),
        ("polars", "to_polars"),
    ],
)
async def test_a_missing_library_is_named(
    client: Partnero,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    missing: str,
    way: str,
) -> None:
    """It is said before anything is sent, and how to install it."""
    monkeypatch.setitem(sys.modules, missing, None)
    schema_of.cache_clear()
    before = sandbox.requests
    with pytest.raises(UsageError, match=rf"needs {missing}.*partnero-async\[arrow\]"):
        await getattr(client.partners.list(), way)()
    assert sandbox.requests == before


def test_members_of_lists() -> None:
    """A list of anything has no kind: its items have no shape that is known."""
    assert members_of(models.Subscriber)["reward"] is Any
    assert get_args(members_of(Partner)["tags"]) == (str,)
