"""Lists as Arrow tables and frames; pyarrow, pandas and polars load when called.

The columns follow from the model, so that a list without items has them too:

- money is ``decimal128(38, 18)``: exact, and what has more digits is refused;
- times are ``timestamp[us, UTC]``, days ``date32``;
- a member that is a model is a struct, a list of texts or of models is a list;
- what comes in several shapes, and the members that this version does not know
  (``extra``), are JSON texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from ._json import encode
from ._records import is_model, item_of, members_of
from .errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

__all__ = ["batch_of", "needed", "pandas_of", "polars_of", "schema_of", "table_of"]

INSTALL: Final = {
    "pyarrow": "'partnero-async[arrow]'",
    "pandas": "'partnero-async[arrow]' pandas",
    "polars": "'partnero-async[arrow]' polars",
}

DIGITS: Final = (38, 18)
"""Digits of an amount, and how many of them are decimals: the most that polars reads.

Amounts are not rounded (facts.md), and 18 decimals are room for a double as text.
"""


def needed(name: str) -> Any:
    """Import a library; raise `UsageError` that says how to install it."""
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise UsageError(
            f"this needs {package}: install it with pip install {INSTALL[package]}"
        ) from error


@cache
def schema_of(model: Any) -> pa.Schema:
    """Return the columns of a list of *model*."""
    arrow = needed("pyarrow")
    schema: pa.Schema = arrow.schema(_fields(model))
    return schema


def _fields(model: Any) -> list[tuple[str, pa.DataType]]:
    kinds = members_of(model)
    fields = [(name, _type(kind)) for name, kind in kinds.items()]
    return [*fields, ("extra", _type(Any))]


def _type(kind: Any) -> pa.DataType:
    arrow = needed("pyarrow")
    plain: Mapping[Any, Callable[[], pa.DataType]] = {
        bool: arrow.bool_,
        int: arrow.int64,
        Decimal: partial(arrow.decimal128, *DIGITS),
        datetime: partial(arrow.timestamp, "us", "UTC"),
        date: arrow.date32,
    }
    made: pa.DataType
    if is_model(kind):
        made = arrow.struct(_fields(kind))
    elif item := item_of(kind):
        made = arrow.list_(_type(item))
    else:
        made = plain.get(kind, arrow.string)()
    return made


def batch_of(model: Any, items: Sequence[Any]) -> pa.RecordBatch:
    """Turn *items* into rows; raise `UsageError` for a number that does not fit."""
    arrow = needed("pyarrow")
    rows = [_value(model, item) for item in items]
    try:
        batch: pa.RecordBatch = arrow.RecordBatch.from_pylist(
            rows, schema=schema_of(model)
        )
    except (arrow.ArrowException, OverflowError) as error:
        raise UsageError(
            f"a value is too long for its column, and is not rounded: {error};"
            " CSV and JSON lines have room for it"
        ) from error
    return batch


def _value(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if is_model(kind):
        row = {k: _value(v, getattr(value, k)) for k, v in members_of(kind).items()}
        return {**row, "extra": _value(Any, value.extra or None)}
    if item := item_of(kind):
        return [_value(item, one) for one in value]
    return encode(value).decode() if kind is Any else value


def table_of(model: Any, batches: Sequence[pa.RecordBatch]) -> pa.Table:
    """Put batches together; a table without any has its columns nevertheless."""
    table: pa.Table = needed("pyarrow").Table.from_batches(batches, schema_of(model))
    return table


def pandas_of(table: pa.Table) -> pd.DataFrame:
    """Turn a table into a frame of Arrow's own types, which keep what is exact."""
    plain: Any = table  # its stubs leave parts of this call open
    frame: pd.DataFrame = plain.to_pandas(types_mapper=needed("pandas").ArrowDtype)
    return frame


def polars_of(table: pa.Table) -> pl.DataFrame:
    """Turn a table into a frame."""
    frame: pl.DataFrame = needed("polars").from_arrow(table)
    return frame
