"""Both sides of a reconciliation, and what differs: in a file of SQLite's own.

It is a temporary one without a name, of which some pages are in memory, and it is gone
with the process, however that ends.
"""

from __future__ import annotations

import json
import sqlite3
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from ..models import Transaction
from .buyers import Buyer
from .differences import Difference, DifferenceKind, FileRow, Held
from .sales import sale_of
from .store import Sale

__all__ = ["Sides"]

SCHEMA: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE rows (
    row INTEGER PRIMARY KEY,
    line INTEGER NOT NULL,
    key TEXT,
    claim TEXT UNIQUE,
    buyer TEXT,
    cells TEXT NOT NULL,
    unreadable TEXT
);
CREATE INDEX row_key ON rows (key);
CREATE TABLE sales (
    claim TEXT, amount TEXT, units TEXT, reward TEXT, customer TEXT, action TEXT,
    partner TEXT, at TEXT, archived INTEGER NOT NULL
);
CREATE INDEX sale_claim ON sales (claim);
CREATE TABLE customers (
    name TEXT, shown TEXT, partner TEXT, PRIMARY KEY (name, shown)
) WITHOUT ROWID;
CREATE TABLE differences (
    row INTEGER, line INTEGER, key TEXT, kind TEXT NOT NULL, given TEXT, recorded TEXT
);
"""

SOLD: Final = "claim IN (SELECT claim FROM sales)"
NOBODY: Final = Buyer("", ())
LIVE: Final = "SELECT count(*) FROM sales s WHERE s.claim = r.claim AND NOT s.archived"


class Sides:
    """What the file says, what the program holds, and the differences found so far."""

    def __init__(self) -> None:
        # Read in a thread, and looked at by whoever has the result: one at a time.
        self._sql = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._sql.executescript(SCHEMA)
        self.close: Callable[[], object] = weakref.finalize(self, self._sql.close)

    # --- the file ------------------------------------------------------------------

    def add(self, row: FileRow) -> None:
        """Write down a row; one whose claim another row has is left without it."""
        values = (*row[:5], json.dumps(row.cells), row.unreadable)
        try:
            self._insert(values)
        except sqlite3.IntegrityError:
            self._insert((*values[:3], None, None, *values[5:]))

    def _insert(self, values: Sequence[object]) -> None:
        self._sql.execute("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def count(self) -> int:
        """Count the rows."""
        return int(self._sql.execute("SELECT count(*) FROM rows").fetchone()[0])

    def count_claims(self) -> int:
        """Count the rows that can be compared."""
        return int(self._sql.execute("SELECT count(claim) FROM rows").fetchone()[0])

    def after(self, row: int, *, limit: int) -> list[FileRow]:
        """Return up to *limit* rows behind *row*."""
        found = self._sql.execute(
            "SELECT * FROM rows WHERE row > ? ORDER BY row LIMIT ?", (row, limit)
        )
        return [_row(values) for values in found]

    def first_with(self, key: str | None) -> int:
        """Return the first row that has *key* and can be compared."""
        found = self._sql.execute("SELECT row FROM rows WHERE claim = ?", (key,))
        return int(found.fetchone()[0])

    def missing(self) -> Iterator[FileRow]:
        """Walk the rows that the program has no sale of."""
        for values in self._sql.execute(
            "SELECT r.* FROM rows r JOIN differences d ON d.row = r.row"
            " WHERE d.kind = 'missing' ORDER BY r.row"
        ):
            yield _row(values)

    # --- the program ---------------------------------------------------------------

    def keep_sales(self, sales: Iterable[Transaction]) -> None:
        """Write down sales that the program holds."""
        self._sql.executemany(
            "INSERT INTO sales VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_sold, sales)
        )

    def replace_sales(self, key: str, sales: Iterable[Transaction]) -> None:
        """Write down all *sales* of a *key*, in place of those that are there."""
        self._sql.execute("DELETE FROM sales WHERE claim = ?", (key,))
        self.keep_sales(sales)

    def held(self, rows: Sequence[FileRow]) -> dict[str, list[Held]]:
        """Return the sales of each claim of *rows*, which stand together."""
        sales: dict[str, list[Held]] = {row.claim: [] for row in rows if row.claim}
        found = self._sql.execute(
            "SELECT * FROM sales WHERE claim IN"
            " (SELECT claim FROM rows WHERE row BETWEEN ? AND ?) ORDER BY at, rowid",
            (rows[0].row, rows[-1].row),
        )
        for values in found:
            sales[values[0]].append(_held(values))
        return sales

    def claims(self, *, after: str, limit: int) -> list[str]:
        """Return up to *limit* claims behind *after*."""
        return self._texts(
            "SELECT claim FROM rows WHERE claim > ? ORDER BY claim LIMIT ?",
            after,
            limit,
        )

    def suspicious(self, *, limit: int) -> list[str]:
        """Return up to *limit* claims with no live sale, or with several."""
        return self._texts(
            f"SELECT claim FROM rows r WHERE claim IS NOT NULL AND ({LIVE}) != 1"  # noqa: S608 - text of ours
            " ORDER BY row LIMIT ?",
            limit,
        )

    def surplus(self) -> Iterator[Held]:
        """Walk the live sales of which the file has no row."""
        for values in self._sql.execute(
            "SELECT * FROM sales s WHERE NOT archived"
            " AND NOT EXISTS (SELECT 1 FROM rows r WHERE r.key = s.claim)"
        ):
            yield _held(values)

    # --- its customers ---------------------------------------------------------------

    def count_buyers(self) -> int:
        """Count the customers who have to be known."""
        found = self._sql.execute(
            f"SELECT count(DISTINCT buyer) FROM rows WHERE {SOLD}"  # noqa: S608 - text of ours
        )
        return int(found.fetchone()[0])

    def unknown_buyers(self, *, limit: int) -> list[str]:
        """Return up to *limit* of them who are not written down."""
        return self._texts(
            f"SELECT DISTINCT buyer FROM rows WHERE buyer IS NOT NULL AND {SOLD}"  # noqa: S608 - text of ours
            " AND buyer NOT IN (SELECT name FROM customers) LIMIT ?",
            limit,
        )

    def keep_customers(self, buyers: Iterable[Buyer]) -> None:
        """Write down customers, by all of their names."""
        for buyer in buyers:
            for name in buyer.names:
                self._keep(name, buyer)

    def keep_buyers(self, name: str, buyers: Sequence[Buyer]) -> None:
        """Write down the customers who are called *name*; and that there are none."""
        for buyer in buyers or [NOBODY]:
            self._keep(name, buyer)

    def _keep(self, name: str, buyer: Buyer) -> None:
        values = (name, buyer.shown, buyer.partner)
        self._sql.execute("INSERT OR REPLACE INTO customers VALUES (?, ?, ?)", values)

    def customers(self, name: str) -> list[tuple[str, str | None]]:
        """Return how sales name the customers called *name*, and the partner's id."""
        return self._sql.execute(
            "SELECT shown, partner FROM customers WHERE name = ? AND shown != ''",
            (name,),
        ).fetchall()

    # --- what differs ----------------------------------------------------------------

    def differ(self, differences: Iterable[Difference]) -> None:
        """Write down differences."""
        self._sql.executemany(
            "INSERT INTO differences VALUES (?, ?, ?, ?, ?, ?)",
            map(attrs.astuple, differences),
        )

    def counts(self) -> dict[DifferenceKind, int]:
        """Count the differences by kind."""
        return dict(
            self._sql.execute("SELECT kind, count(*) FROM differences GROUP BY kind")
        )

    def differences(self, kind: DifferenceKind | None = None) -> Iterator[Difference]:
        """Walk the differences, of one kind or all, by row."""
        for values in self._sql.execute(
            "SELECT * FROM differences WHERE kind = coalesce(?, kind)"
            " ORDER BY row IS NULL, row, rowid",
            (kind,),
        ):
            yield Difference(*values)

    def _texts(self, query: str, *values: object) -> list[str]:
        return [text for (text,) in self._sql.execute(query, values)]


def _row(values: Sequence[Any]) -> FileRow:
    row = FileRow(*values)
    return row._replace(cells=json.loads(values[5]))


def _sold(sale: Transaction) -> tuple[object, ...]:
    at = sale.created_at and sale.created_at.astimezone(UTC).isoformat()
    return (*sale_of(sale), sale.partner, at, sale.deleted_at is not None)


def _held(values: Sequence[Any]) -> Held:
    *sale, partner, at, archived = values
    return Held(
        sale=Sale(*sale),
        partner=partner,
        at=datetime.fromisoformat(at) if at else None,
        archived=bool(archived),
    )
