"""Customers of an affiliate program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, Literal

from .._lookup import Lookup, holds, renamed
from .._wire import reference
from ..models.customers import Customer
from ..models.pages import Page
from ..models.partners import PartnerRef
from ..models.transactions import Transaction, sale_identity
from ..pages import Pages
from ..retries import Kind
from ._resource import Resource


class CustomersResource(Resource, programs=["affiliate"]):
    """Customers: those whom a partner brought, and who buy."""

    def list(
        self,
        *,
        limit: int = 100,
        partner_key: str | None = None,
        partner_email: str | None = None,
        sort: Literal["asc", "desc"] | None = None,
    ) -> Pages[Customer]:
        """Walk all customers, newest first, or those of one partner.

        *limit* is the size of a page, 1 to 250. *sort* is known from the vendor's
        connector only. The items have neither status nor tags.
        """
        return self._pages(
            Page[Customer],
            "GET /customers",
            limit=limit,
            partner_key=partner_key,
            partner_email=partner_email,
            sort=sort,
        )

    def search(
        self,
        *,
        email: str | None = None,
        id: str | None = None,  # noqa: A002 - the API's own name
        key: str | None = None,
        limit: int = 100,
    ) -> Pages[Customer]:
        """Find customers by e-mail address, id or key.

        Give one criterion. *key* works in refer-a-friend programs only, says the
        vendor's connector: `get` reads by key. *limit* is the size of a page, 1 to 250.
        """
        return self._pages(
            Page[Customer],
            "GET /customers:search",
            limit=limit,
            email=email,
            id=id,
            key=key,
        )

    async def get(self, key: str) -> Customer:
        """Read one customer.

        Raises `NotFoundError` when there is none.
        """
        return await self._call(
            Customer, Kind.READ, "GET /customers/{key}", parts={"key": key}
        )

    async def create(
        self,
        key: str,
        *,
        partner: PartnerRef,
        email: str | None = None,
        name: str | None = None,
        surname: str | None = None,
        tags: Sequence[str] | None = None,
        referral_url: str | None = None,
        transaction: Mapping[str, Any] | None = None,
        if_exists: Literal["raise", "return"] = "raise",
    ) -> Customer:
        """Register a customer under a partner.

        *key* is the caller's own account id or e-mail address, and unique. *partner*
        names the partner by one of id, key (the value of the ``partnero_partner``
        cookie) or email; *referral_url* says which of the partner's links gets the
        credit. *transaction* is a first sale in the same call (vendor's PHP library).

        An unknown partner is a `BadRequestError`. A customer with this *key* is refused
        with a `ValidationError`; ``if_exists="return"`` returns the one that is there
        if it has the same values, and raises `ConflictError` if it has others. Answers
        name the partner by id: one that was given by key or email is not compared.
        """
        body = {
            "key": key,
            "email": email,
            "name": name,
            "surname": surname,
            "tags": tags,
            "partner": reference(partner, "partner"),
            "options": {"referral_url": referral_url},
            "transaction": transaction,
        }
        return await self._call(
            Customer,
            Kind.UNIQUE,
            "POST /customers",
            json=body,
            key=key,
            lookup=Lookup(
                Customer,
                "GET /customers/{key}",
                parts={"key": key},
                mine=holds(key=key),
                same=holds(
                    email=email,
                    name=name,
                    surname=surname,
                    partner=partner.get("id"),
                ),
            ),
            returns_existing=self._returns_existing(if_exists),
        )

    async def update(
        self,
        key: str,
        *,
        email: str | None = None,
        name: str | None = None,
        surname: str | None = None,
        new_key: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> Customer:
        """Change a customer: what is left out stays as it is.

        *tags* replaces the whole set, and an empty sequence clears it. *new_key* is
        unique.
        """
        changes = {
            "email": email,
            "name": name,
            "surname": surname,
            "key": new_key,
            "tags": tags,
        }
        return await self._call(
            Customer,
            Kind.STATE,
            "PUT /customers/{key}",
            parts={"key": key},
            json={"update": changes},
            lookup=Lookup(
                Customer,
                "GET /customers/{key}",
                parts={"key": new_key or key},
                same=renamed(email=email, name=name, surname=surname),
            ),
        )

    async def delete(self, key: str) -> None:
        """Delete a customer *and all of its transactions*. `archive` can be taken back.

        Raises `NotFoundError` when there is none.
        """
        await self._call(
            NoneType, Kind.STATE, "DELETE /customers/{key}", parts={"key": key}
        )

    async def suspend(self, key: str) -> None:
        """Stop commissions on a customer's sales, until `approve`."""
        await self._call(
            NoneType, Kind.STATE, "POST /customers/{key}/suspend", parts={"key": key}
        )

    async def approve(self, key: str) -> None:
        """Let a suspended customer's sales earn commissions again."""
        await self._call(
            NoneType, Kind.STATE, "POST /customers/{key}/approve", parts={"key": key}
        )

    async def archive(self, key: str) -> None:
        """Archive a customer, so that it stops earning, until `restore`.

        Source: the vendor's connector; `suspend` is the documented way.
        Raises `BadRequestError` when it is archived already.
        """
        await self._call(
            NoneType, Kind.STATE, "POST /customers/{key}/archive", parts={"key": key}
        )

    async def restore(self, key: str) -> None:
        """Bring an archived customer back.

        Source: the vendor's connector.
        Raises `BadRequestError` when it is not archived.
        """
        await self._call(
            NoneType,
            Kind.STATE,
            "POST /customers/{key}/revoke-archive",
            parts={"key": key},
        )

    def transactions(self, key: str, *, limit: int = 100) -> Pages[Transaction]:
        """Walk the sales of one customer, newest first.

        *limit* is the size of a page, 1 to 250.
        """
        return self._pages(
            Page[Transaction],
            "GET /customers/{key}/transactions",
            limit=limit,
            parts={"key": key},
            identity=sale_identity,
        )
