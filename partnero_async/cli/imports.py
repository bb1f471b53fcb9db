"""`partnero import`: rows of a file, one call each, resumable."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from cyclopts import App

from ..bulk import (
    Batch,
    Forecast,
    ImportStopError,
    Progress,
    Report,
    ResourceName,
    Source,
    SourceOptions,
    fields_of,
    load_mapping,
    plan_import,
    run_import,
)
from ..bulk.claim import check_folder, files_of
from ..bulk.foresee import checked
from ..bulk.importing import check_for_sales
from ..client import Partnero
from ._input import File, Input
from ._options import Concurrency, Limit, Seconds, Switch
from ._runs import foretell, run, to_the_end
from .journals import commands

__all__ = ["app"]

EPILOGUE = """\
Exit codes: 0 all rows are done; 1 some were rejected or are still to be sent, because
the API did not answer, asked for a long wait or refused the key on the way (start it
again to go on); 2 it could not start, or the key was refused and no row is done;
3 some rows are in doubt (`partnero import resolve JOURNAL` looks them up), whatever
else happened, except for 130 interrupted (start it again to go on).
"""

app: App = App(
    name="import",
    help="Import the rows of a file; started again, it goes on where it stopped.",
    help_epilogue=EPILOGUE,
)


def _command(resource: ResourceName) -> Callable[..., int]:
    """Make the command of one resource; its help names the columns it takes."""

    def command(
        file: File,
        /,
        *,
        read: Input = Input(),  # noqa: B008 - it is frozen
        journal: Path | None = None,
        rejects: Path | None = None,
        dry_run: Switch = False,
        plan: Switch = False,
        update: Switch = False,
        batch: Batch = "no",
        customers: Path | None = None,
        customers_mapping: str | None = None,
        concurrency: Concurrency = 32,
        limit: Limit = None,
        settle: Seconds = 5.0,
        report: Path | None = None,
        json: Switch = False,
    ) -> int:
        check_for_sales(resource, batch=batch, customers=customers)
        source = read.source(file, resource)
        buyers = _buyers(customers, customers_mapping)

        if dry_run and not plan:
            # What has been copied of the file is removed then, as it is on Ctrl-C.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            return foretell(checked(resource, source), as_json=json)

        async def look(
            client: Partnero, watch: Callable[[Progress], None], stop: asyncio.Event
        ) -> Forecast:
            return await plan_import(
                client,
                resource,
                source,
                update=update,
                customers=buyers,
                concurrency=concurrency,
                on_progress=watch,
                stop=stop,
            )

        if plan:
            return foretell(run(look, limit=limit), as_json=json)

        async def work(
            client: Partnero, watch: Callable[[Progress], None], stop: asyncio.Event
        ) -> Report:
            return await run_import(
                client,
                resource,
                source,
                journal=journal,
                rejects=rejects,
                update=update,
                batch=batch,
                customers=buyers,
                concurrency=concurrency,
                settle=settle,
                on_progress=watch,
                stop=stop,
            )

        if report:
            bought = None if buyers is None else buyers.file
            files_of(source, journal, rejects, customers=bought, page=report)
            check_folder(report, "the page")
        return to_the_end(work, limit=limit, page=report, as_json=json)

    command.__doc__ = _help(resource)
    return command


def _help(resource: ResourceName) -> str:
    columns = ", ".join(f"`{name}`" for name in fields_of(resource))
    return f"""Import {resource} from a file.

    Columns: {columns}. An empty cell is not sent. Amounts are written 1234.56, dates
    2024-01-31 or 2024-01-31T12:00:00Z, several tags one;two.

    Parameters
    ----------
    file
        CSV, whose first line names the columns, JSON Lines, Parquet or Arrow; text may
        be compressed with gzip. `-` is standard input, and needs --journal.
    journal
        What was decided for each row, FILE.journal when left out. With it the same
        command goes on where it stopped.
    rejects
        The rows that were rejected and why, FILE.rejects.csv when left out. Mended, it
        can be imported like any other file.
    dry_run
        Check all rows and send nothing; it needs no API key and leaves no journal.
    plan
        Look at what is there too, and show what would be created, updated, left alone
        and refused; nothing is changed.
    update
        Change what is there with other values to what its row says, as far as the API
        lets it be changed; without it such rows are rejected.
    batch
        Sales of a customer in one call: `documented` for those that have just a key, an
        amount and an action; `all-fields` for all, where the program takes them, which
        is tried on one batch first. For transactions only.
    customers
        A file of customers: those who buy and are not there are created with their
        first sale, which costs no request. For transactions only.
    customers_mapping
        Their mapping, like --mapping.
    concurrency
        Requests at once.
    limit
        What the program is allowed, such as 1000/min; learnt when left out.
    settle
        Seconds that a request of a killed run may still take to arrive.
    report
        A page to write, such as report.html: what came of it all, to look at.
    json
        Print the report as one line of JSON.
    """


def _buyers(file: Path | None, mapping: str | None) -> Source | None:
    if file is None:
        if mapping:
            raise ImportStopError("--customers-mapping is for a file: --customers FILE")
        return None
    options = load_mapping(mapping, "customers") if mapping else SourceOptions()
    return Source(path=file, **options)


def _register() -> None:
    resources: tuple[ResourceName, ...] = get_args(ResourceName)
    for resource in resources:
        names = sorted({resource.replace("_", "-"), resource})
        app.command(_command(resource), name=names)
    for name, command in commands.items():
        app.command(command, name=name)


_register()
