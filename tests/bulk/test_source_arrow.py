"""Arrow's columns: Parquet and Arrow files, and frames of every make."""

from __future__ import annotations

import datetime as dt
import itertools
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from partnero_async.bulk import ColumnError, SourceError
from tests.bulk.reading import cells, opened, records, written

NOON = dt.datetime(2024, 1, 31, 12, tzinfo=dt.UTC)

TABLE = pa.table(
    {
        "key": pa.array(["s1", "s2"]),
        "large": pa.array(["é", None], pa.large_string()),
        "view": pa.array(["x", None], pa.string_view()),
        "kind": pa.array(["sale", "sale"]).dictionary_encode(),
        "none": pa.array([None, None]),
        "flag": pa.array([True, False]),
        "count": pa.array([7, None], pa.uint64()),
        "amount": pa.array([Decimal("1.50"), Decimal("-2.00")], pa.decimal128(9, 2)),
        "float": pa.array([0.1, float("nan")]),
        "whole": pa.array([1001.0, 1e300]),
        "single": pa.array([0.1, None], pa.float32()),
        "day": pa.array([dt.date(2024, 1, 31), None]),
        "moment": pa.array([NOON, None], pa.timestamp("ns", "Europe/Berlin")),
        "tags": pa.array([["a", "b"], []], pa.list_(pa.string())),
    }
)
CELLS = [
    [
        *("s1", "é", "x", "sale", "", "true", "7", "1.50", "0.1", "1001", "0.1"),
        *("2024-01-31", "2024-01-31T12:00:00+00:00", "a;b"),
    ],
    ["s2", "", "", "sale", "", "false", "", "-2.00", "", "1E+300", "", "", "", ""],
]


def parquet(folder: Path, table: pa.Table) -> Path:
    """Write a Parquet file."""
    pq.write_table(table, folder / "t.parquet", row_group_size=1)
    return folder / "t.parquet"


def ipc_file(folder: Path, table: pa.Table) -> Path:
    """Write an Arrow file."""
    with pa.ipc.new_file(str(folder / "t.arrow"), table.schema) as file:
        file.write_table(table)
    return folder / "t.arrow"


def ipc_stream(folder: Path, table: pa.Table) -> Path:
    """Write a stream of Arrow's to a file."""
    with pa.ipc.new_stream(str(folder / "t.arrows"), table.schema) as file:
        file.write_table(table)
    return folder / "t.arrows"


@pytest.mark.parametrize("write", [parquet, ipc_file, ipc_stream])
def test_files(tmp_path: Path, write: Callable[[Path, pa.Table], Path]) -> None:
    """Values of any type that a cell can hold become the same texts."""
    rows = opened(write(tmp_path, TABLE))
    assert rows.header == tuple(TABLE.column_names)
    assert [record.cells for record in rows.records()] == CELLS
    assert [record.cells for record in rows.records()] == CELLS
    assert rows.about["format"] in ("parquet", "arrow")


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(lambda: TABLE, id="table"),
        pytest.param(TABLE.to_reader, id="reader"),
        pytest.param(lambda: pl.from_arrow(TABLE), id="polars"),
    ],
)
def test_frames(frame: Callable[[], Any]) -> None:
    """Whatever streams Arrow has the same rows."""
    rows = opened(frame())
    assert rows.header == tuple(TABLE.column_names)
    assert [record.cells for record in rows.records()] == CELLS
    assert [record.cells for record in rows.records()] == CELLS


def test_a_frame_of_pandas() -> None:
    """Whole numbers that became floats for want of a value are whole again."""
    frame = pd.DataFrame(
        {
            "key": ["a", "b", "c"],
            "number": [1001, None, 3],
            "kind": pd.Categorical(["x", "y", None]),
            "when": pd.to_datetime(["2024-01-31", "", "2024-02-01"], utc=True),
        }
    ).query("key != 'b'")
    assert opened(frame).header == ("key", "number", "kind", "when")
    assert cells(frame) == [
        ["a", "1001", "x", "2024-01-31T00:00:00+00:00"],
        ["c", "3", "", "2024-02-01T00:00:00+00:00"],
    ]


