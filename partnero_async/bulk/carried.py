"""What a file for an import carries of a sale beside its plain members.

The commission and the product of a sale are inside of its rewards, in forms that no
column can hold as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from .._lookup import earned
from ..models import Transaction, TransactionReward

__all__ = ["PRODUCT", "commission_of", "is_whole", "product_of"]

PRODUCT: Final = ("product_id", "product_type")
"""Members of ``product_type_data`` that can be sent (facts.md)."""


def commission_of(sale: Transaction) -> Decimal | None:
    """Return the commission to fix; None where the program's rule is to make it.

    With an amount the rule has something to go by. Without one the commission is all
    that the sale is.
    """
    rewards = sale.rewards or []
    if sale.amount or not rewards or not all(_plain(r, sale) for r in rewards):
        return None
    return earned(sale)


def _plain(reward: TransactionReward, sale: Transaction) -> bool:
    """Say whether it is paid, to the one partner of the sale and in its currency."""
    first, *_ = sale.rewards or [reward]
    return (
        reward.amount is not None
        and reward.status != "rejected"
        and reward.deleted_at is None
        and reward.is_currency is not False
        and reward.amount_units in (None, sale.amount_units)
        and reward.partner == first.partner
    )


def product_of(name: str, sale: Transaction) -> str | None:
    """Return the ``product_id`` or ``product_type`` of a sale, where it has one."""
    value = _product(sale).get(name)
    return str(value) if _is_text_or_integer(value) else None


def _product(sale: Transaction) -> Mapping[str, Any]:
    """Return what all rewards of a sale say of its product."""
    said = [reward.product_type_data or {} for reward in sale.rewards or []]
    if not said or any(each != said[0] for each in said):
        return {}
    return said[0] if isinstance(said[0], dict) else {}


def _is_text_or_integer(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def is_whole(item: object) -> bool:
    """Say whether the file has all that an import needs to make *item* again."""
    if not isinstance(item, Transaction):
        return True
    rewards = item.rewards or []
    refused = any(reward.status == "rejected" for reward in rewards)
    lost = not item.amount and rewards and commission_of(item) is None
    return not (refused or lost) and all(
        _says_no_more(reward, item) for reward in rewards
    )


def _says_no_more(reward: TransactionReward, sale: Transaction) -> bool:
    """Say whether the columns of *sale* have all that *reward* says of the product."""
    said = reward.product_type_data or {}
    carried = {name: product_of(name, sale) for name in PRODUCT}
    return isinstance(said, dict) and all(
        value is None or carried.get(name) == str(value) for name, value in said.items()
    )
