"""Subscribers of a newsletter program."""

from datetime import datetime
from typing import Any, TypedDict

import attrs

from ._model import Model, no_extra


class SubscriberRef(TypedDict, total=False):
    """Points at a subscriber. Send one member."""

    id: str
    email: str


@attrs.define(kw_only=True)
class Subscriber(Model):
    """A subscriber of a newsletter."""

    id: str | None = None
    """Often None right after creation, where a mailing provider gives it."""
    name: str | None = None
    email: str | None = None
    """Unique in the program."""
    is_referred: bool | None = None
    tos: bool | None = None
    """Whether the terms were accepted."""
    marketing_consent: bool | None = None
    status: str | None = None
    """Capitalised, such as ``Active``, while requests take lower case."""
    approved: bool | None = None
    portal_link: str | None = None
    share_link: str | None = None
    referrals_count: int | None = None
    reward: list[Any] | None = None
    """Only ever seen empty."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)
