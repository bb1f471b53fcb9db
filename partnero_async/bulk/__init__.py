"""Bulk imports: rows in, one outcome a row, resumable.

::

    from partnero_async import Partnero
    from partnero_async.bulk import Source, run_import

    sales = Source(
        path="sales.csv",
        columns={"key": "Order", "customer.key": "Customer ID", "amount": "Total"},
        constants={"action": "sale"},
        ignore=["CDs"],
    )
    async with Partnero() as client:
        report = await run_import(client, "transactions", sales)

What was decided for each row is in the journal beside the file, so that a run that was
killed goes on where it stopped. A sale whose outcome is not known is never sent again
on its own: it is *parked*, and `resolve` looks it up.
"""

from .again import resolve, resume, retry_rejects, status
from .differences import Difference, DifferenceKind
from .fields import Field, ResourceName, fields_of
from .forecast import Forecast, Planned, Step
from .foresee import dry_run, plan_import
from .reconcile import reconcile
from .reconciliation import Reconciliation, Totals
from .report import Listed, Moment, Money, Outcome, Progress, Report
from .run import run_import
from .source import Source
from .stops import (
    ColumnError,
    ImportStopError,
    JournalError,
    JournalInUseError,
    JournalWriteError,
    SourceError,
)

__all__ = [
    "ColumnError",
    "Difference",
    "DifferenceKind",
    "Field",
    "Forecast",
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
    "Source",
    "SourceError",
    "Step",
    "Totals",
    "dry_run",
    "fields_of",
    "plan_import",
    "reconcile",
    "resolve",
    "resume",
    "retry_rejects",
    "run_import",
    "status",
]
