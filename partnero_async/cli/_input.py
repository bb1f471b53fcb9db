"""Options that say how the rows of a file are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import attrs
from cyclopts import Parameter

from ..bulk import (
    Format,
    ImportStopError,
    ResourceName,
    Source,
    SourceOptions,
    load_mapping,
    mapping_names,
)
from ..bulk.mapping_file import merged
from ._options import Switch

__all__ = ["File", "Input", "pairs"]

# A hyphen alone is standard input.
File = Annotated[Path, Parameter(allow_leading_hyphen=True)]
Pairs = Annotated[
    list[str] | None, Parameter(consume_multiple=True, negative="", metavar="F=V")
]
Names = Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")]
Mapping = Annotated[
    str | None,
    Parameter(
        help="A TOML file with these options (columns, constants, ignore, format, ...),"
        f" or the name of a ready one: {', '.join(mapping_names())}. What is given here"
        " wins."
    ),
]


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Input:
    """How a file is read.

    Parameters
    ----------
    map
        `field=Column`: the field that a column goes to. A column that is named like a
        field needs none.
    set
        `field=value`: the same value for each row.
    ignore
        Columns to leave out.
    format
        Follows from the file's name when left out; CSV when that says nothing.
    encoding
        Of a text; UTF-8 when left out, or Windows-1252 for CSV that is not UTF-8.
    delimiter
        Between the columns of CSV, such as `;` or `tab`; found when left out.
    decimal_comma
        Amounts are written 1.234,56.
    date_format
        How dates are written, such as `%d.%m.%Y`; in UTC unless it has a zone (`%z`).
    """

    mapping: Mapping = None
    map: Pairs = None
    set: Pairs = None
    ignore: Names = None
    format: Format | None = None
    encoding: str | None = None
    delimiter: str | None = None
    decimal_comma: Switch = False
    date_format: str | None = None

    def source(self, file: Path, resource: ResourceName) -> Source:
        """Return *file* as it is to be read."""
        given: dict[str, Any] = {
            "format": self.format,
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "decimal_comma": self.decimal_comma or None,
            "date_format": self.date_format,
        }
        options: dict[str, Any] = {
            "columns": pairs("--map", self.map),
            "constants": pairs("--set", self.set),
            "ignore": self.ignore or [],
            **{name: value for name, value in given.items() if value is not None},
        }
        under = (
            load_mapping(self.mapping, resource) if self.mapping else SourceOptions()
        )
        return Source(path=file, **merged(under, cast("SourceOptions", options)))


def pairs(option: str, texts: Sequence[str] | None) -> dict[str, str]:
    """Read the texts of an option that takes ``name=value``."""
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise ImportStopError(f"{option} {text!r}: write {option} field=...")
        if name in found:
            raise ImportStopError(f"{option} gives {name} twice")
        found[name] = value
    return found
