"""Which column goes to which field, and from the cells of a row to one call."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final

import attrs

from .cells import CellError, quoted
from .fields import Field, ResourceName, exclusive, fields_of
from .formulas import as_it_was
from .kinds import Kind, kind_of
from .records import named
from .source import REJECT_COLUMNS, Source
from .stops import ColumnError

__all__ = ["Entry", "Plan", "RowError", "plan_of"]

MONEY: Final = ("amount", "amount_units")


class RowError(Exception):
    """A row that cannot be sent."""

    def __init__(self, code: str, reason: str, *, field: str | None = None) -> None:
        super().__init__(reason)
        self.code = code
        """For programs, such as ``malformed``."""
        self.reason = reason
        """For people, on one line."""
        self.field = field
        """The field that is to blame; None where it is the whole row."""


@attrs.define  # not frozen: one is made for each row, twice
class Entry:
    """One row, ready to be sent.

    What it says is worked out of its arguments when somebody asks: whoever sends it
    needs no more than those.
    """

    kind: Kind = attrs.field(repr=False)
    arguments: dict[str, Any]
    """Of the create method."""

    @property
    def key(self) -> str:
        """What its record is called, as people read it."""
        return self.kind.key_of(self.arguments)

    @property
    def claim(self) -> str:
        """What no two rows of a file may share."""
        return self.kind.claim_of(self.arguments)

    @property
    def amount(self) -> Decimal | None:
        """In major units."""
        return self.arguments.get("amount")

    @property
    def buyer(self) -> str | None:
        """The buyer of a sale, however it is named, such as ``key:cd-00004``."""
        if self.kind.resource != "transactions":
            return None
        customer: Mapping[str, str] = self.arguments.get("customer", {})
        for name in ("key", "email", "id"):
            if name in customer:
                return named(name, customer[name])
        return None

    @property
    def creates_buyer(self) -> bool:
        """Whether the buyer need not be there yet: it is created with the sale."""
        return bool(self.arguments.get("create_customer"))

    def money(self) -> tuple[str | None, str | None]:
        """Return amount and currency, as the journal keeps them."""
        return _texts(self.arguments)


@attrs.frozen(kw_only=True)
class Plan:
    """How the rows of one file become calls."""

    resource: ResourceName
    width: int
    """Cells that each row has."""
    takes: Sequence[tuple[int, Field]]
    """Position of a cell, and the field it goes to."""
    constants: dict[str, Any]
    """Arguments that each call has."""
    given: frozenset[str]
    """Names of the constants."""
    needs: Sequence[Sequence[str]]
    """Of each group of fields a row has one."""
    excludes: Sequence[Sequence[str]]
    """Of each group of fields a row has no second one."""
    defused: bool = False
    """Whether cells that begin like a formula have a ``'`` before them, as in CSV."""

    def read(self, cells: Sequence[str]) -> Entry:
        """Turn the cells of a row into a call.

        Raises `RowError` for a row that cannot be sent.
        """
        if len(cells) != self.width:
            raise RowError(
                "cells", f"the row has {len(cells)} cells, the header {self.width}"
            )
        arguments = copy.deepcopy(self.constants) if self.constants else {}
        full = True
        for position, field in self.takes:
            cell = cells[position]
            if not cell:
                full = False
                continue
            if self.defused and cell[0] == "'":
                cell = as_it_was(cell)
            try:
                value = field.parse(cell)
            except CellError as error:
                raise _malformed(field, error) from None
            if len(field.path) == 1:  # as most, and quicker so
                arguments[field.name] = value
            else:
                put(arguments, field.path, value)
        # A full row has all that the file has columns for, which is all that is needed.
        if not full or self.excludes:
            self._check(cells, creates=bool(arguments.get("create_customer")))
        kind = kind_of(self.resource)
        if broken := kind.rule(arguments):
            raise RowError("invalid", broken)
        return Entry(kind, arguments)

    def money(self, cells: Sequence[str]) -> tuple[str | None, str | None]:
        """Read amount and currency as far as they can be read: for sums of all rows."""
        if len(cells) != self.width:
            return None, None
        found = {name: self.constants.get(name) for name in MONEY}
        for position, field in self.takes:
            if field.name in MONEY and cells[position]:
                with suppress(CellError):
                    found[field.name] = field.parse(cells[position])
        return _texts(found)

    def _check(self, cells: Sequence[str], *, creates: bool) -> None:
        filled = (field.name for position, field in self.takes if cells[position])
        present = {*self.given, *filled}
        for needed in self.needs:
            if present.isdisjoint(needed):
                raise RowError(
                    "missing", f"no {' and no '.join(needed)}", field=needed[0]
                )
        for group in self.excludes:
            several = [name for name in group if name in present]
            if len(several) > 1 and not (creates and group[0] == "customer.id"):
                raise RowError(
                    "ambiguous",
                    f"{' and '.join(several)}: a row may name one of them",
                    field=several[0],
                )


