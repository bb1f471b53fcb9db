"""Bulk imports, without ``await``: rows in, one outcome a row, resumable.

::

    from partnero_sync import Partnero
    from partnero_sync.bulk import run_import

    with Partnero() as client:
        report = run_import(client, "transactions", "sales.csv")

The functions that take a client or a list, and `status`, are this package's own; all
other names are those of `partnero_async.bulk`, the same objects.
"""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import (
    AsyncGenerator,
    Callable,
    Collection,
    Coroutine,
    Generator,
)
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO, Generic, TypeVar, cast

from partnero_async import Partnero as AsyncPartnero
from partnero_async import bulk as _bulk
from partnero_async.bulk import (
    Batch,
    ColumnError,
    Difference,
    DifferenceKind,
    Exported,
    ExportError,
    ExportFormat,
    Field,
    Forecast,
    Format,
    Frame,
    Given,
    ImportStopError,
    JournalError,
    JournalInUseError,
    JournalWriteError,
    Listed,
    Moment,
    Money,
    Outcome,
    Planned,
    Progress,
    Reconciliation,
    Report,
    ResourceName,
    RowOutcome,
    Source,
    SourceError,
    SourceOptions,
    Step,
    Totals,
    fields_of,
    load_mapping,
    mapping_names,
)
from partnero_async.bulk.again import read_status
from partnero_async.bulk.exporting import Exporting
from partnero_async.bulk.foresee import checked
from partnero_async.bulk.forms import How, format_of
from partnero_async.bulk.given import gather
from partnero_async.bulk.stream import stream
from partnero_async.errors import UsageError
from partnero_async.pages import Pages as AsyncPages

from ._portal import TEARDOWN, Portal
from ._trip import Trip, deliver
from .client import Partnero
from .pages import Pages, steps

