"""Payout requests of an affiliate program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from .._lookup import Lookup
from .._wire import reference
from ..models.pages import Page
from ..models.partners import PartnerRef
from ..models.payouts import PayoutRequest, PayoutSettings
from ..pages import Bounds, Pages
from ..retries import Kind
from ._resource import Resource

BOUNDS: Final = Bounds(smallest=10, largest=100)
"""Those of the vendor's connector; no other source knows this list."""


class PayoutsResource(Resource, programs=["affiliate"]):
    """Payout requests: what partners are owed, on its way to them.

    Source of all of it: the vendor's connector. What the API answers was never
    published.
    """

    def list(
        self, *, limit: int = 100, sort: Literal["asc", "desc"] | None = None
    ) -> Pages[PayoutRequest]:
        """Walk all payout requests, newest first.

        *limit* is the size of a page, 10 to 100. *sort* turns them round.
        """
        return self._pages(
            Page[PayoutRequest],
            "GET /payout_requests",
            limit=limit,
            bounds=BOUNDS,
            sort=sort,
        )

    def search(
        self,
        *,
        amount_units: str | None = None,
        partner_email: str | None = None,
        partner_id: str | None = None,
        partner_key: str | None = None,
        status: Literal[
            "requested",
            "approved",
            "finished",
            "rejected",
            "resubmit_requested",
            "resubmitted",
        ]
        | None = None,
        limit: int = 100,
        sort: Literal["asc", "desc"] | None = None,
    ) -> Pages[PayoutRequest]:
        """Find the payout requests that match all criteria, newest first.

        *amount_units* is a currency code, sent in lower case. *limit* is the size of a
        page, 10 to 100.
        """
        return self._pages(
            Page[PayoutRequest],
            "GET /payout_requests:search",
            limit=limit,
            bounds=BOUNDS,
            amount_units=amount_units and amount_units.lower(),
            partner_email=partner_email,
            partner_id=partner_id,
            partner_key=partner_key,
            status=status,
            sort=sort,
        )

    async def get(self, id: int) -> PayoutRequest:  # noqa: A002 - the API's own name
        """Read one payout request.

        Raises `NotFoundError` when there is none.
        """
        return await self._call(
            PayoutRequest,
            Kind.READ,
            "GET /payout_requests/{id}",
            parts={"id": str(id)},
        )

    async def create(
        self,
        *,
        partner: PartnerRef,
        amount_units: str,
        gateway: Literal["crypto", "paypal", "venmo", "wise"] | None = None,
        payout_settings: PayoutSettings | None = None,
        reward_ids: Sequence[int] | None = None,
    ) -> PayoutRequest:
        """Request payment of a partner's whole unpaid balance in one currency.

        *partner* names the partner by one of id, key or email. *amount_units* is a
        currency code, sent in lower case; an amount cannot be given. The method that
        the partner saved is used when *gateway* is left out; *payout_settings* are its
        details. *reward_ids* narrows the payout to those rewards, in a program in which
        partners may choose them.

        It has no key to look it up by: when the answer is lost this raises
        `AmbiguousWriteError`, and `search` tells whether it is there. A partner who is
        not active, or has no payout details or nothing unpaid, is a `ValidationError`.
        """
        body = {
            "partner": reference(partner, "partner"),
            "amount_units": amount_units.lower(),
            "gateway": gateway,
            "payout_settings": payout_settings,
            "reward_ids": reward_ids,
        }
        return await self._call(
            PayoutRequest, Kind.RELATIVE, "POST /payout_requests", json=body
        )

    async def approve(self, id: int) -> PayoutRequest:  # noqa: A002 - the API's own name
        """Approve a payout request that is waiting.

        Raises `BadRequestError` in any other state (that it is refused is known, the
        status is assumed).
        """
        return await self._call(
            PayoutRequest,
            Kind.STATE,
            "POST /payout_requests/{id}/approve",
            parts={"id": str(id)},
            # What is finished was approved before.
            lookup=_in_state(id, "approved", "finished"),
        )

    async def mark_as_paid(self, id: int) -> PayoutRequest:  # noqa: A002 - the API's own name
        """Close an approved payout request. It moves no money: pay first.

        Raises `BadRequestError` in any other state (that it is refused is known, the
        status is assumed).
        """
        return await self._call(
            PayoutRequest,
            Kind.STATE,
            "POST /payout_requests/{id}/mark_as_paid",
            parts={"id": str(id)},
            lookup=_in_state(id, "finished"),
        )


def _in_state(id: int, *states: str) -> Lookup:  # noqa: A002 - the API's own name
    return Lookup(
        PayoutRequest,
        "GET /payout_requests/{id}",
        parts={"id": str(id)},
        same=lambda payout: payout.status in states,
    )
