"""Customers of an affiliate program: those whom a partner brought."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypedDict

import attrs

from ._model import Model, no_extra
from .partners import PartnerRef
from .referrals import ReferringCustomer


class CustomerRef(TypedDict, total=False):
    """Points at a customer. Send one member."""

    key: str
    email: str
    id: str


class NewCustomer(CustomerRef, total=False):
    """A customer that a sale names, or creates when ``create_customer`` is set."""

    name: str
    surname: str
    tags: Sequence[str]
    created_at: str
    partner: PartnerRef
    referring_customer: ReferringCustomer
    """Refer-a-friend programs only: who referred."""


@attrs.define(kw_only=True)
class Customer(Model):
    """A customer of an affiliate program."""

    key: str | None = None
    """Chosen by the caller: an account id, or an e-mail address."""
    partner: str | None = None
    """Id of the partner who brought the customer."""
    email: str | None = None
    name: str | None = None
    surname: str | None = None
    status: str | None = None
    """``active`` or ``suspended``; None in lists, which leave it out."""
    deleted: bool | None = None
    tags: list[str] | None = None
    """In no certain order; None in lists, which leave them out."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)
