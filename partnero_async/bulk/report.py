"""What came of an import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs

from .fields import ResourceName
from .store import State

__all__ = ["Doing", "Listed", "Progress", "Report"]


Doing = Literal["reading", "preparing", "sending", "looking up"]


@attrs.frozen
class Listed:
    """A row that needs somebody's attention."""

    row: int
    """Counted from 1, the header not included."""
    key: str | None
    code: str | None
    reason: str


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
        values = attrs.asdict(self, value_serializer=_plain)
        return {**values, "exit_code": self.exit_code}


def _plain(_: Any, __: Any, value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
