"""Rewards of a newsletter program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ..models.pages import Page
from ..models.rewards import NewsletterReward
from ..retries import Kind
from ._resource import Resource


class RewardsResource(Resource, programs=["newsletter"]):
    """Rewards of a newsletter program: what subscribers get for referring others."""

    async def list(self) -> Sequence[NewsletterReward]:
        """Read all rewards.

        No pages are documented, so all come at once. Source: the old documentation.
        """
        return await self._whole(Page[NewsletterReward], "GET /rewards")

    async def get(self, id: int) -> NewsletterReward:  # noqa: A002 - the API's own name
        """Read one reward.

        Raises `NotFoundError` when there is none. Source: the old documentation.
        """
        return await self._call(
            NewsletterReward, Kind.READ, "GET /rewards/{id}", parts={"id": str(id)}
        )

    async def create(
        self,
        *,
        name: str,
        description: str | None = None,
        subscribers_count: int | None = None,
        fulfillment_type: Literal["url_link", "generic_coupon", "amazon_gift_card"]
        | None = None,
        fulfillment_value: str | None = None,
    ) -> NewsletterReward:
        """Define a reward. It pays nobody by itself.

        *subscribers_count* is how many referrals unlock it; the answer calls it
        ``subscriber_count``. *fulfillment_value* is what is handed out, such as the
        coupon's code.

        It has no key to look it up by, and a second call defines a second reward: so
        when the answer is lost this raises `AmbiguousWriteError`, and `list` tells
        whether it is there. Source: the old documentation.
        """
        body = {
            "name": name,
            "description": description,
            "subscribers_count": subscribers_count,
            "fulfillment_type": fulfillment_type,
            "fulfillment_value": fulfillment_value,
        }
        return await self._call(
            NewsletterReward, Kind.RELATIVE, "POST /rewards", json=body
        )
