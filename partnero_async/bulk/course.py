"""The course of a run: over the rows of a journal, to the end or until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import attrs

from ..client import Partnero
from ..errors import PartneroError
from .batch import Batch, Batches
from .doubt import Doubts
from .halt import Halt, each, rows_in
from .journal import Journal
from .kinds import kind_of
from .newcomers import Newcomers, check_newcomers, read_newcomers
from .outcomes import Outcomes, RowOutcome
from .pace import Pacemaker
from .plan import Plan
from .report import Doing, Progress, Report
from .scan import scan
from .send import Sender
from .stops import ImportStopError, JournalWriteError, SourceError
from .store import State, Store
from .table import Rows
from .tally import by_state, report_of, write
from .there import Survey

__all__ = ["Run", "Watch"]

Watch = Callable[[Progress], None]

DRAIN: Final = 5.0
"""Seconds for what is under way, once somebody wants the run to end."""

TICK: Final = 0.2
"""Seconds between two reports of progress."""


class _StoppedError(Exception):
    """Somebody wants it to end."""


@attrs.define(kw_only=True)
class Run:
    """A run of an import, over the rows of its journal."""

    client: Partnero
    journal: Journal
    plan: Plan
    concurrency: int
    settle: float
    watch: Watch | None
    halt: Halt
    since: float = 0.0
    """When the first run of the journal began, in Unix seconds."""
    batch: Batch = "no"
    read_as: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """What the source was taken for."""
    update: bool = False
    """Whether a record that is there is changed to what its row says."""
    outcomes: Outcomes | None = None
    """Who is told of each row."""
    progress: Progress = attrs.field(factory=Progress)
    pace: Pacemaker = attrs.field(factory=Pacemaker)
    sender: Sender = attrs.field(init=False)
    newcomers: Newcomers = attrs.field(init=False)
    doubts: Doubts = attrs.field(init=False)
    _requests: int = attrs.field(init=False)
    _throttled: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._requests = self.client.stats.requests
        self._throttled = self.client.stats.throttled
        self.sender = Sender(
            client=self.client,
            plan=self.plan,
            journal=self.journal,
            halt=self.halt,
            progress=self.progress,
            since=self.since,
            update=self.update,
        )
        self.newcomers = Newcomers(client=self.client, journal=self.journal)
        self.doubts = Doubts(
            sender=self.sender,
            journal=self.journal,
            newcomers=self.newcomers,
            concurrency=self.concurrency,
            settle=self.settle,
        )

    # --- what is done ---

    async def all_of(self, rows: Rows, buyers: tuple[Plan, Rows] | None) -> None:
        """Read the rows in, and go on.

        All of it can be cut short anywhere, and begun again.
        """
        await self.read(rows)
        if buyers:
            await self.journal.do(lambda store: read_newcomers(store, *buyers))
        else:
            await self.journal.do(check_newcomers)
        await self.rest()

    async def read(self, rows: Rows) -> None:
        """Read the rows into the journal, or see that they are those that were read."""
        self.read_as = rows.about
        await self.journal.do(lambda store: self._scan(store, rows))

    async def rest(self) -> None:
        """See what is there, settle what is in doubt, send what is pending."""
        await self.recount("preparing")
        if kind_of(self.plan.resource).once:
            # The API keeps these unique, so what was under way may be sent again.
            await self.journal.do(lambda store: store.reopen("sent", "parked"))
            if await self._left():
                await self._guarded(kind_of(self.plan.resource).probe(self.client))
        else:
            await self._guarded(self._look_first())
        await self._tell_of("done", "rejected")
        self.sender.outcomes = self.outcomes
        await self.recount("sending")
        while not self.halt and await self._left():
            self.sender.new_round()
            await self._send_pending()
            # What found no API is pending again, so that it may take another round.
            await self.journal.flush()
        await self._tell_of("pending", "sent", "parked")

    async def _tell_of(self, *states: State) -> None:
        """Tell of the rows in these states, as they are now."""
        stopped = self.halt.refused or self.halt.unreachable
        if self.outcomes is None:
            return
        async for rows in rows_in(self.journal, *states):
            for row in rows:
                await self.outcomes.room()
                reason = stopped if row.state == "pending" else row.reason
                outcome = RowOutcome(row.row, row.key, row.state, row.code, reason)
                self.outcomes.add(outcome)

    async def resolving(self, *, send_absent: bool) -> None:
        """Look up what is in doubt, and send what is absent if that is wanted."""
        await self.recount("looking up")
        await self.doubts.look_again()
        if send_absent:
            await self.recount("sending")
            await self.doubts.send_absent()

    def _scan(self, store: Store, rows: Rows) -> None:
        try:
            scan(store, rows, self.plan, watch=self._scanned)
        except (SourceError, JournalWriteError):
            if store.meta("sha256") is None:
                store.remove()
            raise

    def _scanned(self, rows: int) -> None:
        self.progress.rows = rows
        if self.halt:
            raise _StoppedError

    async def _look_first(self) -> None:
        survey = Survey(
            client=self.client,
            journal=self.journal,
            sender=self.sender,
            concurrency=self.concurrency,
        )
        self.newcomers.again = await survey.take()
        await self.doubts.settle_sent()

    async def _guarded(self, reads: Awaitable[None]) -> None:
        try:
            await reads
        except ImportStopError:
            raise
        except PartneroError as error:
            self.halt.give_up(error)

    async def _left(self) -> int:
        return await self.journal.do(Store.count_pending)

    async def _send_pending(self) -> None:
        if self.batch != "no" or await self.journal.do(Store.has_newcomers):
            await Batches(
                sender=self.sender,
                doubts=self.doubts,
                newcomers=self.newcomers,
                how=self.batch,
                concurrency=self.concurrency,
            ).send()
            return
        await each(
            rows_in(self.journal, "pending"),
            self.sender.send,
            concurrency=self.concurrency,
            halt=self.halt,
        )

    # --- until when ---

    async def to_the_end(
        self, work: Coroutine[Any, Any, None], rejects: Path
    ) -> Report:
        """Do *work* as far as it goes, write the rejects file, and say what came of it.

        Raises `JournalWriteError` where the journal could be written no more.
        """
        async with self._reporting():
            try:
                await self.until_stopped(work)
            except JournalWriteError as error:
                if not self.progress.sent:
                    raise
                self.halt.unwritten = error
        report = await self.journal.do(lambda store: self._report(store, rejects))
        if self.halt.unwritten:
            self.halt.unwritten.report = report
            raise self.halt.unwritten
        return report

    async def looked(self, work: Coroutine[Any, Any, None]) -> Progress:
        """Do *work* that sends nothing; say how it went."""
        async with self._reporting():
            await self.until_stopped(work)
        return self.progress

    async def until_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """Do *work* to its end, or a few seconds longer than somebody wants it to."""
        task = asyncio.create_task(work)
        stopped = asyncio.create_task(self.halt.stop.wait())
        try:
            await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                await asyncio.wait({task}, timeout=DRAIN)
        finally:
            self.halt.cancelled = not task.done()
            stopped.cancel()
            task.cancel()
            with suppress(asyncio.CancelledError, _StoppedError):
                await task

    # --- what is told ---

    @asynccontextmanager
    async def _reporting(self) -> AsyncGenerator[None]:
        """Tell how far it is, now and then and at the end."""
        ticker = asyncio.create_task(self._tick())
        try:
            yield
        finally:
            ticker.cancel()
            self._tell()

    async def _tick(self) -> None:
        while True:
            self._tell()
            await asyncio.sleep(TICK)

    def _tell(self) -> None:
        stats, progress = self.client.stats, self.progress
        progress.requests = stats.requests - self._requests
        progress.throttled = stats.throttled - self._throttled
        self.pace.note(progress, self.client.pace)
        if self.watch:
            self.watch(progress)

    async def recount(self, doing: Doing) -> None:
        """Take note of what is done next, and of how far the rows are."""
        counts = by_state(await self.journal.do(Store.counts))
        progress = self.progress
        if progress.doing == "reading":
            self.pace.begin(counts["done"])
        progress.doing, progress.rows = doing, sum(counts.values())
        progress.done, progress.rejected = counts["done"], counts["rejected"]
        progress.parked = counts["parked"]

    def _report(self, store: Store, rejects: Path) -> Report:
        return report_of(
            store,
            **write(store, rejects),
            read_as=dict(self.read_as),
            requests=self.progress.requests,
            throttled=self.progress.throttled,
            elapsed=round(self.progress.elapsed, 3),
            interrupted=self.halt.stop.is_set(),
            refused=self.halt.refused,
            unreachable=self.halt.unreachable,
            timeline=self.pace.end(self.progress),
        )
