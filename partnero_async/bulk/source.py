"""Where the rows of an import come from, and how they are to be read."""

from __future__ import annotations

import codecs
import os
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal, Protocol, get_args, runtime_checkable

import attrs

from .spelling import Spelling, checked_date_format
from .stops import ColumnError, SourceError

__all__ = [
    "REJECT_COLUMNS",
    "Format",
    "Frame",
    "Given",
    "Source",
]

Format = Literal["csv", "jsonl", "parquet", "arrow"]

REJECT_COLUMNS: Final = ("reject_row", "reject_code", "reject_reason")
"""What the rejects file has before the columns of its source."""

STANDARD_INPUT: Final = Path("-")

SUFFIXES: Final[Mapping[str, Format]] = {
    ".json": "jsonl",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
"""Formats by the end of a file's name; CSV is what anything else is taken for."""

DELIMITERS: Final[Mapping[str, str]] = {"tab": "\t", "\\t": "\t"}
"""Names of what cannot be typed."""

ASCII: Final = bytes(range(128))
NOTHING: Final[Mapping[str, str]] = {}


@runtime_checkable
class Frame(Protocol):
    """Anything that Arrow can stream: frames of pandas and polars, pyarrow's tables."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return a capsule with an Arrow stream."""
        ...


Given = Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]] | Frame
"""Rows in a program."""


def _delimiter(given: str | None) -> str | None:
    taken = DELIMITERS.get(given, given) if given else given
    if taken is not None and (len(taken) != 1 or taken in '"\r\n\0'):
        raise ColumnError(f"--delimiter {given!r}: write one character, or tab")
    return taken


def _encoding(given: str | None) -> str | None:
    if given is None:
        return None
    try:
        name = codecs.lookup(given).name
        plain = name == "utf-8-sig" or ASCII.decode(name) == ASCII.decode()
    except (LookupError, ValueError):
        raise ColumnError(f"--encoding {given}: there is no such encoding") from None
    if not plain:
        raise ColumnError(f"--encoding {given}: save the file as UTF-8 instead")
    return name


def _format(given: str | None) -> Any:
    if given is not None and given not in (known := get_args(Format)):
        near = get_close_matches(given, known, n=1) or known
        raise ColumnError(f"--format {given}: did you mean {' or '.join(near)}?")
    return given


@attrs.frozen(kw_only=True)
class Source:
    """Rows, and how their columns become fields.

    A file has a *path*, ``-`` for standard input. *rows* are given in the program:
    mappings, in any iterable or async iterable (the members of a nested mapping get
    dotted names, such as ``customer.key``), or a frame of pandas, polars or pyarrow.

    Raises `ImportStopError` for options that cannot be.
    """

    path: Path | None = attrs.field(
        default=None, converter=attrs.converters.optional(Path)
    )
    rows: Given | None = attrs.field(default=None, repr=False, eq=False)
    columns: Mapping[str, str] = NOTHING
    """Column by field, such as ``{"partner.key": "Referred by"}``.

    A column that is named like a field needs no entry.
    """
    constants: Mapping[str, str] = NOTHING
    """The same text for each row, by field, such as ``{"action": "sale"}``."""
    ignore: Sequence[str] = ()
    """Columns that are left out."""
    format: Format | None = attrs.field(default=None, converter=_format)
    """Follows from the file's name where it is left out; CSV is the default."""
    encoding: str | None = attrs.field(default=None, converter=_encoding)
    """Of a text. Left out, it is UTF-8, or Windows-1252 for a CSV file that is not."""
    delimiter: str | None = attrs.field(default=None, converter=_delimiter)
    """Between columns of CSV; left out, it is found: ``,``, ``;``, tab or ``|``."""
    decimal_comma: bool = False
    """Amounts are written ``1.234,56``."""
    date_format: str | None = attrs.field(
        default=None, converter=attrs.converters.optional(checked_date_format)
    )
    """How dates are written, such as ``%d.%m.%Y``; UTC where it has no ``%z``."""
    held: Any = attrs.field(default=None, repr=False, eq=False)
    """What was read beforehand, of something that can be read only once."""

    def __attrs_post_init__(self) -> None:
        if (self.path is None) == (self.rows is None):
            raise SourceError("a source has either a path or rows")
        if self.rows is not None and (self.format or self.encoding or self.delimiter):
            raise ColumnError("format, encoding and delimiter are those of a file")

    @classmethod
    def of(cls, given: Source | Path | str | Given) -> Source:
        """Return what is given as a source: a path, rows, or a source already."""
        if isinstance(given, Source):
            return given
        if isinstance(given, str | os.PathLike):
            return cls(path=Path(given))
        return cls(rows=given)

    @property
    def name(self) -> str:
        """Return what to call it in messages."""
        if self.path is None:
            return "the rows"
        return "standard input" if self.path == STANDARD_INPUT else str(self.path)

    @property
    def file(self) -> Path | None:
        """Return the path of a file that stays; None for a pipe, and rows."""
        if self.path is None or self.path == STANDARD_INPUT:
            return None
        lasts = not self.path.exists() or self.path.is_file() or self.path.is_dir()
        return self.path if lasts else None

    @property
    def spelling(self) -> Spelling:
        """Return how amounts and dates are spelled."""
        return Spelling(decimal_comma=self.decimal_comma, date_format=self.date_format)

    @property
    def is_csv(self) -> bool:
        """Say whether it is a file of CSV."""
        return self.path is not None and self.format_by_name == "csv"

    @property
    def format_by_name(self) -> Format:
        """Return the format, by the file's name where none is given."""
        if self.format:
            return self.format
        name = (self.path or STANDARD_INPUT).name.lower().removesuffix(".gz")
        return SUFFIXES.get(Path(name).suffix, "csv")
