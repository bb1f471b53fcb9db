"""Rows in the journal of a version that took what this one does not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from partnero_async import Partnero
from partnero_async.bulk.plan import Entry, Plan, RowError
from partnero_async.sandbox import Sandbox
from tests.bulk.both import resolve, run_import
from tests.bulk.shop import sale, sales_in, write_csv
from tests.bulk.test_doubt import left_sent, record

pytestmark = pytest.mark.usefixtures("shop")

LEAD = ("name", "email", "partner.key")


def grow_stricter(patch: pytest.MonkeyPatch, *, after: int = 0) -> None:
    """Let no row be right any more, once so many were read in."""
    read, left = Plan.read, after

    def stricter(self: Plan, cells: Sequence[str]) -> Entry:
        nonlocal left
        left -= 1
        if left < 0:
            raise RowError("malformed", "stricter")
        return read(self, cells)

    patch.setattr(Plan, "read", stricter)


@pytest.mark.parametrize("batch", ["no", "documented"])
async def test_rows_that_are_still_to_be_sent(
    client: Partnero,
    shop: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    batch: Any,
) -> None:
    """They are rejected, one by one and in batches."""
    file = write_csv(tmp_path / "s.csv", map(sale, range(3)))
    grow_stricter(monkeypatch, after=3)
    report = await run_import(client, "transactions", file, batch=batch)
    assert (report.rejected, report.reasons) == (3, {"malformed": 3})
    assert sales_in(shop) == []


@pytest.mark.parametrize("there", [1, 5])
async def test_sales_whose_key_is_there(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: int
) -> None:
    """They are rejected, whether the program's list is walked or they are asked for."""
    monkeypatch.setattr("partnero_async.bulk.there.PAGE", 10 if there == 1 else 1)
    for number in range(there):
        await record(client, number)
    file = write_csv(tmp_path / "s.csv", [sale(0)])
    with monkeypatch.context() as patch:
        grow_stricter(patch, after=1)
        report = await run_import(client, "transactions", file)
    assert (report.rejected, report.exit_code) == (1, 1)


async def test_leads(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are rejected while the leads that are there are walked."""
    await client.leads.create(name="Ada", email="a@example.com", partner={"key": "p1"})
    rows = [("Ada", "a@example.com", "p1")]
    file = write_csv(tmp_path / "l.csv", rows, header=LEAD)
    grow_stricter(monkeypatch, after=1)
    report = await run_import(client, "leads", file)
    assert (report.rejected, report.exit_code) == (1, 1)


async def test_rows_in_doubt(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may be there: they stay in doubt, and are not rejected."""
    journal = await left_sent(client, tmp_path, rows=2)
    with monkeypatch.context() as patch:
        grow_stricter(patch)
        report = await resolve(client, journal)
    assert (report.sent, report.exit_code) == (2, 3)
    assert (await resolve(client, journal)).parked == 2
