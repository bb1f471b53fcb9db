"""What the journal's file keeps.

A row is in exactly one state. What is final and done drops its cells, so that personal
data does not stay longer than it is needed; the others keep them, so that a row in
doubt can be looked up, listed and sent again from the journal alone.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec

from .._json import encode
from .database import Database

__all__ = ["Mark", "Row", "Sale", "State", "Store"]

State = Literal["pending", "sent", "done", "rejected", "parked"]

# All marks of a commit in one statement: it is one transaction with one sync, and one
# hand-over of the interpreter's lock, which a busy event loop gives back late. Most are
# alike, so each change comes once, with the rows that it is for.
MARK: Final = """
WITH change AS MATERIALIZED (
    SELECT
        json_extract(value, '$[0]') AS state,
        json_extract(value, '$[1]') AS code,
        json_extract(value, '$[2]') AS reason,
        json_extract(value, '$[3]') AS field,
        json_extract(value, '$[4]') AS sent_at,
        json_extract(value, '$[5]') AS rows
    FROM json_each(?)
)
UPDATE rows SET
    state = mark.state,
    code = mark.code,
    reason = mark.reason,
    field = mark.field,
    sent_at = coalesce(mark.sent_at, rows.sent_at),
    cells = CASE mark.state WHEN 'done' THEN NULL ELSE rows.cells END
