"""Promotion codes of coupons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from types import NoneType
from typing import Any, Literal

from .._keys import made_up_code
from .._lookup import Lookup, holds
from ..models.coupons import CodeHolder, PromotionCode
from ..models.pages import Page
from ..pages import Pages
from ..retries import Kind
from ._resource import Resource


class PromotionCodesResource(Resource):
    """Promotion codes: each gives a coupon to whoever enters it."""

    def list(self, *, limit: int = 100) -> Pages[PromotionCode]:
        """Walk all promotion codes, without their coupons.

        *limit* is the size of a page, 1 to 250.
        """
        return self._pages(Page[PromotionCode], "GET /promotion-codes", limit=limit)

    async def get(self, code: str) -> PromotionCode:
        """Read one promotion code, with its coupon.

        Raises `NotFoundError` when there is none.
        """
        return await self._call(
            PromotionCode,
            Kind.READ,
            "GET /promotion-codes/{code}",
            parts={"code": code},
        )

    async def create(
        self,
        *,
        coupon_uuid: str,
        code: str | None = None,
        first_time_order: bool | None = None,
        limit_to_specific_partner: bool | None = None,
        coupon_specific_partners: CodeHolder | Sequence[CodeHolder] | None = None,
        limit_to_specific_customer: bool | None = None,
        coupon_specific_customers: CodeHolder | Sequence[CodeHolder] | None = None,
        limit_to_specific_subscriber: bool | None = None,
        coupon_specific_subscribers: CodeHolder | Sequence[CodeHolder] | None = None,
        minimum_order_status: bool | None = None,
        minimum_order_value: int | None = None,
        expiration_date_status: bool | None = None,
        expiration_date_value: date | str | None = None,
        redemption_times_status: bool | None = None,
        redemption_times_value: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        if_exists: Literal["raise", "return"] = "raise",
    ) -> PromotionCode:
        """Create a promotion code under the coupon *coupon_uuid*.

        Each limit is turned on by one parameter and needs its value in the next one:
        who may use the code (documented as one object, a partner, customer or
        subscriber), *minimum_order_value* in major units, *expiration_date_value* as a
        day, *redemption_times_value*. *first_time_order* is for first orders only.

        *code* is unique: up to 100 letters, digits, ``_`` and ``-``. One is made where
        none is given, so that a lost answer can be looked up. A *code* that is taken is
        refused with a `ValidationError`; ``if_exists="return"`` returns the one that is
        there if it has the same values, and raises `ConflictError` if it has others.
        Raises `NotFoundError` when there is no such coupon.
        """
        code = code or made_up_code()
        body = {
            "coupon_uuid": coupon_uuid,
            "code": code,
            "first_time_order": first_time_order,
            "limit_to_specific_partner": limit_to_specific_partner,
            "coupon_specific_partners": coupon_specific_partners,
            "limit_to_specific_customer": limit_to_specific_customer,
            "coupon_specific_customers": coupon_specific_customers,
            "limit_to_specific_subscriber": limit_to_specific_subscriber,
            "coupon_specific_subscribers": coupon_specific_subscribers,
            "minimum_order_status": minimum_order_status,
            "minimum_order_value": minimum_order_value,
            "expiration_date_status": expiration_date_status,
            "expiration_date_value": expiration_date_value,
            "redemption_times_status": redemption_times_status,
            "redemption_times_value": redemption_times_value,
            "metadata": metadata,
        }
        return await self._call(
            PromotionCode,
            Kind.UNIQUE,
            "POST /promotion-codes",
            json=body,
            key=code,
            lookup=_code(
                code,
                coupon_uuid,
                first_time_order=first_time_order,
                limit_to_specific_partner=limit_to_specific_partner,
                limit_to_specific_customer=limit_to_specific_customer,
                minimum_order_value=minimum_order_value,
                redemption_times_value=redemption_times_value,
            ),
            returns_existing=self._returns_existing(if_exists),
        )

    async def update(
        self,
        code: str,
        *,
        limit_to_specific_partner: bool | None = None,
        coupon_specific_partners: CodeHolder | Sequence[CodeHolder] | None = None,
        metadata: Mapping[str, Any] | None = None,
        redeem: bool | None = None,
        transaction_key: str | None = None,
    ) -> PromotionCode:
        """Limit a code to a partner, add to its metadata, or record a redemption.

        *limit_to_specific_partner* needs *coupon_specific_partners*. *metadata* is
        merged into what is stored. Nothing else of a code can be changed.

        *redeem* counts one redemption, for the sale with *transaction_key*: a key that
        is not known, or was counted before, changes nothing and is no error. Without a
        key every call counts again, so when the answer is lost it is not sent again:
        this raises `AmbiguousWriteError`, and ``times_redeemed`` tells.

        Raises `NotFoundError` when there is no such code.
        """
        body = {
            "code": code,
            "limit_to_specific_partner": limit_to_specific_partner,
            "coupon_specific_partners": coupon_specific_partners,
            "metadata": metadata,
            "redeem": redeem,
            "transaction_key": transaction_key,
        }
        counts_again = redeem and not transaction_key
        return await self._call(
            PromotionCode,
            Kind.RELATIVE if counts_again else Kind.STATE,
            "PUT /promotion-codes",
            json=body,
            key=code,
            lookup=None
            if counts_again
            else _code(code, limit_to_specific_partner=limit_to_specific_partner),
        )

    async def delete(self, code: str, *, coupon_uuid: str) -> None:
        """Delete a code of the coupon *coupon_uuid* for good.

        Raises `NotFoundError` when there is none.
        """
        await self._call(
            NoneType,
            Kind.STATE,
            "DELETE /promotion-codes",
            json={"code": code, "coupon": {"uuid_code": coupon_uuid}},
            key=code,
        )


def _code(code: str, coupon_uuid: str | None = None, **same: Any) -> Lookup:
    fits = holds(**same)
    of_coupon = holds(uuid_code=coupon_uuid)
    return Lookup(
        PromotionCode,
        "GET /promotion-codes/{code}",
        parts={"code": code},
        mine=holds(code=code),
        same=lambda found: (
            fits(found) and (found.coupon is None or of_coupon(found.coupon))
        ),
    )
