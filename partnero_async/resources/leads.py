"""Leads of an affiliate program."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import NoneType
from typing import Any, Final, Literal

from .._lookup import Lookup, holds
from .._wire import reference, without_none
from ..errors import RefusedError
from ..models.leads import Lead, LeadDetails
from ..models.pages import Page
from ..models.partners import PartnerRef
from ..pages import Pages
from ..retries import Kind
from ._resource import Resource

METHOD_NOT_ALLOWED: Final = 405


class LeadsResource(Resource, programs=["affiliate"]):
    """Leads: prospects whom partners submit, before they are customers."""

    def list(
        self, *, limit: int = 100, sort: Literal["asc", "desc"] | None = None
    ) -> Pages[Lead]:
        """Walk all leads, newest first.

        *limit* is the size of a page, 1 to 250. *sort* is known from the vendor's
        connector only.
        """
        return self._pages(Page[Lead], "GET /leads", limit=limit, sort=sort)

    async def get(self, id: int) -> Lead:  # noqa: A002 - the API's own name
        """Read one lead.

        Raises `NotFoundError` when there is none.
        """
        return await self._call(
            Lead, Kind.READ, "GET /leads/{id}", parts={"id": str(id)}
        )

    async def create(
        self,
        *,
        name: str,
        email: str,
        partner: PartnerRef,
        cfields: Mapping[str, str | Sequence[str]] | None = None,
    ) -> Lead:
        """Submit a lead for a partner.

        *name* is the whole name. *partner* names the partner by one of id, key or
        email. *cfields* answers the program's own form fields: from a field's id, as a
        text, to a text, to several for a checkbox field, or to a country code;
        `details` lists the fields.

        It has no key to look it up by: when the answer is lost this raises
        `AmbiguousWriteError`, and the newest leads tell whether it is there.
        Raises `NotFoundError` when there is no such partner.
        """
        body = {
            "name": name,
            "email": email,
            "partner": reference(partner, "partner"),
            "cfields": cfields,
        }
        return await self._call(Lead, Kind.RELATIVE, "POST /leads", json=body)

    async def convert(
        self,
        id: int,  # noqa: A002 - the API's own name
        *,
        commission_transaction_amount: Decimal | float,
    ) -> Lead:
        """Turn a lead into a customer with a first sale.

        *commission_transaction_amount* is the amount of that sale, in major units.
        ``converted_to`` of the result has the customer's key.

        The documentation has it as a GET, and the vendor's connector as a POST, which
        is sent when the GET is answered with 405. Neither is ever sent again: when the
        answer is lost and the lead is not converted, this raises `AmbiguousWriteError`.
        A lead that cannot be converted is a `ValidationError` (the status is inferred).
        """
        members = {
            "id": id,
            "commission_transaction_amount": commission_transaction_amount,
        }
        return await self._decide("convert", Kind.RELATIVE, members, "converted")

    async def reject(self, id: int) -> Lead:  # noqa: A002 - the API's own name
        """Reject a lead.

        Sent as a GET, and as a POST where that is answered with 405, as in `convert`.
        A lead that cannot be rejected is a `ValidationError` (the status is inferred).
        Source: the old documentation.
        """
        return await self._decide("reject", Kind.STATE, {"id": id}, "rejected")

    async def delete(self, id: int) -> None:  # noqa: A002 - the API's own name
        """Delete a lead.

        Raises `NotFoundError` when there is none. Source: the vendor's connector.
        """
        await self._call(
            NoneType, Kind.STATE, "DELETE /leads/{id}", parts={"id": str(id)}
        )

    async def details(self) -> LeadDetails:
        """Read how the program takes leads: commission, and fields of the form.

        Source: the old documentation.
        """
        return await self._call(LeadDetails, Kind.READ, "GET /leads/details")

    async def _decide(
        self, action: str, kind: Kind, members: Mapping[str, Any], status: str
    ) -> Lead:
        lookup = Lookup(
            Lead,
            "GET /leads/{id}",
            parts={"id": str(members["id"])},
            same=holds(status=status),
        )
        get, post = f"GET /leads/{action}", f"POST /leads/{action}"
        rest: dict[str, Any] = {"key": str(members["id"]), "lookup": lookup}
        # What JSON would refuse, such as an amount of NaN, is no query either.
        query = without_none(members)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._transport.settings.timeout
        try:
            return await self._call(Lead, kind, get, query=query, **rest)
        except RefusedError as error:
            if error.status != METHOD_NOT_ALLOWED:
                raise
        left = deadline - loop.time()
        return await self._call(Lead, kind, post, json=members, seconds=left, **rest)
