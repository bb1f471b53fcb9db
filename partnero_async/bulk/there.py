"""What the program has before a row is sent that the API would record once more.

The API records a sale of a customer whom it does not know *for nobody*, and it records
a sale with a known key *once more*. Both are money, so both are looked at beforehand:
by walking the program's lists when that is the cheaper way, else one by one. A lead has
no key at all, so all leads are walked.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Final, TypeVar

import attrs

from ..client import Partnero
from ..models import Lead, Page, Transaction
from ..pages import Pages
from .buyers import Buyers, refers_friends, walked
from .halt import each, rows_in
from .journal import Journal
from .kinds import Kind, kind_of
from .lookup import ALREADY_THERE, EQUAL, Finding, compare, different, look_up
from .sales import sale_of
from .send import Sender
from .store import Row, Sale, Store

__all__ = ["Survey"]

T = TypeVar("T")

PAGE: Final = 250
TOGETHER: Final = 500
"""Rows, or customers, that are taken from the journal at once."""


@attrs.define(kw_only=True)
class Survey:
    """Looks at the program, before the first row of an import is sent."""

    client: Partnero
    journal: Journal
    sender: Sender
    concurrency: int
    window: int = 1
    """Pages that are asked for at once."""

    async def take(self) -> bool:
        """Reject sales of unknown customers, and see which rows are there already.

        It is taken by each run that has rows to send: since the last one the program
        may have got them otherwise, out of another file, or under a later state of this
        journal, of which an older copy was brought back. Returns whether a run has come
        so far before.
        """
        before = await self.journal.do(lambda store: store.meta("surveyed"))
        await self.journal.do(Store.forget_program)
        if self._kind.resource == "leads":
            await self._leads()
        else:
            await self._buyers()
            await self._sales()
        if not self.sender.halt:
            await self.journal.do(lambda store: store.keep(surveyed="yes"))
        return before is not None

    @property
    def _kind(self) -> Kind:
        return kind_of(self.sender.plan.resource)

    # --- customers ---------------------------------------------------------------

    async def _buyers(self) -> None:
        by_id = await self.journal.do(Store.has_buyers_by_id)
        if by_id and not await refers_friends(self.client):
            await self.journal.do(Store.trust_ids)
        most = await self.journal.do(Store.count_buyers)
        if not most:
            return
        buyers, _ = await walked(
            self.sender.referrers,
            lambda buyers: self._walk(
                buyers.listed(), partial(self._know, buyers), most=most
            ),
        )
        # Who is not on the pages is asked for: pages shift while others add and delete.
        await self._each(self._unknown(), partial(self._ask, buyers))
        if not self.sender.halt:
            await self.journal.do(Store.reject_unknown_customers)

    async def _know(self, buyers: Buyers, page: Page[Any]) -> None:
        found = [buyers.buyer(customer) for customer in page.items]
        names = [name for buyer in found if not buyer.away for name in buyer.names]
        await self.journal.do(lambda store: store.know_customers(names))

    async def _unknown(self) -> AsyncIterator[Sequence[str]]:
        after = ""
        while names := await self.journal.do(
            lambda store: store.unknown_customers(after=after, limit=TOGETHER)  # noqa: B023 - awaited at once
        ):
            yield names
            after = names[-1]

    async def _ask(self, buyers: Buyers, name: str) -> None:
        if await buyers.called(name):
            await self.journal.do(lambda store: store.know_customers([name]))

    # --- sales -------------------------------------------------------------------

    async def _sales(self) -> None:
        most = await self.journal.do(Store.count_pending)
        if not most:
            return
        listed = self.client.transactions.list(limit=PAGE)
        whole = await self._walk(listed, self._keep, most=most)
        await self._each(self._met(), self._meet)
        if not whole:
            await self._each(rows_in(self.journal, "pending"), self._look)

    async def _keep(self, page: Page[Transaction]) -> None:
        sales = [sale_of(sale) for sale in page.items if sale.key]
        await self.journal.do(lambda store: store.know_sales(sales))

    async def _met(self) -> AsyncIterator[Sequence[tuple[Row, list[Sale]]]]:
        after = 0
        while met := await self.journal.do(
            lambda store: store.met_sales(after=after, limit=TOGETHER)  # noqa: B023 - awaited at once
        ):
            yield met
            after = met[-1][0].row

    async def _meet(self, met: tuple[Row, list[Sale]]) -> None:
        row, sales = met
        if entry := self.sender.read(row):
            resource = self.sender.plan.resource
            finding = await compare(self.sender.referrers, resource, entry, sales)
            self._settle(row, finding)

    async def _look(self, row: Row) -> None:
        if entry := self.sender.read(row):
            finding = await look_up(self.sender.referrers, "transactions", entry)
            if finding.kind != "absent":
                self._settle(row, finding)

    def _settle(self, row: Row, finding: Finding) -> None:
        """Nothing was sent yet, so what is there was not ours."""
        match finding.kind:
            case "equal":
                self.sender.settle(row, "done", code=ALREADY_THERE)
            case "several":
                self.sender.settle(row, "parked", code="several", reason=finding.reason)
            case _:
                self.sender.reject_conflict(row, finding)

    # --- leads -------------------------------------------------------------------

    async def _leads(self) -> None:
        most = await self.journal.do(Store.count_pending)
        other: dict[int, tuple[Row, Finding]] = {}

        async def meet(page: Page[Lead]) -> None:
            for lead in page.items:
                for name in self._kind.names_in(lead):
                    for row in await self.journal.do(lambda store: store.named(name)):  # noqa: B023 - awaited at once
                        await self._meet_lead(row, lead, other)

        listed = self.client.leads.list(limit=PAGE)
        # The same lead may still come on a page that was not read.
        if most and await self._walk(listed, meet, most=sys.maxsize):
            for row, finding in other.values():
                self._settle(row, finding)

    async def _meet_lead(
        self, row: Row, lead: Lead, other: dict[int, tuple[Row, Finding]]
    ) -> None:
        """Compare a lead; one of another partner is another lead."""
        entry = self.sender.read(row)
        if entry is None:
            return
        referrers = self.sender.referrers
        wrong = await self._kind.differing(referrers, entry.arguments, lead)
        if not wrong:
            other.pop(row.row, None)
            self._settle(row, EQUAL)
        elif "partner" not in wrong:
            other[row.row] = row, different(entry, wrong)

    # --- both --------------------------------------------------------------------

    async def _walk(
        self, pages: Pages[T], keep: Callable[[Page[T]], Awaitable[None]], *, most: int
    ) -> bool:
        """Keep up to *most* pages; False when there are more."""
        async with aclosing(pages.pages(window=self.window)) as walk:
            async for page in walk:
                if page.number > most or self.sender.halt:
                    return False
                await keep(page)
        return True

    async def _each(
        self, chunks: AsyncIterator[Sequence[T]], do: Callable[[T], Awaitable[None]]
    ) -> None:
        halt = self.sender.halt
        await each(chunks, do, concurrency=self.concurrency, halt=halt)
