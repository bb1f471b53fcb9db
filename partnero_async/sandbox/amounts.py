"""Exact arithmetic: amounts are never rounded, and never written with an exponent."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Context, Decimal

# Wide enough for any product of two amounts that checks.Fields.number lets through.
_EXACT = Context(prec=200)


def plain(amount: Decimal) -> Decimal:
    """Drop trailing zeros: 149.50 becomes 149.5, as the API answers it."""
    return Decimal(f"{amount.normalize(_EXACT):f}")


def share(amount: Decimal, rate: Decimal) -> Decimal:
    """Multiply exactly: 7.5 per cent of 149.5 is 11.2125."""
    return plain(_EXACT.multiply(amount, rate))


def add(amount: Decimal, other: Decimal) -> Decimal:
    """Add exactly."""
    return plain(_EXACT.add(amount, other))


def sums(amounts: Iterable[tuple[str, str]]) -> dict[str, Decimal]:
    """Add up amounts, given as currency and text, by currency."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for units, amount in amounts:
        totals[units] = _EXACT.add(totals[units], Decimal(amount))
    return {units: plain(total) for units, total in totals.items()}
