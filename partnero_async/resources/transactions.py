"""Transactions: sales, and what they earn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import NoneType
from typing import Any, Final, Literal, cast

from .._keys import made_up_key
from .._lookup import Lookup, holds, sold_to
from .._refund import again, refundable, remainder
from .._wire import reference, unix_seconds
from ..errors import UsageError
from ..models.customers import NewCustomer
from ..models.pages import Page
from ..models.partners import PartnerRef
from ..models.transactions import BatchTransaction, Transaction, sale_identity
from ..pages import Pages
from ..retries import Kind
from ._resource import Resource


class TransactionsResource(Resource, programs=["affiliate", "refer_a_friend"]):
    """Transactions: the sales that partners earn on."""

    def list(
        self,
        *,
        limit: int = 100,
        key: str | None = None,
        partner_key: str | None = None,
        partner_email: str | None = None,
        customer_key: str | None = None,
        sort: Literal["asc", "desc"] | None = None,
    ) -> Pages[Transaction]:
        """Walk all sales, newest first, or those with a key, partner or customer.

        *key* is not unique: several sales may answer to it. *limit* is the size of a
        page, 1 to 250. *customer_key* comes from the old documentation, *sort* from
        the vendor's connector.
        """
        return self._pages(
            Page[Transaction],
            "GET /transactions",
            limit=limit,
            key=key,
            partner_key=partner_key,
            partner_email=partner_email,
            customer_key=customer_key,
            sort=sort,
            identity=sale_identity,
        )

    async def get(self, key: str) -> Transaction:
        """Read one sale; of several with this key, which one is not documented.

        Raises `NotFoundError` when there is none.
        """
        return await self._call(
            Transaction, Kind.READ, "GET /transactions/{key}", parts={"key": key}
        )

    async def create(
        self,
        *,
        customer: NewCustomer,
        key: str | None = None,
        amount: Decimal | float | None = None,
        reward: Decimal | float | None = None,
        amount_units: str | None = None,
        action: str | None = None,
        product_id: str | int | Sequence[int] | None = None,
        product_type: str | int | Sequence[int] | None = None,
        rewarded: bool | None = None,
        rewardable: bool | None = None,
        created_at: datetime | int | str | None = None,
        gross_amount: Decimal | float | None = None,
        discount_amount: Decimal | float | None = None,
        discount_code: str | None = None,
        status: str | None = None,
        partner: PartnerRef | None = None,
        create_customer: bool | None = None,
        referral_url: str | None = None,
    ) -> Transaction:
        """Record a sale.

        *amount* is in major units of *amount_units*, the program's currency when left
        out; *reward* fixes the commission directly; one of the two is needed. *action*
        is free text, ``sale`` by preference. *created_at* back-dates the sale: an aware
        datetime or Unix seconds.

        *customer* names the buyer by one of key, email or id. With *create_customer*
        it is created in the same call, under ``customer["partner"]``; the top-level
        *partner* is the old documentation's form of that. A sale of a customer whom
        the program does not know may be recorded for nobody: register it first.

        *key* is your payment or order number. The API does **not** refuse a second sale
        with the same key, and pays a second commission. So a sale whose outcome is
        unknown is never sent again: it is looked up by its key, and when it is not
        there this raises `AmbiguousWriteError`. A key is made where none is given,
        since without one there is nothing to look up; it is on the error and on the
        returned sale.
        """
        key = key or made_up_key()
        seconds = unix_seconds(created_at, "created_at")
        body = {
            "key": key,
            "amount": amount,
            "reward": reward,
            "amount_units": amount_units,
            "action": action,
            "product_id": product_id,
            "product_type": product_type,
            "rewarded": rewarded,
            "rewardable": rewardable,
            "created_at": seconds,
            "customer": reference(customer, "customer"),
            "partner": partner and reference(partner, "partner"),
            "gross_amount": gross_amount,
            "discount_amount": discount_amount,
            "discount_code": discount_code,
            "status": status,
            "options": {
                "create_customer": create_customer,
                "referral_url": referral_url,
            },
        }
        return await self._call(
            Transaction,
            Kind.MONEY,
            "POST /transactions",
            json=body,
            key=key,
            lookup=_sales_with(
                key,
                same=sold_to(
                    customer,
                    amount=amount,
                    action=action,
                    amount_units=amount_units,
                    reward=reward,
                    created_at=seconds,
                ),
            ),
        )

    async def create_batch(
        self,
        *,
        customer: NewCustomer,
        transactions: Sequence[BatchTransaction],
        create_customer: bool | None = None,
        referral_url: str | None = None,
    ) -> Any:
        """Record several sales of one customer in one call.

        Each has an amount, and may have a key and an action; a key is made where none
        is given. What the API answers was never published, so plain data is returned.

        Nothing is sent again on its own: when the answer is lost this raises
        `AmbiguousWriteError`, and each sale can be looked up by its key.
        Source: the old documentation.
        """
        sales = [_batched(sale) for sale in transactions]
        body = {
            "customer": reference(customer, "customer"),
            "transactions": sales,
            "options": {
                "create_customer": create_customer,
                "referral_url": referral_url,
            },
        }
        return await self._call(
            cast("type[Any]", object),
            Kind.RELATIVE,
            "POST /transactions",
            json=body,
            key=", ".join(str(sale["key"]) for sale in sales),
        )

    async def partial_refund(
        self,
        key: str,
        *,
        amount: Decimal | float,
        delete_and_create_again: bool = False,
    ) -> Transaction:
        """Refund *amount* of a sale, by deleting it and recording what is left of it.

        The API has no partial refund: a sale can only be deleted, which reverses its
        commission, and recorded again with the same key, customer, time and product,
        and a smaller amount, which pays a new one by the program's rule: a commission
        that was fixed with ``reward`` is not kept. Because that is two writes, of
        which the first may happen alone, it is refused unless
        *delete_and_create_again* is True. *amount* is above 0 and below the amount of
        the sale.

        Returns the sale that was recorded. When the second write fails, its error says
        so in a note: the sale is deleted then, and has to be recorded again.

        Raises `UsageError` where that cannot be done: the sale is archived, several
        share the key, or nobody is known to have bought it.
        """
        if not delete_and_create_again:
            raise UsageError(
                "a partial refund deletes the sale and records it again:"
                " say delete_and_create_again=True if that is what you want"
            )
        sale = refundable(await self.list(key=key).collect(), key)
        left = remainder(sale, amount)
        await self.delete(key)
        try:
            return await self.create(**again(sale, left))
        except BaseException as error:  # cancelled, too: the sale is gone all the same
            error.add_note(f"The sale {key} is deleted; {left} of it is not recorded.")
            raise

    async def delete(self, key: str) -> None:
        """Delete a sale and reverse its commission. `archive` can be taken back.

        Raises `NotFoundError` when there is none. Where several sales share the key,
        which one goes is not documented, and a repeat would delete another: so unlike
        other deletions this one is not sent again after a lost answer. When no sale has
        the key any more it was done; else this raises `AmbiguousWriteError`.
        """
        await self._call(
            NoneType,
            Kind.RELATIVE,
            "DELETE /transactions/{key}",
            parts={"key": key},
            key=key,
            lookup=_sales_with(key, gone=True),
        )

    async def archive(self, key: str) -> None:
        """Archive a sale and hide its rewards, until `restore`.

        Raises `BadRequestError` when it is archived already.
        """
        await self._call(
            NoneType,
            Kind.STATE,
            "POST /transactions/{key}/archive",
            parts={"key": key},
            lookup=Lookup(
                Transaction,
                "GET /transactions/{key}",
                parts={"key": key},
                same=lambda sale: sale.deleted_at is not None,
            ),
        )

    async def restore(self, key: str) -> None:
        """Bring an archived sale and its rewards back.

        Raises `BadRequestError` when it is not archived.
        """
        await self._call(
            NoneType,
            Kind.STATE,
            "POST /transactions/{key}/revoke-archive",
            parts={"key": key},
            lookup=Lookup(
                Transaction,
                "GET /transactions/{key}",
                parts={"key": key},
                same=lambda sale: sale.deleted_at is None,
            ),
        )


SALES: Final = Page[Transaction]  # once: one is looked up for each sale
"""A page of sales."""


def _sales_with(key: str, **rest: Any) -> Lookup:
    return Lookup(
        SALES,
        "GET /transactions",
        query={"key": key, "limit": 100},
        mine=holds(key=key),
        **rest,
    )


def _batched(sale: Mapping[str, Any]) -> dict[str, Any]:
    """Return a sale of a batch as it is sent; nobody knows what else one may have."""
    sent = {**sale, "key": sale.get("key") or made_up_key()}
    if "created_at" in sale:
        sent["created_at"] = unix_seconds(sale["created_at"], "created_at")
    return sent
