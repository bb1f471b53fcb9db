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
from typing import Any, Final, cast, get_args

import attrs

from ..client import Partnero
from ..errors import NotFoundError, PartneroError
from .doubt import Doubts
from .fields import ResourceName
from .given import gathered
from .journal import Journal
from .lookup import ALREADY_THERE
from .plan import Plan, plan_of
from .records import Rows
from .rejects import part_of, write_rejects
from .report import Doing, Listed, Progress, Report
from .scan import open_plan, scan
from .send import Halt, Sender, each, rows_in
from .source import Given, Source
from .stops import ImportStopError, JournalError, SourceError
from .store import State, Store
from .there import Survey

__all__ = ["resolve", "run_import"]

Watch = Callable[[Progress], None]

DRAIN: Final = 5.0
"""Seconds for what is under way, once somebody wants the run to end."""

TICK: Final = 0.2
"""Seconds between two reports of progress."""

LISTED: Final = 20
"""Rows that a report lists of a kind."""


async def run_import(
    client: Partnero,
    resource: ResourceName,
    source: Source | Path | str | Given,
    *,
    journal: Path | str | None = None,
    rejects: Path | str | None = None,
    concurrency: int = 32,
    settle: float = 5.0,
    on_progress: Watch | None = None,
    stop: asyncio.Event | None = None,
) -> Report:
    """Import rows, one call each; started again, go on.

    *source* is the path of a file (``-`` for standard input), rows, a frame, or a
    `Source` with options. What can be read only once needs a *journal* to be named, and
    to go on the same rows are given again. *journal* is ``FILE.journal`` and *rejects*
    ``FILE.rejects.csv`` where they are left out. *settle* is how many seconds a request
    of a killed run may still take to arrive: so long a sale in doubt is waited for
    before it is parked. Set *stop* to end early: nothing new is sent, and what is under
    way gets five seconds.

    Raises `ImportStopError` for a file, columns or a journal that cannot be used, and
    `PartneroError` for a key that is refused or an API that is not there: then nothing
    was sent. Whatever is about one row is in the report and not raised.
    """
    source = Source.of(source)
    path, rejected = _files(source, journal, rejects)
    _check_folder(rejected)
    source = await gathered(source)
    plan, rows = await asyncio.to_thread(open_plan, resource, source)
    about = {
        "resource": resource,
        "program": await _program(client),
        "mapping": _fingerprint(source, rows.header),
        "rejects": str(rejected),
    }
    async with Journal(path) as book:
        began = await book.do(lambda store: _claim(store, about))
        run = _Run(
            client=client,
            journal=book,
            plan=plan,
            concurrency=concurrency,
            settle=settle,
            watch=on_progress,
            halt=Halt(stop or asyncio.Event()),
            since=began,
        )
        async with run.reporting():
            await run.until_stopped(run.all_of(rows))
        return await run.report(rejected)


async def resolve(
    client: Partnero,
    journal: Path | str,
    *,
    send_absent: bool = False,
    settle: float = 30.0,
    concurrency: int = 8,
    on_progress: Watch | None = None,
    stop: asyncio.Event | None = None,
) -> Report:
    """Look up the rows of *journal* that are in doubt.

    What is found is done. What is not stays parked; with *send_absent* it is sent, once
    *settle* seconds have passed since it was sent the last time and two more look-ups
    find nothing. What is found more than once, or with other values, stays parked.

    Raises what `run_import` raises.
    """
    program = await _program(client)
    async with Journal(Path(journal), make=False) as book:
        plan = await book.do(lambda store: _plan_in(store, program))
        run = _Run(
            client=client,
            journal=book,
            plan=plan,
            concurrency=concurrency,
            settle=settle,
            watch=on_progress,
            halt=Halt(stop or asyncio.Event()),
        )
        async with run.reporting():
            await run.until_stopped(run.resolving(send_absent=send_absent))
        rejected = await book.do(lambda store: store.meta("rejects"))
        return await run.report(Path(rejected or f"{journal}.rejects.csv"))


# --- before anything is sent -----------------------------------------------------


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
    if rejects.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise ImportStopError(f"{rejects}: the rejected rows cannot be written there")


async def _program(client: Partnero) -> str:
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


