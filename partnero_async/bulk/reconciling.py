"""What a file of sales says against what the program holds.

Nothing is changed. A sale is looked for by its key: in the program's whole list where
that is the cheaper way, else one by one.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from decimal import Decimal
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs

from .._threads import in_thread
from ..client import Partnero
from ..errors import RefusedError, one_line
from ..models import Transaction
from ..pages import Pages
from .buyers import Buyers, walked
from .differences import (
    Difference,
    DifferenceKind,
    FileRow,
    Held,
    Known,
    buyer_of,
    differences,
    referrer_of,
    told,
)
from .given import gathered
from .halt import Halt, check_options, each
from .plan import Entry, Plan, RowError, plan_of
from .reconciliation import Reconciliation, Totals
from .referrers import Referrers
from .rows import open_rows
from .scan import entry_of
from .sides import Sides
from .source import Given, Source
from .stops import ImportStopError
from .table import Record

__all__ = ["reconcile"]

T = TypeVar("T")
Watch = Callable[[str, int], None]

PAGE: Final = 250
WINDOW: Final = 4
"""Pages that are asked for at once."""

TOGETHER: Final = 500
"""Rows that are read, and compared, at once."""

ASKED_AGAIN: Final = 1000
"""Keys that are asked for once more after the whole list was read."""


async def reconcile(
    client: Partnero,
    source: Source | Path | str | Given,
    *,
    surplus: bool = False,
    concurrency: int = 16,
    on_progress: Watch | None = None,
) -> Reconciliation:
    """Compare a file of sales with what the program holds, and change nothing.

    A sale is looked for by its key, and compared in all that the file says of it. Where
    the file names no partner, a sale has to be that of its customer's partner. With
    *surplus*, sales are differences too that the file does not have.

    *on_progress* is told what is done and how many so far, such as ``("rows read",
    2000)``. Memory does not grow with the file.

    Raises `ImportStopError` for a file or columns that cannot be used, and
    `PartneroError` where the program cannot be read.
    """
    check_options(concurrency)
    source = await gathered(Source.of(source))
    sides = Sides()
    try:
        run = _Run(
            client=client,
            sides=sides,
            surplus=surplus,
            concurrency=concurrency,
            watch=on_progress or (lambda _what, _count: None),
        )
        return await run.of(source)
    except sqlite3.Error as error:
        sides.close()
        raise ImportStopError(
            f"what is compared cannot be kept in a temporary file: {error}"
        ) from None
    except BaseException:
        sides.close()
        raise


# --- the run -----------------------------------------------------------------------


@attrs.define(kw_only=True)
class _Run:
    client: Partnero
    sides: Sides
    surplus: bool
    concurrency: int
    watch: Watch
    plan: Plan = attrs.field(init=False)
    referrers: Referrers = attrs.field(init=False)
    equal: int = attrs.field(init=False, default=0)
    currency: str = attrs.field(init=False, default="")
    money: dict[str, Totals] = attrs.field(init=False, factory=dict[str, Totals])

    async def of(self, source: Source) -> Reconciliation:
        """Read the file, then the program, and compare."""
        self.referrers = Referrers(self.client)
        rows = await asyncio.to_thread(open_rows, source)
        self.plan = plan_of("transactions", source, rows.header, loosely=True)
        await self._read(rows.records())
        asked_again = await self._sales()
        await self._customers()
        self.currency = await _currency(self.client)
        await self._compare()
        if self.surplus:
            self._look_for_surplus()
        return Reconciliation(
            rows=self.sides.count(),
            equal=self.equal,
            counts=self.sides.counts(),
            money=[self.money[units] for units in sorted(self.money)],
            surplus=self.surplus,
            asked_again=asked_again,
            header=rows.header,
            sides=self.sides,
        )

    # --- the file ---

    async def _read(self, records: Iterator[Record]) -> None:
        count = 0
        while read := await in_thread(partial(self._read_some, records)):
            count += read
            self.watch("rows read", count)

    def _read_some(self, records: Iterator[Record]) -> int:
        rows = [self._row(record) for record in islice(records, TOGETHER)]
        for row in rows:
            self.sides.add(row)
        return len(rows)

    def _row(self, record: Record) -> FileRow:
        row, line, cells, _ = record
        try:
            entry = entry_of(record, self.plan)
        except RowError as error:
            key = _key_in(self.plan, cells)
            return FileRow(row, line, key, None, None, cells, one_line(error.reason))
        return FileRow(row, line, entry.key, entry.key, buyer_of(entry), cells, None)

    # --- the program ---

    async def _sales(self) -> bool:
        """Read the sales; say whether all that is suspicious was asked for by key."""
        most = self.sides.count_claims()
        if not most and not self.surplus:
            return True
        listed = self.client.transactions.list(limit=PAGE)
        keep = self.sides.keep_sales
        limit = None if self.surplus else most
        if not await self._walk(listed, keep, "sales read", most=limit):
            await self._each(self._claims(), self._ask)
            return True
        keys = self.sides.suspicious(limit=ASKED_AGAIN + 1)
        await self._each(_stream(keys[:ASKED_AGAIN]), self._ask)
        return len(keys) <= ASKED_AGAIN

    async def _claims(self) -> AsyncIterator[Sequence[str]]:
        after = ""
        while claims := self.sides.claims(after=after, limit=TOGETHER):
            yield claims
            after = claims[-1]

    async def _ask(self, key: str) -> None:
        self.sides.replace_sales(key, await _sales_with(self.client, key))

    async def _customers(self) -> None:
        """Read the customers who say whose a sale is, where the row does not."""
        left = self.sides.count_buyers()
        if not left:
            return
        most = left

        def walk(buyers: Buyers) -> Awaitable[bool]:
            def keep(customers: Iterable[Any]) -> None:
                self.sides.keep_customers(map(buyers.buyer, customers))

            return self._walk(buyers.listed(), keep, "customers read", most=most)

        buyers, whole = await walked(self.referrers, walk)
        if whole:
            left = ASKED_AGAIN
        while left > 0 and (names := self.sides.unknown_buyers(limit=min(left, PAGE))):
            await self._each(_stream(names), partial(self._ask_buyer, buyers))
            left -= len(names)

    async def _ask_buyer(self, buyers: Buyers, name: str) -> None:
        self.sides.keep_buyers(name, await buyers.called(name))

    async def _walk(
        self,
        pages: Pages[T],
        keep: Callable[[Iterable[T]], None],
        what: str,
        *,
        most: int | None,
    ) -> bool:
        """Keep up to *most* pages, None for all; False when there are more."""
        count = 0
        walk = pages.items(window=min(WINDOW, most or WINDOW))
        async with aclosing(walk.batches()) as batches:
            async for number, items in batches:
                if most is not None and number > most:
                    return False
                keep(items)
                count += len(items)
                self.watch(what, count)
        return True

    async def _each(
        self, chunks: AsyncIterator[Sequence[T]], do: Callable[[T], Awaitable[None]]
    ) -> None:
        halt = Halt(asyncio.Event())
        await each(chunks, do, concurrency=self.concurrency, halt=halt)

    # --- both ---

    async def _compare(self) -> None:
        after = 0
        while rows := self.sides.after(after, limit=TOGETHER):
            held = self.sides.held(rows)
            entries = [self._entry(row) for row in rows]
            partners = await self._partners(entries)
            for row, entry, partner in zip(rows, entries, partners, strict=True):
                self._judge(row, entry, held.get(row.claim or "", []), partner)
            after = rows[-1].row
            self.watch("rows compared", after)

    def _entry(self, row: FileRow) -> Entry | None:
        return None if row.unreadable else self.plan.read(row.cells)

    async def _partners(self, entries: Sequence[Entry | None]) -> list[str | None]:
        """Return the ids of the partners that rows name; each is asked for once."""
        named = [referrer_of(entry) if entry else None for entry in entries]
        return await asyncio.gather(*map(self._partner, named))

    async def _partner(self, named: Mapping[str, str] | None) -> str | None:
        return await self.referrers.id_of(named) if named else None

    def _judge(
        self,
        row: FileRow,
        entry: Entry | None,
        sales: Sequence[Held],
        partner: str | None,
    ) -> None:
        found = list(self._found(row, entry, sales, partner))
        self.sides.differ(found)
        self.equal += not found
        if entry:
            self._count(entry, [held for held in sales if not held.archived])

    def _found(
        self,
        row: FileRow,
        entry: Entry | None,
        sales: Sequence[Held],
        partner: str | None,
    ) -> Iterable[Difference]:
        def differs(kind: DifferenceKind, given: str) -> Iterable[Difference]:
            return [Difference(row.row, row.line, row.key, kind, given, None)]

        if not entry:
            return differs("unreadable", row.unreadable or "")
        if row.claim is None:
            first = self.sides.first_with(row.key)
            return differs("repeated", f"row {first} has this key too")
        customers = dict(self.sides.customers(row.buyer)) if row.buyer else {}
        return differences(row, entry, sales, Known(customers, partner))

    def _count(self, entry: Entry, live: Sequence[Held]) -> None:
        units = entry.arguments.get("amount_units")
        if not units:
            units = live[0].sale.units if live else None
        self._totals(units).give(entry.amount)
        for held in live:
            self._count_recorded(held)

    def _count_recorded(self, held: Held) -> None:
        self._totals(held.sale.units).record(Decimal(held.sale.amount or 0))

    def _totals(self, units: str | None) -> Totals:
        units = (units or self.currency).upper()
        return self.money.setdefault(units, Totals(units=units))

    def _look_for_surplus(self) -> None:
        for held in self.sides.surplus():
            self._count_recorded(held)
            key = held.sale.claim or None
            self.sides.differ(
                [Difference(None, None, key, "surplus", None, told(held))]
            )


def _key_in(plan: Plan, cells: Sequence[str]) -> str | None:
    """Return the key of a row that cannot be read otherwise."""
    taken = (at for at, field in plan.takes if field.name == "key")
    at = next(taken, len(cells))
    return cells[at] if at < len(cells) else None


async def _sales_with(client: Partnero, key: str) -> list[Transaction]:
    listed = client.transactions.list(key=key, limit=100)
    return [sale async for sale in listed if sale.key == key]


async def _currency(client: Partnero) -> str:
    """Return the program's currency; nothing where the key may not see it."""
    try:
        program = await client.program.get()
    except RefusedError:
        return ""
    settings = program.program_settings
    return (settings and settings.currency) or ""


async def _stream(items: Sequence[T]) -> AsyncIterator[Sequence[T]]:
    yield items
