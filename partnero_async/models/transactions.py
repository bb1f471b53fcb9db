"""Sales, and the commissions that they earn."""

from datetime import datetime
from decimal import Decimal
from typing import Any, NotRequired, Required, TypedDict

import attrs

from ._model import Model, no_extra


class BatchTransaction(TypedDict, total=False):
    """One sale of a batch: just what the documentation shows of it."""

    key: NotRequired[str]
    amount: Required[Decimal | float]
    action: NotRequired[str]


@attrs.define(kw_only=True)
class TransactionReward(Model):
    """The commission on a sale."""

    key: str | None = None
    """The key of the sale."""
    action: str | None = None
    status: str | None = None
    """``ok``, ``review_period`` or ``rejected``."""
    customer: str | None = None
    partner: str | None = None
    """Id of the partner who earns it."""
    amount: Decimal | None = None
    """Not rounded: more than two decimals are normal."""
    amount_units: str | None = None
    is_currency: bool | None = None
    credit: bool | None = None
    product_type_data: dict[str, Any] | list[Any] | None = None
    created_at: datetime | None = None
    deleted_at: datetime | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class Transaction(Model):
    """A sale. It has no id of its own, and its key may be shared with others."""

    key: str | None = None
    """Chosen by the caller. The API does not enforce that it is unique."""
    action: str | None = None
    amount: Decimal | None = None
    """In major units of `amount_units`."""
    amount_units: str | None = None
    """Upper-case ISO 4217 code."""
    partner: str | None = None
    """Id of the partner who earns on it; None when nobody does."""
    customer: str | None = None
    """Key of the customer; in a refer-a-friend program of the one who referred."""
    referred_customer: str | None = None
    """Refer-a-friend programs only: the buyer."""
    credit: bool | None = None
    is_currency: bool | None = None
    rewards: list[TransactionReward] | None = None
    created_at: datetime | None = None
    deleted_at: datetime | None = None
    """When it was archived; None when it is not."""
    extra: dict[str, Any] = attrs.field(factory=no_extra)


def sale_identity(sale: Transaction) -> tuple[object, ...]:
    """Return all that tells a sale from others; another may be equal to it."""
    return sale.key, sale.created_at, sale.amount, sale.customer, sale.action
