"""What a partial refund needs to know of a sale, without I/O."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from .errors import NotFoundError, UsageError
from .models.transactions import Transaction


def refundable(sales: Sequence[Transaction], key: str) -> Transaction:
    """Return the one sale with this *key* that can be deleted and recorded again.

    Raises `NotFoundError` and `UsageError` where there is no such one.
    """
    found = [sale for sale in sales if sale.key == key]
    if not found:
        raise NotFoundError("no sale has this key", key=key)
    if len(found) > 1:
        raise UsageError(f"{len(found)} sales have the key {key}: which one is meant?")
    (sale,) = found
    if sale.deleted_at is not None:
        raise UsageError(f"the sale {key} is archived: restore it first")
    if sale.referred_customer is None and sale.customer is None:
        raise UsageError(f"nobody is known to have bought {key}: it earned nothing")
    return sale


def remainder(sale: Transaction, refund: Decimal | float) -> Decimal:
    """Return what is left of a sale after a *refund*, in major units.

    Raises `UsageError` when that is all of it, nothing, or more than it was.
    """
    amount = sale.amount or Decimal(0)
    left = amount - Decimal(str(refund))
    if not 0 < left < amount:
        raise UsageError(f"refund between 0 and {amount}, both excluded: got {refund}")
    return left


def again(sale: Transaction, amount: Decimal) -> dict[str, Any]:
    """Return the arguments that record *sale* again, over *amount*."""
    products = [reward.product_type_data for reward in sale.rewards or []]
    product = products[0] if products and isinstance(products[0], dict) else {}
    return {
        "key": sale.key,
        # Refer-a-friend programs name who referred, and who bought by the id.
        "customer": {"key": sale.customer}
        if sale.referred_customer is None
        else {"id": sale.referred_customer},
        "amount": amount,
        "amount_units": sale.amount_units,
        "action": sale.action,
        "created_at": sale.created_at,
        "product_id": product.get("product_id"),
        "product_type": product.get("product_type"),
    }
