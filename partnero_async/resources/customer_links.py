"""Referral links of the customers of a refer-a-friend program."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Literal

from .._lookup import Lookup, holds, renamed
from .._wire import reference
from ..errors import UsageError
from ..models.customers import CustomerRef
from ..models.links import ReferralLink
from ..models.pages import Page
from ..pages import Pages
from ..retries import Kind
from ._resource import Resource


class CustomerLinksResource(Resource, programs=["refer_a_friend"]):
    """Referral links of the customers of a refer-a-friend program."""

    def list(
        self,
        id: str,  # noqa: A002 - the API's own name
        *,
        limit: int = 100,
    ) -> Pages[ReferralLink]:
        """Walk the links of the customer with this *id*.

        *limit* is the size of a page, 1 to 250. A customer that does not exist is a
        `NotFoundError`. Source: the old documentation.
        """
        return self._pages(
            Page[ReferralLink],
            "GET /customers/{id}/referral_links",
            limit=limit,
            parts={"id": id},
        )

    async def search(
        self,
        *,
        id: str | None = None,  # noqa: A002 - the API's own name
        key: str | None = None,
        customer_id: str | None = None,
    ) -> Sequence[ReferralLink]:
        """Find links by id or key, which are equal in every published answer.

        Give one of them; *customer_id* narrows the search to one customer. Whether part
        of a value matches is not documented, nor are pages: all links come at once.
        Source: the vendor's PHP library.
        """
        query = {"id": id, "key": key, "customer[id]": customer_id}
        return await self._whole(
            Page[ReferralLink], "GET /customer_referral_links:search", query=query
        )

    async def get(self, id: str) -> ReferralLink:  # noqa: A002 - the API's own name
        """Read one link.

        Raises `NotFoundError` when there is none. Source: the old documentation.
        """
        return await self._call(
            ReferralLink,
            Kind.READ,
            "GET /customer_referral_links/{id}",
            parts={"id": id},
        )

    async def create(
        self,
        key: str,
        *,
        customer: CustomerRef,
        domain_id: int | None = None,
        is_additional: bool | None = None,
        if_exists: Literal["raise", "return"] = "raise",
    ) -> ReferralLink:
        """Create a link for a customer.

        *key* is unique. *customer* names the owner by one of id, key or email.
        *domain_id* and *is_additional* put the link on an additional domain; known from
        the vendor's PHP library only.

        A *key* that is taken is refused with a `ValidationError`;
        ``if_exists="return"`` returns the link if this customer has it, and raises that
        error if another one does. A link does not say whose it is, so this takes a
        customer that is named by id. So does finding out what became of a lost answer:
        without the id this raises `AmbiguousWriteError` then.
        Source: the old documentation.
        """
        owner = reference(customer, "customer").get("id")
        if if_exists == "return" and owner is None:
            raise UsageError('if_exists="return" takes customer={"id": ...}')
        body = {
            "key": key,
            "customer": customer,
            "domain_id": domain_id,
            "is_additional": is_additional,
        }
        return await self._call(
            ReferralLink,
            Kind.UNIQUE,
            "POST /customer_referral_links",
            json=body,
            key=key,
            lookup=None if owner is None else _of_customer(owner, key),
            returns_existing=self._returns_existing(if_exists),
        )

    async def update(
        self,
        id: str,  # noqa: A002 - the API's own name
        *,
        key: str | None = None,
        url: str | None = None,
        default: bool | None = None,
    ) -> ReferralLink:
        """Change a link: what is left out stays as it is.

        *key* renames it, and its id with it; keys are unique. *default* makes it the
        customer's main link.

        Raises `NotFoundError` when there is none; its `maybe_applied` is true when an
        earlier attempt of this call may have renamed it.
        Source: the vendor's PHP library.
        """
        return await self._call(
            ReferralLink,
            Kind.STATE,
            "PUT /customer_referral_links/{id}",
            parts={"id": id},
            json={"key": key, "url": url, "default": default},
            lookup=Lookup(
                ReferralLink,
                "GET /customer_referral_links/{id}",
                parts={"id": key or id},
                same=renamed(url=url, default=default),
            ),
        )

    async def delete(self, id: str) -> None:  # noqa: A002 - the API's own name
        """Delete a link.

        Raises `NotFoundError` when there is none, and likely `ValidationError` for a
        customer's default link. Source: the vendor's PHP library.
        """
        await self._call(
            NoneType,
            Kind.STATE,
            "DELETE /customer_referral_links/{id}",
            parts={"id": id},
        )


def _of_customer(owner: str, key: str) -> Lookup:
    return Lookup(
        Page[ReferralLink],
        "GET /customers/{id}/referral_links",
        parts={"id": owner},
        query={"limit": 250},
        mine=holds(key=key),
    )
