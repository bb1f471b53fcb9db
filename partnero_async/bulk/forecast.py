"""What an import would do, row by row, before anything is sent."""

from __future__ import annotations

import json
import shutil
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, cast, get_args

import attrs

from .fields import ResourceName
from .lookup import ALREADY_THERE
from .report import Listed, Money, Outcome, plain
from .store import Row, Store
from .tally import report_of

__all__ = ["UPDATE", "Forecast", "Planned", "Step", "forecast_of"]

Step = Literal["create", "update", "leave", "refuse", "park"]

UPDATE: Final = "update"
"""The code of rows whose record would be changed."""

CHANGED: Final = 20
"""Rows that would change something, as far as they are listed."""


@attrs.frozen(kw_only=True)
class Planned:
    """What would become of one row."""

    row: int
    """Counted from 1, the header not included."""
    key: str | None
    step: Step
    """``create`` and ``update`` send it; ``leave``: it is there; ``refuse``: rejected;
    ``park``: it is there more than once."""
    code: str | None = None
    reason: str | None = None
    fields: Sequence[str] = ()
    """What would be changed."""


@attrs.define(kw_only=True)
class Forecast:
    """What an import would do. Iterate over it for the rows, one at a time.

    The rows are in a file of their own, which is gone with this object, or on `close`,
    or at the end of a ``with`` block.
    """

    resource: ResourceName
    looked: bool
    """Whether the program was looked at; else rows that are there are not known."""
    read_as: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """What the source was taken for: its format, encoding and delimiter."""
    rows: int = 0
    create: int = 0
    """Rows that would be sent as something new."""
    update: int = 0
    """Rows that would change what is there."""
    leave: int = 0
    """Rows that are there as they are."""
    refuse: int = 0
    """Rows that would be rejected."""
    park: int = 0
    """Rows that are there more than once, which somebody has to look into."""
    outcomes: Sequence[Outcome] = ()
    reasons: Mapping[str, int] = attrs.field(factory=dict[str, int])
    """Refused and parked rows by code."""
    by_field: Mapping[str, Sequence[Listed]] = attrs.field(
        factory=dict[str, Sequence[Listed]]
    )
    """Some of the refused rows, by the field that is to blame; "" for whole rows."""
    first_refused: Sequence[Listed] = ()
    first_changed: Sequence[Listed] = ()
    money: Sequence[Money] = ()
    """By currency: what the file says, what is recorded, what would be sent."""
    requests: int = 0
    throttled: int = 0
    elapsed: float = 0.0
    """Seconds."""
    interrupted: bool = False
    """Whether it was ended early: then rows that are there may count as new."""
    _file: Path = attrs.field(alias="file", repr=False, eq=False)
    _close: Any = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        folder = self._file.parent
        self._close = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    @property
    def exit_code(self) -> int:
        """0 all can be done, 1 some are refused, 3 some parked, 130 interrupted."""
        if self.interrupted:
            return 130
        if self.park:
            return 3
        return 1 if self.refuse else 0

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        values = attrs.asdict(self, value_serializer=plain)
        told = {name: values[name] for name in values if not name.startswith("_")}
        return {**told, "exit_code": self.exit_code}

    def __iter__(self) -> Iterator[Planned]:
        """Walk all rows in their order, a few in memory at a time."""
        store = Store(self._file, make=False, reading=True)
        try:
            yield from map(_planned, store.walk(*get_args(_states)))
        finally:
            store.close()

    def close(self) -> None:
        """Remove the file in which the rows are."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


_states = Literal["pending", "done", "rejected", "parked"]

STEPS: Final[Mapping[str, Step]] = {
    "done": "leave",
    "rejected": "refuse",
    "parked": "park",
}


def _step(state: str, code: str | None) -> Step:
    if state == "pending":
        return "update" if code == UPDATE else "create"
    return STEPS[state]


def _planned(row: Row) -> Planned:
    step = _step(row.state, row.code)
    changes = step == "update"
    return Planned(
        row=row.row,
        key=row.key,
        step=step,
        code=None if changes or row.code == ALREADY_THERE else row.code,
        reason=row.reason,
        fields=json.loads(row.field or "[]") if changes else (),
    )


def forecast_of(store: Store, **more: Any) -> Forecast:
    """Say what would become of the rows in *store*; *more* is what only a run knows."""
    report = report_of(store)
    steps = dict.fromkeys(get_args(Step), 0)
    for found in report.outcomes:
        steps[_step(found.state, found.code)] += found.rows
    values: dict[str, Any] = {**steps, **more}
    return Forecast(
        resource=cast("ResourceName", store.meta("resource")),
        rows=report.rows,
        outcomes=report.outcomes,
        reasons=report.reasons,
        by_field=report.by_field,
        first_refused=report.first_rejected,
        first_changed=_changed(store),
        money=report.money,
        file=store.path,
        **values,
    )


def _changed(store: Store) -> Sequence[Listed]:
    found = store.select(
        "SELECT row, key, code, reason FROM rows"
        " WHERE state = 'pending' AND code = ? ORDER BY row LIMIT ?",
        *(UPDATE, CHANGED),
    )
    return [Listed(*values) for values in found]