__all__ = [
    "Batch",
    "ColumnError",
    "Difference",
    "DifferenceKind",
    "ExportError",
    "ExportFormat",
    "Exported",
    "Field",
    "Forecast",
    "Format",
    "Frame",
    "Given",
    "ImportStopError",
    "JournalError",
    "JournalInUseError",
    "JournalWriteError",
    "Listed",
    "Moment",
    "Money",
    "Outcome",
    "Planned",
    "Progress",
    "Reconciliation",
    "Report",
    "ResourceName",
    "RowOutcome",
    "Source",
    "SourceError",
    "SourceOptions",
    "Step",
    "Totals",
    "dry_run",
    "export",
    "fields_of",
    "load_mapping",
    "mapping_names",
    "plan_import",
    "reconcile",
    "resolve",
    "resume",
    "retry_rejects",
    "run",
    "run_import",
    "status",
]

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds that the end of an import which nobody follows any more is waited for."""

Watch = Callable[[Progress], None]
Begin = Callable[[Watch, asyncio.Event], Coroutine[Any, Any, T]]


def run_import(
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
    stop: threading.Event | None = None,
) -> Report:
    """Import rows, one call each; started again, go on.

    *source* is the path of a file (``-`` for standard input), rows, a frame, or a
    `Source` with options; an iterable is walked in this thread. What can be read only
    once needs a *journal* to be named, and to go on the same rows are given again.
    *journal* is ``FILE.journal`` and *rejects* ``FILE.rejects.csv`` where they are left
    out. What is there already with other values is left alone and its row rejected;
    *update* changes it, as far as the API lets it be changed, to what its row says:
    only fields that the row has.

    *settle* is how many seconds a request of a killed run may still take to
    arrive: so long a sale in doubt is waited for before it is parked. *on_progress* is
    called in this thread, several times a second.

    With *batch* sales of a customer go together, up to a hundred in a call:
    ``"documented"`` those that have just a key, an amount and an action, which is what
    the API's documentation shows of a batch; ``"all-fields"`` all of them, where the
    program takes that: one batch is tried and compared before the next. *customers* is
    a file of customers, with the columns of such an import: those who buy and are not
    there are created together with their first sale.

    Set *stop* to end early: nothing new is sent, and what is under way gets five
    seconds. Ctrl-C, and an exception of *on_progress*, do the same and are then raised;
    a second Ctrl-C ends it at once. The journal is in order either way.

    Raises `ImportStopError` for a file, columns or a journal that cannot be used, and
    `PartneroError` for a key that is refused or an API that is not there: then nothing
    was sent. Whatever is about one row is in the report and not raised.
    """
    inside = _inside(client)
    source = Source.of(source)
    if source.file or journal:
        # Here and not on the loop: what it is made of may belong to this thread.
        source = gather(source)
    buyers = None if customers is None else gather(Source.of(customers))
    return _run(
        inside,
        _bulk.run_import,
        resource,
        source,
        journal=journal,
        rejects=rejects,
        update=update,
        concurrency=concurrency,
        settle=settle,
        batch=batch,
        customers=buyers,
        on_progress=on_progress,
        stop=stop,
    )


def run(
    create: Callable[..., Any],
    rows: Source | Path | str | Given,
    *,
    journal: Path | str | None = None,
    update: bool = False,
    concurrency: int = 32,
    settle: float = 5.0,
    batch: Batch = "no",
    customers: Source | Path | str | Given | None = None,
) -> Generator[RowOutcome]:
    """Import rows, and yield what came of each as soon as it is known.

    ::

        for outcome in bulk.run(client.transactions.create, rows, journal="j"):
            if outcome.state != "done":
                print(outcome.row, outcome.key, outcome.reason)

    *create* is the create method of a resource that can be imported; rows and options
    are those of `run_import`. Each row is yielded once, in no certain order: at the
    end, those that are in doubt or still to be sent. With a *journal* a run that was
    cut short goes on, and what it had decided is yielded first. Without one, nobody can
    look up what is in doubt once the process has died.

    Who takes slowly makes the import slow, and who leaves the loop ends it in order:
    what is under way gets five seconds.

    Raises what `run_import` raises.
    """
    owner = getattr(create, "__self__", None)
    portal, wrapped = getattr(owner, "_portal", None), getattr(owner, "_wrapped", None)
    if not isinstance(portal, Portal):
        raise UsageError(f"{create!r} creates nothing that can be imported")
    walk = stream(
        getattr(wrapped, create.__name__),
        gather(Source.of(rows)),
        journal=journal,
        update=update,
        concurrency=concurrency,
        settle=settle,
        batch=batch,
        customers=None if customers is None else gather(Source.of(customers)),
    )
    for some in steps(portal, walk, patience=PATIENCE, imports=True):
        yield from some


def resolve(
    client: Partnero,
    journal: Path | str,
    *,
    send_absent: bool = False,
    settle: float = 30.0,
    concurrency: int = 8,
    on_progress: Watch | None = None,
    stop: threading.Event | None = None,
) -> Report:
    """Look up the rows of *journal* that are in doubt.

    What is found is done. What is not stays parked; with *send_absent* it is sent, once
    *settle* seconds have passed since it was sent the last time and two more look-ups
    find nothing. What is found more than once, or with other values, stays parked.

    Ends early as `run_import` does, and raises what it raises.
    """
    return _run(
        _inside(client),
        _bulk.resolve,
        journal,
        send_absent=send_absent,
        settle=settle,
        concurrency=concurrency,
        on_progress=on_progress,
        stop=stop,
    )


def reconcile(
    client: Partnero,
    source: Source | Path | str | Given,
    *,
    surplus: bool = False,
    concurrency: int = 16,
    on_progress: Callable[[str, int], None] | None = None,
) -> Reconciliation:
    """Compare a file of sales with what the program holds, and change nothing.

    A sale is looked for by its key, and compared in all that the file says of it. Where
    the file names no partner, a sale has to be that of its customer's partner. With
    *surplus*, sales are differences too that the file does not have.

    *on_progress* is told, in this thread, what is done and how many so far, such as
    ``("rows read", 2000)``. Memory does not grow with the file.

    Raises `ImportStopError` for a file or columns that cannot be used, and
    `PartneroError` where the program cannot be read.
    """
    inner, portal = _inside(client)
    whole = gather(Source.of(source))
    told: SimpleQueue[tuple[str, int] | None] = SimpleQueue()
    work = _bulk.reconcile(
        inner,
        whole,
        surplus=surplus,
        concurrency=concurrency,
        on_progress=lambda what, count: told.put((what, count)),
    )

    def follow() -> None:
        while progress := told.get():
            deliver()
            if on_progress:
                on_progress(*progress)

    return _followed(portal, Trip(work, lambda: told.put(None)), follow)


def resume(
    client: Partnero,
    journal: Path | str,
    *,
    concurrency: int = 32,
    settle: float = 5.0,
    on_progress: Watch | None = None,
    stop: threading.Event | None = None,
) -> Report:
    """Go on with an import whose file was read to its end: its rows are in *journal*.

    Options are as in `run_import`, and so is what is raised.
    """
    return _run(
        _inside(client),
        _bulk.resume,
        journal,
        concurrency=concurrency,
        settle=settle,
        on_progress=on_progress,
        stop=stop,
    )


def retry_rejects(
    client: Partnero,
    journal: Path | str,
    *,
    codes: Collection[str] = (),
    update: bool | None = None,
    concurrency: int = 32,
    settle: float = 5.0,
    on_progress: Watch | None = None,
    stop: threading.Event | None = None,
) -> Report:
    """Try the rejected rows of *journal* again, and go on with what is pending.

    A rejected row was refused, so it is not in the program. It is checked anew like any
    other row, and sent if there is nothing wrong with it any more, such as once its
    customer exists. *codes* takes only the rows that were rejected for these reasons.
    *update* is as in `run_import`, and as it was there when it is left out.

    Other options are as in `run_import`, and so is what is raised.
    """
    return _run(
        _inside(client),
        _bulk.retry_rejects,
        journal,
        codes=codes,
        update=update,
        concurrency=concurrency,
        settle=settle,
        on_progress=on_progress,
        stop=stop,
    )


def dry_run(resource: ResourceName, source: Source | Path | str | Given) -> Forecast:
    """Check all rows of *source* as an import does, without a key or a request.

    Raises `ImportStopError` for a file or columns that cannot be used.
    """
    return checked(resource, gather(Source.of(source)))


def plan_import(
    client: Partnero,
    resource: ResourceName,
    source: Source | Path | str | Given,
    *,
    update: bool = False,
    customers: Source | Path | str | Given | None = None,
    concurrency: int = 8,
    on_progress: Watch | None = None,
    stop: threading.Event | None = None,
) -> Forecast:
    """Say what an import would create, change, leave alone and refuse; send nothing.

    All rows are checked, and compared with what the program has: its lists are walked,
    eight pages at once, where that is cheaper than asking for each row. With *update*
    rows that differ from what is there are planned as changes, as `run_import` makes
    them. Rows that refer to rows of the same file are taken to find them, and sales
    their buyer among *customers*.

    Ends early as `run_import` does. Raises `ImportStopError` for a file or columns that
    cannot be used, and `PartneroError` for a key that is refused or an API that does
    not answer.
    """
    inside = _inside(client)
    whole = gather(Source.of(source))
    buyers = None if customers is None else gather(Source.of(customers))
    return _run(
        inside,
        _bulk.plan_import,
        resource,
        whole,
        update=update,
        customers=buyers,
        concurrency=concurrency,
        on_progress=on_progress,
        stop=stop,
        imports=False,
    )


def status(journal: Path | str) -> Report:
    """Say what is done, rejected, pending and in doubt; nothing is sent or changed.

    Raises `JournalInUseError` while an import is using *journal*, and `JournalError`
    for a file that is no journal, or one without rows.
    """
    return read_status(journal)


def export(
    pages: Pages[T],
    target: Path | str | BinaryIO,
    *,
    format: ExportFormat | None = None,  # noqa: A002 - as other libraries name it
    window: int = 1,
    raw: bool = False,
    importable: bool = False,
    resume: bool = True,
    on_progress: Callable[[Exported], None] | None = None,
) -> Exported:
    """Write all items of a list to a file, or to a binary stream.

    *format* is that of the file's name where it is left out. *window* pages are asked
    for at once. *on_progress* is told of each page.

    The file appears when it is whole. Until then ``FILE.part`` has what is there, and
    the same export goes on with it, wherever it was stopped or killed, each item once;
    *resume* off begins anew. What is added to the list or deleted from it meanwhile may
    be in the file or not. A stream is written as the pages come.

    CSV: a cell that begins like a formula gets a ``'`` before it, except for numbers;
    *raw* leaves all cells as they are. *importable* writes the columns that
    `run_import` takes, and leaves out what is archived, deleted or pending. JSON lines
    have each member of the model, those of ``extra`` among them. Parquet has the
    columns of `Pages.to_arrow`.

    *on_progress* is called in this thread, a stream is written in another.

    Raises `ExportError` where the file cannot be written, or what is beside it is of
    another export, `UsageError` for a format that does not go, and what reading the
    list raises.
    """
    wrapped, portal = _behind(pages)
    how = How(format=format or format_of(target), raw=raw, importable=importable)
    run = Exporting(wrapped, target, how=how, window=window, resume=resume)
    steps = run.steps()
    try:
        while told := portal.run(_step(steps)):
            if on_progress:
                on_progress(told)
    finally:
        portal.run(steps.aclose())
    return run.told


async def _step(steps: AsyncGenerator[Exported]) -> Exported | None:
    return await anext(steps, None)


def _inside(client: object) -> tuple[AsyncPartnero, Portal]:
    if not isinstance(client, Partnero):
        raise UsageError(
            f"got a {_type(client)}: give a client of partnero_sync"
            " (one of partnero_async goes with partnero_async.bulk)"
        )
    return client._async, client._portal  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


def _behind(pages: Pages[T]) -> tuple[AsyncPages[T], Portal]:
    if not isinstance(cast("object", pages), Pages):
        raise UsageError(
            f"got a {_type(pages)}: give a list of the API, such as"
            " client.customers.list() of a client of partnero_sync"
        )
    return pages._wrapped, pages._portal  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


def _type(given: object) -> str:
    return f"{type(given).__module__}.{type(given).__qualname__}"


def _run(
    inside: tuple[AsyncPartnero, Portal],
    work: Callable[..., Coroutine[Any, Any, T]],
    *arguments: Any,
    on_progress: Watch | None,
    stop: threading.Event | None,
    imports: bool = True,
    **options: Any,
) -> T:
    """Do *work* on the client's loop, and tell of it in this thread."""
    inner, portal = inside

    def begin(watch: Watch, halt: asyncio.Event) -> Coroutine[Any, Any, T]:
        return work(inner, *arguments, **options, on_progress=watch, stop=halt)

    return _Run(portal, begin, imports=imports).report(on_progress, stop)


