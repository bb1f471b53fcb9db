"""Mapping files: the options of a source that are used again, in TOML.

::

    date_format = "%d.%m.%Y"
    ignore = ["Notes"]

    [columns]
    "partner.key" = "Referred by"

    [transactions.columns]
    key = "Order"

A table that is called like a resource is for that resource alone, and wins. Those for
what other systems export come with the package, and are known by name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypedDict, cast, get_args

from .cells import quoted
from .fields import ResourceName
from .source import Format
from .stops import ColumnError

__all__ = ["SourceOptions", "load_mapping", "mapping_names", "merged"]


class SourceOptions(TypedDict, total=False):
    """Options of `Source`, as a mapping file has them."""

    columns: Mapping[str, str]
    constants: Mapping[str, str]
    ignore: list[str]
    format: Format
    encoding: str
    delimiter: str
    decimal_comma: bool
    date_format: str


MEMBERS: Final[Mapping[str, str]] = {
    "columns": "a table of texts",
    "constants": "a table of texts",
    "ignore": "a list of texts",
    "format": "a text",
    "encoding": "a text",
    "delimiter": "a text",
    "decimal_comma": "true or false",
    "date_format": "a text",
}

SHIPPED: Final = files(__package__ or "").joinpath("mappings")


def mapping_names() -> list[str]:
    """Return the names of the mappings that come with the package."""
    names = (Path(entry.name) for entry in SHIPPED.iterdir())
    return sorted(name.stem for name in names if name.suffix == ".toml")


def load_mapping(mapping: Path | str, resource: ResourceName) -> SourceOptions:
    """Read a mapping file, or the shipped one of that name, for one resource.

    Raises `ColumnError` for one that is not there, or holds what is no option.
    """
    try:
        text = _text(str(mapping))
    except OSError as error:
        why = error.strerror
        if not Path(mapping).suffix:
            why = f"neither a file nor one of {', '.join(mapping_names())}"
        raise ColumnError(f"--mapping {mapping}: {why}") from None
    except UnicodeDecodeError:
        raise ColumnError(f"--mapping {mapping}: it is not UTF-8") from None
    try:
        told = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ColumnError(f"--mapping {mapping}: no TOML: {error}") from None
    resources = get_args(ResourceName)
    own = told.pop(resource, {})
    for other in resources:
        told.pop(other, None)
    try:
        options = _checked(told, resources)
        return merged(options, _checked(own, ()))
    except ValueError as error:
        raise ColumnError(f"--mapping {mapping}: {error}") from None


def _text(mapping: str) -> str:
    if mapping in mapping_names():
        return SHIPPED.joinpath(f"{mapping}.toml").read_text(encoding="utf-8")
    return Path(mapping).read_text(encoding="utf-8-sig")


def _checked(told: Any, resources: tuple[str, ...]) -> SourceOptions:
    if not isinstance(told, dict):
        raise ValueError("a resource has a table of options")  # noqa: TRY004 - of a file
    for name, value in cast("dict[str, Any]", told).items():
        if name not in MEMBERS:
            known = (*MEMBERS, *resources)
            near = get_close_matches(name, known, n=1, cutoff=0.5) or known
            raise ValueError(
                f"{quoted(name)} is no option; did you mean {' or '.join(near)}?"
            )
        if not _fits(MEMBERS[name], value):
            raise ValueError(f"{name} takes {MEMBERS[name]}")
    return cast("SourceOptions", told)


def _fits(kind: str, value: Any) -> bool:
    match kind:
        case "a table of texts":
            texts = cast("dict[str, object]", value)
            return isinstance(value, dict) and _all_texts(list(texts.values()))
        case "a list of texts":
            return isinstance(value, list) and _all_texts(cast("list[object]", value))
        case "a text":
            return isinstance(value, str)
        case _:
            return isinstance(value, bool)


def _all_texts(values: list[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def merged(under: SourceOptions, over: SourceOptions) -> SourceOptions:
    """Return both; where they speak of the same field, *over* wins.

    A field has either a column or a constant, so that one takes the other's place.
    """
    columns = {**under.get("columns", {})}
    constants = {**under.get("constants", {})}
    for name in (*over.get("columns", {}), *over.get("constants", {})):
        columns.pop(name, None)
        constants.pop(name, None)
    both: SourceOptions = {**under, **over}
    both["columns"] = {**columns, **over.get("columns", {})}
    both["constants"] = {**constants, **over.get("constants", {})}
    wanted = over.get("columns", {}).values()
    ignored = [name for name in under.get("ignore", ()) if name not in wanted]
    both["ignore"] = [*ignored, *over.get("ignore", ())]
    return both
