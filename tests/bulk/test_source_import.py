"""Imports from every kind of source, against the sandbox, on both clients."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from partnero_async import Partnero
from partnero_async.bulk import JournalError, Report, Source, SourceError
from partnero_async.sandbox import Sandbox
from tests.awaited import AwaitedClient
from tests.bulk.both import resolve, run_import
from tests.bulk.reading import written
from tests.bulk.shop import expected, names_in, read_csv, sales_in

pytestmark = pytest.mark.usefixtures("shop")

COUNT = 12


def mappings(count: int = COUNT) -> list[dict[str, Any]]:
    """Return sales as a program has them."""
    return [
        {
            "key": f"s{number}",
            "customer": {"key": "c1"},
            "amount": Decimal(f"{number}.25"),
            "created_at": dt.date(2024, 1, 31),
            "action": "sale",
        }
        for number in range(count)
    ]


def generated(count: int = COUNT) -> Iterator[Mapping[str, Any]]:
    """Give sales that can be walked only once."""
    yield from mappings(count)


async def awaited(count: int = COUNT) -> AsyncIterator[Mapping[str, Any]]:
    """Give sales asynchronously."""
    for row in mappings(count):
        yield row


def frame() -> pl.DataFrame:
    """Return sales as a frame."""
    rows = mappings()
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    del columns["customer"]
    return pl.DataFrame({**columns, "customer.key": ["c1"] * len(rows)})


def parquet(folder: Path) -> Path:
    """Write sales as a Parquet file."""
    pq.write_table(pa.table(frame().to_arrow()), folder / "s.parquet")
    return folder / "s.parquet"


def jsonl(folder: Path) -> Path:
    """Write sales as JSON Lines, compressed."""
    lines = "".join(json.dumps(row, default=str) + "\n" for row in mappings())
    # Without the time in it: of a file the bytes are compared.
    return written(folder, "s.jsonl.gz", gzip.compress(lines.encode(), mtime=0))


def european(folder: Path) -> Source:
    """Write sales as a spreadsheet of the continent does."""
    rows = "".join(f"s{n};Zoë;c1;{n},25;31.01.2024;sale\n" for n in range(COUNT))
    text = f"key;customer.name;customer.key;amount;created_at;action\n{rows}"
    file = written(folder, "s.csv", text.encode("cp1252"))
    return Source(path=file, decimal_comma=True, date_format="%d.%m.%Y")


async def sell(client: Partnero, source: Any, folder: Path, **options: Any) -> Report:
    """Import sales, with a journal in *folder*."""
    options = {"journal": folder / "j", "settle": 0.05, **options}
    return await run_import(client, "transactions", source, **options)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(parquet, id="parquet"),
        pytest.param(jsonl, id="jsonl"),
        pytest.param(european, id="european"),
        pytest.param(lambda _: frame(), id="frame"),
        pytest.param(lambda _: generated(), id="iterable"),
        pytest.param(lambda _: Source(rows=mappings()), id="source"),
    ],
)
async def test_each_source_and_again(
    client: Partnero,
    shop: Sandbox,
    tmp_path: Path,
    source: Callable[[Path], Any],
) -> None:
    """Each row is sent once; given again, the same rows are known."""
    report = await sell(client, source(tmp_path), tmp_path)
    assert sales_in(shop) == expected(range(COUNT))
    assert (report.done, report.exit_code) == (COUNT, 0)
    again = await sell(client, source(tmp_path), tmp_path)
    assert (again.done, again.requests) == (COUNT, 0)
    assert len(sales_in(shop)) == COUNT


async def test_what_a_file_was_taken_for(client: Partnero, tmp_path: Path) -> None:
    """The report says so, and what was not asked for can be seen in it."""
    report = await sell(client, european(tmp_path), tmp_path)
    assert report.read_as == {
        "format": "csv",
        "encoding": "windows-1252",
        "delimiter": ";",
    }
    assert report.as_dict()["read_as"] == report.read_as
    assert (await resolve(client, tmp_path / "j")).read_as == {}


async def test_asynchronous_rows(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """They are awaited where they can be, and refused where not."""
    if isinstance(client, AwaitedClient):
        with pytest.raises(SourceError, match="come asynchronously"):
            await sell(client, awaited(), tmp_path)
        assert names_in(tmp_path) == []
    else:
        assert (await sell(client, awaited(), tmp_path)).done == COUNT
        assert sales_in(shop) == expected(range(COUNT))


async def test_the_same_rows_in_another_form(client: Partnero, tmp_path: Path) -> None:
    """Rows are compared as rows: a frame goes on where a file stopped."""
    columns = ("key", "customer.key", "amount", "created_at", "action")
    table = frame().select(columns)
    table.write_csv(tmp_path / "s.csv")
    await sell(client, tmp_path / "s.csv", tmp_path)
    for source in (mappings(), table):
        report = await sell(client, source, tmp_path)
        assert (report.done, report.requests) == (COUNT, 0)


async def test_other_rows_are_refused(client: Partnero, tmp_path: Path) -> None:
    """The first row that differs is named."""
    await sell(client, generated(), tmp_path)
    other = mappings()
    other[3]["amount"] = Decimal(1)
    with pytest.raises(JournalError, match="row 4 is the first that differs"):
        await sell(client, other, tmp_path)
    with pytest.raises(JournalError, match=f"row {COUNT} is the first that differs"):
        await sell(client, generated(COUNT - 1), tmp_path)
    with pytest.raises(JournalError, match=r"with other .*--date-format"):
        await sell(client, Source(rows=mappings(), date_format="%d.%m.%Y"), tmp_path)


async def test_what_is_read_once_needs_a_journal(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name cannot follow from that of a file."""
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=None))
    for source, name in ((mappings(), "the rows"), ("-", "standard input")):
        with pytest.raises(
            JournalError, match=f"the journal of {name} could be.*--jour"
        ):
            await run_import(client, "transactions", source)
    assert names_in(tmp_path) == []


