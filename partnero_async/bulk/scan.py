"""The first pass: every row of the source into the journal, before any is sent."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, zip_longest

from ..errors import one_line
from .fields import ResourceName
from .plan import Entry, Plan, RowError, plan_of
from .rows import open_rows
from .source import Source
from .stops import JournalError
from .store import Row, Store
from .table import OF_ROWS, WHOLE, Record, Rows

__all__ = ["entry_of", "open_plan", "scan"]

TOGETHER = 2000
"""Rows a commit."""

Watch = Callable[[int], None]
"""Told how many rows were read; may raise to end the scan."""


def open_plan(resource: ResourceName, source: Source) -> tuple[Plan, Rows]:
    """Open a source, and bring its columns and the fields of *resource* together.

    Raises `SourceError` and `ColumnError`.
    """
    rows = open_rows(source)
    return plan_of(resource, source, rows.header), rows


def scan(store: Store, rows: Rows, plan: Plan, *, watch: Watch) -> None:
    """Read all rows into the journal, or see that they are those that were read.

    Raises `SourceError` for what cannot be read to its end, and `JournalError` for
    other rows than the journal's.
    """
    seen = store.meta("sha256")
    if seen is None:
        _read_in(store, rows, plan, watch=watch)
    elif rows.fingerprint != seen:
        _refuse_changed(store, rows, seen)


def _read_in(store: Store, rows: Rows, plan: Plan, *, watch: Watch) -> None:
    store.clear()
    records = rows.records()
    while batch := list(islice(records, TOGETHER)):
        with store.transaction():
            for record in batch:
                _add(store, record, plan)
        watch(batch[-1].row)
    with store.transaction():
        store.keep(sha256=rows.fingerprint, header=json.dumps(rows.header))


def _add(store: Store, record: Record, plan: Plan) -> None:
    try:
        entry = entry_of(record, plan)
    except RowError as error:
        _add_rejected(store, record, error, key=None)
        return
    try:
        store.add(_pending(record, entry), digest=record.digest(), claim=entry.claim)
    except sqlite3.IntegrityError:
        first = store.claimed_by(entry.claim)
        why = f"{entry.key} is the key of row {first} too"
        _add_rejected(store, record, RowError("duplicate", why), key=entry.key)


def entry_of(record: Record, plan: Plan) -> Entry:
    """Turn a record into a call; raise `RowError` for one that cannot be sent."""
    for position, reason in record.problems:
        if position == WHOLE:
            raise RowError("unreadable", reason)
        # What is in a column that is left out does no harm.
        for taken, field in plan.takes:
            if position == taken:
                raise RowError("unreadable", f"{field.name}: {reason}")
    return plan.read(record.cells)


def _pending(record: Record, entry: Entry) -> Row:
    return Row(
        row=record.row,
        line=record.line,
        state="pending",
        key=entry.key,
        customer=entry.customer,
        buyer=entry.buyer,
        cells=record.cells,
        code=None,
        reason=None,
        sent_at=None,
    )


def _add_rejected(
    store: Store, record: Record, error: RowError, *, key: str | None
) -> None:
    row = Row(
        row=record.row,
        line=record.line,
        state="rejected",
        key=key,
        customer=None,
        buyer=None,
        cells=record.cells,
        code=error.code,
        reason=one_line(error.reason),
        sent_at=None,
    )
    store.add(row, digest=record.digest(), claim=None)


def _refuse_changed(store: Store, rows: Rows, seen: str) -> None:
    was = json.loads(store.meta("header") or "[]")
    if list(rows.header) != was:
        raise JournalError(_changed(store, "its header differs"))
    for known, record in zip_longest(store.digests(), _numbered(rows.records())):
        if known != record:
            row = (record or known)[0]
            raise JournalError(_changed(store, f"row {row} is the first that differs"))
    # Rows that a program gives have no bytes: the same rows are the same content.
    if not any(print_.startswith(OF_ROWS) for print_ in (seen, rows.fingerprint)):
        raise JournalError(_changed(store, "its rows are the same, its bytes are not"))


def _numbered(records: Iterable[Record]) -> Iterator[tuple[int, int]]:
    return ((record.row, record.digest()) for record in records)


def _changed(store: Store, how: str) -> str:
    return (
        f"the file is not the one that {store.path} was started with: {how};"
        " bring that file back, or give a new journal for this one"
    )