def _followed(portal: Portal, trip: Trip[T], follow: Callable[[], None]) -> T:
    """Wait for the end of *trip*; *follow* what it tells on the way, to its end."""
    try:
        portal.send(trip)
        return portal.wait(trip, follow)
    except BaseException:
        trip.abandon(TEARDOWN)
        raise
    finally:
        del trip


class _Run(Generic[T]):
    """A run on the client's loop, and what it tells on the way."""

    def __init__(self, portal: Portal, begin: Begin[T], *, imports: bool) -> None:
        self._portal = portal
        self._halt = asyncio.Event()
        self._told: SimpleQueue[Progress | None] = SimpleQueue()
        # None is the end of what is told.
        self._trip = Trip(
            begin(self._tell, self._halt),
            lambda: self._told.put(None),
            imports=imports,
        )

    def report(self, watch: Watch | None, stop: threading.Event | None) -> T:
        """Wait for its end, and pass on what it tells."""
        try:
            return _followed(
                self._portal, self._trip, lambda: self._follow(watch, stop)
            )
        finally:
            del self._trip

    def _tell(self, progress: Progress) -> None:
        # On the loop's thread, which goes on changing it.
        self._told.put(copy.copy(progress))

    def _follow(self, watch: Watch | None, stop: threading.Event | None) -> None:
        try:
            # Told now and then by the run itself, so nothing has to be polled.
            while isinstance(progress := self._newest(), Progress):
                deliver()
                if watch:
                    watch(progress)
                if stop and stop.is_set():
                    self._trip.soon(self._halt.set)
        except BaseException:
            self._trip.soon(self._halt.set)
            self._trip.join()
            raise

    def _newest(self) -> Progress | None:
        """Wait for what is told next, and skip what a slow watcher has missed."""
        told = self._told.get()
        while isinstance(told, Progress) and not self._told.empty():
            told = self._told.get()
        return told
