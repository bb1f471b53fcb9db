"""Rows in doubt: they were about to be sent, and nobody knows whether they arrived.

They are looked up. What is found is done; what is not found may still arrive, so it is
never sent again on its own: it is parked, until somebody asks for it to be sent.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import attrs

from ..errors import PartneroError
from .halt import each, rows_in
from .journal import Journal
from .lookup import Finding, look_closely, look_up
from .newcomers import Newcomers, names_of
from .plan import RowError
from .send import Sender
from .stops import JournalWriteError
from .store import Row, State

__all__ = ["ABSENT", "TRIED", "UNLIKE", "Doubts"]

ABSENT: Final = "absent"
"""The code of parked rows that were looked up, and are not there."""

TRIED: Final = "tried"
"""The code of sales in a batch with fields that nobody has seen to be taken."""

UNLIKE: Final = "unlike"
"""The code of sales that are there with other fields than those that are compared."""

PAUSE: Final = 1.0
"""Seconds, at most, between the two look-ups before a row is sent again."""


@attrs.define(kw_only=True)
class Doubts:
    """Looks rows up, and says what became of them."""

    sender: Sender
    journal: Journal
    newcomers: Newcomers
    concurrency: int
    settle: float
    """Seconds that a request may take to arrive after whoever sent it is gone."""

    async def settle_sent(self) -> None:
        """Look up what a killed run was sending: twice, with a pause, then park it."""
        await self._each("sent", do=self._first_look)
        if await self.journal.do(
            lambda store: store.fetch(("sent",), after=0, limit=1)
        ):
            await asyncio.sleep(self.settle)
            await self._each("sent", do=self.park)

    async def look_again(self) -> None:
        """Look up all rows in doubt; what is not found stays parked."""
        await self._each("sent", "parked", do=self.park)

    async def send_absent(self) -> None:
        """Send what is proven absent: long enough ago, and not found two more times."""
        await self._each("parked", do=self._send_if_absent)

    async def _each(self, *states: State, do: Callable[[Row], Awaitable[None]]) -> None:
        await each(
            rows_in(self.journal, *states),
            do,
            concurrency=self.concurrency,
            halt=self.sender.halt,
        )

    async def _first_look(self, row: Row) -> None:
        finding = await self._look(row)
        if finding and finding.kind != "absent":
            self.write(row, finding)

    async def park(self, row: Row) -> None:
        """Look up a row; what is not found, or not as it should be, is parked."""
        if finding := await self._look(row):
            self.write(row, finding)

    async def _send_if_absent(self, row: Row) -> None:
        if row.code != ABSENT:
            return
        # A clock that was set back must not make it wait for ever.
        passed = max(0.0, time.time() - (row.sent_at or 0.0))
        await asyncio.sleep(max(0.0, self.settle - passed))
        for pause in (min(PAUSE, self.settle), 0.0):
            finding = await self._look(row)
            if not finding or finding.kind != "absent":
                break
            await asyncio.sleep(pause)
        if finding and finding.kind == "absent" and not self.sender.halt:
            await self._send(row)
        elif finding:
            self.write(row, finding)

    async def _send(self, row: Row) -> None:
        try:
            newcomer = await self.newcomers.of(row.buyer)
        except JournalWriteError:
            raise
        except PartneroError as error:  # what others are sending goes on to its end
            self.sender.halt.give_up(error)
            return
        if await self.sender.send(row, newcomer=newcomer) and newcomer:
            await self.newcomers.met(*names_of(newcomer))

    async def _look(self, row: Row) -> Finding | None:
        """Look up one row; None when there was no answer, or nothing to ask for."""
        try:
            entry = self.sender.plan.read(row.cells)
        except RowError:  # another version of this package read it in
            return None
        referrers = self.sender.referrers
        try:
            if row.code in (TRIED, UNLIKE):
                return await look_closely(referrers, entry)
            return await look_up(referrers, self.sender.plan.resource, entry)
        except PartneroError as error:
            self.sender.halt.judge(error)
            return None

    def write(self, row: Row, finding: Finding) -> None:
        """Write down what was found of a row that may have arrived."""
        if finding.kind == "equal":
            self.sender.settle(row, "done")
        else:
            self.sender.settle(row, "parked", code=finding.kind, reason=finding.reason)
