"""Bulk imports: rows in, one outcome a row, resumable; and lists out to files.

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

`export` writes a list to a file, and goes on where it was stopped::

    await export(client.transactions.list(limit=250), "sales.csv")
"""

from .again import resolve, resume, retry_rejects, status
from .batch import Batch
from .differences import Difference, DifferenceKind
from .exporting import Exported, export
from .fields import Field, ResourceName, fields_of
from .forecast import Forecast, Planned, Step
from .foresee import dry_run, plan_import
from .forms import ExportFormat
from .importing import run_import
from .mapping_file import SourceOptions, load_mapping, mapping_names
from .outcomes import RowOutcome
from .reconciliation import Reconciliation, Totals
from .reconciling import reconcile
from .report import Listed, Moment, Money, Outcome, Progress, Report
from .source import Format, Frame, Given, Source
from .stops import (
    ColumnError,
    ExportError,
    ImportStopError,
    JournalError,
    JournalInUseError,
    JournalWriteError,
    SourceError,
)
from .stream import run

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
