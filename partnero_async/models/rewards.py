"""Rewards of a newsletter program: what subscribers get for referring others."""

from datetime import datetime
from typing import Any

import attrs

from ._model import Model, no_extra


@attrs.define(kw_only=True)
class NewsletterReward(Model):
    """A reward that subscribers unlock by referring others."""

    id: int | None = None
    name: str | None = None
    description: str | None = None
    status: str | None = None
    """Only ``active`` was ever seen."""
    type: str | None = None
    """Only ``default`` was ever seen."""
    fulfillment_type: str | None = None
    """``url_link``, ``generic_coupon`` or ``amazon_gift_card``."""
    fulfillment_type_name: str | None = None
    """For people."""
    fulfillment_value: str | None = None
    """What is handed out: an address, a code."""
    subscriber_count: int | None = None
    """How many referrals unlock it; `create` calls it ``subscribers_count``."""
    times_triggered: int | None = None
    """None in older lists."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)
