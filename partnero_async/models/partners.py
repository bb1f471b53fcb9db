"""Partners of an affiliate program: those who bring customers and earn on sales."""

from datetime import datetime
from decimal import Decimal
from typing import Any, TypedDict

import attrs

from ._model import Model, no_extra, own_first, sparse


class PartnerRef(TypedDict, total=False):
    """Points at a partner. Send one member: which wins of several is not documented."""

    id: str
    key: str
    email: str


@attrs.define(kw_only=True)
class CurrencyAmount(Model):
    """An amount of money, in major units."""

    currency: str | None = None
    """Upper-case ISO 4217 code."""
    amount: Decimal | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class PartnerReferrals(Model):
    """What a partner brought so far."""

    clicks: int | None = None
    signups: int | None = None
    revenue: list[CurrencyAmount] | None = None
    sales_count: int | None = None
    paid_accounts: int | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class PartnerCommissions(Model):
    """What a partner earned so far. Not rounded."""

    paid: Decimal | None = None
    """One bare number, while the other two are lists per currency."""
    pending: list[CurrencyAmount] | None = None
    not_paid: list[CurrencyAmount] | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@sparse
@attrs.define(kw_only=True, slots=False)
class PartnerDetails(Model):
    """What lists and writes leave out of a partner."""

    __slots__ = ("kept_sparsely",)

    key: str | None = None
    """Referral key: in the oldest published answers only, else in the links."""
    tos: bool | None = None
    """Whether the terms were accepted."""
    tags: list[str] | None = None
    """In no certain order."""
    referral_link: str | None = None
    referral_links: list[str] | None = None
    referrals_count: int | None = None
    referrals: PartnerReferrals | None = None
    """Single reads only."""
    commissions: PartnerCommissions | None = None
    """Single reads only."""
    custom_field_values: dict[str, Any] | list[Any] | None = None


@attrs.define(kw_only=True, field_transformer=own_first)
class Partner(PartnerDetails):
    """A partner. Lists and writes answer less of it than a single read does."""

    id: str | None = None
    email: str | None = None
    name: str | None = None
    surname: str | None = None
    status: str | None = None
    """``active``, ``pending``, ``archived`` or ``deleted``."""
    approved: bool | None = None
    custom_fields: dict[str, Any] | list[Any] | None = None
    """The empty map that the API sends as ``[]`` is ``{}`` here."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class PartnerBonus(Model):
    """A one-off bonus. What the API answers was never published: all is assumed."""

    amount: Decimal | None = None
    amount_units: str | None = None
    note: str | None = None
    created_at: datetime | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class SignInUrl(Model):
    """A one-time sign-in. What the API answers was never published: all is assumed."""

    url: str | None = attrs.field(default=None, repr=lambda _: "'***'")
    """Whoever has it is signed in as the partner: it is masked in the repr."""
    expires_at: datetime | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)
