"""Customers of a refer-a-friend program: they refer, are referred, and are rewarded."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypedDict

import attrs

from ._model import Model, no_extra


class ReferringCustomer(TypedDict, total=False):
    """Points at who referred a customer. Send one member; the id wins over the key."""

    id: str
    key: str
    """The value of the ``partnero_referral`` cookie."""


class ReferralMetadata(TypedDict, total=False):
    """What a program may ask customers for."""

    date_of_birth: date | str
    """A `date`, or text as ``1991-07-19``."""


@attrs.define(kw_only=True)
class Referral(Model):
    """A customer of a refer-a-friend program."""

    id: str | None = None
    """Private, and in paths; equal to the key where only a key was sent.

    The key is public, and not in the answer: it is the end of the referral link.
    """
    email: str | None = None
    name: str | None = None
    surname: str | None = None
    status: str | None = None
    """``active`` or ``deleted``; others are not known."""
    approved: bool | None = None
    tos: bool | None = None
    """Whether the terms were accepted: in old answers only."""
    referring_customer: dict[str, Any] | list[Any] | None = None
    """Who referred this one; what is inside was never published, likely ``id``."""
    referrals_count: int | None = None
    referral_link: str | None = None
    referral_links: list[str] | None = None
    metadata: dict[str, Any] | list[Any] | None = None
    """None in old answers. An empty map that the API sends as ``[]`` is ``{}`` here."""
    custom_fields: dict[str, Any] | list[Any] | None = None
    """None in old answers."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class UnitAmount(Model):
    """An amount of money, or of a reward of another kind."""

    amount: Decimal | None = None
    """Money in major units. Not rounded."""
    amount_units: str | None = None
    """Upper-case ISO 4217 code where it is money, else what is counted."""
    is_currency: bool | None = None
    """Whether it is money."""
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class Balance(Model):
    """What a customer has."""

    currency: list[UnitAmount] | None = None
    """Money, one item a currency; rewards of other kinds were never shown."""
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class CustomerBalance(Model):
    """A customer, and what it has."""

    customer: Referral | None = None
    balance: Balance | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)
