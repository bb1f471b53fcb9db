"""What a journal says in all: rows by state and reason, and sums of money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Context, Decimal, localcontext
from pathlib import Path
from typing import Any, Final, cast, get_args

from .doubt import ABSENT
from .fields import ResourceName
from .lookup import ALREADY_THERE, UPDATED
from .rejects import write_rejects
from .report import Listed, Money, Outcome, Report
from .stops import JournalError
from .store import State, Store

__all__ = ["by_state", "report_of", "write"]

LISTED: Final = 20
"""Rows that a report lists of a kind."""

SAMPLES: Final = 5
"""Rejected rows that a report lists of a field."""

FIELDS: Final = 50
"""Fields that a report lists: what an API names as fields has no bound."""

UNDER_WAY: Final = "under_way"
"""The code of rows that were being sent when a run ended."""

EXACT: Final = Context(prec=200)
"""Adds amounts without rounding: the default keeps 28 digits."""


def report_of(store: Store, **more: Any) -> Report:
    """Say what came of all rows so far; *more* is what only a run knows."""
    outcomes = _outcomes(store)
    coded = {found.code: found.rows for found in outcomes if found.state == "done"}
    counts = by_state([(found.state, found.code, found.rows) for found in outcomes])
    values: dict[str, Any] = {**counts, **more}
    return Report(
        resource=cast("ResourceName", store.meta("resource")),
        journal=store.path,
        rows=sum(found.rows for found in outcomes),
        already_there=coded.get(ALREADY_THERE, 0),
        updated=coded.get(UPDATED, 0),
        first_rejected=_listed(store, "rejected"),
        first_parked=_listed(store, "parked", "sent"),
        outcomes=outcomes,
        reasons=_reasons(outcomes),
        by_field=_by_field(store),
        money=_money(store),
        unread_amounts=_unread_amounts(store),
        **values,
    )


def by_state(counts: Sequence[tuple[State, str | None, int]]) -> dict[str, int]:
    """Add up what `Store.counts` returns."""
    sums = dict.fromkeys(get_args(State), 0)
    for state, _, count in counts:
        sums[state] += count
    return sums


def write(store: Store, rejects: Path) -> dict[str, Any]:
    """Write the rejects file; a problem with it must not cost the report."""
    try:
        return {"rejects": write_rejects(store, rejects)}
    except OSError as error:
        return {"rejects_problem": f"{rejects}: {error.strerror}"}
    except JournalError as error:
        return {"rejects_problem": error.message}


TOLD: Final[Sequence[State]] = ("rejected", "parked", "sent")
"""States that have a reason."""

WHY: Final = "it was being sent when the import ended, and was not looked up yet"


def _listed(store: Store, *states: State) -> list[Listed]:
    rows = store.fetch(states, after=0, limit=LISTED)
    return [
        _row(row.row, row.key, _code(row.state, row.code), row.reason) for row in rows
    ]


def _row(row: int, key: str | None, code: str | None, reason: str | None) -> Listed:
    return Listed(row, key, code, reason or WHY)


def _code(state: State, code: str | None) -> str | None:
    return UNDER_WAY if state == "sent" else code


# What is sorted are small rows: keys and reasons are joined to the few that are left.
OUTCOMES: Final = """
SELECT rows.state, rows.code, many, key, reason, row FROM (
    SELECT count(*) AS many, min(row) AS first FROM rows GROUP BY state, code
)
JOIN rows ON row = first
ORDER BY instr('done rejected parked sent pending', state), many DESC, code
"""


def _outcomes(store: Store) -> Sequence[Outcome]:
    return [
        Outcome(
            state=state,
            code=_code(state, code),
            rows=many,
            example=_row(row, key, _code(state, code), reason)
            if state in TOLD
            else None,
        )
        for state, code, many, key, reason, row in store.select(OUTCOMES)
    ]


def _reasons(outcomes: Sequence[Outcome]) -> dict[str, int]:
    told = [found for found in outcomes if found.state in TOLD]
    most = sorted(told, key=lambda found: -found.rows)
    return {found.code or UNDER_WAY: found.rows for found in most}


BY_FIELD: Final = """
SELECT coalesce(field, ''), row, key, code, reason FROM (
    SELECT
        row AS sample, count(*) OVER (PARTITION BY field) AS many,
        row_number() OVER (PARTITION BY field ORDER BY row) AS place
    FROM rows WHERE state = 'rejected'
)
JOIN rows ON row = sample
WHERE place <= ? ORDER BY many DESC, field, row LIMIT ?
"""


def _by_field(store: Store) -> Mapping[str, Sequence[Listed]]:
    listed: dict[str, list[Listed]] = {}
    for field, *values in store.select(BY_FIELD, SAMPLES, SAMPLES * FIELDS):
        listed.setdefault(field, []).append(Listed(*values))
    return listed


# Amounts are texts, since a sum of SQLite's is one of floats.
AMOUNTS: Final = "SELECT units, state, code, amount FROM rows WHERE amount IS NOT NULL"


# A row that cannot be read has none that is known, and may have had the largest.
UNREAD: Final = """
SELECT count(*) FROM rows
WHERE state = 'rejected' AND amount IS NULL AND coalesce(field, 'amount') = 'amount'
"""


def _unread_amounts(store: Store) -> int:
    sold = store.meta("resource") == "transactions"
    return int(store.select(UNREAD).fetchone()[0]) if sold else 0


def _money(store: Store) -> Sequence[Money]:
    # This loop is over all rows: what can be said of a sum is said after it.
    sums: dict[tuple[str | None, State, str | None], list[Any]] = {}
    with localcontext(EXACT):
        for units, state, code, amount in store.select(AMOUNTS):
            kind = units, state, code
            added = sums.get(kind) or sums.setdefault(kind, [0, Decimal(0)])
            added[0] += 1
            added[1] += Decimal(amount)
        return _by_currency(sums)


def _by_currency(
    sums: Mapping[tuple[str | None, State, str | None], Sequence[Any]],
) -> Sequence[Money]:
    found: dict[str | None, dict[str, Any]] = {}
    for (units, state, code), (rows, added) in sums.items():
        money = found.setdefault(units, {"rows": 0})
        money["rows"] += rows
        for name in _counts_as(state, code):
            money[name] = money.get(name, Decimal(0)) + added
    ordered = sorted(found.items(), key=lambda each: each[0] or "")
    return [Money(units=units, **money) for units, money in ordered]


def _counts_as(state: State, code: str | None) -> Sequence[str]:
    if state == "done":
        return ("given", "recorded")
    if state == "pending":
        return ("given", "pending")
    return ("given", "absent") if code == ABSENT else ("given",)
