"""Rows that a program gives, and what comes through a pipe."""

from __future__ import annotations

import asyncio
import datetime as dt
import enum
import io
import os
import threading
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from partnero_async.bulk import ColumnError, Source, SourceError
from partnero_async.bulk.given import gather, gathered
from partnero_async.bulk.rows import open_rows
from partnero_async.bulk.table import WHOLE
from tests.bulk.reading import cells, opened, records


def test_nested_mappings_and_columns_that_come_up_later() -> None:
    """Members get dotted names; what a row does not have is empty in it."""
    rows = opened(
        [
            {"key": "s1", "customer": {"key": "c1"}},
            {"amount": Decimal("1.50"), "key": "s2", "customer": {}},
        ]
    )
    assert rows.header == ("key", "customer.key", "amount")
    assert rows.about == {"format": "rows"}
    for _ in range(2):
        assert [(r.row, r.line, r.cells) for r in rows.records()] == [
            (1, 0, ["s1", "c1", ""]),
            (2, 0, ["s2", "", "1.50"]),
        ]


class Plan(enum.StrEnum):
    """A text with a name."""

    PRO = "pro"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (Decimal("1.50"), "1.50"),
        (Decimal("1E+3"), "1000"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (1001.0, "1001"),
        (float("nan"), ""),
        (float("inf"), "Infinity"),
        (Plan.PRO, "pro"),
        (dt.date(2024, 1, 31), "2024-01-31"),
        (dt.datetime(2024, 1, 31, 12, tzinfo=dt.UTC), "2024-01-31T12:00:00+00:00"),
        (
            dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))),
            "2024-01-01T00:00:00+02:00",
        ),
        (
            pd.Timestamp("2024-01-31 12:00:00.000000001", tz="UTC"),
            "2024-01-31T12:00:00+00:00",
        ),
        (pd.NaT, ""),
        (pd.NA, ""),
        (np.int64(7), "7"),
        (np.float32(0.1), "0.1"),
        (np.float64(0.5), "0.5"),
        (np.bool_(True), "true"),
        (np.bool_(False), "false"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (["a", "b"], "a;b"),
        ((), ""),
    ],
    ids=repr,
)
def test_values_become_texts(value: Any, cell: str) -> None:
    """Each exactly, in the spelling that cells are read in."""
    assert cells([{"key": "a", "value": value}]) == [["a", cell]]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"x", "a value of type bytes is no cell"),
        ({1}, "a value of type set is no cell"),
        (dt.datetime(2024, 1, 1), "has no time zone"),  # noqa: DTZ001
        (["a;b"], "cannot be one of several tags"),
        ("a\0b", "NUL"),
        ("\ud800", "surrogate"),
    ],
    ids=repr,
)
def test_values_that_are_no_cell(value: Any, why: str) -> None:
    """They are a problem of their row and column."""
    (record,) = records([{"key": "a", "value": value}])
    ((position, reason),) = record.problems
    assert position == 1
    assert why in reason


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({1: "a"}, "a member is called '1'"),
        ({"a": {"b": 1}, "a.b": 2}, "two members are called 'a.b'"),
        ({"a": "x" * (1 << 20)}, "longer than 1 MiB"),
    ],
    ids=["no text", "twice", "long"],
)
def test_a_mapping_that_is_no_row(row: Mapping[Any, Any], why: str) -> None:
    """It is a problem of the row as a whole, and the others go on."""
    good, bad, other = records([{"a": "1"}, row, {"a": "2"}])
    assert (good.cells, other.cells) == (["1"], ["2"])
    ((position, reason),) = bad.problems
    assert position == WHOLE
    assert why in reason


@pytest.mark.parametrize(
    ("given", "error", "why"),
    [
        ([{"a": 1}, ["a"]], SourceError, "row 2: list is no mapping"),
        ({"a": 1}, SourceError, "row 1: str is no mapping"),
        ([], SourceError, "no rows were given"),
        ([{}], SourceError, "none that has a member"),
        (7, SourceError, "an iterable of mappings, and not int"),
        (
            ({f"m{number}": 1} for number in range(2001)),
            ColumnError,
            "more than 2000 columns",
        ),
    ],
    ids=["list", "a mapping", "none", "no members", "a number", "columns without end"],
)
async def test_what_are_no_rows(given: Any, error: type[Exception], why: str) -> None:
    """A mistake of the program is a stop, on both ways."""
    with pytest.raises(error, match=why):
        await gathered(Source(rows=given))


def generated() -> Iterator[Mapping[str, Any]]:
    """Give rows that can be walked only once."""
    yield from ({"key": f"s{number}"} for number in range(500))


async def awaited() -> AsyncIterator[Mapping[str, Any]]:
    """Give the same, each after a moment."""
    for row in generated():
        await asyncio.sleep(0)
        yield row


async def test_the_same_rows_in_any_way() -> None:
    """A list, a generator and an asynchronous one have one fingerprint."""
    prints = {
        open_rows(await gathered(Source(rows=rows))).fingerprint
        for rows in (list(generated()), generated(), awaited())
    }
    prints |= {opened(generated()).fingerprint}
    assert len(prints) == 1
    assert opened([{"other": "s1"}]).fingerprint not in prints
    once = await gathered(Source(rows=generated()))
    assert await gathered(once) is once
    assert gather(once) is once


async def test_the_loop_goes_on_meanwhile() -> None:
    """A long iterable does not keep others waiting for its end."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await gathered(Source(rows=({"key": str(n)} for n in range(2000))))
    task.cancel()
    assert turns >= 9


def test_asynchronous_rows_need_a_loop() -> None:
    """Without one they are refused, and not left hanging."""
    with pytest.raises(SourceError, match="come asynchronously"):
        opened(awaited())


def test_what_goes_wrong_in_an_iterable_is_raised_as_it_is() -> None:
    """It is the program's own."""

    def broken() -> Iterator[Mapping[str, Any]]:
        yield {"key": "a"}
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        opened(broken())


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that cannot be kept are a stop."""

    class Full(io.BytesIO):
        def write(self, _: Any, /) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", Full)
    with pytest.raises(SourceError, match="cannot be kept: No space left"):
        opened([{"key": "a"}])
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"key\na\n")))
    with pytest.raises(SourceError, match="standard input: No space left"):
        opened("-")


async def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read once, and walked as often as it takes."""
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"a;b\n1;2\n")))
    rows = open_rows(await gathered(Source(path="-")))
    assert rows.header == ("a", "b")
    assert [record.cells for record in rows.records()] == [["1", "2"]]
    assert [record.cells for record in rows.records()] == [["1", "2"]]


def test_a_pipe(tmp_path: Path) -> None:
    """What a shell makes of ``<(command)`` is read as standard input is."""
    os.mkfifo(pipe := tmp_path / "pipe.jsonl")
    writer = threading.Thread(target=pipe.write_text, args=('{"a": 1}\n',))
    writer.start()
    assert cells(pipe) == [["1"]]
    writer.join()