async def test_standard_input(
    client: Partnero, shop: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on where it stopped, if the same comes in, or the same as a file."""
    content = gzip.compress(b"key,customer.key,amount\ns0,c1,0.25\ns1,c1,1.25\n")
    for requests in (4, 0):
        stdin = SimpleNamespace(buffer=io.BytesIO(content))
        monkeypatch.setattr("sys.stdin", stdin)
        report = await sell(client, "-", tmp_path)
        assert (report.done, report.requests) == (2, requests)
    file = written(tmp_path, "s.csv", content)
    assert (await sell(client, file, tmp_path)).requests == 0
    assert sales_in(shop) == expected(range(2))


BAD_LINES = """\
{"key": "s0", "customer": {"key": "c1"}, "amount": 0.25}
{"key": "s1", "customer": {"key": "c1"}, "amount": 1.25
{"key": "s2", "customer": {"key": "c1"}, "amount": 2.25, "amount": 2.5}
{"key": "s3", "customer": {"key": "c1"}, "amount": [3]}
{"key": "s4", "customer": {"key": "c1"}, "amount": 4.25, "amount_units": "EURO"}
{"key": "s5", "customer": {"key": "c1"}, "amount": 5.25, "created_at": "2999-01-01"}
{"key": "s6", "customer": {"key": "c1"}, "amount": "1.234,56"}
{"key": "s7", "customer": {"key": "c1"}, "amount": 7.25, "amount_units": "eur"}
"""


async def test_bad_rows_of_json_lines(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Each is in the rejects file, a line that is no object as it stands."""
    file = written(tmp_path, "s.jsonl", BAD_LINES)
    report = await sell(client, file, tmp_path)
    assert [key for key, _ in sales_in(shop)] == ["s0", "s7"]
    assert (report.done, report.rejected, report.exit_code) == (2, 6, 1)
    rejects = tmp_path / "s.jsonl.rejects.csv"
    header, *rows = read_csv(rejects)
    assert header[3:] == ["key", "customer.key", "amount", "amount_units", "created_at"]
    reasons = [
        "no JSON",
        "two members are called 'amount'",
        "amount: '3' cannot be one of several tags",
        "amount_units: 'EURO' is no currency",
        "created_at: '2999-01-01' is in the future",
        "or give --decimal-comma",
    ]
    for row, number, reason in zip(rows, range(2, 8), reasons, strict=True):
        assert row[0] == str(number)
        assert reason in row[2]
    lines = BAD_LINES.splitlines()
    assert [rows[0][3:], rows[1][3:]] == [[lines[1]], [lines[2]]]
    mended = [header, ["7", "malformed", "", "s6", "c1", "1234.56", "", ""]]
    rejects.write_text("\n".join(map(",".join, mended)), encoding="utf-8")
    options = {"journal": tmp_path / "k"}
    again = await sell(
        client, Source(path=rejects, format="jsonl"), tmp_path, **options
    )
    assert (again.done, again.exit_code) == (1, 0)
    assert sales_in(shop)[1] == ("s6", Decimal("1234.56"))


async def test_a_naive_moment_in_a_column_that_is_not_taken(
    client: Partnero, tmp_path: Path
) -> None:
    """A problem counts where the column does."""
    naive = dt.datetime(2024, 1, 31)  # noqa: DTZ001 - the case
    rows = [{**row, "created_at": naive} for row in mappings(2)]
    report = await sell(client, rows, tmp_path)
    assert (report.rejected, report.first_rejected[0].code) == (2, "unreadable")
    assert "created_at: '2024-01-31T00:00:00' has no" in report.first_rejected[0].reason
    ignoring = Source(rows=rows, ignore=["created_at"])
    assert (await sell(client, ignoring, tmp_path, journal=tmp_path / "k")).done == 2


async def test_sales_in_doubt_are_read_as_they_were(
    client: Partnero, tmp_path: Path
) -> None:
    """The journal knows how amounts and dates are spelled."""
    from partnero_async.bulk.store import Mark, Store  # noqa: PLC0415 - one test's

    await sell(client, european(tmp_path), tmp_path)
    store = Store(tmp_path / "j", make=False)
    cells = json.dumps(["s1", "", "c1", "1,25", "31.01.2024", "sale"])
    store.mark([Mark(2, "parked")])
    store._sql.execute("UPDATE rows SET cells = ? WHERE row = 2", (cells,))
    store.close()
    report = await resolve(client, tmp_path / "j", settle=0.0)
    assert (report.done, report.parked) == (COUNT, 0)
