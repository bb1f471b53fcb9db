"""Sources of every kind: the same rows, any bytes, flat memory."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from partnero_async.bulk import Format, ImportStopError, Source
from partnero_async.bulk.rows import open_rows
from tests.bulk.reading import opened, written

HEADER = ("key", "customer.key", "name")
TEXT = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20
)
TABLES = st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=8)

# The folder is that of all examples: each writes its files anew.
one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def as_csv(table: list[tuple[str, ...]], *, delimiter: str = ",") -> bytes:
    """Write what the csv module makes of a table."""
    out = io.StringIO(newline="")
    rows = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    rows.writerows([HEADER, *table])
    return out.getvalue().encode()


def as_mappings(table: list[tuple[str, ...]]) -> list[dict[str, Any]]:
    """Return a table as nested mappings."""
    return [
        {"key": key, "customer": {"key": customer}, "name": name}
        for key, customer, name in table
    ]


@one_folder
@given(table=TABLES)
def test_the_same_rows_from_every_source(
    tmp_path: Path, table: list[tuple[str, ...]]
) -> None:
    """Whatever the texts are, all sources come down to the same records."""
    mappings = as_mappings(table)
    columns = dict(zip(HEADER, map(list, zip(*table, strict=True)), strict=True))
    arrow = pa.table({name: pa.array(cells) for name, cells in columns.items()})
    pq.write_table(arrow, tmp_path / "t.parquet")
    lines = "".join(json.dumps(row) + "\n" for row in mappings).encode()
    sources = [
        written(tmp_path, "t.csv", as_csv(table)),
        written(tmp_path, "u.csv.gz", gzip.compress(as_csv(table, delimiter=";"))),
        written(tmp_path, "t.jsonl", lines),
        tmp_path / "t.parquet",
        mappings,
        arrow,
        pd.DataFrame(columns),
        pl.DataFrame(columns),
    ]
    digests = {_digests(opened(source, **_options(source))) for source in sources}
    assert digests == {(HEADER, tuple(_digest(row) for row in table))}


def _options(source: Any) -> Mapping[str, str]:
    # A text in quotes may begin like a column: only the user knows then.
    return {"delimiter": ";"} if str(source).endswith(".gz") else {}


def _digests(rows: Any) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    found = [(record.row, record.cells) for record in rows.records()]
    assert [row for row, _ in found] == list(range(1, len(found) + 1))
    return rows.header, tuple(_digest(cells) for _, cells in found)


def _digest(cells: Any) -> tuple[str, ...]:
    return tuple(cells)


PIECES = st.lists(
    st.one_of(
        st.binary(max_size=12),
        st.sampled_from(
            [
                *(
                    b"key,amount\n",
                    b"a;b\n",
                    b'"',
                    b"\r\n",
                    b"\xef\xbb\xbf",
                    b"\x1f\x8b",
                ),
                *(b'{"a": 1}\n', b'{"a": {"b": [1e9]}}\n', b"PAR1", b"ARROW1\0\0"),
                b"\xff",
            ]
        ),
    ),
    max_size=6,
).map(b"".join)


@one_folder
@given(content=PIECES, form=st.sampled_from(get_args(Format)), packed=st.booleans())
@example(content=b"", form="parquet", packed=False)
@example(content=b"\xff\xff\xff\xff\x00\x00\x00\x00", form="arrow", packed=False)
def test_any_bytes_are_records_or_a_stop(
    tmp_path: Path, content: bytes, form: Format, *, packed: bool
) -> None:
    """Nothing but a typed error is raised, whatever a file holds."""
    whole = gzip.compress(content) if packed else content
    file = written(tmp_path, "any", whole)
    why = ""
    try:
        rows = open_rows(Source(path=file, format=form))
        for record in rows.records():
            assert record.digest()
            assert all(isinstance(cell, str) for cell in record.cells)
    except ImportStopError as error:
        why = str(error)
    assert "\n" not in why


@one_folder
@given(cut=st.integers(0, 900), junk=st.binary(max_size=8))
def test_a_damaged_table_is_records_or_a_stop(
    tmp_path: Path, cut: int, junk: bytes
) -> None:
    """Parquet and Arrow that end too early, or go on otherwise, are stops too."""
    table = pa.table({"key": ["s1", "s2"], "amount": [1, 2]})
    pq.write_table(table, tmp_path / "t.parquet")
    with pa.ipc.new_stream(str(tmp_path / "t.arrows"), table.schema) as stream:
        stream.write_table(table)
    for name in ("t.parquet", "t.arrows"):
        file = written(tmp_path, name, (tmp_path / name).read_bytes()[:cut] + junk)
        with suppress(ImportStopError):
            list(opened(file).records())


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(rows=st.lists(st.dictionaries(st.text(), JSON_VALUES), max_size=4))
def test_any_mappings_are_records(rows: list[dict[str, Any]]) -> None:
    """What is no cell is a problem of its row, and its text can be kept."""
    found = list(opened([{"key": "s1"}, *rows]).records())
    assert len(found) == len(rows) + 1
    for record in found:
        assert record.digest()


def _rows(count: int) -> Iterator[Mapping[str, Any]]:
    for number in range(count):
        yield {"key": f"s{number}", "customer": {"key": "c1"}, "amount": number / 4}


def _csv(folder: Path, count: int) -> Any:
    with (folder / "t.csv").open("w", encoding="utf-8") as file:
        file.write("key,customer.key,amount\n")
        file.writelines(f"s{number},c1,{number / 4}\n" for number in range(count))
    return folder / "t.csv"


def _packed(folder: Path, count: int) -> Any:
    content = _csv(folder, count).read_bytes()
    return written(folder, "t.csv.gz", gzip.compress(content, 1))


def _jsonl(folder: Path, count: int) -> Any:
    with (folder / "t.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in _rows(count))
    return folder / "t.jsonl"


def _table(_: Path, count: int) -> pa.Table:
    keys = [f"s{number}" for number in range(count)]
    return pa.table({"key": keys, "amount": [number / 4 for number in range(count)]})


def _parquet(folder: Path, count: int) -> Any:
    pq.write_table(_table(folder, count), folder / "t.parquet")
    return folder / "t.parquet"


@pytest.mark.parametrize(
    ("source", "count"),
    [
        pytest.param(_csv, 200_000, id="csv"),
        pytest.param(_packed, 200_000, id="gzip"),
        pytest.param(_parquet, 200_000, id="parquet"),
        pytest.param(_table, 200_000, id="frame"),
        # Tracing makes these slow: as much text as the others, in fewer rows.
        pytest.param(_jsonl, 50_000, id="jsonl"),
        pytest.param(lambda _, count: _rows(count), 50_000, id="iterable"),
    ],
)
def test_memory_does_not_grow_with_the_rows(
    tmp_path: Path, source: Callable[[Path, int], Any], count: int
) -> None:
    """What is there at once is less than half of the text, however many rows it has."""
    given_rows = source(tmp_path, count)
    tracemalloc.start()
    try:
        read = sum(1 for _ in opened(given_rows).records())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert read == count
    assert peak < 1_500_000
