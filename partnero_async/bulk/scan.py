"""The first pass: every row of the source into the journal, before any is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, zip_longest

from ..errors import one_line
from .fields import ResourceName
from .kinds import kind_of
from .plan import Entry, Plan, RowError, plan_of
from .rows import open_rows
from .source import Source
from .stops import JournalError
from .store import Row, Store
from .table import OF_ROWS, WHOLE, Record, Rows

__all__ = ["UNREADABLE", "entry_of", "judged", "open_plan", "scan", "second_of"]

UNREADABLE = "unreadable"
"""The code of rows with cells that no text is made of."""

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
    other rows than the journal's, once one of those took effect.
    """
    seen = store.meta("sha256")
    if rows.fingerprint == seen:
        return
    if seen is not None and store.took_effect():
        _refuse_changed(store, rows, seen)
    else:
        _read_in(store, rows, plan, watch=watch)


def _read_in(store: Store, rows: Rows, plan: Plan, *, watch: Watch) -> None:
    store.clear()
    records = rows.records()
    while batch := list(islice(records, TOGETHER)):
        with store.transaction():
            _add(store, batch, plan)
        watch(batch[-1].row)
    with store.transaction():
        store.keep(sha256=rows.fingerprint, header=json.dumps(rows.header))


def _add(store: Store, batch: Sequence[Record], plan: Plan) -> None:
    if store.add(_read(record, plan) for record in batch) == len(batch):
        return
    there = store.between(batch[0].row, batch[-1].row)
    for record in batch:
        if record.row not in there:
            row, digest, claim = _read(record, plan)
            twice = second_of(row, plan, first=store.claimed_by(claim or ""))
            store.add([(twice, digest, None)])


def _read(record: Record, plan: Plan) -> tuple[Row, int, str | None]:
    row, claim = judged(record, plan, problem=_problem_of(record, plan))
    return row, record.digest(), claim


def _problem_of(record: Record, plan: Plan) -> RowError | None:
    """Return what kept a cell from being read; one that is left out does no harm."""
    for position, reason in record.problems:
        if position == WHOLE:
            return RowError(UNREADABLE, reason)
        for taken, field in plan.takes:
            if position == taken:
                why = f"{field.name}: {reason}"
                return RowError(UNREADABLE, why, field=field.name)
    return None


def entry_of(record: Record, plan: Plan) -> Entry:
    """Turn a record into a call; raise `RowError` for one that cannot be sent."""
    if problem := _problem_of(record, plan):
        raise problem
    return plan.read(record.cells)


def judged(
    record: Record | Row, plan: Plan, *, problem: RowError | None = None
) -> tuple[Row, str | None]:
    """Say what the cells of a row make of it, and the key that it takes for itself."""
    number, line, cells = record.row, record.line, record.cells
    try:
        if problem:
            raise problem
        entry = plan.read(cells)
    except RowError as error:
        amount, units = plan.money(cells)
        row = Row(
            number,
            line,
            "rejected",
            None,
            None,
            None,
            cells,
            code=error.code,
            reason=one_line(error.reason),
            field=error.field,
            amount=amount,
            units=units,
        )
        return row, None
    amount, units = entry.money()
    buyer = entry.buyer
    row = Row(
        number,
        line,
        "pending",
        entry.key,
        None if entry.creates_buyer else buyer,
        buyer,
        cells,
        amount=amount,
        units=units,
    )
    return row, entry.claim


def second_of(row: Row, plan: Plan, *, first: int) -> Row:
    """Reject a row whose key another row has taken."""
    return row._replace(
        state="rejected",
        customer=None,
        buyer=None,
        code="duplicate",
        reason=one_line(f"{row.key} is the key of row {first} too"),
        field=kind_of(plan.resource).keys[0],
    )


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
