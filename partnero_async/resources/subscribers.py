"""Subscribers of a newsletter program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import NoneType
from typing import Literal

from .._lookup import Lookup, holds, renamed
from .._wire import reference
from ..errors import UsageError
from ..models.pages import Page
from ..models.subscribers import Subscriber, SubscriberRef
from ..pages import Bounds, Pages
from ..retries import Kind
from ._resource import Resource


class SubscribersResource(Resource, programs=["newsletter"]):
    """Subscribers of a newsletter program: they read, and refer others."""

    def list(
        self,
        *,
        limit: int = 100,
        refer_status: Literal["referred", "non_referred"] | None = None,
    ) -> Pages[Subscriber]:
        """Walk all subscribers, or those who were referred, or were not.

        *limit* is the size of a page, 10 to 250. Source: the old documentation.
        """
        return self._pages(
            Page[Subscriber],
            "GET /subscribers",
            limit=limit,
            bounds=Bounds(smallest=10),
            refer_status=refer_status,
        )

    async def search(
        self,
        *,
        email: str | None = None,
        id: str | None = None,  # noqa: A002 - the API's own name
    ) -> Sequence[Subscriber]:
        """Find subscribers by e-mail address or id. Give one of them.

        The vendor's PHP library passes any criteria on and names none: these two are
        inferred. No pages are documented: all that are found come at once.
        """
        query = {"email": email, "id": id}
        return await self._whole(
            Page[Subscriber], "GET /subscribers:search", query=query
        )

    async def get(self, identifier: str) -> Subscriber:
        """Read one subscriber by id or e-mail address.

        Raises `NotFoundError` when there is none. Source: the vendor's PHP library.
        """
        return await self._call(
            Subscriber,
            Kind.READ,
            "GET /subscribers/{identifier}",
            parts={"identifier": identifier},
        )

    async def create(
        self,
        *,
        email: str,
        id: str | None = None,  # noqa: A002 - the API's own name
        name: str | None = None,
        tos: bool | None = None,
        marketing_consent: bool | None = None,
        approved: bool | None = None,
        status: Literal["active", "rejected", "suspended"] | None = None,
        referral: SubscriberRef | None = None,
        if_exists: Literal["raise", "return"] = "raise",
    ) -> Subscriber:
        """Create a subscriber.

        *email* is unique. Do not send *id* where subscribers are synchronised with a
        mailing provider, which gives it. *tos* says that the terms were accepted.
        *referral* names who referred this one, by id or email.

        A subscriber with this *email* is refused with a `ValidationError` (inferred);
        ``if_exists="return"`` returns the one that is there if it has the same values,
        and raises `ConflictError` if it has others.
        """
        body = {
            "id": id,
            "email": email,
            "name": name,
            "tos": tos,
            "marketing_consent": marketing_consent,
            "approved": approved,
            "status": status,
            "referral": referral and reference(referral, "referral"),
        }
        same = holds(
            name=name, tos=tos, marketing_consent=marketing_consent, approved=approved
        )
        return await self._call(
            Subscriber,
            Kind.UNIQUE,
            "POST /subscribers",
            json=body,
            key=email,
            lookup=Lookup(
                Subscriber,
                "GET /subscribers/{identifier}",
                parts={"identifier": email},
                mine=holds(email=email),
                same=_same(same, id, status),
            ),
            returns_existing=self._returns_existing(if_exists),
        )

    async def update(
        self,
        id: str,  # noqa: A002 - the API's own name
        *,
        email: str | None = None,
        name: str | None = None,
        new_id: str | None = None,
        tos: bool | None = None,
        marketing_consent: bool | None = None,
        approved: bool | None = None,
        status: Literal["active", "rejected", "suspended"] | None = None,
    ) -> Subscriber:
        """Change a subscriber: what is left out stays as it is.

        *new_id* changes the id; the API calls it ``identifier`` here.

        Raises `NotFoundError` when there is none. Source: the vendor's PHP library.
        """
        changes = {
            "identifier": new_id,
            "email": email,
            "name": name,
            "approved": approved,
            "tos": tos,
            "marketing_consent": marketing_consent,
            "status": status,
        }
        return await self._call(
            Subscriber,
            Kind.STATE,
            "PUT /subscribers",
            json={"id": id, "update": changes},
            key=id,
            lookup=Lookup(
                Subscriber,
                "GET /subscribers/{identifier}",
                parts={"identifier": new_id or id},
                same=renamed(email=email, name=name),
            ),
        )

    async def delete(
        self,
        *,
        id: str | None = None,  # noqa: A002 - the API's own name
        email: str | None = None,
    ) -> None:
        """Delete a subscriber, named by *id* or by *email*.

        Raises `UsageError` unless exactly one is given, since nobody knows what the API
        deletes without a name, and `NotFoundError` when there is no such subscriber.
        Source: the vendor's PHP library.
        """
        if bool(id) == bool(email):
            raise UsageError("give id or email: it says whom to delete")
        await self._call(
            NoneType,
            Kind.STATE,
            "DELETE /subscribers",
            json={"id": id or None, "email": email or None},
            key=id or email,
        )


def _same(
    same: Callable[[Subscriber], bool],
    id: str | None,  # noqa: A002 - the API's own name
    status: str | None,
) -> Callable[[Subscriber], bool]:
    """Compare the id where there is one yet, and the status in either case."""
    return lambda found: (
        same(found)
        and (id is None or found.id in (id, None))
        and (status is None or (found.status or status).lower() == status)
    )
