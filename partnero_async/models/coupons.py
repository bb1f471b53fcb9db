"""Coupons, the promotion codes that give them to customers, and redemptions."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypedDict

import attrs

from ._model import Model, no_extra


class CouponSync(TypedDict):
    """Where a coupon is pushed to."""

    provider: Literal["stripe", "shopify", "woocommerce", "paddle"]
    """It must be connected to the program."""


class CodeHolder(TypedDict, total=False):
    """Who alone may use a code: a partner, customer or subscriber.

    Each kind names its holder by another member. Source: the documentation, which does
    not state the type of the id.
    """

    id: str | int
    full_name: str
    """Partners."""
    customer_full_name: str
    subscriber_full_name: str


@attrs.define(kw_only=True)
class Redemption(Model):
    """One use of a coupon or promotion code."""

    redeemed_at: datetime | None = None
    transaction_key: str | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class AdditionalInfo(Model):
    """The redemptions so far."""

    redemptions: list[Redemption] | None = None
    """None until the first."""
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class CouponShort(Model):
    """A coupon, as a single read of a promotion code shows it."""

    name: str | None = None
    uuid_code: str | None = None
    active: bool | None = None
    coupon_discount_type: str | None = None
    coupon_discount_amount: Decimal | None = None
    coupon_duration_type: str | None = None
    coupon_duration_value: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class PromotionCode(Model):
    """A code that gives a coupon to whoever enters it. It has no id and no time."""

    code: str | None = None
    """The identifier."""
    first_time_order: bool | None = None
    limit_to_specific_partner: bool | None = None
    coupon_specific_partners: dict[str, Any] | list[Any] | None = None
    """The empty map that the API sends as ``[]`` is ``{}`` here, as below."""
    limit_to_specific_customer: bool | None = None
    coupon_specific_customers: dict[str, Any] | list[Any] | None = None
    minimum_order_status: bool | None = None
    minimum_order_value: Decimal | None = None
    """In major units."""
    expiration_date_status: bool | None = None
    expiration_date_value: str | None = None
    """As it came: no published answer has one."""
    redemption_times_status: bool | None = None
    redemption_times_value: int | None = None
    metadata: dict[str, Any] | list[Any] | None = None
    additional_info: AdditionalInfo | None = None
    """None in older answers, which leave it out."""
    times_redeemed: int | None = None
    """None in older answers, which leave it out."""
    coupon: CouponShort | None = None
    """Single reads only."""
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class PromotionCodes(Model):
    """The promotion codes of a coupon, in an envelope as they come."""

    data: list[PromotionCode] | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class Coupon(Model):
    """A discount. It has no id beside its code."""

    name: str | None = None
    uuid_code: str | None = None
    """The identifier."""
    active: bool | None = None
    coupon_discount_type: str | None = None
    """``percent`` or ``static``."""
    coupon_discount_amount: Decimal | None = None
    """A percentage, or an amount in major units."""
    coupon_duration_type: str | None = None
    """``once``, ``hours``, ``days``, ``months``, ``years`` or ``lifetime``."""
    coupon_duration_value: int | None = None
    redemption_specific_date_status: bool | None = None
    redemption_specific_date_value: str | None = None
    """As it came: no published answer has one."""
    redemption_times_status: bool | None = None
    redemption_times_value: int | None = None
    metadata: dict[str, Any] | list[Any] | None = None
    """The empty map that the API sends as ``[]`` is ``{}`` here."""
    additional_info: AdditionalInfo | None = None
    """None in older answers, which leave it out."""
    times_redeemed: int | None = None
    """None in older answers, which leave it out."""
    promotion_codes: PromotionCodes | None = None
    """The codes are its ``data``. Lists and single reads only."""
    synchronization_enabled: bool | None = None
    """Writes only, like the other two: the push to a connected integration."""
    synchronization_successful: bool | None = None
    synchronization_message: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)
