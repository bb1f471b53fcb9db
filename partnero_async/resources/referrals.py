"""Customers of a refer-a-friend program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import NoneType
from typing import Any, Literal, cast
from urllib.parse import quote

from .._keys import made_up_key
from .._lookup import Lookup, holds
from .._wire import reference
from ..models.pages import Page
from ..models.referrals import (
    CustomerBalance,
    Referral,
    ReferralMetadata,
    ReferringCustomer,
)
from ..pages import Pages
from ..retries import Kind
from ._resource import Resource

PLAIN = cast("type[Any]", object)
"""The result where the answer was never published: JSON as it came."""

AWAY = ("archived", "deleted")
"""What the status of an archived customer may be; only the second was ever seen."""


class ReferralsResource(Resource, programs=["refer_a_friend"]):
    """Customers of a refer-a-friend program: they refer others, and are referred.

    The API has them under the same URLs as the customers of an affiliate program, with
    other fields. Their id is private and their key public; paths take the id.
    """

    def list(
        self,
        *,
        limit: int = 100,
        refer_status: Literal["referred", "non_referred"] | None = None,
        sort: Literal["asc", "desc"] | None = None,
    ) -> Pages[Referral]:
        """Walk all customers, newest first; or those who were referred, or were not.

        *limit* is the size of a page, 1 to 250. *sort* is known from the vendor's
        connector only.
        """
        return self._pages(
            Page[Referral],
            "GET /customers",
            limit=limit,
            refer_status=refer_status,
            sort=sort,
        )

    def search(
        self,
        *,
        id: str | None = None,  # noqa: A002 - the API's own name
        key: str | None = None,
        email: str | None = None,
        limit: int = 100,
    ) -> Pages[Referral]:
        """Find customers by id, public key or e-mail address.

        Give one criterion: how several combine is not documented, nor is whether part
        of a value matches. *limit* is the size of a page, 1 to 250.
        Source: the vendor's PHP library.
        """
        return self._pages(
            Page[Referral],
            "GET /customers:search",
            limit=limit,
            id=id,
            key=key,
            email=email,
        )

    async def get(self, id: str) -> Referral:  # noqa: A002 - the API's own name
        """Read one customer.

        Raises `NotFoundError` when there is none. Source: the vendor's PHP library.
        """
        return await self._call(
            Referral, Kind.READ, "GET /customers/{id}", parts={"id": id}
        )

    async def create(
        self,
        *,
        id: str | None = None,  # noqa: A002 - the API's own name
        key: str | None = None,
        email: str | None = None,
        name: str | None = None,
        surname: str | None = None,
        password: str | None = None,
        metadata: ReferralMetadata | None = None,
        referring_customer: ReferringCustomer | None = None,
        if_exists: Literal["raise", "return"] = "raise",
    ) -> Referral:
        """Register a customer, and who referred them.

        *id* is private and unique (old documentation), *key* is public and part of the
        referral link; each is made by the API when left out. *email* is unique; the old
        documentation insists on it, so send it. *password* is known from the vendor's
        PHP library only. *referring_customer* is named by id or key (the value of the
        ``partnero_referral`` cookie); left out, the customer is simply not referred.

        A customer that is there already is refused with a `ValidationError` (inferred);
        ``if_exists="return"`` returns it if it has the same values, and raises
        `ConflictError` if it has others. It is looked up by the first of *id*, *email*
        and *key* that is given; where none is, an id is made, since without one a lost
        answer could not be looked up.
        """
        if not (id or email or key):
            id = made_up_key()  # noqa: A001 - the API's own name
        body = {
            "id": id,
            "key": key,
            "email": email,
            "name": name,
            "surname": surname,
            "password": password,
            "metadata": metadata,
            "referring_customer": referring_customer,
        }
        referrer = None
        if referring_customer is not None:
            referrer = reference(referring_customer, "referring_customer").get("id")
        return await self._call(
            Referral,
            Kind.UNIQUE,
            "POST /customers",
            json=body,
            key=id or email or key,
            lookup=_registered(
                id,
                email,
                key,
                same=_same(holds(email=email, name=name, surname=surname), referrer),
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
        id_in_body: bool = False,
    ) -> Referral:
        """Change a customer: what is left out stays as it is.

        The documentation was not seen beyond *email* and *name*; *surname* is known
        from the vendor's PHP library. With *id_in_body* the customer is named in the
        body and not in the path, as that library does: the one form that was seen
        whole. Try it where the other one is refused.

        Raises `NotFoundError` when there is none.
        """
        changes = {"email": email, "name": name, "surname": surname}
        return await self._call(
            Referral,
            Kind.STATE,
            "PUT /customers" if id_in_body else "PUT /customers/{id}",
            parts={"id": id},
            json={"id": id if id_in_body else None, "update": changes},
            lookup=Lookup(Referral, "GET /customers/{id}", parts={"id": id}),
        )

    async def delete(self, id: str) -> None:  # noqa: A002 - the API's own name
        """Delete a customer. `archive` can be taken back.

        Raises `NotFoundError` when there is none. Source: the vendor's PHP library.
        """
        await self._call(
            NoneType, Kind.STATE, "DELETE /customers/{id}", parts={"id": id}
        )

    async def archive(self, id: str) -> None:  # noqa: A002 - the API's own name
        """Archive a customer, until `restore`.

        Raises `BadRequestError` when it is archived already (inferred).
        """
        await self._call(
            NoneType,
            Kind.STATE,
            "POST /customers/{id}/archive",
            parts={"id": id},
            lookup=Lookup(
                Referral,
                "GET /customers/{id}",
                parts={"id": id},
                same=lambda customer: customer.status in AWAY,
            ),
        )

    async def restore(self, id: str) -> None:  # noqa: A002 - the API's own name
        """Bring an archived customer back.

        Raises `BadRequestError` when it is not archived (inferred).
        Source: the vendor's connector.
        """
        await self._call(
            NoneType,
            Kind.STATE,
            "POST /customers/{id}/revoke-archive",
            parts={"id": id},
            lookup=Lookup(
                Referral,
                "GET /customers/{id}",
                parts={"id": id},
                same=lambda customer: customer.status not in AWAY,
            ),
        )

    async def referred(self, id: str) -> Sequence[Referral]:  # noqa: A002 - the API's name
        """Read the customers whom one customer has referred.

        Raises `NotFoundError` when there is no such customer. No pages are documented:
        all come at once. Source: the vendor's PHP library; what it answers was never
        published.
        """
        return await self._whole(
            Page[Referral], "GET /customers/{id}/referrals", parts={"id": id}
        )

    async def stats(self, id: str) -> Any:  # noqa: A002 - the API's own name
        """Read the statistics of one customer.

        Source: the vendor's PHP library; what the API answers was never published, so
        plain data is returned. Raises `NotFoundError` when there is no such customer.
        """
        return await self._call(
            PLAIN, Kind.READ, "GET /customers/{id}/stats", parts={"id": id}
        )

    async def invite(
        self,
        *,
        email: str,
        name: str | None = None,
        surname: str | None = None,
        personalization: Mapping[str, str] | None = None,
    ) -> Any:
        """Send an invitation by e-mail.

        *personalization* fills the places of the program's text; which there are
        depends on it. What the API answers was never published, so plain data is
        returned.

        It is never sent twice: when the answer is lost this raises
        `AmbiguousWriteError`, and nothing tells whether the message went out.
        Source: the vendor's PHP library.
        """
        body = {
            "email": email,
            "name": name,
            "surname": surname,
            "personalization": personalization,
        }
        return await self._call(
            PLAIN, Kind.RELATIVE, "POST /customers:invite", json=body, key=email
        )

    async def balance(self, id: str) -> CustomerBalance:  # noqa: A002 - the API's name
        """Read what a customer has earned and not yet got.

        Raises `NotFoundError` when there is none. Source: the old documentation.
        """
        return await self._call(
            CustomerBalance,
            Kind.READ,
            "GET /customers/{id}/balance",
            parts={"id": id},
        )

    async def credit(
        self,
        id: str,  # noqa: A002 - the API's own name
        *,
        amount: Decimal | float,
        amount_units: str,
        is_currency: bool = True,
    ) -> Any:
        """Add to a customer's balance.

        *amount* is in major units of the currency *amount_units* (a code in either
        case: the API takes it in lower case and answers it in upper case), or counts
        rewards of that name where *is_currency* is false. What the API answers was
        never published, so plain data is returned.

        A second call adds again, and it has no key to look it up by: so when the answer
        is lost this raises `AmbiguousWriteError`; compare `balance` before and after.
        An unknown customer is a `NotFoundError`, a unit that the program does not use a
        `ValidationError` (inferred). Source: the old documentation.
        """
        body = {
            "amount": amount,
            "is_currency": is_currency,
            "amount_units": amount_units.lower() if is_currency else amount_units,
        }
        return await self._call(
            PLAIN,
            Kind.RELATIVE,
            "POST /customers/{id}/balance/credit",
            parts={"id": id},
            json=body,
            key=id,
        )


def _registered(
    id: str | None,  # noqa: A002 - the API's own name
    email: str | None,
    key: str | None,
    *,
    same: Callable[[Referral], bool],
) -> Lookup:
    """Find a customer by what is surest of what was sent."""
    if id:
        return Lookup(Referral, "GET /customers/{id}", parts={"id": id}, same=same)
    # A search may match parts, and the key is in the links only.
    return Lookup(
        Page[Referral],
        "GET /customers:search",
        query={"email": email, "key": None if email else key, "limit": 250},
        mine=holds(email=email) if email else _has_key(key or ""),
        same=same,
    )


def _has_key(key: str) -> Callable[[Referral], bool]:
    def compared(found: Referral) -> bool:
        links = [found.referral_link or "", *(found.referral_links or [])]
        # Whether a key with signs in it is encoded in a link was never shown.
        ends = f"={key}", f"={quote(key, safe='')}"
        return found.id == key or any(link.endswith(ends) for link in links)

    return compared


def _same(
    same: Callable[[Referral], bool], referrer: str | None
) -> Callable[[Referral], bool]:
    """Compare who referred the customer too, where an id was sent."""

    def compared(found: Referral) -> bool:
        by = found.referring_customer
        # What is inside was never published: without an id it cannot be compared.
        named = by.get("id", referrer) if isinstance(by, dict) else None
        return same(found) and (referrer is None or named == referrer)

    return compared
