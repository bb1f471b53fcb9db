"""Rows out of Arrow's columns: Parquet and Arrow files, and frames.

pyarrow is the extra ``[arrow]``, imported when the first of them is opened. What a
column may hold is checked before the first row is read.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from importlib import import_module
from io import BufferedIOBase
from typing import Any, Final

from .cells import quoted
from .content import CHUNK, Content
from .nested import spelled
from .source import Frame, Source
from .stops import ColumnError, SourceError
from .table import Record, checked_header

__all__ = ["ArrowRows", "frame_cells", "header_of_frame"]

TOGETHER: Final = 2048
"""Rows that are taken out of their columns at once."""

MAGIC: Final = b"ARROW1"

INDEX: Final = "__index_level_"
"""What pandas calls the columns that it makes of an index: they are no data."""

Cells = tuple[list[str], Sequence[tuple[int, str]]]


def _pyarrow(module: str = "pyarrow") -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise SourceError(
            "Parquet, Arrow and frames need pyarrow:"
            " pip install 'partnero-async[arrow]'"
        ) from None


class ArrowRows:
    """The rows of a Parquet file, or of a file or stream of Arrow's.

    Raises `ColumnError` for a column whose type no cell can hold.
    """

    def __init__(self, content: Content, source: Source, *, parquet: bool) -> None:
        if content.packed:
            raise SourceError("Parquet and Arrow are not read from gzip: unpack it")
        self._content, self._source, self._parquet = content, source, parquet
        self.fingerprint: str = content.sha256()
        with content.opened() as file, explained():
            schema, _ = self._open(file)
        self._columns = _Columns(schema, source)
        self.header: tuple[str, ...] = self._columns.header

    @property
    def about(self) -> Mapping[str, str]:
        """Return what it was taken for."""
        return {"format": "parquet" if self._parquet else "arrow"}

    def records(self) -> Iterator[Record]:
        """Walk the rows, a batch in memory at a time."""
        with self._content.opened() as file, explained():
            _, batches = self._open(file)
            rows = self._columns.cells(batches)
            for row, (cells, problems) in enumerate(rows, start=1):
                yield Record(row, 0, cells, problems)
        if self._content.sha256() != self.fingerprint:
            raise SourceError("it was changed while it was read: start again")

    def _open(self, file: BufferedIOBase) -> tuple[Any, Iterator[Any]]:
        if self._parquet:
            # Through a buffer: a group of rows may be most of the file.
            parquet = _pyarrow("pyarrow.parquet").ParquetFile(
                file, pre_buffer=False, buffer_size=CHUNK
            )
            return parquet.schema_arrow, parquet.iter_batches(batch_size=TOGETHER)
        pa, stream = _pyarrow(), file.read(len(MAGIC)) != MAGIC
        file.seek(0)
        if stream:
            reader = pa.ipc.open_stream(file)
            return reader.schema, iter(reader)
        table = pa.ipc.open_file(file)
        return table.schema, map(table.get_batch, range(table.num_record_batches))


def header_of_frame(
    frame: Frame, source: Source
) -> tuple[tuple[str, ...], Iterator[Cells]]:
    """Begin to read a frame: the header, and the cells of its rows one by one.

    Raises `ColumnError` for a column whose type no cell can hold.
    """
    with explained():
        reader = _pyarrow().RecordBatchReader.from_stream(frame)
    columns = _Columns(reader.schema, source)
    return columns.header, columns.cells(reader)


def frame_cells(cells: Iterator[Cells]) -> Iterator[Cells]:
    """Walk what `header_of_frame` began; pyarrow's errors become `SourceError`."""
    with explained():
        yield from cells


@contextmanager
def explained() -> Generator[None]:
    """Raise what pyarrow finds wrong as `SourceError`."""
    pa = _pyarrow()
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError) as error:
        raise SourceError(f"it cannot be read: {error}") from None


class _Columns:
    """The columns that hold data, and how their values become plain."""

    def __init__(self, schema: Any, source: Source) -> None:
        data = [
            (at, schema.field(at))
            for at in range(len(schema))
            if not schema.field(at).name.startswith(INDEX)
        ]
        self.header: tuple[str, ...] = checked_header([field.name for _, field in data])
        self._spelling = source.spelling
        self._plain = [
            (at, _nothing if field.name in source.ignore else _plain_values(field))
            for at, field in data
        ]

    def cells(self, batches: Any) -> Iterator[Cells]:
        """Yield the cells of each row, and the problems with them."""
        for batch in batches:
            for start in range(0, batch.num_rows, TOGETHER):
                yield from self._of(batch.slice(start, TOGETHER))

    def _of(self, batch: Any) -> Iterator[Cells]:
        columns = [plain(batch.column(at)) for at, plain in self._plain]
        for values in zip(*columns, strict=True):
            yield spelled(values, self._spelling)


Plain = Callable[[Any], Sequence[Any]]


def _nothing(array: Any) -> Sequence[Any]:
    return [None] * len(array)


def _plain_values(field: Any) -> Plain:
    """Find how the values of a column become plain ones."""
    kind = field.type
    coded = _pyarrow("pyarrow.types").is_dictionary(kind)
    plain = _plain_type(kind.value_type if coded else kind)
    if plain is None:
        raise ColumnError(
            f"column {quoted(field.name)} holds {kind}, which no cell can: make it text"
            f" or a number, or leave it out with --ignore {quoted(field.name)}"
        )
    return partial(_decoded, plain) if coded else plain


def _decoded(plain: Plain, array: Any) -> Sequence[Any]:
    # Not every kind of text can be decoded by pyarrow itself.
    values = plain(array.dictionary)
    return [None if at is None else values[at] for at in array.indices.to_pylist()]


def _plain_type(kind: Any) -> Plain | None:
    pa, is_ = _pyarrow(), _pyarrow("pyarrow.types")
    if is_.is_timestamp(kind):
        # The moment is the same in UTC, and needs no database of zones.
        to = pa.timestamp("us", "UTC" if kind.tz else None)
        return lambda array: array.cast(to, safe=False).to_pylist()
    if is_.is_float32(kind):
        # As a double it would grow digits that nobody wrote.
        return lambda array: [
            text and Decimal(text) for text in array.cast(pa.string()).to_pylist()
        ]
    listed = is_.is_list(kind) or is_.is_large_list(kind) or is_.is_list_view(kind)
    if any(fits(kind) for fits in _plain_kinds(is_)) or (
        listed and _is_text(is_, kind.value_type)
    ):
        return lambda array: array.to_pylist()
    return None


def _is_text(is_: Any, kind: Any) -> bool:
    return any(
        fits(kind) for fits in (is_.is_string, is_.is_large_string, is_.is_string_view)
    )


def _plain_kinds(is_: Any) -> Sequence[Callable[[Any], bool]]:
    return (
        is_.is_null,
        is_.is_boolean,
        is_.is_integer,
        is_.is_float64,
        is_.is_decimal,
        is_.is_date,
        lambda kind: _is_text(is_, kind),
    )
