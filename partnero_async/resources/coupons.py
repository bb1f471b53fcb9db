"""Coupons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import NoneType
from typing import Any, Literal

from .._keys import made_up_code
from .._lookup import Lookup, holds
from ..models.coupons import Coupon, CouponSync
from ..models.pages import Page
from ..pages import Pages
from ..retries import Kind
from ._resource import Resource


class CouponsResource(Resource):
    """Coupons: discounts that customers get by a code."""

    def list(self, *, limit: int = 100) -> Pages[Coupon]:
        """Walk all coupons, with their promotion codes.

        *limit* is the size of a page, 1 to 250.
        """
        return self._pages(Page[Coupon], "GET /coupons", limit=limit)

    async def get(self, uuid_code: str) -> Coupon:
        """Read one coupon.

        Raises `NotFoundError` when there is none. Source: inferred, since the page of
        this call was not available.
        """
        return await self._call(
            Coupon,
            Kind.READ,
            "GET /coupons/{uuid_code}",
            parts={"uuid_code": uuid_code},
        )

    async def create(
        self,
        *,
        coupon_discount_type: Literal["percent", "static"],
        coupon_discount_amount: Decimal | float,
        coupon_duration_type: Literal[
            "once", "hours", "days", "months", "years", "lifetime"
        ],
        name: str | None = None,
        uuid_code: str | None = None,
        active: bool | None = None,
        coupon_duration_value: int | None = None,
        redemption_specific_date_status: bool | None = None,
        redemption_specific_date_value: date | str | None = None,
        redemption_times_status: bool | None = None,
        redemption_times_value: int | None = None,
        promotion_codes: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        sync: CouponSync | None = None,
        if_exists: Literal["raise", "return"] = "raise",
    ) -> Coupon:
        """Create a coupon.

        *coupon_discount_amount* is 0 or more: a percentage up to 100, or an amount in
        major units when the type is ``static``. *coupon_duration_value* counts the
        hours, days, months or years, and is needed for these. *name* is shown to
        customers, *uuid_code* when it is left out.

        *redemption_specific_date_status* turns the expiry on the day of
        *redemption_specific_date_value* on, *redemption_times_status* the limit of
        *redemption_times_value* redemptions: each needs its value. *promotion_codes*
        are created with it; their form was never published. *sync* pushes it to a
        connected integration, and the ``synchronization_*`` members of the result say
        what came of that. *active* is gone from the newest documentation: leave it out.

        *uuid_code* is unique: up to 255 letters, digits, ``_`` and ``-``. One is made
        where none is given, so that a lost answer can be looked up. A *uuid_code* that
        is taken is refused with a `ValidationError`; ``if_exists="return"`` returns the
        coupon that is there if it has the same values, and raises `ConflictError` if it
        has others.
        """
        uuid_code = uuid_code or made_up_code()
        body = {
            "name": name,
            "uuid_code": uuid_code,
            "active": active,
            "coupon_discount_type": coupon_discount_type,
            "coupon_discount_amount": coupon_discount_amount,
            "coupon_duration_type": coupon_duration_type,
            "coupon_duration_value": coupon_duration_value,
            "redemption_specific_date_status": redemption_specific_date_status,
            "redemption_specific_date_value": redemption_specific_date_value,
            "redemption_times_status": redemption_times_status,
            "redemption_times_value": redemption_times_value,
            "promotion_codes": promotion_codes,
            "metadata": metadata,
            "sync": sync,
        }
        return await self._call(
            Coupon,
            Kind.UNIQUE,
            "POST /coupons",
            json=body,
            key=uuid_code,
            lookup=_coupon(
                uuid_code,
                name=name,
                coupon_discount_type=coupon_discount_type,
                coupon_discount_amount=coupon_discount_amount,
                coupon_duration_type=coupon_duration_type,
                coupon_duration_value=coupon_duration_value,
                redemption_times_value=redemption_times_value,
            ),
            returns_existing=self._returns_existing(if_exists),
        )

    async def update(
        self,
        uuid_code: str,
        *,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        redeem: bool | None = None,
        transaction_key: str | None = None,
        sync: CouponSync | None = None,
    ) -> Coupon:
        """Rename a coupon, add to its metadata, or record a redemption.

        *metadata* is merged into what is stored. *sync* is for a coupon that has no
        provider yet. Nothing else of a coupon can be changed.

        *redeem* counts one redemption, for the sale with *transaction_key*: a key that
        is not known, or was counted before, changes nothing and is no error. Without a
        key every call counts again, so when the answer is lost it is not sent again:
        this raises `AmbiguousWriteError`, and ``times_redeemed`` tells.

        Raises `NotFoundError` when there is no such coupon.
        """
        body = {
            "uuid_code": uuid_code,
            "name": name,
            "metadata": metadata,
            "redeem": redeem,
            "transaction_key": transaction_key,
            "sync": sync,
        }
        counts_again = redeem and not transaction_key
        return await self._call(
            Coupon,
            Kind.RELATIVE if counts_again else Kind.STATE,
            "PUT /coupons",
            json=body,
            key=uuid_code,
            lookup=None if counts_again else _coupon(uuid_code, name=name),
        )

    async def delete(self, uuid_code: str) -> None:
        """Delete a coupon.

        Raises `NotFoundError` when there is none. Source: inferred, since the page of
        this call was not available.
        """
        await self._call(
            NoneType,
            Kind.STATE,
            "DELETE /coupons",
            json={"uuid_code": uuid_code},
            key=uuid_code,
        )


def _coupon(uuid_code: str, **same: Any) -> Lookup:
    return Lookup(
        Coupon,
        "GET /coupons/{uuid_code}",
        parts={"uuid_code": uuid_code},
        mine=holds(uuid_code=uuid_code),
        same=holds(**same),
    )
