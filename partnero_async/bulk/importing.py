"""An import from its start to its report."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ..client import Partnero
from .batch import Batch, checked_batch
from .buyers import refers_friends
from .claim import check_folder, claim, files_of, fingerprint, program_of
from .course import Run, Watch
from .fields import ResourceName
from .given import gathered
from .halt import Halt, check_options
from .journal import Journal
from .outcomes import Outcomes
from .plan import Plan
from .report import Report
from .scan import open_plan
from .source import Given, Source
from .stops import ImportStopError
from .table import Rows

__all__ = [
    "buyers_in",
    "check_for_sales",
    "imported",
    "run_import",
]


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
    that the row has. Given for the first time under a *journal*, it is also for the
    rows that were rejected for this before.

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
    check_options(concurrency, settle=settle)
    check_for_sales(resource, batch=batch, customers=customers)
    source = Source.of(source)
    bought = None if customers is None else Source.of(customers)
    path, rejected = files_of(
        source, journal, rejects, customers=None if bought is None else bought.file
    )
    check_folder(path, "the journal")
    check_folder(rejected)
    source = await gathered(source)
    plan, rows = await asyncio.to_thread(open_plan, resource, source)
    buyers = None if bought is None else await buyers_in(client, bought)
    about = {
        "resource": resource,
        "program": await program_of(client),
        "mapping": fingerprint(source, rows.header),
        "defused": "yes" if plan.defused else "",
        "rejects": str(rejected),
        "update": "yes" if update else "",
        "batch": batch,
        "customers": "yes" if buyers else "",
    }
    async with Journal(path) as book:
        began = await book.do(lambda store: claim(store, about, plan))
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
    """Raise `ImportStopError` for options of sales that cannot be."""
    checked_batch(batch)
    if resource != "transactions" and (batch != "no" or customers is not None):
        raise ImportStopError("batches and customers are for transactions")


async def buyers_in(
    client: Partnero, customers: Source | Path | str | Given
) -> tuple[Plan, Rows]:
    """Open the customers who may be created with their sales.

    Raises `ImportStopError` in a refer-a-friend program, whose customers have other
    columns.
    """
    if await refers_friends(client):
        raise ImportStopError(
            "customers are created with their sales in affiliate programs only, and"
            " this key belongs to a refer-a-friend program: import them first, as"
            " referrals"
        )
    source = await gathered(Source.of(customers))
    return await asyncio.to_thread(open_plan, "customers", source)
