"""Mappings as rows: the members of a nested one get dotted names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from .cells import CellError, quoted
from .spelling import Spelling

__all__ = ["MOST_COLUMNS", "flat", "spelled"]

MOST_COLUMNS: Final = 2000
"""Names that a source may have; more are no columns but values in their place."""

SURROGATE: Final = re.compile("[\ud800-\udfff]")

DEEPEST: Final = 20
"""Mappings that may be inside of each other."""


def flat(mapping: Mapping[object, Any]) -> dict[str, Any]:
    """Return the members of *mapping* by dotted name.

    Raises `CellError` for one that is no text, or there twice.
    """
    members: dict[str, Any] = {}
    for name, value in _members(mapping, "", DEEPEST):
        if name in members:
            raise CellError(f"two members are called {quoted(name)}")
        members[name] = value
    return members


def _members(
    mapping: Mapping[object, Any], above: str, depth: int
) -> Iterator[tuple[str, Any]]:
    if not depth:
        raise CellError("mappings are nested too deeply")
    for name, value in mapping.items():
        if not isinstance(name, str) or not name or SURROGATE.search(name):
            raise CellError(f"a member is called {quoted(ascii(name))}: write a text")
        if isinstance(value, Mapping):
            inner = cast("Mapping[object, Any]", value)
            yield from _members(inner, f"{above}{name}.", depth - 1)
        else:
            yield f"{above}{name}", value


def spelled(
    values: Iterable[Any], spelling: Spelling
) -> tuple[list[str], list[tuple[int, str]]]:
    """Return the cells for *values*, and the problems with those that have none."""
    cells: list[str] = []
    problems: list[tuple[int, str]] = []
    for position, value in enumerate(values):
        try:
            cells.append(spelling.cell(value))
        except CellError as error:
            problems.append((position, str(error)))
            # Kept to be shown: it must be text, whatever the value is.
            cells.append(quoted(str(value).encode(errors="replace").decode()))
    return cells, problems
