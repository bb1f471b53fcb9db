"""From a source to its rows, by its format."""

from __future__ import annotations

from .arrow_rows import ArrowRows
from .content import Content, content_of
from .csv_rows import CsvRows
from .given import GivenRows, gather
from .json_rows import JsonRows
from .source import REJECT_COLUMNS, Source
from .stops import SourceError
from .table import Rows

__all__ = ["open_rows"]


def open_rows(source: Source) -> Rows:
    """Open a source, so that its rows can be walked; its header is read at once.

    Raises `SourceError` for what cannot be read, and `ColumnError` for columns that
    cannot be told apart or hold what no cell can.
    """
    source = gather(source)
    if isinstance(source.held, GivenRows):
        return source.held
    try:
        return _rows(content_of(source), source)
    except SourceError as error:
        raise SourceError(f"{source.name}: {error.message}") from None


def _rows(content: Content, source: Source) -> Rows:
    if content.starts_with(REJECT_COLUMNS[0].encode()):
        # What was rejected is written as CSV, however the rows were written before.
        return CsvRows(content, encoding=None, delimiter=None)
    form, encoding = source.format_by_name, source.encoding
    if form == "csv":
        return CsvRows(content, encoding=encoding, delimiter=source.delimiter)
    if form == "jsonl":
        return JsonRows(content, encoding=encoding, spelling=source.spelling)
    return ArrowRows(content, source, parquet=form == "parquet")