def _plan_in(store: Store, program: str) -> Plan:
    if store.meta("sha256") is None:
        raise JournalError(f"{store.path}: nothing was sent under this journal")
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
class _Run:
    client: Partnero
    journal: Journal
    plan: Plan
    concurrency: int
    settle: float
    watch: Watch | None
    halt: Halt
    since: float = 0.0
    """When the first run of the journal began, in Unix seconds."""
    read_as: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """What the source was taken for."""
    progress: Progress = attrs.field(factory=Progress)
    began: float = attrs.field(factory=time.monotonic)
    sender: Sender = attrs.field(init=False)
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
        )
        self.doubts = Doubts(
            sender=self.sender,
            journal=self.journal,
            concurrency=self.concurrency,
            settle=self.settle,
        )

    # --- what is done ---

    async def all_of(self, rows: Rows) -> None:
        """Read the rows in, see what is there, settle what is in doubt, send the rest.

        All of it can be cut short anywhere, and begun again.
        """
        self.read_as = rows.about
        await self.journal.do(lambda store: self._scan(store, rows))
        await self._recount("preparing")
        if self.plan.resource == "transactions":
            await self._guarded(self._prepare_sales())
        else:
            # The API keeps these unique, so what was under way may be sent again.
            await self.journal.do(lambda store: store.reopen("sent", "parked"))
        await self._recount("sending")
        while not self.halt and await self._left():
            await self._send_pending()
            # What found no API is pending again, so that it may take another round.
            await self.journal.flush()

    async def resolving(self, *, send_absent: bool) -> None:
        """Look up what is in doubt, and send what is absent if that is wanted."""
        await self._recount("looking up")
        await self.doubts.look_again()
        if send_absent:
            await self._recount("sending")
            await self.doubts.send_absent()

    def _scan(self, store: Store, rows: Rows) -> None:
        try:
            scan(store, rows, self.plan, watch=self._scanned)
        except SourceError:
            if store.meta("sha256") is None:
                store.remove()
            raise

    def _scanned(self, rows: int) -> None:
        self.progress.rows = rows
        if self.halt:
            raise _StoppedError

    async def _prepare_sales(self) -> None:
        survey = Survey(
            client=self.client,
            journal=self.journal,
            sender=self.sender,
            concurrency=self.concurrency,
        )
        await survey.take()
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
        await each(
            rows_in(self.journal, "pending"),
            self.sender.send,
            concurrency=self.concurrency,
            halt=self.halt,
        )

    # --- until when ---

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
    async def reporting(self) -> AsyncGenerator[None]:
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
        progress.elapsed = time.monotonic() - self.began
        if self.watch:
            self.watch(progress)

    async def _recount(self, doing: Doing) -> None:
        counts = _by_state(await self.journal.do(Store.counts))
        progress = self.progress
        progress.doing, progress.rows = doing, sum(counts.values())
        progress.done, progress.rejected = counts["done"], counts["rejected"]
        progress.parked = counts["parked"]

    async def report(self, rejects: Path) -> Report:
        """Write the rejects file, and say what came of it all."""
        return await self.journal.do(lambda store: self._report(store, rejects))

    def _report(self, store: Store, rejects: Path) -> Report:
        counts = store.counts()
        written, problem = _written(store, rejects)
        there = sum(count for _, code, count in counts if code == ALREADY_THERE)
        return Report(
            resource=self.plan.resource,
            journal=store.path,
            rejects=written,
            rejects_problem=problem,
            read_as=dict(self.read_as),
            rows=sum(count for _, _, count in counts),
            **_by_state(counts),
            already_there=there,
            requests=self.progress.requests,
            throttled=self.progress.throttled,
            elapsed=round(self.progress.elapsed, 3),
            interrupted=self.halt.stop.is_set(),
            refused=self.halt.refused,
            unreachable=self.halt.unreachable,
            first_rejected=_listed(store, "rejected"),
            first_parked=_listed(store, "parked"),
        )


def _written(store: Store, rejects: Path) -> tuple[Path | None, str | None]:
    """Write the rejects file; a problem with it must not cost the report."""
    try:
        return write_rejects(store, rejects), None
    except OSError as error:
        return None, f"{rejects}: {error.strerror}"


def _by_state(counts: list[tuple[State, str | None, int]]) -> dict[str, int]:
    sums = dict.fromkeys(get_args(State), 0)
    for state, _, count in counts:
        sums[state] += count
    return sums


def _listed(store: Store, state: State) -> list[Listed]:
    rows = store.fetch((state,), after=0, limit=LISTED)
    return [Listed(row.row, row.key, row.code, row.reason or "") for row in rows]
