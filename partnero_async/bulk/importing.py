"""An import from its start to its report, and what is left in doubt resolved."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import combinations
from pathlib import Path
from typing import Any, Final, cast

import attrs

from ..client import Partnero
from ..errors import NotFoundError, PartneroError
from .batch import Batch, Batches
from .doubt import Doubts
from .fields import ResourceName
from .given import gathered
from .journal import Journal
from .kinds import kind_of
from .newcomers import Newcomers, check_newcomers, read_newcomers
from .outcomes import Outcomes, RowOutcome
from .pace import Pacemaker
from .plan import Plan, plan_of
from .report import Doing, Progress, Report
from .scan import open_plan, scan
from .send import Halt, Sender, each, rows_in
from .source import Given, Source
from .stops import ImportStopError, JournalError, JournalWriteError, SourceError
from .store import State, Store
from .table import Rows
from .tally import by_state, report_of, write
from .there import Survey
from .whole import part_of

__all__ = [
    "Run",
    "Watch",
    "buyers_in",
    "check_for_sales",
    "imported",
    "plan_in",
    "program_of",
    "run_import",
]

Watch = Callable[[Progress], None]

DRAIN: Final = 5.0
"""Seconds for what is under way, once somebody wants the run to end."""

TICK: Final = 0.2
"""Seconds between two reports of progress."""


async def run_import(
    client: Partnero,
    resource: ResourceName,
    source: Source | Path | str | Given,
    *,
    journal: Path | str | None = None,
    rejects: Path | str | None = None,
    update: bool = False,
    concurrency: int = 32,
    settle: float = 5.0,
    batch: Batch = "no",
    customers: Source | Path | str | Given | None = None,
    on_progress: Watch | None = None,
    stop: asyncio.Event | None = None,
) -> Report:
    """Import rows, one call each; started again, go on.

    *source* is the path of a file (``-`` for standard input), rows, a frame, or a
    `Source` with options. What can be read only once needs a *journal* to be named, and
    to go on the same rows are given again. *journal* is ``FILE.journal`` and *rejects*
    ``FILE.rejects.csv`` where they are left out.

    What is there already with other values is left alone and its row rejected; *update*
    changes it, as far as the API lets it be changed, to what its row says: only fields
    that the row has.

    With *batch* sales of a customer go together, up to a hundred in a call:
    ``"documented"`` those that have just a key, an amount and an action, which is what
    the API's documentation shows of a batch; ``"all-fields"`` all of them, where the
    program takes that: one batch is tried and compared before the next. *customers* is
    a file of customers, with the columns of such an import: those who buy and are not
    there are created together with their first sale.

    *settle* is how many seconds a request of a killed run may still take to arrive: so
    long a sale in doubt is waited for before it is parked. Set *stop* to end early:
    nothing new is sent, and what is under way gets five seconds.

    Raises `ImportStopError` for a file, columns or a journal that cannot be used, and
    `PartneroError` for a key that is refused or an API that is not there: then nothing
    was sent. Whatever is about one row is in the report and not raised.
    """
    return await imported(
        client,
        resource,
        source,
        journal=journal,
        rejects=rejects,
        update=update,
        concurrency=concurrency,
        settle=settle,
        batch=batch,
        customers=customers,
        on_progress=on_progress,
        stop=stop or asyncio.Event(),
    )


async def imported(
    client: Partnero,
    resource: ResourceName,
    source: Source | Path | str | Given,
    *,
    journal: Path | str | None,
    rejects: Path | str | None = None,
    update: bool,
    concurrency: int,
    settle: float,
    batch: Batch,
    customers: Source | Path | str | Given | None,
    on_progress: Watch | None = None,
    stop: asyncio.Event,
    outcomes: Outcomes | None = None,
) -> Report:
    """Do what `run_import` does, and tell of each row."""
    check_for_sales(resource, batch=batch, customers=customers)
    source = Source.of(source)
    path, rejected = _files(source, journal, rejects)
    _check_folder(rejected)
    source = await gathered(source)
    plan, rows = await asyncio.to_thread(open_plan, resource, source)
    buyers = None if customers is None else await buyers_in(customers)
    about = {
        "resource": resource,
        "program": await program_of(client),
        "mapping": _fingerprint(source, rows.header),
        "rejects": str(rejected),
        "update": "yes" if update else "",
        "batch": batch,
        "customers": "yes" if buyers else "",
    }
    async with Journal(path) as book:
        began = await book.do(lambda store: _claim(store, about))
        run = Run(
            client=client,
            journal=book,
            plan=plan,
            concurrency=concurrency,
            settle=settle,
            watch=on_progress,
            halt=Halt(stop),
            since=began,
            batch=batch,
            update=update,
            outcomes=outcomes,
        )
        return await run.to_the_end(run.all_of(rows, buyers), rejected)


# --- before anything is sent -----------------------------------------------------


def check_for_sales(
    resource: ResourceName, *, batch: Batch = "no", customers: object = None
) -> None:
    """Raise `ImportStopError` for an option that only sales have."""
    if resource != "transactions" and (batch != "no" or customers is not None):
        raise ImportStopError("batches and customers are for transactions")


async def buyers_in(customers: Source | Path | str | Given) -> tuple[Plan, Rows]:
    """Open the customers who may be created with their sales."""
    source = await gathered(Source.of(customers))
    return await asyncio.to_thread(open_plan, "customers", source)


def _files(
    source: Source, journal: Path | str | None, rejects: Path | str | None
) -> tuple[Path, Path]:
    """Return where the journal and the rejected rows are."""
    file = source.file
    if not file and not journal:
        raise JournalError(
            f"there is no file beside which the journal of {source.name} could be:"
            " name one (--journal)"
        )
    path = Path(journal or f"{file}.journal")
    beside = path.parent / (file or path).name
    rejected = Path(rejects or f"{beside}.rejects.csv")
    return path, _apart(file, path, rejected)


def _apart(source: Path | None, journal: Path, rejects: Path) -> Path:
    """See that no file overwrites another; return the absolute path of *rejects*."""
    ours = (journal, rejects, part_of(rejects))
    files = (source, *ours) if source else ours
    if any(_is_same(one, other) for one, other in combinations(files, 2)):
        raise ImportStopError(
            "the file, its journal and its rejects file must be three different files"
        )
    return rejects.absolute()


def _is_same(one: Path, other: Path) -> bool:
    if one.resolve() == other.resolve():
        return True
    # One file may have several names, such as one for each spelling of its case.
    return one.exists() and other.exists() and one.samefile(other)


def _check_folder(rejects: Path) -> None:
    """See that the rejects file can be made, while nothing has been sent yet."""
    folder = rejects.parent
    if not folder.is_dir():
        raise ImportStopError(f"{rejects}: there is no folder {folder}")
    other = rejects.exists() and not rejects.is_file()
    if other or not os.access(folder, os.W_OK | os.X_OK):
        raise ImportStopError(f"{rejects}: the rejected rows cannot be written there")


async def program_of(client: Partnero) -> str:
    """Check the key, and say what it opens."""
    try:
        account = await client.account.test()
    except NotFoundError:
        # The key check is known from one source only. The address has to do.
        return repr(client)
    program = account.program
    return (program and program.pub_id) or repr(client)


def _fingerprint(source: Source, header: tuple[str, ...]) -> str:
    return json.dumps(
        {
            "header": header,
            "columns": dict(source.columns),
            "constants": dict(source.constants),
            "ignore": sorted(source.ignore),
            **_spelled(source),
        },
        sort_keys=True,
    )


def _spelled(source: Source) -> dict[str, Any]:
    """Return the options of spelling that are given: most imports have none."""
    options = attrs.asdict(source.spelling)
    return {name: value for name, value in options.items() if value}


def _claim(store: Store, about: dict[str, str]) -> float:
    """Make the journal that of this import, or see that it is; say when it began."""
    if store.meta("sha256") is None:
        # Nothing was sent under it, whatever it was for.
        store.keep(**about, began=str(time.time()))
    else:
        _check_claim(store, about)
        with store.explained():
            # What may be given otherwise; customers stay those that were given once.
            store.keep(update=about["update"], batch=about["batch"])
    return float(store.meta("began") or 0)


def _check_claim(store: Store, about: dict[str, str]) -> None:
    if store.meta("resource") != about["resource"]:
        raise JournalError(f"{store.path} is the journal of {store.meta('resource')}")
    _check_program(store, about["program"])
    kept, now = (
        json.loads(text) for text in (store.meta("mapping") or "", about["mapping"])
    )
    # A header that differs is a file that differs, and said so by the scan.
    if {**kept, "header": 0} != {**now, "header": 0}:
        raise JournalError(
            f"{store.path} was started with other --map, --set, --ignore,"
            " --decimal-comma or --date-format: give the same again, or a new journal"
        )


def _check_program(store: Store, program: str) -> None:
    if store.meta("program") != program:
        raise JournalError(
            f"{store.path} belongs to the program {store.meta('program')},"
            f" and this API key to {program}"
        )


def plan_in(store: Store, program: str) -> Plan:
    """Read from the journal how its rows become calls.

    Raises `JournalError` for a journal of another program than *program*.
    """
    _check_program(store, program)
    mapping = json.loads(store.meta("mapping") or "")
    source = Source(
        path=store.path,
        columns=mapping["columns"],
        constants=mapping["constants"],
        ignore=mapping["ignore"],
        decimal_comma=mapping.get("decimal_comma", False),
        date_format=mapping.get("date_format"),
    )
    resource = cast("ResourceName", store.meta("resource"))
    return plan_of(resource, source, mapping["header"])


# --- the run -----------------------------------------------------------------------


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
        async for row in rows_in(self.journal, *states):
            await self.outcomes.room()
            reason = stopped if row.state == "pending" else row.reason
            self.outcomes.add(RowOutcome(row.row, row.key, row.state, row.code, reason))

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
