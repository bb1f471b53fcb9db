"""Referral links of partners."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Literal

from .._lookup import Lookup, holds, renamed
from .._wire import reference
from ..models.links import LinkDomain, ReferralLink
from ..models.pages import Page
from ..models.partners import PartnerRef
from ..pages import Pages
from ..retries import Kind
from ._resource import Resource


class PartnerLinksResource(Resource, programs=["affiliate"]):
    """Referral links of partners; each partner has a default one from the start."""

    def list(
        self,
        id: str,  # noqa: A002 - the API's own name
        *,
        limit: int = 100,
    ) -> Pages[ReferralLink]:
        """Walk the links of the partner with this *id*.

        *limit* is the size of a page, 1 to 250. Raises `NotFoundError` when there is no
        such partner.
        """
        return self._pages(
            Page[ReferralLink],
            "GET /partners/{id}/referral_links",
            limit=limit,
            parts={"id": id},
        )

    async def search(
        self,
        *,
        id: str | None = None,  # noqa: A002 - the API's own name
        key: str | None = None,
    ) -> Sequence[ReferralLink]:
        """Find links by id or key, which are equal in every published answer.

        Give one criterion. Whether part of a value matches is not documented, and there
        are no pages. Source: the vendor's PHP library.
        """
        return await self._whole(
            Page[ReferralLink],
            "GET /partner_referral_links:search",
            query={"id": id, "key": key},
        )

    def domains(self, *, limit: int = 100) -> Pages[LinkDomain]:
        """Walk the domains on which links can be made.

        *limit* is the size of a page, 1 to 250.
        """
        return self._pages(
            Page[LinkDomain], "GET /partner_referral_links:domains", limit=limit
        )

    async def get(self, id: str) -> ReferralLink:  # noqa: A002 - the API's own name
        """Read one link by its id, which is its key in every published answer.

        Raises `NotFoundError` when there is none. Source: the vendor's PHP library.
        """
        return await self._call(
            ReferralLink,
            Kind.READ,
            "GET /partner_referral_links/{id}",
            parts={"id": id},
        )

    async def create(
        self,
        key: str,
        *,
        partner: PartnerRef,
        domain_id: int | None = None,
        is_additional: bool | None = None,
        if_exists: Literal["raise", "return"] = "raise",
    ) -> ReferralLink:
        """Create a link for a partner.

        *key* is what the link is told by, and unique in the program. *partner* names
        its owner by one of id, key or email. *domain_id* is an id from `domains`, and
        needs *is_additional*; the default domain is taken when both are left out.

        A *key* that is taken is refused with a `ValidationError`;
        ``if_exists="return"`` returns the link that is there, and raises
        `ConflictError` if it differs. A link does not say whose it is, so only for a
        partner who is named by id is it certain that the link is this partner's.
        """
        owner = reference(partner, "partner").get("id")
        body = {
            "partner": partner,
            "key": key,
            "domain_id": domain_id,
            "is_additional": is_additional,
        }
        return await self._call(
            ReferralLink,
            Kind.UNIQUE,
            "POST /partner_referral_links",
            json=body,
            key=key,
            lookup=_of_partner(owner, key, is_additional)
            if owner
            else _anywhere(key, is_additional),
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

        *key* renames it, and is unique. Raises `NotFoundError` when there is no such
        link: also when an answer was lost and the repeat no longer finds the old name,
        and then ``maybe_applied`` is set on the error.
        Source: the vendor's PHP library.
        """
        return await self._call(
            ReferralLink,
            Kind.STATE,
            "PUT /partner_referral_links/{id}",
            parts={"id": id},
            json={"key": key, "url": url, "default": default},
            lookup=Lookup(
                ReferralLink,
                "GET /partner_referral_links/{id}",
                parts={"id": key or id},
                same=renamed(url=url, default=default),
            ),
        )

    async def delete(self, id: str) -> None:  # noqa: A002 - the API's own name
        """Delete a link.

        Raises `NotFoundError` when there is none. Whether a partner's default link can
        be deleted is not documented. Source: the vendor's PHP library.
        """
        await self._call(
            NoneType,
            Kind.STATE,
            "DELETE /partner_referral_links/{id}",
            parts={"id": id},
        )


def _of_partner(owner: str, key: str, is_additional: bool | None) -> Lookup:  # noqa: FBT001 - as in the body
    return Lookup(
        Page[ReferralLink],
        "GET /partners/{id}/referral_links",
        parts={"id": owner},
        query={"limit": 250},
        mine=holds(key=key),
        same=holds(is_additional=is_additional),
    )


def _anywhere(key: str, is_additional: bool | None) -> Lookup:  # noqa: FBT001 - as in the body
    return Lookup(
        Page[ReferralLink],
        "GET /partner_referral_links:search",
        query={"key": key},
        # A search may match parts: only the very key counts.
        mine=holds(key=key),
        same=holds(is_additional=is_additional),
    )
