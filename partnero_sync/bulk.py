"""Bulk imports, without ``await``: rows in, one outcome a row, resumable.

::

    from partnero_sync import Partnero
    from partnero_sync.bulk import run_import

    with Partnero() as client:
        report = run_import(client, "transactions", "sales.csv")

`run_import`, `resolve` and `export` are this package's own; all other names are those
of `partnero_async.bulk`, the same objects.
"""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO, TypeVar

from partnero_async import Partnero as AsyncPartnero
from partnero_async import bulk as _bulk
from partnero_async.bulk import (
    ColumnError,
    Exported,
    ExportError,
    Field,
    Format,
    ImportStopError,
    JournalError,
    JournalInUseError,
    Listed,
    Progress,
    Report,
    ResourceName,
    Source,
    SourceError,
    fields_of,
)
from partnero_async.bulk.exporting import Exporting
from partnero_async.bulk.forms import How, format_of

from ._portal import TEARDOWN, Portal, Trip, deliver
from .client import Partnero
from .pages import Pages

__all__ = [
    "ColumnError",
    "ExportError",
    "Exported",
    "Field",
    "Format",
    "ImportStopError",
    "JournalError",
    "JournalInUseError",
    "Listed",
    "Progress",
    "Report",
    "ResourceName",
    "Source",
    "SourceError",
    "export",
    "fields_of",
    "resolve",
    "run_import",
]

T = TypeVar("T")

Watch = Callable[[Progress], None]
Begin = Callable[[Watch, asyncio.Event], Coroutine[Any, Any, Report]]


def run_import(
    client: Partnero,
    resource: ResourceName,
    source: Source | Path | str,
    *,
    journal: Path | str | None = None,
    rejects: Path | str | None = None,
    concurrency: int = 32,
    settle: float = 5.0,
    on_progress: Watch | None = None,
    stop: threading.Event | None = None,
) -> Report:
    """Import the rows of a CSV file, one call each; started again, go on.

    *journal* is ``FILE.journal`` and *rejects* ``FILE.rejects.csv`` where they are left
    out. *settle* is how many seconds a request of a killed run may still take to
    arrive: so long a sale in doubt is waited for before it is parked. *on_progress* is
    called in this thread, several times a second.

    Set *stop* to end early: nothing new is sent, and what is under way gets five
    seconds. Ctrl-C, and an exception of *on_progress*, do the same and are then raised;
    a second Ctrl-C ends it at once. The journal is in order either way.

    Raises `ImportStopError` for a file, columns or a journal that cannot be used, and
    `PartneroError` for a key that is refused or an API that is not there: then nothing
    was sent. Whatever is about one row is in the report and not raised.
    """
    inner, portal = _inside(client)

    def begin(watch: Watch, halt: asyncio.Event) -> Coroutine[Any, Any, Report]:
        return _bulk.run_import(
            inner,
            resource,
            source,
            journal=journal,
            rejects=rejects,
            concurrency=concurrency,
            settle=settle,
            on_progress=watch,
            stop=halt,
        )

    return _Run(portal, begin).report(on_progress, stop)


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
    inner, portal = _inside(client)

    def begin(watch: Watch, halt: asyncio.Event) -> Coroutine[Any, Any, Report]:
        return _bulk.resolve(
            inner,
            journal,
            send_absent=send_absent,
            settle=settle,
            concurrency=concurrency,
            on_progress=watch,
            stop=halt,
        )

    return _Run(portal, begin).report(on_progress, stop)


def export(
    pages: Pages[T],
    target: Path | str | BinaryIO,
    *,
    format: Format | None = None,  # noqa: A002 - as other libraries name it
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
    wrapped, portal = pages._wrapped, pages._portal  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
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


def _inside(client: Partnero) -> tuple[AsyncPartnero, Portal]:
    return client._async, client._portal  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


class _Run:
    """A run on the client's loop, and what it tells on the way."""

    def __init__(self, portal: Portal, begin: Begin) -> None:
        self._portal = portal
        self._halt = asyncio.Event()
        self._told: SimpleQueue[Progress | None] = SimpleQueue()
        # None is the end of what is told.
        self._trip = Trip(begin(self._tell, self._halt), lambda: self._told.put(None))

    def report(self, watch: Watch | None, stop: threading.Event | None) -> Report:
        """Wait for its end, and pass on what it tells."""
        trip = self._trip
        try:
            self._portal.send(trip)
            return self._portal.wait(trip, lambda: self._follow(watch, stop))
        except BaseException:
            trip.abandon(TEARDOWN)
            raise
        finally:
            del trip, self._trip

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
