"""Partners of an affiliate program."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from types import NoneType
from typing import Literal

from .._lookup import Lookup, holds
from .._wire import iso_text, reference
from ..models.pages import Page
from ..models.partners import Partner, PartnerBonus, PartnerRef, SignInUrl
from ..pages import Pages
from ..retries import Kind
from ._resource import Resource


class PartnersResource(Resource, programs=["affiliate"]):
    """Partners: those who bring customers, and earn on their sales."""

    def list(
        self, *, limit: int = 100, sort: Literal["asc", "desc"] | None = None
    ) -> Pages[Partner]:
        """Walk all partners, newest first.

        *limit* is the size of a page, 1 to 250. *sort* is known from the vendor's
        connector only. The items are shorter than what `get` returns.
        """
        return self._pages(Page[Partner], "GET /partners", limit=limit, sort=sort)

    def search(
        self,
        *,
        id: str | None = None,  # noqa: A002 - the API's own name
        email: str | None = None,
        key: str | None = None,
        limit: int = 100,
    ) -> Pages[Partner]:
        """Find partners by id, e-mail address or any of their referral keys.

        Give one criterion: how several combine is not documented, nor is whether part
        of a value matches. *limit* is the size of a page, 1 to 250.
        """
        return self._pages(
            Page[Partner],
            "GET /partners:search",
            limit=limit,
            id=id,
            email=email,
            key=key,
        )

    async def get(self, id: str) -> Partner:  # noqa: A002 - the API's own name
        """Read one partner, with statistics.

        A referral key is not found here: use `find` for one.
        Raises `NotFoundError` when there is none.
        """
        return await self._call(
            Partner, Kind.READ, "GET /partners/{id}", parts={"id": id}
        )

    async def find(
        self,
        *,
        key: str | None = None,
        email: str | None = None,
        id: str | None = None,  # noqa: A002 - the API's own name
    ) -> Partner:
        """Read one partner by referral key, e-mail address or id, with statistics.

        Give exactly one of the three. Raises `NotFoundError` when there is none.
        Source: the vendor's connector.
        """
        query = {"key": key, "email": email, "id": id}
        return await self._call(Partner, Kind.READ, "GET /partner", query=query)

    async def create(
        self,
        *,
        email: str,
        name: str | None = None,
        surname: str | None = None,
        password: str | None = None,
        id: str | None = None,  # noqa: A002 - the API's own name
        key: str | None = None,
        tags: Sequence[str] | None = None,
        referring_partner: PartnerRef | None = None,
        if_exists: Literal["raise", "return"] = "raise",
    ) -> Partner:
        """Create a partner, approved and active at once.

        *email* and *id* are unique; *id* and *key*, the referral key of the default
        link, are made by the API when left out. *password* has 8 characters or more,
        with a lower-case letter, an upper-case letter and a digit. *referring_partner*
        is the one who recruited this one, in multi-tier programs.

        A partner with this *email* is refused with a `ValidationError`;
        ``if_exists="return"`` returns the one that is there if it has the same values,
        and raises `ConflictError` if it has others. It is found by a search, whose
        answers show id, email and names: *key* and *tags* are not compared.
        """
        body = {
            "email": email,
            "name": name,
            "surname": surname,
            "password": password,
            "id": id,
            "key": key,
            "tags": tags,
            "referring_partner": referring_partner
            and reference(referring_partner, "referring_partner"),
        }
        return await self._call(
            Partner,
            Kind.UNIQUE,
            "POST /partners",
            json=body,
            key=email,
            lookup=Lookup(
                Page[Partner],
                "GET /partners:search",
                query={"email": email, "limit": 250},
                # A search may match parts: only the very address counts.
                mine=holds(email=email),
                same=holds(name=name, surname=surname, id=id),
            ),
            returns_existing=self._returns_existing(if_exists),
        )

    async def update(
        self,
        id: str,  # noqa: A002 - the API's own name
        *,
        email: str | None = None,
        name: str | None = None,
        surname: str | None = None,
        password: str | None = None,
        key: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> Partner:
        """Change a partner: what is left out stays as it is.

        *tags* replaces the whole set, and an empty sequence clears it. *key* renames
        the default link. Constraints are those of `create`.
        """
        changes = {
            "email": email,
            "name": name,
            "surname": surname,
            "password": password,
            "key": key,
            "tags": tags,
        }
        return await self._call(
            Partner,
            Kind.STATE,
            "PUT /partners/{id}",
            parts={"id": id},
            json={"update": changes},
            lookup=Lookup(Partner, "GET /partners/{id}", parts={"id": id}),
        )

    async def delete(self, id: str) -> None:  # noqa: A002 - the API's own name
        """Delete a partner for good. `archive` can be taken back.

        Raises `NotFoundError` when there is none.
        """
        await self._call(
            NoneType, Kind.STATE, "DELETE /partners/{id}", parts={"id": id}
        )

    async def archive(self, id: str) -> None:  # noqa: A002 - the API's own name
        """Archive a partner: no portal access, no earnings, until `restore`.

        Raises `BadRequestError` when the partner is archived already.
        """
        await self._call(
            NoneType,
            Kind.STATE,
            "POST /partners/{id}/archive",
            parts={"id": id},
            lookup=Lookup(
                Partner,
                "GET /partners/{id}",
                parts={"id": id},
                same=holds(status="archived"),
            ),
        )

    async def restore(self, id: str) -> None:  # noqa: A002 - the API's own name
        """Bring an archived partner back.

        Raises `BadRequestError` when the partner is not archived.
        """
        await self._call(
            NoneType,
            Kind.STATE,
            "POST /partners/{id}/revoke-archive",
            parts={"id": id},
            lookup=Lookup(
                Partner,
                "GET /partners/{id}",
                parts={"id": id},
                same=lambda partner: partner.status != "archived",
            ),
        )

    async def sign_in_url(
        self,
        *,
        key: str | None = None,
        email: str | None = None,
        expires_in: int | None = None,
    ) -> SignInUrl:
        """Make a one-time URL that signs a partner in to the portal.

        Give *key* (a referral key) or *email*. *expires_in* is in seconds, 30 to 900.
        Source: the vendor's connector; what it answers was never published.
        """
        body = {"key": key, "email": email, "expires_in": expires_in}
        return await self._call(
            # A repeat only makes another one-time URL, so it is as safe as a read.
            SignInUrl,
            Kind.READ,
            "POST /partners:sign-in-url",
            json=body,
        )

    async def add_reward(
        self,
        id: str,  # noqa: A002 - the API's own name
        *,
        amount: Decimal | float,
        date: datetime | str | None = None,
        note: str | None = None,
    ) -> PartnerBonus:
        """Credit a one-off bonus.

        *amount* is in major units of the program's currency: 0.01 or more, two
        decimals. *date* is when it takes effect, now when left out. *note* is shown
        when the reward is reviewed.

        It has no key to look it up by: when the answer is lost this raises
        `AmbiguousWriteError`, and the partner's rewards tell whether it is there.
        Source: the vendor's connector; what it answers was never published.
        """
        body = {"amount": amount, "date": iso_text(date, "date"), "note": note}
        return await self._call(
            PartnerBonus,
            Kind.RELATIVE,
            "POST /partners/{id}/reward",
            parts={"id": id},
            json=body,
        )