def _texts(arguments: Mapping[str, Any]) -> tuple[str | None, str | None]:
    amount, units = arguments.get("amount"), arguments.get("amount_units")
    return None if amount is None else str(amount), units.upper() if units else None


def _malformed(field: Field, error: CellError) -> RowError:
    return RowError("malformed", f"{field.name}: {error}", field=field.name)


def put(arguments: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Set the member of nested *arguments* at *path*."""
    for name in path[:-1]:
        arguments = arguments.setdefault(name, {})
    arguments[path[-1]] = value


# --- from columns to fields ----------------------------------------------------


def plan_of(
    resource: ResourceName,
    source: Source,
    header: Sequence[str],
    *,
    loosely: bool = False,
) -> Plan:
    """Bring the columns of *header* and the fields of *resource* together.

    *loosely*, for a file that nothing is created from, only the key is needed; but what
    the file has a column of, each row needs.

    Raises `ColumnError` for a column or a field that is not known, or one that is
    needed and not there.
    """
    fields = fields_of(resource)
    _check_names(fields, source)
    _check_columns(header, source)
    takes = [
        (position, source.spelling.localised(fields[name]))
        for position, column in enumerate(header)
        for name in _names_of(column, source, fields)
    ]
    present = {field.name for _, field in takes} | {*source.constants}
    needs = kind_of(resource).needed
    if loosely:
        needs = [
            group for group in needs if "key" in group or not present.isdisjoint(group)
        ]
    _check_needed(needs, present)
    return Plan(
        resource=resource,
        width=len(header),
        takes=takes,
        constants=_constants(fields, source),
        given=frozenset(source.constants),
        needs=needs,
        defused=source.is_csv,
        # Most files have one column of each group: then there is nothing to check.
        excludes=[
            group
            for group in exclusive(resource)
            if len(present.intersection(group)) > 1
        ],
    )


def _check_names(fields: Mapping[str, Field], source: Source) -> None:
    for option, names in (("--map", source.columns), ("--set", source.constants)):
        for name in names:
            if name not in fields:
                raise ColumnError(
                    f"{option} {name}=...: there is no such field;"
                    f" {_nearest(name, fields)}"
                )
    for name in source.constants:
        if name in source.columns:
            raise ColumnError(f"{name} is given by both --map and --set")


def _check_columns(header: Sequence[str], source: Source) -> None:
    for name, column in source.columns.items():
        if column not in header:
            raise ColumnError(
                f"--map {name}={column}: the file has no such column;"
                f" {_nearest(column, header)}"
            )
    for column in source.ignore:
        if column not in header:
            raise ColumnError(
                f"--ignore {quoted(column)}: the file has no such column;"
                f" {_nearest(column, header)}"
            )


def _names_of(
    column: str, source: Source, fields: Mapping[str, Field]
) -> Sequence[str]:
    """Return the fields that *column* goes to; none for one that is left out."""
    if column in source.ignore:
        return ()
    mapped = [name for name, taken in source.columns.items() if taken == column]
    if mapped or column in REJECT_COLUMNS:
        return mapped
    if column not in fields or column in source.columns or column in source.constants:
        raise ColumnError(_unknown(column, source, fields))
    return (column,)


def _unknown(column: str, source: Source, fields: Mapping[str, Field]) -> str:
    way_out = f"leave it out with --ignore {quoted(column)}"
    if column in fields:
        option = "--map" if column in source.columns else "--set"
        return f"column {quoted(column)}: {option} gives this field; {way_out}"
    separated = next((sign for sign in ";\t|" if sign in column), None)
    if separated:
        return (
            f"column {quoted(column)} is no field: the file seems to be separated by"
            f" {separated!r}; say so with --delimiter"
        )
    return (
        f"column {quoted(column)} is no field; {_nearest(column, fields)}"
        f" (--map field={quoted(column)}), or {way_out}"
    )


def _nearest(name: str, names: Iterable[str]) -> str:
    by_case = {known.casefold(): known for known in names}
    near = get_close_matches(name.casefold(), by_case, n=1, cutoff=0.5)
    if near:
        return f"did you mean {by_case[near[0]]}?"
    return f"there are {', '.join(by_case.values())}"


def _check_needed(needs: Sequence[Sequence[str]], present: set[str]) -> None:
    for needed in needs:
        if present.isdisjoint(needed):
            raise ColumnError(
                f"no column for {' or '.join(needed)}:"
                f" name one with --map {needed[0]}=COLUMN"
            )


def _constants(fields: Mapping[str, Field], source: Source) -> dict[str, Any]:
    constants: dict[str, Any] = {}
    for name, cell in source.constants.items():
        field = source.spelling.localised(fields[name])
        try:
            put(constants, field.path, field.parse(cell))
        except CellError as error:
            raise ColumnError(f"--set {name}: {error}") from None
    return constants
