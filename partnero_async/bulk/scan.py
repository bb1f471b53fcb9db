"""The first pass: every row of the file into the journal, before any is sent."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from io import BufferedReader
from itertools import islice, zip_longest
from typing import BinaryIO

from ..errors import one_line
from .fields import ResourceName
from .kinds import kind_of
from .plan import Plan, RowError, plan_of
from .source import CsvReader, Record, Source
from .stops import JournalError, SourceError
from .store import Row, Store

__all__ = ["judged", "open_plan", "scan", "second_of"]

TOGETHER = 2000
"""Rows a commit."""

Watch = Callable[[int], None]
"""Told how many rows were read; may raise to end the scan."""


def opened(source: Source) -> BufferedReader:
    """Open the file, or raise `SourceError` that says why not."""
    try:
        return source.path.open("rb")
    except OSError as error:
        raise SourceError(f"{source.path}: {error.strerror}") from None


def open_plan(resource: ResourceName, source: Source) -> tuple[Plan, tuple[str, ...]]:
    """Read the header: how its columns become fields, and the header itself.

    Raises `SourceError` and `ColumnError`.
    """
    with opened(source) as file:
        header = _reader(file, source).header
    return plan_of(resource, source, header), header


def scan(store: Store, source: Source, plan: Plan, *, watch: Watch) -> None:
    """Read the whole file into the journal, or see that it is the one that was read.

    Raises `SourceError` for a file that cannot be read to its end, and `JournalError`
    for another file than the journal's.
    """
    seen = store.meta("sha256")
    with opened(source) as file:
        if seen is None:
            _read_in(store, _reader(file, source), plan, watch=watch)
        elif hashlib.file_digest(file, "sha256").hexdigest() != seen:
            file.seek(0)
            _refuse_changed(store, _reader(file, source))


def _reader(file: BinaryIO, source: Source) -> CsvReader:
    try:
        return CsvReader(file)
    except SourceError as error:
        raise SourceError(f"{source.path}: {error.message}") from None


def _read_in(store: Store, reader: CsvReader, plan: Plan, *, watch: Watch) -> None:
    store.clear()
    rows = iter(reader)
    while batch := list(islice(rows, TOGETHER)):
        with store.transaction():
            for record in batch:
                _add(store, record, plan)
        watch(batch[-1].row)
    with store.transaction():
        store.keep(sha256=reader.sha256, header=json.dumps(reader.header))


def _add(store: Store, record: Record, plan: Plan) -> None:
    blank = Row(record.row, record.line, "pending", None, None, record.cells)
    row, claim = judged(blank, plan)
    try:
        store.add(row, digest=record.digest(), claim=claim)
    except sqlite3.IntegrityError:
        twice = second_of(row, plan, first=store.claimed_by(claim or ""))
        store.add(twice, digest=record.digest(), claim=None)


def judged(row: Row, plan: Plan) -> tuple[Row, str | None]:
    """Say what the cells of *row* make of it, and the key that it takes for itself."""
    try:
        entry = plan.read(row.cells)
    except RowError as error:
        amount, units = plan.money(row.cells)
        return _rejected(row, error)._replace(amount=amount, units=units), None
    amount, units = entry.money()
    read = row._replace(
        state="pending",
        key=entry.key,
        customer=entry.customer,
        code=None,
        reason=None,
        field=None,
        amount=amount,
        units=units,
    )
    return read, entry.claim


def second_of(row: Row, plan: Plan, *, first: int) -> Row:
    """Reject a row whose key another row has taken."""
    why = f"{row.key} is the key of row {first} too"
    return _rejected(
        row, RowError("duplicate", why, field=kind_of(plan.resource).keys[0])
    )._replace(key=row.key)


def _rejected(row: Row, error: RowError) -> Row:
    return row._replace(
        state="rejected",
        key=None,
        customer=None,
        code=error.code,
        reason=one_line(error.reason),
        field=error.field,
    )


def _refuse_changed(store: Store, reader: CsvReader) -> None:
    was = json.loads(store.meta("header") or "[]")
    if list(reader.header) != was:
        raise JournalError(_changed(store, "its header differs"))
    for known, record in zip_longest(store.digests(), _numbered(reader)):
        if known != record:
            row = (record or known)[0]
            raise JournalError(_changed(store, f"row {row} is the first that differs"))
    raise JournalError(_changed(store, "its rows are the same, its bytes are not"))


def _numbered(records: Iterable[Record]) -> Iterator[tuple[int, int]]:
    return ((record.row, record.digest()) for record in records)


def _changed(store: Store, how: str) -> str:
    return (
        f"the file is not the one that {store.path} was started with: {how};"
        " bring that file back, or give a new journal for this one"
    )
