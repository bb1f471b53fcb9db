"""What came of an import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import attrs

from .fields import ResourceName
from .store import State

__all__ = [
    "Doing",
    "Listed",
    "Moment",
    "Money",
    "Outcome",
    "Progress",
    "Report",
    "plain",
]


Doing = Literal["reading", "preparing", "sending", "looking up"]


@attrs.frozen
class Listed:
    """A row that needs somebody's attention."""

    row: int
    """Counted from 1, the header not included."""
    key: str | None
    code: str | None
    reason: str


@attrs.frozen(kw_only=True)
class Outcome:
    """Rows to which the same happened, for the same reason."""

    state: State
    code: str | None = None
    rows: int = 0
    example: Listed | None = None
    """The first of them; None for rows that are done or pending."""


@attrs.frozen(kw_only=True)
class Money:
    """What the rows say in one currency, against what of it is recorded."""

    units: str | None = None
    """The currency, in upper case; None where the rows name none."""
    rows: int = 0
    """Rows whose amount can be read, rejected ones included."""
    given: Decimal = Decimal(0)
    """The sum of their amounts, in major units."""
    recorded: Decimal = Decimal(0)
    """Of that: rows that are done."""
    pending: Decimal = Decimal(0)
    """Of that: rows that are still to be sent."""
    absent: Decimal = Decimal(0)
    """Of that: rows that were looked up in vain, and that `resolve` can send."""


@attrs.frozen(kw_only=True)
class Moment:
    """How far a run was; all numbers are counted from its start."""

    at: float
    """Seconds."""
    sent: int = 0
    done: int = 0
    """Rows that are done, since this run began."""
    throttled: int = 0
    """Requests refused by the rate limit (429)."""
    waited: float = 0.0
    """Seconds in which requests stood in line for the rate limit."""


@attrs.define(kw_only=True)
class Progress:
    """How far an import is; rows are counted over all runs of its journal."""

    doing: Doing = "reading"
    rows: int = 0
    done: int = 0
    rejected: int = 0
    parked: int = 0
    sent: int = 0
    """Rows sent in this run."""
    requests: int = 0
    throttled: int = 0
    """Requests refused by the rate limit (429)."""
    elapsed: float = 0.0
    """Seconds."""
    rate: float = 0.0
    """Requests a second, over the last ten seconds."""
    allowed: float | None = None
    """Requests a second that the rate limit allows; None while it is not known."""
    waited: float = 0.0
    """Seconds in which requests stood in line for the rate limit."""

    def count(self, before: State, after: State) -> None:
        """Take note of what came of a row; one that was parked may be so no more."""
        for state, change in ((before, -1), (after, 1)):
            if state in ("done", "rejected", "parked"):
                setattr(self, state, getattr(self, state) + change)


@attrs.define(kw_only=True)
class Report:
    """What came of an import, counted over all runs of its journal."""

    resource: ResourceName
    journal: Path
    rejects: Path | None = None
    """The file with the rejected rows; None where there are none."""
    rejects_problem: str | None = None
    """Why that file could not be written; None where it could."""
    read_as: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """What the source was taken for: its format, encoding and delimiter.

    Empty where it was not read, such as by `resolve`.
    """
    rows: int = 0
    done: int = 0
    """Rows that stand in the program, `already_there` included."""
    already_there: int = 0
    """Of those: rows that stood there before, where that can be told."""
    updated: int = 0
    """Of those: rows that changed what stood there before."""
    rejected: int = 0
    parked: int = 0
    """Rows in doubt: they may or may not stand in the program."""
    pending: int = 0
    """Rows that have not been sent."""
    sent: int = 0
    """Rows that were under way at the end; the next start looks them up."""
    requests: int = 0
    """Requests of this run, retries and look-ups included."""
    throttled: int = 0
    """Of those: refused by the rate limit (429)."""
    elapsed: float = 0.0
    """Seconds of this run."""
    interrupted: bool = False
    refused: str | None = None
    """Why the API lets nothing in, such as a key without rights; None where it does."""
    unreachable: str | None = None
    """Why it was given up for now: no answer, or a long wait for the rate limit."""
    first_rejected: Sequence[Listed] = ()
    first_parked: Sequence[Listed] = ()
    """Rows in doubt: parked, or under way at the end."""
    outcomes: Sequence[Outcome] = ()
    """All rows, by state and code."""
    reasons: Mapping[str, int] = attrs.field(factory=dict[str, int])
    """Rows by code: of those that are rejected or in doubt."""
    by_field: Mapping[str, Sequence[Listed]] = attrs.field(
        factory=dict[str, Sequence[Listed]]
    )
    """Some of the rejected rows, by the field that is to blame; "" for whole rows."""
    money: Sequence[Money] = ()
    """By currency: what the file says, and what is recorded."""
    unread_amounts: int = 0
    """Rejected rows whose amount cannot be read: no sum has them."""
    timeline: Sequence[Moment] = ()
    """How this run went, in at most 300 steps."""

    @property
    def exit_code(self) -> int:
        """0 all done, 1 some not, 2 none and refused, 3 in doubt, 130 interrupted."""
        if self.interrupted:
            return 130
        if self.parked or self.sent:
            return 3
        if self.refused and not self.done:
            return 2
        left = self.rejected or self.pending
        return 1 if left or self.refused or self.rejects_problem else 0

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        values = attrs.asdict(self, value_serializer=plain)
        return {**values, "exit_code": self.exit_code}


def plain(_: Any, __: Any, value: Any) -> Any:
    """Turn what JSON has no form for into text."""
    return str(value) if isinstance(value, Path | Decimal) else value
