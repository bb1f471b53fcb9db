"""Payout requests: what partners are owed, on its way to them."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypedDict

import attrs

from ._model import Model, no_extra


class PayoutSettings(TypedDict, total=False):
    """Where the money goes; which members count depends on the gateway.

    Nothing can be sent for ``wise``.
    """

    username: str
    """paypal, needed: the e-mail address of the account."""
    name: str
    """venmo, needed."""
    address: str
    """paypal."""
    tax_id: str
    """paypal."""
    wallet_address: str
    """crypto, needed."""
    type: str
    """crypto: the coin, one that is enabled in the program."""
    recipient_type: Literal["USER_HANDLE", "EMAIL", "PHONE"]
    """venmo: which of the next three is given."""
    user_handle: str
    email: str
    phone: str


@attrs.define(kw_only=True)
class PayoutRequest(Model):
    """A request to pay a partner the unpaid balance of one currency.

    What the API answers was never published: all but a status and an amount is assumed.
    """

    id: int | None = None
    status: str | None = None
    """``requested``, ``approved``, ``finished``, ``rejected``, ``resubmit_requested``
    or ``resubmitted``."""
    amount: Decimal | None = None
    """In major units of `amount_units`. Not rounded."""
    amount_units: str | None = None
    """Upper-case ISO 4217 code."""
    gateway: str | None = None
    partner: dict[str, Any] | str | None = None
    """An object with id and e-mail address, or the id alone."""
    payout_settings: dict[str, Any] | list[Any] | None = attrs.field(
        default=None, repr=lambda value: "'***'" if value else repr(value)
    )
    """Account and wallet, should the API answer them: masked in the repr."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)
