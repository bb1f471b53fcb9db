"""A sale of the program beside the row that means it, without I/O."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from partnero_async.bulk.sales import unequal
from partnero_async.bulk.store import Sale

SALE = Sale("s1", "10.00", "EUR", "2", "c1", "sale")


@pytest.mark.parametrize(
    ("argument", "given", "member", "other"),
    [
        pytest.param("amount", Decimal("10.0"), "amount", "10.01", id="amount"),
        pytest.param("amount_units", "eur", "units", "USD", id="currency"),
        pytest.param("reward", Decimal("2.00"), "reward", "2.01", id="reward"),
        pytest.param("action", "sale", "action", "Sale", id="action"),
    ],
)
def test_what_a_sale_has_otherwise(
    argument: str, given: Any, member: str, other: str
) -> None:
    """Numbers by value, currencies in any case; and nothing is not the same."""
    assert list(unequal({argument: given}, SALE)) == []
    for found in (other, None):
        changed: dict[str, Any] = {member: found}
        sale = SALE._replace(**changed)
        assert list(unequal({argument: given}, sale)) == [(argument, given, found)]
        assert list(unequal({}, sale)) == []
