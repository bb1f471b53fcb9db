"""Why an import or an export does not start: one line, for whoever started it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import PartneroError, UsageError

if TYPE_CHECKING:
    from .report import Report

__all__ = [
    "ColumnError",
    "ExportError",
    "ImportStopError",
    "JournalError",
    "JournalInUseError",
    "JournalWriteError",
    "SourceError",
]


class ImportStopError(UsageError):
    """The import cannot start as things are."""


class SourceError(ImportStopError):
    """The file cannot be read as rows of cells."""

    def __init__(self, message: str, *, row: int = 0, line: int = 0) -> None:
        at = f" (line {line})" if line else ""
        where = f"row {row}{at}: " if row else ""
        super().__init__(where + message)
        self.row = row
        """The data row, counted from 1; 0 where it is not about a row."""
        self.line = line
        """The line of the file, counted from 1; 0 where it is not about a row."""


class ColumnError(ImportStopError):
    """The file's columns do not fit the fields of the API, or a constant does not."""


class JournalError(ImportStopError):
    """The journal does not belong to this import, or cannot be used."""


class JournalWriteError(JournalError):
    """The journal can be written no more, as on a full disk: then nothing is sent.

    Rows whose outcome it could not take are in doubt, and looked up by the next run.
    """

    hint = "See to the disk, then start the same again: it goes on."

    report: Report | None = None
    """What came of it all so far; None where nothing was sent."""


class JournalInUseError(JournalError):
    """Another process writes to this journal."""


class ExportError(PartneroError):
    """The file cannot be written, or what is beside it is of another export."""