FROM (
    SELECT change.*, each.value AS row FROM change, json_each(change.rows) AS each
) AS mark
WHERE rows.row = mark.row
"""


class Mark(NamedTuple):
    """A new state of a row."""

    row: int
    state: State
    code: str | None = None
    reason: str | None = None
    sent_at: float | None = None
    """Unix seconds, where it is about to be sent."""
    field: str | None = None
    """The field that is to blame, where it is one."""


class Row(NamedTuple):
    """A row of the file, as the journal keeps it."""

    row: int
    line: int
    state: State
    key: str | None
    customer: str | None
    """The buyer of a sale, if the program has to have it before."""
    buyer: str | None
    """The buyer of a sale, however it is named."""
    cells: list[str]
    """Empty for rows that are done."""
    code: str | None = None
    reason: str | None = None
    sent_at: float | None = None
    field: str | None = None
    """The field that is to blame, where it is one."""
    amount: str | None = None
    """In major units; kept for the sums, also of rows that are done."""
    units: str | None = None


class Sale(NamedTuple):
    """A sale that the program has, as far as it is compared."""

    claim: str
    """Its key."""
    amount: str | None
    units: str | None
    reward: str | None
    """The sum of its rewards."""
    customer: str | None
    """Who bought, as the sale names them: ``key:c1``, or ``id:u1``."""
    action: str | None


COLUMNS: Final = ", ".join(Row._fields)
CELLS: Final = Row._fields.index("cells")
CELLS_OF: Final = msgspec.json.Decoder(list[str]).decode
# Python takes long to give SQLite a None: it looks for an adapter of it first.
ADD: Final = """
INSERT INTO rows (
    row, line, state, cells, digest,
    claim, key, customer, buyer, code, reason, field, amount, units
) VALUES (
    ?, ?, ?, ?, ?,
    nullif(?, ''), nullif(?, ''), nullif(?, ''), nullif(?, ''), nullif(?, ''),
    nullif(?, ''), nullif(?, ''), nullif(?, ''), nullif(?, '')
) ON CONFLICT (claim) DO NOTHING
"""
SALE_COLUMNS: Final = ", ".join(f"s.{name}" for name in Sale._fields)


class Store(Database):
    """The rows of an import, and what is known of what the program has."""

    # --- rows --------------------------------------------------------------------

    def clear(self) -> None:
        """Forget all rows, for a scan that begins anew."""
        with self.transaction():
            self._sql.execute("DELETE FROM rows")
            self.drop("sha256")

    def took_effect(self) -> bool:
        """Say whether a row may have changed what the program has."""
        found = self._sql.execute(
            "SELECT 1 FROM rows WHERE state IN ('sent', 'done', 'parked') LIMIT 1"
        )
        return found.fetchone() is not None

    def add(self, rows: Iterable[tuple[Row, int, str | None]]) -> int:
        """Write down rows for the first time, each with its digest and its claim.

        One whose claim another row has is left out. Returns how many were not.
        """
        return self._sql.executemany(ADD, map(_added, rows)).rowcount

    def between(self, first: int, last: int) -> set[int]:
        """Return which rows are there, from *first* to *last*."""
        found = self._sql.execute(
            "SELECT row FROM rows WHERE row BETWEEN ? AND ?", (first, last)
        )
        return {row for (row,) in found.fetchall()}

    def change(self, row: Row, *, claim: str | None) -> None:
        """Write down anew what was made of a row; another row may have its *claim*.

        Raises `sqlite3.IntegrityError` then: `claimed_by` says which.
        """
        self._sql.execute(
            "UPDATE rows SET state = ?, key = ?, customer = ?, buyer = ?, code = ?,"
            " reason = ?, field = ?, amount = ?, units = ?, claim = ? WHERE row = ?",
            (
                *(row.state, row.key, row.customer, row.buyer, row.code, row.reason),
                *(row.field, row.amount, row.units, claim, row.row),
            ),
        )

    def claimed_by(self, claim: str) -> int:
        """Return the row that has this claim."""
        found = self._sql.execute("SELECT row FROM rows WHERE claim = ?", (claim,))
        return int(found.fetchone()[0])

    def digests(self) -> Iterator[tuple[int, int]]:
        """Walk the rows in order: number and digest."""
        yield from self._sql.execute("SELECT row, digest FROM rows ORDER BY row")

    def mark(self, marks: Iterable[Mark]) -> None:
        """Change states, in one transaction that is on the disk when this returns."""
        latest = {mark.row: mark for mark in marks}
        # None of them is sent before all of them are written down.
        now = max((mark.sent_at or 0.0 for mark in latest.values()), default=0.0)
        changes: dict[tuple[Any, ...], list[int]] = {}
        for row, state, code, reason, sent_at, field in latest.values():
            change = state, code, reason, field, now if sent_at else None
            changes.setdefault(change, []).append(row)
        text = encode([(*change, rows) for change, rows in changes.items()]).decode()
        with self.explained():
            self._sql.execute(MARK, (text,))

    def fetch(self, states: Sequence[State], *, after: int, limit: int) -> list[Row]:
        """Read up to *limit* rows in these states that come after the row *after*."""
        wanted = ", ".join("?" * len(states))
        found = self._sql.execute(
            f"SELECT {COLUMNS} FROM rows WHERE state IN ({wanted}) AND row > ?"  # noqa: S608 - placeholders
            " ORDER BY row LIMIT ?",
            (*states, after, limit),
        )
        return [_row(values) for values in found.fetchall()]

    def select(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Read with a statement of SQL; the rows come as they are asked for."""
        return self._sql.execute(statement, values)

    def walk(self, *states: State) -> Iterator[Row]:
        """Walk the rows in these states, a few in memory at a time."""
        after = 0
        while found := self.fetch(states, after=after, limit=500):
            yield from found
            after = found[-1].row

    def named(self, name: str) -> list[Row]:
        """Return the pending rows whose claim is *name* and more, on a further line."""
        found = self._sql.execute(
            f"SELECT {COLUMNS} FROM rows WHERE state = 'pending'"  # noqa: S608 - names of ours
            " AND claim > ? AND claim < ? ORDER BY row",
            (f"{name}\n", f"{name}\v"),
        )
        return [_row(values) for values in found.fetchall()]

    def claimed(self, names: Iterable[str]) -> list[tuple[str, Row]]:
        """Return the pending rows that claim one of *names*, each with its claim."""
        found = self._sql.execute(
            f"SELECT claim, {COLUMNS} FROM rows WHERE state = 'pending'"  # noqa: S608 - names of ours
            " AND claim IN (SELECT value FROM json_each(?)) ORDER BY row",
            (json.dumps(list(names)),),
        )
        return [(claim, _row(values)) for claim, *values in found.fetchall()]

    def counts(self) -> list[tuple[State, str | None, int]]:
        """Count the rows by state and code."""
        return self._sql.execute(
            "SELECT state, code, count(*) FROM rows GROUP BY state, code"
        ).fetchall()

    # --- what the program already has ----------------------------------------------

    def know_customers(self, names: Iterable[str]) -> None:
        """Write down customers that the program has."""
        with self.transaction():
            self._sql.executemany(
                "INSERT OR IGNORE INTO customers VALUES (?)",
                ((name,) for name in names),
            )

    def unknown_customers(self, *, after: str, limit: int) -> list[str]:
        """Return buyers of pending rows who are not written down as known, sorted.

        Those who come with their sale need not be known.
        """
        found = self._sql.execute(
            "SELECT DISTINCT customer FROM rows WHERE state = 'pending'"
            " AND customer > ? AND customer NOT IN (SELECT name FROM customers)"
            " AND customer NOT IN"
            " (SELECT name FROM newcomers WHERE problem IS NULL)"
            " ORDER BY customer LIMIT ?",
            (after, limit),
        )
        return [name for (name,) in found.fetchall()]

    def has_buyers_by_id(self) -> bool:
        """Say whether pending rows name somebody by id who has to be there."""
        found = self._sql.execute(
            "SELECT 1 FROM rows WHERE state = 'pending' AND customer LIKE 'id:%'"
            " LIMIT 1"
        )
        return found.fetchone() is not None

    def trust_ids(self) -> None:
        """Take who is named by id as known: some programs show no ids to compare."""
        with self.transaction():
            self._sql.execute(
                "INSERT OR IGNORE INTO customers SELECT customer FROM rows"
                " WHERE state = 'pending' AND customer LIKE 'id:%'"
            )

    def forget_program(self) -> None:
        """Forget what was written down of the program."""
        with self.transaction():
            for table in ("sales", "customers"):
                self._sql.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours

    # --- one buyer after another -------------------------------------------------

    def by_buyer(self) -> None:
        """Have the rows of a buyer found at once."""
        with self.transaction():
            self._sql.execute("CREATE INDEX IF NOT EXISTS row_buyer ON rows (buyer)")

    def pending_buyers(self, *, after: str, limit: int) -> list[str]:
        """Return who bought what is pending, sorted."""
        found = self._sql.execute(
            "SELECT DISTINCT buyer FROM rows WHERE state = 'pending' AND buyer > ?"
            " ORDER BY buyer LIMIT ?",
            (after, limit),
        )
        return [name for (name,) in found.fetchall()]

    def pending_of(self, buyer: str, *, after: int, limit: int) -> list[Row]:
        """Return what is pending of one buyer, in the order of the file."""
        found = self._sql.execute(
            f"SELECT {COLUMNS} FROM rows WHERE state = 'pending' AND buyer = ?"  # noqa: S608 - names of ours
            " AND row > ? ORDER BY row LIMIT ?",
            (buyer, after, limit),
        )
        return [_row(values) for values in found.fetchall()]

    def forget_newcomers(self) -> None:
        """Forget who is to be created, for a file that is read anew."""
        self._sql.execute("DELETE FROM newcomers")

    def add_newcomer(
        self,
        names: Sequence[str],
        *,
        row: int,
        arguments: str | None,
        problem: str | None,
    ) -> None:
        """Write down who can be created with a sale, or why it cannot be."""
        found = self._sql.execute(
            "SELECT DISTINCT row FROM newcomers"
            " WHERE name IN (SELECT value FROM json_each(?)) ORDER BY row",
            (json.dumps(names),),
        )
        # Of rows that share a name nobody knows which one counts, so none does.
        if others := [other for (other,) in found.fetchall()]:
            rows = f"{', '.join(map(str, others))} and {row}"
            problem, arguments = f"rows {rows} of its file name it", None
            self._sql.execute(
                "UPDATE newcomers SET problem = ?, arguments = NULL"
                " WHERE row IN (SELECT value FROM json_each(?))",
                (problem, json.dumps(others)),
            )
        self._sql.executemany(
            "INSERT OR IGNORE INTO newcomers VALUES (?, ?, ?, ?)",
            ((name, row, arguments, problem) for name in names),
        )

    def has_newcomers(self) -> bool:
        """Say whether customers are to be created with their sales."""
        found = self._sql.execute("SELECT 1 FROM newcomers LIMIT 1")
        return found.fetchone() is not None

    def newcomer(self, name: str) -> str | None:
        """Return how to create a customer whom the program does not have."""
        found = self._sql.execute(
            "SELECT arguments FROM newcomers WHERE name = ?"
            " AND name NOT IN (SELECT name FROM customers)",
            (name,),
        ).fetchone()
        return found[0] if found else None

    def count_pending(self) -> int:
        """Count the rows that are still to be sent."""
        found = self._sql.execute("SELECT count(*) FROM rows WHERE state = 'pending'")
        return int(found.fetchone()[0])

    def count_buyers(self) -> int:
        """Count the customers that pending rows name, and who are not known yet."""
        found = self._sql.execute(
            "SELECT count(DISTINCT customer) FROM rows WHERE state = 'pending'"
            " AND customer NOT IN (SELECT name FROM customers)"
        )
        return int(found.fetchone()[0])

    def reject_unknown_customers(self) -> None:
        """Reject the pending rows whose buyer is not written down as known."""
        with self.transaction():
            self._sql.execute(
                "UPDATE rows SET state = 'rejected', code = 'unknown_customer',"
                " field = 'customer.' || substr(customer, 1, instr(customer, ':') - 1),"
                " reason = 'the program has no customer with '"
                " || substr(customer, 1, instr(customer, ':') - 1)"
                " || ' ' || substr(customer, instr(customer, ':') + 1)"
                " || coalesce((SELECT ', and ' || problem FROM newcomers"
                " WHERE name = customer), '')"
                " WHERE state = 'pending' AND customer IS NOT NULL"
                " AND customer NOT IN (SELECT name FROM customers)"
                " AND customer NOT IN"
                " (SELECT name FROM newcomers WHERE problem IS NULL)"
            )

    def know_sales(self, sales: Iterable[Sale]) -> None:
        """Write down sales that the program has."""
        with self.transaction():
            self._sql.executemany("INSERT INTO sales VALUES (?, ?, ?, ?, ?, ?)", sales)

    def met_sales(self, *, after: int, limit: int) -> list[tuple[Row, list[Sale]]]:
        """Return pending rows whose key the program has, each with its sales there."""
        found = self._sql.execute(
            f"SELECT {COLUMNS} FROM rows WHERE state = 'pending' AND row > ?"  # noqa: S608 - names of ours
            " AND claim IN (SELECT claim FROM sales) ORDER BY row LIMIT ?",
            (after, limit),
        )
        return [(row, self._sales_of(row)) for row in map(_row, found.fetchall())]

    def _sales_of(self, row: Row) -> list[Sale]:
        found = self._sql.execute(
            f"SELECT {SALE_COLUMNS} FROM sales s"  # noqa: S608 - names of ours
            " JOIN rows r ON r.claim = s.claim WHERE r.row = ?",
            (row.row,),
        )
        return [Sale(*values) for values in found.fetchall()]

    def reopen(self, *states: State) -> None:
        """Let rows in these states be sent again: for what the API keeps unique."""
        wanted = ", ".join("?" * len(states))
        with self.transaction():
            self._sql.execute(
                "UPDATE rows SET state = 'pending', code = NULL, reason = NULL,"  # noqa: S608 - placeholders
                f" field = NULL WHERE state IN ({wanted})",
                states,
            )


def _added(added: tuple[Row, int, str | None]) -> Sequence[Any]:
    row, digest, claim = added
    known_by = (claim, row.key, row.customer, row.buyer)
    rest = (row.code, row.reason, row.field, row.amount, row.units)
    texts = [text or "" for text in (*known_by, *rest)]
    return row.row, row.line, row.state, encode(row.cells).decode(), digest, *texts


def _row(values: Sequence[Any]) -> Row:
    read = list(values)
    read[CELLS] = CELLS_OF(read[CELLS] or b"[]")
    return Row._make(read)