def test_a_moment_without_a_zone_is_a_problem_of_its_row() -> None:
    """Which moment it was cannot be known; in a column left out it does not matter."""
    naive = pa.table({"key": ["a"], "at": pa.array([dt.datetime(2024, 1, 31)])})  # noqa: DTZ001
    (record,) = records(naive)
    ((position, why),) = record.problems
    assert position == 1
    assert why == "'2024-01-31T00:00:00' has no time zone: it may be any moment"
    (left_out,) = records(naive, ignore=["at"])
    assert (left_out.cells, list(left_out.problems)) == (["a", ""], [])


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        pytest.param(pa.array([b"x"]), "binary", id="bytes"),
        pytest.param(pa.array([{"a": 1}]), "struct", id="struct"),
        pytest.param(pa.array([dt.time(1)]), "time64", id="time"),
        pytest.param(pa.array([dt.timedelta(1)]), "duration", id="duration"),
        pytest.param(pa.array([[1]]), "list", id="numbers in a list"),
        pytest.param(pa.array([1], pa.float16()), "halffloat", id="half"),
        pytest.param(pa.array([b"x"]).dictionary_encode(), "dictionary", id="coded"),
    ],
)
def test_a_column_of_a_type_that_no_cell_can_hold(
    tmp_path: Path, column: Any, kind: str
) -> None:
    """It is named with its type before a row is read, and can be left out."""
    table = pa.table({"key": ["s1"], "odd": column})
    for given in (table, ipc_file(tmp_path, table)):
        with pytest.raises(ColumnError, match=f"'odd' holds {kind}.*--ignore 'odd'"):
            opened(given)
        assert cells(given, ignore=["odd"]) == [["s1", ""]]


PARQUET = b"PAR1" + b"\0" * 30 + b"PAR1"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("t.parquet", b"", "cannot be read"),
        ("t.parquet", b"key\ns1\n", "cannot be read"),
        ("t.parquet", PARQUET, "cannot be read"),
        ("t.arrow", b"ARROW1\0\0", "cannot be read"),
        ("t.arrow", b"key\ns1\n", "cannot be read"),
        ("t.parquet.gz", b"\x1f\x8b", "gzip file is damaged|not read from gzip"),
        ("t.arrow.gz", b"key", "gzip"),
    ],
)
def test_what_is_no_such_file(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    """It is a stop with the file's name."""
    with pytest.raises(SourceError, match=rf"{name}: .*({reason})"):
        opened(written(tmp_path, name, content))


def test_a_truncated_stream(tmp_path: Path) -> None:
    """What ends too early is a stop."""
    file = ipc_stream(tmp_path, TABLE)
    file.write_bytes(file.read_bytes()[:-300])
    with pytest.raises(SourceError, match="cannot be read"):
        records(file)


def test_columns_of_one_name() -> None:
    """Nobody knows which is meant."""
    twice = pa.table([pa.array(["a"]), pa.array(["b"])], names=["key", "key"])
    with pytest.raises(SourceError, match="two columns are called 'key'"):
        opened(twice)


def test_a_date_that_no_calendar_has() -> None:
    """Arrow goes further than the calendar."""
    far = pa.table({"day": pa.array([2**31 - 1], pa.int32()).cast(pa.date32())})
    with pytest.raises(SourceError, match="cannot be read"):
        records(far)


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    """What was looked at and what was read must be the same."""
    file = parquet(tmp_path, TABLE)
    rows = opened(file)
    walk = rows.records()
    assert list(itertools.islice(walk, 1))
    with file.open("ab") as more:
        more.write(b"x")
    with pytest.raises(SourceError, match="changed while it was read"):
        list(walk)


def test_without_pyarrow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is missing is named, and how to install it."""
    file = parquet(tmp_path, TABLE)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for given in (file, pl.DataFrame({"key": ["a"]})):
        with pytest.raises(SourceError, match=r"pip install 'partnero-async\[arrow\]'"):
            opened(given)
