"""What came of a reconciliation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Context, Decimal
from types import TracebackType
from typing import Any, Final, Self

import attrs

from .differences import Difference, DifferenceKind
from .sides import Sides

__all__ = ["Reconciliation", "Totals"]

EXACT: Final = Context(prec=1000)
"""Digits that no sum of amounts comes near to."""


@attrs.define(kw_only=True)
class Totals:
    """Money of one currency, exact."""

    units: str
    """Upper-case ISO 4217 code; empty where nothing says which."""
    rows: int = 0
    """Rows of the file, without those that cannot be read."""
    given: Decimal = Decimal(0)
    """What they add up to."""
    sales: int = 0
    """Sales that the program holds, without archived ones.

    Those under the keys of the file, or all of them where surplus was looked for.
    """
    recorded: Decimal = Decimal(0)
    """What these add up to."""

    def give(self, amount: Decimal | None) -> None:
        """Count a row."""
        self.rows += 1
        self.given = EXACT.add(self.given, amount or Decimal(0))

    def record(self, amount: Decimal) -> None:
        """Count a sale."""
        self.sales += 1
        self.recorded = EXACT.add(self.recorded, amount)

    @property
    def difference(self) -> Decimal:
        """What is recorded too much; negative where it is too little."""
        return EXACT.subtract(self.recorded, self.given)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON: amounts are texts, so that they stay exact."""
        values = {**attrs.asdict(self), "difference": self.difference}
        return {
            name: str(value) if isinstance(value, Decimal) else value
            for name, value in values.items()
        }


@attrs.define(kw_only=True)
class Reconciliation:
    """What came of it; close it, or use it with ``with``, to free its temporary file.

    ::

        with await client.reconcile("sales.csv") as found:
            for difference in found.differences():
                print(difference.key, difference.kind, difference.next)
    """

    rows: int
    """Rows of the file."""
    equal: int
    """Of those: rows that the program holds just as they are."""
    counts: Mapping[DifferenceKind, int]
    """How many differences there are, by kind."""
    money: Sequence[Totals]
    """By currency."""
    surplus: bool
    """Whether sales were looked for that the file does not have."""
    asked_again: bool
    """Whether all that seems missing, or recorded several times, was asked for by key.

    A list shifts while it is read, when others add and delete. Of many thousands only
    the first are asked for.
    """
    header: Sequence[str]
    """Of the file."""
    _sides: Sides = attrs.field(alias="sides", repr=False, eq=False)

    def differences(self, kind: DifferenceKind | None = None) -> Iterator[Difference]:
        """Walk the differences, of one *kind* or all, by row.

        A row may have several.
        """
        return self._sides.differences(kind)

    def missing_rows(self) -> Iterator[Sequence[str]]:
        """Walk the cells of the rows that are missing, as they stand in the file."""
        return (row.cells for row in self._sides.missing())

    @property
    def exit_code(self) -> int:
        """0 where nothing differs, 1 where something does."""
        return 1 if self.counts else 0

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON, without the differences one by one."""
        return {
            "rows": self.rows,
            "equal": self.equal,
            "counts": dict(self.counts),
            "money": [totals.as_dict() for totals in self.money],
            "surplus": self.surplus,
            "asked_again": self.asked_again,
            "exit_code": self.exit_code,
        }

    def close(self) -> None:
        """Free the temporary file; the differences cannot be walked after that."""
        self._sides.close()

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()
