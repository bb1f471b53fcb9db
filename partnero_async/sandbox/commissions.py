"""What partners earn, by sales and by hand, and how much of it is paid."""

import sqlite3
from collections.abc import Collection
from decimal import Decimal
from typing import Any

import attrs

from . import answers
from .amounts import sums
from .calls import Call
from .routing import Route

SCHEMA = """
CREATE TABLE IF NOT EXISTS commissions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    partner INTEGER NOT NULL,
    sale INTEGER,
    amount TEXT NOT NULL,
    units TEXT NOT NULL,
    paid INTEGER NOT NULL,
    payout INTEGER
);
CREATE INDEX IF NOT EXISTS commission_partner ON commissions (partner);
CREATE INDEX IF NOT EXISTS commission_sale ON commissions (sale);
CREATE INDEX IF NOT EXISTS commission_payout ON commissions (payout);
"""

# Archiving or deleting a sale takes its commissions away, restoring gives them back.
_COUNTED = (
    "SELECT m.* FROM commissions m LEFT JOIN sales s ON s.seq = m.sale"
    " WHERE m.partner = ? AND (m.sale IS NULL OR s.gone = 0 AND s.deleted_at IS NULL)"
)


@attrs.frozen(kw_only=True)
class Commission:
    """An amount for a partner, in major units; *sale* is None if given by hand."""

    partner: int
    amount: Decimal
    units: str
    sale: int | None = None
    paid: bool = False


def add(call: Call, commission: Commission) -> None:
    """Record a commission."""
    call.state.run(
        "INSERT INTO commissions (partner, sale, amount, units, paid)"
        " VALUES (?, ?, ?, ?, ?)",
        (
            commission.partner,
            commission.sale,
            str(commission.amount),
            commission.units,
            commission.paid,
        ),
    )


def balance(call: Call, partner: int) -> dict[str, Any]:
    """Shape the `commissions` of a partner; *paid* is one number, as published.

    What an open payout request covers is pending (assumption).
    """
    rows = call.state.rows(_COUNTED, (partner,))
    held = call.assumptions.requested_commissions == "pending"
    paid = [row for row in rows if row["paid"]]
    pending = [row for row in rows if held and row["payout"] and not row["paid"]]
    rest = [row for row in rows if not (row["paid"] or (held and row["payout"]))]
    return {
        "paid": _totals(paid).get(call.program.currency, Decimal(0)),
        "pending": answers.money(_totals(pending)),
        "not_paid": answers.money(_totals(rest)),
    }


def unpaid(call: Call, partner: int, units: str) -> list[sqlite3.Row]:
    """Return the commissions in one currency that no payout request covers yet."""
    return call.state.rows(
        f"{_COUNTED} AND m.units = ? AND m.paid = 0 AND m.payout IS NULL",
        (partner, units),
    )


def total(rows: Collection[sqlite3.Row]) -> Decimal:
    """Add up commissions in one currency."""
    return sum(_totals(rows).values(), Decimal(0))


def _totals(rows: Collection[sqlite3.Row]) -> dict[str, Decimal]:
    return sums((row["units"], row["amount"]) for row in rows)


ROUTES: list[Route] = []
