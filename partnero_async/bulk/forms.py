"""The forms that a list is exported in: each writes pages as they come."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, Protocol, get_args

import attrs

from .. import _frames
from .._records import json_lines
from ..errors import UsageError
from .carried import is_whole
from .columns import Column, columns_of, in_force
from .formulas import as_it_was, defused

__all__ = ["ExportFormat", "Form", "How", "format_of"]

ExportFormat = Literal["csv", "jsonl", "parquet"]
"""The formats that a list can be exported in."""

SUFFIXES: Final[dict[str, ExportFormat]] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}

TOGETHER: Final = 10_000
"""Rows of a group in a Parquet file: as many are kept in memory."""


class Form(Protocol):
    """What writes items."""

    rows: int
    """Items written."""
    defused: int
    """Cells that begin like a formula, and got a ``'`` before it."""
    left_out: int
    """Items that an import would make more of than they are."""
    incomplete: int
    """Items of which an import makes less than they are."""

    def write(self, items: Sequence[Any]) -> None:
        """Write some items more."""
        ...

    def close(self) -> None:
        """Write what belongs at the end; the file stays open."""
        ...


def format_of(target: Path | str | BinaryIO) -> ExportFormat:
    """Return the format that a file's name ends with; raise `UsageError` for none."""
    name = str(target) if isinstance(target, str | Path) else "a stream"
    form = SUFFIXES.get(Path(name).suffix.lower())
    if form is None:
        raise UsageError(f"{name}: name it .csv, .jsonl or .parquet, or give a format")
    return form


@attrs.frozen(kw_only=True)
class How:
    """How a list is written."""

    format: ExportFormat
    raw: bool = False
    """Whether cells that begin like a formula are left as they are."""
    importable: bool = False
    """Whether it is to be imported again: fewer columns, and fewer items."""

    def check(self, model: Any) -> None:
        """Raise `UsageError` where items of *model* cannot be written like this."""
        if self.format not in get_args(ExportFormat):
            raise UsageError(f"{self.format!r} is no format: give csv, jsonl, parquet")
        if self.importable and self.format != "csv":
            raise UsageError("only a CSV file can have the columns of an import")
        if self.importable:
            columns_of(model, importable=True)
        if self.format == "parquet":
            _frames.schema_of(model)

    def open(self, model: Any, out: BinaryIO) -> Form:
        """Return what writes items of *model* to *out*, once `check` has passed."""
        if self.format == "parquet":
            return _Parquet(model, out)
        if self.format == "jsonl":
            return _Lines(out)
        return _Csv(columns_of(model, importable=self.importable), out, self)


class _Csv:
    """UTF-8, commas, CRLF, a header line."""

    def __init__(self, columns: Sequence[Column], out: BinaryIO, how: How) -> None:
        self.rows = self.defused = self.left_out = self.incomplete = 0
        self._columns = columns
        self._out = out
        self._how = how
        self._put([[column.name for column in self._columns]])

    def write(self, items: Sequence[Any]) -> None:
        """Write a row an item."""
        taken = items
        if self._how.importable:
            taken = [item for item in items if in_force(item)]
            self.left_out += len(items) - len(taken)
            self.incomplete += sum(not is_whole(item) for item in taken)
        rows = [[column.cell(item) for column in self._columns] for item in taken]
        self._put([self._safe(row) for row in rows])
        self.rows += len(taken)

    def close(self) -> None:
        """Do nothing: a CSV file has no end."""

    def _safe(self, row: list[str]) -> list[str]:
        safe = [defused(cell) if self._is_unsafe(cell) else cell for cell in row]
        if safe != row:
            self.defused += sum(map(str.__ne__, safe, row))
        return safe

    def _is_unsafe(self, cell: str) -> bool:
        # An import takes one quote off, also of a cell that is to be left as it is.
        return not self._how.raw or (self._how.importable and as_it_was(cell) != cell)

    def _put(self, rows: list[list[str]]) -> None:
        text = StringIO()
        # CRLF makes the writer quote both kinds of line ends inside of cells.
        csv.writer(text, lineterminator="\r\n").writerows(rows)
        self._out.write(text.getvalue().encode())


class _Lines:
    """A JSON object a line."""

    defused = left_out = incomplete = 0

    def __init__(self, out: BinaryIO) -> None:
        self.rows = 0
        self._out = out

    def write(self, items: Sequence[Any]) -> None:
        """Write a line an item."""
        self._out.write(json_lines(items))
        self.rows += len(items)

    def close(self) -> None:
        """Do nothing: the last line is like any other."""


class _Parquet:
    """Parquet, with the columns of `Pages.to_arrow`."""

    defused = left_out = incomplete = 0

    def __init__(self, model: Any, out: BinaryIO) -> None:
        self.rows = 0
        self._model = model
        self._waiting: list[Any] = []
        schema = _frames.schema_of(model)
        parquet = _frames.needed("pyarrow.parquet")
        self._file = parquet.ParquetWriter(out, schema)

    def write(self, items: Sequence[Any]) -> None:
        """Write a group once there are enough rows."""
        self.rows += len(items)
        self._waiting += items
        if len(self._waiting) >= TOGETHER:
            self._flush()

    def close(self) -> None:
        """Write what waits, and the footer."""
        if self._waiting:
            self._flush()
        self._file.close()

    def _flush(self) -> None:
        self._file.write_batch(_frames.batch_of(self._model, self._waiting))
        self._waiting = []
