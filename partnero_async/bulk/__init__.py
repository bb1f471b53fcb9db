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

from .exporting import Exported, export
from .fields import Field, ResourceName, fields_of
from .forms import Format
from .report import Listed, Progress, Report
from .run import resolve, run_import
from .source import Source
from .stops import (
    ColumnError,
    ExportError,
    ImportStopError,
    JournalError,
    JournalInUseError,
    SourceError,
)

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
